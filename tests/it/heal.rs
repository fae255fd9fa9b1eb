//! What interrupted builds, drops and replacements left behind.

use crate::support::{Database, SALES, until};

#[tokio::test]
async fn an_index_that_was_never_filled_is_dropped_and_built() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.leave_unfilled("sales", "CREATE INDEX CONCURRENTLY sales_user ON sales (user_id)")
        .await;
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
    db.leave_unvalidated("CREATE UNIQUE INDEX CONCURRENTLY sales_amount ON sales (amount)")
        .await;
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
    db.leave_unvalidated("CREATE UNIQUE INDEX CONCURRENTLY sales_i ON sales (amount)")
        .await;
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
    assert_eq!(
        definition,
        "CREATE INDEX sales_user ON public.sales USING btree (user_id, status)"
    );
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

/// An index that has all that stands in no CREATE INDEX, and what the catalog says of it.
async fn furnished(db: &Database, index: &str, definition: &str) -> String {
    let tablespace = match db.server.major >= 15 {
        true => {
            let name = format!("{}_fast", db.name);
            db.sql("SET allow_in_place_tablespaces = on").await;
            db.sql(&format!("CREATE TABLESPACE {name} LOCATION ''")).await;
            format!("TABLESPACE {name}")
        }
        false => String::new(),
    };
    let with = "WITH (fillfactor = 70)";
    db.sql(&format!("CREATE INDEX {index} ON sales {definition} {with} {tablespace}"))
        .await;
    db.sql(&format!(
        "ALTER INDEX {index} ALTER COLUMN 1 SET STATISTICS 500; ALTER TABLE sales CLUSTER ON {index};
         COMMENT ON INDEX {index} IS 'ask before ''dropping'''"
    ))
    .await;
    belongings(db, index).await
}

async fn belongings(db: &Database, index: &str) -> String {
    db.value(&format!(
        "SELECT concat_ws('; ', c.reltablespace, c.reloptions, obj_description(c.oid, 'pg_class'),
            x.indisclustered, x.indisreplident, (SELECT string_agg(a.attnum || '=' || a.attstattarget, ' ')
            FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0))
         FROM pg_class c JOIN pg_index x ON x.indexrelid = c.oid WHERE c.relname = '{index}'"
    ))
    .await
}

/// As a broken build would leave it.
async fn invalidate(db: &Database, index: &str, more: &str) {
    db.sql(&format!(
        "UPDATE pg_index SET indisvalid = false{more} WHERE indexrelid = '{index}'::regclass"
    ))
    .await;
}

#[tokio::test]
async fn what_belongs_to_an_index_outlives_its_healing() {
    for more in ["", ", indisready = false"] {
        let db = Database::new().await;
        db.sql(SALES).await;
        let before = furnished(&db, "heal_me", "((amount + 1))").await;
        assert!(before.contains("ask before 'dropping'; t; f; 1=500"), "{before}");
        invalidate(&db, "heal_me", more).await;
        let declared = db.declare("CREATE INDEX heal_me ON sales ((amount + 1));");
        let output = db.apply(&[&declared]).expect(0).came_to("done");
        let step = output.step("public.heal_me");
        assert_eq!(step.action, "heal_index");
        db.assert_whole("heal_me").await;
        assert_eq!(belongings(&db, "heal_me").await, before);
        assert_eq!(db.applied(), ["REINDEX INDEX CONCURRENTLY public.heal_me"]);
        assert_eq!(db.leftovers().await, "");
    }
}

