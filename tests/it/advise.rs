//! `pgtend advise`: which indexes a workload lacks and does not need.

use std::fs;

use crate::support::document::Document;
use crate::support::{Database, until};
use crate::twin::production;

/// The definitions that are advised.
fn advised(document: &Document) -> Vec<String> {
    let sql = |advice: &serde_json::Value| {
        let sql = advice["sql"].as_str().unwrap();
        sql.split_once(" ON ").unwrap().1.to_owned()
    };
    document.advice.iter().map(sql).collect()
}

fn workload(db: &Database, statements: &[&str]) -> String {
    let text = statements.iter().map(|statement| format!("{statement};\n")).collect::<String>();
    db.declare_as("workload.sql", &text)
}

#[tokio::test]
async fn what_the_workload_lacks_is_advised_and_apply_builds_it() {
    let db = production().await;
    let file = workload(
        &db,
        &[
            "SELECT * FROM orders WHERE zip = 'z170' ORDER BY placed_at DESC LIMIT 5",
            "SELECT * FROM customers WHERE upper(name) = 'NAME 9'",
            "SELECT id FROM events WHERE kind = 'err' AND at > '2025-04-20'",
            "SELECT * FROM orders WHERE id = 3",
        ],
    );
    let written = db.path("advice.sql").display().to_string();
    let output =
        db.pgtend(&["advise", "--workload", &file, "--write", &written, "--format", "json"]);
    let document: Document = output.expect(0).came_to("done").json();
    let advised = advised(&document);
    let has = |words: &str| advised.iter().any(|sql| sql.contains(words));
    assert!(has("public.orders (zip"), "{advised:?}");
    assert!(has("public.customers (upper(name))"), "{advised:?}");
    assert!(has("public.events (kind, at)"), "{advised:?}");
    assert_eq!(advised.len(), 3, "the key needs no other index: {advised:?}");
    for advice in &document.advice {
        assert_eq!(advice["rung"], "estimated");
        for served in advice["serves"].as_array().unwrap() {
            let cost = |key: &str| served[key].as_f64().unwrap();
            assert!(cost("cost_after") < cost("cost_before"), "{served}");
        }
    }
    db.pgtend(&["plan", &written, "--check"]).expect(1);
    db.pgtend(&["apply", &written]).expect(0);
    db.pgtend(&["plan", &written, "--check"]).expect(0);
    // With them there nothing is left to advise.
    let again = db.pgtend(&["advise", "--workload", &file, "--check", "--format", "json"]);
    again.expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn estimated_sizes_are_those_of_the_indexes() {
    let db = production().await;
    let file = workload(
        &db,
        &[
            "SELECT * FROM orders WHERE zip = 'z170'",
            "SELECT * FROM customers WHERE name = 'Name 9'",
            "SELECT * FROM orders WHERE total = 17",
            "SELECT * FROM events WHERE kind = 'err' AND at > '2025-04-20'",
        ],
    );
    let output = db.pgtend(&["advise", "--workload", &file, "--format", "json"]).expect(0);
    let document: Document = output.json();
    let mut close = 0;
    for (number, advice) in document.advice.iter().enumerate() {
        let definition = advice["sql"].as_str().unwrap().split_once(" ON ").unwrap().1;
        db.sql(&format!("CREATE INDEX sized_{number} ON {definition}")).await;
        let sql = format!(
            "SELECT sum(pg_relation_size(t.relid)) FROM pg_partition_tree('sized_{number}') AS t"
        );
        let sql = match definition.contains("events") {
            true => sql,
            false => format!("SELECT pg_relation_size('sized_{number}')"),
        };
        let real: f64 = db.value(&sql).await.parse().unwrap();
        let told = advice["size_bytes"].as_f64().unwrap();
        if (told / real - 1.0).abs() <= 0.25 {
            close += 1;
        }
    }
    let all = document.advice.len();
    assert!(all >= 3 && close * 4 >= all * 3, "{close} of {all} within 25 %: {output}");
}

#[tokio::test]
async fn a_budget_and_a_number_limit_the_choice() {
    let db = production().await;
    let file = workload(
        &db,
        &[
            "SELECT * FROM orders WHERE zip = 'z170'",
            "SELECT * FROM orders WHERE total = 17",
            "SELECT * FROM customers WHERE name = 'Name 9'",
        ],
    );
    let look = |more: &[&str]| {
        let arguments =
            [&["advise", "--workload", file.as_str(), "--format", "json"], more].concat();
        let document: Document = db.pgtend(&arguments).expect(0).json();
        document
    };
    assert_eq!(look(&[]).advice.len(), 3);
    assert_eq!(look(&["--max-indexes", "1"]).advice.len(), 1);
    let within = look(&["--budget", "600kB"]);
    let bytes = within
        .advice
        .iter()
        .map(|advice| advice["size_bytes"].as_u64().unwrap())
        .sum::<u64>();
    assert!(bytes > 0 && bytes <= 600 * 1024, "{bytes}");
    assert_eq!(within.candidates.len(), 0);
    assert!(within.taken_at.is_some());
    assert_eq!(look(&[]).advice, look(&[]).advice, "the same again");
    db.pgtend(&["advise", "--workload", &file, "--check"]).expect(1);
    db.pgtend(&["advise", "--workload", &file, "--budget", "much"]).expect(2);
}

#[tokio::test]
async fn what_no_statement_needs_is_named_and_never_called_safe_too_early() {
    let db = production().await;
    db.sql("CREATE INDEX orders_spare ON orders (note, city, zip, total)").await;
    let file = workload(
        &db,
        &["SELECT * FROM orders WHERE id = 3", "SELECT * FROM orders WHERE city = 'city3'"],
    );
    let written = db.path("advice.sql").display().to_string();
    let output = db
        .pgtend(&["advise", "--workload", &file, "--write", &written, "--format", "json"])
        .expect(0);
    let document: Document = output.json();
    let named = document.unneeded.iter().map(|index| index["object"].as_str().unwrap());
    let named = named.collect::<Vec<_>>();
    assert!(named.contains(&"public.orders_spare"), "{named:?}");
    assert!(!named.contains(&"public.orders_pkey"), "a constraint's index stays: {named:?}");
    assert!(
        !named.contains(&"public.orders_customer_id_idx"),
        "a foreign key's stays: {named:?}"
    );
    assert!(!named.contains(&"public.orders_city_idx"), "it is used: {named:?}");
    assert!(document.unneeded.iter().all(|index| index["is_safe"] == false), "{output}");
    let text = fs::read_to_string(&written).unwrap();
    assert!(text.contains("-- DROP INDEX CONCURRENTLY public.orders_spare;"), "{text}");
    assert!(text.lines().all(|line| line.is_empty() || line.starts_with("--")), "{text}");
}

#[tokio::test]
async fn statements_of_the_counters_are_weighed_by_their_time_and_our_own_left_out() {
    let db = production().await;
    let session = db.session().await;
    session.batch_execute("SELECT pg_stat_statements_reset()").await.unwrap();
    for number in 0..40 {
        // Its time has to outweigh what the index costs writers, on a fast machine too.
        let sql = format!("SELECT count(*), pg_sleep(0.02) FROM orders WHERE zip = 'z{number}'");
        session.batch_execute(&sql).await.unwrap();
    }
    // Both are kept in a form that is no SQL.
    for sql in [
        "SELECT * FROM orders WHERE placed_at > now() - interval '1 day' LIMIT 3",
        "SELECT count(*) FROM orders WHERE extract(month FROM placed_at) = 3",
    ] {
        session.batch_execute(sql).await.unwrap();
    }
    db.pgtend(&["advise", "--format", "json"]).expect(0);
    let output = db.pgtend(&["advise", "--format", "json"]).expect(0);
    let document: Document = output.json();
    assert!(advised(&document).iter().any(|sql| sql.contains("orders (zip")), "{output}");
    for statement in &document.statements {
        let query = statement["query"].as_str().unwrap();
        assert!(!query.contains("pg_catalog.json_build_object"), "{query}");
    }
    for word in ["interval $", "extract($"] {
        let has_word = |it: &&serde_json::Value| it["query"].as_str().unwrap().contains(word);
        let found = document.statements.iter().find(has_word);
        assert_ne!(found.unwrap()["verdict"], "not_judged", "{word}: {output}");
    }
}

#[tokio::test]
async fn what_cannot_be_judged_says_why() {
    let db = production().await;
    let role = db.role("reader").await;
    db.sql(&format!("GRANT SELECT ON customers TO {role}")).await;
    let file = workload(
        &db,
        &[
            "SELECT * FROM orders WHERE zip = 'z170'",
            "SELECT * FROM customers WHERE name = 'Name 9'",
        ],
    );
    let output = db
        .pgtend_as(&role, &["advise", "--workload", &file, "--format", "json"])
        .expect(0);
    let document: Document = output.json();
    let verdicts = document.statements.iter().map(|it| it["verdict"].as_str().unwrap());
    assert_eq!(verdicts.collect::<Vec<_>>(), ["not_judged", "better"], "{output}");
    let reason = document.statements[0]["reason"].as_str().unwrap();
    assert!(reason.contains("GRANT SELECT ON public.orders"), "{reason}");
}

/// auto_explain keeps the constants, which pg_stat_statements takes out.
#[tokio::test]
async fn statements_of_a_log_are_weighed_by_their_durations() {
    let db = production().await;
    let log = db.declare_as(
        "server.log",
        "2026-01-01 LOG:  duration: 900.5 ms  plan:\n\
         \t{\n\t  \"Query Text\": \"SELECT * FROM orders WHERE zip = 'z170'\",\n\
         \t  \"Plan\": {\"Node Type\": \"Seq Scan\"}\n\t}\n",
    );
    let output = db.pgtend(&["advise", "--log", &log, "--format", "json"]).expect(0);
    let document: Document = output.json();
    assert_eq!(document.statements.len(), 1);
    assert!(advised(&document)[0].contains("orders (zip"), "{output}");
    db.pgtend(&["advise", "--log", "/nowhere/server.log"]).expect(2);
}

/// Only what was done since the snapshot counts.
#[tokio::test]
async fn since_a_snapshot_only_what_came_later_is_advised() {
    let db = production().await;
    let session = db.session().await;
    session
        .batch_execute("SELECT count(*) FROM orders WHERE zip = 'z1'")
        .await
        .unwrap();
    let counters = db.path("counters").display().to_string();
    db.pgtend(&["snapshot", "--file", &counters]).expect(0);
    session
        .batch_execute("SELECT count(*) FROM customers WHERE name = 'Name 9'")
        .await
        .unwrap();
    let output = db.pgtend(&["advise", "--since", &counters, "--format", "json"]).expect(0);
    let document: Document = output.json();
    let texts = document.statements.iter().map(|it| it["query"].as_str().unwrap());
    let texts = texts.collect::<Vec<_>>();
    assert!(texts.iter().any(|text| text.contains("FROM customers WHERE name")), "{output}");
    assert!(!texts.iter().any(|text| text.contains("FROM orders WHERE zip")), "{output}");
}

#[tokio::test]
async fn the_checks_of_foreign_keys_are_part_of_the_workload() {
    let db = production().await;
    db.sql(
        "CREATE TABLE \"We;ird\" (id int PRIMARY KEY, \"To\" bigint CONSTRAINT to_customer REFERENCES customers (id));
        INSERT INTO \"We;ird\" SELECT n, 1 + n % 100 FROM generate_series(1, 50000) AS n",
    )
    .await;
    db.sql("VACUUM ANALYZE \"We;ird\"").await;
    let file = workload(&db, &["SELECT * FROM customers WHERE id = 3"]);
    let advise = ["advise", "--workload", &file, "--format", "json"];
    db.pgtend(&advise).expect(0).came_to("nothing_to_do");
    db.sql(
        "INSERT INTO customers (email) VALUES ('gone'), ('gone');
        DELETE FROM customers WHERE email = 'gone'",
    )
    .await;
    let deleted = "SELECT n_tup_del FROM pg_stat_user_tables WHERE relname = 'customers'";
    until("the deletes are counted", || async { db.value(deleted).await == "2" }).await;

    let document: Document = db.pgtend(&advise).expect(0).came_to("done").json();
    assert_eq!(advised(&document), ["public.\"We;ird\" (\"To\");"]);
    assert_eq!(document.advice[0]["serves"][0]["name"], "foreign key to_customer");
}

/// What nearly all rows have is no value to look rows up by.
#[tokio::test]
async fn an_index_that_helps_rare_values_alone_leaves_the_common_one_out() {
    let db = production().await;
    db.sql(
        "CREATE TABLE jobs (id int, state text, filler text);
        INSERT INTO jobs SELECT n, CASE WHEN n % 1000 < 2 THEN 'open' || n % 1000 ELSE E'it''s \\\\done' END,
          repeat('x', 60) FROM generate_series(1, 200000) AS n",
    )
    .await;
    db.sql("VACUUM ANALYZE jobs").await;
    let file = workload(&db, &["SELECT * FROM jobs WHERE state = $1"]);
    let written = db.path("advice.sql").display().to_string();
    let advise = ["advise", "--workload", &file, "--write", &written];
    let output = db.pgtend(&[&advise[..], &["--format", "json"]].concat()).expect(0);
    let document: Document = output.json();
    assert_eq!(document.outcome, "done", "{output}");
    let [advised] = &advised(&document)[..] else {
        panic!("{output}")
    };
    assert_eq!(advised, "public.jobs (state) WHERE (state <> 'it''s \\done'::text);");
    let served = &document.advice[0]["serves"][0];
    assert_eq!(served["helps"], serde_json::json!(["rare"]), "{output}");
    let of = |at: usize, key: &str| served["custom_plans"][at][key].as_f64().unwrap();
    assert_eq!(of(0, "cost_before"), of(0, "cost_after"));
    assert!(of(1, "cost_after") * 10.0 < of(1, "cost_before"), "{served}");
    let text = fs::read_to_string(&written).unwrap();
    assert!(text.contains("(helps only rare values)"), "{text}");
    let shown = db.pgtend(&advise).expect(0);
    assert!(shown.stdout.contains("helps only rare values of: SELECT"), "{shown}");
    db.sql("CREATE INDEX jobs_state ON jobs (state)").await;
    // The rare values need what is there, although the plan for any value does not.
    let again = db.pgtend(&[&advise[..], &["--format", "json"]].concat()).expect(0);
    let document: Document = again.json();
    assert_eq!(document.outcome, "nothing_to_do", "{again}");
    assert!(document.unneeded.is_empty(), "{again}");
}

/// Each object with the code of its reason.
fn objects(list: &[serde_json::Value]) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for it in list {
        found.push((it["object"].as_str().unwrap(), it["reason_code"].as_str().unwrap()));
    }
    found
}

