//! What Prometheus is told.

use std::collections::{BTreeMap, BTreeSet};

use super::client::{Reply, Site};
use super::facts::ticks;
use crate::support::{Database, SALES, until};

/// What was told: families with their types, and series with their values.
struct Told {
    families: BTreeMap<String, String>,
    series: BTreeMap<String, f64>,
}

impl Told {
    /// Each family stands once and together, with its type and help; each series once.
    fn read(text: &str, is_open: bool) -> Told {
        let mut told = Told { families: BTreeMap::new(), series: BTreeMap::new() };
        let mut lines = text.lines().peekable();
        let mut suffix = "";
        let mut family = String::new();
        while let Some(line) = lines.next() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').unwrap();
                let kind = lines.next().unwrap().strip_prefix("# TYPE ").unwrap();
                let (of, kind) = kind.split_once(' ').unwrap();
                assert_eq!((of, help.is_empty()), (name, false));
                suffix = if kind == "counter" && is_open { "_total" } else { "" };
                assert!(is_open || kind != "counter" || name.ends_with("_total"), "{name}");
                assert!(*family < *name, "{name} is not in its place");
                family = name.to_owned();
                told.families.insert(format!("{name}{suffix}"), kind.to_owned());
            } else if line == "# EOF" && is_open {
                assert!(lines.peek().is_none(), "{text}");
            } else {
                let (name, value) = line.rsplit_once(' ').unwrap();
                let of = name.split('{').next().unwrap();
                assert_eq!(of, format!("{family}{suffix}"));
                let before = told.series.insert(name.to_owned(), value.parse().unwrap());
                assert_eq!(before, None, "{name} is told twice");
            }
        }
        assert_eq!(text.ends_with("\n# EOF\n"), is_open);
        told
    }

    fn value(&self, family: &str, labels: &str) -> Option<f64> {
        let wanted = format!("{family}{{{labels}}}");
        self.series.get(&wanted).copied()
    }
}

/// Names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let names = text.split("pgtend_").skip(1).map(|rest| {
        let end = rest.find(|it: char| !(it.is_ascii_lowercase() || it == '_'));
        format!("pgtend_{}", &rest[..end.unwrap_or(rest.len())])
    });
    names.collect()
}

async fn told(site: &Site) -> Told {
    Told::read(&site.get("/metrics").await.expect(200).text(), false)
}

#[tokio::test]
async fn metrics_are_told_from_memory() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.pgtend(&["init"]).expect(0);
    db.pgtend(&["analyze", "sales"]).expect(0);
    let site = Site::ready(&db, &[]).await;
    let reply = site.get("/metrics").await.expect(200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let told = Told::read(&reply.text(), false);
    assert!(told.series.len() > 100, "{:?}", told.series);
    let runs = site.get("/index.json").await.json()["data"][0]["last_runs"].clone();
    assert_eq!(
        (&runs[0]["command"], &runs[0]["outcome"]),
        (&"analyze".into(), &"done".into()),
        "{runs}"
    );
    assert!(site.get("/").await.text().contains("last runs: analyze done "));
    let target = format!("target=\"{}\"", db.name);
    assert_eq!(told.value("pgtend_up", &target), Some(1.0));
    assert_eq!(told.value("pgtend_index_invalid", &target), Some(0.0));
    let labels = format!("{target},check=\"duplicate-index\",severity=\"info\"");
    assert_eq!(told.value("pgtend_check_findings", &labels), Some(0.0));
    let labels = format!("{target},command=\"analyze\"");
    let at = told.value("pgtend_run_last_success_timestamp_seconds", &labels).unwrap();
    assert!((jiff::Timestamp::now().as_second() as f64 - at).abs() < 3600.0, "{at}");
    // What the dashboard asks for is told, and what is told is described.
    let families = told.families.keys().cloned().collect::<BTreeSet<_>>();
    let dashboard = include_str!("../../../docs/grafana/pgtend.json");
    serde_json::from_str::<serde_json::Value>(dashboard).unwrap();
    let asked = names(dashboard);
    assert!(asked.len() >= 12 && asked.is_subset(&families), "{asked:?} of {families:?}");
    let page = include_str!("../../../docs/serve.md");
    let (_, rest) = page.split_once("## Prometheus and Grafana").unwrap();
    let (described, _) = rest.split_once("\n## ").unwrap();
    assert_eq!(names(described), families);
}

#[tokio::test]
async fn open_metrics_are_told_to_those_who_ask_for_them() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.pgtend(&["init"]).expect(0);
    db.pgtend(&["analyze", "sales"]).expect(0);
    let site = Site::ready(&db, &[]).await;
    let accept = "Accept: application/openmetrics-text;version=1.0.0;q=0.6,text/plain;q=0.4";
    let reply: Reply = site.get_with("/metrics", &[accept]).await.expect(200);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(reply.header("content-type"), Some(kind));
    assert!(reply.headers().iter().any(|(name, value)| name == "vary" && value == "Accept"));
    let open = Told::read(&reply.text(), true);
    assert_eq!(open.families["pgtend_run_steps_total"], "counter");
    let plain = self::told(&site).await;
    assert_eq!(open.families, plain.families);
    assert_eq!(open.series.keys().collect::<Vec<_>>(), plain.series.keys().collect::<Vec<_>>());
}

