//! `pgtend refresh`: order, modes, never twice, and what goes wrong.

use std::fs;
use std::process::Command;

use pg_sandbox::Sandbox;

use crate::support::server;
use crate::support::{Database, Output, Pgtend, Running, connect_to, sqlstate, until, value};

const APPLICATION: &str = "pgtend/refresh";

/// A table and a view on it that can be refreshed concurrently.
const TOTALS: &str = "CREATE TABLE sales (id int, user_id int, amount int);
    INSERT INTO sales SELECT n, n % 100, n FROM generate_series(1, 1000) n;
    CREATE MATERIALIZED VIEW totals AS SELECT user_id, sum(amount) AS total FROM sales GROUP BY 1;
    CREATE UNIQUE INDEX ON totals (user_id);";

/// A function that returns when the gate is open; `close` and `open` are what it looks at.
const GATE: &str = "CREATE TABLE gate (is_closed bool);
    CREATE FUNCTION pass() RETURNS int LANGUAGE plpgsql AS $$
    BEGIN
        WHILE EXISTS (SELECT FROM public.gate) LOOP PERFORM pg_sleep(0.01); END LOOP;
        RETURN 1;
    END $$;
    CREATE MATERIALIZED VIEW gated AS SELECT id, pass() AS passed FROM generate_series(1, 1) AS id;
    CREATE UNIQUE INDEX ON gated (id);";
const CLOSE: &str = "INSERT INTO gate VALUES (true)";
const OPEN: &str = "DELETE FROM gate";

async fn with(sql: &str) -> Database {
    let db = Database::new().await;
    db.sql(sql).await;
    db
}

fn refresh(db: &Database, arguments: &[&str]) -> Output {
    start(db, arguments).wait()
}

fn start(db: &Database, arguments: &[&str]) -> Running {
    db.start(&[&["refresh", "--format", "json"], arguments].concat())
}

fn refresh_as(db: &Database, role: &str, arguments: &[&str]) -> Output {
    db.pgtend_as(role, &[&["refresh", "--format", "json"], arguments].concat())
}

/// What it sent that changed something.
fn sent(db: &Database) -> Vec<String> {
    db.changes(APPLICATION)
}

/// Waits until the refresh is at work on the server.
async fn until_refreshing(db: &Database) {
    until("it refreshes", || async {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                   AND state = 'active' AND query LIKE 'REFRESH%'";
        db.value(sql).await == "1"
    })
    .await;
}

#[tokio::test]
async fn a_view_with_a_unique_index_is_refreshed_concurrently() {
    let db = with(TOTALS).await;
    db.sql("ANALYZE totals; UPDATE sales SET amount = amount + 1 WHERE user_id < 3")
        .await;
    let output = refresh(&db, &["totals"]).expect(0).came_to("done");
    let step = output.step("public.totals");
    assert_eq!((step.status.as_str(), step.mode.as_deref()), ("done", Some("concurrent")));
    assert_eq!(
        (step.rows_inserted, step.rows_updated, step.rows_deleted),
        (Some(3), Some(0), Some(3)),
        "{output}"
    );
    assert_eq!(step.lock.as_deref(), Some("Exclusive on public.totals"));
    assert!(step.size_bytes > Some(0) && step.wal_bytes > Some(0), "{output}");
    assert_eq!(sent(&db), ["REFRESH MATERIALIZED VIEW CONCURRENTLY public.totals"]);
    let wrong = "SELECT count(*) FROM totals t WHERE total <>
                 (SELECT sum(amount) FROM sales s WHERE s.user_id = t.user_id)";
    assert_eq!(db.value(wrong).await, "0");
}

#[tokio::test]
async fn what_was_never_filled_is_filled_and_analyzed() {
    let db = with("CREATE MATERIALIZED VIEW v AS SELECT 1 AS one WITH NO DATA").await;
    assert_eq!(
        refresh(&db, &["--mode", "concurrent", "v"]).expect(4).step("public.v").reason,
        "it is not populated, and the first refresh cannot be concurrent; --mode auto populates it"
    );
    let output = refresh(&db, &["v"]).expect(0);
    assert_eq!(output.warned("no_unique_index"), ["public.v"]);
    let step = output.step("public.v");
    assert_eq!((step.mode.as_deref(), step.rows_inserted), (Some("plain"), None));
    assert_eq!(db.value("SELECT one FROM v").await, "1");
    let expected = ["REFRESH MATERIALIZED VIEW public.v", "ANALYZE (SKIP_LOCKED) public.v"];
    assert_eq!(sent(&db), expected);
}

#[tokio::test]
async fn readers_never_wait_by_surprise() {
    let db = with(TOTALS).await;
    db.sql("DROP INDEX totals_user_id_idx; CREATE UNIQUE INDEX part ON totals (user_id) WHERE total > 0")
        .await;
    let output = refresh(&db, &["totals"]).expect(4).came_to("failed");
    let reason = output.step("public.totals").reason;
    let proposal =
        "CREATE UNIQUE INDEX CONCURRENTLY ON public.totals (user_id), by which its query groups";
    assert!(reason.contains(proposal), "{reason}");
    assert!(reason.ends_with("or --mode plain, which makes readers wait"), "{reason}");
    assert_eq!(sent(&db), Vec::<String>::new());

    let output = refresh(&db, &["--mode", "plain", "totals"]).expect(0);
    assert_eq!(
        output.step("public.totals").lock.as_deref(),
        Some("AccessExclusive on public.totals")
    );
}

