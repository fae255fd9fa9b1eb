//! `apply` on the ordinary way.

use crate::support::Database;

const SALES: &str = "CREATE TABLE sales (id int PRIMARY KEY, user_id int, status text, amount int);
    INSERT INTO sales SELECT n, n % 10, 'open', n FROM generate_series(1, 1000) n;";

#[tokio::test]
async fn a_missing_index_is_built_and_a_second_run_sends_nothing() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id, status);");

    let first = db.pgtend(&["apply", "--format", "json", &declared]).expect(0);
    assert_eq!(first.json()["outcome"], "done");
    let step = first.step("public.sales_user");
    assert_eq!(step["status"], "done");
    assert_eq!(step["on"], "public.sales");
    assert!(step["source"].as_str().unwrap().ends_with("declared.sql:1"));
    db.assert_whole("sales_user").await;
    let sent = db.changes("pgtend/apply");
    assert_eq!(sent, ["CREATE INDEX CONCURRENTLY sales_user ON public.sales (user_id, status)"]);

    let second = db.pgtend(&["apply", "--format", "json", &declared]).expect(0);
    assert_eq!(second.json()["outcome"], "nothing_to_do");
    assert_eq!(db.changes("pgtend/apply"), sent, "the second run sent something");
}

#[tokio::test]
async fn both_kinds_of_invalid_leftovers_are_healed() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let unfilled = "CREATE INDEX CONCURRENTLY unfilled ON sales (user_id)";
    db.leave_unfilled("sales", unfilled).await;
    let unvalidated = "CREATE UNIQUE INDEX CONCURRENTLY unvalidated ON sales (id, status)";
    db.leave_unvalidated(unvalidated).await;
    let before = db.index("unfilled").await.unwrap();
    assert!(!before.valid && !before.ready, "{before:?}");
    let before = db.index("unvalidated").await.unwrap();
    assert!(!before.valid && before.ready, "{before:?}");

    let declared = db.declare(&format!("{unfilled};\n{unvalidated};"));
    let output = db.pgtend(&["apply", "--format", "json", &declared]).expect(0);
    assert_eq!(output.step("public.unfilled")["action"], "heal_index");
    db.assert_whole("unfilled").await;
    db.assert_whole("unvalidated").await;
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn ctrl_c_in_mid_build_leaves_nothing_behind() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let reader = db.session().await;
    reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.unwrap();
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id);");
    let running = db.start(&["apply", "--format", "json", &declared]);
    db.until_waiting("pgtend/apply").await;
    assert!(!db.index("sales_user").await.unwrap().valid);

    running.signal("INT");
    let output = running.wait().expect(130);
    assert_eq!(output.json()["outcome"], "cancelled");
    assert_eq!(output.step("public.sales_user")["status"], "cancelled");
    assert_eq!(db.index("sales_user").await, None);
}
