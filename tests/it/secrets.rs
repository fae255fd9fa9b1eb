//! A password appears nowhere.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::support::command::Pgtend;
use tokio::net::TcpListener;

use crate::support::tls::{PASSWORD, guarded, write};
use crate::support::{Database, NOTHING, Output};

/// Pieces of [`PASSWORD`] and of its spelling in a URL, each telling.
const TELLING: [&str; 2] = ["Tr0ub4dor", "dor%263"];

/// [`PASSWORD`] in a URL.
const ENCODED: &str = "Tr0ub4dor%263%20%40%2F%3A%25";

#[track_caller]
fn assert_silent(what: &str, text: &str) {
    for piece in TELLING {
        assert!(!text.contains(piece), "{what} holds the password:\n{text}");
    }
}

/// Not the whole output: that shows the call itself.
#[track_caller]
fn assert_output_silent(output: &Output) {
    assert_silent("standard output", &output.stdout);
    assert_silent("standard error", &output.stderr);
}

/// The process's arguments, which every user of the machine can read.
fn command_line(pid: u32) -> String {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    String::from_utf8(arguments).unwrap().replace('\0', " ")
}

/// Each way to give the password, as arguments.
fn ways(db: &Database) -> Vec<Vec<String>> {
    let url = format!("postgres://locked:{ENCODED}@127.0.0.1:{}/{}", db.server.port, db.name);
    let query = format!(
        "postgres://locked@127.0.0.1:{}/{}?password={ENCODED}&connect_timeout=9",
        db.server.port, db.name
    );
    let words = format!("password='{PASSWORD}' {}", db.tcp_as("locked"));
    let config = db.path("pgtend.toml");
    let config = config.display().to_string();
    let way = |words: &[&str]| words.iter().map(|word| word.to_string()).collect::<Vec<_>>();
    vec![
        way(&["-d", &url]),
        way(&[&format!("-d{url}")]),
        way(&["-d", &query]),
        way(&["-d", &query.replace("?password", "?sslpassword=Tr0ub4dor&pass%77ord")]),
        way(&["-d", &url.replace("postgres://", "postgresql+psycopg2://")]),
        way(&[
            "-d",
            &query
                .replace("postgres://locked@", "jdbc:postgresql://")
                .replace('?', "?user=locked&"),
        ]),
        way(&["-d", &words]),
        way(&[&format!("--database-url={url}")]),
        way(&[&format!("--database-url={words}")]),
        way(&["--config", &config, "--target", "crm"]),
    ]
}

