//! What interrupted builds, drops and replacements left behind.

use crate::support::{Database, SALES, until};

#[tokio::test]
async fn an_index_that_was_never_filled_is_dropped_and_built() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.leave_unfilled("sales", "CREATE INDEX CONCURRENTLY sales_user ON sales (user_id)").await;
    let before = db.index("sales_user").await.unwrap();
    assert!(!before.valid && !before.ready, "{before:?}");
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id);");

    let planned = db.plan(&[&declared]).expect(0).came_to("planned");
    assert_eq!(planned.step("public.sales_user").action, "heal_index");
    let output = db.apply(&[&declared]).expect(0).came_to("done");
    let step = output.step("public.sales_user");
    assert_eq!((step.action.as_str(), step.status.as_str()), ("heal_index", "done"));
    assert_ne!(db.assert_whole("sales_user").await.oid, before.oid);
    let sent = db.applied();
    let wanted = [
        "DROP INDEX CONCURRENTLY public.sales_user",
        "CREATE INDEX CONCURRENTLY sales_user ON public.sales (user_id)",
    ];
    assert_eq!(sent, wanted);

    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied(), sent);
}

#[tokio::test]
async fn a_unique_index_that_was_not_validated_goes_on_rejecting_rows_as_declared() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.leave_unvalidated("CREATE UNIQUE INDEX CONCURRENTLY sales_amount ON sales (amount)").await;
    let before = db.index("sales_amount").await.unwrap();
    assert!(!before.valid && before.ready, "{before:?}");
    assert_eq!(db.refused("INSERT INTO sales VALUES (0, 0, 'open', 7)").await, "23505");
    let declared = db.declare("CREATE UNIQUE INDEX sales_amount ON sales (amount);");

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    let planned = db.plan(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(output.step("public.sales_amount").action, "heal_index");
    assert_eq!(planned.step("public.sales_amount").verdict, "as_declared");
    assert_ne!(db.assert_whole("sales_amount").await.oid, before.oid);
    assert_eq!(db.refused("INSERT INTO sales VALUES (0, 0, 'open', 7)").await, "23505");
    assert_eq!(db.applied().len(), 2);
}

#[tokio::test]
async fn a_leftover_becomes_what_is_declared_and_not_what_it_was() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.leave_unvalidated("CREATE UNIQUE INDEX CONCURRENTLY sales_i ON sales (amount)").await;
    assert_eq!(db.refused("INSERT INTO sales VALUES (0, 0, 'open', 7)").await, "23505");
    let declared = db.declare("CREATE INDEX sales_i ON sales (user_id, status);");

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.step("public.sales_i").action, "heal_index");
    let definition = db.assert_whole("sales_i").await.definition;
    assert_eq!(definition, "CREATE INDEX sales_i ON public.sales USING btree (user_id, status)");
    db.sql("INSERT INTO sales VALUES (0, 0, 'open', 7)").await;
    let wanted = [
        "DROP INDEX CONCURRENTLY public.sales_i",
        "CREATE INDEX CONCURRENTLY sales_i ON public.sales (user_id, status)",
    ];
    assert_eq!(db.applied(), wanted);
}

#[tokio::test]
async fn a_unique_build_that_fails_again_leaves_nothing_that_rejects_rows() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let create = "CREATE UNIQUE INDEX CONCURRENTLY sales_user ON sales (user_id)";
    assert_eq!(db.refused(create).await, "23505");
    assert!(!db.index("sales_user").await.unwrap().valid);
    let declared = db.declare(create);

    let output = db.apply(&[&declared]).expect(4).came_to("failed");
    let step = output.step("public.sales_user");
    assert_eq!(step.status, "failed");
    assert_eq!(step.sqlstate.as_deref(), Some("23505"));
    assert_eq!(db.index("sales_user").await, None);
    db.sql("INSERT INTO sales VALUES (0, 1, 'open', 0)").await;
    let wanted = [
        "DROP INDEX CONCURRENTLY public.sales_user",
        "CREATE UNIQUE INDEX CONCURRENTLY sales_user ON public.sales (user_id)",
        "DROP INDEX CONCURRENTLY public.sales_user",
    ];
    assert_eq!(db.applied(), wanted);
}