#[tokio::test]
async fn a_column_without_duplicates_is_proposed_as_key() {
    let db = with(
        "CREATE MATERIALIZED VIEW v AS SELECT n AS id, n % 3 AS kind FROM generate_series(1, 500) n;
         ANALYZE v",
    )
    .await;
    let reason = refresh(&db, &["v"]).expect(4).step("public.v").reason;
    assert!(reason.contains("ON public.v (id), which holds no value twice now"), "{reason}");
}

#[tokio::test]
async fn null_keys_are_warned_of() {
    let db = with(TOTALS).await;
    db.sql(
        "INSERT INTO sales VALUES (0, NULL, 1); REFRESH MATERIALIZED VIEW totals; ANALYZE totals",
    )
    .await;
    let output = refresh(&db, &["totals"]).expect(0);
    assert_eq!(output.warned("null_keys"), ["public.totals"]);
    assert_eq!(output.step("public.totals").rows_deleted, Some(1), "{output}");
}

/// A concurrent refresh matches by the columns of every unique index.
#[tokio::test]
async fn null_keys_of_a_second_index_are_warned_of() {
    let db = with(
        "CREATE TABLE t (id int PRIMARY KEY, a int, b int);
         INSERT INTO t VALUES (1, NULL, NULL);
         CREATE MATERIALIZED VIEW v AS SELECT id, a, b FROM t;
         CREATE UNIQUE INDEX ON v (id);
         CREATE UNIQUE INDEX ON v (id, a) INCLUDE (b);
         ANALYZE v",
    )
    .await;
    let output = refresh(&db, &["v"]).expect(0);
    assert!(output.to_string().contains("rows with NULL in a are deleted"), "{output}");
}

/// c reads b through a plain view, b reads a; z stands alone.
const CHAIN: &str = "CREATE TABLE t (x int); INSERT INTO t VALUES (1);
    CREATE MATERIALIZED VIEW z_source AS SELECT x FROM t;
    CREATE MATERIALIZED VIEW m_middle AS SELECT 10 / x AS x FROM z_source;
    CREATE VIEW between AS SELECT x FROM m_middle;
    CREATE MATERIALIZED VIEW a_last AS SELECT x FROM between;
    CREATE MATERIALIZED VIEW alone AS SELECT x FROM t;
    CREATE UNIQUE INDEX ON z_source (x); CREATE UNIQUE INDEX ON m_middle (x);
    CREATE UNIQUE INDEX ON a_last (x); CREATE UNIQUE INDEX ON alone (x);
    ANALYZE z_source, m_middle, a_last, alone;";

fn refreshes(db: &Database) -> Vec<String> {
    let views = sent(db).into_iter();
    let views = views.filter_map(|sql| {
        sql.strip_prefix("REFRESH MATERIALIZED VIEW CONCURRENTLY public.")
            .map(str::to_owned)
    });
    views.collect()
}

#[tokio::test]
async fn what_others_read_is_refreshed_first() {
    let db = with(CHAIN).await;
    refresh(&db, &["--all"]).expect(0).came_to("done");
    assert_eq!(refreshes(&db), ["alone", "z_source", "m_middle", "a_last"]);
}

#[tokio::test]
async fn the_views_that_a_named_one_reads_come_with_it() {
    let db = with(CHAIN).await;
    db.sql("UPDATE t SET x = 5").await;
    refresh(&db, &["--with-dependencies", "--jobs", "4", "a_last"])
        .expect(0)
        .came_to("done");
    assert_eq!(refreshes(&db), ["z_source", "m_middle", "a_last"]);
    assert_eq!(db.value("SELECT x FROM a_last").await, "2");
    assert_eq!(db.value("SELECT x FROM alone").await, "1");
}

#[tokio::test]
async fn what_reads_a_view_that_failed_is_skipped() {
    let db = with(CHAIN).await;
    db.sql("UPDATE t SET x = 0").await;
    let output = refresh(&db, &["--all"]).expect(4).came_to("failed");
    let middle = output.step("public.m_middle");
    assert_eq!((middle.status.as_str(), middle.sqlstate.as_deref()), ("failed", Some("22012")));
    let last = output.step("public.a_last");
    assert_eq!(last.status, "skipped");
    assert_eq!(last.reason, "it reads public.m_middle, which was not refreshed");
    assert_eq!(output.step("public.alone").status, "done");
    // What was there can still be read.
    assert_eq!(db.value("SELECT x FROM m_middle").await, "10");
    assert_eq!(db.value("SELECT x FROM a_last").await, "10");

    db.sql("UPDATE t SET x = 2").await;
    refresh(&db, &["--all"]).expect(0).came_to("done");
    assert_eq!(db.value("SELECT x FROM a_last").await, "5");
}

#[tokio::test]
async fn duplicates_are_explained_with_their_key() {
    let db = with(
        "CREATE TABLE t (id int, name text); INSERT INTO t VALUES (1, 'one');
         CREATE MATERIALIZED VIEW v AS SELECT * FROM t; CREATE UNIQUE INDEX ON v (id);
         INSERT INTO t VALUES (7, 'seven'), (7, 'seven')",
    )
    .await;
    let step = refresh(&db, &["v"]).expect(4).step("public.v");
    assert_eq!(step.sqlstate.as_deref(), Some("21000"));
    assert!(
        step.reason.starts_with("its query returns several rows for one key (id): "),
        "{}",
        step.reason
    );
    assert!(step.reason.contains("Row: (7,seven)"), "{}", step.reason);
    assert_eq!(db.value("SELECT count(*) FROM v").await, "1");

    db.sql("DELETE FROM t WHERE id = 7; INSERT INTO t VALUES (7, 'a'), (7, 'b')")
        .await;
    let step = refresh(&db, &["v"]).expect(4).step("public.v");
    assert_eq!(step.sqlstate.as_deref(), Some("23505"));
    assert!(step.reason.contains("Key (id)=(7) already exists"), "{}", step.reason);
    db.sql("DELETE FROM t WHERE name = 'b'").await;
    refresh(&db, &["v"]).expect(0);
    assert_eq!(db.value("SELECT count(*) FROM v").await, "2");
}

