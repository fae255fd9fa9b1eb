//! `pgtend vacuum` and `pgtend analyze`: what is due, what is locked, what goes wrong, and when to
//! stop.

use std::process::Command;

use pg_sandbox::Sandbox;

use crate::support::server;
use crate::support::{Database, Output, Pgtend, Running, connect_to, until, value};

/// Two tables with as many rows, one of them with many dead ones.
const TABLES: &str = "CREATE TABLE tidy (id int PRIMARY KEY, name text);
    INSERT INTO tidy SELECT n, n FROM generate_series(1, 1000) n;
    CREATE TABLE untidy (LIKE tidy INCLUDING ALL);
    INSERT INTO untidy SELECT * FROM tidy;";

async fn with_tables() -> Database {
    let db = Database::new().await;
    db.sql(TABLES).await;
    for table in ["tidy", "untidy"] {
        until_known(&db, table, "n_tup_ins = 1000").await;
        db.sql(&format!("VACUUM ANALYZE {table}")).await;
        until_known(&db, table, "last_analyze IS NOT NULL AND last_vacuum IS NOT NULL").await;
    }
    db.sql("DELETE FROM untidy WHERE id <= 600").await;
    until_known(&db, "untidy", "n_dead_tup = 600").await;
    db
}

/// Waits until the statistics of the table say so.
async fn until_known(db: &Database, table: &str, condition: &str) {
    until(&format!("{condition} of {table} is known"), || async {
        let sql =
            format!("SELECT {condition} FROM pg_stat_all_tables WHERE relid = '{table}'::regclass");
        db.value(&sql).await == "t"
    })
    .await;
}

fn run(db: &Database, arguments: &[&str]) -> Output {
    start(db, arguments).wait()
}

fn start(db: &Database, arguments: &[&str]) -> Running {
    db.start(&[arguments, &["--format", "json"]].concat())
}

/// What the command sent that changed something.
fn sent(db: &Database, command: &str) -> Vec<String> {
    let sent = db.changes(&format!("pgtend/{command}")).into_iter();
    sent.filter(|sql| !sql.contains("ONLY_DATABASE_STATS")).collect()
}

/// The statement as this server's version is sent it.
fn vacuum(db: &Database, table: &str) -> String {
    let stats = if db.server.major >= 16 {
        ", SKIP_DATABASE_STATS"
    } else {
        ""
    };
    format!("VACUUM (SKIP_LOCKED{stats}) public.{table}")
}

