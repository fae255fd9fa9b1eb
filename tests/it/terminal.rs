//! What reaches a terminal: names, messages and file names of anybody's making do nothing to it.

use std::fs;

use crate::support::{Database, Output, Pgtend};

/// Clears the screen, in both ways that terminals know, ends the line to begin one that looks like
/// ours, and turns the direction of writing.
const WILD: &str = "w\u{1b}[2J\u{9b}2J\rx\nerror: forged\u{202e}\u{7}";

fn is_harmful(char: char) -> bool {
    (char.is_control() && !matches!(char, '\n' | '\t')) || matches!(char, '\u{202e}' | '\u{2028}')
}

#[track_caller]
fn assert_harmless(output: &Output) {
    let text = format!("{}{}", output.stdout, output.stderr);
    assert!(!text.chars().any(is_harmful), "{text:?}");
}

/// A database in which everything that can bear a name bears a wild one.
async fn wild_database() -> Database {
    let db = Database::new().await;
    db.sql(&format!(
        "CREATE EXTENSION pg_stat_statements;
         CREATE TABLE t (id int, \"{WILD}\" text);
         CREATE TABLE \"{WILD}\" (id int, a int);
         INSERT INTO \"{WILD}\" SELECT n, n FROM generate_series(1, 100) n;
         CREATE INDEX \"{WILD} i\" ON t (id);
         CREATE MATERIALIZED VIEW \"{WILD} v\" AS SELECT id FROM t;
         CREATE MATERIALIZED VIEW \"{WILD} v2\" AS SELECT 1 / a AS a FROM \"{WILD}\" WITH NO DATA;
         CREATE UNIQUE INDEX \"{WILD} u\" ON \"{WILD} v\" (id);
         COMMENT ON TABLE t IS '{WILD}';
         SELECT count(*) AS \"{WILD}\" FROM t;
         CREATE FUNCTION shout(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
         $$BEGIN RAISE EXCEPTION '%', E'{WILD}' USING DETAIL = '{WILD}', HINT = '{WILD}'; END$$;"
    ))
    .await;
    db
}

#[tokio::test]
async fn names_and_messages_do_nothing_to_a_terminal() {
    let db = wild_database().await;
    let declared = db.declare(&format!(
        "CREATE INDEX \"{WILD} new\" ON \"{WILD}\" (a);
         CREATE INDEX \"{WILD} shouts\" ON \"{WILD}\" (shout(a));
         CREATE INDEX \"{WILD} i\" ON t (\"{WILD}\");
         CREATE INDEX \"{WILD} none\" ON \"{WILD} none\" (a);
         COMMENT ON INDEX \"{WILD} new\" IS '{WILD}';
         ANALYZE \"{WILD}\";"
    ));
    let blocker = db.hold(&format!("LOCK TABLE t IN SHARE MODE; SELECT 1 AS \"{WILD}\"")).await;
    let table = format!("\"{WILD}\"");
    for arguments in [
        &["plan", "-v", &declared][..],
        &["plan", "--format", "json", &declared],
        &["apply", "--dry-run", &declared],
        &["apply", "--echo", "--max-wait", "100ms", &declared],
        &["apply", "--events", "--format", "json", "--max-wait", "100ms", &declared],
        &["init"],
        &["apply", "-v", "--replace", "--max-wait", "100ms", &declared],
        &["refresh"],
        &["refresh", "--dry-run", "-v"],
        &["refresh", WILD],
        &["vacuum", "--all", "-v", "--wait", "100ms"],
        &["vacuum", &table],
        &["analyze", "--all", "--dry-run"],
        &["slow-queries", "--full"],
        &["slow-queries", "--explain"],
        &["slow-queries", "--format", "csv"],
        &["slow-queries", "--format", "markdown"],
        &["slow-queries", "--format", "json"],
        &["activity", "--all"],
        &["activity", "--format", "json"],
        &["snapshot"],
        &["history"],
        &["history", "--object", WILD],
        &["plan", WILD],
        &["plan", "--target", WILD],
        &["plan", "--config", WILD, &declared],
        &["plan", "-d", WILD, &declared],
        &["rules", WILD],
        &["refresh", "--metrics-file", &format!("/{WILD}/x")],
    ] {
        let output = db.start(arguments).wait();
        assert_ne!(output.stdout.len() + output.stderr.len(), 0, "{output}");
        assert_harmless(&output);
        // A statement is shown in its own lines.
        let forged = output.stderr.lines().any(|line| line.starts_with("error: forged"));
        assert!(!forged || arguments.contains(&"--echo"), "{output}");
    }
    blocker.release().await;
}

#[tokio::test]
async fn names_of_files_and_what_is_in_them_do_nothing_to_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let wild = WILD.replace('/', "");
    let file = folder.path().join(format!("1 {wild}.sql"));
    fs::write(
        &file,
        format!("CREATE TABLE a (id int);\nSELECT \"{WILD}\";\n-- {WILD}\nDROP x;"),
    )
    .unwrap();
    let migrations = folder.path().to_str().unwrap();
    let formats = ["table", "json", "github", "sarif", "junit", "gitlab"];
    let reports = tempfile::tempdir().unwrap();
    let report = |format: &str| reports.path().join(format);
    let wanted = formats.map(|format| format!("--report={format}={}", report(format).display()));
    let wanted = wanted.iter().map(String::as_str);
    let arguments = ["verify", migrations].into_iter().chain(wanted).collect::<Vec<_>>();
    assert_harmless(&Pgtend::new(&arguments).run().expect(1));
    for format in formats {
        let text = fs::read_to_string(report(format)).unwrap();
        assert!(!text.chars().any(is_harmful), "{format}: {text:?}");
    }
    assert_harmless(&Pgtend::new(&["plan", file.to_str().unwrap()]).run().expect(2));
}
