//! The migration that Nova CRM's developers wrote, unchanged, on Nova CRM.

use crate::support::Database;

const SCHEMA: &str = include_str!("../../sql/nova-crm/schema.sql");
const DATA: &str = include_str!("../../sql/nova-crm/data.sql");
const MIGRATION: &str = include_str!("../fixtures/seed/add_performance_indexes.sql");

#[tokio::test]
async fn one_apply_builds_all_of_it_and_the_next_finds_nothing_to_do() {
    let db = Database::new().await;
    db.sql(SCHEMA).await;
    let loader = db.session().await;
    loader.batch_execute("SET nova.customers = '2000'").await.unwrap();
    loader.batch_execute(DATA).await.unwrap();
    let declared = db.declare(MIGRATION);

    let output = db.apply(&[&declared]).expect(0).came_to("done");
    let names = MIGRATION.lines().filter_map(|line| {
        let (_, after) = line.split_once("INDEX CONCURRENTLY IF NOT EXISTS ")?;
        after.split_whitespace().next()
    });
    let names = names.collect::<Vec<_>>();
    assert_eq!(names.len(), 25);
    for name in names {
        db.assert_whole(name).await;
        assert_eq!(output.step(&format!("public.{name}")).status, "done");
    }
    assert_eq!(db.value("SELECT count(*) > 0 FROM mv_daily_sales_summary").await, "t");
    let view_index = "mv_daily_sales_summary_user_id_sale_date_idx";
    assert_eq!(db.index_names("mv_daily_sales_summary").await, view_index);
    db.assert_whole(view_index).await;
    assert_eq!(
        output.warned("redundant_index"),
        ["public.idx_users_email", "public.idx_analytics_user_date"]
    );
    let sent = db.applied();
    let count = |start: &str| sent.iter().filter(|sql| sql.starts_with(start)).count();
    assert_eq!(count("CREATE INDEX CONCURRENTLY "), 24);
    assert_eq!(count("CREATE UNIQUE INDEX CONCURRENTLY "), 2);
    assert_eq!(count("CREATE MATERIALIZED VIEW "), 1);
    // Three of the seven tables are vacuumed with ANALYZE.
    assert_eq!(count("ANALYZE (SKIP_LOCKED) "), 4);
    assert_eq!(count("VACUUM (ANALYZE, SKIP_LOCKED) "), 3);
    assert_eq!(sent.len(), 34, "{sent:#?}");

    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied(), sent);
    assert_eq!(db.index_names("mv_daily_sales_summary").await, view_index);
}