#[tokio::test]
async fn what_is_due_is_vacuumed_and_nothing_else() {
    let db = with_tables().await;
    let output = run(&db, &["vacuum", "-n", "public"]).expect(0).came_to("done");
    let step = output.step("public.untidy");
    assert_eq!((step.status.as_str(), step.verdict.as_str()), ("done", "to_do"));
    assert_eq!(step.reason, "600 dead rows (due at 125)");
    assert_eq!((step.dead_rows_before, step.dead_rows_after), (Some(600), Some(0)), "{output}");
    assert!(step.pages > Some(0) && step.pages == step.pages_before, "{output}");
    assert_eq!(step.size_bytes, step.pages.map(|pages| pages * 8192));
    let tidy = output.step("public.tidy");
    assert_eq!((tidy.status.as_str(), tidy.verdict.as_str()), ("skipped", "left_out"));
    assert!(tidy.reason.starts_with("not due: "), "{}", tidy.reason);
    assert_eq!(sent(&db, "vacuum"), [vacuum(&db, "untidy")]);
    run(&db, &["vacuum", "-n", "public"]).expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn a_tables_own_settings_decide_even_where_autovacuum_is_off() {
    let db = with_tables().await;
    db.sql(
        "ALTER TABLE untidy SET (autovacuum_vacuum_threshold = 5000);
         ALTER TABLE tidy SET (autovacuum_enabled = off, autovacuum_vacuum_threshold = 3,
            autovacuum_vacuum_scale_factor = 0);
         DELETE FROM tidy WHERE id <= 4",
    )
    .await;
    until_known(&db, "tidy", "n_dead_tup = 4").await;
    let output = run(&db, &["vacuum", "--threshold", "1", "-n", "public"]).expect(0);
    assert_eq!(output.step("public.tidy").reason, "4 dead rows (due at 3)");
    let reason = output.step("public.untidy").reason;
    assert_eq!(reason, "not due: 600 dead rows (due at 5,200)");
    assert_eq!(sent(&db, "vacuum"), [vacuum(&db, "tidy")]);
}

#[tokio::test]
async fn what_is_also_due_for_analyze_is_analyzed_with_it() {
    let db = with_tables().await;
    db.sql("CREATE TABLE fresh AS SELECT 1 AS x").await;
    until_known(&db, "fresh", "n_live_tup = 1").await;
    let output = run(&db, &["vacuum", "--analyze", "-n", "public"]).expect(0);
    assert_eq!(output.step("public.fresh").action, "analyze");
    let both = vacuum(&db, "untidy").replace(") public", ", ANALYZE) public");
    assert_eq!(
        sent(&db, "vacuum"),
        [both, "ANALYZE (SKIP_LOCKED, VERBOSE) public.fresh".to_owned()]
    );
}

#[tokio::test]
async fn what_was_never_analyzed_or_lacks_statistics_is_analyzed() {
    let db = with_tables().await;
    db.sql(
        "CREATE TABLE fresh AS SELECT 1 AS x;
         CREATE STATISTICS correlated ON id, name FROM tidy;
         CREATE TABLE parts (id int) PARTITION BY RANGE (id);
         CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (10);
         INSERT INTO part VALUES (1); ANALYZE part",
    )
    .await;
    until_known(&db, "fresh", "n_live_tup = 1").await;
    until_known(&db, "part", "last_analyze IS NOT NULL").await;
    let output = run(&db, &["analyze", "-n", "public"]).expect(0);
    assert_eq!(output.step("public.fresh").reason, "no ANALYZE is known");
    assert_eq!(output.step("public.parts").reason, "no ANALYZE is known");
    assert_eq!(
        output.step("public.tidy").reason,
        "extended statistics without data: correlated"
    );
    assert_eq!(output.step("public.untidy").reason, "600 changed rows (due at 75)");
    assert_eq!(output.step("public.part").status, "skipped");
    run(&db, &["analyze", "-n", "public"]).expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn columns_and_patterns_are_written_as_for_vacuumdb() {
    let db = with_tables().await;
    db.sql("CREATE SCHEMA \"We;ird\"; CREATE TABLE \"We;ird\".\"T\" (\"a b\" int)")
        .await;
    run(&db, &["analyze", "tidy (name, id)", "\"We;ird\".*"]).expect(0);
    let mut sent = sent(&db, "analyze");
    sent.sort();
    let expected = [
        "ANALYZE (SKIP_LOCKED) public.tidy (name, id)",
        "ANALYZE (SKIP_LOCKED, VERBOSE) \"We;ird\".\"T\"",
    ];
    assert_eq!(sent, expected);
    let failure = run(&db, &["vacuum", "nowhere"]).expect(2).json().error.unwrap();
    assert_eq!(failure.message, "there is no table nowhere");
    let output =
        run(&db, &["vacuum", "--all", "--schema", "public", "--exclude", "tidy"]).expect(0);
    let objects = output.json().steps.into_iter().map(|step| step.object).collect::<Vec<_>>();
    assert_eq!(objects, ["public.untidy"]);
}

#[tokio::test]
async fn what_is_locked_is_tried_again_at_the_end() {
    let db = with_tables().await;
    let locked = db.hold("LOCK TABLE untidy IN ACCESS EXCLUSIVE MODE").await;
    let output = run(&db, &["vacuum", "--skip-locked", "untidy"]).expect(0);
    assert_eq!(output.step("public.untidy").status, "skipped");
    let mut running = start(&db, &["vacuum", "untidy", "tidy"]);
    running.until_it_says("it is locked; tried again at the end").await;
    until_known(&db, "tidy", "vacuum_count = 2").await;
    locked.release().await;
    running.wait().expect(0).came_to("done");

    let _locked = db.hold("LOCK TABLE untidy IN ACCESS EXCLUSIVE MODE").await;
    let output = run(&db, &["vacuum", "untidy"]).expect(4).came_to("failed");
    let reason = output.step("public.untidy").reason;
    assert_eq!(reason, "skipping vacuum of \"untidy\" --- lock not available");
}

#[tokio::test]
async fn a_concurrent_build_on_the_table_lives() {
    let db = with_tables().await;
    let old = db.old_snapshot().await;
    let build = db.send("CREATE INDEX CONCURRENTLY untidy_name ON untidy (name)").await;
    db.until_phase("waiting for old snapshots", 1).await;
    let mut running = start(&db, &["vacuum", "-z", "untidy"]);
    running.until_it_says("it is locked; tried again at the end").await;
    old.release().await;
    build.await.unwrap().unwrap();
    running.wait().expect(0).came_to("done");
    db.assert_whole("untidy_name").await;
}

#[tokio::test]
async fn tables_of_others_are_a_failure() {
    let db = with_tables().await;
    let role = db.role("guest").await;
    let output = db.pgtend_as(&role, &["vacuum", "-n", "public", "--format", "json"]).expect(4);
    let reason = output.step("public.untidy").reason;
    assert_eq!(reason, "only its owner postgres may do it; 600 dead rows (due at 125)");
    assert_eq!(output.step("public.tidy").status, "skipped");
}

#[tokio::test]
async fn what_is_left_when_the_time_is_over_is_no_failure() {
    let db = with_tables().await;
    let output = run(&db, &["vacuum", "--time-limit", "1ms", "-n", "public"])
        .expect(0)
        .came_to("nothing_to_do");
    let step = output.step("public.untidy");
    assert_eq!(step.status, "skipped");
    assert_eq!(step.reason, "left for the next time: the time limit of 1.0 ms is over");
    assert_eq!(sent(&db, "vacuum"), Vec::<String>::new());
}

/// A role whose VACUUM takes for ever.
async fn slow_role(db: &Database) -> String {
    let role = db.role("slow").await;
    db.sql(&format!(
        "ALTER TABLE untidy OWNER TO {role}; ALTER TABLE tidy OWNER TO {role};
         ALTER ROLE {role} SET vacuum_cost_delay = '100ms'; ALTER ROLE {role} SET vacuum_cost_limit = 1;
         ALTER ROLE {role} SET statement_timeout = '50ms'"
    ))
    .await;
    role
}

async fn until_vacuuming(db: &Database) {
    until("it vacuums", || async {
        let sql = "SELECT count(*) FROM pg_stat_progress_vacuum WHERE datname = current_database()";
        db.value(sql).await == "1"
    })
    .await;
}

#[tokio::test]
async fn a_signal_cancels_and_tells_what_was_done() {
    let db = with_tables().await;
    let role = slow_role(&db).await;
    let arguments = ["vacuum", "--format", "json", "untidy", "tidy"];
    let mut running = db.start_as(&role, &arguments);
    until_vacuuming(&db).await;
    running.until_it_says("VACUUM: scanning heap").await;
    running.signal("INT");
    let output = running.wait().expect(130).came_to("cancelled");
    let statuses = output.json().steps.into_iter().map(|step| step.status).collect::<Vec<_>>();
    assert_eq!(statuses, ["cancelled", "cancelled"]);
}

#[tokio::test]
async fn what_runs_when_the_time_is_over_is_cancelled_and_no_failure() {
    let db = with_tables().await;
    let role = slow_role(&db).await;
    let arguments = ["vacuum", "--format", "json", "--time-limit", "1s", "untidy"];
    let output = db.pgtend_as(&role, &arguments).expect(0).came_to("nothing_to_do");
    let reason = output.step("public.untidy").reason;
    assert_eq!(reason, "cancelled, and left for the next time: the time limit of 1.0 s is over");
}

#[tokio::test]
async fn a_backend_that_is_ended_is_no_end() {
    let db = with_tables().await;
    let role = slow_role(&db).await;
    let mut running = db.start_as(&role, &["vacuum", "--format", "json", "untidy", "tidy"]);
    until_vacuuming(&db).await;
    db.sql(&format!("ALTER ROLE {role} RESET vacuum_cost_delay")).await;
    db.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_vacuum
         WHERE datname = current_database()",
    )
    .await;
    running.until_it_says("tries again").await;
    running.wait().expect(0).came_to("done");
}

#[tokio::test]
async fn a_table_that_is_dropped_meanwhile_is_no_failure() {
    let db = with_tables().await;
    let role = slow_role(&db).await;
    let running = db.start_as(&role, &["vacuum", "--format", "json", "untidy", "tidy"]);
    until_vacuuming(&db).await;
    let busy = "SELECT relid::regclass FROM pg_stat_progress_vacuum
                WHERE datname = current_database()";
    let other = if db.value(busy).await == "tidy" {
        "untidy"
    } else {
        "tidy"
    };
    db.sql(&format!("DROP TABLE {other}; ALTER ROLE {role} RESET vacuum_cost_delay"))
        .await;
    db.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_vacuum
         WHERE datname = current_database()",
    )
    .await;
    let output = running.wait().expect(0).came_to("done");
    let step = output.step(&format!("public.{other}"));
    assert_eq!(
        (step.status.as_str(), step.reason.as_str()),
        ("skipped", "it was dropped meanwhile")
    );
}

