//! Materialized views and what is declared on them.

use crate::support::{Database, SALES};

const TOTALS: &str =
    "CREATE MATERIALIZED VIEW totals AS SELECT user_id, sum(amount) AS total FROM sales GROUP BY 1";

#[tokio::test]
async fn a_missing_view_is_created_with_its_indexes() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let declared = db.declare(&format!(
        "{TOTALS};
         CREATE UNIQUE INDEX totals_user ON totals (user_id);
         CREATE INDEX totals_total ON totals (total DESC);"
    ));

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    let step = output.step("public.totals");
    assert_eq!((step.action.as_str(), step.status.as_str()), ("create_view", "done"));
    assert_eq!(output.step("public.totals_user").on.as_deref(), Some("public.totals"));
    db.assert_whole("totals_user").await;
    db.assert_whole("totals_total").await;
    assert_eq!(db.value("SELECT count(*) FROM totals").await, "10");
    let sent = db.applied();
    let wanted = [
        "CREATE MATERIALIZED VIEW public.totals AS\n\
         SELECT user_id, sum(amount) AS total FROM sales GROUP BY 1",
        "CREATE UNIQUE INDEX CONCURRENTLY totals_user ON public.totals (user_id)",
        "CREATE INDEX CONCURRENTLY totals_total ON public.totals (total DESC)",
    ];
    assert_eq!(sent, wanted);
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied(), sent);
}

#[tokio::test]
async fn the_unnamed_index_of_a_view_is_built_once() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let declared = db.declare(&format!("{TOTALS}; CREATE UNIQUE INDEX ON totals (user_id);"));

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.step("public.totals_user_id_idx").status, "done");
    let sent = db.applied();
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.index_names("totals").await, "totals_user_id_idx");
    db.assert_whole("totals_user_id_idx").await;
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(db.applied(), sent);
}

#[tokio::test]
async fn a_view_over_a_view_is_created_after_it() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let declared = db.declare(&format!(
        "{TOTALS};
         CREATE MATERIALIZED VIEW best AS SELECT max(total) AS total FROM totals;
         CREATE UNIQUE INDEX ON best (total);
         CREATE UNIQUE INDEX ON totals (user_id);"
    ));

    db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(
        db.value("SELECT total FROM best").await,
        db.value("SELECT max(total) FROM totals").await
    );
    db.assert_whole("best_total_idx").await;
    db.assert_whole("totals_user_id_idx").await;
    let sent = db.applied();
    assert_eq!(sent.len(), 4, "{sent:?}");
    assert!(sent[0].starts_with("CREATE MATERIALIZED VIEW public.totals"), "{sent:?}");
    assert!(sent[1].starts_with("CREATE MATERIALIZED VIEW public.best"), "{sent:?}");
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied(), sent);
}

#[tokio::test]
async fn a_view_over_a_view_of_another_schema_is_created_after_it() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE SCHEMA reports").await;
    let declared = db.declare(
        "CREATE MATERIALIZED VIEW reports.totals (user_id, total) AS
           SELECT user_id, sum(amount) FROM public.sales GROUP BY 1;
         CREATE MATERIALIZED VIEW reports.best AS SELECT max(total) AS total FROM reports.totals;
         CREATE UNIQUE INDEX best_total ON reports.best (total);
         CREATE UNIQUE INDEX totals_user ON reports.totals (user_id);
         ANALYZE reports.best;",
    );

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    for object in ["totals", "best", "best_total", "totals_user"] {
        assert_eq!(output.step(&format!("reports.{object}")).status, "done");
    }
    db.assert_whole("best_total").await;
    db.assert_whole("totals_user").await;
    let sent = db.applied();
    assert_eq!(sent.len(), 5, "{sent:?}");
    assert_eq!(sent[4], "ANALYZE (SKIP_LOCKED) reports.best");
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied(), sent);
}

#[tokio::test]
async fn a_view_with_no_data_stays_empty_and_is_as_declared() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let declared =
        db.declare(&format!("{TOTALS} WITH NO DATA; CREATE UNIQUE INDEX ON totals (user_id);"));

    db.apply(&[&declared]).expect(0).came_to("done");
    let populated = "SELECT relispopulated FROM pg_class WHERE relname = 'totals'";
    assert_eq!(db.value(populated).await, "f");
    db.assert_whole("totals_user_id_idx").await;
    let sent = db.applied();
    assert!(sent[0].ends_with("\nWITH NO DATA"), "{sent:?}");
    let second = db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert!(second.json().warnings.is_empty());
    assert_eq!(db.applied(), sent);

    // Declared with data it is warned of: refreshing is another job.
    let with_data = db.declare(&format!("{TOTALS};"));
    let output = db.apply(&[&with_data]).expect(0).came_to("nothing_to_do");
    assert_eq!(output.warned("not_populated"), ["public.totals"]);
    assert_eq!(db.applied(), sent);
}

