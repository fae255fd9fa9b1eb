//! `pgtend slow-queries` and `pgtend snapshot`: what is counted, of which span of time, and what the
//! server cannot tell.

use std::fs;

use pg_sandbox::Sandbox;
use serde_json::Value;

use crate::support::document::Document;
use crate::support::{Database, Output, Pgtend, connect_to, server, until};

/// A database that counts its statements.
async fn counting() -> Database {
    counting_with("").await
}

async fn counting_with(more: &str) -> Database {
    let db = Database::new().await;
    db.sql(&format!("CREATE EXTENSION pg_stat_statements {more}")).await;
    db
}

/// Executes a statement of that name so often. Names and constants do not tell statements apart,
/// tables do.
async fn execute(db: &Database, name: &str, times: usize) {
    let session = db.session().await;
    session
        .batch_execute(&format!("CREATE TABLE IF NOT EXISTS {name} (n int)"))
        .await
        .unwrap();
    for n in 0..times {
        let sql = format!("SELECT count(*) AS {name} FROM {name} WHERE n = {n}");
        session.batch_execute(&sql).await.unwrap();
    }
}

fn look(db: &Database, arguments: &[&str]) -> Output {
    let all: &[&str] = if arguments.contains(&"--limit") {
        &[]
    } else {
        &["--limit", "1000"]
    };
    db.pgtend(&[&["slow-queries", "--format", "json"], all, arguments].concat())
}

/// The one statement whose text has these words.
fn found(output: &Output, words: &str) -> Value {
    let document: Document = output.json();
    let has = |it: &&Value| it["query"].as_str().is_some_and(|query| query.contains(words));
    let mut found = document.statements.iter().filter(has);
    let first = found.next().unwrap_or_else(|| panic!("no statement has {words}: {output}"));
    assert!(found.next().is_none(), "several statements have {words}: {output}");
    first.clone()
}

fn calls(output: &Output, words: &str) -> i64 {
    found(output, words)["calls"].as_i64().unwrap()
}

const KEYS: &str = "queryid queryid_text query user database toplevel share mean_ms calls rows total_ms min_ms max_ms \
    stddev_ms plans plan_ms shared_hit_blocks shared_read_blocks shared_dirtied_blocks \
    shared_written_blocks local_hit_blocks local_read_blocks local_dirtied_blocks local_written_blocks \
    temp_read_blocks temp_written_blocks read_ms write_ms temp_read_ms temp_write_ms wal_records \
    wal_full_page_images wal_bytes jit_functions jit_ms workers_launched rows_per_call cache_hit slow \
    partial findings";

#[tokio::test]
async fn what_was_executed_is_counted_exactly() {
    let db = counting().await;
    db.sql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n").await;
    execute(&db, "alpha", 7).await;
    for _ in 0..3 {
        db.sql("UPDATE t SET n = n + 1 WHERE n <= 10").await;
    }
    let output = look(&db, &[]).expect(0).came_to("done");
    let alpha = found(&output, "AS alpha");
    assert_eq!(alpha["query"], "SELECT count(*) AS alpha FROM alpha WHERE n = $1");
    assert_eq!((alpha["calls"].as_i64(), alpha["rows"].as_i64()), (Some(7), Some(7)));
    assert_eq!(
        (&alpha["user"], &alpha["database"]),
        (&"postgres".into(), &db.name.clone().into())
    );
    let update = found(&output, "UPDATE t SET");
    assert_eq!(update["calls"], 3);
    assert!(update["wal_bytes"].as_i64() > Some(0), "{update}");
    let sql = "SELECT calls || ' ' || total_exec_time || ' ' || stddev_exec_time || ' ' || shared_blks_hit
               FROM pg_stat_statements WHERE query LIKE 'UPDATE t SET%'
               AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let figures = ["calls", "total_ms", "stddev_ms", "shared_hit_blocks"];
    let figures = figures.map(|name| update[name].as_f64().unwrap()).to_vec();
    let counted = db.value(sql).await;
    let counted = counted.split(' ').map(|figure| figure.parse::<f64>().unwrap());
    assert_eq!(figures, counted.collect::<Vec<_>>());
    let keys = alpha.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(keys, KEYS.split_whitespace().collect::<Vec<_>>());
    let Document { totals, span, .. } = output.json();
    let (totals, span) = (totals.unwrap(), span.unwrap());
    assert!(totals.statements >= 3 && totals.hidden == 0 && totals.matching == totals.statements);
    assert!(
        totals.calls >= 10.0 && totals.total_ms > 0.0 && totals.slow_ms == 100.0,
        "{output}"
    );
    assert!(span.from.is_some() && span.from < Some(span.to), "{output}");
    assert!(!db.logged("pgtend/slow-queries").iter().any(|sql| sql.contains("reset(")));
}