#[tokio::test]
async fn who_keeps_dead_rows_is_named() {
    let db = with_tables().await;
    let old = db.old_snapshot().await;
    db.sql("INSERT INTO untidy SELECT n, n FROM generate_series(10001, 13000) n")
        .await;
    db.sql("DELETE FROM untidy WHERE id > 10000").await;
    until_known(&db, "untidy", "n_dead_tup = 3600").await;
    let output = run(&db, &["vacuum", "untidy"]).expect(0);
    assert_eq!(output.warned("dead_rows_left"), ["public.untidy"]);
    let message = &output.json().warnings[0].message;
    assert!(
        message.contains("dead rows cannot be removed yet: the session with pid "),
        "{message}"
    );
    old.release().await;
}

#[tokio::test]
async fn outside_of_its_window_there_is_nothing_to_do() {
    let db = with_tables().await;
    let time = async |offset: &str| {
        db.value(&format!(
            "SELECT to_char((now() AT TIME ZONE 'UTC') + '{offset}'::interval, 'HH24:MI')"
        ))
        .await
    };
    let (soon, later) = (time("2 hours").await, time("3 hours").await);
    let closed = format!("{soon}-{later}");
    let window = ["vacuum", "-n", "public", "--time-zone", "UTC", "--window"];
    let output = run(&db, &[&window[..], &[&closed]].concat()).expect(0).came_to("nothing_to_do");
    // The window begins at a whole minute, up to one before two hours from when that was asked.
    let opens = ["opens in 1 h 59 min", "opens in 1 h 58 min"];
    let says_when = opens.iter().any(|words| output.stderr.contains(words));
    assert!(output.stderr.contains("the window") && says_when, "{output}");
    assert_eq!(sent(&db, "vacuum"), Vec::<String>::new());
    let open = format!("{}-{later}", time("-1 hour").await);
    run(&db, &[&window[..], &[&open]].concat()).expect(0).came_to("done");
}

