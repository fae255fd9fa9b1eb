//! What shells offer while a command line is typed.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::command::Pgtend;
use crate::support::{Database, Output};

/// A database with names that are hard to type.
async fn database() -> Database {
    let db = Database::new().await;
    db.sql(
        "CREATE SCHEMA app; CREATE SCHEMA \"We;ird\";
         CREATE TABLE sales (id int, day date);
         CREATE INDEX sales_day ON sales (day);
         CREATE MATERIALIZED VIEW daily_sales AS SELECT day, count(*) AS n FROM sales GROUP BY day;
         CREATE MATERIALIZED VIEW app.weekly AS SELECT 1 AS n;
         CREATE MATERIALIZED VIEW \"We;ird\".\"it's $HOME `x`\" AS SELECT 1 AS n;
         CREATE MATERIALIZED VIEW \"two\nlines\" AS SELECT 1 AS n;
         CREATE MATERIALIZED VIEW \"bell\u{7}\" AS SELECT 1 AS n;",
    )
    .await;
    db
}

fn shell(name: &str, words: &[&str]) -> Pgtend {
    Pgtend::new(&[&["--", "pgtend"], words].concat()).env("COMPLETE", name)
}

/// What is offered for the last of the words; nothing may be said on standard error.
fn offered(db: &Database, words: &[&str]) -> Vec<String> {
    lines(&shell("fish", words).env("DATABASE_URL", &db.url_as("postgres")).run().expect(0))
}

fn lines(output: &Output) -> Vec<String> {
    assert_eq!(output.stderr, "", "{output}");
    let values = output.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned());
    values.collect()
}

#[test]
fn commands_options_and_their_values_are_offered_without_a_server() {
    let offered = |words: &[&str]| lines(&shell("fish", words).run().expect(0));
    assert_eq!(offered(&["ref"]), ["refresh"]);
    assert!(offered(&[""]).contains(&"check".to_owned()));
    assert_eq!(offered(&["apply", "--max-bl"]), ["--max-blocker-age"]);
    assert_eq!(offered(&["check", "--fail-on", "cri"]), ["critical"]);
    assert_eq!(offered(&["verify", "--fail-on", "error,table-sc"]), ["error,table-scan"]);
    assert_eq!(offered(&["rules", "table-sc"]), ["table-scan"]);
    assert_eq!(offered(&["check", "--only", "secur"]), ["security"]);
    assert_eq!(offered(&["man", "refr"]), ["refresh"]);
    assert!(offered(&["verify", "--layout", ""]).contains(&"sqlx".to_owned()));
    assert_eq!(offered(&["completions", "zs"]), ["zsh"]);
    let described = shell("zsh", &["refre"]).run().expect(0);
    assert!(
        described.stdout.starts_with("refresh\tRefresh materialized views"),
        "{described}"
    );
}

#[test]
fn targets_of_the_configuration_are_offered() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pgtend.toml");
    fs::write(&file, "[targets.shop]\nurl = \"x\"\n[targets.\"a b\"]\nurl = \"y\"\n").unwrap();
    let file = file.to_str().unwrap();
    let offered = |words: &[&str]| lines(&shell("fish", words).run().expect(0));
    assert_eq!(offered(&["--config", file, "plan", "--target", ""]), ["a b", "shop"]);
    assert_eq!(offered(&["plan", &format!("--config={file}"), "--target=s"]), ["--target=shop"]);
    fs::write(file, "[targets.shop\n").unwrap();
    assert_eq!(offered(&["--config", file, "plan", "--target", ""]), [""; 0]);
}

#[tokio::test]
async fn names_of_the_database_are_offered_as_they_are_written() {
    let db = database().await;
    let hostile = "\"We;ird\".\"it's $HOME `x`\"";
    // A line cannot hold what holds a line end, and no terminal wants a bell.
    assert_eq!(offered(&db, &["refresh", ""]), [hostile, "app.weekly", "daily_sales"]);
    assert_eq!(offered(&db, &["refresh", "We"]), [hostile]);
    assert_eq!(offered(&db, &["refresh", "daily_sales", "app.w"]), ["app.weekly"]);
    assert_eq!(offered(&db, &["refresh", "public.da"]), ["public.daily_sales"]);
    assert_eq!(offered(&db, &["vacuum", "sa"]), ["sales"]);
    assert_eq!(offered(&db, &["plan", "--table", "sa"]), ["sales"]);
    assert_eq!(offered(&db, &["plan", "--index=sales_d"]), ["--index=sales_day"]);
    assert_eq!(offered(&db, &["reindex", "sal"]), ["sales_day"]);
    assert_eq!(offered(&db, &["apply", "--for-schema", ""]), ["We;ird", "app", "public"]);
    let url = db.url_as("postgres");
    let named = shell("fish", &["-d", &url, "refresh", "da"]).run().expect(0);
    assert_eq!(lines(&named), ["daily_sales"]);
}

