//! Indexes and views that are not what is declared, and those that only look so.

use crate::support::{Database, SALES, value};

const TABLE: &str = "CREATE TABLE t (id int PRIMARY KEY, a text, b text, c int, j jsonb);
    INSERT INTO t SELECT n, 'a' || n, 'b' || n, n, '{}' FROM generate_series(1, 100) n;";

/// What differs, what there is, what is declared.
const DRIFTS: &[(&str, &str, &str)] = &[
    ("operator class", "INDEX {} ON t (a)", "INDEX {} ON t (a text_pattern_ops)"),
    (
        "operator class of gin",
        "INDEX {} ON t USING gin (j)",
        "INDEX {} ON t USING gin (j jsonb_path_ops)",
    ),
    ("order", "INDEX {} ON t (c)", "INDEX {} ON t (c DESC)"),
    ("nulls first", "INDEX {} ON t (c)", "INDEX {} ON t (c NULLS FIRST)"),
    ("nulls last", "INDEX {} ON t (c DESC)", "INDEX {} ON t (c DESC NULLS LAST)"),
    ("predicate", "INDEX {} ON t (c) WHERE c > 0", "INDEX {} ON t (c) WHERE c > 1"),
    ("no predicate", "INDEX {} ON t (c) WHERE c > 0", "INDEX {} ON t (c)"),
    ("include", "INDEX {} ON t (c)", "INDEX {} ON t (c) INCLUDE (a)"),
    (
        "included column",
        "INDEX {} ON t (c) INCLUDE (b)",
        "INDEX {} ON t (c) INCLUDE (a)",
    ),
    ("included, not a key", "INDEX {} ON t (c, a)", "INDEX {} ON t (c) INCLUDE (a)"),
    ("expression", "INDEX {} ON t (lower(a))", "INDEX {} ON t (upper(a))"),
    ("expression, not a column", "INDEX {} ON t (a)", "INDEX {} ON t (lower(a))"),
    ("collation", "INDEX {} ON t (a)", "INDEX {} ON t (a COLLATE \"C\")"),
    ("unique", "INDEX {} ON t (c, a)", "UNIQUE INDEX {} ON t (c, a)"),
    ("not unique", "UNIQUE INDEX {} ON t (c, a)", "INDEX {} ON t (c, a)"),
    ("method", "INDEX {} ON t (c)", "INDEX {} ON t USING hash (c)"),
    ("columns", "INDEX {} ON t (a)", "INDEX {} ON t (a, b)"),
    ("order of columns", "INDEX {} ON t (a, b)", "INDEX {} ON t (b, a)"),
];

/// Since PostgreSQL 15.
const NULLS_NOT_DISTINCT: &[(&str, &str, &str)] = &[
    (
        "nulls not distinct",
        "UNIQUE INDEX {} ON t (c)",
        "UNIQUE INDEX {} ON t (c) NULLS NOT DISTINCT",
    ),
    (
        "nulls distinct",
        "UNIQUE INDEX {} ON t (c) NULLS NOT DISTINCT",
        "UNIQUE INDEX {} ON t (c)",
    ),
];

