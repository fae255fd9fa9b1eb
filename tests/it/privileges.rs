//! What a role may not do is said, and everything else is done all the same.

use crate::support::command::Pgtend;
use crate::support::database::value;
use crate::support::{Database, Output, Running, until};

/// Its second index is not there, and only a copy can tell whether the first is as declared.
const EXPRESSION: &str = "CREATE INDEX sales_user ON crm.sales (abs(user_id));
    CREATE INDEX sales_id ON crm.sales (id);";

const DECLARED: &str = "CREATE INDEX sales_user ON crm.sales (user_id);
    CREATE INDEX sales_id ON crm.sales (id);";

/// A table of a role that is no superuser, in a schema of that role, with the first of the two
/// declared indexes.
async fn owned() -> (Database, String) {
    let db = Database::new().await;
    let owner = db.role("owner").await;
    db.sql(&format!("CREATE SCHEMA crm AUTHORIZATION {owner}")).await;
    let session = db.session_as(&owner).await;
    let tables = "CREATE TABLE crm.sales (id int, user_id int);
        INSERT INTO crm.sales SELECT n, n % 10 FROM generate_series(1, 1000) n;
        CREATE INDEX sales_user ON crm.sales (user_id)";
    session.batch_execute(tables).await.unwrap();
    (db, owner)
}

fn start_as(db: &Database, role: &str, arguments: &[&str]) -> Running {
    Pgtend::new(arguments).env("DATABASE_URL", &db.url_as(role)).start()
}

/// The rules of the warnings about an object.
fn warned(output: &Output, object: &str) -> Vec<String> {
    let document = output.json();
    let warnings = &document.warnings;
    let about = warnings.iter().filter(|warning| warning.object == object);
    about.map(|warning| warning.rule.clone()).collect()
}

#[tokio::test]
async fn an_owner_who_is_no_superuser_does_a_whole_apply() {
    let (db, owner) = owned().await;
    let declared = db.declare(&format!(
        "{DECLARED}
         CREATE UNIQUE INDEX sales_unfinished ON crm.sales (id, user_id);
         COMMENT ON INDEX crm.sales_id IS 'for look-ups';
         CREATE MATERIALIZED VIEW crm.totals AS SELECT user_id, sum(id) FROM crm.sales GROUP BY 1;
         CREATE UNIQUE INDEX ON crm.totals (user_id);
         ANALYZE crm.sales;
         VACUUM crm.sales;"
    ));
    let unfinished = "CREATE UNIQUE INDEX CONCURRENTLY sales_unfinished ON crm.sales (id, user_id)";
    db.leave_unvalidated(unfinished).await;

    let apply = ["apply", "--format", "json", &declared];
    let output = db.pgtend_as(&owner, &apply).expect(0);
    assert_eq!(output.json().outcome, "done", "{output}");
    for index in ["sales_user", "sales_id", "sales_unfinished", "totals_user_id_idx"] {
        db.assert_whole(index).await;
    }
    assert_eq!(db.value("SELECT count(*) FROM crm.totals").await, "10");
    let comment = "SELECT obj_description('crm.sales_id'::regclass)";
    assert_eq!(db.value(comment).await, "for look-ups");
    let statistics = "SELECT count(*) FROM pg_stats WHERE tablename = 'sales'";
    assert_eq!(db.value(statistics).await, "2");
    let again = db.pgtend_as(&owner, &apply).expect(0);
    assert_eq!(again.json().outcome, "nothing_to_do", "{again}");
    let double = "INSERT INTO crm.sales SELECT id, user_id FROM crm.sales LIMIT 1";
    assert_eq!(db.refused(double).await, "23505");
}