#[tokio::test]
async fn a_refresh_by_hand_is_named_and_not_queued_behind() {
    let db = with(TOTALS).await;
    let other = db.hold("REFRESH MATERIALIZED VIEW CONCURRENTLY totals").await;
    let output = refresh(&db, &["totals"]).expect(5).came_to("busy");
    let step = output.step("public.totals");
    assert_eq!(step.status, "skipped");
    assert!(
        step.reason
            .starts_with(&format!("skipped: already being refreshed by pid {} (", other.pid)),
        "{}",
        step.reason
    );
    assert_eq!(sent(&db), Vec::<String>::new());

    let mut running = start(&db, &["--wait", "1min", "totals"]);
    running.until_it_says(&format!("waits for pid {}", other.pid)).await;
    other.release().await;
    running.wait().expect(0).came_to("done");
}

#[tokio::test]
async fn two_runs_never_refresh_one_view() {
    let db = with(&format!("{GATE}{TOTALS}")).await;
    db.sql(CLOSE).await;
    let first = start(&db, &["gated"]);
    until_refreshing(&db).await;
    let output = refresh(&db, &["gated"]).expect(5).came_to("busy");
    let reason = output.step("public.gated").reason;
    assert!(
        reason.starts_with("skipped: already being refreshed by another run (pid "),
        "{reason}"
    );
    assert!(reason.contains(", pgtend/refresh, user postgres"), "{reason}");
    // What else is to do gets done.
    let output = refresh(&db, &["gated", "totals"]).expect(0).came_to("done");
    assert_eq!(output.step("public.gated").status, "skipped");
    assert_eq!(output.step("public.totals").status, "done");

    let mut third = start(&db, &["--wait", "1min", "gated"]);
    third.until_it_says("waits for another run").await;
    db.sql(OPEN).await;
    first.wait().expect(0).came_to("done");
    third.wait().expect(0).came_to("done");
}

#[tokio::test]
async fn a_plain_refresh_lets_readers_through_between_its_tries() {
    let db = with(TOTALS).await;
    let reader = db.hold("SELECT count(*) FROM totals").await;
    let mut running = start(&db, &["--mode", "plain", "totals"]);
    db.until_waiting(APPLICATION).await;
    // Without its lock_timeout this would wait for as long as the other reader stays.
    assert_eq!(db.value("SELECT count(*) FROM totals").await, "100");
    running
        .until_it_says("tries again: canceling statement due to lock timeout")
        .await;
    reader.release().await;
    running.wait().expect(0).came_to("done");
}

#[tokio::test]
async fn after_a_kill_the_old_contents_are_there_and_the_next_run_is_right() {
    let db = with(GATE).await;
    db.sql(CLOSE).await;
    let running = start(&db, &["gated"]);
    until_refreshing(&db).await;
    running.signal("KILL");
    until("the server has ended the refresh", || async {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                   AND application_name = 'pgtend/refresh'";
        db.value(sql).await == "0"
    })
    .await;
    assert_eq!(db.value("SELECT count(*) FROM gated").await, "1");
    db.sql(OPEN).await;
    refresh(&db, &["gated"]).expect(0).came_to("done");
}

#[tokio::test]
async fn a_refresh_whose_backend_is_killed_is_begun_again() {
    let db = with(GATE).await;
    db.sql(CLOSE).await;
    let mut running = start(&db, &["gated"]);
    until_refreshing(&db).await;
    db.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'REFRESH%' AND state = 'active'",
    )
    .await;
    running.until_it_says("tries again").await;
    db.sql(OPEN).await;
    running.wait().expect(0).came_to("done");
}

#[tokio::test]
async fn a_signal_cancels_the_refresh() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let db = with(&format!("{GATE}{TOTALS}")).await;
        db.sql(CLOSE).await;
        let running = start(&db, &["gated", "totals"]);
        until_refreshing(&db).await;
        running.signal(signal);
        let output = running.wait().expect(code).came_to("cancelled");
        assert_eq!(output.step("public.gated").status, "cancelled");
        let reason = output.step("public.totals").reason;
        assert_eq!(reason, format!("not started: SIG{signal} came"));
        assert_eq!(db.value("SELECT count(*) FROM gated").await, "1");
    }
}

#[tokio::test]
async fn the_time_limit_cancels_what_runs() {
    let db = with(&format!("{GATE}{TOTALS}")).await;
    db.sql(CLOSE).await;
    let output = refresh(&db, &["--time-limit", "2s", "gated", "totals"]).expect(4);
    let output = output.came_to("failed");
    assert_eq!(output.step("public.gated").reason, "the time limit of 2.0 s is over");
    let reason = output.step("public.totals").reason;
    assert_eq!(reason, "not started: the time limit of 2.0 s is over");
    assert_eq!(db.value("SELECT count(*) FROM gated").await, "1");
}

