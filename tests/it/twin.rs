//! The planner twin: what it plans is what production plans, without touching production.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::support::document::Document;
use crate::support::{Database, Output, until};

const SCHEMA: &str = include_str!("twin.sql");

/// Statements over every access method; each is planned on both servers.
const STATEMENTS: [&str; 34] = [
    "SELECT * FROM orders WHERE id = 777",
    "SELECT * FROM orders WHERE customer_id = 17",
    "SELECT * FROM orders WHERE customer_id = $1 AND total > $2",
    "SELECT count(*) FROM orders WHERE placed_at > '2025-01-15' AND status = 'new'",
    "SELECT * FROM orders WHERE status IN ('new', 'paid') ORDER BY placed_at DESC LIMIT 20",
    "SELECT * FROM orders WHERE city = 'city17' AND zip = 'z170'",
    "SELECT * FROM orders WHERE city = 'city17'",
    "SELECT DISTINCT city, zip FROM orders",
    "SELECT date_trunc('day', placed_at AT TIME ZONE 'UTC'), count(*) FROM orders GROUP BY 1",
    "SELECT * FROM orders WHERE search @@ to_tsquery('simple', 'word5 & thing3')",
    "SELECT * FROM orders WHERE span && int4range(5, 7)",
    "SELECT * FROM orders WHERE total BETWEEN 100 AND 200",
    "SELECT * FROM orders ORDER BY total DESC LIMIT 10",
    "SELECT * FROM orders WHERE placed_at > '2030-01-01'",
    "SELECT customer_id, count(*) FROM orders GROUP BY 1 HAVING count(*) > 5",
    "SELECT o.*, c.name FROM orders AS o JOIN customers AS c ON c.id = o.customer_id \
     WHERE c.country = 'EG' AND o.status = 'lost'",
    "SELECT * FROM customers WHERE \"We;ird\".fold(name) = 'name 7'",
    "SELECT * FROM customers WHERE email LIKE 'user77%'",
    "SELECT * FROM customers WHERE tags @> ARRAY['t5', 'u3']",
    "SELECT country, signup FROM customers WHERE country = 'DE'",
    "SELECT c.id FROM customers AS c WHERE NOT EXISTS (SELECT FROM orders AS o WHERE o.customer_id = c.id)",
    "SELECT * FROM customers WHERE signup > '2025-01-01' AND vip ORDER BY signup LIMIT 5",
    "SELECT * FROM events WHERE at >= '2025-03-03' AND at < '2025-03-04' AND kind = 'err'",
    "SELECT * FROM events WHERE user_id = 55 ORDER BY at DESC LIMIT 10",
    "SELECT count(*) FROM events WHERE payload @> '{\"k\": 5}'",
    "SELECT kind, count(*) FROM events GROUP BY 1",
    "SELECT * FROM daily WHERE day = '2024-05-05'",
    "SELECT * FROM open_orders WHERE total > 1900",
    "SELECT * FROM empty_table WHERE id = 5",
    "SELECT * FROM never_analyzed WHERE id = 5",
    "SELECT * FROM \"We;ird\".\"Sa\"\"les\" WHERE lower(\"Name\") = 'n5' AND \"\"\"\" = 3",
    "UPDATE orders SET note = 'y' WHERE customer_id = 123",
    "DELETE FROM orders WHERE id = 44",
    "INSERT INTO empty_table SELECT id, note FROM orders WHERE city = 'city3'",
];

/// PGTEND_TWIN_SCALE multiplies the rows: `make twin`.
fn scale() -> u32 {
    std::env::var("PGTEND_TWIN_SCALE")
        .ok()
        .and_then(|scale| scale.parse().ok())
        .unwrap_or(1)
}

pub async fn production() -> Database {
    let schema = SCHEMA.replace(":scale", &scale().to_string());
    let db = Database::new().await;
    db.sql("CREATE EXTENSION pageinspect; CREATE EXTENSION pg_stat_statements")
        .await;
    let (made, vacuum) = schema.rsplit_once("VACUUM").unwrap();
    db.sql(made).await;
    db.sql(&format!("VACUUM{vacuum}")).await;
    db
}

fn what_if(db: &Database, arguments: &[&str]) -> Output {
    db.pgtend(&[&["what-if", "--format", "json"], arguments].concat())
}