#[tokio::test]
async fn a_server_that_is_not_there_or_refuses_is_nothing_to_offer_in_time() {
    let db = database().await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent =
        format!("host=127.0.0.1 port={} dbname=x user=x", silent.local_addr().unwrap().port());
    let refused = format!("{} dbname=nowhere", db.url_as("nobody_at_all"));
    let far = "host=host.invalid dbname=x user=x".to_owned();
    for url in [
        silent,
        "host=/nowhere dbname=x user=x".to_owned(),
        refused,
        far,
        "nonsense://".to_owned(),
    ] {
        let began = Instant::now();
        let output = shell("bash", &["refresh", "da"]).env("DATABASE_URL", &url).run().expect(0);
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""), "{url}");
        // The program's own limit is 250 ms; the machine may be busy.
        assert!(began.elapsed() < Duration::from_secs(3), "{url}: {:?}", began.elapsed());
    }
}

#[test]
fn no_other_word_in_the_environment_keeps_the_program_from_its_work() {
    for value in ["", "0", "1", "tcsh"] {
        let output = Pgtend::new(&["--version"]).env("COMPLETE", value).run().expect(0);
        assert!(output.stdout.starts_with("pgtend "), "{output}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = Pgtend::new(&["completions", shell]).run().expect(0);
        let asked = Pgtend::new(&[]).env("COMPLETE", shell).run().expect(0);
        assert_eq!(script.stdout, asked.stdout);
    }
}

/// Whether the shell is on this machine; CI has all of them.
fn has(shell: &str) -> bool {
    let mut command = Command::new(shell);
    command.args(["-c", "true"]).stdin(Stdio::null()).stderr(Stdio::null());
    let is_there = command.status().is_ok_and(|status| status.success());
    assert!(
        is_there || std::env::var_os("CI").is_none(),
        "there is no {shell}: scripts/ensure-shells"
    );
    is_there
}

/// What the shell prints that has read the completions' script and this line.
fn in_shell(db: &Database, shell: &str, line: &str) -> Output {
    let script = Pgtend::new(&["completions", shell]).run().expect(0).stdout;
    let file = db.path(&format!("completions.{shell}"));
    fs::write(&file, script).unwrap();
    let line = format!("exec {shell} {} -c '{}'", options(shell), line.replace('\'', "'\\''"));
    let call = Pgtend::in_shell(&line).env("SCRIPT", file.to_str().unwrap());
    call.env("DATABASE_URL", &db.url_as("postgres")).run().expect(0)
}

fn options(shell: &str) -> &'static str {
    match shell {
        "bash" => "--norc",
        "zsh" => "-f",
        _ => "--no-config",
    }
}

#[tokio::test]
async fn bash_puts_into_the_line_what_it_reads_as_the_name_again() {
    let db = database().await;
    // As readline calls it: the line, the point, and the words that bash makes of it.
    let complete = |typed: &str| {
        let line = format!(
            "source \"$SCRIPT\"; COMP_LINE={}; COMP_POINT=${{#COMP_LINE}}; COMP_WORDBREAKS==:; _pgtend
             printf \"%s\\n\" \"${{COMPREPLY[@]}}\"",
            quoted(typed)
        );
        lines(&in_shell(&db, "bash", &line))
    };
    assert_eq!(complete("pgtend refresh da"), ["daily_sales"]);
    assert_eq!(complete("pgtend refresh --mode=c"), ["concurrent"]);
    assert_eq!(complete("pgtend ref"), ["refresh"]);
    let hostile = complete("pgtend refresh We");
    let read = in_shell(&db, "bash", &format!("printf %s {}", hostile[0]));
    assert_eq!(read.stdout, "\"We;ird\".\"it's $HOME `x`\"", "{hostile:?}");
    assert_eq!(complete("pgtend vacuum \"sa"), ["sales"]);
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[tokio::test]
async fn fish_asks_for_what_can_stand_there() {
    if !has("fish") {
        return;
    }
    let db = database().await;
    let complete = |typed: &str| {
        let line = format!("source $SCRIPT; complete -C {}", quoted(typed).replace("'\\''", "\\'"));
        lines(&in_shell(&db, "fish", &line))
    };
    assert_eq!(complete("pgtend refresh da"), ["daily_sales"]);
    assert_eq!(complete("pgtend refresh app.w"), ["app.weekly"]);
    assert_eq!(complete("pgtend ref"), ["refresh"]);
    assert_eq!(complete("pgtend plan --for-schema ap"), ["app"]);
}

#[tokio::test]
async fn zsh_is_told_values_with_what_they_mean() {
    if !has("zsh") {
        return;
    }
    let db = database().await;
    // What the completion system is given; it quotes by itself.
    let complete = |typed: &[&str]| {
        let words = typed.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        let line = format!(
            "compdef() {{ }}; source \"$SCRIPT\"
             compadd() {{ [[ $* == *values* ]] && print -rl -- $values || print -rl -- $open }}
             words=({words}); CURRENT=$#words; _pgtend"
        );
        lines(&in_shell(&db, "zsh", &line))
    };
    assert_eq!(complete(&["pgtend", "refresh", "da"]), ["daily_sales"]);
    assert_eq!(complete(&["pgtend", "refresh", "We"]), ["\"We;ird\".\"it's $HOME `x`\""]);
    assert_eq!(complete(&["pgtend", "refresh", "'\"We"]), ["\"We;ird\".\"it's $HOME `x`\""]);
    assert_eq!(complete(&["pgtend", "ref"]), ["refresh"]);
}