#[tokio::test]
async fn what_is_near_wraparound_comes_first() {
    let db = with_tables().await;
    db.sql("CREATE TABLE old (id int); INSERT INTO old VALUES (1); ANALYZE old")
        .await;
    db.sql("ALTER TABLE old SET (autovacuum_freeze_max_age = 100000)").await;
    db.sql("DO $$ BEGIN FOR n IN 1..100001 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$")
        .await;
    let output = run(&db, &["vacuum", "-n", "public"]).expect(0);
    let first = &output.json().steps[0];
    assert_eq!(first.object, "public.old");
    assert!(first.reason.contains("(due at 50,000)"), "{}", first.reason);
    assert!(first.frozen_xid_age_before > Some(100_000), "{output}");
    let frozen = vacuum(&db, "old").replace(") public", ", FREEZE) public");
    assert_eq!(sent(&db, "vacuum")[0], frozen);
    // A session of whatever database that is just starting holds back what can be frozen.
    until("it is frozen, and that is told", || async {
        let step = run(&db, &["vacuum", "--freeze", "old"]).expect(0).step("public.old");
        step.frozen_xid_age_after < Some(1000)
    })
    .await;
}

/// Whoever has a threshold of 0 is infinitely far over it with its first dead row.
#[tokio::test]
async fn near_wraparound_comes_before_an_infinite_ratio() {
    let db = with_tables().await;
    db.sql(
        "CREATE TABLE old (id int); INSERT INTO old VALUES (1); ANALYZE old;
         ALTER TABLE old SET (autovacuum_freeze_max_age = 100000);
         ALTER TABLE tidy SET (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);
         DELETE FROM tidy WHERE id = 1",
    )
    .await;
    until_known(&db, "tidy", "n_dead_tup = 1").await;
    db.sql("DO $$ BEGIN FOR n IN 1..100001 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$")
        .await;
    for dry in [&["--dry-run"][..], &[]] {
        let words = [&["vacuum", "-n", "public", "--jobs", "1"], dry].concat();
        let steps = run(&db, &words).expect(0).json().steps;
        let order = steps.iter().map(|step| step.object.as_str()).collect::<Vec<_>>();
        assert_eq!(order, ["public.old", "public.tidy", "public.untidy"]);
        assert!(steps[0].reason.contains("(due at 50,000)"), "{}", steps[0].reason);
        assert!(steps[1].reason.contains("1 dead rows (due at 0)"), "{}", steps[1].reason);
    }
    let sent = sent(&db, "vacuum");
    let order = ["old", "tidy", "untidy"].map(|table| {
        sent.iter().position(|sql| sql.ends_with(&format!(" public.{table}"))).unwrap()
    });
    assert!(order.is_sorted(), "{sent:?}");
}