#[tokio::test]
async fn an_unnamed_index_is_healed_under_the_name_that_the_server_chose() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.leave_unfilled("sales", "CREATE INDEX CONCURRENTLY ON sales (user_id)").await;
    assert!(!db.index("sales_user_id_idx").await.unwrap().valid);
    let declared = db.declare("CREATE INDEX ON sales (user_id);");

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.step("public.sales_user_id_idx").action, "heal_index");
    db.assert_whole("sales_user_id_idx").await;
    assert_eq!(db.index_names("sales").await, "sales_pkey, sales_user_id_idx");
    let wanted = [
        "DROP INDEX CONCURRENTLY public.sales_user_id_idx",
        "CREATE INDEX CONCURRENTLY sales_user_id_idx ON public.sales (user_id)",
    ];
    assert_eq!(db.applied(), wanted);
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn an_index_whose_drop_was_interrupted_is_dropped_and_built() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE INDEX sales_user ON sales (user_id)").await;
    // The drop waits twice. Whoever comes while it waits for the first time is waited for in the
    // second wait, in which the index is dead already.
    let first = db.hold("SELECT FROM sales").await;
    let drop = db.send("DROP INDEX CONCURRENTLY sales_user").await;
    until("the drop waits", || async { !db.index("sales_user").await.unwrap().valid }).await;
    let second = db.hold("SELECT FROM sales").await;
    first.release().await;
    until("the index is dead", || async { !db.index("sales_user").await.unwrap().live }).await;
    let cancelled = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND query LIKE 'DROP INDEX%'";
    assert_eq!(db.value(cancelled).await, "t");
    drop.await.unwrap().unwrap_err();
    second.release().await;
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id);");

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.step("public.sales_user").action, "heal_index");
    db.assert_whole("sales_user").await;
    let wanted = [
        "DROP INDEX CONCURRENTLY public.sales_user",
        "CREATE INDEX CONCURRENTLY sales_user ON public.sales (user_id)",
    ];
    assert_eq!(db.applied(), wanted);
}

#[tokio::test]
async fn an_index_that_somebody_is_building_is_waited_for_and_never_healed() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let writer = db.writer("sales").await;
    let build = db.send("CREATE INDEX CONCURRENTLY sales_user ON sales (user_id)").await;
    db.until_waiting("test").await;
    let theirs = db.index("sales_user").await.unwrap();
    assert!(!theirs.valid);
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id);");

    let planned = db.plan(&[&declared]).expect(0).came_to("planned");
    assert_eq!(planned.step("public.sales_user").action, "watch_build");
    let mut running = db.start_apply(&[&declared]);
    running.until_it_says("waits for").await;
    assert!(running.goes_on());
    assert_eq!(db.index("sales_user").await.unwrap(), theirs);
    writer.release().await;
    build.await.unwrap().unwrap();

    let output = running.wait().expect(0);
    assert_eq!(output.step("public.sales_user").action, "watch_build");
    assert_eq!(db.assert_whole("sales_user").await.oid, theirs.oid);
    assert!(db.applied().is_empty(), "{:?}", db.applied());
}

#[tokio::test]
async fn a_build_of_another_index_on_the_table_ends_before_ours_begins() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let writer = db.writer("sales").await;
    let build = db.send("CREATE INDEX CONCURRENTLY theirs ON sales (amount)").await;
    db.until_waiting("test").await;
    let declared = db.declare("CREATE INDEX ours ON sales (user_id);");

    let mut running = db.start_apply(&[&declared]);
    running.until_it_says("waits for").await;
    assert!(db.applied().is_empty());
    writer.release().await;
    build.await.unwrap().unwrap();

    let output = running.wait().expect(0).came_to("done");
    assert_eq!(output.step("public.ours").status, "done");
    db.assert_whole("theirs").await;
    db.assert_whole("ours").await;
    assert_eq!(db.applied(), ["CREATE INDEX CONCURRENTLY ours ON public.sales (user_id)"]);
}