#[tokio::test]
async fn a_view_whose_name_is_taken_is_never_acted_on() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE TABLE totals (user_id int)").await;
    let declared = db.declare(&format!("{TOTALS};"));

    let output = db.apply(&["--replace", &declared]).expect(4).came_to("failed");
    let step = output.step("public.totals");
    assert_eq!(step.status, "failed");
    assert_eq!(step.reason, "the name is taken by a table");
    assert!(db.applied().is_empty());
    assert_eq!(db.value("SELECT relkind FROM pg_class WHERE relname = 'totals'").await, "r");
}

#[tokio::test]
async fn a_query_that_the_server_refuses_is_reported_without_being_sent() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let declared = db.declare(
        "CREATE MATERIALIZED VIEW wrong AS SELECT no_such_column FROM sales;
         CREATE UNIQUE INDEX wrong_index ON wrong (no_such_column);
         CREATE INDEX sales_user ON sales (user_id);",
    );

    let output = db.apply(&[&declared]).expect(4).came_to("failed");
    let step = output.step("public.wrong");
    assert_eq!(step.status, "failed");
    assert!(
        step.reason.contains("column \"no_such_column\" does not exist"),
        "{}",
        step.reason
    );
    assert_eq!(output.step("public.wrong_index").status, "failed");
    assert_eq!(output.step("public.sales_user").status, "done");
    assert_eq!(db.applied(), ["CREATE INDEX CONCURRENTLY sales_user ON public.sales (user_id)"]);
    assert_eq!(db.value("SELECT to_regclass('wrong')").await, "");
}

#[tokio::test]
async fn a_query_that_fails_while_it_runs_is_reported_in_the_servers_words() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let declared = db.declare(
        "CREATE MATERIALIZED VIEW shares AS SELECT 1 / (amount - 1) AS share FROM sales;
         CREATE INDEX shares_share ON shares (share);
         ANALYZE shares;",
    );

    let output = db.apply(&[&declared]).expect(4).came_to("failed");
    let step = output.step("public.shares");
    assert_eq!(step.sqlstate.as_deref(), Some("22012"));
    assert!(step.reason.contains("division by zero"), "{}", step.reason);
    assert_eq!(output.step("public.shares_share").status, "failed");
    assert_eq!(db.applied().len(), 1, "{:?}", db.applied());
    assert_eq!(db.value("SELECT to_regclass('shares')").await, "");
}

#[tokio::test]
async fn a_new_view_is_analyzed() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let declared = db.declare(&format!("ANALYZE totals; {TOTALS};"));

    db.apply(&[&declared]).expect(0).came_to("done");
    let estimate = "SELECT reltuples FROM pg_class WHERE relname = 'totals'";
    assert_eq!(db.value(estimate).await, "10");
    let sent = db.applied();
    assert_eq!(sent[1], "ANALYZE (SKIP_LOCKED) public.totals");
    assert_eq!(sent.len(), 2, "{sent:?}");
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied(), sent);
}

#[tokio::test]
async fn a_view_that_bears_the_name_of_the_table_it_reads_is_no_drift() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE SCHEMA reports").await;
    let declared = db.declare(
        "CREATE MATERIALIZED VIEW reports.sales AS SELECT user_id AS u FROM public.sales;
         CREATE MATERIALIZED VIEW totals AS SELECT sum(amount) AS total FROM sales;
         CREATE INDEX ON sales (status);",
    );
    db.apply(&[&declared]).expect(0).came_to("done");
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn views_of_one_name_in_two_schemas_and_views_over_new_views_need_one_run() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE SCHEMA a; CREATE SCHEMA b").await;
    let declared = db.declare(
        "CREATE MATERIALIZED VIEW a.totals AS SELECT sum(amount) AS total FROM sales;
         CREATE MATERIALIZED VIEW b.totals AS SELECT sum(amount) AS total FROM sales;
         CREATE MATERIALIZED VIEW b.best AS SELECT max(total) AS total FROM b.totals;
         CREATE UNIQUE INDEX ON b.best (total);",
    );
    db.apply(&[&declared]).expect(0).came_to("done");
    db.assert_whole("best_total_idx").await;
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
}