#[tokio::test]
async fn statements_are_ranked_and_filtered() {
    let db = counting().await;
    execute(&db, "often", 9).await;
    execute(&db, "rarely", 1).await;
    db.sql("SELECT pg_sleep(0.12) AS sleepy").await;
    let first = |arguments: &[&str]| {
        let output = look(&db, &[arguments, &["--limit", "1"]].concat()).expect(0);
        let document: Document = output.json();
        assert_eq!(document.statements.len(), 1);
        document.statements[0]["query"].as_str().unwrap().to_owned()
    };
    assert!(first(&["--sort", "mean"]).contains("AS sleepy"));
    assert!(first(&["--sort", "max"]).contains("AS sleepy"));
    assert!(first(&["--sort", "calls", "--like", "select count(*) AS"]).contains("AS often"));
    for sort in ["rows", "io", "temp", "wal", "plan", "stddev"] {
        first(&["--sort", sort]);
    }
    let output = look(&db, &["--min-mean", "100ms"]).expect(0);
    let document: Document = output.json();
    // On a busy machine one of pgtend's own may be slow, too.
    assert!(document.statements.len() == 1 && document.totals.unwrap().slow >= 1, "{output}");
    assert_eq!(found(&output, "sleepy")["slow"], true);
    let output = look(&db, &["--min-calls", "5", "--like", "AS", "--exclude", "pg_catalog"]);
    assert_eq!(calls(&output.expect(0), "AS often"), 9);
    let output = look(&db, &["--user", "nobody_at_all"]).expect(2);
    assert!(output.stderr.contains("there is no such role"), "{output}");
    let output = look(&db, &["--like", "nothing has this"]).expect(0).came_to("nothing_to_do");
    assert_eq!(output.json().statements.len(), 0);
}

#[tokio::test]
async fn texts_are_read_once() {
    let db = counting().await;
    execute(&db, "alpha", 1).await;
    // Other tests would write to the cache of this server, too.
    let cache = db.path("cache").display().to_string();
    let url = db.url_as("postgres");
    let look = || {
        let arguments = ["slow-queries", "--like", "AS alpha", "-d", &url];
        Pgtend::new(&arguments).env("XDG_CACHE_HOME", &cache).run().expect(0)
    };
    let texts = || {
        let logged = db.logged("pgtend/slow-queries").into_iter();
        logged.filter(|sql| sql.contains("The texts of statements")).count()
    };
    look();
    let before = texts();
    assert_eq!(before, 1);
    look();
    assert_eq!(texts(), before);
}

#[tokio::test]
async fn where_statements_are_not_counted_the_way_there_is_told() {
    let db = Database::new().await;
    let file = db.path("counters").display().to_string();
    for call in [&["slow-queries"][..], &["snapshot", "--file", &file]] {
        let call = [call, &["--format", "json"]].concat();
        let output = db.pgtend(&call).expect(3).came_to("failed");
        let error = output.json().error.unwrap();
        assert!(error.message.contains("absent in this database"), "{output}");
        assert_eq!(
            error.hint.as_deref(),
            Some("in this database: CREATE EXTENSION pg_stat_statements;")
        );
    }
    let sandbox = sandbox(&[("shared_preload_libraries", "")]);
    let url = url(&sandbox);
    let output = Pgtend::new(&["slow-queries", "-d", &url]).run().expect(3);
    assert!(output.stderr.contains("pg_stat_statements is not loaded"), "{output}");
    assert!(output.stderr.contains("shared_preload_libraries"), "{output}");
    assert!(output.stderr.contains("CREATE EXTENSION pg_stat_statements;"), "{output}");
    sandbox.stop().unwrap();
}

#[tokio::test]
async fn what_others_did_is_hidden_from_a_role_without_the_privilege() {
    let db = counting().await;
    execute(&db, "secret", 2).await;
    let role = db.role("guest").await;
    let own = db.session_as(&role).await;
    own.batch_execute("SELECT 1 AS mine").await.unwrap();
    let arguments = ["slow-queries", "--format", "json"];
    let output = db.pgtend_as(&role, &arguments).expect(0);
    assert_eq!(calls(&output, "AS mine"), 1);
    assert!(!output.stdout.contains("AS secret"), "{output}");
    assert_eq!(output.warned("limited_view").len(), 1);
    let hidden = output.json().totals.unwrap().hidden;
    assert!(hidden > 0, "{output}");
    db.sql(&format!("GRANT pg_read_all_stats TO {role}")).await;
    let output = db.pgtend_as(&role, &arguments).expect(0);
    assert_eq!((calls(&output, "AS secret"), output.warned("limited_view").len()), (2, 0));
}

#[tokio::test]
async fn older_versions_and_other_schemas_are_read_by_name() {
    for version in ["1.4", "1.8"] {
        let db = counting_with(&format!("VERSION '{version}'")).await;
        execute(&db, "alpha", 3).await;
        let output = look(&db, &[]).expect(0);
        let alpha = found(&output, "AS alpha");
        assert_eq!(alpha["calls"], 3);
        assert!(alpha["total_ms"].as_f64() > Some(0.0), "{alpha}");
        assert_eq!((&alpha["jit_ms"], &alpha["toplevel"]), (&Value::Null, &true.into()));
        assert_eq!(alpha["wal_bytes"].is_null(), version == "1.4");
        assert_eq!(output.warned("older_extension").len(), 1);
        db.pgtend(&["init"]).expect(0);
        db.pgtend(&["snapshot"]).expect(0);
        execute(&db, "alpha", 2).await;
        assert_eq!(calls(&look(&db, &["--since", "1"]).expect(0), "AS alpha"), 2);
    }
    let db = Database::new().await;
    db.sql("CREATE SCHEMA \"We;ird\"; CREATE EXTENSION pg_stat_statements SCHEMA \"We;ird\"")
        .await;
    execute(&db, "alpha", 3).await;
    assert_eq!(calls(&look(&db, &[]).expect(0), "AS alpha"), 3);
}