async fn database() -> (Database, String) {
    let db = Database::new_on(&guarded().await.server).await;
    db.sql("CREATE TABLE sales (id int)").await;
    let url = format!("postgres://locked:{ENCODED}@127.0.0.1:{}/{}", db.server.port, db.name);
    db.declare_as("pgtend.toml", &format!("[targets.crm]\nurl = \"{url}\"\n"));
    let declared = db.declare("CREATE INDEX sales_id ON sales (id);");
    (db, declared)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn neither_shown_nor_in_the_arguments_while_an_apply_waits() {
    let (db, declared) = database().await;
    for way in ways(&db) {
        let way = way.iter().map(String::as_str).collect::<Vec<_>>();
        let reader = db.session().await;
        reader
            .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
            .await
            .unwrap();
        let call = [&["apply", "--echo", "-v", &declared], &way[..]].concat();
        let running = Pgtend::new(&call).start();
        db.until_waiting("pgtend/apply").await;
        let arguments = command_line(running.pid());
        assert!(arguments.contains("apply"), "{arguments}");
        assert_silent("the command line", &arguments);
        reader.batch_execute("COMMIT").await.unwrap();

        let output = running.wait().expect(0);
        assert!(output.stderr.contains("CREATE INDEX CONCURRENTLY"), "no echo\n{output}");
        assert_output_silent(&output);
        db.assert_whole("sales_id").await;
        db.sql("DROP INDEX sales_id").await;
    }
    let log = fs::read_to_string(&db.server.log_path).unwrap();
    let log = log.lines().filter(|line| line.contains(&format!("db={} ", db.name)));
    let log = log.collect::<Vec<_>>().join("\n");
    assert!(log.contains("app=pgtend/apply"), "the log holds nothing of ours");
    assert_silent("the server's log", &log);
}

#[tokio::test]
async fn not_in_the_json_document() {
    let (db, declared) = database().await;
    for way in ways(&db) {
        let way = way.iter().map(String::as_str).collect::<Vec<_>>();
        let call = [&["plan", "--format", "json", &declared], &way[..]].concat();
        let output = Pgtend::new(&call).run().expect(0);
        output.json();
        assert_output_silent(&output);
    }
}

#[tokio::test]
async fn not_in_the_failure_to_connect() {
    let (db, declared) = database().await;
    db.sql("CREATE ROLE other LOGIN").await;
    for format in ["table", "json"] {
        for way in ways(&db) {
            // The guarded server lets `other` in by no way at all over TCP.
            let way = way.iter().map(|word| word.replace("locked", "other")).collect::<Vec<_>>();
            let way = way.iter().map(String::as_str).collect::<Vec<_>>();
            let call = [&["plan", "--format", format, &declared], &way[..]].concat();
            let is_target = way.contains(&"--target");
            let output = Pgtend::new(&call).run().expect(if is_target { 0 } else { 3 });
            assert!(is_target || output.stderr.contains("no pg_hba.conf entry"), "{output}");
            assert_output_silent(&output);
        }
    }
}

#[test]
fn not_in_what_is_said_of_malformed_connection_texts() {
    let folder = tempfile::tempdir().unwrap();
    let malformed = [
        "postgres://me:Tr0ub4dor@3@host/db",
        "postgres://me:Tr0ub4dor/3@host/db",
        "postgres://me:Tr0ub4dor%zz@host/db",
        "postgres://me:Tr0ub4dor#3@host:port/db",
        "postgres://me:Tr0ub4dor@host/db?sslmode=never",
        "postgres://me:Tr0ub4dor@host/db?nonsense=1",
        "postgres://me@host/db?password=Tr0ub4dor&3=",
        "http://me:Tr0ub4dor@host/db",
        "me:Tr0ub4dor@host/db",
        "host=h password=Tr0ub4dor & 3",
        "host=h password=Tr0ub4dor x=Tr0ub4dor",
        "host=h password='Tr0ub4dor",
        "host=h port=Tr0ub4dor",
        "host=h sslmode=Tr0ub4dor",
        "postgres//me:Tr0ub4dor@host/db",
        "postgres:/me:Tr0ub4dor@host/db",
        " postgres://me:Tr0ub4dor@host/db",
        "\"postgres://me:Tr0ub4dor@host/db?sslmode=require\"",
        "postgres%3A%2F%2Fme%3ATr0ub4dor%40host%2Fdb",
        "Host=h;Username=me;Password=Tr0ub4dor",
        "host=h;password=Tr0ub4dor",
        "sslpassword=Tr0ub4dor host=h",
        "host=h pasword=x Tr0ub4dor=1",
        "postgres://me:Tr0ub4dor",
        "postgres://me@host:Tr0ub4dor/db",
    ];
    for (number, text) in malformed.iter().enumerate() {
        let name = format!("{number}.toml");
        let quoted = serde_json::to_string(text).unwrap();
        write(folder.path(), &name, &format!("[targets.crm]\nurl = {quoted}\n"));
        let config = folder.path().join(name).display().to_string();
        for format in ["table", "json"] {
            let call = ["plan", "--format", format, NOTHING];
            let by_option = Pgtend::new(&[&call[..], &["-d", text]].concat()).run();
            let by_variable = Pgtend::new(&call).env("DATABASE_URL", text).run();
            let target = [&call[..], &["--config", &config, "--target", "crm"]].concat();
            for output in [by_option, by_variable, Pgtend::new(&target).run()] {
                let output = output.expect(2);
                assert!(output.stderr.contains("error: "), "{output}");
                assert_output_silent(&output);
            }
        }
    }
}

/// Such a text cannot be hidden in the arguments, so it must not stand there for as long as a
/// pipe takes to be written.
#[tokio::test]
async fn what_cannot_be_hidden_is_refused_before_the_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("declared.sql").display().to_string();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for text in [
        "postgres://me:Tr0ub4dor@3@host/db",
        "postgres://me:Tr0ub4dor",
        "sslpassword=Tr0ub4dor",
        "host=h port=Tr0ub4dor",
        "host=@Tr0ub4dor",
        "host=h sslmode=Tr0ub4dor",
        "host=h password=Tr0ub4dor sslmode=nonsense",
    ] {
        let running = Pgtend::new(&["plan", "-d", text, &pipe]).start();
        // ConnectOptions the pipe would block for ever; the call's end shows that it did not.
        let output = running.wait_within(Duration::from_secs(30)).expect(2);
        assert_output_silent(&output);
    }
}

#[test]
fn not_in_what_is_said_of_a_broken_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[targets.crm]\nurl = \"postgres://me:Tr0ub4dor@host/db\n";
    write(folder.path(), "pgtend.toml", config);
    let config = folder.path().join("pgtend.toml").display().to_string();
    let call = ["plan", "-", "--config", &config, "--target", "crm"];
    let output = Pgtend::new(&call).run().expect(2);
    assert!(output.stderr.contains("pgtend.toml:2"), "{output}");
    assert_output_silent(&output);
}

/// psql takes a connection URL without any option.
#[test]
fn not_in_what_is_said_of_a_misplaced_connection_url() {
    let url = "postgres://me:Tr0ub4dor@host/db";
    let calls: [&[&str]; 3] =
        [&["plan", url], &["apply", "-", url], &["plan", "-", "--target", url]];
    for call in calls {
        let output = Pgtend::new(call).run().expect(2);
        assert!(output.stderr.contains("hint: say where to connect with -d URL"), "{output}");
        assert_output_silent(&output);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn passwords_of_other_servers_are_hidden_and_used() {
    let (db, _) = database().await;
    db.sql("CREATE INDEX sales_id ON sales (id)").await;
    let url = |port: u16| format!("postgres://locked:{ENCODED}@127.0.0.1:{port}/{}", db.name);
    let check = |url: &str| {
        db.start(&["check", "indexes", "--echo", "-v", "--format", "json", "--also", url])
    };
    let reason = |output: &Output| {
        let check = output.json().checks.into_iter().find(|it| it.name == "unused-index");
        check.unwrap().reason.unwrap_or_default()
    };

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let running = check(&url(silent.local_addr().unwrap().port()));
    let (socket, _) = silent.accept().await.unwrap();
    assert_silent("the command line", &command_line(running.pid()));
    drop((socket, silent));
    let output = running.wait().expect(0);
    assert!(reason(&output).contains("127.0.0.1"), "{output}");
    assert_output_silent(&output);

    let output = check(&url(db.server.port)).wait().expect(0);
    assert_eq!(reason(&output), "", "{output}");
    assert_output_silent(&output);
}
