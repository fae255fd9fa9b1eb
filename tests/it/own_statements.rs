//! What pgtend itself asks is no statement of the application.

use crate::support::Database;

const DECLARED: &str = "
    CREATE MATERIALIZED VIEW totals AS SELECT user_id, sum(amount) AS amount FROM sales GROUP BY 1;
    CREATE UNIQUE INDEX totals_user_id ON totals (user_id);
    CREATE INDEX sales_status ON sales (status) WHERE status <> 'done';";
const WORKLOAD: &str = "SELECT * FROM sales WHERE user_id = 3 ORDER BY amount DESC LIMIT 5;";

#[tokio::test]
async fn nothing_that_a_command_asks_is_listed() {
    let db = Database::new().await;
    db.sql(crate::support::SALES).await;
    db.sql("CREATE EXTENSION pg_stat_statements").await;
    // As every database has it from PostgreSQL 15 on: else check finds it.
    db.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC").await;
    let reset = "SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = current_database()";
    db.sql(reset).await;
    let (declared, workload) = (db.declare(DECLARED), db.declare_as("workload.sql", WORKLOAD));
    for call in [
        "init",
        "snapshot",
        &format!("plan {declared}"),
        &format!("apply {declared}"),
        &format!("apply {declared}"),
        "adopt",
        "refresh --all --if-changed",
        "refresh --all",
        "vacuum",
        "analyze sales",
        "reindex sales_status",
        "check",
        "check security opinions design",
        "activity",
        "slow-queries --explain",
        "history",
        &format!("what-if {workload}"),
        &format!("advise --workload {workload}"),
        "advise",
        "snapshot",
    ] {
        let words = call.split(' ').collect::<Vec<_>>();
        // The test server's settings are none for production, and check says so.
        db.pgtend(&words).expect(i32::from(call == "check"));
    }
    db.sql("SELECT count(*) FROM sales").await;
    let output = db.pgtend(&["slow-queries", "--limit", "1000", "--format", "json"]).expect(0);
    let listed = output.json().statements.into_iter();
    let listed = listed.map(|it| it["query"].as_str().unwrap().to_owned());
    let listed = listed.filter(|query| !query.contains("pg_stat_statements_reset"));
    assert_eq!(listed.collect::<Vec<_>>(), ["SELECT count(*) FROM sales"]);
}
