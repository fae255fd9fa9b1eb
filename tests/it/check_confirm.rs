//! `pgtend check --confirm`.

use crate::support::Database;

/// An index and a table that are bloated, and a table of which the statistics say so falsely.
async fn bloated() -> Database {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE sparse (id int PRIMARY KEY) WITH (autovacuum_enabled = off);
         INSERT INTO sparse SELECT generate_series(1, 1000000);
         DELETE FROM sparse WHERE id % 20 <> 0;
         CREATE TABLE wide (id int, filler text) WITH (autovacuum_enabled = off);
         ALTER TABLE wide ALTER filler SET STORAGE PLAIN;
         INSERT INTO wide SELECT n, repeat('x', 1050) FROM generate_series(1, 120000) AS n",
    )
    .await;
    db.sql("VACUUM (ANALYZE) sparse").await;
    db.sql("VACUUM (ANALYZE) wide").await;
    db.sql(
        "UPDATE pg_statistic SET stawidth = 4 WHERE starelid = 'wide'::regclass AND staattnum = 2",
    )
    .await;
    db
}

const CALL: [&str; 5] = ["check", "--only", "index-bloat,table-bloat", "--fail-on", "info"];

#[tokio::test]
async fn what_is_bloated_by_count_stays_and_what_is_not_goes() {
    let db = bloated().await;
    let found = |more: &[&str]| {
        let output = db.pgtend(&[&CALL, more, &["--format", "json"]].concat()).expect(1);
        output.assert_published();
        let findings = output.json().findings;
        let found = findings.into_iter().map(|it| (it.object.unwrap(), it.help.unwrap()));
        (found.collect::<Vec<_>>(), output)
    };
    let objects = |found: &[(String, String)]| {
        found.iter().map(|(object, _)| object.clone()).collect::<Vec<_>>()
    };
    let (estimated, _) = found(&[]);
    assert_eq!(objects(&estimated), ["public.sparse_pkey", "public.wide"], "{estimated:?}");
    assert!(estimated.iter().all(|(_, help)| help.contains("estimated from the statistics")));

    // Without the extension nothing is confirmed, and this is said.
    let (same, output) = found(&["--confirm"]);
    assert_eq!(same, estimated);
    let check = output.json().checks.into_iter().find(|it| it.name == "table-bloat").unwrap();
    assert!(check.reason.unwrap().contains("CREATE EXTENSION pgstattuple"), "{output}");

    db.sql("CREATE SCHEMA \"Tools\"; CREATE EXTENSION pgstattuple SCHEMA \"Tools\"")
        .await;
    let (confirmed, _) = found(&["--confirm"]);
    assert_eq!(objects(&confirmed), ["public.sparse_pkey"]);
    assert!(confirmed[0].1.ends_with("measured by pgstatindex"), "{confirmed:?}");
}

#[tokio::test]
async fn a_locked_table_keeps_its_estimate_and_nobody_waits() {
    let db = bloated().await;
    db.sql("CREATE EXTENSION pgstattuple").await;
    let writer = db.hold("LOCK TABLE wide IN ACCESS EXCLUSIVE MODE").await;
    let output = db
        .pgtend(&[&CALL[..], &["--confirm=5s", "--format", "json"]].concat())
        .expect(1);
    let document = output.json();
    let found = document.findings.iter().filter_map(|it| it.object.as_deref());
    assert_eq!(found.collect::<Vec<_>>(), ["public.sparse_pkey", "public.wide"], "{output}");
    let check = document.checks.iter().find(|it| it.name == "table-bloat").unwrap();
    let reason = check.reason.as_deref().unwrap();
    assert!(reason.contains("1 object was not read: public.wide: "), "{output}");
    writer.release().await;
}