#[tokio::test]
async fn only_those_who_may_refresh() {
    let db = with(TOTALS).await;
    let role = db.role("reader").await;
    db.sql(&format!("GRANT SELECT ON totals TO {role}")).await;
    let step = refresh_as(&db, &role, &["totals"]).expect(4).step("public.totals");
    assert!(
        step.reason.starts_with("only its owner postgres may refresh it"),
        "{}",
        step.reason
    );
    if db.server.major >= 17 {
        db.sql(&format!("GRANT MAINTAIN ON totals TO {role}")).await;
        refresh_as(&db, &role, &["totals"]).expect(0).came_to("done");
    }
}

#[tokio::test]
async fn a_concurrent_refresh_needs_temporary_tables() {
    let db = with(TOTALS).await;
    let role = db.role("owner").await;
    db.sql(&format!(
        "ALTER MATERIALIZED VIEW totals OWNER TO {role}; GRANT SELECT ON sales TO {role};
         GRANT CREATE, USAGE ON SCHEMA public TO {role};
         REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC",
        db.name
    ))
    .await;
    let step = refresh_as(&db, &role, &["totals"]).expect(4).step("public.totals");
    let way_out = format!("GRANT TEMPORARY ON DATABASE {} TO …", db.name);
    assert!(step.reason.ends_with(&way_out), "{}", step.reason);
    db.sql(&format!("GRANT TEMPORARY ON DATABASE {} TO {role}", db.name)).await;
    refresh_as(&db, &role, &["totals"]).expect(0).came_to("done");
}

#[tokio::test]
async fn a_disk_limit_leaves_the_old_contents() {
    let db = with(TOTALS).await;
    let role = db.role("thrifty").await;
    db.sql(&format!(
        "CREATE MATERIALIZED VIEW large AS
            SELECT md5(n::text) AS word, n FROM sales, generate_series(1, 200) n ORDER BY 1;
         ALTER MATERIALIZED VIEW large OWNER TO {role};
         GRANT SELECT ON sales TO {role}; GRANT ALL ON SCHEMA public TO {role};
         ALTER ROLE {role} SET temp_file_limit = '100kB'"
    ))
    .await;
    let step = refresh_as(&db, &role, &["--mode", "plain", "large"])
        .expect(4)
        .step("public.large");
    assert_eq!(step.sqlstate.as_deref(), Some("53400"), "{}", step.reason);
    assert_eq!(db.value("SELECT count(*) FROM large").await, "200000");
    db.sql(&format!("ALTER ROLE {role} RESET temp_file_limit")).await;
    refresh_as(&db, &role, &["--mode", "plain", "large"]).expect(0).came_to("done");
}

#[tokio::test]
async fn names_are_written_as_in_psql() {
    let db = with(
        "CREATE SCHEMA \"We;ird\";
         CREATE MATERIALIZED VIEW \"We;ird\".\"My View\"\" '$$\" AS SELECT 1 AS \"a;b\";
         CREATE UNIQUE INDEX ON \"We;ird\".\"My View\"\" '$$\" (\"a;b\");
         CREATE MATERIALIZED VIEW \"We;ird\".plain AS SELECT 1 AS x;
         CREATE UNIQUE INDEX ON \"We;ird\".plain (x)",
    )
    .await;
    let name = "\"We;ird\".\"My View\"\" '$$\"";
    refresh(&db, &[name]).expect(0).step(name);
    let failure = refresh(&db, &["plain"]).expect(2).json().error.unwrap();
    assert_eq!(failure.message, "there is no materialized view plain");
    assert!(failure.hint.unwrap().contains("\"We;ird\".plain"));
    assert_eq!(refresh(&db, &["*.pl?in"]).expect(0).json().steps.len(), 1);
    let failure = refresh(&db, &["\"open"]).expect(2).json().error.unwrap();
    assert!(failure.message.ends_with("a quote is not closed"), "{}", failure.message);
}

#[tokio::test]
async fn without_names_the_configured_views_or_none() {
    let db = with(TOTALS).await;
    let failure = refresh(&db, &[]).expect(2).json().error.unwrap();
    assert_eq!(failure.message, "no materialized view is named");
    assert!(failure.hint.unwrap().ends_with("there are: public.totals"));
    let config = db.path("pgtend.toml");
    fs::write(&config, "[refresh]\nviews = [\"tot*\"]\n").unwrap();
    let config = config.display().to_string();
    let output = refresh(&db, &["--config", &config]).expect(0).came_to("done");
    assert_eq!(output.step("public.totals").status, "done");
}

#[tokio::test]
async fn many_dead_rows_are_vacuumed() {
    let db = with(TOTALS).await;
    db.sql("ANALYZE totals; UPDATE sales SET amount = amount + 1 WHERE user_id < 50")
        .await;
    refresh(&db, &["totals"]).expect(0);
    let expected = [
        "REFRESH MATERIALIZED VIEW CONCURRENTLY public.totals",
        "VACUUM (SKIP_LOCKED, ANALYZE) public.totals",
    ];
    assert_eq!(sent(&db), expected);
    let sql = "SELECT count(*) FROM pg_stat_user_tables WHERE relname = 'totals' AND last_vacuum IS NOT NULL";
    until("the statistics know of the VACUUM", || async { db.value(sql).await == "1" }).await;
}