#[tokio::test]
async fn stale_statistics_are_told_before_the_advice_is_believed() {
    let db = production().await;
    db.sql("UPDATE customers SET name = name || '!' WHERE id % 2 = 0").await;
    let changed = "SELECT n_mod_since_analyze FROM pg_stat_user_tables WHERE relname = 'customers'";
    until("the changes are counted", || async { db.value(changed).await == "5000" }).await;
    let file = workload(
        &db,
        &[
            "SELECT * FROM customers WHERE name = 'Name 9'",
            "SELECT * FROM never_analyzed WHERE x = '7'",
            "SELECT * FROM orders WHERE id = 3",
        ],
    );
    let output = db.pgtend(&["advise", "--workload", &file, "--format", "json"]).expect(0);
    let document: Document = output.json();
    let wanted = [
        ("public.customers", "changed-since-analyze"),
        ("public.never_analyzed", "never-analyzed"),
    ];
    assert_eq!(objects(&document.stale_statistics), wanted, "{output}");
    let reason = document.stale_statistics[0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("5,000 of 10,000 rows changed since 20"), "{reason}");
    let shown = db.pgtend(&["advise", "--workload", &file]).expect(0);
    let told = "ANALYZE public.never_analyzed first: it was never analyzed (pgtend analyze \
                public.never_analyzed)";
    assert!(shown.stderr.contains(told), "{shown}");
    db.pgtend(&["analyze", "public.never_analyzed", "public.customers"]).expect(0);
    let output = db.pgtend(&["advise", "--workload", &file, "--format", "json"]).expect(0);
    let document: Document = output.json();
    assert!(document.stale_statistics.is_empty(), "{output}");
}

