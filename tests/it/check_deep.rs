//! `pgtend check --deep`.

use crate::support::Database;

async fn changed() -> Database {
    let db = Database::new().await;
    db.sql(
        "CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
         CREATE TABLE t (id int PRIMARY KEY);
         INSERT INTO t SELECT generate_series(1, 100);
         CREATE INDEX t_f ON t (f(id));
         CREATE OR REPLACE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT -$1'",
    )
    .await;
    db
}

#[tokio::test]
async fn a_damaged_index_is_found_by_who_may_look() {
    let db = changed().await;
    let deep = ["check", "--only", "corrupt-index", "--deep", "--format", "json"];
    let verdict = |role: &str, call: &[&str]| {
        let output = db.pgtend_as(role, call);
        output.assert_published();
        let check = output.json().checks.into_iter().find(|it| it.name == "corrupt-index");
        let check = check.unwrap();
        (check.verdict, check.reason.unwrap_or_default())
    };
    let (unknown, reason) = verdict("postgres", &deep);
    assert_eq!(unknown, "unknown");
    assert!(reason.contains("CREATE EXTENSION amcheck"), "{reason}");

    db.sql("CREATE SCHEMA \"Tools\"; CREATE EXTENSION amcheck SCHEMA \"Tools\"")
        .await;
    let (skipped, reason) =
        verdict("postgres", &["check", "--only", "corrupt-index", "--format", "json"]);
    assert_eq!((skipped.as_str(), reason.as_str()), ("skipped", "asked for by --deep"));

    let output = db.pgtend(&deep).expect(1);
    let findings = output.json().findings;
    let found = findings.iter().map(|it| (it.object.as_deref(), it.severity.as_str()));
    assert_eq!(found.collect::<Vec<_>>(), [(Some("public.t_f"), "critical")], "{output}");
    assert!(findings[0].message.contains("lacks matching index tuple"), "{output}");

    let nobody = db.role("nobody").await;
    assert_eq!(verdict(&nobody, &deep).0, "unknown");
    db.sql("REINDEX INDEX t_f").await;
    assert_eq!(verdict("postgres", &deep).0, "passed");
}

#[tokio::test]
async fn nobody_elses_function_is_called() {
    let db = changed().await;
    db.sql(
        "CREATE TABLE called ();
         CREATE FUNCTION bt_index_check(regclass, boolean) RETURNS void LANGUAGE sql
         AS 'DROP TABLE public.called'",
    )
    .await;
    let output = db.pgtend(&["check", "--only", "corrupt-index", "--deep"]).expect(0);
    assert_eq!(db.value("SELECT to_regclass('called')::text").await, "called", "{output}");
}

#[tokio::test]
async fn the_time_is_spent_and_no_more() {
    let db = changed().await;
    db.sql("CREATE EXTENSION amcheck").await;
    let blocker = db.hold("LOCK TABLE t IN ACCESS EXCLUSIVE MODE").await;
    let output = db.pgtend(&["check", "--only", "corrupt-index", "--deep=1s", "--format", "json"]);
    let document = output.json();
    let check = document.checks.iter().find(|it| it.name == "corrupt-index").unwrap();
    assert_eq!(check.verdict, "unknown", "{output}");
    assert!(check.reason.as_ref().unwrap().contains("2 indexes were not read"), "{output}");
    blocker.release().await;
}