#[tokio::test]
async fn an_index_build_is_waited_for_or_said_to_be_held_up() {
    let db = with(&format!("{GATE}{TOTALS}")).await;
    let old = db.old_snapshot().await;
    let build = db.send("CREATE INDEX CONCURRENTLY sales_id ON sales (id)").await;
    db.until_phase("waiting for old snapshots", 1).await;
    let output = refresh(&db, &["totals"]).expect(0).came_to("done");
    assert!(output.stderr.contains("cannot end before this refresh does"), "{output}");
    let mut running = start(&db, &["--wait", "1min", "totals"]);
    running.until_it_says("waits for the index build by").await;
    old.release().await;
    build.await.unwrap().unwrap();
    running.wait().expect(0).came_to("done");
}

#[tokio::test]
async fn a_view_that_is_dropped_before_its_turn() {
    let db = with(&format!("{GATE}{TOTALS}")).await;
    db.sql(CLOSE).await;
    let running = start(&db, &["gated", "totals"]);
    until_refreshing(&db).await;
    db.sql("DROP TABLE sales CASCADE").await;
    db.sql(OPEN).await;
    let output = running.wait().expect(4).came_to("failed");
    assert_eq!(output.step("public.totals").reason, "it was dropped meanwhile");
    assert_eq!(output.step("public.gated").status, "done");
}

#[tokio::test]
async fn quiet_means_quiet_and_dry_means_dry() {
    let db = with(TOTALS).await;
    let output = db.pgtend(&["refresh", "--dry-run", "totals"]).expect(0);
    assert_eq!(output.stdout, "REFRESH MATERIALIZED VIEW CONCURRENTLY public.totals;\n");
    assert_eq!(sent(&db), Vec::<String>::new());
    let output = db.pgtend(&["refresh", "-q", "totals"]).expect(0);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
}

#[tokio::test]
async fn figures_for_prometheus_outlive_a_failure() {
    let db = with(CHAIN).await;
    let file = db.path("pgtend.prom");
    let metrics = ["--metrics-file", &file.display().to_string(), "m_middle"];
    refresh(&db, &metrics).expect(0);
    let labels = format!("database=\"{}\",view=\"public.m_middle\"", db.name);
    let figure = |name: &str| {
        let text = fs::read_to_string(&file).unwrap();
        let line = text.lines().find(|line| line.starts_with(&format!("{name}{{{labels}")));
        line.and_then(|line| line.rsplit_once(' ')).map(|(_, value)| value.to_owned())
    };
    let success = figure("pgtend_refresh_last_success_timestamp_seconds");
    assert!(success.is_some());
    assert_eq!(figure("pgtend_refresh_last_rows_changed").as_deref(), Some("0"));
    db.sql("UPDATE t SET x = 0; REFRESH MATERIALIZED VIEW z_source").await;
    refresh(&db, &metrics).expect(4);
    assert_eq!(figure("pgtend_refresh_last_success_timestamp_seconds"), success);
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.contains(&format!("pgtend_refresh_last_outcome{{{labels},outcome=\"failed\"}} 1\n"))
    );
    assert!(
        text.contains(&format!("pgtend_refresh_last_outcome{{{labels},outcome=\"done\"}} 0\n"))
    );
}

async fn with_history(sql: &str) -> Database {
    let db = with(sql).await;
    db.pgtend(&["init"]).expect(0);
    // The collector of 14 begins a new database's statistics when it first hears of it.
    if db.server.major == 14 {
        until("its statistics have begun", || async {
            !db.value(STATISTICS_BEGAN).await.is_empty()
        })
        .await;
    }
    db
}

const STATISTICS_BEGAN: &str =
    "SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()";

/// Waits until the statistics know of so many writes to the table.
async fn until_counted(db: &Database, table: &str, writes: u32) {
    until(&format!("{writes} writes to {table} are counted"), || async {
        let sql = format!(
            "SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_all_tables
             WHERE relid = '{table}'::regclass"
        );
        db.value(&sql).await == writes.to_string()
    })
    .await;
}

fn reason(output: &Output, view: &str) -> (String, String) {
    let step = output.step(view);
    (step.status, step.reason)
}