#[tokio::test]
async fn without_temp_nothing_is_compared_and_the_missing_is_built() {
    let (db, owner) = owned().await;
    db.sql("DROP INDEX crm.sales_user; CREATE INDEX sales_user ON crm.sales (abs(user_id))")
        .await;
    db.sql(&format!("REVOKE TEMP ON DATABASE {} FROM PUBLIC", db.name)).await;
    let declared = db.declare(EXPRESSION);
    let plan = db.pgtend_as(&owner, &["plan", "--format", "json", &declared]).expect(0);
    let existing = plan.step("crm.sales_user");
    assert_eq!(existing.verdict, "as_declared", "{plan}");
    assert!(existing.reason.contains("not compared"), "{plan}");
    assert_eq!(warned(&plan, "crm.sales_user"), ["not_compared"], "{plan}");
    assert!(plan.stdout.contains("lacks the TEMP privilege"), "{plan}");

    let apply = db.pgtend_as(&owner, &["apply", "--format", "json", &declared]).expect(0);
    assert_eq!(apply.step("crm.sales_id").status, "done", "{apply}");
    assert_eq!(apply.step("crm.sales_user").status, "skipped", "{apply}");
    db.assert_whole("sales_id").await;
    let again = db.pgtend_as(&owner, &["apply", "--format", "json", &declared]).expect(0);
    assert_eq!(again.json().outcome, "nothing_to_do", "{again}");
}

#[tokio::test]
async fn who_does_not_own_the_table_is_told_who_does_and_sends_nothing() {
    let (db, owner) = owned().await;
    let stranger = db.role("stranger").await;
    db.sql(&format!("GRANT USAGE ON SCHEMA crm TO {stranger}")).await;
    db.sql(&format!("GRANT SELECT ON crm.sales TO {stranger}")).await;
    let declared = db.declare(DECLARED);
    let reason = format!("only the owner of crm.sales ({owner}) may do it");

    let plan = db.pgtend_as(&stranger, &["plan", "--format", "json", &declared]).expect(0);
    let step = plan.step("crm.sales_id");
    assert_eq!(step.verdict, "refused", "{plan}");
    assert!(step.reason.contains(&reason), "{plan}");
    assert_eq!(plan.step("crm.sales_user").reason, "already as declared", "{plan}");
    let check = db.pgtend_as(&stranger, &["plan", "--check", &declared]).expect(1);
    assert!(check.stdout.contains("manual action"), "{check}");

    let apply = db.pgtend_as(&stranger, &["apply", "--format", "json", &declared]).expect(4);
    assert_eq!(apply.json().outcome, "failed", "{apply}");
    let step = apply.step("crm.sales_id");
    assert_eq!(step.status, "failed", "{apply}");
    assert!(step.reason.contains(&reason), "{apply}");
    assert_eq!(apply.step("crm.sales_user").status, "skipped", "{apply}");
    assert_eq!(db.changes("pgtend/apply"), [""; 0]);
    assert_eq!(db.index("sales_id").await, None);
}

#[tokio::test]
async fn a_member_of_the_owner_may_do_what_the_owner_may() {
    let (db, owner) = owned().await;
    let member = db.role("member").await;
    db.sql(&format!("GRANT {owner} TO {member}")).await;
    let declared = db.declare(DECLARED);
    db.pgtend_as(&member, &["apply", &declared]).expect(0);
    db.assert_whole("sales_id").await;
}

#[tokio::test]
async fn the_others_objects_do_not_wait_for_the_one_that_is_not_ours() {
    let (db, owner) = owned().await;
    db.sql("CREATE TABLE crm.progress_estimate (id int)").await;
    let declared =
        db.declare(&format!("CREATE INDEX ledger_id ON crm.progress_estimate (id); {DECLARED}"));
    let apply = db.pgtend_as(&owner, &["apply", "--format", "json", &declared]).expect(4);
    let reason = apply.step("crm.ledger_id").reason;
    assert!(
        reason.contains("only the owner of crm.progress_estimate (postgres) may do it"),
        "{apply}"
    );
    assert_eq!(apply.step("crm.sales_id").status, "done", "{apply}");
    db.assert_whole("sales_id").await;
}