#[tokio::test]
async fn what_the_server_does_not_know_is_refused_before_work_begins() {
    let db = with_tables().await;
    let output = run(&db, &["vacuum", "--buffer-usage-limit", "1MB", "untidy"]);
    if db.server.major >= 16 {
        output.expect(0).came_to("done");
        assert!(sent(&db, "vacuum")[0].contains("BUFFER_USAGE_LIMIT '1MB'"));
    } else {
        let failure = output.expect(3).json().error.unwrap();
        assert!(failure.message.starts_with("--buffer-usage-limit needs PostgreSQL 16"));
        assert_eq!(sent(&db, "vacuum"), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_was_left_comes_first_the_next_time() {
    let db = with_tables().await;
    db.pgtend(&["init"]).expect(0);
    db.sql("DELETE FROM tidy WHERE id <= 200").await;
    until_known(&db, "tidy", "n_dead_tup = 200").await;
    let order = |output: &Output| {
        let steps = output.json().steps.into_iter();
        steps.map(|step| step.object).collect::<Vec<_>>()
    };
    let tables = ["vacuum", "-n", "public", "--exclude", "untidy"];
    run(&db, &[&tables[..], &["--time-limit", "1ms"]].concat()).expect(0);
    let output = run(&db, &["vacuum", "-n", "public", "--dry-run"]).expect(0);
    assert_eq!(order(&output), ["public.tidy", "public.untidy"]);
    let reason = output.step("public.tidy").reason;
    assert_eq!(reason, "200 dead rows (due at 125); left the last time");
    run(&db, &["vacuum", "-n", "public"]).expect(0).came_to("done");
    let sql =
        "SELECT string_agg(outcome, ' ' ORDER BY id) FROM pgtend.run WHERE object = 'public.tidy'";
    assert_eq!(db.value(sql).await, "skipped done");
    for table in ["tidy", "untidy"] {
        db.sql(&format!("DELETE FROM {table} WHERE id <= 900")).await;
        until_known(&db, table, "n_dead_tup > 200").await;
    }
    let output = run(&db, &["vacuum", "-n", "public", "--dry-run"]).expect(0);
    assert!(!output.stdout.contains("left the last time"), "{output}");
}

#[tokio::test]
async fn what_would_not_end_in_time_by_the_history_is_not_begun() {
    let db = with_tables().await;
    db.pgtend(&["init"]).expect(0);
    db.sql(
        "INSERT INTO pgtend.run (command, action, object, started_at, duration_ms, outcome, reason,
            size_bytes, pgtend_version)
         VALUES ('vacuum', 'vacuum', 'public.untidy', now(), 600000, 'done', '', 49152, '')",
    )
    .await;
    let output = run(&db, &["vacuum", "--time-limit", "1min", "untidy"]).expect(0);
    let reason = output.step("public.untidy").reason;
    let expected = "left for the next time: it would take about 10 min 0 s, and ";
    assert!(reason.starts_with(expected), "{reason}");
    // Of a table without a past its size tells.
    let output = run(&db, &["vacuum", "--time-limit", "1min", "tidy"]).expect(0);
    let reason = output.step("public.tidy").reason;
    assert!(reason.contains("it would take about "), "{reason}");
    assert!(!sent(&db, "vacuum").iter().any(|sql| sql.starts_with("VACUUM")));
    run(&db, &["vacuum", "untidy"]).expect(0).came_to("done");
}

#[tokio::test]
async fn how_far_the_whole_run_is_is_told_in_bytes() {
    let db = with_tables().await;
    let output = run(&db, &["vacuum", "--events", "untidy", "tidy"]).expect(0);
    let events = output.stderr.lines().map(|line| serde_json::from_str(line).unwrap());
    let advanced = events.filter(|event: &serde_json::Value| event["event"] == "advanced");
    let far = advanced.map(|event| {
        let known = event["bytes_done"].as_i64().unwrap() <= event["bytes"].as_i64().unwrap();
        (event["steps_done"].as_u64(), event["steps"].as_u64(), known)
    });
    assert_eq!(far.collect::<Vec<_>>(), [(Some(1), Some(2), true), (Some(2), Some(2), true)]);
}

#[tokio::test]
async fn a_window_is_waited_for() {
    let db = with_tables().await;
    let time = async |offset: &str| {
        db.value(&format!(
            "SELECT to_char((now() AT TIME ZONE 'UTC') + '{offset}'::interval, 'HH24:MI')"
        ))
        .await
    };
    let window = format!("{}-{}", time("2 hours").await, time("3 hours").await);
    let arguments = ["vacuum", "untidy", "--time-zone", "UTC", "--window", &window, "--wait"];
    let mut running = start(&db, &arguments);
    running.until_it_says("Waits 1 h 59 min").await;
    running.signal("TERM");
    running.wait().expect(143).came_to("cancelled");
    assert_eq!(sent(&db, "vacuum"), Vec::<String>::new());
}

#[tokio::test]
async fn gently_is_as_slow_as_autovacuum() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE wide (text text) WITH (fillfactor = 10);
         INSERT INTO wide SELECT repeat('x', 1000) FROM generate_series(1, 8000) n;
         DELETE FROM wide",
    )
    .await;
    let running = start(&db, &["vacuum", "wide", "--gentle"]);
    until("it pauses", || async {
        let sql = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event = 'VacuumDelay'";
        db.value(sql).await == "1"
    })
    .await;
    let output = running.wait().expect(0).came_to("done");
    let step = output.step("public.wide");
    assert_eq!(step.pages_scanned, Some(8000), "{output}");
}

