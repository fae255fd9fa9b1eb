//! `apply` on the ordinary way.

use crate::support::{Database, SALES};

#[tokio::test]
async fn a_missing_index_is_built_and_a_second_run_sends_nothing() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id, status);");

    let first = db.apply(&[&declared]).expect(0).came_to("done");
    let step = first.step("public.sales_user");
    assert_eq!((&*step.status, &*step.reason_code), ("done", "verified"));
    assert_eq!(step.on.as_deref(), Some("public.sales"));
    assert!(step.source.unwrap().ends_with("declared.sql:1"));
    db.assert_whole("sales_user").await;
    let sent = db.applied();
    assert_eq!(sent, ["CREATE INDEX CONCURRENTLY sales_user ON public.sales (user_id, status)"]);

    let second = db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(second.step("public.sales_user").reason_code, "as-declared");
    assert_eq!(db.applied(), sent, "the second run sent something");
}

#[tokio::test]
async fn a_filter_that_fits_nothing_is_an_error_and_says_what_may_be_meant() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id);");
    for (option, value, meant) in [
        ("--index", "sale_*", "did you mean sales_user?"),
        ("--index", "xyz", "there are: sales_user"),
        ("--table", "public.sale", "did you mean public.sales?"),
    ] {
        for command in ["plan", "apply"] {
            let output = db.pgtend(&[command, option, value, &declared]).expect(2);
            assert!(output.stderr.contains(value), "{output}");
            assert!(output.stderr.contains(&format!("hint: {meant}")), "{output}");
        }
    }
    assert_eq!(db.applied(), [""; 0]);
    db.pgtend(&["plan", "--index", "sales_*", &declared]).expect(0);

    let output = db.pgtend(&["vacuum", "sale"]).expect(2);
    assert!(output.stderr.contains("hint: did you mean public.sales?"), "{output}");
    let output = db.pgtend(&["vacuum", "--schema", "publik"]).expect(2);
    assert!(output.stderr.contains("hint: did you mean public?"), "{output}");
}
