//! What `pgtend check` finds only while it lasts, or after much has happened.

use std::net::UdpSocket;
use std::sync::OnceLock;

use tokio_postgres::{Client, NoTls};

use crate::check::is_found;
use crate::check_roles::no_role_passes;
use crate::support::server::{self, Server};
use crate::support::{Database, until};

static BUSY: OnceLock<Server> = OnceLock::new();
/// Nobody else's transactions are open here.
static LONELY: OnceLock<Server> = OnceLock::new();

/// Autovacuum runs here.
fn busy_server(server: &'static OnceLock<Server>) -> &'static Server {
    server.get_or_init(|| {
        let mut settings = vec![
            ("autovacuum", "on"),
            ("autovacuum_naptime", "1s"),
            ("vacuum_cost_page_miss", "1000"),
        ];
        // Otherwise the cost of many pages is slept for once.
        if server::binaries().major >= 17 {
            settings.push(("io_combine_limit", "8kB"));
        }
        server::start(&settings)
    })
}

fn found(db: &Database, group: &str, rule: &str, object: &str) -> bool {
    let output = db.pgtend(&["check", group, "--format", "json"]);
    output.assert_published();
    is_found(&output.json().findings, rule, object)
}

/// Makes a table of 2 GiB that takes no room: most of it are holes, which read as empty pages.
async fn hollow_table(db: &Database) {
    db.sql(
        "CREATE TABLE hollow (id int) WITH (
           autovacuum_enabled = off, autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0,
           autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1
         );
         INSERT INTO hollow SELECT generate_series(1, 100)",
    )
    .await;
    db.sql("CHECKPOINT").await;
    db.sql(
        "DO $$
         DECLARE file text := pg_relation_filepath('hollow');
         BEGIN
           EXECUTE format('COPY (SELECT) TO PROGRAM %L', format(
             'cat >/dev/null; truncate -s 1G %s && truncate -s 1G %s.1', file, file
           ));
         END $$",
    )
    .await;
    db.sql("DELETE FROM hollow; ALTER TABLE hollow SET (autovacuum_enabled = on)")
        .await;
}

#[tokio::test]
async fn a_worker_that_sleeps_more_than_it_reads_is_found() {
    let db = Database::new_on(busy_server(&BUSY)).await;
    hollow_table(&db).await;
    until("the worker has crept for ten seconds", async || {
        found(&db, "settings", "autovacuum-throttled", "public.hollow")
    })
    .await;
    no_role_passes(&db, "autovacuum-throttled").await;
    db.sql("ALTER TABLE hollow SET (autovacuum_enabled = off)").await;
}

/// Each of the two waits for the other's row, until the server ends one of them.
async fn deadlock(one: &Client, other: &Client) {
    let lock = |id: i32| format!("SELECT FROM t WHERE id = {id} FOR UPDATE");
    for (session, id) in [(one, 1), (other, 2)] {
        session.batch_execute("SET deadlock_timeout = '10ms'").await.unwrap();
        session.batch_execute(&format!("BEGIN; {}", lock(id))).await.unwrap();
    }
    let (second, first) = (lock(2), lock(1));
    let both = tokio::join!(one.batch_execute(&second), other.batch_execute(&first));
    assert!(both.0.is_err() != both.1.is_err(), "{both:?}");
    for session in [one, other] {
        session.batch_execute("ROLLBACK").await.unwrap();
    }
}

#[tokio::test]
async fn ten_deadlocks_in_a_moment_are_many() {
    let db = Database::new_on(busy_server(&BUSY)).await;
    db.sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1), (2)").await;
    let (one, other) = (db.session().await, db.session().await);
    for _ in 0..9 {
        deadlock(&one, &other).await;
    }
    assert!(!found(&db, "sessions", "deadlocks", &db.name), "nine are not");
    deadlock(&one, &other).await;
    drop((one, other));
    until("all are counted", async || found(&db, "sessions", "deadlocks", &db.name)).await;
    no_role_passes(&db, "deadlocks").await;
}

#[tokio::test]
async fn sessions_that_come_and_go_are_found() {
    let db = Database::new().await;
    db.sql("SELECT pg_stat_reset()").await;
    assert!(!found(&db, "sessions", "session-churn", &db.name), "there are few");
    for _ in 0..1000 {
        drop(db.session().await);
    }
    until("all are counted", async || found(&db, "sessions", "session-churn", &db.name)).await;
    no_role_passes(&db, "session-churn").await;
}