#[tokio::test]
async fn parents_get_statistics_of_all_their_rows_and_no_child_is_done_twice() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE parts (id int) PARTITION BY RANGE (id);
         CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (10000);
         CREATE TABLE parent (id int);
         CREATE TABLE child () INHERITS (parent);
         INSERT INTO parts SELECT generate_series(1, 1000);
         INSERT INTO parent SELECT generate_series(1, 1000);
         INSERT INTO child SELECT generate_series(1, 1000)",
    )
    .await;
    for table in ["part", "parent", "child"] {
        until_known(&db, table, "n_live_tup = 1000").await;
    }
    let output = run(&db, &["analyze", "--needed", "-n", "public"]).expect(0).came_to("done");
    let inherited = "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_stats
                     WHERE inherited AND schemaname = 'public'";
    assert_eq!(db.value(inherited).await, "parent parts", "{output}");
    let mut sent = sent(&db, "analyze");
    sent.sort();
    let only = if db.server.major >= 18 { "ONLY " } else { "" };
    let expected = [
        format!("ANALYZE (SKIP_LOCKED, VERBOSE) {only}public.parent"),
        format!("ANALYZE (SKIP_LOCKED, VERBOSE) {only}public.parts"),
        "ANALYZE (SKIP_LOCKED, VERBOSE) public.child".to_owned(),
        "ANALYZE (SKIP_LOCKED, VERBOSE) public.part".to_owned(),
    ];
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_toast_table_that_is_due_is_vacuumed_without_its_table() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE large (id int, text text);
         ALTER TABLE large ALTER text SET STORAGE EXTERNAL;
         INSERT INTO large SELECT n, repeat('x', 20000) FROM generate_series(1, 200) n",
    )
    .await;
    until_known(&db, "large", "n_live_tup = 200").await;
    db.sql("VACUUM ANALYZE large").await;
    db.sql("DELETE FROM large WHERE id <= 40").await;
    until_known(&db, "large", "n_dead_tup = 40").await;
    let toast = db
        .value("SELECT reltoastrelid::regclass FROM pg_class WHERE relname = 'large'")
        .await;
    until_known(&db, &toast, "n_dead_tup > 300").await;
    let arguments = ["vacuum", "--threshold", "0.6", "-n", "public"];
    let output = run(&db, &arguments).expect(0).came_to("done");
    assert!(output.step("public.large").reason.contains("TOAST"), "{output}");
    until_known(&db, &toast, "n_dead_tup = 0").await;
    let dead = db
        .value("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'large'")
        .await;
    let (only, left) = if db.server.major >= 16 {
        (", PROCESS_MAIN false", "40")
    } else {
        ("", "0")
    };
    assert_eq!(dead, left);
    assert_eq!(
        sent(&db, "vacuum"),
        [vacuum(&db, "large")
            .replace("LOCKED", "LOCKED, VERBOSE")
            .replace(") ", &format!("{only}) "))]
    );
}

