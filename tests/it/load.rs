//! `pgtend load`: what is sent, how often, what is measured, and what is refused.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Database, Output, until};

/// A table of 1,000 rows, and a database that counts its statements.
async fn items() -> Database {
    let db = Database::new().await;
    db.sql(
        // As every database has it from PostgreSQL 15 on.
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         CREATE EXTENSION pg_stat_statements;
         CREATE TABLE items (id int PRIMARY KEY, kind text NOT NULL, tags text[]);
         INSERT INTO items SELECT n, 'kind ' || n % 3, ARRAY['a', 'b'] FROM generate_series(1, 1000) n;
         ANALYZE items",
    )
    .await;
    db
}

fn workload(db: &Database, files: &[(&str, &str)]) -> String {
    for (name, text) in files {
        let path = db.path("load").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    db.path("load").display().to_string()
}

fn load(db: &Database, arguments: &[&str]) -> Output {
    db.pgtend(&[&["load", "--format", "json"], arguments].concat())
}

fn number(of: &Value, key: &str) -> f64 {
    of[key].as_f64().unwrap_or_else(|| panic!("{key}: {of}"))
}

/// How often the server has executed what has these words.
async fn calls(db: &Database, words: &str) -> u64 {
    let sql = format!(
        "SELECT coalesce(sum(s.calls), 0)::text FROM pg_stat_statements AS s
         JOIN pg_database AS d ON d.oid = s.dbid
         WHERE d.datname = current_database() AND s.query LIKE '%{words}%'
           AND s.query NOT LIKE '%pg_stat_statements%'"
    );
    db.value(&sql).await.parse().unwrap()
}

const BY_ID: &str = "\\set id random(1, 1000)\nSELECT kind AS by_id FROM items WHERE id = :id;\n";

#[tokio::test]
async fn a_rate_is_kept_and_counted() {
    let db = items().await;
    let folder = workload(&db, &[("by_id.sql", BY_ID)]);
    let output = load(
        &db,
        &["--workload", &folder, "--rate", "200", "--duration", "3s", "--warm-up", "0s"],
    );
    assert_eq!(output.code, 0, "{output}");
    let document = output.json();
    let (requests, unsent) = (document.requests.unwrap(), document.unsent.unwrap());
    // What is due in the moment of the beginning or the end may fall on either side.
    assert!((570..=630).contains(&(requests + unsent)), "{output}");
    let [statement] = document.statements.as_slice() else {
        panic!("{output}")
    };
    assert_eq!(statement["executions"], requests);
    assert_eq!(statement["rows"], requests, "each id is there");
    assert_eq!(statement["query"], "SELECT kind AS by_id FROM items WHERE id = $1");
    assert!(statement["name"].as_str().unwrap().ends_with("by_id.sql:2"), "{statement}");
    let counted = calls(&db, "by_id").await;
    assert!(counted >= requests && counted <= requests + 30, "{counted}: {output}");
    let figures = document.latency_ms.unwrap();
    // A busy machine may send less than it should, which is told.
    assert!((50.0..=210.0).contains(&document.rate.unwrap()), "{output}");
    let keys = ["p50", "p90", "p95", "p99", "p999", "max"].map(|key| number(&figures, key));
    assert!(keys.is_sorted() && keys[0] > 0.0, "{output}");
    let course = document.course.unwrap();
    let parts = course["requests"].as_array().unwrap().iter().map(|it| it.as_u64().unwrap());
    assert_eq!(parts.sum::<u64>(), requests);
    let setup = document.load.unwrap();
    assert_eq!((&setup["wanted_rate"], &setup["clients"]), (&200.0.into(), &16.into()));
    let server = document.server.unwrap();
    assert!(number(&server, "commits") >= requests as f64, "{output}");
    assert!(number(&server, "blocks_hit") >= 2.0 * requests as f64, "{output}");
}

#[tokio::test]
async fn clients_share_files_by_weight_and_values_come_from_all_places() {
    let db = items().await;
    let folder = workload(
        &db,
        &[
            ("kinds.txt", "kind 1\nkind 2\nnone such\n"),
            (
                "a.sql",
                "\\set kind file(kinds.txt)\nSELECT count(*) AS of_file FROM items WHERE kind = :kind;",
            ),
            (
                "b.sql",
                "\\set kind column(items.kind)\n\\set n 2\nSELECT id FROM items WHERE kind = :kind LIMIT :n;
                 SELECT count(*) AS second FROM items WHERE id = :n * 2 - :n;",
            ),
        ],
    );
    let (a, b) = (format!("{folder}/a.sql@3"), format!("{folder}/b.sql"));
    let output = load(
        &db,
        &[
            "--workload",
            &a,
            "--workload",
            &b,
            "--clients",
            "2",
            "--duration",
            "1s",
            "--seed",
            "7",
        ],
    );
    assert_eq!(output.code, 0, "{output}");
    let document = output.json();
    let [of_file, of_column, second] = document.statements.as_slice() else {
        panic!("{output}")
    };
    assert_eq!(document.errors, Vec::<Value>::new());
    let [of_file, column, second] = [of_file, of_column, second].map(|it| number(it, "executions"));
    assert!((column - second).abs() <= 2.0, "they follow each other: {output}");
    let ratio = of_file / column;
    assert!((2.0..4.5).contains(&ratio), "{ratio}: {output}");
    assert_eq!(
        number(of_column, "rows"),
        2.0 * column,
        "values of the column are there: {output}"
    );
    assert_eq!(document.load.unwrap()["seed"], 7);
}

/// A lock that is held for two seconds: at a rate all that is due meanwhile waits; who asks only when the last answer is
/// there, sees one slow answer.
#[tokio::test]
async fn a_rate_shows_the_stall_that_waiting_clients_hide() {
    let db = items().await;
    let folder = workload(&db, &[("by_id.sql", BY_ID)]);
    let stalled = async |arguments: &[&str]| {
        let all = [
            &[
                "load",
                "--format",
                "json",
                "--workload",
                &folder,
                "--warm-up",
                "0s",
                "--clients",
                "2",
            ],
            &["--duration", "6s"][..],
            arguments,
        ];
        let before = calls(&db, "by_id").await;
        let running = db.start(&all.concat());
        until("it sends", || async { calls(&db, "by_id").await > before + 20 }).await;
        let blocker = db.hold("LOCK TABLE items").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        blocker.release().await;
        let output = running.wait();
        assert_eq!(output.code, 0, "{output}");
        (output.json(), output)
    };
    let (open, output) = stalled(&["--rate", "100"]).await;
    let figures = open.latency_ms.unwrap();
    // A third of all were due while the lock was held, and waited for a second in the mean.
    assert!(number(&figures, "max") > 1900.0 && number(&figures, "p90") > 1000.0, "{output}");
    let waits = open.waits.iter().find(|wait| wait["type"] == "Lock");
    assert_eq!(waits.unwrap_or_else(|| panic!("{output}"))["event"], "relation");
    let (closed, output) = stalled(&[]).await;
    let figures = closed.latency_ms.unwrap();
    assert!(number(&figures, "max") > 1900.0, "{output}");
    assert!(number(&figures, "p99") < 1000.0, "{output}");
}

#[tokio::test]
async fn what_writes_is_refused_before_anything_is_sent() {
    let db = items().await;
    for (text, why) in [
        ("UPDATE items SET kind = 'x'", "it writes (UPDATE)"),
        ("WITH gone AS (DELETE FROM items RETURNING *) TABLE gone", "it writes (DELETE)"),
        ("SELECT * FROM items FOR UPDATE", "it locks rows"),
        ("SELECT * INTO copied FROM items", "it is not one SELECT"),
        (
            "SELECT set_config('transaction_read_only', 'off', false)",
            "it changes settings",
        ),
        ("VACUUM items", "it is not one SELECT"),
        ("SELECT * FROM items WHERE id = :id", ":id is not set"),
        ("SELECT * FROM no_such_table", "no_such_table"),
    ] {
        let folder = workload(&db, &[("a.sql", BY_ID), ("b.sql", text)]);
        let output = load(&db, &["--workload", &folder, "--duration", "1s"]).expect(2);
        assert!(output.stderr.contains("b.sql:1: "), "{text}: {output}");
        assert!(output.stderr.contains(why), "{text}: {output}");
    }
    assert_eq!(calls(&db, "by_id").await, 0);
    assert_eq!(db.value("SELECT count(*)::text FROM items").await, "1000");

    // What its text does not tell, the session refuses.
    db.sql("CREATE FUNCTION sly() RETURNS int LANGUAGE sql AS 'DELETE FROM items RETURNING 1'")
        .await;
    let folder = workload(&db, &[("a.sql", "SELECT 1"), ("b.sql", "SELECT sly()")]);
    let output =
        load(&db, &["--workload", &folder, "--duration", "1s", "--warm-up", "0s"]).expect(0);
    let document = output.json();
    assert_eq!(document.errors[0]["sqlstate"], "25006", "{output}");
    assert_eq!(db.value("SELECT count(*)::text FROM items").await, "1000");
}

#[tokio::test]
async fn writes_need_the_name_of_the_very_database() {
    let db = items().await;
    let folder = workload(
        &db,
        &[(
            "a.sql",
            "\\set id random(1, 1000)\nUPDATE items SET kind = 'changed' WHERE id = :id;",
        )],
    );
    let call = ["--workload", &folder, "--duration", "1s", "--warm-up", "0s"];
    let wrong = load(&db, &[&call[..], &["--allow-writes", "postgres"]].concat()).expect(2);
    assert!(wrong.stderr.contains("and nothing was sent"), "{wrong}");
    let none = load(&db, &call).expect(2);
    assert!(none.stderr.contains(&format!("--allow-writes {} sends", db.name)), "{none}");
    assert_eq!(db.value("SELECT count(*)::text FROM items WHERE kind = 'changed'").await, "0");
    let output = load(&db, &[&call[..], &["--allow-writes", &db.name]].concat()).expect(0);
    let document = output.json();
    assert!(document.requests.unwrap() > 10, "{output}");
    assert!(number(&document.server.unwrap(), "wal_bytes") > 0.0, "{output}");
    assert_ne!(db.value("SELECT count(*)::text FROM items WHERE kind = 'changed'").await, "0");
}

#[tokio::test]
async fn errors_are_counted_by_sqlstate_and_lost_connections_are_made_anew() {
    let db = items().await;
    let folder = workload(
        &db,
        &[
            ("a.sql", BY_ID),
            ("b.sql", "\\set n random(0, 0)\nSELECT 1 / :n::int;"),
            ("c.sql", "SELECT pg_sleep(60)"),
            ("d.sql", "\\set n 0\n\\set m 1 / :n\nSELECT :m::int;"),
        ],
    );
    let call = ["load", "--format", "json", "--workload", &folder, "--warm-up", "0s"];
    let more = ["--clients", "4", "--duration", "1h", "--statement-time", "200ms"];
    let running = db.start(&[&call[..], &more].concat());
    let clients = "FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = 'pgtend/load' AND state = 'active' AND query LIKE '%pg_sleep%'";
    until("it sends", || async { calls(&db, "by_id").await > 20 }).await;
    let killed = format!("SELECT count(pg_terminate_backend(pid))::text {clients}");
    until("one is killed", || async { db.value(&killed).await != "0" }).await;
    let before = calls(&db, "by_id").await;
    until("it goes on", || async { calls(&db, "by_id").await > before + 20 }).await;
    running.signal("INT");
    let output = running.wait().expect(130);
    let document = output.json();
    let count = |sqlstate: &str| {
        let found = document.errors.iter().find(|error| error["sqlstate"] == sqlstate);
        found.map_or(0, |error| error["count"].as_u64().unwrap())
    };
    assert!(count("22012") > 0 && count("57014") > 0, "{output}");
    assert!(count("57P01") + count("08006") > 0, "{output}");
    let all = document
        .errors
        .iter()
        .map(|error| error["count"].as_u64().unwrap())
        .sum::<u64>();
    assert_eq!(document.failed.unwrap(), all);
    let of_statements = document.statements.iter().map(|it| it["errors"].as_u64().unwrap());
    assert!(
        of_statements.sum::<u64>() < all,
        "a value that cannot be reckoned is none's: {output}"
    );
}

#[tokio::test]
async fn what_a_file_says_to_send_at_once_is_sent_at_once() {
    let db = items().await;
    let boxes = "\\set s 1\nSELECT 1 AS first;\n\\startparallel\nSELECT pg_sleep(:s::int), 1 AS one;\n\
                 SELECT pg_sleep(:s::int), 2 AS two;\nSELECT pg_sleep(:s::int), 3 AS three;\n\\endparallel\n";
    let folder = workload(&db, &[("boxes.sql", boxes)]);
    let call = ["load", "--format", "json", "--workload", &folder, "--warm-up", "0s"];
    let running = db.start(&[&call[..], &["--clients", "1", "--duration", "1h"]].concat());
    let asleep = "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = 'pgtend/load' AND wait_event = 'PgSleep'";
    until("three statements run at once", || async { db.value(asleep).await == "3" }).await;
    until("another request is sent", || async { calls(&db, "AS first").await > 2 }).await;
    running.signal("INT");
    let document = running.wait().expect(130).json();
    assert_eq!(document.statements.len(), 4);
    let median = |of: &Value| number(&of["latency_ms"], "p50");
    let first = median(&document.statements[0]);
    for slept in &document.statements[1..] {
        assert!(median(slept) >= 1000.0 && first < 1000.0, "{slept}");
    }
}

#[tokio::test]
async fn a_request_fails_once_whatever_number_of_its_statements_do() {
    let db = items().await;
    let wrong = "\\set n random(0, 0)\n\\startparallel\nSELECT 1 / :n::int;\nSELECT 2 / :n::int;\n\
                 SELECT kind FROM items LIMIT 1;\n\\endparallel\n";
    let folder = workload(&db, &[("wrong.sql", wrong)]);
    let more = ["--clients", "2", "--duration", "1s", "--warm-up", "0s"];
    let document = load(&db, &[&["--workload", &folder], &more[..]].concat()).json();
    let failed = document.failed.unwrap();
    assert!(failed > 0);
    assert_eq!(document.errors.len(), 1);
    assert_eq!(document.errors[0]["count"].as_u64(), Some(failed));
    let errors = document.statements.iter().map(|it| it["errors"].as_u64().unwrap());
    assert_eq!(errors.collect::<Vec<_>>(), [failed, 0, 0]);
    assert!(number(&document.statements[2], "executions") >= failed as f64);
}

#[tokio::test]
async fn ctrl_c_shows_what_was_measured_so_far() {
    let db = items().await;
    let folder = workload(&db, &[("a.sql", BY_ID), ("b.sql", "SELECT pg_sleep(3600) AS asleep")]);
    let call = ["load", "--format", "json", "--workload", &folder, "--warm-up", "0s"];
    let often = format!("{folder}/a.sql@5");
    let more = ["--workload", &often, "--duration", "1h", "--statement-time", "2h"];
    let running = db.start(&[&call[..], &more].concat());
    let asleep = "SELECT count(*)::text FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'active' AND query LIKE '%asleep%'
          AND pid <> pg_backend_pid()";
    until("all clients sleep", || async { db.value(asleep).await == "8" }).await;
    running.signal("INT");
    let output = running.wait().expect(130);
    let document = output.json();
    assert_eq!(document.outcome, "cancelled");
    assert!(document.requests.unwrap() > 0, "{output}");
    assert_eq!(document.failed.unwrap(), 0, "what pgtend cancels is no error: {output}");
    until("no session is left", || async { db.value(asleep).await == "0" }).await;
}

#[tokio::test]
async fn a_command_is_measured_before_meanwhile_and_after() {
    let db = items().await;
    let folder = workload(&db, &[("by_id.sql", BY_ID)]);
    let call = ["--workload", &folder, "--rate", "100", "--duration", "1s", "--warm-up", "0s"];
    let output =
        load(&db, &[&call[..], &["--during", "echo said; sleep 1; exit 3"]].concat()).expect(4);
    assert!(output.stderr.contains("said\n"), "{output}");
    let document = output.json();
    assert!(document.warnings.iter().any(|it| it.rule == "command-failed"), "{output}");
    let during = document.during.unwrap();
    assert_eq!(during["exit_code"], 3);
    let phases = during["phases"].as_array().unwrap();
    let names = phases.iter().map(|phase| phase["phase"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(names, ["before", "meanwhile", "after"]);
    let sent = |phase: &Value| number(phase, "requests") + number(phase, "unsent");
    assert!(phases.iter().all(|phase| (70.0..600.0).contains(&sent(phase))), "{output}");
    assert_eq!(phases[1]["requests"], document.requests.unwrap());

    let path = db.path("stopped").display().to_string();
    // In quotes: what is run is told, too.
    let waits =
        format!("trap 'echo cleaned > {path}; exit 0' TERM; echo 're''ady'; sleep 100 & wait");
    let running = db.start(&[&["load"], &call[..], &["--during", &waits]].concat());
    until("the command runs", || async { running.narration().contains("ready") }).await;
    running.signal("TERM");
    running.wait().expect(143);
    assert_eq!(fs::read_to_string(path).unwrap(), "cleaned\n");
}

#[tokio::test]
async fn what_belongs_to_others_is_sent_only_if_they_are_trusted() {
    let db = items().await;
    let mallory = db.role("mallory").await;
    db.sql(&format!(
        "CREATE SCHEMA lair AUTHORIZATION {mallory};
         CREATE TABLE ours (id int PRIMARY KEY);
         GRANT TRIGGER ON ours TO {mallory}"
    ))
    .await;
    let hers = db.session_as(&mallory).await;
    let boasts = "LANGUAGE plpgsql AS 'BEGIN RAISE LOG ''sprung''; RETURN NEW; END'";
    hers.batch_execute(&format!(
        "CREATE FUNCTION lair.hook() RETURNS trigger {boasts};
         CREATE TABLE lair.data (id int);
         CREATE VIEW lair.view AS SELECT id FROM lair.data;
         CREATE TRIGGER hers BEFORE INSERT ON ours FOR EACH ROW EXECUTE FUNCTION lair.hook()"
    ))
    .await
    .unwrap();
    let call = |text: &str, more: &[&str]| {
        let folder = workload(&db, &[("a.sql", text)]);
        let all = ["--workload", &folder, "--duration", "1s", "--warm-up", "0s"];
        load(&db, &[&all[..], more].concat())
    };
    let way_out = format!("trust it with --trust {mallory}");
    let refused = call("SELECT * FROM lair.view", &[]).expect(2);
    assert!(refused.stderr.contains(&way_out), "{refused}");
    call("SELECT * FROM lair.view", &["--trust", &mallory]).expect(0);
    let unknown = call("SELECT 1", &["--trust", "nobody"]).expect(2);
    assert!(unknown.stderr.contains("--trust nobody: there is no such role"), "{unknown}");
    // Reading fires no trigger; writing does.
    call("SELECT * FROM ours", &[]).expect(0);
    let insert = "INSERT INTO ours VALUES (1) ON CONFLICT DO NOTHING";
    let refused = call(insert, &["--allow-writes", &db.name]).expect(2);
    assert!(
        refused.stderr.contains("hook") && refused.stderr.contains(&way_out),
        "{refused}"
    );
    assert_eq!(db.value("SELECT count(*)::text FROM ours").await, "0");
    call(insert, &["--allow-writes", &db.name, "--trust", &mallory]).expect(0);
    assert_eq!(db.value("SELECT count(*)::text FROM ours").await, "1");
}

#[tokio::test]
async fn counted_statements_are_sent_as_often_as_they_were_called() {
    let db = items().await;
    db.sql("SELECT pg_stat_statements_reset()").await;
    let app = db.session().await;
    for id in 0..30 {
        app.query("SELECT kind AS often FROM items WHERE id = $1", &[&id])
            .await
            .unwrap();
    }
    for text in ["kind 1", "kind 2"] {
        let page = "SELECT id AS seldom FROM items WHERE kind = $1 ORDER BY id LIMIT 10";
        for _ in 0..5 {
            app.query(page, &[&text]).await.unwrap();
        }
    }
    app.batch_execute(
        "SELECT pg_advisory_lock(77);
         SELECT count(*) AS no_column FROM items WHERE id + 1 = 2;
         SELECT id AS locking FROM items WHERE id = 1 FOR UPDATE;
         UPDATE items SET kind = kind WHERE id = 1",
    )
    .await
    .unwrap();
    drop(app);
    let output =
        load(&db, &["--clients", "1", "--duration", "2s", "--warm-up", "0s", "--seed", "1"]);
    assert_eq!(output.code, 0, "{output}");
    let document = output.json();
    assert_eq!(document.errors, Vec::<Value>::new(), "{output}");
    let sent = |words: &str| {
        let has = |it: &&Value| it["query"].as_str().unwrap().contains(words);
        document.statements.iter().find(has).map(|it| number(it, "executions"))
    };
    let ratio = sent("often").unwrap() / sent("seldom").unwrap();
    assert!((2.0..4.5).contains(&ratio), "{ratio}: {output}");
    for words in ["advisory", "no_column", "locking", "UPDATE"] {
        assert_eq!(sent(words), None, "{output}");
    }
    let told = |words: &str| document.warnings.iter().any(|it| it.message.contains(words));
    assert!(told("pg_advisory_lock, which is VOLATILE"), "{output}");
    assert!(told("no statistics tell values for $1"), "{output}");
    let holders = "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND objid = 77";
    until("nobody holds it", || async { db.value(holders).await == "0" }).await;
}

#[tokio::test]
async fn a_rate_that_cannot_be_kept_is_told() {
    let db = items().await;
    let folder = workload(&db, &[("slow.sql", "SELECT pg_sleep(0.2)")]);
    let call = ["--workload", &folder, "--rate", "100", "--clients", "1", "--duration", "2s"];
    let output = load(&db, &[&call[..], &["--warm-up", "0s"]].concat()).expect(0);
    let document = output.json();
    assert!(document.unsent.unwrap() > 150, "{output}");
    assert!(document.warnings.iter().any(|it| it.rule == "rate-not-reached"), "{output}");
    assert!(
        number(&document.latency_ms.unwrap(), "max") > 1000.0,
        "waiting is counted: {output}"
    );
}

#[tokio::test]
async fn slower_than_an_earlier_run_is_a_finding() {
    let db = items().await;
    let sleep = async |ms: &str| {
        let body = format!("SELECT pg_sleep({ms} / 1000.0)");
        let function = "CREATE OR REPLACE FUNCTION pause() RETURNS void LANGUAGE sql AS";
        db.sql(&format!("{function} '{body}'")).await;
    };
    sleep("5").await;
    let folder = workload(&db, &[("pause.sql", "SELECT pause()")]);
    let call = ["--workload", &folder, "--clients", "2", "--duration", "3s", "--warm-up", "0s"];
    let before = load(&db, &call).expect(0);
    let file = db.path("before.json").display().to_string();
    fs::write(&file, &before.stdout).unwrap();
    let compare = |more: &[&str]| load(&db, &[&call[..], &["--compare", &file], more].concat());
    let same = compare(&["--max-regression", "200%"]).expect(0);
    let comparison = same.json().comparison.unwrap();
    assert_eq!(comparison["median"]["verdict"], "within-limit", "{same}");

    sleep("50").await;
    let slower = compare(&["--max-regression", "200%"]).expect(1);
    let document = slower.json();
    assert_eq!(document.outcome, "findings");
    let median = &document.comparison.unwrap()["median"];
    assert_eq!(median["verdict"], "slower", "{slower}");
    assert!(number(median, "ratio") > 4.0 && number(median, "low") > 3.0, "{slower}");
    let shown = db.pgtend(&[&["load"], &call[..], &["--compare", &file]].concat()).expect(1);
    assert!(shown.stdout.contains("with 95 % confidence"), "{shown}");

    let other = compare(&["--rate", "5"]).expect(2);
    assert!(other.stderr.contains("was measured with --clients 2"), "{other}");
    fs::write(db.path("load/pause.sql"), "SELECT 2").unwrap();
    let other = compare(&[]).expect(2);
    assert!(other.stderr.contains("measured with other statements"), "{other}");
    fs::write(&file, "{}").unwrap();
    assert!(compare(&[]).expect(2).stderr.contains("is no result of pgtend load"));
}

#[tokio::test]
async fn a_picture_shows_every_part_and_loads_nothing() {
    let db = items().await;
    let folder = workload(&db, &[("by_id.sql", BY_ID)]);
    let call = ["--workload", &folder, "--rate", "100", "--duration", "1s", "--warm-up", "0s"];
    let (svg, html) = (db.path("a.svg"), db.path("a.html"));
    let hostile = "echo '</text><script>alert(1)</script>'";
    let draw =
        |file: &str| load(&db, &[&call[..], &["--plot", file, "--during", hostile]].concat());
    draw(svg.to_str().unwrap()).expect(0);
    draw(html.to_str().unwrap()).expect(0);
    for file in [svg, html] {
        let text = fs::read_to_string(file).unwrap();
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        let read = roxmltree::Document::parse_with_options(&text, options).unwrap();
        let has = |name: &str| {
            read.descendants()
                .any(|node| node.has_tag_name(("http://www.w3.org/2000/svg", name)))
        };
        assert!(has("polyline") && has("rect"), "{text}");
        assert!(!read.descendants().any(|node| node.tag_name().name() == "script"), "{text}");
        assert!(!text.contains("href") && !text.contains("url("), "{text}");
        let words = read.descendants().filter_map(|node| node.text());
        assert!(words.into_iter().any(|word| word.contains("meanwhile")), "{text}");
    }
    let refused = load(&db, &[&call[..], &["--plot", "/nowhere/a.svg"]].concat()).expect(2);
    assert!(refused.stderr.contains("cannot write /nowhere/a.svg"), "{refused}");
    load(&db, &[&call[..], &["--plot", "a.png"]].concat()).expect(2);
}
