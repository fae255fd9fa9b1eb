//! Declared ANALYZE and VACUUM, and comments.

use crate::support::{Blocker, Database, SALES};

#[tokio::test]
async fn what_was_never_done_is_done_once() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE TABLE users (id int)").await;
    let declared = db.declare("ANALYZE sales (user_id, status), users; VACUUM users;");

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.json().steps.len(), 3);
    assert!(output.json().steps.iter().all(|step| step.status == "done"), "{output}");
    let mut sent = db.applied();
    sent.sort();
    let wanted = [
        "ANALYZE (SKIP_LOCKED) public.sales (user_id, status)",
        "ANALYZE (SKIP_LOCKED) public.users",
        "VACUUM (SKIP_LOCKED) public.users",
    ];
    assert_eq!(sent, wanted);
    let analyzed = "SELECT string_agg(attname, ', ' ORDER BY attname) FROM pg_stats \
                    WHERE tablename = 'sales'";
    assert_eq!(db.value(analyzed).await, "status, user_id");

    let second = db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    for step in second.json().steps {
        assert_eq!(step.status, "skipped");
        assert!(step.reason.ends_with("ago, and this run changes nothing"), "{}", step.reason);
    }
    assert_eq!(db.applied().len(), 3);
}

#[tokio::test]
async fn a_table_that_this_run_changes_is_analyzed_after_the_change() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE TABLE users (id int)").await;
    db.apply(&[&db.declare_as("before.sql", "ANALYZE sales, users;")]).expect(0);
    let before = db.applied().len();
    let declared =
        db.declare("ANALYZE sales, users; CREATE INDEX sales_status ON sales (lower(status));");

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.step("public.sales").status, "done");
    assert_eq!(output.step("public.users").status, "skipped");
    let wanted = [
        "CREATE INDEX CONCURRENTLY sales_status ON public.sales (lower(status))",
        "ANALYZE (SKIP_LOCKED) public.sales",
    ];
    assert_eq!(db.applied()[before..], wanted);
    // Statistics of the expression are why it has to be done again.
    let analyzed = "SELECT count(*) FROM pg_stats WHERE tablename = 'sales_status'";
    assert_eq!(db.value(analyzed).await, "1");
}

#[tokio::test]
async fn a_table_that_this_run_failed_to_change_is_not_analyzed() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.apply(&[&db.declare_as("before.sql", "ANALYZE sales;")]).expect(0);
    let declared = db.declare("CREATE UNIQUE INDEX sales_user ON sales (user_id); ANALYZE sales;");

    let output = db.apply(&[&declared]).expect(4).came_to("failed");
    assert_eq!(output.step("public.sales").status, "skipped");
    let analyzed = db.applied().iter().filter(|sql| sql.starts_with("ANALYZE")).count();
    assert_eq!(analyzed, 1, "{:?}", db.applied());
}

#[tokio::test]
async fn analyze_is_left_out_where_vacuum_analyzes() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let declared = db.declare("ANALYZE sales;\nVACUUM ANALYZE sales;");

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    let steps = output.json().steps;
    assert_eq!((steps[0].action.as_str(), steps[0].status.as_str()), ("analyze", "skipped"));
    assert_eq!(steps[0].verdict, "left_out");
    assert!(steps[0].reason.contains("declared.sql:2"), "{}", steps[0].reason);
    assert_eq!((steps[1].action.as_str(), steps[1].status.as_str()), ("vacuum", "done"));
    assert_eq!(db.applied(), ["VACUUM (ANALYZE, SKIP_LOCKED) public.sales"]);
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn a_declared_vacuum_of_all_runs_when_this_run_changes_something() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let declared = db.declare("VACUUM; CREATE INDEX sales_user ON sales (user_id);");

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.step(&db.name).status, "done");
    assert_eq!(db.applied()[1..], ["VACUUM (SKIP_LOCKED)"]);
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied().len(), 2);
}

