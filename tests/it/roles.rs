//! Roles that may not do everything.

use crate::support::{Database, SALES};

async fn owner_of_sales() -> (Database, String) {
    let db = Database::new().await;
    let role = db.role().await;
    db.sql(SALES).await;
    db.sql(&format!("ALTER TABLE sales OWNER TO {role}")).await;
    (db, role)
}

#[tokio::test]
async fn ownership_of_the_table_is_enough() {
    let (db, role) = owner_of_sales().await;
    db.leave_unfilled("sales", "CREATE INDEX CONCURRENTLY sales_user ON sales (user_id)").await;
    let declared = db.declare(
        "CREATE INDEX sales_user ON sales (user_id);
         CREATE INDEX ON sales (status);
         CREATE MATERIALIZED VIEW totals AS SELECT sum(amount) FROM sales;
         VACUUM ANALYZE sales;",
    );

    let output = db.apply_as(&role, &[&declared]).expect(0).came_to("done");
    assert_eq!(output.step("public.sales_user").action, "heal_index");
    db.assert_whole("sales_user").await;
    db.assert_whole("sales_status_idx").await;
    let sent = db.applied();
    assert_eq!(sent.len(), 5, "{sent:?}");
    db.apply_as(&role, &[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied(), sent);
}

#[tokio::test]
async fn what_another_role_owns_is_refused_by_name_and_the_rest_is_done() {
    let (db, role) = owner_of_sales().await;
    db.sql("CREATE TABLE users (id int); ALTER TABLE users OWNER TO postgres").await;
    db.sql(&format!("GRANT SELECT ON users TO {role}")).await;
    let declared = db.declare(
        "CREATE INDEX users_id ON users (id);
         CREATE INDEX sales_user ON sales (user_id);",
    );

    let output = db.apply_as(&role, &[&declared]).expect(4).came_to("failed");
    let step = output.step("public.users_id");
    assert_eq!(step.status, "failed");
    assert_eq!(step.reason, "missing, but only the owner of public.users (postgres) may do it");
    assert_eq!(output.step("public.sales_user").status, "done");
    assert_eq!(db.applied(), ["CREATE INDEX CONCURRENTLY sales_user ON public.sales (user_id)"]);
}

#[tokio::test]
async fn without_the_right_to_compare_it_builds_what_has_a_name_and_says_what_it_does_not_know() {
    let (db, role) = owner_of_sales().await;
    db.sql(&format!(
        "CREATE INDEX existing ON sales (amount); REVOKE TEMP ON DATABASE {} FROM PUBLIC",
        db.name
    ))
    .await;
    let declared = db.declare(
        "CREATE INDEX existing ON sales (user_id, amount);
         CREATE INDEX missing ON sales (user_id);
         CREATE INDEX ON sales (status);",
    );

    let output = db.apply_as(&role, &[&declared]).expect(4).came_to("failed");
    let existing = output.step("public.existing");
    assert_eq!(existing.status, "skipped");
    assert!(existing.reason.contains("not compared"), "{}", existing.reason);
    assert_eq!(output.warned("not_compared"), ["public.existing", "public.missing"]);
    assert_eq!(output.step("public.missing").status, "done");
    let unnamed = output.step("public.\"(unnamed)\"");
    assert_eq!(unnamed.status, "failed");
    assert!(unnamed.reason.contains("TEMP privilege"), "{}", unnamed.reason);
    db.assert_whole("missing").await;
    let sent = db.applied();
    assert_eq!(sent, ["CREATE INDEX CONCURRENTLY missing ON public.sales (user_id)"]);

    // Without the unnamed one a second run has nothing to do.
    let named = db.declare("CREATE INDEX missing ON sales (user_id);");
    db.apply_as(&role, &[&named]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied(), sent);
}