#[tokio::test]
async fn steps_and_refreshes_are_counted_as_they_happen() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE MATERIALIZED VIEW totals AS SELECT sum(amount) AS all_of_it FROM sales")
        .await;
    db.pgtend(&["init"]).expect(0);
    db.pgtend(&["analyze", "sales"]).expect(0);
    let file = ticks(&db, "statements = '200ms'\ncheck = '1h'");
    let site = Site::ready(&db, &["--config", &file]).await;
    let target = format!("target=\"{}\"", db.name);
    let analyzed = format!("{target},command=\"analyze\",outcome=\"done\"");
    let view = format!("{target},view=\"public.totals\"");
    let before = told(&site).await;
    // What was done before somebody counted is none of it.
    assert_eq!(before.value("pgtend_run_steps_total", &analyzed), Some(0.0));
    assert_eq!(before.value("pgtend_refresh_age_seconds", &view), None);
    assert!(before.value("pgtend_refresh_size_bytes", &view).is_some());
    db.pgtend(&["analyze", "sales"]).expect(0);
    db.pgtend(&["refresh", "totals", "--mode", "plain"]).expect(0);
    let refreshed = format!("{target},command=\"refresh\",outcome=\"done\"");
    until("both are counted", || async {
        let told = told(&site).await;
        told.value("pgtend_run_steps_total", &analyzed) == Some(1.0)
            && told.value("pgtend_run_steps_total", &refreshed).is_some_and(|it| it >= 1.0)
    })
    .await;
    let told_now = told(&site).await;
    let outcome = |word: &str| {
        let labels = format!("{view},outcome=\"{word}\"");
        told_now.value("pgtend_refresh_last_outcome", &labels)
    };
    let words = ["done", "failed", "skipped", "cancelled"];
    assert_eq!(words.map(outcome), [Some(1.0), Some(0.0), Some(0.0), Some(0.0)]);
    let of = |family: &str| told_now.value(&format!("pgtend_refresh_{family}"), &view);
    assert!(of("age_seconds").unwrap() < 3600.0);
    assert!(of("last_success_timestamp_seconds") >= of("last_run_timestamp_seconds"));
    assert!(of("last_duration_seconds").unwrap() > 0.0);
    let size = "SELECT pg_total_relation_size('totals')";
    assert_eq!(of("size_bytes"), db.value(size).await.parse().ok());
    // The history forgets, and the counter does not.
    db.sql("DELETE FROM pgtend.run WHERE command = 'analyze'").await;
    db.pgtend(&["analyze", "sales"]).expect(0);
    until("it goes on", || async {
        told(&site).await.value("pgtend_run_steps_total", &analyzed) == Some(2.0)
    })
    .await;
}

#[tokio::test]
async fn how_long_it_is_to_the_failsafe_is_told_where_snapshots_know_the_rate() {
    let db = Database::new().await;
    let target = format!("target=\"{}\"", db.name);
    let family = "pgtend_wraparound_seconds_to_failsafe";
    let site = Site::ready(&db, &[]).await;
    assert_eq!(told(&site).await.value(family, &target), None);
    db.pgtend(&["init"]).expect(0);
    db.pgtend(&["snapshot"]).expect(0);
    db.sql("UPDATE pgtend.snapshot SET taken_at = taken_at - interval '1 hour'")
        .await;
    for _ in 0..10 {
        db.sql("CREATE TABLE t (); DROP TABLE t").await;
    }
    db.pgtend(&["snapshot"]).expect(0);
    let site = Site::ready(&db, &[]).await;
    // At some ids an hour it takes more than a hundred years, unless neighbours need many.
    let seconds = told(&site).await.value(family, &target).unwrap();
    assert!(seconds > 3600.0, "{seconds}");
}

#[tokio::test]
async fn statements_have_series_where_the_configuration_asks_for_them() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE EXTENSION pg_stat_statements").await;
    for user in 0..20 {
        db.sql(&format!("SELECT amount FROM sales\nWHERE user_id = {user}")).await;
    }
    let number = "SELECT queryid::text FROM pg_stat_statements AS s
                  JOIN pg_database AS d ON d.oid = s.dbid AND d.datname = current_database()
                  WHERE s.query LIKE 'SELECT amount FROM sales%'";
    let number = db.value(number).await;
    let none = told(&Site::ready(&db, &[]).await).await;
    assert!(none.families.contains_key("pgtend_statement_calls_total"));
    let of_statements = |told: &Told| {
        told.series
            .keys()
            .filter(|name| name.contains("queryid="))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(of_statements(&none), [""; 0]);

    let file = ticks(&db, "statement_metrics = 100");
    let told_all = told(&Site::ready(&db, &["--config", &file]).await).await;
    let labels = format!("target=\"{}\",queryid=\"{number}\"", db.name);
    let of_user = format!("{labels},user=\"postgres\"");
    let of = |family: &str| told_all.value(&format!("pgtend_statement_{family}"), &of_user);
    assert_eq!(of("calls_total"), Some(20.0));
    assert!(of("execution_seconds_total").unwrap() > 0.0 && of("rows_total").unwrap() > 0.0);
    // Reading may write: of a page that a checkpoint wrote before its rows were known to be visible.
    let written = format!("SELECT wal_bytes FROM pg_stat_statements WHERE queryid = {number}");
    let written = db.value(&written).await.parse::<f64>().unwrap();
    assert_eq!(of("wal_bytes_total"), Some(written));
    let text = format!("{labels},query=\"SELECT amount FROM sales WHERE user_id = $1\"");
    assert_eq!(told_all.value("pgtend_statement_info", &text), Some(1.0));

    let file = ticks(&db, "statement_metrics = 2");
    let told_two = told(&Site::ready(&db, &["--config", &file, "--no-query-text"]).await).await;
    let two = of_statements(&told_two);
    assert_eq!(two.iter().filter(|name| name.contains("_calls_total")).count(), 2, "{two:?}");
    assert!(!two.iter().any(|name| name.contains("query=")), "{two:?}");
}