#[tokio::test]
async fn to_know_what_is_fresh_takes_history() {
    let db = with(TOTALS).await;
    for option in [&["--max-age", "1h"][..], &["--if-changed"]] {
        let output = refresh(&db, &[option, &["totals"]].concat()).expect(3);
        let failure = output.json().error.unwrap();
        assert_eq!(failure.kind, "unsupported");
        assert!(failure.hint.unwrap().starts_with("pgtend init"));
    }
    assert_eq!(sent(&db), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_fresh_is_left_alone() {
    let db = with_history(TOTALS).await;
    let fresh = ["--max-age", "1h", "totals"];
    let output = refresh(&db, &fresh).expect(0).came_to("done");
    assert_eq!(output.step("public.totals").reason, "no refresh is known");
    let before = sent(&db);
    let output = refresh(&db, &fresh).expect(0).came_to("nothing_to_do");
    let (status, reason) = reason(&output, "public.totals");
    assert_eq!(status, "skipped");
    assert!(reason.starts_with("fresh: refreshed "), "{reason}");
    assert_eq!(sent(&db), before);
    let output = db.pgtend(&["refresh", "-q", "--max-age", "1h", "totals"]).expect(0);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
    refresh(&db, &["--max-age", "1ms", "totals"]).expect(0).came_to("done");
}

#[tokio::test]
async fn what_did_not_change_is_left_alone() {
    let db = with_history(
        "CREATE TABLE parts (id int, kind int) PARTITION BY LIST (kind);
         CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
         CREATE VIEW halfway AS SELECT * FROM parts;
         CREATE MATERIALIZED VIEW v AS SELECT kind, count(*) FROM halfway GROUP BY 1;
         CREATE UNIQUE INDEX ON v (kind)",
    )
    .await;
    let if_changed = ["--if-changed", "v"];
    refresh(&db, &if_changed).expect(0).came_to("done");
    let output = refresh(&db, &if_changed).expect(0).came_to("nothing_to_do");
    assert!(reason(&output, "public.v").1.starts_with("unchanged since its refresh "));

    let changes = [
        ("INSERT INTO parts VALUES (1, 1)", "public.parts_1 was written to"),
        ("TRUNCATE parts_1", "public.parts_1 was truncated or rewritten"),
        (
            "CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2)",
            "public.parts_2 is new",
        ),
        ("DROP TABLE parts_2", "public.parts_2 is gone"),
        (
            "CREATE OR REPLACE VIEW halfway AS SELECT * FROM parts WHERE id > 0",
            "public.halfway was redefined",
        ),
        (
            "SELECT pg_stat_reset()",
            "the statistics of writes were reset since (or the server was restarted)",
        ),
    ];
    for (change, expected) in changes {
        let began_before = db.value(STATISTICS_BEGAN).await;
        db.sql(change).await;
        if change.starts_with("INSERT") {
            until_counted(&db, "parts_1", 1).await;
        }
        if change.contains("reset") {
            until("the reset is known", || async {
                db.value(STATISTICS_BEGAN).await != began_before
            })
            .await;
        }
        let output = refresh(&db, &if_changed).expect(0).came_to("done");
        assert_eq!(reason(&output, "public.v").1, expected, "{change}");
        refresh(&db, &if_changed).expect(0).came_to("nothing_to_do");
    }
    assert_eq!(db.value("SELECT count(*) FROM v").await, "0");
}

#[tokio::test]
async fn where_nobody_can_tell_it_is_refreshed() {
    let db = with_history(
        "CREATE TABLE t (id int, at timestamptz); CREATE EXTENSION file_fdw;
         CREATE FUNCTION peek() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
         CREATE FUNCTION safe(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
         CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
         CREATE FOREIGN TABLE far (line text) SERVER files OPTIONS (filename '/dev/null');
         CREATE MATERIALIZED VIEW v_far AS SELECT line FROM far;
         CREATE UNIQUE INDEX ON v_far (line);
         CREATE MATERIALIZED VIEW v_now AS SELECT id FROM t WHERE at < now() - '1 day'::interval;
         CREATE UNIQUE INDEX ON v_now (id);
         CREATE MATERIALIZED VIEW v_today AS SELECT id FROM t WHERE at < current_date;
         CREATE UNIQUE INDEX ON v_today (id);
         CREATE MATERIALIZED VIEW v_random AS SELECT id, random() AS r FROM t;
         CREATE UNIQUE INDEX ON v_random (id);
         CREATE MATERIALIZED VIEW v_peek AS SELECT id, peek() AS p FROM t;
         CREATE UNIQUE INDEX ON v_peek (id);
         CREATE MATERIALIZED VIEW v_catalog AS SELECT oid AS id FROM pg_class WHERE false;
         CREATE UNIQUE INDEX ON v_catalog (id);
         CREATE MATERIALIZED VIEW v_safe AS
            SELECT safe(id) AS id, date_trunc('day', at) AS day, to_char(at, 'YYYY') AS year FROM t;
         CREATE UNIQUE INDEX ON v_safe (id)",
    )
    .await;
    let all = ["--all", "--if-changed"];
    refresh(&db, &all).expect(0).came_to("done");
    let output = refresh(&db, &all).expect(0).came_to("done");
    let reasons = [
        ("v_far", "it reads the foreign table public.far"),
        ("v_now", "it may depend on when or by whom it is refreshed, by now"),
        (
            "v_today",
            "it depends on when or by whom it is refreshed, by a word like CURRENT_DATE",
        ),
        ("v_random", "it calls the volatile function random"),
        ("v_peek", "it may read anything, by the function peek"),
        ("v_catalog", "it reads a system catalog"),
    ];
    for (view, expected) in reasons {
        let (status, reason) = reason(&output, &format!("public.{view}"));
        let expected = format!("whether it changed cannot be told: {expected}");
        assert_eq!((status.as_str(), reason), ("done", expected));
    }
    assert_eq!(reason(&output, "public.v_safe").0, "skipped", "{output}");
}

#[tokio::test]
async fn a_view_on_one_that_did_not_change_is_left_alone() {
    let db = with_history(CHAIN).await;
    until_counted(&db, "t", 1).await;
    until_counted(&db, "z_source", 1).await;
    let all = ["--all", "--if-changed"];
    refresh(&db, &all).expect(0).came_to("done");
    refresh(&db, &all).expect(0).came_to("nothing_to_do");
    // A row comes, but none that the first view in the chain shows.
    db.sql("DELETE FROM t; INSERT INTO t VALUES (1)").await;
    until_counted(&db, "t", 3).await;
    let output = refresh(&db, &all).expect(0).came_to("done");
    assert_eq!(reason(&output, "public.z_source").0, "done");
    let (status, reason) = reason(&output, "public.m_middle");
    assert_eq!(status, "skipped", "{output}");
    assert!(reason.starts_with("unchanged since its refresh"), "{reason}");
}

#[tokio::test]
async fn refreshes_are_written_to_the_history() {
    let db = with_history(TOTALS).await;
    db.sql("ANALYZE totals; UPDATE sales SET amount = amount + 1 WHERE user_id < 3")
        .await;
    refresh(&db, &["totals"]).expect(0);
    db.sql("UPDATE sales SET user_id = NULL; DROP INDEX totals_user_id_idx").await;
    refresh(&db, &["totals"]).expect(4);
    let recorded = "SELECT string_agg(concat_ws(' ', command, action, object,
                        object_oid = 'totals'::regclass, outcome, mode, rows_inserted, rows_deleted,
                        wal_bytes > 0, size_bytes > 0), '; ' ORDER BY id) FROM pgtend.run";
    assert_eq!(
        db.value(recorded).await,
        "refresh refresh_view public.totals t done concurrent 3 3 t t"
    );
    let output = db.pgtend(&["history", "--command", "refresh"]).expect(0);
    assert!(output.stdout.contains("public.totals"), "{output}");
}

#[tokio::test]
async fn how_long_it_will_take_is_known_from_the_history() {
    let db = with_history(GATE).await;
    db.sql(
        "INSERT INTO pgtend.run (command, action, object, object_oid, started_at, duration_ms,
            outcome, reason, pgtend_version)
         VALUES ('refresh', 'refresh_view', 'public.gated', 'gated'::regclass, now() - '1h'::interval,
            200000, 'done', 'asked for', '0')",
    )
    .await;
    db.sql(CLOSE).await;
    let mut running = start(&db, &["gated"]);
    running.until_it_says(" s left in ").await;
    running.until_it_says("~3 min ").await;
    db.sql(OPEN).await;
    running.wait().expect(0).came_to("done");
}