/// Tables that somebody else has locked, each in another way.
async fn two_locked_tables() -> (Database, String, [Blocker; 2]) {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE TABLE users (id int)").await;
    let locks = [
        db.hold("LOCK TABLE sales IN ACCESS EXCLUSIVE MODE").await,
        db.hold("LOCK TABLE users IN SHARE UPDATE EXCLUSIVE MODE").await,
    ];
    let declared = db.declare("VACUUM ANALYZE sales; ANALYZE users;");
    (db, declared, locks)
}

#[tokio::test]
async fn locked_tables_are_tried_again_until_they_are_free() {
    let (db, declared, locks) = two_locked_tables().await;

    let mut running = db.start_apply(&[&declared]);
    running.until_it_says("vacuum public.sales: skipped: it is locked").await;
    running.until_it_says("analyze public.users: skipped: it is locked").await;
    for lock in locks {
        lock.release().await;
    }
    let output = running.wait().expect(0).came_to("done");
    assert_eq!(output.step("public.sales").status, "done");
    assert_eq!(output.step("public.users").status, "done");
    assert!(db.applied().len() >= 4, "{:?}", db.applied());
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn tables_that_stay_locked_are_reported_in_the_servers_words() {
    let (db, declared, _locks) = two_locked_tables().await;

    let output = db.apply(&[&declared]).expect(4).came_to("failed");
    for table in ["sales", "users"] {
        let step = output.step(&format!("public.{table}"));
        assert_eq!((&*step.status, &*step.reason_code), ("failed", "passed-over"));
        let words = format!("of \"{table}\" --- lock not available");
        assert!(step.reason.contains(&words), "{}", step.reason);
    }
}

#[tokio::test]
async fn comments_are_set_once_changed_and_removed() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let objects = "CREATE INDEX sales_user ON sales (user_id);
        CREATE MATERIALIZED VIEW totals AS SELECT sum(amount) FROM sales;";
    let comments = "SELECT obj_description('sales_user'::regclass) || '/' || obj_description('totals'::regclass)";
    let declare = |index: &str, view: &str| {
        db.declare(&format!(
            "{objects} COMMENT ON INDEX sales_user IS {index};
             COMMENT ON MATERIALIZED VIEW totals IS {view};"
        ))
    };

    let declared = declare("'it''s'", "E'a\\\\b'");
    db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(db.value(comments).await, "it's/a\\b");
    let sent = db.applied();
    assert_eq!(sent.len(), 4, "{sent:?}");
    assert_eq!(sent[2], "COMMENT ON INDEX public.sales_user IS 'it''s'");
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied(), sent);

    db.apply(&[&declare("'new'", "E'a\\\\b'")]).expect(0).came_to("done");
    assert_eq!(db.value(comments).await, "new/a\\b");
    assert_eq!(db.applied()[4..], ["COMMENT ON INDEX public.sales_user IS 'new'"]);

    let removed = declare("NULL", "''");
    db.apply(&[&removed]).expect(0).came_to("done");
    let count = "SELECT count(*) FROM pg_description WHERE classoid = 'pg_class'::regclass \
                 AND objoid IN ('sales_user'::regclass, 'totals'::regclass)";
    assert_eq!(db.value(count).await, "0");
    let wanted = [
        "COMMENT ON INDEX public.sales_user IS NULL",
        "COMMENT ON MATERIALIZED VIEW public.totals IS NULL",
    ];
    assert_eq!(db.applied()[5..], wanted);
    db.apply(&[&removed]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied().len(), 7);
}

#[tokio::test]
async fn a_comment_without_schema_means_the_index_that_is_declared_beside_it() {
    let db = Database::new().await;
    db.sql("CREATE SCHEMA crm; CREATE TABLE crm.t (a int)").await;
    let declared = db.declare("CREATE INDEX i ON crm.t (a); COMMENT ON INDEX i IS 'x';");
    db.apply(&[&declared]).expect(0).came_to("done");
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.value("SELECT obj_description('crm.i'::regclass)").await, "x");
}