/// The planner takes columns for independent, and the counters say that they are not.
#[tokio::test]
async fn columns_that_depend_on_each_other_get_statistics() {
    let db = production().await;
    db.sql(
        "CREATE TABLE \"De;p\" (id int, city int, \"Zip\" int, other int);
        INSERT INTO \"De;p\" SELECT n, n % 500, n % 500, n % 700 FROM generate_series(1, 100000) AS n",
    )
    .await;
    db.sql("VACUUM ANALYZE \"De;p\"").await;
    let session = db.session().await;
    for sql in [
        "SELECT pg_stat_statements_reset()",
        "SELECT * FROM \"De;p\" WHERE city = 7 AND \"Zip\" = 7",
        "SELECT * FROM \"De;p\" WHERE city = 7 AND other = 7",
    ] {
        session.batch_execute(sql).await.unwrap();
    }
    let written = db.path("advice.sql").display().to_string();
    let advise = ["advise", "--write", &written, "--format", "json"];
    let output = db.pgtend(&advise).expect(0);
    let document: Document = output.json();
    let [found] = &document.statistics[..] else {
        panic!("{output}")
    };
    let sql = found["sql"].as_str().unwrap();
    let wanted =
        "CREATE STATISTICS public.\"stat_De;p_Zip_city\" ON \"Zip\", city FROM public.\"De;p\";";
    assert_eq!(sql, wanted);
    assert_eq!(found["rows_returned"], 200.0, "{found}");
    assert!(found["rows_expected"].as_f64().unwrap() <= 20.0, "{found}");
    assert!(fs::read_to_string(&written).unwrap().contains(&format!("-- {sql}")));
    db.sql(sql).await;
    db.sql("ANALYZE \"De;p\"").await;
    let document: Document = db.pgtend(&advise).expect(0).json();
    assert!(document.statistics.is_empty());
}

