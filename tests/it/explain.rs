//! Plans of statements with parameters: they are shown, and nothing is executed or left behind.

use std::time::Duration;

use pgtend::failure::Kind;
use pgtend::inside::explained::{self, PlanReading};
use pgtend::inside::{
    Database as Opened, Explained, Guard, Others, RelationName, Session, SqlFile, generic_plan,
    load_table_facts, understand,
};
use serde_json::Value;

use crate::init::opened;
use crate::support::{Database, SALES, until};

/// A session in which names are looked for as the user does.
async fn reader(opened: &Opened) -> Session {
    let session = opened.reader().await.unwrap();
    session.enter(&opened.server.search_path).await.unwrap();
    session
}

async fn answer(opened: &Opened, query: &str) -> Explained {
    let session = reader(opened).await;
    let explained = generic_plan(&session, query, Guard::None).await.unwrap();
    assert_clean(&session).await;
    explained
}

async fn plan(opened: &Opened, query: &str) -> Value {
    match answer(opened, query).await {
        Explained::Plan(plan) => plan,
        Explained::Not(reason) => panic!("{query}: {reason}"),
    }
}

async fn refusal(opened: &Opened, query: &str) -> String {
    match answer(opened, query).await {
        Explained::Not(reason) => reason,
        Explained::Plan(plan) => panic!("{query}: {plan}"),
    }
}

/// Nothing is prepared, no transaction is open, and the settings are the session's own.
async fn assert_clean(session: &Session) {
    let sql = "SELECT now()::text, current_setting('lock_timeout'), \
               current_setting('plan_cache_mode'), \
               (SELECT count(*)::text FROM pg_prepared_statements WHERE from_sql)";
    let look = async || -> Vec<String> {
        let row = &session.query(sql, &[]).await.unwrap()[0];
        (0..4).map(|at| row.get(at)).collect()
    };
    let (one, other) = (look().await, look().await);
    assert_ne!(one[0], other[0], "both are of one transaction");
    assert_eq!(one[1..], ["1s", "auto", "0"]);
}

#[tokio::test]
async fn a_statement_with_parameters_has_a_plan() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let opened = opened(&db, "postgres").await;
    let query = "/* crm */ SELECT * FROM sales WHERE status = $1 AND amount > $2; -- all of them";
    let plan = plan(&opened, query).await;
    let node = &plan[0]["Plan"];
    assert_eq!((&node["Node Type"], &node["Schema"]), (&"Seq Scan".into(), &"public".into()));
    let filter = node["Filter"].as_str().unwrap();
    assert!(
        filter.contains("sales.amount > $2") && filter.contains("sales.status = $1"),
        "{plan}"
    );
    // Without parameters, too, and for what is not a SELECT by its first word.
    for query in ["SELECT count(*) FROM sales", "VALUES (1)", "(SELECT $1::int)", "TABLE sales"] {
        self::plan(&opened, query).await;
    }
}

#[tokio::test]
async fn partitions_are_not_left_out_for_want_of_a_value() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE sales (id int, day date) PARTITION BY RANGE (day);
         CREATE TABLE sales_1 PARTITION OF sales FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
         CREATE TABLE sales_2 PARTITION OF sales FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
    )
    .await;
    let opened = opened(&db, "postgres").await;
    let plan = plan(&opened, "SELECT * FROM sales WHERE day = $1").await;
    let scans = plan[0]["Plan"]["Plans"].as_array().unwrap();
    let scanned = scans.iter().map(|scan| scan["Relation Name"].as_str().unwrap());
    assert_eq!(scanned.collect::<Vec<_>>(), ["sales_1", "sales_2"], "{plan}");
}

