//! `pgtend check --fix`.

use crate::support::Database;
use crate::support::document::Document;

/// A table with dead rows that autovacuum leaves alone, an invalid index, and what a rebuild has left.
async fn neglected() -> Database {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE \"Sales\" (id int PRIMARY KEY, day date, amount int);
         INSERT INTO \"Sales\" SELECT n, '2026-01-01', n FROM generate_series(1, 50000) n;
         DELETE FROM \"Sales\" WHERE id > 5000;
         CREATE INDEX sales_day ON \"Sales\" (day);
         CREATE INDEX sales_amount ON \"Sales\" (amount);
         CREATE INDEX sales_amount_ccnew ON \"Sales\" (amount);
         UPDATE pg_index SET indisvalid = false
         WHERE indexrelid IN ('sales_day'::regclass, 'sales_amount_ccnew'::regclass)",
    )
    .await;
    db
}

const RULES: [&str; 3] = ["autovacuum-behind", "index-leftover", "invalid-index"];
const ONLY: [&str; 3] = ["check", "--only", "autovacuum-behind,index-leftover,invalid-index"];

/// Which of the defects are found.
fn found(document: &Document) -> Vec<&str> {
    let mut found = document.findings.iter().map(|it| it.rule.as_str()).collect::<Vec<_>>();
    found.retain(|rule| RULES.contains(rule));
    found.sort_unstable();
    found
}

fn check(db: &Database, arguments: &[&str]) -> Document {
    let call = [&ONLY[..], &["--format", "json"], arguments].concat();
    let output = db.pgtend(&call);
    output.assert_published();
    output.json()
}

#[tokio::test]
async fn what_can_be_mended_is_mended_and_looked_at_again() {
    let db = neglected().await;
    let all_are_found = || async { found(&check(&db, &[])) == RULES };
    crate::support::until("the dead rows are counted", all_are_found).await;

    let asked = db.pgtend(&["check", "--fix"]).expect(2);
    assert!(asked.stderr.contains("--yes does it without asking"), "{asked}");

    let planned = check(&db, &["--fix", "--dry-run"]);
    assert_eq!(planned.outcome, "planned");
    assert_eq!(found(&planned), RULES, "it is still found");
    let statements = planned.steps.iter().filter_map(|step| step.sql.clone()).collect::<Vec<_>>();
    assert_eq!(statements.len(), 3, "{statements:?}");
    assert!(statements[0].starts_with("VACUUM"), "{statements:?}");
    assert!(!db.index("sales_day").await.unwrap().valid);

    let text = db.pgtend(&[&ONLY[..], &["--fix", "--dry-run"]].concat()).expect(0);
    assert!(
        statements.iter().all(|sql| text.stdout.contains(&format!("{sql};\n"))),
        "{text}"
    );

    let mended = check(&db, &["--fix", "--yes"]);
    let statuses = mended.steps.iter().map(|step| step.status.as_str()).collect::<Vec<_>>();
    assert_eq!(statuses, ["done"; 3], "{:?}", mended.steps);
    assert_eq!(found(&mended), [""; 0]);
    db.assert_whole("sales_day").await;
    assert!(db.index("sales_amount_ccnew").await.is_none());
    assert_eq!(db.value("SELECT n_dead_tup FROM pg_stat_user_tables").await, "0");

    let again = db.pgtend(&[&ONLY[..], &["--fix", "--yes"]].concat()).expect(0);
    assert!(again.stderr.contains("nothing"), "{again}");
}

#[tokio::test]
async fn what_the_role_may_not_do_is_said() {
    let db = neglected().await;
    let role = db.role("reader").await;
    let output = db.pgtend_as(&role, &["check", "indexes", "--fix", "--yes"]);
    assert!(output.stderr.contains("sales_day needs manual action"), "{output}");
    assert!(!db.index("sales_day").await.unwrap().valid);
    assert_eq!(output.code, 1, "{output}");
}

/// There is one session for it: the second must not wait for the first one's for ever.
#[tokio::test]
async fn several_tables_are_mended_one_after_the_other() {
    let db = Database::new().await;
    for table in ["one", "two", "three"] {
        db.sql(&format!("CREATE TABLE {table} (id int)")).await;
        db.sql(&format!("INSERT INTO {table} SELECT generate_series(1, 20000)")).await;
        db.sql(&format!("DELETE FROM {table}")).await;
    }
    let behind = || async {
        let found = db.pgtend(&["check", "--only", "autovacuum-behind", "--format", "json"]);
        found.json().findings.len() == 3
    };
    crate::support::until("the dead rows are counted", behind).await;
    let running = db.start(&["check", "--only", "autovacuum-behind", "--fix", "--yes"]);
    running.wait_within(crate::support::PATIENCE).expect(0);
}