/// What there is, and the same written differently.
const SAME: &[(&str, &str)] = &[
    (
        "INDEX {} ON t (a, c)",
        "index {} on T using BTREE ( \"a\"  ASC ,C asc nulls last )",
    ),
    (
        "INDEX {} ON t (c DESC)",
        "INDEX CONCURRENTLY IF NOT EXISTS {} ON public.t (c DESC NULLS FIRST)",
    ),
    ("INDEX {} ON t (a)", "INDEX \"{}\" ON \"public\".\"t\" (\"a\" text_ops)"),
    ("INDEX {} ON t (a)", "INDEX {} ON ONLY t (a COLLATE \"default\")"),
    (
        "INDEX {} ON t (c) WHERE c > 0 AND a = 'x'",
        "INDEX {} ON t (c) WHERE (((c) > (0)) and ((a = 'x'::text)))",
    ),
    (
        "INDEX {} ON t (c) WHERE a IN ('x', 'y')",
        "INDEX {} ON t (c) WHERE a = ANY (ARRAY['x', 'y'])",
    ),
    ("INDEX {} ON t (lower(a))", "INDEX {} ON t (( LOWER( (a) ) ))"),
    (
        "INDEX {} ON t ((a || ' ' || coalesce(b, '')))",
        "INDEX {} ON t (((a || ' '::text) || COALESCE(b, ''::text)))",
    ),
    (
        "INDEX {} ON t (a, b) INCLUDE (c)",
        "INDEX {} -- the name\n ON t /* the table; */ (a, -- one\n b /* two */)\n INCLUDE\n (c)",
    ),
    ("UNIQUE INDEX {} ON t (c, b)", "unique INDEX {} ON t USING btree (c, b)"),
    ("INDEX {} ON t (c) WHERE a = 'it''s'", "INDEX {} ON t (c) WHERE a = E'it\\'s'"),
    ("INDEX {} ON t USING gin (j)", "INDEX {} ON t USING GIN (j jsonb_ops)"),
];

fn named(template: &str, number: usize) -> String {
    template.replace("{}", &format!("i_{number}"))
}

#[tokio::test]
async fn every_difference_is_reported_and_nothing_is_sent() {
    let db = Database::new().await;
    db.sql(TABLE).await;
    let newer = if db.server.major >= 15 { NULLS_NOT_DISTINCT } else { &[] };
    let cases = DRIFTS.iter().chain(newer).enumerate().collect::<Vec<_>>();
    let mut declaration = String::new();
    for (at, (_, existing, declared)) in &cases {
        db.sql(&format!("CREATE {}", named(existing, *at))).await;
        declaration.push_str(&format!("CREATE {};\n", named(declared, *at)));
    }
    let indexes = db.index_definitions("t").await;
    let declared = db.declare(&declaration);

    let planned = db.plan(&["--check", &declared]).expect(1).came_to("findings");
    let applied = db.apply(&[&declared]).expect(4).came_to("failed");
    for (at, (what, ..)) in &cases {
        let object = format!("public.i_{at}");
        assert_eq!(planned.step(&object).verdict, "refused", "{what}");
        let step = applied.step(&object);
        assert_eq!(step.status, "failed", "{what}");
        assert_eq!(step.action, "replace_index", "{what}");
        assert!(step.reason.starts_with("drifted ("), "{what}: {}", step.reason);
        assert!(step.reason.contains("--replace"), "{what}: {}", step.reason);
        assert_eq!(step.sql, None, "{what}");
    }
    assert_eq!(applied.json().steps.len(), cases.len());
    assert!(db.applied().is_empty(), "{:?}", db.applied());
    assert_eq!(db.index_definitions("t").await, indexes);
}

#[tokio::test]
async fn the_same_index_written_differently_is_no_drift() {
    let db = Database::new().await;
    db.sql(TABLE).await;
    let mut declaration = String::new();
    for (at, (existing, declared)) in SAME.iter().enumerate() {
        db.sql(&format!("CREATE {}", named(existing, at))).await;
        declaration.push_str(&format!("CREATE {};\n", named(declared, at)));
    }
    if db.server.major >= 15 {
        db.sql("CREATE UNIQUE INDEX distinct_nulls ON t (b)").await;
        declaration.push_str("CREATE UNIQUE INDEX distinct_nulls ON t (b) NULLS DISTINCT;");
    }
    let declared = db.declare(&declaration);

    db.plan(&["--check", &declared]).expect(0).came_to("nothing_to_do");
    let output = db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    for step in output.json().steps {
        assert_eq!(step.verdict, "as_declared", "{step:?}");
        assert_eq!(step.reason, "already as declared", "{step:?}");
    }
    assert!(output.json().warnings.is_empty(), "{output}");
    assert!(db.applied().is_empty(), "{:?}", db.applied());
}