#[tokio::test]
async fn a_crash_of_the_server_is_survived() {
    let sandbox = Sandbox::start(&server::options()).unwrap();
    let socket_dir = sandbox.socket_dir().display().to_string();
    let url = format!("host={socket_dir} port={} user=postgres dbname=postgres", sandbox.port());
    let client = connect_to(&url).await.unwrap();
    client.batch_execute(&format!("{GATE}{CLOSE}")).await.unwrap();
    let arguments = ["refresh", "--format", "json", "-d", &url, "gated"];
    let mut running = Pgtend::new(&arguments).start();
    let pid = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'REFRESH%' AND state = 'active'";
    until("it refreshes", || async { !value(&client, pid).await.is_empty() }).await;
    let killed = Command::new("kill").args(["-9", &value(&client, pid).await]).status().unwrap();
    assert!(killed.success());
    running.until_it_says("tries again").await;
    until("the server is back", || async {
        match connect_to(&url).await {
            Ok(client) => client.batch_execute(OPEN).await.is_ok(),
            Err(_) => false,
        }
    })
    .await;
    running.wait().expect(0).came_to("done");
    sandbox.stop().unwrap();
}

#[tokio::test]
async fn a_view_on_one_that_this_run_changed_is_refreshed() {
    let db = with_history(CHAIN).await;
    for table in ["t", "z_source", "m_middle", "a_last", "alone"] {
        until_counted(&db, table, 1).await;
    }
    let all = ["--all", "--if-changed"];
    refresh(&db, &all).expect(0).came_to("done");
    refresh(&db, &all).expect(0).came_to("nothing_to_do");
    db.sql("UPDATE t SET x = 2").await;
    until_counted(&db, "t", 2).await;
    let output = refresh(&db, &all).expect(0).came_to("done");
    assert_eq!(
        reason(&output, "public.a_last").1,
        "it reads public.m_middle, which this run refreshes"
    );
    assert_eq!(db.value("SELECT x FROM a_last").await, "5");
}