#[tokio::test]
async fn a_dear_statement_that_no_index_helps_says_why() {
    let db = production().await;
    let file = workload(
        &db,
        &[
            "SELECT * FROM orders",
            "SELECT * FROM orders WHERE note LIKE '%nn%' AND id > 0",
            "SELECT * FROM orders ORDER BY note, city OFFSET 5000 LIMIT 10",
            "SELECT * FROM orders WHERE id = 3",
        ],
    );
    let advise = ["advise", "--workload", &file, "--max-indexes", "1", "--budget", "1kB"];
    let output = db.pgtend(&[&advise[..], &["--format", "json"]].concat()).expect(0);
    let document: Document = output.json();
    let codes = |at: usize| {
        let reasons = document.statements[at]["no_index_helps"].as_array();
        let codes = reasons.into_iter().flatten().map(|it| it["reason_code"].as_str().unwrap());
        codes.collect::<Vec<_>>()
    };
    assert_eq!(codes(0), ["reads-most-rows", "returns-many-rows"], "{output}");
    assert!(codes(1).contains(&"leading-wildcard"), "{output}");
    assert!(codes(2).contains(&"skips-rows"), "{output}");
    assert!(codes(3).is_empty(), "it is not dear: {output}");
    let shown = db.pgtend(&advise).expect(0);
    assert!(shown.stdout.contains("NO INDEX HELPS"), "{shown}");
}

