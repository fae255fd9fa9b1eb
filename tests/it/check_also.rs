//! `pgtend check --also`.

use crate::support::Database;
use crate::support::document::Check;

async fn shop() -> Database {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE sales (id int, day date);
         CREATE INDEX sales_day ON sales (day);
         INSERT INTO sales SELECT n, '2026-01-01' FROM generate_series(1, 100) n;
         ANALYZE sales",
    )
    .await;
    // As if there were 16 MB of it.
    db.sql("UPDATE pg_class SET relpages = 2000 WHERE relname = 'sales_day'").await;
    db
}

fn unused(db: &Database, also: &[&str]) -> Check {
    let also = also.iter().flat_map(|url| ["--also", url]).collect::<Vec<_>>();
    let call = [&["check", "indexes", "--format", "json"], &also[..]].concat();
    let output = db.pgtend(&call).expect(0);
    output.assert_published();
    output
        .json()
        .checks
        .into_iter()
        .find(|check| check.name == "unused-index")
        .unwrap()
}

#[tokio::test]
async fn an_index_that_another_server_uses_is_used() {
    let (db, standby) = (shop().await, shop().await);
    let used = "SET enable_seqscan = off; SELECT count(*) FROM sales WHERE day = '2026-01-01'";
    let url = standby.url_as("postgres");
    let alone = unused(&db, &[]);
    assert_eq!(alone.verdict, "unknown", "the server has counted for a moment only");
    // Before PostgreSQL 15 an idle session keeps what it has counted to itself until its next statement.
    crate::support::until("the scan is counted", || async {
        standby.sql(used).await;
        unused(&db, &[&url]).verdict == "passed"
    })
    .await;

    let empty = Database::new().await;
    let other = unused(&db, &[&url, &empty.url_as("postgres")]);
    assert_eq!(other.verdict, "unknown");
    let reason = other.reason.unwrap();
    assert!(reason.contains("none of the indexes of this database"), "{reason}");

    let lost = unused(&db, &[&url, "host=/nowhere dbname=shop"]);
    assert_eq!(lost.verdict, "unknown");
    let reason = lost.reason.unwrap();
    assert!(reason.starts_with("/nowhere"), "{reason}");
}

#[tokio::test]
async fn one_target_has_other_servers() {
    let db = Database::new().await;
    db.declare_as("pgtend.toml", &format!("[targets.a]\nurl = \"{}\"\n", db.url_as("postgres")));
    let config = db.path("pgtend.toml").display().to_string();
    let call = ["check", "--config", &config, "--all-targets", "--also", "dbname=a"];
    let output = crate::support::Pgtend::new(&call).run().expect(2);
    assert!(output.stderr.contains("--also goes with one target only"), "{output}");
}