#[tokio::test]
async fn nothing_is_executed() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql(
        "CREATE TABLE called (by text);
         CREATE FUNCTION writes(int) RETURNS int VOLATILE LANGUAGE plpgsql AS
           'BEGIN INSERT INTO called VALUES (''volatile''); RETURN $1; END';
         CREATE FUNCTION lies() RETURNS int IMMUTABLE LANGUAGE plpgsql AS
           'BEGIN PERFORM writes(1); RETURN 1; END'",
    )
    .await;
    let opened = opened(&db, "postgres").await;
    let update = plan(&opened, "UPDATE sales SET amount = amount + $1 WHERE id = $2").await;
    assert_eq!(update[0]["Plan"]["Operation"], "Update");
    plan(&opened, "DELETE FROM sales").await;
    plan(&opened, "INSERT INTO sales VALUES ($1, $2, $3, $4)").await;
    plan(&opened, "WITH d AS (DELETE FROM sales RETURNING id) SELECT count(*) FROM d").await;
    plan(&opened, "SELECT writes($1), writes(2)").await;
    plan(&opened, "SELECT * FROM sales WHERE id = $1 FOR UPDATE").await;
    // The planner itself calls what is said to be immutable; it cannot write.
    let reason = refusal(&opened, "SELECT lies()").await;
    assert!(reason.contains("read-only transaction"), "{reason}");
    assert_eq!(db.value("SELECT count(*) FROM called").await, "0");
    assert_eq!(db.value("SELECT count(*) FROM sales").await, "1000");
    assert_eq!(db.value("SELECT sum(amount) FROM sales").await, "500500");
}

#[tokio::test]
async fn what_cannot_be_explained_has_a_reason() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let opened = opened(&db, "postgres").await;
    for (query, reason) in [
        ("SELECT * FROM sales WHERE now() - interval $1 > now()", "`interval $1`"),
        ("SELECT 1; SELECT 2", "not one SELECT"),
        ("TRUNCATE sales", "not one SELECT"),
        ("<insufficient privilege>", "pg_read_all_stats"),
        ("SELECT * FROM sales WHERE (id =", "cut off"),
        (
            "SELECT * FROM other.sales",
            "relation \"other.sales\" does not exist (the application",
        ),
        ("SELECT * FROM missing", "relation \"missing\" does not exist (the application"),
        ("SELECT missing($1)", "does not exist"),
        ("SELECT missing FROM sales", "column \"missing\" does not exist"),
        (
            "SELECT * FROM sales WHERE $1 IS NULL",
            "could not determine data type of parameter $1",
        ),
    ] {
        let told = refusal(&opened, query).await;
        assert!(told.contains(reason), "{query}: {told}");
    }
}

#[tokio::test]
async fn a_string_ends_for_the_server_where_it_ends_for_the_parser() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql(&format!("ALTER DATABASE {} SET standard_conforming_strings = off", db.name))
        .await;
    let opened = opened(&db, "postgres").await;
    // With the database's setting it would be one string, and then more statements.
    plan(&opened, "SELECT '\\', '; COMMIT; DROP TABLE sales; --'").await;
    assert_eq!(db.value("SELECT count(*) FROM sales").await, "1000");
}

#[tokio::test]
async fn a_lock_is_not_waited_for() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let opened = opened(&db, "postgres").await;
    let holder = db.hold("LOCK TABLE sales").await;
    let reason = refusal(&opened, "SELECT * FROM sales WHERE id = $1").await;
    assert!(reason.contains("locked by another session"), "{reason}");
    holder.release().await;
    plan(&opened, "SELECT * FROM sales WHERE id = $1").await;
}

#[tokio::test]
async fn a_missing_privilege_is_said() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let role = db.role("reader").await;
    let opened = opened(&db, &role).await;
    let reason = refusal(&opened, "SELECT * FROM sales WHERE id = $1").await;
    assert_eq!(reason, "permission denied for table sales");
    db.sql(&format!("GRANT SELECT ON sales TO {role}")).await;
    plan(&opened, "SELECT * FROM sales WHERE id = $1").await;
    let reason = refusal(&opened, "UPDATE sales SET amount = $1").await;
    assert_eq!(reason, "permission denied for table sales");
}

