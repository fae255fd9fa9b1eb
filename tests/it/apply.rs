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
