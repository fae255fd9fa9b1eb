//! What lies between the program and the server: links that go dead without a word, connections that
//! stay open and lead nowhere, and a server that is another one afterwards.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use pg_sandbox::Sandbox;
use tokio_postgres::{Client, NoTls};

use crate::support::server::{self, copy_data};
use crate::support::{Cable, Database, Pgtend, Proxy, Running, SALES, proxy, until, value};

const SALES_USER: &str = "CREATE INDEX sales_user ON sales (user_id);";
const CREATE_SALES_USER: &str = "CREATE INDEX CONCURRENTLY sales_user ON public.sales (user_id)";
const CLEAN_UP: &str = "DROP INDEX CONCURRENTLY IF EXISTS public.sales_user;";

const AT_THE_END: &str = "waiting for old snapshots";

/// Both sides have noticed a dead link.
const NOTICED: Duration = Duration::from_secs(30);
/// A signal is obeyed, whatever the link is like.
const OBEYED: Duration = Duration::from_secs(5);

/// How many sessions of pgtend's the server still has.
const SESSIONS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                        AND application_name LIKE 'pgtend/%'";

/// Interrupts the run; fails unless it ends soon, saying how to clean up.
fn interrupt(running: Running) {
    running.signal("INT");
    let since = Instant::now();
    let output = running.wait_within(NOTICED).expect(130).came_to("cancelled");
    assert!(since.elapsed() < OBEYED, "ended after {:?}\n{output}", since.elapsed());
    let step = output.step("public.sales_user");
    assert_eq!(step.status, "cancelled", "{output}");
    assert_eq!(step.cleanup.as_deref(), Some(CLEAN_UP), "{output}");
    assert!(step.reason.contains("the server does not answer"), "{output}");
}