#[tokio::test]
async fn a_temporary_file_of_eleven_gigabytes_is_found() {
    let db = Database::new().await;
    let session = db.session().await;
    let rows = "SELECT n, md5(n::text) FROM generate_series(1, 50000) AS n";
    session
        .batch_execute(&format!(
            "SET work_mem = '64kB'; BEGIN; DECLARE c CURSOR WITH HOLD FOR {rows}; COMMIT"
        ))
        .await
        .unwrap();
    // It becomes as large as that, but for what it takes; the server asks how large it is when it is closed.
    db.sql(
        "DO $$
         DECLARE file text;
         BEGIN
           SELECT 'base/pgsql_tmp/' || name INTO STRICT file FROM pg_ls_tmpdir() ORDER BY size DESC LIMIT 1;
           EXECUTE format('COPY (SELECT) TO PROGRAM %L', 'cat >/dev/null; truncate -s 11G ' || file);
         END $$",
    )
    .await;
    assert!(!found(&db, "settings", "temporary-files", &db.name), "it is not closed");
    session.batch_execute("CLOSE c").await.unwrap();
    drop(session);
    until("it is counted", async || found(&db, "settings", "temporary-files", &db.name)).await;
    no_role_passes(&db, "temporary-files").await;
}

#[tokio::test]
async fn sessions_that_flush_files_themselves_are_found() {
    static SERVER: OnceLock<Server> = OnceLock::new();
    // There is a place for a request to flush for each of the buffers.
    let server = SERVER.get_or_init(|| server::start(&[("shared_buffers", "1MB")]));
    let db = Database::new_on(server).await;
    assert!(!found(&db, "settings", "backend-fsync", "shared_buffers"));
    let pid = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
    let pid = db.value(pid).await;
    let signal = async |signal: &str| {
        let program = format!("cat >/dev/null; kill -{signal} {pid}");
        db.sql(&format!("COPY (SELECT) TO PROGRAM '{program}'")).await;
    };
    signal("STOP").await;
    let session = db.session().await;
    let written = session.batch_execute(
        "DO $$ BEGIN
           FOR n IN 1..300 LOOP EXECUTE format('CREATE TABLE t%s AS SELECT 1 AS id', n); END LOOP;
         END $$",
    );
    let written = written.await;
    signal("CONT").await;
    written.unwrap();
    until("it is counted", async || {
        found(&db, "settings", "backend-fsync", "shared_buffers")
    })
    .await;
    no_role_passes(&db, "backend-fsync").await;
}

#[tokio::test]
async fn sessions_in_clear_text_are_found() {
    // The kernel says which address a datagram would come from; none is sent. A machine without a network has
    // no session from elsewhere.
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let own = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr());
    let Some(own) = own.ok().map(|own| own.ip()).filter(|own| !own.is_loopback()) else {
        return;
    };
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let addresses = format!("127.0.0.1, {own}");
        let hba = "local all all trust\nhost all all all trust\n";
        server::start_guarded(&[("listen_addresses", &addresses)], Some(hba), &[])
    });
    let db = Database::new_on(server).await;
    let words = db.tcp_as("postgres");
    let (here, connection) = tokio_postgres::connect(&words, NoTls).await.unwrap();
    tokio::spawn(connection);
    assert!(
        !found(&db, "security", "unencrypted-sessions", "ssl"),
        "it comes from this machine"
    );
    let words = words.replace("127.0.0.1", &own.to_string());
    let (elsewhere, connection) = tokio_postgres::connect(&words, NoTls).await.unwrap();
    tokio::spawn(connection);
    assert!(found(&db, "security", "unencrypted-sessions", "ssl"));
    no_role_passes(&db, "unencrypted-sessions").await;
    drop((here, elsewhere));
}

#[tokio::test]
async fn workers_that_never_rest_are_found_where_their_time_is_counted() {
    if server::binaries().major < 18 {
        return;
    }
    let db = Database::new().await;
    db.pgtend(&["init"]).expect(0);
    db.pgtend(&["snapshot"]).expect(0);
    // Two days of three workers, in ms, that were spent since: by then there were fewer.
    db.sql(
        "UPDATE pgtend.snapshot SET taken_at = taken_at - interval '2 days';
         UPDATE pgtend.measurement SET value = value - 3 * 2 * 86400000::int8
         WHERE measure = (SELECT id FROM pgtend.measure WHERE kind = 'autovacuum_ms')",
    )
    .await;
    assert!(!found(&db, "vacuum", "autovacuum-starved", "autovacuum_max_workers"));
    db.pgtend(&["snapshot"]).expect(0);
    assert!(found(&db, "vacuum", "autovacuum-starved", "autovacuum_max_workers"));
    no_role_passes(&db, "autovacuum-starved").await;
}