#[tokio::test]
async fn a_build_that_the_role_may_not_look_into_is_not_healed() {
    let (db, owner) = owned().await;
    let reader = db.session().await;
    reader
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        .await
        .unwrap();
    let builder = db.session().await;
    let build = tokio::spawn(async move {
        builder
            .batch_execute("CREATE INDEX CONCURRENTLY sales_id ON crm.sales (id)")
            .await
    });
    db.until_waiting("test").await;
    let before = db.index("sales_id").await.unwrap();
    assert!(!before.valid, "{before:?}");
    let blind = db.session_as(&owner).await;
    let sees =
        "SELECT index_relid FROM pg_stat_progress_create_index WHERE index_relid IS NOT NULL";
    assert_eq!(value(&blind, sees).await, "", "the role sees the build");

    let declared = db.declare(DECLARED);
    let plan = db.pgtend_as(&owner, &["plan", "--format", "json", &declared]).expect(0);
    let step = plan.step("crm.sales_id");
    assert_eq!(step.action, "watch_build", "{plan}");
    assert!(step.reason.contains("is building it now"), "{plan}");
    let apply = ["apply", "--format", "json", "--max-wait", "300ms", &declared];
    let apply = db.pgtend_as(&owner, &apply).expect(4);
    assert_eq!(apply.step("crm.sales_id").status, "failed", "{apply}");
    assert_eq!(db.changes("pgtend/apply"), [""; 0]);

    reader.batch_execute("COMMIT").await.unwrap();
    build.await.unwrap().unwrap();
    assert_eq!(db.assert_whole("sales_id").await.oid, before.oid);
}

#[tokio::test]
async fn a_schema_that_the_role_may_not_use_can_be_looked_at() {
    let (db, owner) = owned().await;
    db.sql("DROP INDEX crm.sales_user; CREATE INDEX sales_user ON crm.sales (abs(user_id))")
        .await;
    let visitor = db.role("visitor").await;
    let declared = db.declare(EXPRESSION);
    let plan = db.pgtend_as(&visitor, &["plan", "--format", "json", &declared]).expect(0);
    let existing = plan.step("crm.sales_user");
    assert_eq!(existing.verdict, "as_declared", "{plan}");
    assert!(existing.reason.contains("not compared"), "{plan}");
    assert_eq!(warned(&plan, "crm.sales_user"), ["not_compared"], "{plan}");
    assert!(plan.stdout.contains("takes membership in that role and CREATE"), "{plan}");
    let missing = plan.step("crm.sales_id");
    assert_eq!(missing.verdict, "refused", "{plan}");
    assert!(missing.reason.contains(&owner), "{plan}");
}

#[tokio::test]
async fn timeouts_of_the_role_do_not_hurt() {
    let (db, owner) = owned().await;
    let mut timeouts = vec![
        ("statement_timeout", "10ms"),
        ("lock_timeout", "10ms"),
        ("idle_in_transaction_session_timeout", "10ms"),
        ("idle_session_timeout", "100ms"),
    ];
    if db.server.major >= 17 {
        timeouts.push(("transaction_timeout", "900ms"));
    }
    for (name, value) in timeouts {
        db.sql(&format!("ALTER ROLE {owner} SET {name} = '{value}'")).await;
    }
    let reader = db.session().await;
    reader
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        .await
        .unwrap();
    let declared = db.declare(DECLARED);
    let running = start_as(&db, &owner, &["apply", "--format", "json", &declared]);
    db.until_waiting("pgtend/apply").await;
    until("the build is older than every timeout, or gone", || async {
        let young = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%' \
                     AND application_name = 'pgtend/apply' AND datname = current_database() \
                     AND state = 'active' AND query_start > now() - interval '1200 ms'";
        db.value(young).await == "0"
    })
    .await;
    reader.batch_execute("COMMIT").await.unwrap();
    let output = running.wait().expect(0);
    assert_eq!(output.step("crm.sales_id").status, "done", "{output}");
    db.assert_whole("sales_id").await;
}