/// What changes the contents of a view without a counted write to a table.
#[tokio::test]
async fn what_changes_contents_without_a_write_is_noticed() {
    let db = with_history(
        "CREATE TABLE t (id int); INSERT INTO t VALUES (1); CREATE TABLE k (m int);
         CREATE TYPE mood AS ENUM ('sad'); CREATE TYPE pair AS (a int);
         CREATE TABLE p (m mood, c pair); INSERT INTO p VALUES ('sad', ROW(1));
         CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1';
         CREATE FUNCTION peek(int, int) RETURNS int LANGUAGE sql STABLE AS 'SELECT max(m) FROM public.k';
         CREATE AGGREGATE peeking (int) (sfunc = peek, stype = int, initcond = '0');
         CREATE SEQUENCE s; CREATE TABLE guarded (id int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
         CREATE TABLE day (x text);
         CREATE MATERIALIZED VIEW v_row AS SELECT to_jsonb(t) AS j FROM t;
         CREATE UNIQUE INDEX ON v_row (j);
         CREATE MATERIALIZED VIEW v_twice AS SELECT twice(id) AS x FROM t;
         CREATE UNIQUE INDEX ON v_twice (x);
         CREATE MATERIALIZED VIEW v_enum AS SELECT m::text AS m FROM p;
         CREATE UNIQUE INDEX ON v_enum (m);
         CREATE MATERIALIZED VIEW v_aggregate AS SELECT peeking(id) AS x FROM t;
         CREATE UNIQUE INDEX ON v_aggregate (x);
         CREATE MATERIALIZED VIEW v_sequence AS SELECT last_value AS x FROM s;
         CREATE UNIQUE INDEX ON v_sequence (x);
         CREATE MATERIALIZED VIEW v_guarded AS SELECT id FROM guarded;
         CREATE UNIQUE INDEX ON v_guarded (id);
         CREATE MATERIALIZED VIEW v_day AS SELECT x::date AS x FROM day;
         CREATE UNIQUE INDEX ON v_day (x)",
    )
    .await;
    for table in ["t", "p"] {
        until_counted(&db, table, 1).await;
    }
    let all = ["--all", "--if-changed"];
    refresh(&db, &all).expect(0);
    let output = refresh(&db, &all).expect(0);
    let unknown = [
        ("v_aggregate", "it may read anything, by the function peek"),
        ("v_sequence", "it reads the sequence public.s"),
        ("v_guarded", "it reads public.guarded, whose rows depend on policies"),
        (
            "v_day",
            "it may depend on when it is refreshed, by text that is read as a time or type",
        ),
    ];
    for (view, why) in unknown {
        let reason = reason(&output, &format!("public.{view}")).1;
        assert_eq!(reason, format!("whether it changed cannot be told: {why}"));
    }
    for view in ["v_row", "v_twice", "v_enum"] {
        assert_eq!(reason(&output, &format!("public.{view}")).0, "skipped", "{output}");
    }
    let changes = [
        ("ALTER TABLE t ADD COLUMN c int DEFAULT 7", "v_row", "public.t was altered"),
        (
            "CREATE OR REPLACE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 3 * $1'",
            "v_twice",
            "public.v_twice was redefined",
        ),
        (
            "ALTER TYPE mood RENAME VALUE 'sad' TO 'glad'",
            "v_enum",
            "settings, types or text search were changed",
        ),
    ];
    for (change, view, expected) in changes {
        db.sql(change).await;
        let output = refresh(&db, &["--if-changed", view]).expect(0).came_to("done");
        assert_eq!(reason(&output, &format!("public.{view}")).1, expected, "{change}");
    }
}

#[tokio::test]
async fn a_procedure_that_is_running_may_have_written() {
    let db = with_history(&format!("{GATE}{TOTALS}")).await;
    until_counted(&db, "sales", 1000).await;
    refresh(&db, &["totals"]).expect(0);
    refresh(&db, &["--if-changed", "totals"]).expect(0).came_to("nothing_to_do");
    db.sql(CLOSE).await;
    let running = db
        .send("DO $$ BEGIN INSERT INTO sales VALUES (1, 1, 1); COMMIT; PERFORM pass(); END $$")
        .await;
    until("the row is there", || async {
        db.value("SELECT count(*) FROM sales").await == "1001"
    })
    .await;
    let output = refresh(&db, &["--if-changed", "totals"]).expect(0).came_to("done");
    assert_eq!(
        reason(&output, "public.totals").1,
        "whether it changed cannot be told: it may be written to by a CALL or DO that is running"
    );
    db.sql(OPEN).await;
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_metrics_file_that_cannot_be_written_is_refused_before_work_begins() {
    let db = with(TOTALS).await;
    let output = refresh(&db, &["--metrics-file", "/nowhere/pgtend.prom", "totals"]).expect(2);
    let message = output.json().error.unwrap().message;
    assert!(
        message.starts_with("cannot write to the folder of /nowhere/pgtend.prom"),
        "{message}"
    );
    assert_eq!(sent(&db), Vec::<String>::new());
    // What another program has left in it is not handed on.
    let file = db.path("pgtend.prom");
    fs::write(&file, "pgtend_refresh_age_seconds{view=\"x\"} soon\npgtend_other{} 1\n").unwrap();
    refresh(&db, &["--metrics-file", &file.display().to_string(), "totals"]).expect(0);
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains("soon") && text.contains("pgtend_other{} 1"), "{text}");
}

#[tokio::test]
async fn a_history_that_lost_a_table_is_no_history() {
    let db = with_history(TOTALS).await;
    db.sql("DROP TABLE pgtend.view_state").await;
    let output = refresh(&db, &["totals"]).expect(0).came_to("done");
    assert_eq!(output.warned("not_recorded"), ["pgtend"]);
    let failure = refresh(&db, &["--if-changed", "totals"]).expect(3).json().error.unwrap();
    assert!(
        failure.message.contains("tables of the schema pgtend are gone"),
        "{}",
        failure.message
    );
    db.pgtend(&["init"]).expect(3);
    db.pgtend(&["init", "--uninstall"]).expect(0);
    db.pgtend(&["init"]).expect(0);
    refresh(&db, &["--if-changed", "totals"]).expect(0).came_to("done");
}

#[tokio::test]
async fn a_view_that_is_renamed_meanwhile_is_not_taken_for_another() {
    let rename = "ALTER MATERIALIZED VIEW totals RENAME TO old";
    let told = "public.totals was renamed meanwhile: it is public.old now";
    let swap = format!("{rename}; CREATE MATERIALIZED VIEW totals AS SELECT 1 AS one");
    for (meanwhile, told) in [
        (rename, told),
        (swap.as_str(), told),
        ("DROP MATERIALIZED VIEW totals", "it was dropped meanwhile"),
    ] {
        let db = with(TOTALS).await;
        db.sql("CREATE TABLE other (id int)").await;
        let writer = db.writer("other").await;
        let build = db.send("CREATE INDEX CONCURRENTLY other_id ON other (id)").await;
        db.until_phase("waiting for writers before build", 1).await;
        // It has been looked at before it waits for the build.
        let call = ["refresh", "--format", "json", "--wait", "1min", "totals"];
        let mut running = db.start(&call);
        running.until_it_says("waits for the index build").await;
        db.sql(meanwhile).await;
        writer.release().await;
        assert_eq!(sqlstate(build).await, "");
        let output = running.wait().expect(4).came_to("failed");
        assert_eq!(output.step("public.totals").reason, told, "{output}");
    }
}
