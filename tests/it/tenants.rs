//! One declaration for many schemas.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::support::command::Pgtend;
use crate::support::{Database, Output, until};

const DECLARED: &str = "CREATE INDEX orders_status ON orders (status);";

/// A database whose schemas of these names have a table of orders.
async fn tenants(schemas: &[&str]) -> Database {
    let db = Database::new().await;
    let made = schemas.iter().map(|schema| {
        format!(
            "CREATE SCHEMA {schema};
             CREATE TABLE {schema}.orders (id int, status text, placed_on date);
             INSERT INTO {schema}.orders SELECT n, 'new' FROM generate_series(1, 10) n;"
        )
    });
    db.sql(&made.collect::<String>()).await;
    db
}

fn document(output: &Output) -> Value {
    output.assert_published();
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{output}"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Schema and outcome of each member, as `a=done b=failed`.
fn outcomes(output: &Output) -> String {
    let document = document(output);
    let targets = document["targets"].as_array().unwrap();
    let told = targets.iter().map(|one| {
        let (target, schema) = (text(&one["target"]), text(&one["schema"]));
        assert!(target.ends_with(&format!("/{schema}")) && !schema.is_empty(), "{one}");
        format!("{schema}={}", text(&one["outcome"]))
    });
    told.collect::<Vec<_>>().join(" ")
}

/// The schemas that have a whole index of that name.
async fn with_index(db: &Database, name: &str) -> String {
    db.value(&format!(
        "SELECT coalesce(string_agg(n.nspname, ' ' ORDER BY n.nspname), '') FROM pg_index i
         JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relname = '{name}' AND i.indisvalid"
    ))
    .await
}

fn run(db: &Database, command: &str, more: &[&str]) -> Output {
    db.pgtend(&[&[command, "--for-schema", "tenant_*"], more].concat())
}

#[tokio::test]
async fn each_schema_is_made_as_declared_and_one_that_lacks_the_table_is_told_of() {
    let db = tenants(&["tenant_1", "tenant_2", "other"]).await;
    // A table of that name where the search path leads is another one.
    db.sql("CREATE SCHEMA tenant_3; CREATE TABLE public.orders (status text)").await;
    let file = db.declare(DECLARED);
    let json = ["--format", "json", file.as_str()];
    let planned = run(&db, "plan", &json).expect(0);
    assert_eq!(outcomes(&planned), "tenant_1=planned tenant_2=planned tenant_3=planned");
    let whole = document(&planned);
    let target = format!("{}/tenant_1", db.name);
    assert_eq!(text(&whole["targets"][0]["target"]), target, "{planned}");
    assert_eq!(text(&whole["targets"][0]["database"]), db.name, "{planned}");
    let step = &whole["targets"][0]["steps"][0];
    assert_eq!(text(&step["object"]), "tenant_1.orders_status", "{planned}");

    let applied = run(&db, "apply", &json).expect(4);
    assert_eq!(outcomes(&applied), "tenant_1=done tenant_2=done tenant_3=failed");
    let reason = text(&document(&applied)["targets"][2]["steps"][0]["reason"]);
    assert!(reason.contains("tenant_3.orders"), "{applied}");
    assert_eq!(with_index(&db, "orders_status").await, "tenant_1 tenant_2");

    db.sql("CREATE TABLE tenant_3.orders (id int, status text)").await;
    let applied = run(&db, "apply", &json).expect(0);
    assert_eq!(
        outcomes(&applied),
        "tenant_1=nothing_to_do tenant_2=nothing_to_do tenant_3=done"
    );
    let again = run(&db, "apply", &json).expect(0);
    assert_eq!(text(&document(&again)["outcome"]), "nothing_to_do", "{again}");
    run(&db, "plan", &["--check", &file]).expect(0);
}

#[tokio::test]
async fn people_see_one_result_of_schemas_that_share_it() {
    let names = (0..40).map(|number| format!("tenant_{number}")).collect::<Vec<_>>();
    let db = tenants(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    db.sql("INSERT INTO tenant_7.orders SELECT n, 'x' FROM generate_series(1, 9000) n")
        .await;
    let file = db.declare("CREATE INDEX orders_status ON orders (status); ANALYZE orders;");
    let planned = run(&db, "plan", &[&file]).expect(0);
    assert!(planned.stdout.starts_with("== 40 schemas: "), "{planned}");
    assert_eq!(planned.stdout.matches("orders_status").count(), 1, "{planned}");
    assert!(planned.stdout.contains(" and 30 more\n"), "{planned}");
    let running = db.start(&["apply", "--for-schema", "tenant_*", &file]);
    let most = AtomicU32::new(0);
    let count = "SELECT count(*) FROM pg_stat_activity
                 WHERE application_name = 'pgtend/apply' AND datname = current_database()";
    until("all have their index", || async {
        most.fetch_max(db.value(count).await.parse().unwrap(), Ordering::Relaxed);
        with_index(&db, "orders_status").await.split(' ').count() == 40
    })
    .await;
    let applied = running.wait().expect(0);
    // As many as one run has: readers, a builder, and the one that holds the lock.
    let most = most.into_inner();
    assert!((1..=10).contains(&most), "{most}");
    let wanted = "done: build index orders_status\ndone: analyze orders\n";
    let (head, rest) = applied.stdout.split_once('\n').unwrap();
    assert!(head.starts_with("== 40 schemas: ") && rest == wanted, "{applied}");
}

#[tokio::test]
async fn a_lock_in_one_schema_fails_that_one_only() {
    let db = tenants(&["tenant_1", "tenant_2", "tenant_3"]).await;
    let file = db.declare(DECLARED);
    let writer = db.writer("tenant_2.orders").await;
    let more = ["--max-wait", "500ms", "--format", "json", &file];
    let applied = run(&db, "apply", &more).expect(4);
    assert_eq!(outcomes(&applied), "tenant_1=done tenant_2=failed tenant_3=done");
    writer.release().await;
    let applied = run(&db, "apply", &more).expect(0);
    assert_eq!(
        outcomes(&applied),
        "tenant_1=nothing_to_do tenant_2=done tenant_3=nothing_to_do"
    );
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn the_lock_of_apply_is_held_for_all_schemas_and_only_waited_for_once() {
    let db = tenants(&["tenant_1", "tenant_2", "tenant_3"]).await;
    let file = db.declare(DECLARED);
    let writer = db.writer("tenant_2.orders").await;
    let running = db.start(&["apply", "--for-schema", "tenant_*", &file]);
    db.until_waiting("pgtend/apply").await;
    let began = std::time::Instant::now();
    let other = run(&db, "apply", &["--wait", "4s", "--format", "json", &file]).expect(5);
    assert_eq!(outcomes(&other), "tenant_1=busy tenant_2=busy tenant_3=busy");
    let took = began.elapsed().as_secs();
    assert!((4..8).contains(&took), "{took}");
    writer.release().await;
    running.wait().expect(0);
    assert_eq!(with_index(&db, "orders_status").await, "tenant_1 tenant_2 tenant_3");
}

#[tokio::test]
async fn two_databases_have_two_schemas_each() {
    let (one, other) = (
        tenants(&["tenant_1", "tenant_2"]).await,
        tenants(&["tenant_1", "tenant_3"]).await,
    );
    let folder = tempfile::tempdir().unwrap();
    let mut config = format!("[targets.shop]\nurl = \"{}\"\n", one.url_as("postgres"));
    writeln!(config, "databases = [{:?}, {:?}]", one.name, other.name).unwrap();
    let file = folder.path().join("pgtend.toml");
    std::fs::write(&file, config).unwrap();
    let call =
        |words: &[&str]| Pgtend::new(words).env("PGTEND_CONFIG", file.to_str().unwrap()).run();
    let declared = one.declare(DECLARED);
    let all = ["apply", "--target", "shop/*", "--for-schema", "tenant_*", "--format", "json"];
    let applied = call(&[&all[..], &[&declared]].concat()).expect(0);
    let targets = document(&applied)["targets"].clone();
    let told = targets.as_array().unwrap().iter();
    let told = told.map(|it| (text(&it["target"]), text(&it["outcome"])));
    let mut wanted = BTreeMap::new();
    for (db, schemas) in [(&one, ["tenant_1", "tenant_2"]), (&other, ["tenant_1", "tenant_3"])] {
        for schema in schemas {
            wanted.insert(format!("shop/{}/{schema}", db.name), "done".to_owned());
        }
        assert_eq!(with_index(db, "orders_status").await, schemas.join(" "));
    }
    assert_eq!(told.collect::<BTreeMap<_, _>>(), wanted, "{applied}");

    // A pattern may match in one of them; a database with none of its own is told of.
    let some = [
        "plan",
        "--target",
        "shop",
        "--for-schema",
        "tenant_3",
        "--format",
        "json",
        &declared,
    ];
    let planned = call(&some).expect(2);
    let by_outcome = document(&planned)["targets"].clone();
    let failed = by_outcome.as_array().unwrap().iter().find(|it| it["outcome"] == "failed");
    let failed = failed.unwrap_or_else(|| panic!("{planned}"));
    assert_eq!(text(&failed["target"]), format!("shop/{}", one.name), "{planned}");
    let message = text(&failed["error"]["message"]);
    assert!(message.contains("--for-schema tenant_3: no schema matches"), "{planned}");
}

#[tokio::test]
async fn a_pattern_without_a_schema_and_what_names_its_schema_are_refused() {
    let db = tenants(&["tenant_1", "acme"]).await;
    let file =
        db.declare("CREATE INDEX a ON orders (id);\nCREATE INDEX b ON acme.orders (id);\nVACUUM;");
    let refused = run(&db, "plan", &[&file]).expect(2);
    for said in [
        "declared.sql:2: acme.orders names its schema; --for-schema applies",
        "declared.sql:3: VACUUM without a table is about the whole database",
    ] {
        assert!(refused.stderr.contains(said), "{refused}");
    }
    let good = db.declare(DECLARED);
    for (glob, said) in [
        ("tenent_*", "did you mean tenant_1?"),
        ("pg_catalog", "no schema matches"),
        ("information_schema", "no schema matches"),
        ("pg_t*", "no schema matches"),
        ("a***", "--for-schema a***: "),
    ] {
        let refused = db.pgtend(&["apply", "--for-schema", glob, &good]).expect(2);
        assert!(refused.stderr.contains(said) && refused.stdout.is_empty(), "{refused}");
    }
    let all = db.pgtend(&["plan", "--for-schema", "*", "--format", "json", &good]).expect(0);
    assert_eq!(outcomes(&all), "acme=planned public=planned tenant_1=planned");
    let events = run(&db, "apply", &["--format", "json", "--events", &good]).expect(2);
    assert!(events.stderr.contains("--events goes with one target only"), "{events}");
    let url = "host=/nowhere dbname=x";
    let down = Pgtend::new(&["plan", "-d", url, "--for-schema", "a", "--format", "json", &good]);
    down.run().expect(3).came_to("failed");
}

#[tokio::test]
async fn hostile_names_of_schemas_are_names() {
    let db = Database::new().await;
    let hostile = ["We;ird", "it's \"quoted\"", "a.b", "a, public", "new\nline", "*", "$user"];
    for schema in hostile {
        let quoted = format!("\"{}\"", schema.replace('"', "\"\""));
        db.sql(&format!("CREATE SCHEMA {quoted}; CREATE TABLE {quoted}.orders (status text)"))
            .await;
    }
    let file = db.declare(
        "CREATE INDEX orders_status ON orders (status);
         CREATE MATERIALIZED VIEW statuses AS SELECT DISTINCT status FROM orders;",
    );
    let globs = hostile
        .map(|schema| ["--for-schema".to_owned(), glob::Pattern::escape(schema)])
        .concat();
    let globs = globs.iter().map(String::as_str).collect::<Vec<_>>();
    let call = |command| db.pgtend(&[&[command, "--format", "json", &file], &globs[..]].concat());
    // PostgreSQL takes it for the role's name wherever a path names it.
    let applied = call("apply").expect(3);
    let targets = document(&applied)["targets"].clone();
    for target in targets.as_array().unwrap() {
        let (schema, outcome) = (text(&target["schema"]), text(&target["outcome"]));
        let wanted = if schema == "$user" { "failed" } else { "done" };
        assert_eq!(outcome, wanted, "{schema}: {applied}");
    }
    let made = db.value(
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relname IN ('orders_status', 'statuses') AND n.nspname <> 'public'",
    );
    assert_eq!(made.await, "12");
    let kept = db.value("SELECT count(*) FROM pg_class WHERE relname = 'statuses' AND relnamespace = 'public'::regnamespace");
    assert_eq!(kept.await, "0");
    let shown = db.pgtend(&[&["plan", "-v", &file], &globs[..]].concat()).expect(3);
    assert!(
        !shown.stdout.contains("new\nline") && !shown.stderr.contains("new\nline"),
        "{shown}"
    );
}

#[tokio::test]
async fn what_is_not_declared_or_not_whole_is_told_of_in_its_schema_only() {
    let db = tenants(&["tenant_1", "tenant_2"]).await;
    db.sql(
        "CREATE INDEX extra ON tenant_1.orders (id);
         CREATE INDEX orders_status ON tenant_1.orders (status);
         CREATE INDEX orders_status ON tenant_2.orders (id)",
    )
    .await;
    let broken = "CREATE INDEX CONCURRENTLY broken ON tenant_2.orders (placed_on)";
    db.leave_unfilled("tenant_2.orders", broken).await;
    let file = db.declare(DECLARED);
    let planned =
        run(&db, "plan", &["--undeclared", "--check", "--format", "json", &file]).expect(1);
    let targets = document(&planned)["targets"].clone();
    let listed = |at: usize| {
        let all = targets[at]["undeclared"].as_array().unwrap();
        all.iter().map(|one| text(&one["object"])).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(listed(0), "tenant_1.extra", "{planned}");
    assert_eq!(listed(1), "tenant_2.broken", "{planned}");
    let warned = |at: usize| targets[at]["warnings"].to_string();
    assert!(
        !warned(0).contains("broken") && warned(1).contains("tenant_2.broken"),
        "{planned}"
    );
    // Drift is that of its schema.
    assert_eq!(targets[0]["steps"][0]["verdict"], "as_declared", "{planned}");
    assert_eq!(targets[1]["steps"][0]["verdict"], "refused", "{planned}");
    run(&db, "apply", &["--replace", "--format", "json", &file]).expect(0);
    let path = db.path("drops.sql").display().to_string();
    let drops = ["--undeclared", "--write-drops", &path, &file];
    let refused = run(&db, "plan", &drops).expect(2);
    assert!(refused.stderr.contains("--write-drops goes with one target only"), "{refused}");
}

#[tokio::test]
async fn views_are_refreshed_in_each_schema_and_the_history_knows_them_apart() {
    let db = tenants(&["tenant_1", "tenant_2"]).await;
    db.pgtend(&["init"]).expect(0);
    let file = db.declare(
        "CREATE MATERIALIZED VIEW totals AS SELECT status, count(*) AS n FROM orders GROUP BY status;
         CREATE UNIQUE INDEX ON totals (status);",
    );
    run(&db, "apply", &[&file]).expect(0);
    db.sql(
        "CREATE MATERIALIZED VIEW public.totals AS SELECT 1 AS a;
         INSERT INTO tenant_2.orders VALUES (1, 'old')",
    )
    .await;
    // A session tells of its writes when it has been idle for a second; what is told of later has changed later.
    until("the write is counted", || async {
        let sql =
            "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relid = 'tenant_2.orders'::regclass";
        db.value(sql).await == "11"
    })
    .await;
    let refreshed = run(&db, "refresh", &["totals", "--format", "json"]).expect(0);
    assert_eq!(outcomes(&refreshed), "tenant_1=done tenant_2=done");
    let whole = document(&refreshed);
    let objects = whole["targets"].as_array().unwrap().iter().map(|it| {
        assert_eq!(it["steps"].as_array().unwrap().len(), 1, "{refreshed}");
        text(&it["steps"][0]["object"])
    });
    assert_eq!(objects.collect::<Vec<_>>(), ["tenant_1.totals", "tenant_2.totals"]);
    assert_eq!(db.value("SELECT count(*) FROM tenant_2.totals").await, "2");
    let all = run(&db, "refresh", &["--all", "--if-changed", "--format", "json"]).expect(0);
    assert_eq!(outcomes(&all), "tenant_1=nothing_to_do tenant_2=nothing_to_do");
    let history = db.pgtend(&["history", "--object", "tenant_2.*", "--format", "json"]).expect(0);
    let knows = |object: &str| history.stdout.contains(object);
    assert!(knows("\"tenant_2.totals\"") && !knows("tenant_1.totals"), "{history}");
    let refused = run(&db, "refresh", &["public.totals"]).expect(2);
    assert!(refused.stderr.contains("public.totals names its schema"), "{refused}");
    let lost = run(&db, "refresh", &["tota"]).expect(2);
    assert!(lost.stderr.contains("did you mean tenant_1.totals?"), "{lost}");
    let unnamed = run(&db, "refresh", &[]).expect(2);
    assert!(unnamed.stderr.contains("no materialized view is named"), "{unnamed}");
}

#[tokio::test]
async fn extensions_are_found_behind_the_schema_and_a_schema_without_usage_is_told_of() {
    let db = tenants(&["tenant_1", "tenant_2"]).await;
    db.sql("CREATE EXTENSION pg_trgm SCHEMA public").await;
    let file = db.declare("CREATE INDEX orders_words ON orders USING gin (status gin_trgm_ops);");
    run(&db, "apply", &[&file]).expect(0);
    assert_eq!(with_index(&db, "orders_words").await, "tenant_1 tenant_2");
    let role = db.role("keeper").await;
    db.sql(&format!("GRANT USAGE ON SCHEMA tenant_1 TO {role}")).await;
    let words = ["plan", "--for-schema", "tenant_*", "--format", "json", &file];
    let planned = db.pgtend_as(&role, &words).expect(3);
    assert_eq!(outcomes(&planned), "tenant_1=nothing_to_do tenant_2=failed");
    let hint = text(&document(&planned)["targets"][1]["error"]["hint"]);
    assert!(hint.starts_with("GRANT USAGE ON SCHEMA tenant_2 TO "), "{planned}");
}

#[tokio::test]
async fn a_time_limit_is_that_of_the_whole_run_and_a_signal_ends_it() {
    let db = tenants(&["tenant_1", "tenant_2", "tenant_3"]).await;
    let file = db.declare(DECLARED);
    let writer = db.writer("tenant_1.orders").await;
    let limited = run(&db, "apply", &["--time-limit", "1s", "--format", "json", &file]);
    assert_eq!(with_index(&db, "orders_status").await, "", "{limited}");
    let running = db.start(&["apply", "--for-schema", "tenant_*", "--format", "json", &file]);
    db.until_waiting("pgtend/apply").await;
    running.signal("INT");
    let cancelled = running.wait().expect(130);
    assert_eq!(outcomes(&cancelled), "tenant_1=cancelled tenant_2=skipped tenant_3=skipped");
    writer.release().await;
    run(&db, "apply", &[&file]).expect(0);
    assert_eq!(with_index(&db, "orders_status").await, "tenant_1 tenant_2 tenant_3");
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn a_connection_that_is_lost_in_one_schema_is_made_anew_for_the_next() {
    let db = tenants(&["tenant_1", "tenant_2"]).await;
    let file = db.declare(DECLARED);
    let writer = db.writer("tenant_1.orders").await;
    let running = db.start(&["apply", "--for-schema", "tenant_*", "--format", "json", &file]);
    db.until_waiting("pgtend/apply").await;
    db.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'pgtend/apply' AND datname = current_database()",
    )
    .await;
    writer.release().await;
    running.wait().expect(0);
    assert_eq!(with_index(&db, "orders_status").await, "tenant_1 tenant_2");
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn standard_input_is_read_once_for_all() {
    let db = tenants(&["tenant_1", "tenant_2"]).await;
    let program = env!("CARGO_BIN_EXE_pgtend");
    let line = format!("echo '{DECLARED}' | {program} apply --for-schema 'tenant_*' -");
    Pgtend::in_shell(&line)
        .env("DATABASE_URL", &db.url_as("postgres"))
        .run()
        .expect(0);
    assert_eq!(with_index(&db, "orders_status").await, "tenant_1 tenant_2");
}