#[tokio::test]
async fn snapshots_tell_what_was_done_in_between() {
    let db = counting().await;
    let refused = db.pgtend(&["snapshot"]).expect(3);
    assert!(refused.stderr.contains("pgtend init makes a place for it"), "{refused}");
    db.pgtend(&["init"]).expect(0);
    let failure = look(&db, &["--since", "1h"]).expect(2).json().error.unwrap();
    assert_eq!(failure.message, "no snapshot was taken yet");
    execute(&db, "alpha", 5).await;
    execute(&db, "idle", 1).await;
    let first = snapshot(&db);
    execute(&db, "alpha", 7).await;
    execute(&db, "fresh", 2).await;
    let second = snapshot(&db);
    assert_eq!((first.id, second.id), (Some(1), Some(2)));
    assert!(second.changed < second.statements, "{second:?}");
    execute(&db, "alpha", 1).await;

    let output = look(&db, &["--since", "1"]).expect(0);
    assert_eq!((calls(&output, "AS alpha"), calls(&output, "AS fresh")), (8, 2));
    assert!(!output.stdout.contains("AS idle"), "{output}");
    let output = look(&db, &["--since", "1", "--until", "2"]).expect(0);
    assert_eq!((calls(&output, "AS alpha"), calls(&output, "AS fresh")), (7, 2));
    let output = look(&db, &["--since", "2"]).expect(0);
    assert_eq!(calls(&output, "AS alpha"), 1);
    db.sql("UPDATE pgtend.snapshot SET taken_at = taken_at - interval '30 hours' WHERE id = 1")
        .await;
    assert_eq!(calls(&look(&db, &["--since", "24h"]).expect(0), "AS alpha"), 8);
    let failure = look(&db, &["--since", "48h"]).expect(2).json().error.unwrap();
    assert_eq!(failure.message, "no snapshot is as old as 48 h 0 min");
    let sql = "SELECT count(*) FROM pgtend.statement_text WHERE query LIKE '%AS alpha%'";
    assert_eq!(db.value(sql).await, "1");
    let list = db.pgtend(&["snapshot", "--list", "--format", "json"]).expect(0).json();
    let ids = list
        .snapshots
        .iter()
        .map(|it| (it.id, it.taken_at.is_some()))
        .collect::<Vec<_>>();
    assert_eq!(ids, [(Some(2), true), (Some(1), true)]);

    let history = look(&db, &[&found(&output, "AS alpha")["queryid"].to_string()]).expect(0);
    let history = found(&history, "AS alpha")["history"].clone();
    let counted = history.as_array().unwrap().iter().map(|it| it["calls"].as_i64().unwrap());
    assert_eq!(counted.collect::<Vec<_>>(), [1, 7]);
}

fn snapshot(db: &Database) -> crate::support::document::Snapshot {
    let output = db.pgtend(&["snapshot", "--format", "json"]).expect(0).came_to("done");
    let snapshot = output.json().snapshot.unwrap();
    assert_eq!((snapshot.hidden, &snapshot.file), (0, &None));
    snapshot
}

#[tokio::test]
async fn old_snapshots_are_removed_and_the_rest_stays_right() {
    let db = counting().await;
    db.pgtend(&["init"]).expect(0);
    for _ in 0..4 {
        execute(&db, "alpha", 3).await;
        snapshot(&db);
    }
    db.sql("UPDATE pgtend.snapshot SET taken_at = taken_at - interval '40 days' WHERE id <= 2")
        .await;
    let output = db.pgtend(&["snapshot", "--prune", "--format", "json"]).expect(0);
    assert_eq!((output.json().pruned, output.json().snapshot.is_none()), (Some(2), true));
    assert_eq!(
        db.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM pgtend.snapshot")
            .await,
        "3 4"
    );
    execute(&db, "alpha", 2).await;
    assert_eq!(calls(&look(&db, &["--since", "3"]).expect(0), "AS alpha"), 5);
    assert_eq!(calls(&look(&db, &["--since", "3", "--until", "4"]).expect(0), "AS alpha"), 3);
    db.pgtend(&["snapshot", "--prune", "--format", "json"])
        .expect(0)
        .came_to("nothing_to_do");
}

#[tokio::test]
async fn a_file_holds_a_snapshot_as_well() {
    let db = counting().await;
    execute(&db, "alpha", 5).await;
    let file = db.path("statements.json").display().to_string();
    let output = db.pgtend(&["snapshot", "--file", &file, "--format", "json"]).expect(0);
    assert_eq!(output.json().snapshot.unwrap().file.as_deref(), Some(&*file));
    execute(&db, "alpha", 4).await;
    assert_eq!(calls(&look(&db, &["--since", &file]).expect(0), "AS alpha"), 4);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("{\"format\":\"pgtend-snapshot\",\"version\":1,"), "{text}");
    assert!(text.contains("SELECT count(*) AS alpha"));
    fs::write(&file, text.replace("\"version\":1", "\"version\":2")).unwrap();
    let output = look(&db, &["--since", &file]).expect(2);
    assert!(
        output.stderr.contains("another version of pgtend wrote this snapshot"),
        "{output}"
    );
    look(&db, &["--since", "nowhere.json"]).expect(2);
}

fn sandbox(settings: &[(&str, &str)]) -> Sandbox {
    let mut options = server::options();
    let settings = settings.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    options.settings = settings.collect();
    Sandbox::start(&options).unwrap()
}

fn url(sandbox: &Sandbox) -> String {
    let socket_dir = sandbox.socket_dir().display().to_string();
    format!("host={socket_dir} port={} user=postgres dbname=postgres", sandbox.port())
}