/// Shown by `make twin`.
fn tell(line: &str) {
    if scale() > 1 {
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

/// The generic plan that production itself makes, by which a twin is judged.
pub async fn real_plan(db: &Database, statement: &str) -> Value {
    plan_of(&db.session().await, statement).await
}

async fn plan_of(session: &Client, statement: &str) -> Value {
    let parameters = (1..=9).filter(|n| statement.contains(&format!("${n}"))).count();
    let nulls = vec!["NULL"; parameters].join(", ");
    let arguments = if nulls.is_empty() { nulls } else { format!("({nulls})") };
    session
        .batch_execute(&format!(
            "SET plan_cache_mode = force_generic_plan; DEALLOCATE ALL; PREPARE p AS {statement}"
        ))
        .await
        .unwrap();
    let sql = format!("EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE p{arguments}");
    let answers = session.simple_query(&sql).await.unwrap();
    let text = answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    serde_json::from_str(text.unwrap()).unwrap()
}

/// What a plan does, without costs and without the names of candidates.
pub fn shape(node: &Value) -> String {
    let text = |key: &str| node[key].as_str().unwrap_or("-").to_owned();
    let index = match text("Index Name") {
        name if name.starts_with("pgtend_candidate_") || name.starts_with("tried_") => "new".into(),
        name => name,
    };
    let below = node["Plans"].as_array().into_iter().flatten().map(shape).collect::<Vec<_>>();
    format!(
        "{} {} {index} {} [{}]",
        text("Node Type"),
        text("Relation Name"),
        text("Strategy"),
        below.join(", ")
    )
}

pub fn cost(plan: &Value) -> f64 {
    plan[0]["Plan"]["Total Cost"].as_f64().unwrap()
}

#[tokio::test]
async fn a_twin_plans_to_the_cent_as_production_does() {
    let db = production().await;
    let output = what_if(&db, &STATEMENTS).expect(0).came_to("done");
    let document: Document = output.json();
    assert_eq!(document.statements.len(), STATEMENTS.len(), "{output}");
    let (mut equal, mut told) = (0, Vec::new());
    for (planned, statement) in document.statements.iter().zip(STATEMENTS) {
        assert_eq!(planned["query"], statement);
        assert!(planned["before"].is_array(), "{planned}");
        let real = real_plan(&db, statement).await;
        let twin = &planned["before"];
        assert_eq!(shape(&twin[0]["Plan"]), shape(&real[0]["Plan"]), "{statement}");
        let (real, twin) = (cost(&real), cost(twin));
        if real == twin {
            equal += 1;
        } else {
            told.push(format!("{statement}: {real} in production, {twin} on the twin"));
        }
        assert!((twin - real).abs() <= real * 0.05, "{statement}: {real} and {twin}");
    }
    assert!(equal * 100 >= STATEMENTS.len() * 95, "{equal} equal; {told:#?}\n{output}");
    let all = STATEMENTS.len();
    tell(&format!("{equal} of {all} statements cost the same, to the cent; {told:#?}"));
}

/// An index, and a statement that it is for.
const CANDIDATES: [(&str, &str); 8] = [
    (
        "CREATE INDEX ON orders (status, placed_at)",
        "SELECT * FROM orders WHERE status = 'lost' AND placed_at > '2025-01-01'",
    ),
    (
        "CREATE INDEX ON orders (total)",
        "SELECT * FROM orders ORDER BY total DESC LIMIT 10",
    ),
    (
        "CREATE INDEX ON orders (city) INCLUDE (total)",
        "SELECT sum(total) FROM orders WHERE city = 'city9'",
    ),
    (
        "CREATE INDEX ON customers (signup) WHERE vip",
        "SELECT * FROM customers WHERE signup > '2025-01-01' AND vip",
    ),
    (
        "CREATE INDEX ON customers (upper(name))",
        "SELECT * FROM customers WHERE upper(name) = 'NAME 9'",
    ),
    (
        "CREATE INDEX ON events (kind, at)",
        "SELECT * FROM events WHERE at >= '2025-03-03' AND at < '2025-03-04' AND kind = 'err'",
    ),
    (
        "CREATE INDEX ON orders USING hash (zip)",
        "SELECT * FROM orders WHERE zip = 'z170'",
    ),
    (
        "CREATE INDEX ON \"We;ird\".\"Sa\"\"les\" (\"Name\", \"\"\"\")",
        "SELECT * FROM \"We;ird\".\"Sa\"\"les\" WHERE \"\"\"\" = 3 AND \"Name\" = 'N100'",
    ),
];

/// What hypopg takes the candidates' statements for, or why it cannot have an index: for `make twin`, where
/// that extension is installed.
async fn by_hypopg(db: &Database) -> HashMap<&'static str, Result<f64, String>> {
    let there = "SELECT count(*) FROM pg_available_extensions WHERE name = 'hypopg'";
    if scale() == 1 || db.value(there).await == "0" {
        return HashMap::new();
    }
    db.sql("CREATE EXTENSION hypopg").await;
    let session = db.session().await;
    let mut costs = HashMap::new();
    for (index, statement) in CANDIDATES {
        session.execute("SELECT hypopg_reset()", &[]).await.unwrap();
        let made = session.execute("SELECT hypopg_create_index($1)", &[&index]).await;
        costs.insert(
            index,
            match made {
                Ok(_) => Ok(cost(&plan_of(&session, statement).await)),
                Err(error) => Err(error.to_string()),
            },
        );
    }
    costs
}

#[tokio::test]
async fn a_candidate_costs_what_the_real_index_costs() {
    let db = production().await;
    let mut arguments = Vec::new();
    for (index, statement) in CANDIDATES {
        arguments.extend(["--add", index, statement]);
    }
    let output = what_if(&db, &arguments).expect(0);
    let document: Document = output.json();
    let others = by_hypopg(&db).await;
    for (number, (index, _)) in CANDIDATES.into_iter().enumerate() {
        db.sql(&index.replacen(" ON ", &format!(" tried_{number} ON "), 1)).await;
    }
    let mut errors = Vec::new();
    for (planned, (index, statement)) in document.statements.iter().zip(CANDIDATES) {
        let real = real_plan(&db, statement).await;
        let (shown, real_cost) = (&planned["after"], cost(&real));
        // A partition's own index is named by the server.
        if !index.contains("events") {
            assert_eq!(shape(&shown[0]["Plan"]), shape(&real[0]["Plan"]), "{index}");
        }
        let error = (cost(shown) / real_cost - 1.0).abs();
        if let Some(other) = others.get(index) {
            let other = other.as_ref().map(|cost| (cost / real_cost - 1.0).abs());
            tell(&format!("{index}: error {error:.5}, of hypopg {other:.5?}"));
        }
        assert!(error < 0.06, "{index}: {real_cost} with it, {} foretold", cost(shown));
        assert_eq!(planned["verdict"], "better", "{index}: {output}");
        errors.push(error);
    }
    errors.sort_by(f64::total_cmp);
    assert!(errors[errors.len() / 2] <= 0.01, "{errors:?}");
    tell(&format!("errors of the candidates' costs: {errors:?}"));
}

/// What production itself plans with these arguments.
async fn real_cost_with(db: &Database, statement: &str, arguments: &str) -> f64 {
    let session = db.session().await;
    let prepare = format!("SET plan_cache_mode = force_custom_plan; PREPARE p AS {statement}");
    session.batch_execute(&prepare).await.unwrap();
    let sql = format!("EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE p({arguments})");
    let answers = session.simple_query(&sql).await.unwrap();
    let text = answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    cost(&serde_json::from_str(text.unwrap()).unwrap())
}

/// The costs with values, by value.
fn custom(statement: &Value, key: &str) -> Vec<(String, f64)> {
    let plans = statement["custom_plans"].as_array().into_iter().flatten();
    plans
        .map(|plan| (plan["value"].as_str().unwrap().to_owned(), plan[key].as_f64().unwrap()))
        .collect()
}

/// The most common value of the column would break out of a text, and one of its names of a query.
const SKEWED: &str = "CREATE TABLE \"jo;bs\" (id int, \"st'ate\" text, filler text);
    INSERT INTO \"jo;bs\" SELECT n, CASE WHEN n % 1000 < 2 THEN 'open' || n % 1000 \
    ELSE E'\\\\''); DROP TABLE \"jo;bs\"; --\"{' END, repeat('x', 60) FROM generate_series(1, 100000) AS n";

#[tokio::test]
async fn a_parameter_is_planned_with_a_common_and_a_rare_value() {
    let db = production().await;
    db.sql(SKEWED).await;
    db.sql("VACUUM ANALYZE \"jo;bs\"").await;
    let skewed = "SELECT * FROM \"jo;bs\" WHERE \"st'ate\" = $1";
    let ranged = "SELECT * FROM orders WHERE placed_at >= $1 AND placed_at < $2 LIMIT $3";
    let unknown = "SELECT * FROM orders WHERE substr(note, $1) = 'y'";
    let index = "CREATE INDEX ON \"jo;bs\" (\"st'ate\")";
    let output = what_if(&db, &["--add", index, skewed, ranged, unknown]).expect(0);
    let document: Document = output.json();
    let [skewed_plans, ranged_plans, unknown_plans] = &document.statements[..] else {
        panic!("{output}");
    };
    let common = "(SELECT \"st'ate\" FROM \"jo;bs\" WHERE id = 7)";
    let before = custom(skewed_plans, "cost_before");
    let values = before.iter().map(|(value, _)| value.as_str()).collect::<Vec<_>>();
    assert_eq!(values, ["common", "rare"], "{output}");
    assert_eq!(skewed_plans["verdict"], "better", "{output}");
    let common = db.value(&format!("SELECT quote_literal({common})")).await;
    let rare = "SELECT quote_literal(v.list[cardinality(v.list)]) \
                FROM pg_stats, LATERAL (SELECT most_common_vals::text::text[] AS list) AS v \
                WHERE tablename = 'jo;bs' AND attname = 'st''ate'";
    let rare = db.value(rare).await;
    let now = |arguments: String| {
        let db = &db;
        async move { real_cost_with(db, skewed, &arguments).await }
    };
    let (of_common, of_rare) = (now(common.clone()).await, now(rare.clone()).await);
    assert_eq!(before[0].1, of_common);
    assert!((before[1].1 / of_rare - 1.0).abs() < 0.01, "{before:?} {of_rare}");
    db.sql(&index.replacen(" ON ", " tried_it ON ", 1)).await;
    let after = custom(skewed_plans, "cost_after");
    let (of_common, of_rare) = (now(common).await, now(rare).await);
    assert_eq!(after[0].1, of_common, "the index is of no use for what nearly all rows have");
    assert!((after[1].1 / of_rare - 1.0).abs() < 0.06, "{after:?} {of_rare}");
    assert!(after[1].1 * 10.0 < before[1].1, "{output}");
    let ranged = custom(ranged_plans, "cost_before");
    assert_eq!(ranged.len(), 3, "a quarter, a twentieth and a hundredth of the rows: {output}");
    let reason = unknown_plans["custom_plans_reason"].as_str().unwrap();
    assert_eq!(reason, "no statistics tell a value for $1");

    let shown = db.pgtend(&["what-if", "--add", index, skewed]).expect(0);
    assert!(shown.stdout.contains("the plan depends on the parameters\ncommon values: cost"));
    let shown = db.pgtend(&["what-if", skewed, unknown]).expect(0);
    assert!(shown.stdout.contains("\n   rare values"), "{shown}");
    let bare = what_if(&db, &["--no-values", skewed]).expect(0);
    let document: Document = bare.json();
    assert!(custom(&document.statements[0], "cost_before").is_empty(), "{bare}");
    let told = |word: &str| document.warnings.iter().any(|warning| warning.message.contains(word));
    assert!(told("--no-values"), "{bare}");
}

#[tokio::test]
async fn a_hidden_index_and_a_setting_change_the_plan() {
    let db = production().await;
    let by_customer = "SELECT * FROM orders WHERE customer_id = 17";
    let output = what_if(&db, &["--hide", "orders_customer_id_idx", by_customer]).expect(0);
    let document: Document = output.json();
    let planned = &document.statements[0];
    assert_eq!(planned["verdict"], "worse", "{output}");
    assert!(!planned["after"].to_string().contains("orders_customer_id_idx"));
    let output = what_if(
        &db,
        &["--set", "enable_indexscan=off", "--set", "enable_bitmapscan=off", by_customer],
    );
    let document: Document = output.expect(0).json();
    assert!(document.statements[0]["after"].to_string().contains("Seq Scan"));
    let output = what_if(&db, &["--hide", "no_such_index", by_customer]).expect(2);
    assert!(output.stdout.contains("no such index"), "{output}");
    let output = what_if(&db, &["--set", "no_such=1", by_customer]).expect(2);
    assert!(output.stdout.contains("no_such"), "{output}");
    let output =
        what_if(&db, &["--add", "CREATE INDEX ON orders (no_such)", by_customer]).expect(2);
    assert!(output.stdout.contains("no_such"), "{output}");
}

#[tokio::test]
async fn a_saved_twin_plans_without_its_database_and_is_private() {
    let db = production().await;
    let statement = "SELECT * FROM orders WHERE city = 'city17' AND zip = 'z170'";
    let file = db.path("shop.twin").display().to_string();
    let first = what_if(&db, &["--save-twin", &file, statement]).expect(0);
    assert!(first.stderr.contains("only you may read it"), "{first}");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    db.sql("DROP TABLE orders CASCADE").await;
    let again = what_if(&db, &["--twin", &file, statement]).expect(0);
    let costs = [&first, &again].map(|output| {
        let document: Document = output.json();
        cost(&document.statements[0]["before"])
    });
    assert_eq!(costs[0], costs[1]);
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    fs::write(&file, bytes).unwrap();
    let output = what_if(&db, &["--twin", &file, statement]).expect(2);
    assert!(output.stdout.contains("damaged"), "{output}");
}

#[tokio::test]
async fn without_values_the_file_holds_none_of_the_data() {
    let db = production().await;
    let file = db.path("bare.twin").display().to_string();
    let arguments = ["--no-values", "--save-twin", &file, "SELECT * FROM orders WHERE city = 'x'"];
    what_if(&db, &arguments).expect(0);
    let packed = fs::read(&file).unwrap();
    let start = packed.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut text = String::new();
    let mut unpacked = flate2::read::GzDecoder::new(&packed[start..]);
    std::io::Read::read_to_string(&mut unpacked, &mut text).unwrap();
    assert!(text.contains("\"city\""), "the columns are there");
    assert!(!text.contains("city17") && !text.contains("z170"), "no value is");
}

#[tokio::test]
async fn who_may_not_read_the_statistics_is_refused_with_the_grant() {
    let db = production().await;
    let role = db.role("reader").await;
    let statement = "SELECT * FROM orders WHERE customer_id = 17";
    let output = db.pgtend_as(&role, &["what-if", "--format", "json", statement]).expect(3);
    assert!(output.stdout.contains("GRANT pg_read_all_data TO"), "{output}");
    db.sql(&format!("GRANT pg_read_all_data TO {role}")).await;
    let output = db.pgtend_as(&role, &["what-if", "--format", "json", statement]).expect(0);
    let document: Document = output.json();
    let real = real_plan(&db, statement).await;
    assert_eq!(shape(&document.statements[0]["before"][0]["Plan"]), shape(&real[0]["Plan"]));
    let told = document.warnings.iter().any(|warning| warning.message.contains("orders_city"));
    assert!(told, "extended statistics are their owner's: {output}");
}

/// A table that somebody holds exclusively is not waited for.
#[tokio::test]
async fn a_locked_table_is_told_and_not_waited_for() {
    let db = production().await;
    let session = db.session().await;
    session.batch_execute("BEGIN; LOCK TABLE events").await.unwrap();
    let output = what_if(&db, &["SELECT * FROM events WHERE id = 1"]).expect(3);
    assert!(output.stdout.contains("is locked by another session"), "{output}");
    let output = what_if(&db, &["SELECT * FROM daily WHERE n = 1"]).expect(0);
    assert_eq!(output.json().outcome, "done");
}

/// What rests on statistics that may not be read is not shown as a plan.
#[tokio::test]
async fn statements_on_hidden_tables_are_not_judged() {
    let db = production().await;
    let role = db.role("reader").await;
    db.sql(&format!("GRANT SELECT ON customers TO {role}")).await;
    let calls = [
        "what-if",
        "--format",
        "json",
        "SELECT * FROM customers WHERE id = 1",
        "SELECT * FROM orders WHERE zip = 'z170'",
    ];
    let document: Document = db.pgtend_as(&role, &calls).expect(0).json();
    assert_eq!(document.statements[0]["verdict"], "same");
    assert_eq!(document.statements[1]["verdict"], "not_judged");
    let reason = document.statements[1]["reason"].as_str().unwrap();
    assert!(reason.contains("GRANT SELECT ON public.orders"), "{reason}");
}

#[tokio::test]
async fn production_is_asked_about_its_catalog_and_nothing_else() {
    let db = production().await;
    let before = fs::read(&db.server.log_path).unwrap().len();
    db.sql("SELECT pg_stat_statements_reset()").await;
    what_if(&db, &STATEMENTS).expect(0);
    let log = fs::read(&db.server.log_path).unwrap();
    let log = String::from_utf8_lossy(&log[before..]).into_owned();
    // Other tests work on databases of their own meanwhile.
    let rows = db
        .session()
        .await
        .query(
            "SELECT query FROM pg_stat_statements
             WHERE query ~* 'orders|customers'
               AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
            &[],
        )
        .await
        .unwrap();
    for row in rows {
        let query: String = row.get(0);
        let is_probe = query.contains(" AS pgtend_end, ") || query.starts_with("LOCK TABLE ONLY");
        assert!(is_probe || query.contains("pg_stat_statements"), "{query}");
    }
    let own = log.lines().filter(|line| line.contains(&format!("db={} ", db.name)));
    assert_eq!(
        own.filter(|line| line.contains("EXPLAIN")).count(),
        0,
        "nothing is planned there"
    );
}

/// The least and the greatest value of an index are scans of it, and who looks whether it is used must not find them.
#[tokio::test]
async fn what_pgtend_reads_does_not_count_as_use() {
    let db = production().await;
    let by_date = "SELECT * FROM orders WHERE placed_at > now()";
    let before = scans(&db, "orders").await;
    what_if(&db, &[by_date]).expect(0);
    assert_eq!(scans(&db, "orders").await, before);
    let file = db.path("saved.twin");
    let save = ["what-if", "--save-twin", file.to_str().unwrap(), by_date];
    let role = db.role("reader").await;
    db.sql(&format!("GRANT pg_read_all_data TO {role}")).await;
    db.pgtend_as(&role, &save).expect(0);
    assert!(scans(&db, "orders").await > before, "others may not leave them uncounted");
}

/// So many scans of a table's indexes were counted, once no session of pgtend's has any to tell.
async fn scans(db: &Database, table: &str) -> i64 {
    let client = db.session().await;
    let sessions = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'pgtend/%'";
    let is_gone = async || client.query_one(sessions, &[]).await.unwrap().get::<_, i64>(0) == 0;
    until("pgtend's sessions are gone", is_gone).await;
    let scans = "SELECT sum(idx_scan)::int8 FROM pg_stat_user_indexes WHERE relname = $1";
    client.query_one(scans, &[&table]).await.unwrap().get(0)
}

/// Somebody else's function is made on the twin, by a role that may do nothing outside of it.
#[tokio::test]
async fn code_of_others_has_no_rights_on_the_twin() {
    let db = Database::new().await;
    let mallory = db.role("mallory").await;
    db.sql(&format!("GRANT CREATE ON SCHEMA public TO {mallory}")).await;
    db.session_as(&mallory)
        .await
        .batch_execute(
            "CREATE FUNCTION public.evil(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
               BEGIN
                 IF current_setting('is_superuser') = 'on' OR session_user = 'postgres' THEN
                   RAISE 'it has rights';
                 END IF;
                 RETURN $1;
               END $$;
             CREATE TABLE public.bait (a int);
             INSERT INTO public.bait SELECT generate_series(1, 1000);
             CREATE INDEX bait_evil ON public.bait (public.evil(a));
             ANALYZE public.bait;",
        )
        .await
        .unwrap();
    let output = what_if(&db, &["SELECT * FROM public.bait WHERE public.evil(a) = public.evil(3)"]);
    let document: Document = output.expect(0).json();
    assert!(document.statements[0]["before"].to_string().contains("bait_evil"));
}

#[tokio::test]
async fn an_interrupted_run_leaves_no_server() {
    let db = production().await;
    let file = db.path("many.sql");
    let one =
        "SELECT * FROM orders AS a JOIN orders AS b ON a.city = b.zip JOIN customers USING (id);\n";
    fs::write(&file, one.repeat(20_000)).unwrap();
    let mut running = db.start(&["what-if", &file.display().to_string()]);
    running.until_it_says("Planning on a throwaway").await;
    running.signal("INT");
    let output = running.wait();
    output.expect(130);
}