#[tokio::test]
async fn planning_that_takes_long_is_given_up() {
    let db = Database::new().await;
    db.sql(
        "CREATE FUNCTION slow() RETURNS int IMMUTABLE AS 'SELECT 1 FROM pg_sleep(20)' LANGUAGE sql",
    )
    .await;
    db.sql("CREATE FUNCTION sleeps() RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN slow(); END'")
        .await;
    let opened = opened(&db, "postgres").await;
    let reason = refusal(&opened, "SELECT sleeps()").await;
    assert!(reason.contains("longer than 5 s"), "{reason}");
}

#[tokio::test]
async fn nothing_is_left_behind_when_nobody_waits_any_more() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let opened = opened(&db, "postgres").await;
    let session = reader(&opened).await;
    let holder = db.hold("LOCK TABLE sales").await;
    for millis in [0, 1, 5, 20, 60] {
        let work = generic_plan(&session, "SELECT * FROM sales WHERE id = $1", Guard::None);
        let _ = tokio::time::timeout(Duration::from_millis(millis), work).await;
        assert_clean(&session).await;
    }
    holder.release().await;
    let state = format!("SELECT state FROM pg_stat_activity WHERE pid = {}", session.pid());
    assert_eq!(db.value(&state).await, "idle");
    let locks = format!("SELECT count(*) FROM pg_locks WHERE pid = {}", session.pid());
    assert_eq!(db.value(&locks).await, "0");
}

#[tokio::test]
async fn a_lost_connection_is_an_error() {
    let db = Database::new().await;
    let opened = opened(&db, "postgres").await;
    let session = opened.reader().await.unwrap();
    db.sql(&format!("SELECT pg_terminate_backend({})", session.pid())).await;
    until("the session is gone", || async { session.is_closed() }).await;
    let failure = generic_plan(&session, "SELECT $1", Guard::None).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Connection, "{failure}");
}

/// Reads the plan with what the catalog knows of its tables.
async fn read(opened: &Opened, query: &str) -> (PlanReading, Value) {
    let plan = plan(opened, query).await;
    let session = opened.reader().await.unwrap();
    let facts = load_table_facts(&session, &explained::relations(&plan)).await.unwrap();
    (explained::read(&plan, &facts), plan)
}

#[tokio::test]
async fn a_plan_is_read_with_the_sizes_of_its_tables() {
    let db = Database::new().await;
    db.sql(
        "CREATE SCHEMA \"We;ird\";
         CREATE TABLE \"We;ird\".\"Sa\"\"les\" (id int PRIMARY KEY, \"Sta tus\" text, day date);
         INSERT INTO \"We;ird\".\"Sa\"\"les\" SELECT n, 'open' || n % 1000, '2024-01-01'::date + n % 900
         FROM generate_series(1, 200000) n;
         ANALYZE \"We;ird\".\"Sa\"\"les\"",
    )
    .await;
    let opened = opened(&db, "postgres").await;
    let name = RelationName::qualified("We;ird", "Sa\"les");
    let query =
        "SELECT * FROM \"We;ird\".\"Sa\"\"les\" WHERE \"Sta tus\" = $1 ORDER BY day LIMIT $2";
    let (reading, plan) = read(&opened, query).await;
    assert_eq!(reading.relations, std::slice::from_ref(&name));
    let told = reading.remarks.iter().map(|remark| (remark.kind, remark.relation.clone()));
    assert_eq!(told.collect::<Vec<_>>(), [("seq_scan", Some(name.clone()))], "{reading:?}");
    let message = &reading.remarks[0].message;
    let wanted = ": (\"Sa\"\"les\".\"Sta tus\" = $1)";
    assert!(
        message.contains("200,000 rows, 8.5 MiB) to keep about ") && message.ends_with(wanted),
        "{message}"
    );
    assert!(
        reading
            .tree
            .iter()
            .any(|line| line.contains("Seq Scan on \"We;ird\".\"Sa\"\"les\""))
    );

    let declared = "CREATE INDEX by_status ON \"We;ird\".\"Sa\"\"les\" (\"Sta tus\");
                    CREATE INDEX by_day ON \"We;ird\".\"Sa\"\"les\" (day);
                    CREATE INDEX by_id ON \"We;ird\".\"Sa\"\"les\" (id);";
    let file = SqlFile { name: "declared.sql".into(), text: declared.to_owned() };
    let missing = understand(&[file], Others::Refuse).unwrap().indexes;
    let served = explained::served_by(&reading, &plan, &missing);
    let names = served.iter().map(|(index, _)| index.name.as_deref().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["by_status"], "{served:?}");
    // The planner thinks so, too.
    db.sql(declared).await;
    let (reading, _) = read(&opened, query).await;
    assert_eq!(reading.indexes, [name.sibling("by_status")]);
    assert_eq!(reading.remarks, []);
}

