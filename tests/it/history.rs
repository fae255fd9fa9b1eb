//! What pgtend remembers: written by those who work, shown by `pgtend history`.

use std::time::Duration;

use pgtend::inside::{HistoryOptions, HistoryRecorder, history};

use crate::init::{opened, problem};
use crate::support::document::Run;
use crate::support::{Database, SALES};

fn runs(db: &Database, arguments: &[&str]) -> Vec<Run> {
    let output = db.pgtend(&[&["history", "--format", "json"], arguments].concat()).expect(0);
    output.json().runs
}

fn objects(db: &Database, arguments: &[&str]) -> Vec<String> {
    runs(db, arguments).into_iter().map(|run| run.object).collect()
}

/// A run that began so many days ago.
async fn insert(db: &Database, command: &str, object: &str, days: u32) {
    db.sql(&format!(
        "INSERT INTO pgtend.run (command, action, object, started_at, duration_ms, outcome, reason, \
         pgtend_version) VALUES ('{command}', 'analyze', '{object}', now() - interval '{days} days', \
         1500, 'done', 'done', '0.1.0')"
    ))
    .await;
}

#[tokio::test]
async fn a_superuser_neither_writes_nor_reads_where_others_own_the_tables() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let role = db.role("sly").await;
    db.sql(&format!("GRANT CREATE ON DATABASE {} TO {role}", db.name)).await;
    db.pgtend_as(&role, &["init"]).expect(0);
    let session = db.session_as(&role).await;
    let trap = format!(
        "CREATE FUNCTION pgtend.trap() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN ALTER ROLE {role} SUPERUSER; RETURN NEW; END'; \
         CREATE TRIGGER trap BEFORE INSERT OR DELETE ON pgtend.run FOR EACH STATEMENT \
         EXECUTE FUNCTION pgtend.trap()"
    );
    session.batch_execute(&trap).await.unwrap();
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id);");
    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.warned("not_recorded"), ["pgtend"], "{output}");
    // Nor does it read: the tables' columns may be of any type, with any operators.
    db.pgtend(&["history"]).expect(3);
    db.pgtend(&["history", "--keep", "0s"]).expect(3);
    let is_super = format!("SELECT rolsuper FROM pg_roles WHERE rolname = '{role}'");
    assert_eq!(db.value(&is_super).await, "f");
    assert_eq!(db.value("SELECT count(*) FROM pgtend.run").await, "0");
}

#[tokio::test]
async fn apply_writes_down_what_it_worked_on() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.pgtend(&["init"]).expect(0);
    let declared = db.declare(
        "CREATE INDEX sales_status ON sales (status);
         CREATE UNIQUE INDEX sales_user ON sales (user_id);
         CREATE INDEX sales_amount ON sales (amount);
         ANALYZE sales;",
    );
    db.sql("CREATE INDEX sales_amount ON sales (amount)").await;
    db.apply(&[&declared]).expect(4).came_to("failed");
    let mut runs = runs(&db, &[]);
    runs.sort_by(|a, b| a.object.cmp(&b.object).then(a.action.cmp(&b.action)));
    let told = runs.iter().map(|run| format!("{} {} {}", run.action, run.object, run.outcome));
    let told = told.collect::<Vec<_>>();
    let wanted = [
        "analyze public.sales done",
        "build_index public.sales_status done",
        "build_index public.sales_user failed",
    ];
    assert_eq!(told, wanted);
    assert_eq!(runs[2].sqlstate.as_deref(), Some("23505"));
    assert!(runs[2].reason.contains("could not create unique index"), "{runs:?}");
    assert_eq!(runs[1].reason, "missing");
    assert!(runs[1].size_bytes.unwrap() > 0 && runs[1].duration_ms > 0.0, "{runs:?}");
    assert!(runs.iter().all(|run| run.command == "apply"), "{runs:?}");
    assert!(
        runs.iter().all(|run| run.pgtend_version == env!("CARGO_PKG_VERSION")),
        "{runs:?}"
    );
    let clock = "SELECT count(*) FROM pgtend.run WHERE started_at > now() - interval '5 min' \
                 AND started_at + duration_ms * interval '1 ms' <= clock_timestamp()";
    assert_eq!(db.value(clock).await, "3");

    let shown = db.pgtend(&["history", "-v"]).expect(0).stdout;
    assert!(shown.contains("build index  public.sales_status  done"), "{shown}");
    assert!(shown.contains("build index  public.sales_user    failed"), "{shown}");
    let failed = db.pgtend(&["history", "--outcome", "failed"]).expect(0).stdout;
    assert!(
        !failed.contains("sales_status") && failed.contains("public.sales_user"),
        "{failed}"
    );
    // Otherwise a run is a line.
    let runs = db.pgtend(&["history"]).expect(0).stdout;
    assert!(runs.contains("apply    1 failed, 2 done"), "{runs}");
    assert_eq!(runs.lines().count(), 2, "{runs}");
}

