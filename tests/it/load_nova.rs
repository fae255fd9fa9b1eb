//! Nova's requests, as `sql/nova-crm/load` has them: all queries of the document that Nova comes from, before and after
//! what it declares.

use std::fs;

use serde_json::Value;

use crate::support::{Database, Output};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/sql/nova-crm/load");

async fn nova() -> Database {
    let db = Database::new().await;
    // As every database has it from PostgreSQL 15 on.
    db.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC").await;
    db.sql(include_str!("../../sql/nova-crm/schema.sql")).await;
    let loader = db.session().await;
    loader.batch_execute("SET nova.customers = '2000'").await.unwrap();
    loader.batch_execute(include_str!("../../sql/nova-crm/data.sql")).await.unwrap();
    db.sql("ANALYZE").await;
    db
}

/// What was sent for a second: statements by file and line, with rows and executions; no error.
fn sent(db: &Database, folders: &[&str], more: &[&str]) -> Vec<(String, u64, u64)> {
    let mut call = vec!["load", "--format", "json", "--clients", "2", "--duration", "1s"];
    call.extend(["--warm-up", "0s", "--seed", "1"]);
    let paths = folders.iter().map(|folder| format!("{FOLDER}{folder}")).collect::<Vec<_>>();
    for path in &paths {
        call.extend(["--workload", path]);
    }
    call.extend(more);
    let output: Output = db.pgtend(&call).expect(0);
    let document = output.json();
    assert_eq!(document.errors, Vec::<Value>::new(), "{output}");
    let sent = document.statements.iter().map(|statement| {
        let name = statement["name"].as_str().unwrap().strip_prefix(FOLDER).unwrap();
        let number = |key: &str| statement[key].as_u64().unwrap();
        (name.to_owned(), number("executions"), number("rows"))
    });
    sent.collect()
}

const READ: [&str; 7] = [
    "/customers.sql:5",
    "/customers.sql:10",
    "/dashboard.sql:5",
    "/dashboard.sql:8",
    "/dashboard.sql:12",
    "/dashboard.sql:18",
    "/search.sql:5",
];

#[tokio::test]
async fn every_query_of_the_document_is_sent_before_and_after_what_it_declares() {
    let db = nova().await;
    let declared = concat!(env!("CARGO_MANIFEST_DIR"), "/sql/nova-crm/declared");
    for (folder, summary) in [
        ("/before", "/before/daily_summary.sql:3"),
        ("/after", "/after/daily_summary.sql:4"),
    ] {
        if folder == "/after" {
            db.apply(&[declared]).expect(0);
        }
        let read = sent(&db, &["", folder], &[]);
        let names = read.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>();
        assert_eq!(names, [&READ[..], &[summary]].concat());
        // The Arabic names are found, and every broker has customers, sales and appointments.
        for (name, executions, rows) in &read {
            assert!(*executions > 0 && *rows > 0, "{folder} {name}: {executions}, {rows} rows");
        }
        let changed = "SELECT count(*)::text FROM customers WHERE updated_at > now() AT TIME ZONE 'UTC' - interval '1 hour'";
        let batches = sent(&db, &["/writes"], &["--allow-writes", &db.name]);
        let [(_, executions, _)] = batches.as_slice() else {
            panic!("{batches:?}")
        };
        assert!(*executions > 0, "{batches:?}");
        assert_ne!(db.value(changed).await, "0");
    }
}

#[test]
fn each_says_which_query_of_the_document_it_is() {
    let text = |folder: &str| {
        let files = fs::read_dir(format!("{FOLDER}{folder}")).unwrap();
        let files = files.map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|it| it == "sql"));
        files.map(|path| fs::read_to_string(path).unwrap()).collect::<String>()
    };
    let all = ["", "/after", "/writes"].map(text).concat();
    for query in [
        "getCustomersPaginated",
        "getDashboardData",
        "searchCustomers",
        "batchUpdateCustomerStatus",
        "getDailySalesSummary",
    ] {
        assert!(all.contains(&format!("OptimizedQueriesService.{query}")), "{query}");
    }
}
