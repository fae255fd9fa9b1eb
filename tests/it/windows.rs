//! `apply` and `refresh` in windows and with time limits: what there is no time for is left.

use crate::support::{Database, Output};

const SALES: &str = "CREATE TABLE sales (id int, day int);
    INSERT INTO sales SELECT n, n / 100 FROM generate_series(1, 10000) AS n; ANALYZE sales";
const DECLARED: &str =
    "CREATE INDEX sales_id ON sales (id); CREATE INDEX sales_day ON sales (day);";

async fn with_sales() -> (Database, String) {
    let db = Database::new().await;
    db.sql(SALES).await;
    let declared = db.declare(DECLARED);
    (db, declared)
}

fn apply(db: &Database, more: &[&str]) -> Output {
    db.pgtend(&[&["apply", "--format", "json"], more].concat())
}

/// From an hour to another from now on, in UTC.
async fn window(db: &Database, from: &str, to: &str) -> String {
    let time =
        |offset: &str| format!("to_char((now() AT TIME ZONE 'UTC') + '{offset}', 'HH24:MI')");
    db.value(&format!("SELECT {} || '-' || {}", time(from), time(to))).await
}

#[tokio::test]
async fn outside_of_its_window_nothing_is_done() {
    let (db, declared) = with_sales().await;
    db.sql("CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM sales").await;
    let later = window(&db, "2 hours", "3 hours").await;
    let now = window(&db, "-1 hour", "3 hours").await;
    let run = |first: &[&str], window: &str| {
        let hours = ["--time-zone", "UTC", "--window", window, "--format", "json"];
        db.pgtend(&[first, &hours].concat())
    };
    let output = run(&["apply", &declared], &later).expect(0).came_to("nothing_to_do");
    assert!(output.stderr.contains("opens in 1 h"), "{output}");
    run(&["refresh", "--mode", "plain", "totals"], &later)
        .expect(0)
        .came_to("nothing_to_do");
    assert_eq!(db.applied(), [""; 0]);
    assert_eq!(db.changes("pgtend/refresh"), [""; 0]);
    run(&["apply", &declared], &now).expect(0).came_to("done");
    run(&["refresh", "--mode", "plain", "totals"], &now).expect(0).came_to("done");
    let output = run(&["refresh", "totals"], "night").expect(2);
    assert!(output.stderr.contains("--window"), "{output}");
}

#[tokio::test]
async fn a_build_that_does_not_end_in_time_is_left_without_a_trace() {
    let (db, declared) = with_sales().await;
    let snapshot = db.old_snapshot().await;
    let output = apply(&db, &["--time-limit", "2s", "--jobs", "1", &declared]).expect(0);
    let steps = output.json().steps;
    assert_eq!(steps.len(), 2, "{output}");
    assert!(steps.iter().all(|step| step.status == "skipped"), "{output}");
    assert!(steps.iter().all(|step| step.reason_code == "time-up"), "{output}");
    assert_eq!(db.index_names("sales").await, "", "{output}");
    snapshot.release().await;
    apply(&db, &["--time-limit", "1h", &declared]).expect(0).came_to("done");
}

#[tokio::test]
async fn what_would_not_end_by_the_history_is_not_begun() {
    let (db, declared) = with_sales().await;
    db.pgtend(&["init"]).expect(0);
    apply(&db, &["--index", "sales_id", &declared]).expect(0).came_to("done");
    db.sql("UPDATE pgtend.run SET duration_ms = 3 * 3600000; DROP INDEX sales_id")
        .await;
    // It took three hours the last time; the other one, of a size like it, takes as long.
    let output = apply(&db, &["--time-limit", "1h", &declared]).expect(0);
    let output = output.came_to("nothing_to_do");
    for step in output.json().steps {
        assert_eq!(
            (step.status.as_str(), step.reason_code.as_str()),
            ("skipped", "no-time"),
            "{output}"
        );
    }
    apply(&db, &["--time-limit", "10h", &declared]).expect(0).came_to("done");
}

#[tokio::test]
async fn a_refresh_that_would_not_end_in_its_window_is_left() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE gate (id int); INSERT INTO gate VALUES (1);
         CREATE MATERIALIZED VIEW totals AS SELECT count(*) AS n FROM gate;
         CREATE UNIQUE INDEX ON totals (n)",
    )
    .await;
    db.pgtend(&["init"]).expect(0);
    db.pgtend(&["refresh", "totals"]).expect(0);
    db.sql("UPDATE pgtend.run SET duration_ms = 5 * 3600000").await;
    let open = window(&db, "-1 hour", "2 hours").await;
    let call = ["refresh", "totals", "--format", "json", "--time-zone", "UTC", "--window", &open];
    let output = db.pgtend(&call).expect(0).came_to("nothing_to_do");
    assert_eq!(output.step("public.totals").reason_code, "no-time", "{output}");
    // Without a window it is tried.
    db.pgtend(&["refresh", "totals", "--time-limit", "1h"]).expect(0);
}