/// An index on `user_id`; declared is one on `user_id` and `status`.
async fn drifted() -> (Database, String) {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE INDEX sales_user ON sales (user_id)").await;
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id, status);");
    (db, declared)
}

const CREATE_NEW: &str =
    "CREATE INDEX CONCURRENTLY sales_user_pgtend_new ON public.sales (user_id, status)";
const SWAP_AND_DROP: [&str; 3] = [
    "ALTER INDEX public.sales_user RENAME TO sales_user_pgtend_old",
    "ALTER INDEX public.sales_user_pgtend_new RENAME TO sales_user",
    "DROP INDEX CONCURRENTLY public.sales_user_pgtend_old",
];

async fn assert_replaced(db: &Database) {
    let definition = db.assert_whole("sales_user").await.definition;
    assert_eq!(definition, "CREATE INDEX sales_user ON public.sales USING btree (user_id, status)");
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn a_replacement_that_was_built_before_the_interruption_is_not_built_again() {
    let (db, declared) = drifted().await;
    db.sql("CREATE INDEX sales_user_pgtend_new ON sales (user_id, status)").await;
    let built = db.index("sales_user_pgtend_new").await.unwrap();

    db.apply(&["--replace", &declared]).expect(0).came_to("done");
    assert_replaced(&db).await;
    assert_eq!(db.index("sales_user").await.unwrap().oid, built.oid);
    assert_eq!(db.applied(), SWAP_AND_DROP);
}

#[tokio::test]
async fn a_replacement_whose_build_was_interrupted_is_built_anew() {
    let (db, declared) = drifted().await;
    let unfinished = "CREATE INDEX CONCURRENTLY sales_user_pgtend_new ON sales (user_id, status)";
    db.leave_unfilled("sales", unfinished).await;

    db.apply(&["--replace", &declared]).expect(0).came_to("done");
    assert_replaced(&db).await;
    let drop_unfinished = "DROP INDEX CONCURRENTLY public.sales_user_pgtend_new";
    let wanted = [&[drop_unfinished, CREATE_NEW], &SWAP_AND_DROP[..]].concat();
    assert_eq!(db.applied(), wanted);
}

#[tokio::test]
async fn a_replacement_that_was_built_for_an_older_declaration_is_built_anew() {
    let (db, declared) = drifted().await;
    db.sql("CREATE INDEX sales_user_pgtend_new ON sales (amount)").await;

    db.apply(&["--replace", &declared]).expect(0).came_to("done");
    assert_replaced(&db).await;
    assert_eq!(db.applied()[1], CREATE_NEW);
}

#[tokio::test]
async fn an_index_that_was_replaced_but_not_dropped_is_dropped_by_any_later_run() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql(
        "CREATE INDEX sales_user ON sales (user_id, status);
         CREATE INDEX sales_user_pgtend_old ON sales (user_id)",
    )
    .await;
    let unfinished = "CREATE INDEX CONCURRENTLY sales_user_pgtend_new ON sales (user_id, status)";
    db.leave_unfilled("sales", unfinished).await;
    let kept = db.index("sales_user").await;
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id, status);");

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.step("public.sales_user").action, "drop_leftover");
    assert_replaced(&db).await;
    assert_eq!(db.index("sales_user").await, kept);
    let wanted = [
        "DROP INDEX CONCURRENTLY public.sales_user_pgtend_new",
        "DROP INDEX CONCURRENTLY public.sales_user_pgtend_old",
    ];
    assert_eq!(db.applied(), wanted);
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
}