#[tokio::test]
async fn a_run_with_nothing_to_do_writes_nothing() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.pgtend(&["init"]).expect(0);
    let declared = db.declare("CREATE INDEX sales_status ON sales (status);");
    db.apply(&[&declared]).expect(0).came_to("done");
    let sent = db.applied();
    assert!(sent.last().unwrap().contains("INSERT INTO pgtend.run"), "{sent:?}");
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied(), sent);
    assert_eq!(objects(&db, &[]).len(), 1);
}

#[tokio::test]
async fn what_was_cancelled_is_told_too() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.pgtend(&["init"]).expect(0);
    let declared = db.declare(
        "CREATE INDEX sales_status ON sales (status); CREATE INDEX sales_user ON sales (user_id);",
    );
    let snapshot = db.old_snapshot().await;
    let running = db.start_apply(&[&declared]);
    db.until_waiting("pgtend/apply").await;
    running.signal("INT");
    running.wait().expect(130);
    snapshot.release().await;
    // The second was never begun.
    let told = runs(&db, &[]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].outcome, "cancelled");
}

#[tokio::test]
async fn history_shows_what_is_asked_for() {
    let db = Database::new().await;
    db.pgtend(&["init"]).expect(0);
    let empty = db.pgtend(&["history"]).expect(0);
    assert_eq!(empty.stdout, "");
    assert!(empty.stderr.contains("has no matching run"), "{empty}");

    insert(&db, "refresh", "public.totals", 1).await;
    insert(&db, "apply", "public.sales_user", 3).await;
    insert(&db, "apply", "crm.sales_user_id", 10).await;
    insert(&db, "vacuum", "crm.\"We;ird 100%\"", 20).await;
    let all = ["public.totals", "public.sales_user", "crm.sales_user_id", "crm.\"We;ird 100%\""];
    assert_eq!(objects(&db, &[]), all);
    assert_eq!(objects(&db, &["--limit", "2"]), all[..2]);
    assert_eq!(objects(&db, &["--since", "7d"]), all[..2]);
    assert_eq!(objects(&db, &["--since", "99years"]), all);
    assert_eq!(objects(&db, &["--command", "apply"]), all[1..3]);
    for (pattern, wanted) in [
        ("sales*", &all[1..3]),
        ("*user", &all[1..2]),
        ("public.*", &all[..2]),
        ("public.sales_use?", &all[1..2]),
        ("sales_user", &all[1..2]),
        ("sales%", &[]),
        ("We;ird 100%", &all[3..]),
        ("crm.\"We;ird 100%\"", &all[3..]),
        ("SALES*", &[]),
        ("'; DROP TABLE pgtend.run; --", &[]),
    ] {
        assert_eq!(objects(&db, &["--object", pattern]), *wanted, "{pattern}");
    }
    let newest = &runs(&db, &["--limit", "1"])[0];
    assert_eq!((newest.id, newest.duration_ms), (1, 1500.0));
    assert_eq!((newest.object_oid, newest.mode.as_deref()), (None, None));
    db.sql(
        "UPDATE pgtend.run SET mode = 'plain', object_oid = 42, rows_inserted = 1, rows_updated = 2, \
         rows_deleted = 3, wal_bytes = 4, size_bytes = 8192 WHERE id = 1",
    )
    .await;
    let newest = &runs(&db, &["--limit", "1"])[0];
    assert_eq!((newest.object_oid, newest.mode.as_deref()), (Some(42), Some("plain")));
    let rows = [newest.rows_inserted, newest.rows_updated, newest.rows_deleted, newest.wal_bytes];
    assert_eq!(rows, [1, 2, 3, 4].map(Some));
    let shown = db.pgtend(&["history", "-v", "--limit", "1"]).expect(0).stdout;
    assert!(shown.contains("1.5 s  +1 ~2 -3  8.0 KiB  done"), "{shown}");
    assert!(newest.started_at.ends_with('Z'), "{newest:?}");
}