#[tokio::test]
async fn an_index_that_an_advised_one_begins_with_is_superfluous() {
    let db = production().await;
    db.sql("CREATE INDEX orders_zip ON orders (zip) WITH (fillfactor = 20)").await;
    let file = workload(
        &db,
        &["SELECT * FROM orders WHERE zip = 'z170' ORDER BY placed_at DESC LIMIT 5"],
    );
    let output = db.pgtend(&["advise", "--workload", &file, "--format", "json"]).expect(0);
    let document: Document = output.json();
    let advised = document.advice[0]["object"].as_str().unwrap();
    let is_it = |it: &&serde_json::Value| it["object"] == "public.orders_zip";
    let found = document.unneeded.iter().find(is_it).unwrap_or_else(|| panic!("{output}"));
    assert_eq!(found["covered_by"], advised, "{output}");
}

/// The rows of all users stand in the order of time, so that the planner takes an index on the time alone
/// for cheaper: as long as each of them is still there.
#[tokio::test]
async fn the_index_that_has_the_rows_of_a_page_together_is_advised() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE visits (id int, user_id text, at timestamp, note text);
         INSERT INTO visits SELECT n, md5((n * 7 % 40)::text), timestamp '2025-01-01' + n * interval '1 min',
             repeat('x', 60) FROM generate_series(1, 60000) AS n",
    )
    .await;
    db.sql("VACUUM ANALYZE visits").await;
    let page = "SELECT * FROM visits WHERE user_id = md5('7') ORDER BY at DESC LIMIT 20 OFFSET 40";
    let cost = |keys: &str| {
        let index = format!("CREATE INDEX ON visits ({keys})");
        let output = db.pgtend(&["what-if", page, "--add", &index, "--format", "json"]);
        output.expect(0).json().statements[0]["cost_after"].as_f64().unwrap()
    };
    assert!(cost("at") < cost("user_id, at"));
    let file = workload(&db, &[page]);
    let output = db.pgtend(&["advise", "--workload", &file, "--format", "json"]).expect(0);
    assert_eq!(advised(&output.json()), ["public.visits (user_id, at DESC);"], "{output}");
}