#[tokio::test]
async fn resets_evictions_and_restarts_in_between_are_said() {
    let mut sandbox = sandbox(&[("pg_stat_statements.max", "100")]);
    let url = url(&sandbox);
    let run = |arguments: &[&str]| {
        Pgtend::new(&[arguments, &["-d", &url, "--format", "json"]].concat()).run()
    };
    let since = |id: &str| run(&["slow-queries", "--limit", "10000", "--since", id]).expect(0);
    let client = connect_to(&url).await.unwrap();
    let execute = async |client: &tokio_postgres::Client, times: usize| {
        for n in 0..times {
            client.batch_execute(&format!("SELECT {n} AS alpha FROM alpha")).await.unwrap();
        }
    };
    client
        .batch_execute("CREATE EXTENSION pg_stat_statements; CREATE TABLE alpha ()")
        .await
        .unwrap();
    run(&["init"]).expect(0);
    execute(&client, 5).await;
    run(&["snapshot"]).expect(0);
    execute(&client, 3).await;
    run(&["snapshot"]).expect(0);
    client.batch_execute("SELECT pg_stat_statements_reset()").await.unwrap();
    execute(&client, 2).await;
    let output = since("1");
    assert_eq!(
        (calls(&output, "AS alpha"), &found(&output, "AS alpha")["partial"]),
        (5, &true.into())
    );
    let span = output.json().span.unwrap();
    assert_eq!((span.resets, span.restarted), (1, false));
    assert_eq!(output.warned("incomplete").len(), 1);

    // A reset of one statement is only told by its counters.
    run(&["snapshot"]).expect(0);
    client
        .batch_execute(
            "SELECT pg_stat_statements_reset(0, 0, queryid) FROM pg_stat_statements
             WHERE query LIKE '%AS alpha%'",
        )
        .await
        .unwrap();
    execute(&client, 1).await;
    assert_eq!(calls(&since("3"), "AS alpha"), 1);

    run(&["snapshot"]).expect(0);
    for n in 1..300 {
        client.batch_execute(&format!("SELECT 1{}", " + 1".repeat(n))).await.unwrap();
    }
    execute(&client, 1).await;
    let output = since("4");
    assert!(output.json().span.unwrap().evictions > Some(0), "{output}");
    assert!(output.warned("incomplete").len() == 1, "{output}");

    run(&["snapshot"]).expect(0);
    drop(client);
    sandbox.restart().unwrap();
    let client = connect_to(&url).await.unwrap();
    execute(&client, 4).await;
    let output = since("5");
    assert_eq!(calls(&output, "AS alpha"), 4);
    assert!(output.json().span.unwrap().restarted);
    sandbox.stop().unwrap();
}