#[tokio::test]
async fn a_missing_index_serves_partitions_by_every_name_that_the_server_gives_them() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE customers (id int PRIMARY KEY, email text);
         INSERT INTO customers SELECT n, n || '@example.org' FROM generate_series(1, 1000) n;
         CREATE TABLE sales (customer_id int, day date) PARTITION BY RANGE (day);
         CREATE TABLE sales_2024 PARTITION OF sales FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
         CREATE TABLE sales_2025 PARTITION OF sales FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
         INSERT INTO sales SELECT n % 1000, '2024-01-01'::date + n % 700 FROM generate_series(1, 30000) n;
         ANALYZE customers; ANALYZE sales; ANALYZE sales_2024; ANALYZE sales_2025",
    )
    .await;
    let opened = opened(&db, "postgres").await;
    let declared = "CREATE INDEX customer ON sales (customer_id); CREATE INDEX day ON sales (day);";
    let file = SqlFile { name: "declared.sql".into(), text: declared.to_owned() };
    let missing = understand(&[file], Others::Refuse).unwrap().indexes;
    for (query, index) in [
        ("SELECT * FROM sales s WHERE customer_id = $1", "customer"),
        (
            "SELECT * FROM customers c JOIN sales s ON s.customer_id = c.id WHERE c.email = $1",
            "customer",
        ),
        ("SELECT * FROM sales ORDER BY day DESC LIMIT $1", "day"),
    ] {
        let (reading, plan) = read(&opened, query).await;
        let served = explained::served_by(&reading, &plan, &missing);
        let names = served.iter().map(|(index, _)| index.name.as_deref().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), [index], "{query}: {:#?}", reading.tree);
        assert!(served[0].1.contains("public.sales "), "{served:?}");
    }
}

#[tokio::test]
async fn what_is_known_of_tables() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql(
        "CREATE TABLE parts (id int) PARTITION BY LIST (id);
         CREATE TABLE middle PARTITION OF parts FOR VALUES IN (1, 2) PARTITION BY LIST (id);
         CREATE TABLE leaf PARTITION OF middle FOR VALUES IN (1);
         CREATE TABLE never (id int); ANALYZE sales; ANALYZE leaf;
         ",
    )
    .await;
    db.sql(&format!("ALTER DATABASE {} SET work_mem = '2MB'", db.name)).await;
    let opened = opened(&db, "postgres").await;
    let session = opened.reader().await.unwrap();
    let names =
        ["sales", "leaf", "never", "missing"].map(|name| RelationName::qualified("public", name));
    let facts = load_table_facts(&session, &names).await.unwrap();
    assert_eq!(facts.work_mem_bytes, 2 << 20);
    let multiplier = if db.server.major < 15 { 1 } else { 2 };
    assert_eq!(facts.hash_mem_bytes, multiplier * facts.work_mem_bytes);
    assert_eq!(facts.random_page_cost, 4.0);
    let sales = &facts.tables[&names[0]];
    assert_eq!((sales.rows, sales.partition_of.as_ref()), (Some(1000.0), None));
    assert!(sales.bytes.unwrap() >= 8192, "{sales:?}");
    assert_eq!(facts.tables[&names[1]].partition_of, Some(names[0].sibling("parts")));
    assert_eq!((facts.tables[&names[2]].rows, facts.tables[&names[2]].bytes), (None, None));
    assert!(!facts.tables.contains_key(&names[3]));
}
