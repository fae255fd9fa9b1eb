//! The migration that Nova CRM's developers wrote, unchanged, on Nova CRM.

use std::sync::OnceLock;

use crate::support::command::Pgtend;
use crate::support::server::{self, Server};
use crate::support::{Database, until};

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

/// `RULE LINE`, as `verify` found them in the migration.
fn verified(more: &[&str]) -> Vec<String> {
    let root = env!("CARGO_MANIFEST_DIR");
    let migration = format!("{root}/tests/fixtures/seed/add_performance_indexes.sql");
    let schema = format!("{root}/sql/nova-crm/schema.sql");
    let call = ["verify", &migration, "--base", &schema, "--format", "json"];
    let output = Pgtend::new(&[&call, more].concat()).run().expect(0).came_to("done");
    let findings = output.json().findings.into_iter();
    findings
        .map(|finding| format!("{} {}", finding.rule, finding.line.unwrap()))
        .collect()
}

/// The key of its view is never NULL: `sales.user_id` and `sales.created_at` are not.
#[test]
fn verify_finds_what_it_deserves_and_nothing_else() {
    let found = [
        "duplicate-index 6",
        "duplicate-index 30",
        "require-concurrent-index-creation 66",
        "unnamed-index 66",
    ];
    assert_eq!(verified(&[]), found);
}

#[test]
fn verify_finds_which_of_its_indexes_the_workload_uses() {
    let workload = concat!(env!("CARGO_MANIFEST_DIR"), "/sql/nova-crm/workload");
    let found = verified(&["--workload", workload]);
    let unused = found.iter().filter_map(|found| found.strip_prefix("unused-index "));
    let unused = unused.map(|line| line.parse::<usize>().unwrap()).collect::<Vec<_>>();
    let lines = MIGRATION.lines().collect::<Vec<_>>();
    let is_found = |name: &str| unused.iter().any(|line| lines[line - 1].contains(name));
    assert!(unused.len() > 3, "{found:?}");
    // The last one is an expression's, which no plan would choose for so few rows.
    let used = [
        "sales_user_status",
        "sales_user_created",
        "appointments_user_date",
        "customers_search",
    ];
    for name in used {
        assert!(!is_found(&format!("idx_{name} ")), "{name}: {found:?}");
    }
    // Of the first no query speaks; the second one serves a foreign key.
    assert!(is_found("idx_sales_amount") && !is_found("idx_sales_customer "), "{found:?}");
}

/// A server as people run it: it waits for its disk.
fn production() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        server::start(&[
            ("autovacuum", "on"),
            ("autovacuum_naptime", "1s"),
            ("fsync", "on"),
            ("full_page_writes", "on"),
        ])
    })
}

/// A fast machine changes in seconds what is due five times over: that is found, and rightly.
async fn until_autovacuum_has_come(db: &Database) {
    let due = "SELECT count(*) FROM pg_stat_user_tables t JOIN pg_class c ON c.oid = t.relid
               WHERE t.n_mod_since_analyze > 50 + 0.1 * c.reltuples OR t.n_dead_tup > 50 + 0.2 * c.reltuples";
    until("autovacuum has come", || async { db.value(due).await == "0" }).await;
}

#[tokio::test]
async fn while_it_is_healthy_and_at_work_nothing_is_above_a_note() {
    let db = Database::new_on(production()).await;
    db.sql(&format!(
        // As every database has it from PostgreSQL 15 on.
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE EXTENSION pg_stat_statements; {SCHEMA}"
    ))
    .await;
    let loader = db.session().await;
    loader.batch_execute("SET nova.customers = '2000'").await.unwrap();
    loader.batch_execute(DATA).await.unwrap();
    let folder = |name: &str| format!("{}/sql/nova-crm/{name}", env!("CARGO_MANIFEST_DIR"));
    db.apply(&[&folder("declared")]).expect(0);
    let load = ["load", "--warm-up", "0s", "--duration", "5s", "--clients", "4", "--workload"];
    let (reads, after, writes) = (folder("load"), folder("load/after"), folder("load/writes"));
    db.pgtend(&[&load[..], &[&reads, "--workload", &after]].concat()).expect(0);
    db.pgtend(&[&load[..], &[&writes, "--allow-writes", &db.name]].concat())
        .expect(0);
    until_autovacuum_has_come(&db).await;
    let above = |groups: &[&str]| {
        let output = db.pgtend(&[&["check", "--format", "json"], groups].concat());
        output.assert_published();
        let found = output.json().findings.into_iter();
        // The releases that the tests run on get old.
        let found =
            found.filter(|it| !["outdated-minor", "end-of-life"].contains(&it.rule.as_str()));
        let found = found.filter(|it| it.severity != "info");
        found.map(|it| (it.rule, it.object)).collect::<Vec<_>>()
    };
    assert_eq!(above(&[]), []);
    assert_eq!(above(&["security", "opinions", "design", "indexes"]), []);
}