#[tokio::test]
async fn a_prepared_transaction_of_long_ago_holds_dead_rows_and_a_vacuum_does_not() {
    let db = Database::new_on(busy_server(&LONELY)).await;
    hollow_table(&db).await;
    let vacuums =
        "SELECT count(*) FROM pg_stat_progress_vacuum WHERE relid = to_regclass('hollow')";
    until("a worker is at it", async || db.value(vacuums).await == "1").await;
    db.sql("CREATE TABLE t (id int)").await;
    db.sql("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'left'").await;
    // Each of them takes an id.
    let many = "DO $$ BEGIN
        FOR n IN 1..250000 LOOP
          BEGIN INSERT INTO t VALUES (n); EXCEPTION WHEN unique_violation THEN NULL; END;
        END LOOP;
      END $$";
    let blocked = || {
        let output = db.pgtend(&["check", "vacuum", "--format", "json"]);
        let found = output.json().findings.into_iter().filter(|it| it.rule == "vacuum-blocked");
        found.map(|it| it.object.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(blocked(), [""; 0], "it is young");
    for _ in 0..4 {
        db.sql(many).await;
    }
    let reader = db.session().await;
    reader
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        .await
        .unwrap();
    assert_eq!(blocked(), ["prepared transaction left"], "not who only looks back to it");
    no_role_passes(&db, "vacuum-blocked").await;
    db.sql("ROLLBACK PREPARED 'left'").await;
    assert!(blocked()[0].starts_with("session "), "who looks back to it is left");
    drop(reader);
    // Autovacuum, too, looks back while it analyzes.
    until("nobody looks back to it", async || blocked().is_empty()).await;
    assert_eq!(db.value(vacuums).await, "1", "the worker is older, and still there");
    db.sql("ALTER TABLE hollow SET (autovacuum_enabled = off)").await;
}

#[tokio::test]
async fn a_view_that_nobody_refreshes_any_more_is_stale() {
    let db = Database::new().await;
    db.pgtend(&["init"]).expect(0);
    db.sql(
        "CREATE TABLE t (id int);
         CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n FROM t;
         CREATE UNIQUE INDEX ON totals (n)",
    )
    .await;
    for ago in [10, 9, 8] {
        db.pgtend(&["refresh", "totals"]).expect(0);
        db.sql(&format!(
            "UPDATE pgtend.run SET started_at = started_at - interval '{ago} days'
             WHERE started_at > now() - interval '1 day'"
        ))
        .await;
    }
    assert!(found(&db, "partitions", "view-stale", "public.totals"));
    no_role_passes(&db, "view-stale").await;
    assert!(!found(&db, "partitions", "view-slow-refresh", "public.totals"));
    db.sql("UPDATE pgtend.run SET duration_ms = 15 * 3600 * 1000.0").await;
    assert!(found(&db, "partitions", "view-slow-refresh", "public.totals"));
    no_role_passes(&db, "view-slow-refresh").await;
    db.pgtend(&["refresh", "totals"]).expect(0);
    assert!(!found(&db, "partitions", "view-stale", "public.totals"));
}

#[tokio::test]
async fn a_database_from_a_system_without_versions_of_collations_is_found() {
    if server::binaries().major < 15 {
        return;
    }
    let db = Database::new().await;
    let name = format!("{}_moved", db.name);
    db.sql(&format!(
        "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en'"
    ))
    .await;
    let url = db.server.url().replace("dbname=postgres", &format!("dbname={name}"));
    let is_found = || {
        let call = ["check", "versions", "--format", "json", "-d", &url];
        let found = crate::support::Pgtend::new(&call).run().json().findings;
        is_found(&found, "collation-mismatch", &name)
    };
    assert!(!is_found());
    db.sql(&format!(
        "UPDATE pg_database SET datcollversion = NULL WHERE datname = '{name}'"
    ))
    .await;
    assert!(is_found());
    db.sql(&format!("DROP DATABASE {name}")).await;
}