#[tokio::test]
async fn a_dropped_column_before_the_indexed_one_is_no_drift() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE t (gone int, kept int, computed int GENERATED ALWAYS AS (kept + 1) STORED);
         CREATE INDEX t_kept ON t (kept) WHERE kept > 0;
         CREATE INDEX t_computed ON t ((kept * 2), computed);
         ALTER TABLE t DROP COLUMN gone",
    )
    .await;
    let declared = db.declare(
        "CREATE INDEX t_kept ON t (kept) WHERE kept > 0;
         CREATE INDEX t_computed ON t ((kept * 2), computed);",
    );

    let output = db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(output.step("public.t_kept").reason, "already as declared");
    assert_eq!(output.step("public.t_computed").reason, "already as declared");
    assert!(db.applied().is_empty());
}

#[tokio::test]
async fn storage_parameters_are_only_a_warning() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql(
        "CREATE INDEX loose ON sales (user_id) WITH (fillfactor = 70) WHERE user_id > 0;
         CREATE INDEX dense ON sales (status);
         CREATE INDEX same ON sales (amount) WITH (fillfactor = 70)",
    )
    .await;
    let declared = db.declare(
        "CREATE INDEX loose ON sales (user_id) WHERE user_id > 0;
         CREATE INDEX dense ON sales (status) WITH (fillfactor = 80);
         CREATE INDEX same ON sales (amount) WITH (FillFactor='70');",
    );

    let output = db.apply(&["--replace", &declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(output.warned("storage_parameters"), ["public.loose", "public.dense"]);
    assert!(db.applied().is_empty());
}

#[tokio::test]
async fn a_replacement_is_never_without_the_index_and_keeps_the_comment() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql(
        "CREATE INDEX sales_user ON sales (user_id);
         COMMENT ON INDEX sales_user IS 'it''s \"ours\"'",
    )
    .await;
    let before = db.index("sales_user").await.unwrap();
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id, status);");
    let writer = db.writer("sales").await;
    let watcher = db.session().await;
    let state = "SELECT i.indexrelid::text || ' ' || (indisvalid AND indisready AND indislive) \
                 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
                 WHERE c.relname = 'sales_user'";

    let mut running = db.start_apply(&["--replace", &declared]);
    db.until_waiting("pgtend/apply").await;
    let mut writer = Some(writer);
    let mut seen = Vec::new();
    while running.goes_on() {
        seen.push(value(&watcher, state).await);
        if let Some(writer) = writer.take() {
            writer.release().await;
        }
        // Between two looks the server gets to work.
        tokio::task::yield_now().await;
    }
    let output = running.wait().expect(0).came_to("done");
    assert_eq!(output.step("public.sales_user").action, "replace_index");
    let after = db.assert_whole("sales_user").await;
    seen.dedup();
    assert_eq!(seen, [format!("{} true", before.oid), format!("{} true", after.oid)]);

    assert!(after.definition.ends_with("(user_id, status)"), "{after:?}");
    let comment = "SELECT obj_description('sales_user'::regclass)";
    assert_eq!(db.value(comment).await, "it's \"ours\"");
    assert_eq!(db.leftovers().await, "");
    let wanted = [
        "CREATE INDEX CONCURRENTLY sales_user_pgtend_new ON public.sales (user_id, status)",
        "ALTER INDEX public.sales_user RENAME TO sales_user_pgtend_old",
        "ALTER INDEX public.sales_user_pgtend_new RENAME TO sales_user",
        "COMMENT ON INDEX public.sales_user IS 'it''s \"ours\"'",
        "DROP INDEX CONCURRENTLY public.sales_user_pgtend_old",
    ];
    assert_eq!(db.applied(), wanted);
    db.apply(&["--replace", &declared]).expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn a_replacement_waits_in_small_steps_for_a_busy_index() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE INDEX sales_user ON sales (user_id)").await;
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id, status);");
    // Setting a parameter holds the lock on the index that renaming it needs.
    let holder = db.hold("ALTER INDEX sales_user SET (fillfactor = 90)").await;

    let mut running = db.start_apply(&["--replace", &declared]);
    running.until_it_says("tries again").await;
    holder.release().await;

    running.wait().expect(0).came_to("done");
    assert!(db.assert_whole("sales_user").await.definition.ends_with("(user_id, status)"));
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn a_name_of_63_bytes_can_be_replaced() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let name = "i".repeat(63);
    db.sql(&format!("CREATE INDEX {name} ON sales (user_id)")).await;
    let declared = db.declare(&format!("CREATE INDEX {name} ON sales (status);"));

    db.apply(&["--replace", &declared]).expect(0).came_to("done");
    assert!(db.assert_whole(&name).await.definition.ends_with("(status)"));
    assert_eq!(db.index_names("sales").await, format!("{name}, sales_pkey"));
}