#[tokio::test]
async fn what_is_too_old_is_removed() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.pgtend(&["init"]).expect(0);
    for days in [1, 50, 100, 200] {
        insert(&db, "apply", &format!("public.days_{days}"), days).await;
    }
    let output = db.pgtend(&["history", "--keep", "150d", "--format", "json"]).expect(0);
    assert_eq!((output.json().pruned, output.json().runs.len()), (Some(1), 3), "{output}");

    let config = db.declare_as("pgtend.toml", "[history]\nkeep = \"90d\"\n");
    let declared = db.declare("CREATE INDEX sales_status ON sales (status);");
    db.apply(&["--config", &config, &declared]).expect(0).came_to("done");
    assert_eq!(objects(&db, &[]), ["public.sales_status", "public.days_1", "public.days_50"]);
    // Where nothing is written nothing is removed.
    insert(&db, "apply", "public.old", 100).await;
    db.apply(&["--config", &config, &declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(objects(&db, &[]).len(), 4);
}

#[tokio::test]
async fn without_the_schema_there_is_no_history() {
    let db = Database::new().await;
    let output = db.pgtend(&["history", "--format", "json"]).expect(3);
    let (kind, message, hint) = problem(&output);
    assert_eq!(kind, "unsupported");
    assert!(message.contains("no history"), "{output}");
    assert!(hint.starts_with("pgtend init"), "{output}");
}

#[tokio::test]
async fn a_history_that_cannot_be_written_stops_nothing() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.pgtend(&["init"]).expect(0);
    let role = db.role("mute").await;
    db.sql(&format!(
        "ALTER TABLE sales OWNER TO {role}; GRANT ALL ON SCHEMA public TO {role}"
    ))
    .await;
    db.pgtend(&["init", "--grant", &role]).expect(0);
    db.sql(&format!("REVOKE INSERT ON pgtend.run FROM {role}")).await;
    let declared = db.declare("CREATE INDEX sales_status ON sales (status);");
    let output = db.apply_as(&role, &[&declared]).expect(0).came_to("done");
    assert_eq!(output.warned("not_recorded"), ["pgtend"]);
    assert!(output.stdout.contains("permission denied for table run"), "{output}");

    let locked = db.hold("LOCK TABLE pgtend.run").await;
    let declared = db.declare("CREATE INDEX sales_amount ON sales (amount);");
    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.warned("not_recorded"), ["pgtend"]);
    locked.release().await;

    db.sql("DROP TABLE pgtend.run").await;
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id);");
    let output = db.pgtend(&["apply", &declared]).expect(0);
    assert!(output.stderr.contains("the history is incomplete"), "{output}");
    db.assert_whole("sales_user").await;
}

#[tokio::test]
async fn hostile_names_are_written_as_they_are() {
    let db = Database::new().await;
    let schema = "\"s'; DROP SCHEMA pgtend CASCADE; --\"";
    let index = "\"i\"\"dx \\ {\"\"a\"\":1} é\"";
    db.sql(&format!("CREATE SCHEMA {schema}; CREATE TABLE {schema}.t (a int)"))
        .await;
    db.pgtend(&["init"]).expect(0);
    let declared = db.declare(&format!("CREATE INDEX {index} ON {schema}.t (a);"));
    db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(objects(&db, &[]), [format!("{schema}.{index}")]);
    assert_eq!(objects(&db, &["--object", "*{\"a\":1} é"]), [""; 0]);
    assert_eq!(objects(&db, &["--object", "*{a:1} é"]).len(), 1);
}