#[tokio::test]
async fn what_got_slower_is_ranked_and_can_fail() {
    let db = counting().await;
    db.pgtend(&["init"]).expect(0);
    snapshot(&db);
    db.sql("SELECT pg_sleep(0.001) AS nap").await;
    execute(&db, "steady", 20).await;
    snapshot(&db);
    db.sql("SELECT pg_sleep(0.2) AS nap").await;
    execute(&db, "steady", 20).await;
    let compare = ["--since", "1", "--against", "2"];
    let output = look(&db, &compare).expect(0);
    let first = &output.json().statements[0];
    assert!(first["query"].as_str().unwrap().contains("AS nap"), "{output}");
    assert!(first["slowdown"].as_f64() > Some(20.0) && first["lost_ms"].as_f64() > Some(100.0));
    assert_eq!((&first["before_calls"], first["before_mean_ms"].is_f64()), (&1.into(), true));
    let gate = ["--fail-if", "slowdown > 20", "--fail-if", "mean > 1h"];
    let output = look(&db, &[&compare[..], &gate].concat()).expect(1).came_to("findings");
    let findings = &output.json().statements[0]["findings"];
    assert_eq!(findings, &serde_json::json!(["slowdown > 20"]));
    look(&db, &["--fail-if", "mean > 1h"]).expect(0).came_to("done");
    let gate = ["slow-queries", "--fail-if", "mean > 100ms", "--limit", "1", "--sort", "calls"];
    let output = db.pgtend(&gate).expect(1);
    assert!(
        output.stderr.contains("warning: 1 statement with mean > 100ms\n")
            && output.stdout.contains("AS nap"),
        "{output}"
    );
    // So many as are wanted are shown, and all are counted.
    let gate = ["--fail-if", "calls > 0", "--limit", "1"];
    let output = look(&db, &gate).expect(1);
    let totals = output.json().totals.unwrap();
    assert_eq!(output.json().statements.len(), 1, "{output}");
    assert_eq!(totals.failing, 2, "{output}");
    // Cron has nothing to mail where nothing fails.
    let quiet = db.pgtend(&["slow-queries", "-q", "--fail-if", "mean > 1h"]).expect(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    look(&db, &["--fail-if", "slowdown > 2"]).expect(2);
    look(&db, &["--fail-if", "colour > 2"]).expect(2);
    let shown = db.pgtend(&[&["slow-queries"], &compare[..]].concat()).expect(0).stdout;
    assert!(shown.contains("BEFORE") && shown.contains("SLOWER"), "{shown}");
}

#[tokio::test]
async fn an_interval_shows_what_was_done_meanwhile() {
    let db = counting().await;
    execute(&db, "before", 5).await;
    let mut running = db.start(&[
        "slow-queries",
        "--interval",
        "1s",
        "--watch",
        "--limit",
        "99",
        "--format",
        "json",
    ]);
    let session = db.session().await;
    // The first interval may have ended before this session is as far as to send anything.
    while running.goes_on() && !running.printed().contains("AS during") {
        session.batch_execute("SELECT 1 AS during").await.unwrap();
        tokio::task::yield_now().await;
    }
    running.signal("INT");
    let shown = running.wait().expect(130).stdout;
    assert!(shown.contains("AS during") && !shown.contains("AS before"), "{shown}");
}

#[tokio::test]
async fn texts_are_printed_harmlessly_and_as_a_whole_where_wanted() {
    let db = counting().await;
    db.sql("SELECT 1 AS \"\u{1b}[2J|`evil`\"").await;
    let long = format!("SELECT 1 + 1 /* {} */ AS long", "x".repeat(1_000_000));
    db.sql(&long).await;
    for format in ["table", "markdown", "csv", "json"] {
        let arguments = ["slow-queries", "--limit", "1000", "--format", format];
        let shown = db.pgtend(&arguments).expect(0).stdout;
        assert!(!shown.contains('\u{1b}') || format == "csv", "{format}");
        assert!(shown.contains("[2J"), "{format}");
    }
    let full = db.pgtend(&["slow-queries", "--full", "--like", "AS long"]).expect(0).stdout;
    assert!(full.len() > 1_000_000 && full.contains("AS long"));
    let cut = db.pgtend(&["slow-queries", "--like", "AS long"]).expect(0).stdout;
    assert!(cut.lines().all(|line| line.chars().count() < 400), "{cut}");
}

#[tokio::test]
async fn comma_separated_values_and_markdown_are_for_statements_only() {
    let db = counting().await;
    execute(&db, "alpha", 3).await;
    let csv = db
        .pgtend(&["slow-queries", "--format", "csv", "--like", "AS alpha"])
        .expect(0)
        .stdout;
    let mut lines = csv.lines();
    // Lists have no place in a line.
    let keys = KEYS.split_whitespace().filter(|key| *key != "findings").collect::<Vec<_>>();
    assert_eq!(lines.next().unwrap(), keys.join(","));
    let text = ",SELECT count(*) AS alpha FROM alpha WHERE n = $1,postgres,";
    assert!(lines.next().unwrap().contains(text), "{csv}");
    let markdown = db
        .pgtend(&["slow-queries", "--format", "markdown", "--like", "AS alpha"])
        .expect(0);
    assert!(
        markdown.stdout.contains("| `SELECT count(*) AS alpha FROM alpha WHERE n = $1`"),
        "{markdown}"
    );
    let output = db.pgtend(&["plan", "--format", "csv"]).expect(2);
    assert!(output.stderr.contains("[possible values: table, json]"), "{output}");
}

#[tokio::test]
async fn two_snapshots_at_once_are_taken_one_after_the_other() {
    let db = counting().await;
    db.pgtend(&["init"]).expect(0);
    execute(&db, "alpha", 3).await;
    let blocker = db.hold("LOCK TABLE pgtend.snapshot IN SHARE ROW EXCLUSIVE MODE").await;
    let running = db.start(&["snapshot", "--format", "json"]);
    let other = db.start(&["snapshot", "--format", "json"]);
    until("both wait", || async {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                   AND application_name = 'pgtend/snapshot' AND wait_event_type = 'Lock'";
        db.value(sql).await == "2"
    })
    .await;
    blocker.release().await;
    for running in [running, other] {
        running.wait().expect(0).came_to("done");
    }
    execute(&db, "alpha", 1).await;
    assert_eq!(calls(&look(&db, &["--since", "1"]).expect(0), "AS alpha"), 1);
}

/// Nova's hot statement on a table without its index, then with it.
#[tokio::test]
async fn the_slow_statement_of_nova_is_first_before_apply_and_gone_after() {
    let db = counting().await;
    db.sql(include_str!("../../sql/nova-crm/schema.sql")).await;
    let loader = db.session().await;
    loader.batch_execute("SET nova.customers = '2000'").await.unwrap();
    loader.batch_execute(include_str!("../../sql/nova-crm/data.sql")).await.unwrap();
    db.pgtend(&["init"]).expect(0);
    let hot = include_str!("../../sql/nova-crm/workload/dashboard_recent_sales.sql");
    let run = async || {
        for _ in 0..20 {
            loader.simple_query(hot).await.unwrap();
        }
    };
    snapshot(&db);
    run().await;
    snapshot(&db);
    let declared = concat!(env!("CARGO_MANIFEST_DIR"), "/sql/nova-crm/declared");
    db.apply(&[declared]).expect(0);
    snapshot(&db);
    run().await;
    // What pgtend itself does is executed less often.
    let before = look(&db, &["--since", "1", "--until", "2", "--min-calls", "20"]).expect(0);
    let now = look(&db, &["--since", "3", "--min-calls", "20"]).expect(0);
    let of_nova = |output: &Output| {
        let statements = output.json().statements;
        let is_nova = |it: &&Value| it["calls"] == 20 && it["rows"].as_i64() > Some(0);
        statements.iter().find(is_nova).cloned().unwrap_or_else(|| panic!("{output}"))
    };
    let (slow, fast) = (of_nova(&before), of_nova(&now));
    assert_eq!(before.json().statements[0]["queryid"], slow["queryid"], "{before}");
    assert_eq!(slow["queryid"], fast["queryid"]);
    let blocks = |it: &Value| {
        it["shared_hit_blocks"].as_i64().unwrap() + it["shared_read_blocks"].as_i64().unwrap()
    };
    assert!(blocks(&fast) * 5 < blocks(&slow), "{slow}\n{fast}");
}

#[tokio::test]
async fn a_plan_is_read_and_the_missing_declared_index_is_named() {
    let db = counting().await;
    db.sql(
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE TABLE big (id int, kind text);
         INSERT INTO big SELECT n, n::text FROM generate_series(1, 300000) n",
    )
    .await;
    db.sql("ANALYZE big").await;
    let session = db.session().await;
    session
        .batch_execute("SELECT count(*) FROM big WHERE kind = 'x'")
        .await
        .unwrap();
    let declared = db.declare("CREATE INDEX big_kind ON big (kind);");
    let like = ["--like", "FROM big WHERE"];
    let explain = [&like[..], &["--explain", "--declared", &declared]].concat();
    let output = look(&db, &explain).expect(0);
    let statement = found(&output, "FROM big WHERE");
    let remarks = statement["remarks"].to_string();
    assert!(
        remarks.contains("public.big: ") && remarks.contains("300,000 rows"),
        "{remarks}"
    );
    assert!(
        remarks.contains("the declared index big_kind on public.big is missing"),
        "{remarks}"
    );
    assert_eq!(statement["relations"], serde_json::json!(["public.big"]));
    assert_eq!(
        (&statement["not_explained"], calls(&output, "FROM big WHERE")),
        (&Value::Null, 1)
    );
    let shown = db.pgtend(&[&["slow-queries"], &explain[..]].concat()).expect(0).stdout;
    assert!(shown.contains("Seq Scan on public.big"), "{shown}");

    db.apply(&[&declared]).expect(0);
    let id = statement["queryid"].to_string();
    let depth = db.pgtend(&["slow-queries", &id, "--declared", &declared]).expect(0).stdout;
    assert!(depth.contains("big_kind") && !depth.contains("is missing"), "{depth}");
    assert!(depth.contains("shared_hit_blocks"), "{depth}");

    let role = db.role("app").await;
    db.sql(&format!("GRANT SELECT ON big TO {role}")).await;
    let app = db.session_as(&role).await;
    app.batch_execute("SELECT max(id) FROM big WHERE kind = 'x'").await.unwrap();
    let other = ["--like", "max(id)", "--explain"];
    let refused = found(&look(&db, &other).expect(0), "max(id)");
    let way_out = format!("connect as {role}, or trust it with --explain-others {role}");
    assert!(refused["not_explained"].to_string().contains(&way_out), "{refused}");
    let allowed = look(&db, &[&other[..], &["--explain-others", &role]].concat()).expect(0);
    assert_eq!(found(&allowed, "max(id)")["not_explained"], Value::Null, "{allowed}");
    let unknown = look(&db, &[&other[..], &["--explain-others", "nobody"]].concat()).expect(2);
    assert!(
        unknown.stderr.contains("--explain-others nobody: there is no such role"),
        "{unknown}"
    );
}

#[tokio::test]
async fn secrets_are_shown_and_kept_nowhere() {
    let db = counting().await;
    db.pgtend(&["init"]).expect(0);
    let role = db.role("secretive").await;
    db.sql(&format!("ALTER ROLE {role} PASSWORD 'hunter2'; SET app.token = 'hunter2'"))
        .await;
    snapshot(&db);
    let file = db.path("statements.json").display().to_string();
    db.pgtend(&["snapshot", "--file", &file]).expect(0);
    assert!(!fs::read_to_string(&file).unwrap().contains("hunter2"));
    let kept = "SELECT count(*) FROM pgtend.statement_text WHERE query LIKE '%PASSWORD %'";
    assert_eq!(db.value(kept).await, "1");
    let kept = "SELECT count(*) FROM pgtend.statement_text WHERE query LIKE '%hunter2%'";
    assert_eq!(db.value(kept).await, "0");
    let output = look(&db, &["--like", "PASSWORD", "--utility"]).expect(0);
    assert!(
        output.stdout.contains("PASSWORD '…'") && !output.stdout.contains("hunter2"),
        "{output}"
    );
}

#[tokio::test]
async fn a_text_that_others_have_planted_is_never_planned() {
    let db = counting().await;
    let role = db.role("planter").await;
    db.pgtend(&["init", "--grant", &role]).expect(0);
    execute(&db, "alpha", 1).await;
    let id =
        found(&look(&db, &["--like", "AS alpha"]).expect(0), "AS alpha")["queryid"].to_string();
    db.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE TABLE planted (n int); GRANT SELECT ON planted TO public").await;
    let planter = db.session_as(&role).await;
    planter
        .batch_execute(&format!(
            "INSERT INTO pgtend.statement_text
             SELECT oid, {id}, 'SELECT * FROM planted' FROM pg_database
             WHERE datname = current_database()"
        ))
        .await
        .unwrap();
    let output = look(&db, &[&id]).expect(0);
    let alpha = found(&output, "AS alpha");
    assert_eq!(alpha["relations"], serde_json::json!(["public.alpha"]), "{output}");
    assert!(!output.stdout.contains("planted"), "{output}");
}

#[tokio::test]
async fn what_a_role_could_not_see_in_the_beginning_is_left_out() {
    let db = counting().await;
    let role = db.role("blind").await;
    db.pgtend(&["init", "--grant", &role]).expect(0);
    execute(&db, "alpha", 50).await;
    db.pgtend_as(&role, &["snapshot"]).expect(0);
    execute(&db, "alpha", 1).await;
    let output = look(&db, &["--since", "1"]).expect(0);
    if db.server.major < 17 {
        assert!(!output.stdout.contains("AS alpha"), "{output}");
    }
    assert_eq!(output.warned("incomplete").len(), 1, "{output}");
    snapshot(&db);
    execute(&db, "alpha", 3).await;
    assert_eq!(calls(&look(&db, &["--since", "2"]).expect(0), "AS alpha"), 3);
    // Nor does it see in the snapshots what it does not see in the counters.
    let arguments = ["slow-queries", "--since", "2", "--limit", "1000", "--format", "json"];
    let output = db.pgtend_as(&role, &arguments).expect(0);
    assert!(!output.stdout.contains("AS alpha"), "{output}");
}

#[tokio::test]
async fn what_cannot_be_compared_is_refused() {
    let db = counting().await;
    db.pgtend(&["init"]).expect(0);
    execute(&db, "alpha", 2).await;
    let file = db.path("statements.json").display().to_string();
    db.pgtend(&["snapshot", "--file", &file]).expect(0);
    snapshot(&db);
    let problem = |arguments: &[&str]| look(&db, arguments).expect(2).json().error.unwrap().message;
    assert!(problem(&["--since", "1", "--until", &file]).contains("cannot end before it begins"));
    assert!(problem(&["--since", &file, "--all-databases"]).contains("it knows the database"));
    assert!(problem(&["--since", "1", "--against", "1"]).contains("name the same moment"));
    assert_eq!(problem(&["12345"]), "no statement has the number 12345");
    let other = counting().await;
    let output = look(&other, &["--since", &file]).expect(2);
    assert!(output.stderr.contains("it is of the database"), "{output}");
    execute(&db, "fresh", 3).await;
    let output = look(&db, &["--since", &file, "--like", "as FRESH"]).expect(0);
    assert_eq!(output.json().statements.len(), 1, "{output}");
}

#[tokio::test]
async fn what_pgtend_itself_asks_is_left_out() {
    let db = counting().await;
    db.pgtend(&["init"]).expect(0);
    execute(&db, "alpha", 2).await;
    db.sql("CREATE MATERIALIZED VIEW mv AS SELECT n FROM alpha").await;
    for arguments in [
        &["snapshot"][..],
        &["check", "--fail-on", "critical"],
        &["refresh", "--all", "--if-changed"],
        &["vacuum"],
        &["analyze", "--all"],
        &["reindex"],
        &["activity"],
        &["history"],
        &["adopt"],
        &["snapshot"],
    ] {
        db.pgtend(arguments);
    }
    look(&db, &[]).expect(0);
    let shown = look(&db, &[]).expect(0).stdout;
    assert!(!shown.contains("-- Privilege: ") && !shown.contains("pg_catalog."), "{shown}");
    let own = look(&db, &["--own"]).expect(0).stdout;
    assert!(own.contains("pg_catalog."), "{own}");
}

/// Roles with different search paths say different things with one queryid: it is made of the oids
/// that the words stand for.
#[tokio::test]
async fn each_role_has_its_own_text() {
    let db = counting().await;
    db.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE TABLE alpha (n int)")
        .await;
    let mallory = db.role("mallory").await;
    db.sql(&format!(
        "CREATE SCHEMA lair AUTHORIZATION {mallory}; GRANT SELECT ON alpha TO {mallory}"
    ))
    .await;
    let hers = db.session_as(&mallory).await;
    hers.batch_execute("SELECT count(*) FROM public.alpha /* hers */ WHERE n = 1")
        .await
        .unwrap();
    db.sql("SELECT count(*) FROM alpha /* ours */ WHERE n = 2").await;
    let output = look(&db, &["--like", "FROM", "--explain=99"]).expect(0);
    let (one, other) = (found(&output, "ours"), found(&output, "hers"));
    assert_eq!(one["queryid"], other["queryid"]);
    assert_eq!((&one["user"], &other["user"]), (&"postgres".into(), &mallory.clone().into()));
    assert_eq!(one["not_explained"], Value::Null, "{one}");
    let reason = other["not_explained"].as_str().unwrap();
    assert!(reason.starts_with(&format!("it is a statement of {mallory}; ")), "{reason}");
    // Kept on this machine they are told apart, too.
    let again = look(&db, &["--like", "FROM"]).expect(0);
    assert_eq!(found(&again, "hers")["user"], mallory);
    let file = db.path("statements.json").display().to_string();
    db.pgtend(&["snapshot", "--file", &file]).expect(0);
    let kept: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let texts = kept["texts"].as_array().unwrap().iter();
    let of_both = texts.filter(|text| text["queryid"] == one["queryid"]);
    assert_eq!(of_both.map(|text| text["userid"].as_u64()).collect::<Vec<_>>().len(), 2);
}

/// Every spelling of a secret, in every output and file.
#[tokio::test]
async fn secrets_in_every_spelling_are_shown_and_kept_nowhere() {
    let db = counting().await;
    db.pgtend(&["init"]).expect(0);
    let role = db.role("secretive").await;
    db.sql("CREATE EXTENSION dblink; CREATE EXTENSION postgres_fdw").await;
    db.sql(&format!("CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw; GRANT USAGE ON FOREIGN SERVER s TO {role}"))
        .await;
    for statement in [
        "ALTER ROLE {role} PASSWORD 'hunter2'",
        "ALTER ROLE {role} SET app.pw TO \"hunter2\"",
        "ALTER ROLE {role} SET app.pw = hunter2",
        "ALTER ROLE {role} /* hunter2 */ PASSWORD U&'hunt\\0065r2'",
        "ALTER ROLE {role} -- 'hunter2\n PASSWORD E'\\'hunter2'",
        "SET app.token = hunter2",
        "DO $p1$ BEGIN PERFORM 'hunter2'; END $p1$",
        "CREATE USER MAPPING FOR {role} SERVER s OPTIONS (user 'u', password 'hunter2')",
        "COPY (SELECT 1) TO PROGRAM 'cat >/dev/null # hunter2'",
    ] {
        db.sql(&statement.replace("{role}", &role)).await;
    }
    drop(
        db.session()
            .await
            .batch_execute("SELECT dblink_connect('password=hunter2')")
            .await,
    );
    snapshot(&db);
    let file = db.path("statements.json").display().to_string();
    db.pgtend(&["snapshot", "--file", &file]).expect(0);
    assert!(!fs::read_to_string(&file).unwrap().contains("hunter2"));
    let kept = "SELECT count(*) FROM pgtend.statement_text WHERE query LIKE '%hunter2%'";
    assert_eq!(db.value(kept).await, "0");
    for format in ["table", "markdown", "csv", "json"] {
        let all = ["slow-queries", "--full", "--utility", "--limit", "1000", "--format", format];
        let output = db.pgtend(&all).expect(0);
        assert!(
            output.stdout.contains("PASSWORD") && !output.stdout.contains("hunter2"),
            "{output}"
        );
    }
    let session = db.session().await;
    let waits = format!("BEGIN; ALTER ROLE {role} /* hunter2 */ PASSWORD 'hunter2'");
    session.batch_execute(&waits).await.unwrap();
    let shown = db.pgtend(&["activity", "--min-duration", "0s", "-v"]).expect(0).stdout;
    assert!(
        shown.contains(&format!("ALTER ROLE {role}")) && !shown.contains("hunter2"),
        "{shown}"
    );
}

/// A comment like those of pgtend's queries, or its words, hide nothing of another role; nor do they
/// hide another statement of the same role.
#[tokio::test]
async fn nothing_is_hidden_by_a_comment_like_ours() {
    let db = counting().await;
    let role = db.role("hider").await;
    db.sql("CREATE SCHEMA other; GRANT ALL ON SCHEMA other TO PUBLIC").await;
    let ours = include_str!("../../sql/catalog/available_extensions.sql");
    let like_ours = "-- What is there.\n-- Privilege: none. Cost: none.\nSELECT 'x' AS hidden";
    let hers = db.session_as(&role).await;
    hers.query(ours, &[]).await.unwrap();
    hers.query(like_ours, &[]).await.unwrap();
    db.session().await.query(like_ours, &[]).await.unwrap();
    let shown = look(&db, &["--user", &role]).expect(0).stdout;
    assert!(
        shown.contains("pg_available_extensions") && shown.contains("AS hidden"),
        "{shown}"
    );
    assert!(look(&db, &["--user", "postgres"]).expect(0).stdout.contains("AS hidden"));
}

#[tokio::test]
async fn long_texts_are_cut_and_this_is_said() {
    let db = counting().await;
    db.pgtend(&["init"]).expect(0);
    let long = format!("SELECT 1 + 1 /* {} */ AS long", "x".repeat(200_000));
    db.sql(&long).await;
    let file = db.path("statements.json").display().to_string();
    db.pgtend(&["snapshot", "--file", &file]).expect(0);
    snapshot(&db);
    let cut = "(cut: 200,029 bytes in all)";
    assert!(fs::read_to_string(&file).unwrap().contains(cut));
    let kept = format!("SELECT count(*) FROM pgtend.statement_text WHERE query LIKE '%{cut}'");
    assert_eq!(db.value(&kept).await, "1");
    let output = look(&db, &["--like", "AS long"]).expect(0);
    assert!(
        output.stdout.contains(cut) && output.stdout.len() < 80_000,
        "{}",
        output.stdout.len()
    );
    let whole = look(&db, &["--like", "AS long", "--full"]).expect(0);
    assert!(!whole.stdout.contains(cut) && whole.stdout.len() > 200_000);
}

/// Whole texts are shown as long as all of them together are not too large.
#[tokio::test]
async fn whole_texts_are_not_more_than_memory_should_hold() {
    // The log of the tests' own server is read by many.
    let server = Box::leak(Box::new(server::start(&[("log_statement", "none")])));
    let db = Database::new_on(server).await;
    db.sql("CREATE EXTENSION pg_stat_statements").await;
    for more in 0..5 {
        let terms = " + 1".repeat(more);
        db.sql(&format!("SELECT 1{terms} /* {} */ AS long", "x".repeat(5_000_000)))
            .await;
    }
    let running = db.start(&["slow-queries", "--format", "json", "--like", "AS long", "--full"]);
    let (output, used) = running.wait_for_peak();
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert_eq!(output.stdout.matches("(cut: 5,000,0").count(), 2);
    assert!(output.stdout.len() > 15_000_000 && output.stdout.len() < 16_000_000);
    assert!(used.kilobytes < 200_000, "{used:?}");
}