#[tokio::test]
async fn a_dead_link_is_noticed_by_both_sides_and_the_work_goes_on_when_it_is_back() {
    let Some(cable) = Cable::lay("a_dead_link_is_noticed_by_both_sides") else {
        return;
    };
    let db = Database::new_on(cable.server()).await;
    db.sql(SALES).await;
    let (url, declared) = (cable.url(db.server, &db.name), db.declare(SALES_USER));
    let snapshot = db.old_snapshot().await;
    let apply = ["apply", "--format", "json", "-d", &url, &declared];
    let mut running = cable.pgtend(&apply).start();
    db.until_phase(AT_THE_END, 1).await;

    cable.swallow();
    let since = Instant::now();
    until("the server has ended the sessions", async || db.value(SESSIONS).await == "0").await;
    assert!(since.elapsed() < NOTICED, "the server noticed after {:?}", since.elapsed());
    running.until_it_says("tries again: the connection was lost").await;
    assert!(since.elapsed() < NOTICED, "pgtend noticed after {:?}", since.elapsed());

    cable.mend();
    snapshot.release().await;
    running.wait().expect(0).came_to("done");
    db.assert_whole("sales_user").await;
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn a_signal_over_a_dead_link_is_obeyed_and_the_next_run_takes_over() {
    let Some(cable) = Cable::lay("a_signal_over_a_dead_link_is_obeyed") else {
        return;
    };
    let db = Database::new_on(cable.server()).await;
    db.sql(SALES).await;
    let (url, declared) = (cable.url(db.server, &db.name), db.declare(SALES_USER));
    let snapshot = db.old_snapshot().await;
    let running = cable.pgtend(&["apply", "--format", "json", "-d", &url, &declared]).start();
    db.until_phase(AT_THE_END, 1).await;

    cable.swallow();
    interrupt(running);
    let since = Instant::now();
    let next = db.start_apply(&["--wait", "1min", &declared]);
    until("the server has ended the build", async || {
        db.value("SELECT count(*) FROM pg_stat_progress_create_index").await == "0"
    })
    .await;
    assert!(since.elapsed() < NOTICED, "the server noticed after {:?}", since.elapsed());
    snapshot.release().await;
    next.wait().expect(0).came_to("done");
    db.assert_whole("sales_user").await;
}

/// A run whose build waits, and the way that it came, over which nothing comes any more.
struct Stalled {
    db: Database,
    proxy: Proxy,
    running: Running,
    declared: String,
    snapshot: crate::support::Blocker,
}

impl Stalled {
    async fn new() -> Stalled {
        let db = Database::new().await;
        db.sql(SALES).await;
        let declared = db.declare(SALES_USER);
        let proxy = Proxy::start(Path::new(&db.server.socket_dir), db.server.port).await;
        let url = format!("host=127.0.0.1 port={} user=postgres dbname={}", proxy.port, db.name);
        let snapshot = db.old_snapshot().await;
        let running = Pgtend::new(&["apply", "--format", "json", "-d", &url, &declared]).start();
        db.until_phase(AT_THE_END, 1).await;
        proxy.stall();
        Stalled { db, proxy, running, declared, snapshot }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_is_obeyed_where_nothing_answers() {
    let Stalled { db, proxy, running, declared, snapshot } = Stalled::new().await;

    interrupt(running);
    // What stands in between lets go of the server in the end.
    proxy.cut();
    snapshot.release().await;
    db.apply(&["--wait", "1min", &declared]).expect(0);
    db.assert_whole("sales_user").await;
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_leads_nowhere_is_given_up() {
    let Stalled { db, proxy, mut running, snapshot, .. } = Stalled::new().await;

    let since = Instant::now();
    running.until_it_says("has not answered for 30s").await;
    assert!(since.elapsed() < Duration::from_secs(35), "after {:?}", since.elapsed());
    proxy.flow();
    // The build was never sent again: the server had not noticed anything.
    snapshot.release().await;
    running.wait().expect(0).came_to("done");
    db.assert_whole("sales_user").await;
    assert_eq!(db.leftovers().await, "");
}

/// What takes long: a view's query, and the expression of an index that ANALYZE samples.
const SLOW: &str = "
    CREATE MATERIALIZED VIEW slow AS SELECT 1 AS it FROM pg_sleep(60) WITH NO DATA;
    CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
    CREATE INDEX sales_slow ON sales (slow(id));
    CREATE OR REPLACE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql
        AS 'BEGIN PERFORM pg_sleep(1); RETURN $1; END'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_ends_a_refresh_and_an_analyze_where_nothing_answers() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql(SLOW).await;
    let proxy = Proxy::start(Path::new(&db.server.socket_dir), db.server.port).await;
    let url = format!("host=127.0.0.1 port={} user=postgres dbname={}", proxy.port, db.name);
    let refresh = ["refresh", "--format", "json", "-d", &url, "slow"];
    let analyze = ["analyze", "--format", "json", "-d", &url, "sales"];
    let [refresh, analyze] = [&refresh, &analyze].map(|call| Pgtend::new(call).start());
    until("both are at work", async || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND application_name LIKE 'pgtend/%' AND state = 'active' \
                   AND (query LIKE 'REFRESH%' OR query LIKE 'ANALYZE%')";
        db.value(sql).await == "2"
    })
    .await;

    proxy.stall();
    let since = Instant::now();
    for running in [&refresh, &analyze] {
        running.signal("TERM");
    }
    for running in [refresh, analyze] {
        let output = running.wait().expect(143).came_to("cancelled");
        assert!(since.elapsed() < OBEYED, "ended after {:?}\n{output}", since.elapsed());
    }
    proxy.cut();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_cannot_look_for_its_clients_is_worked_with() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let setting = "client_connection_check_interval";
    let socket_dir = Path::new(&db.server.socket_dir);
    let port = proxy::refusing(setting, socket_dir, db.server.port).await;
    let url = format!("host=127.0.0.1 port={port} user=postgres dbname={}", db.name);

    let apply = ["apply", "-d", &format!("{url} sslmode=disable"), &db.declare(SALES_USER)];
    Pgtend::new(&apply).run().expect(0);
    db.assert_whole("sales_user").await;
}

#[tokio::test]
async fn a_database_that_is_dropped_under_a_run_ends_it_at_once() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let declared = db.declare(SALES_USER);
    let snapshot = db.old_snapshot().await;
    let running = db.start_apply(&[&declared]);
    db.until_phase(AT_THE_END, 1).await;

    let admin = crate::support::database::connect(db.server, "postgres", "postgres").await;
    let since = Instant::now();
    admin
        .batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", db.name))
        .await
        .unwrap();
    let output = running.wait().expect(4).came_to("failed");
    assert!(
        since.elapsed() < Duration::from_secs(10),
        "after {:?}\n{output}",
        since.elapsed()
    );
    assert!(output.step("public.sales_user").reason.contains("does not exist"), "{output}");
    drop(snapshot);
}

fn sandbox() -> Sandbox {
    Sandbox::start(&server::options()).unwrap()
}

async fn connected(sandbox: &Sandbox) -> Client {
    let socket_dir = sandbox.socket_dir().display().to_string();
    let words = format!("host={socket_dir} port={} user=postgres dbname=postgres", sandbox.port());
    let (client, connection) = tokio_postgres::connect(&words, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The standby stands where the primary is after the statements, and will never get any further.
async fn primary_and_standby(sql: &str) -> (Sandbox, Sandbox) {
    let (mut primary, mut standby) = (sandbox(), sandbox());
    let client = connected(&primary).await;
    client.batch_execute(sql).await.unwrap();
    drop(client);
    standby.crash().unwrap();
    primary.crash().unwrap();
    copy_data(&primary, &standby);
    primary.restart().unwrap();
    standby.restart().unwrap();
    (primary, standby)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_failover_has_lost_is_done_again() {
    let (primary, standby) =
        primary_and_standby(&format!("{SALES}; CREATE TABLE users (id int)")).await;
    let folder = tempfile::tempdir().unwrap();
    let declared = folder.path().join("declared.sql");
    let sql = format!("{SALES_USER} CREATE INDEX users_id ON users (id);");
    fs::write(&declared, sql).unwrap();
    let declared = declared.display().to_string();
    let proxy = Proxy::start(&primary.socket_dir(), primary.port()).await;
    let url = format!("host=127.0.0.1 port={} user=postgres", proxy.port);
    let writer = connected(&primary).await;
    writer.batch_execute("BEGIN; INSERT INTO users VALUES (1)").await.unwrap();
    let apply = ["apply", "--format", "json", "-d", &url, "--jobs", "1", &declared];
    let running = Pgtend::new(&apply).start();
    let looks = connected(&primary).await;
    until("the first is done, and the second under way", async || {
        let sql = "SELECT count(*) FROM pg_stat_progress_create_index \
                   WHERE relid = 'users'::regclass AND phase LIKE 'waiting for writers%'";
        value(&looks, sql).await == "1"
    })
    .await;

    proxy.lead_to(&standby.socket_dir(), standby.port());
    proxy.cut();
    let output = running.wait().expect(0).came_to("done");
    let promoted = connected(&standby).await;
    let whole = "SELECT count(*) FROM pg_index WHERE indisvalid AND indexrelid IN \
                 (to_regclass('sales_user'), to_regclass('users_id'))";
    assert_eq!(value(&promoted, whole).await, "2", "{output}");
    assert!(output.stderr.contains("the server that answers now was behind"), "{output}");
    let sent = output.step("public.sales_user").sql.unwrap();
    assert_eq!(sent.matches(CREATE_SALES_USER).count(), 2, "{output}");
    drop(writer);
    primary.stop().unwrap();
    standby.stop().unwrap();
}

/// The first view is refreshed, the second one under way, when another server takes over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_whose_refresh_a_failover_has_lost_is_refreshed_again() {
    let (primary, standby) = primary_and_standby(
        "CREATE TABLE users (id int);
         CREATE MATERIALIZED VIEW a_users AS SELECT id FROM users;
         CREATE UNIQUE INDEX ON a_users (id);
         CREATE MATERIALIZED VIEW c_count AS SELECT count(*) AS n FROM a_users;
         CREATE UNIQUE INDEX ON c_count (n);
         CREATE FUNCTION gate() RETURNS int LANGUAGE sql
           AS 'SELECT 1 FROM pg_catalog.pg_advisory_xact_lock_shared(7)';
         CREATE MATERIALIZED VIEW b_gated AS SELECT id, public.gate() FROM users;
         CREATE UNIQUE INDEX ON b_gated (id);
         INSERT INTO users SELECT n FROM generate_series(1, 10000) n;",
    )
    .await;
    let proxy = Proxy::start(&primary.socket_dir(), primary.port()).await;
    let url = format!("host=127.0.0.1 port={} user=postgres", proxy.port);
    let holder = connected(&primary).await;
    holder.batch_execute("SELECT pg_advisory_lock(7)").await.unwrap();
    let refresh = ["refresh", "--format", "json", "-d", &url, "--jobs", "1", "--all"];
    let running = Pgtend::new(&refresh).start();
    let looks = connected(&primary).await;
    let rows = "SELECT count(*) FROM a_users";
    until("the first is refreshed, and the second under way", async || {
        let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        value(&looks, waits).await == "1" && value(&looks, rows).await == "10000"
    })
    .await;

    proxy.lead_to(&standby.socket_dir(), standby.port());
    proxy.cut();
    let output = running.wait().expect(0).came_to("done");
    let promoted = connected(&standby).await;
    assert_eq!(value(&promoted, rows).await, "10000", "{output}");
    assert_eq!(value(&promoted, "SELECT count(*) FROM b_gated").await, "10000", "{output}");
    // It reads the first one, and was refreshed after the second one from its old contents.
    assert_eq!(value(&promoted, "SELECT n FROM c_count").await, "10000", "{output}");
    assert!(output.stderr.contains("public.a_users: it was refreshed"), "{output}");
    let sent = output.step("public.a_users").sql.unwrap();
    assert_eq!(sent.matches("REFRESH MATERIALIZED VIEW").count(), 2, "{output}");
    primary.stop().unwrap();
    standby.stop().unwrap();
}

/// A server that crashed and came back is the same one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_is_not_refreshed_again_because_a_connection_was_lost() {
    let (primary, standby) = primary_and_standby(
        "CREATE TABLE users (id int);
         CREATE MATERIALIZED VIEW a_users AS SELECT id FROM users;
         CREATE FUNCTION gate() RETURNS int LANGUAGE sql
           AS 'SELECT 1 FROM pg_catalog.pg_advisory_xact_lock_shared(7)';
         CREATE MATERIALIZED VIEW b_gated AS SELECT id, public.gate() FROM users;
         INSERT INTO users SELECT n FROM generate_series(1, 1000) n;",
    )
    .await;
    let proxy = Proxy::start(&primary.socket_dir(), primary.port()).await;
    let url = format!("host=127.0.0.1 port={} user=postgres", proxy.port);
    let holder = connected(&primary).await;
    holder.batch_execute("SELECT pg_advisory_lock(7)").await.unwrap();
    let words = ["refresh", "--format", "json", "-d", &url, "--jobs", "1", "--mode", "plain"];
    let running = Pgtend::new(&[&words[..], &["a_users", "b_gated"]].concat()).start();
    let looks = connected(&primary).await;
    until("the second is under way", async || {
        let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        value(&looks, waits).await == "1"
    })
    .await;
    proxy.cut();
    holder.batch_execute("SELECT pg_advisory_unlock(7)").await.unwrap();
    let output = running.wait().expect(0).came_to("done");
    let sent = |view: &str| output.step(view).sql.unwrap();
    assert_eq!(sent("public.a_users").matches("REFRESH").count(), 1, "{output}");
    assert_eq!(sent("public.b_gated").matches("REFRESH").count(), 2, "{output}");
    primary.stop().unwrap();
    standby.stop().unwrap();
}