#[tokio::test]
async fn what_a_broken_build_has_left_is_rebuilt_in_place_where_it_has_a_comment() {
    let db = Database::new().await;
    db.sql(SALES).await;
    for (name, column) in [("unfilled", "user_id"), ("unvalidated", "amount")] {
        let create = format!("CREATE INDEX CONCURRENTLY {name} ON sales ({column})");
        match name {
            "unfilled" => db.leave_unfilled("sales", &create).await,
            _ => db.leave_unvalidated(&create).await,
        }
        db.sql(&format!("COMMENT ON INDEX {name} IS 'ours'")).await;
    }
    let declared = db.declare(
        "CREATE INDEX unfilled ON sales (user_id); CREATE INDEX unvalidated ON sales (amount);",
    );
    db.apply(&[&declared]).expect(0).came_to("done");
    for name in ["unfilled", "unvalidated"] {
        db.assert_whole(name).await;
        assert!(belongings(&db, name).await.contains("ours"));
    }
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn what_an_interrupted_rebuild_has_left_goes_first() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE INDEX sales_user ON sales (user_id); COMMENT ON INDEX sales_user IS 'ours'")
        .await;
    invalidate(&db, "sales_user", "").await;
    db.leave_unfilled("sales", "REINDEX INDEX CONCURRENTLY sales_user").await;
    assert!(db.leftovers().await.contains("sales_user_ccnew"), "{}", db.leftovers().await);
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id);");
    db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(db.leftovers().await, "");
    let wanted = [
        "DROP INDEX CONCURRENTLY public.sales_user_ccnew",
        "REINDEX INDEX CONCURRENTLY public.sales_user",
    ];
    assert_eq!(db.applied(), wanted);
    // Also where the index itself is whole.
    db.leave_unfilled("sales", "REINDEX INDEX CONCURRENTLY sales_user").await;
    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.step("public.sales_user").action, "drop_leftover");
    assert_eq!(db.leftovers().await, "");
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn what_belongs_to_an_index_goes_to_its_replacement() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let before = furnished(&db, "sales_next", "((amount + 1))").await;
    let declared = db.declare(
        "CREATE INDEX sales_next ON sales (status, (amount + 1) DESC) WITH (deduplicate_items = off);",
    );
    let dry = db.pgtend(&["apply", "--replace", "--dry-run", &declared]).expect(0).stdout;
    db.apply(&["--replace", &declared]).expect(0).came_to("done");
    let options = "{deduplicate_items=off,fillfactor=70}";
    let after = before.replace("1=500", "2=500").replace("{fillfactor=70}", options);
    assert_eq!(belongings(&db, "sales_next").await, after);
    assert_eq!(db.leftovers().await, "");
    for sql in db.applied() {
        assert!(dry.contains(&sql), "{sql}: {dry}");
    }
    db.apply(&["--replace", &declared]).expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn an_invalid_index_of_another_definition_gives_its_belongings_to_the_declared_one() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let before = furnished(&db, "sales_next", "((amount + 1))").await;
    invalidate(&db, "sales_next", "").await;
    let declared = db.declare("CREATE INDEX sales_next ON sales ((amount + 1), status);");
    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.step("public.sales_next").action, "heal_index");
    assert_eq!(belongings(&db, "sales_next").await, before);
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn a_replica_identity_moves_to_the_replacement() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql(
        "ALTER TABLE sales ALTER user_id SET NOT NULL, ALTER amount SET NOT NULL;
         CREATE UNIQUE INDEX sales_key ON sales (amount);
         ALTER TABLE sales REPLICA IDENTITY USING INDEX sales_key",
    )
    .await;
    let declared = db.declare("CREATE UNIQUE INDEX sales_key ON sales (amount, user_id);");
    let plan = db.plan(&["--replace", &declared]).expect(0);
    let lock = plan.step("public.sales_key").lock.unwrap();
    assert_eq!(lock, "AccessExclusive on public.sales");
    db.apply(&["--replace", &declared]).expect(0).came_to("done");
    let kept = belongings(&db, "sales_key").await;
    assert!(kept.ends_with("f; t"), "{kept}");
    assert_eq!(db.leftovers().await, "");
    // What cannot be one stays as it is.
    let declared = db.declare("CREATE INDEX sales_key ON sales (amount);");
    let output = db.apply(&["--replace", &declared]).expect(4);
    let reason = output.step("public.sales_key").reason;
    assert!(reason.contains("pinned by replica identity"), "{reason}");
}

#[tokio::test]
async fn what_cannot_be_kept_is_named() {
    let db = Database::new().await;
    db.sql(SALES).await;
    furnished(&db, "sales_next", "((amount + 1))").await;
    let declared = db.declare("CREATE INDEX sales_next ON sales (amount) WHERE amount > 5;");
    let output = db.plan(&["--replace", &declared]).expect(0);
    assert_eq!(output.warned("lost-with-index"), ["public.sales_next"]);
    for lost in ["statistics target of ((amount + 1))", "mark of CLUSTER"] {
        assert!(output.stdout.contains(lost), "{output}");
    }
    // An index that is being dropped cannot be rebuilt in place.
    invalidate(&db, "sales_next", ", indisready = false, indislive = false").await;
    let declared = db.declare("CREATE INDEX sales_next ON sales ((amount + 1));");
    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.warned("lost-with-index"), ["public.sales_next"]);
    assert!(output.stdout.contains("does not get its comment"), "{output}");
}

#[tokio::test]
async fn an_invalid_index_that_is_not_declared_is_a_warning() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE TABLE other (a int)").await;
    db.leave_unfilled("sales", "CREATE INDEX CONCURRENTLY forgotten ON sales (user_id)")
        .await;
    db.leave_unfilled("other", "CREATE INDEX CONCURRENTLY \"So; so\" ON other (a)")
        .await;
    let declared = db.declare("CREATE INDEX sales_amount ON sales (amount);");
    let wanted = ["public.\"So; so\"", "public.forgotten"];
    let mut warned = db.plan(&[&declared]).expect(0).warned("invalid-index");
    warned.sort();
    assert_eq!(warned, wanted);
    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.warned("invalid-index").len(), 2);
    assert!(!db.index("forgotten").await.unwrap().valid);
    // Whoever asks for one table hears of that alone; what is declared is no warning but work.
    let one = db.plan(&["--table", "sales", &declared]).expect(0);
    assert_eq!(one.warned("invalid-index"), [""; 0]);
    let declared = db.declare("CREATE INDEX forgotten ON sales (user_id);");
    assert_eq!(db.plan(&[&declared]).expect(0).warned("invalid-index"), wanted[..1]);
    // Nor is one that somebody is building now.
    let writer = db.writer("sales").await;
    let build = db.send("CREATE INDEX CONCURRENTLY theirs ON sales (status)").await;
    db.until_waiting("test").await;
    assert_eq!(db.plan(&[&declared]).expect(0).warned("invalid-index"), wanted[..1]);
    writer.release().await;
    build.await.unwrap().unwrap();
}