#[tokio::test]
async fn the_last_refreshes_of_views_are_known_by_number_and_name() {
    let db = Database::new().await;
    db.pgtend(&["init"]).expect(0);
    db.sql(
        "CREATE SCHEMA \"We;ird\"; CREATE MATERIALIZED VIEW \"We;ird\".\"To\"\"tals\" AS SELECT 1;
         CREATE MATERIALIZED VIEW plain AS SELECT 1; CREATE MATERIALIZED VIEW unknown AS SELECT 1;
         CREATE MATERIALIZED VIEW restored AS SELECT 1",
    )
    .await;
    let oid = async |name: &str| -> u32 {
        db.value(&format!("SELECT '{name}'::regclass::oid")).await.parse().unwrap()
    };
    let (totals, plain) = (oid("\"We;ird\".\"To\"\"tals\"").await, oid("plain").await);
    let restored = oid("restored").await;
    let database = opened(&db, "postgres").await;
    let recorder = HistoryRecorder::open(&database, "refresh", &HistoryOptions::default()).await;
    let run = |object: &str, object_oid, ago: f64, ms: f64, outcome: &str| history::Run {
        command: "refresh".to_owned(),
        action: "refresh_view".to_owned(),
        object: object.to_owned(),
        object_oid: Some(object_oid),
        started_ago_seconds: ago,
        duration_ms: ms,
        outcome: outcome.to_owned(),
        mode: Some("concurrent".to_owned()),
        rows_inserted: Some(3),
        wal_bytes: Some(8192),
        ..history::Run::default()
    };
    let sources = |server: &str| {
        format!(r#"{{"server": "{server}", "relations": {{}}, "views": {{}}, "unknown": []}}"#)
    };
    let mut runs = vec![
        run("\"We;ird\".\"To\"\"tals\"", totals, 30.0, 1.0, "failed"),
        run("public.other", restored, 60.0, 1.0, "done"),
    ];
    // Eleven, of which the first and slowest does not count any more.
    runs.extend((0..11).map(|at| {
        let (ago, ms) = (1000.0 - f64::from(at) * 10.0, if at == 0 { 9e9 } else { f64::from(at) });
        run("\"We;ird\".\"To\"\"tals\"", totals, ago, ms, "done")
    }));
    recorder.write(&runs).await;
    recorder
        .keep_view_state(totals, "\"We;ird\".\"To\"\"tals\"", &sources("first"))
        .await;
    recorder
        .keep_view_state(totals, "\"We;ird\".\"To\"\"tals\"", &sources("second"))
        .await;
    recorder.keep_view_state(plain, "public.plain", "[]").await;
    assert_eq!(recorder.close().await, None);

    let session = database.reader().await.unwrap();
    let known = history::load_last_refreshes(&session, &[]).await.unwrap();
    assert_eq!(known.len(), 2, "{known:?}");
    let last = &known[&totals];
    assert_eq!(last.usual_duration, Some(Duration::from_micros(5500)));
    let server = last.sources.as_ref().and_then(|sources| sources.server.as_deref());
    assert_eq!(server, Some("second"));
    let ago = last.age.as_secs_f64();
    assert!((899.9..=960.0).contains(&ago), "{ago}");
    let last = &known[&plain];
    assert!(last.usual_duration.is_none() && last.sources.is_none());
    assert!(last.age < Duration::from_secs(60));

    let filter = history::RunFilter { limit: 1, ..history::RunFilter::default() };
    let newest = &history::load_runs(&session, &filter).await.unwrap()[0];
    assert_eq!(newest.run.outcome, "failed");
    assert_eq!(newest.run.rows_inserted, Some(3));
    assert!((30.0..90.0).contains(&newest.run.started_ago_seconds));
}