#[tokio::test]
async fn hostile_names_are_names() {
    let db = Database::new().await;
    db.sql(
        "CREATE SCHEMA \"We;ird\"; CREATE TABLE \"We;ird\".\"a \"\"b\"\"; DROP\" AS SELECT 1 AS \"c(\";
         CREATE STATISTICS \"s;\" ON \"c(\", (\"c(\" + 1) FROM \"We;ird\".\"a \"\"b\"\"; DROP\"",
    )
    .await;
    let name = "\"We;ird\".\"a \"\"b\"\"; DROP\"";
    let output = run(&db, &["vacuum", "--all", "-z", "--schema", "We;*"])
        .expect(0)
        .came_to("done");
    assert_eq!(output.step(name).status, "done", "{output}");
    run(&db, &["analyze", &format!("{name} (\"c(\")")]).expect(0).came_to("done");
    assert!(sent(&db, "analyze")[0].ends_with(&format!(" {name} (\"c(\")")));
}

#[tokio::test]
async fn a_crash_of_the_server_is_survived_by_all_that_runs() {
    let sandbox = Sandbox::start(&server::options()).unwrap();
    let socket_dir = sandbox.socket_dir().display().to_string();
    let url = format!("host={socket_dir} port={} user=postgres dbname=postgres", sandbox.port());
    let client = connect_to(&url).await.unwrap();
    client.batch_execute(TABLES).await.unwrap();
    client.batch_execute("VACUUM tidy").await.unwrap();
    client
        .batch_execute(
            "ALTER ROLE postgres SET vacuum_cost_delay = '100ms';
             ALTER ROLE postgres SET vacuum_cost_limit = 1;
             DELETE FROM tidy; DELETE FROM untidy",
        )
        .await
        .unwrap();
    let arguments = ["vacuum", "-j", "2", "--format", "json", "-d", &url, "tidy", "untidy"];
    let mut running = Pgtend::new(&arguments).start();
    let pids = "SELECT string_agg(pid::text, ' ') FROM pg_stat_progress_vacuum";
    until("both are vacuumed", || async { value(&client, pids).await.contains(' ') }).await;
    client
        .batch_execute("ALTER ROLE postgres RESET vacuum_cost_delay")
        .await
        .unwrap();
    let pid = value(&client, pids).await;
    let killed = Command::new("kill")
        .args(["-9", pid.split(' ').next().unwrap()])
        .status()
        .unwrap();
    assert!(killed.success());
    running.until_it_says("tries again").await;
    let output = running.wait().expect(0).came_to("done");
    for table in ["public.tidy", "public.untidy"] {
        assert_eq!(output.step(table).status, "done", "{output}");
    }
    sandbox.stop().unwrap();
}
