//! One command over many targets.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::support::command::Pgtend;
use crate::support::{Database, Output};

const INDEX: &str = "CREATE INDEX orders_status ON orders (status);";

/// Databases with a table, and a configuration whose target `shop` stands for them and `lost` for no
/// server.
struct Fleet {
    databases: Vec<Database>,
    folder: tempfile::TempDir,
}

impl Fleet {
    async fn new(count: usize) -> Fleet {
        let mut databases = Vec::new();
        for _ in 0..count {
            let database = Database::new().await;
            database.sql("CREATE TABLE orders (id int, status text)").await;
            databases.push(database);
        }
        // As the targets are.
        databases.sort_by(|one, other| one.name.cmp(&other.name));
        let folder = tempfile::tempdir().unwrap();
        let fleet = Fleet { databases, folder };
        fleet.write("declared.sql", INDEX);
        fleet.configure("");
        fleet
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// With more lines for `shop`.
    fn configure(&self, more: &str) {
        let url = self.databases[0].url_as("postgres");
        let names = self.databases.iter().map(|database| format!("{:?}", database.name));
        let names = names.collect::<Vec<_>>().join(", ");
        let mut config = format!("paths = [\"declared.sql\"]\n[targets.shop]\nurl = \"{url}\"\n");
        writeln!(config, "databases = [{names}]\n{more}").unwrap();
        writeln!(config, "[targets.single]\nurl_env = \"SINGLE\"").unwrap();
        writeln!(config, "[targets.lost]\nurl = \"host=/nowhere dbname=x\"").unwrap();
        self.write("pgtend.toml", &config);
    }

    fn call(&self, arguments: &[&str]) -> Pgtend {
        let config = self.folder.path().join("pgtend.toml");
        Pgtend::new(arguments)
            .env("PGTEND_CONFIG", config.to_str().unwrap())
            .env("SINGLE", &self.databases[0].url_as("postgres"))
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.call(arguments).run()
    }

    /// The name of a database's target.
    fn name(&self, at: usize) -> String {
        format!("shop/{}", self.databases[at].name)
    }
}

fn document(output: &Output) -> Value {
    output.assert_published();
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{output}"))
}

/// The outcome on each target.
fn outcomes(output: &Output) -> BTreeMap<String, String> {
    let document = document(output);
    let targets = document["targets"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    targets
        .iter()
        .map(|one| (text(&one["target"]), text(&one["outcome"])))
        .collect()
}

fn wanted(pairs: &[(String, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, outcome)| (name.clone(), (*outcome).to_owned()))
        .collect()
}

#[tokio::test]
async fn each_target_has_its_document_and_the_worst_code_counts() {
    let fleet = Fleet::new(2).await;
    fleet.databases[1].sql(INDEX).await;
    let output = fleet.run(&["plan", "--all-targets", "--format", "json"]).expect(3);
    let [first, second] = [0, 1].map(|at| fleet.name(at));
    let single = "single".to_owned();
    let all = wanted(&[
        ("lost".to_owned(), "failed"),
        (first.clone(), "planned"),
        (second.clone(), "nothing_to_do"),
        (single.clone(), "planned"),
    ]);
    assert_eq!(outcomes(&output), all, "{output}");
    let whole = document(&output);
    assert_eq!((&whole["command"], &whole["outcome"]), (&"plan".into(), &"failed".into()));
    let planned = &whole["targets"][1];
    assert_eq!(planned["database"], fleet.databases[0].name.as_str(), "{planned}");
    assert_eq!(planned["steps"][0]["object"], "public.orders_status", "{planned}");
    assert_eq!(whole["targets"][0]["error"]["kind"], "connection", "{output}");

    let found = fleet
        .run(&["plan", "--check", "--target", "shop", "--format", "json"])
        .expect(1);
    let both = wanted(&[(first.clone(), "findings"), (second.clone(), "nothing_to_do")]);
    assert_eq!(outcomes(&found), both);
    let one = fleet.run(&["plan", "--target", &second, "--format", "json"]).expect(0);
    assert_eq!(outcomes(&one), wanted(&[(second.clone(), "nothing_to_do")]));
    let two = ["plan", "--target", &second, "--target", "single", "--format", "json"];
    let both = wanted(&[(second.clone(), "nothing_to_do"), (single, "planned")]);
    assert_eq!(outcomes(&fleet.run(&two).expect(0)), both);
    let by_environment = fleet.call(&["plan", "--format", "json"]).env("PGTEND_TARGET", "sh*/*");
    assert_eq!(outcomes(&by_environment.run().expect(0)).len(), 2);
    // A single plain name is no fleet.
    fleet
        .run(&["plan", "--target", "single", "--format", "json"])
        .expect(0)
        .came_to("planned");
}

#[tokio::test]
async fn a_target_has_settings_of_its_own() {
    let fleet = Fleet::new(1).await;
    fleet.write("other.sql", "CREATE INDEX orders_id ON orders (id);");
    fleet.configure("paths = [\"other.sql\"]\n[targets.shop.apply]\njobs = 1");
    let output = fleet.run(&["plan", "--target", "sh*", "--target", "single", "--format", "json"]);
    let whole = document(&output.expect(0));
    let objects = [0, 1].map(|at| whole["targets"][at]["steps"][0]["object"].clone());
    assert_eq!(objects, ["public.orders_id", "public.orders_status"]);
    fleet.configure("[targets.shop.apply]\njobs = 0");
    let refused = fleet.run(&["plan", "--all-targets"]).expect(2);
    let said = "pgtend.toml: targets.shop: apply.jobs must be a number from 1 to 1000";
    assert!(refused.stderr.contains(said), "{refused}");
}

#[tokio::test]
async fn people_see_each_result_once_with_its_targets() {
    let fleet = Fleet::new(3).await;
    fleet.databases[2].sql(INDEX).await;
    let output = fleet.run(&["plan", "--target", "shop", "--target", "lost"]).expect(3);
    let [first, second, third] = [0, 1, 2].map(|at| fleet.name(at));
    assert!(
        output.stdout.starts_with(&format!("== 2 targets: {first}, {second}\n")),
        "{output}"
    );
    assert_eq!(output.stdout.matches("public.orders_status").count(), 1, "{output}");
    assert!(output.stderr.contains(&format!("== 1 target: {third}\n")), "{output}");
    assert!(output.stderr.contains("warning: lost: failed: cannot connect to "), "{output}");
    assert!(output.stderr.contains(&format!("{third}: nothing to do\n")), "{output}");
}

#[tokio::test]
async fn what_was_done_on_several_is_the_same_whatever_time_it_took() {
    let fleet = Fleet::new(3).await;
    fleet.databases[2]
        .sql("INSERT INTO orders SELECT n, 'new' FROM generate_series(1, 50000) n")
        .await;
    let output = fleet.run(&["apply", "--target", "shop"]).expect(0);
    let [first, second, third] = [0, 1, 2].map(|at| fleet.name(at));
    let wanted = format!(
        "== 3 targets: {first}, {second}, {third}\ndone: build index public.orders_status\n"
    );
    assert_eq!(output.stdout, wanted, "{output}");
}

#[tokio::test]
async fn a_lock_in_one_database_holds_up_no_other() {
    let fleet = Fleet::new(3).await;
    let writer = fleet.databases[1].writer("orders").await;
    let apply = ["apply", "--target", "shop", "--max-wait", "500ms", "--format", "json"];
    let output = fleet.run(&apply).expect(4);
    let [first, second, third] = [0, 1, 2].map(|at| fleet.name(at));
    let all =
        wanted(&[(first.clone(), "done"), (second.clone(), "failed"), (third.clone(), "done")]);
    assert_eq!(outcomes(&output), all, "{output}");
    for at in [0, 2] {
        fleet.databases[at].assert_whole("orders_status").await;
    }
    writer.release().await;
    let all = wanted(&[(first, "nothing_to_do"), (second, "done"), (third, "nothing_to_do")]);
    assert_eq!(outcomes(&fleet.run(&apply).expect(0)), all);
    fleet.databases[1].assert_whole("orders_status").await;
}

#[tokio::test]
async fn of_one_host_four_targets_are_worked_on_at_once() {
    let fleet = Fleet::new(6).await;
    let mut writers = Vec::new();
    for database in &fleet.databases {
        writers.push(database.writer("orders").await);
    }
    let names = fleet.databases.iter().map(|database| format!("'{}'", database.name));
    let names = names.collect::<Vec<_>>().join(", ");
    let busy = format!(
        "SELECT count(DISTINCT datname)::text FROM pg_stat_activity
         WHERE application_name = 'pgtend/apply' AND datname IN ({names})"
    );
    let waiting = format!("{busy} AND wait_event_type = 'Lock'");
    let all = ["apply", "--target", "shop", "--parallel-targets", "6"];
    let running = fleet.call(&all).start();
    while fleet.databases[0].value(&waiting).await != "4" {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(fleet.databases[0].value(&busy).await, "4");
    for writer in writers {
        writer.release().await;
    }
    running.wait().expect(0);
    for database in &fleet.databases {
        database.assert_whole("orders_status").await;
    }
}

#[tokio::test]
async fn after_so_many_failures_nothing_else_is_begun() {
    let fleet = Fleet::new(2).await;
    let stop = ["apply", "--all-targets", "--parallel-targets", "1", "--stop-after", "1"];
    let output = fleet.run(&[&stop[..], &["--format", "json"]].concat()).expect(3);
    let all = wanted(&[
        ("lost".to_owned(), "failed"),
        (fleet.name(0), "skipped"),
        (fleet.name(1), "skipped"),
        ("single".to_owned(), "skipped"),
    ]);
    assert_eq!(outcomes(&output), all, "{output}");
    assert!(fleet.databases[0].index("orders_status").await.is_none());
}

#[tokio::test]
async fn a_signal_cleans_up_on_all_targets() {
    let fleet = Fleet::new(2).await;
    let writers = [
        fleet.databases[0].writer("orders").await,
        fleet.databases[1].writer("orders").await,
    ];
    let running = fleet.call(&["apply", "--target", "shop", "--format", "json"]).start();
    for database in &fleet.databases {
        database.until_waiting("pgtend/apply").await;
    }
    running.signal("INT");
    let output = running.wait().expect(130);
    assert_eq!(document(&output)["outcome"], "cancelled", "{output}");
    for writer in writers {
        writer.release().await;
    }
    // What could not be dropped below the writers' locks is told of, and mended by the next run.
    for database in &fleet.databases {
        let left = database.index("orders_status").await.is_some();
        let told = output.stdout.matches("DROP INDEX CONCURRENTLY").count();
        assert!(!left || told > 0, "{output}");
    }
    fleet.run(&["apply", "--target", "shop"]).expect(0);
    for database in &fleet.databases {
        database.assert_whole("orders_status").await;
    }
}

#[tokio::test]
async fn what_leads_nowhere_or_goes_with_one_target_only_is_refused() {
    let fleet = Fleet::new(1).await;
    fleet.configure("exclude = \"*\"");
    for (arguments, said) in [
        (
            &["plan", "--target", "shop"][..],
            "shop: failed: no database of the server matches",
        ),
        (&["plan", "--target", "erp*"], "there is no target erp*"),
        (&["plan", "--target", "single", "--target", "erp"], "there is no target erp"),
        (&["verify", "--all-targets", "."], "verify goes with one target only"),
        (
            &["apply", "--all-targets", "--format", "json", "--events"],
            "--events goes with one",
        ),
        (
            &["slow-queries", "--all-targets", "--format", "csv"],
            "--format csv goes with one",
        ),
        (&["plan", "--all-targets", "--target", "single"], "cannot be used with"),
    ] {
        let output = fleet.run(arguments).expect(2);
        assert!(output.stderr.contains(said), "{output}");
    }
    let unset = Pgtend::new(&["plan", "--target", "single", "--target", "lost"]);
    let config = fleet.folder.path().join("pgtend.toml");
    let unset = unset.env("PGTEND_CONFIG", config.to_str().unwrap()).run().expect(3);
    assert!(unset.stderr.contains("variable SINGLE (url_env) is not set"), "{unset}");
}
