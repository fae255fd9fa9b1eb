//! What `pgtend check` finds only while it lasts, or after much has happened.

use std::sync::OnceLock;

use tokio_postgres::Client;

use crate::check::is_found;
use crate::support::server::{self, Server};
use crate::support::{Database, until};

/// Autovacuum runs here, and transactions stay open for long.
fn busy_server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
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
    let db = Database::new_on(busy_server()).await;
    hollow_table(&db).await;
    until("the worker has crept for ten seconds", async || {
        found(&db, "settings", "autovacuum-throttled", "public.hollow")
    })
    .await;
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
    let db = Database::new_on(busy_server()).await;
    db.sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1), (2)").await;
    let (one, other) = (db.session().await, db.session().await);
    for _ in 0..9 {
        deadlock(&one, &other).await;
    }
    assert!(!found(&db, "sessions", "deadlocks", &db.name), "nine are not");
    deadlock(&one, &other).await;
    drop((one, other));
    until("all are counted", async || found(&db, "sessions", "deadlocks", &db.name)).await;
}

#[tokio::test]
async fn a_prepared_transaction_of_long_ago_holds_dead_rows_and_a_vacuum_does_not() {
    let db = Database::new_on(busy_server()).await;
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
    assert_eq!(blocked(), ["prepared transaction left"]);
    db.sql("ROLLBACK PREPARED 'left'").await;
    assert_eq!(db.value(vacuums).await, "1", "the worker is older, and still there");
    assert_eq!(blocked(), [""; 0]);
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