#[tokio::test]
async fn an_index_that_something_depends_on_is_never_replaced() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql(
        "ALTER TABLE sales ADD CONSTRAINT by_constraint UNIQUE (id, amount);
         CREATE UNIQUE INDEX by_foreign_key ON sales (amount);
         CREATE TABLE refunds (amount int REFERENCES sales (amount));
         ALTER TABLE sales ALTER user_id SET NOT NULL;
         CREATE UNIQUE INDEX by_replica_identity ON sales (user_id, id);
         ALTER TABLE sales REPLICA IDENTITY USING INDEX by_replica_identity",
    )
    .await;
    let declared = db.declare(
        "CREATE UNIQUE INDEX by_constraint ON sales (id, status);
         CREATE UNIQUE INDEX by_foreign_key ON sales (amount, status);
         CREATE INDEX by_replica_identity ON sales (id, user_id);",
    );
    let indexes = db.index_definitions("sales").await;

    let output = db.apply(&["--replace", &declared]).expect(4).came_to("failed");
    let pins = [
        ("public.by_constraint", "pinned by constraint by_constraint"),
        ("public.by_foreign_key", "pinned by foreign key refunds_amount_fkey"),
        ("public.by_replica_identity", "pinned by replica identity"),
    ];
    for (object, pin) in pins {
        let step = output.step(object);
        assert_eq!(step.status, "failed", "{output}");
        assert!(step.reason.contains(pin), "{}", step.reason);
    }
    assert!(db.applied().is_empty(), "{:?}", db.applied());
    assert_eq!(db.index_definitions("sales").await, indexes);
}

#[tokio::test]
async fn a_view_with_another_query_is_reported_and_never_replaced() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE MATERIALIZED VIEW totals AS SELECT user_id, sum(amount) FROM sales GROUP BY 1")
        .await;
    let definition = "SELECT oid || pg_get_viewdef(oid) FROM pg_class WHERE relname = 'totals'";
    let before = db.value(definition).await;
    let declared = db.declare(
        "CREATE MATERIALIZED VIEW totals AS SELECT user_id, max(amount) FROM sales GROUP BY 1;",
    );

    let output = db.apply(&["--replace", &declared]).expect(4).came_to("failed");
    let step = output.step("public.totals");
    assert_eq!(step.status, "failed");
    assert!(step.reason.contains("drifted"), "{}", step.reason);
    assert!(db.applied().is_empty(), "{:?}", db.applied());
    assert_eq!(db.value(definition).await, before);
}

#[tokio::test]
async fn a_view_whose_query_is_written_differently_is_no_drift() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql(
        "CREATE MATERIALIZED VIEW totals (seller, total) AS
         SELECT user_id, sum(amount) FROM sales WHERE status = 'open' GROUP BY user_id",
    )
    .await;
    let declared = db.declare(
        "create materialized view if not exists TOTALS AS -- the sum
         select s.user_id as seller, SUM(s.amount) AS total /* all of it */
         from public.sales s where (s.status = 'open'::text) group by s.user_id;",
    );
    let same = db.declare_as(
        "same.sql",
        "create materialized view if not exists public.\"totals\" (seller, total) AS -- the sum
         select user_id, SUM(amount) /* all of it */
         from public.sales where (status = 'open'::text) group by (user_id);",
    );

    // An alias is part of what the server keeps, so the first is another query.
    db.apply(&[&declared]).expect(4).came_to("failed");
    let output = db.apply(&[&same]).expect(0).came_to("nothing_to_do");
    assert_eq!(output.step("public.totals").verdict, "as_declared");
    assert!(db.applied().is_empty());
}
