//! `pgtend prove`: what an index does, measured on a copy.

use std::time::Duration;

use serde_json::Value;

use crate::support::document::Document;
use crate::support::{Database, Pgtend};
use crate::twin::production;

const BY_ZIP: &str = "SELECT * FROM orders WHERE zip = 'z170' ORDER BY placed_at DESC LIMIT 5";
const ON_ZIP: &str = "CREATE INDEX orders_zip ON orders (zip)";

fn prove(db: &Database, arguments: &[&str]) -> (Document, crate::support::Output) {
    let output = db.pgtend(&[&["prove", "--format", "json"], arguments].concat());
    (output.json(), output)
}

fn number(of: &Value, key: &str) -> f64 {
    of[key].as_f64().unwrap_or_else(|| panic!("{key}: {of}"))
}

#[tokio::test]
async fn a_good_index_is_better_and_a_useless_one_has_no_effect() {
    let db = production().await;
    let before = db
        .value("SELECT count(*)::text || sum(hashtext(o::text)) FROM orders AS o")
        .await;
    let useless = "CREATE INDEX orders_total ON orders (total)";
    let (document, output) =
        prove(&db, &["--sql", BY_ZIP, "--add", ON_ZIP, "--add", useless, "--check"]);
    assert_eq!(output.code, 1, "{output}");
    let [zip, total] = document.proofs.as_slice() else {
        panic!("{output}")
    };
    assert_eq!(zip["verdict"], "better", "{output}");
    assert_eq!(zip["rung"], "measured_on_copy");
    assert_eq!(zip["object"], "public.orders_zip");
    assert_eq!(zip["on"], "public.orders");
    assert!(number(zip, "size_bytes") > 100_000.0, "{zip}");
    let statement = &zip["statements"][0];
    assert_eq!(statement["query"], BY_ZIP);
    assert!(number(statement, "ms_after") < number(statement, "ms_before"), "{statement}");
    let pages = ["buffers_after", "buffers_before"].map(|key| number(statement, key));
    assert!(pages[0] * 3.0 < pages[1], "{statement}");
    assert_eq!(total["verdict"], "no_effect", "{output}");
    let after = db
        .value("SELECT count(*)::text || sum(hashtext(o::text)) FROM orders AS o")
        .await;
    assert_eq!(before, after);
    assert!(!db.index_names("orders").await.contains("orders_zip"), "nothing is built");

    let (_, output) = prove(&db, &["--sql", BY_ZIP, "--add", ON_ZIP, "--check"]);
    assert_eq!(output.code, 0, "{output}");
}

#[tokio::test]
async fn values_of_parameters_are_those_of_their_columns() {
    let db = production().await;
    db.sql("SELECT pg_stat_statements_reset()").await;
    let client = db.session().await;
    client.query("SELECT * FROM orders WHERE zip = $1", &[&"z170"]).await.unwrap();
    client.query("SELECT * FROM events WHERE id = 777", &[]).await.unwrap();
    client
        .query("SELECT count(*) FROM customers WHERE upper(name) = $1", &[&"X"])
        .await
        .unwrap();
    client.query("INSERT INTO empty_table VALUES ($1, 'x')", &[&1]).await.unwrap();
    let file = db.declare_as(
        "advice.sql",
        &format!(
            "{ON_ZIP}; CREATE INDEX events_id ON events (id);
             CREATE INDEX customers_upper ON customers (upper(name));"
        ),
    );
    let (document, output) = prove(&db, &["--advice", &file]);
    assert_eq!(output.code, 0, "{output}");
    for proof in &document.proofs {
        assert_eq!(proof["verdict"], "better", "{output}");
        assert!(proof["statements"][0]["queryid"].is_i64(), "{proof}");
    }
    let refused = document.warnings.iter().filter(|warning| warning.rule == "not-judged");
    let mut reasons = refused.map(|warning| warning.message.as_str());
    assert!(reasons.any(|reason| reason.contains("a value for $1")), "{output}");
}

#[tokio::test]
async fn statements_that_write_change_nothing_and_show_what_an_index_costs() {
    let db = production().await;
    let update = "UPDATE orders SET city = 'elsewhere' WHERE id BETWEEN 1000 AND 3000";
    let (document, output) =
        prove(&db, &["--sql", update, "--add", "CREATE INDEX ON orders (city, zip, note)"]);
    let statement = &document.proofs[0]["statements"][0];
    let wal = ["wal_bytes_before", "wal_bytes_after"].map(|key| number(statement, key));
    assert!(wal[1] > wal[0] * 1.1, "{output}");
    assert!(
        number(statement, "buffers_after") > number(statement, "buffers_before"),
        "{output}"
    );
    assert_eq!(
        db.value("SELECT count(*)::text FROM orders WHERE city = 'elsewhere'").await,
        "0"
    );
}

#[tokio::test]
async fn a_table_beyond_the_limit_is_sampled_and_said_so() {
    let db = production().await;
    let (document, output) = prove(&db, &["--sql", BY_ZIP, "--add", ON_ZIP, "--max-copy", "2MB"]);
    assert_eq!(output.code, 0, "{output}");
    assert_eq!(document.proofs[0]["rung"], "measured_on_sample", "{output}");
    assert!(document.warnings.iter().any(|warning| warning.rule == "sampled"), "{output}");
    assert!(document.copied_bytes.unwrap() <= 2 << 20, "{output}");
}

/// Two tables that a small copy does not hold, joined by a column whose values are all over the other.
const FAMILIES: &str = "
CREATE TABLE parents (id bigint PRIMARY KEY, name text);
INSERT INTO parents SELECT n, repeat(md5(n::text), 3) FROM generate_series(1, 20000) AS n;
CREATE TABLE children (id int PRIMARY KEY, parent_id int, amount int, note text);
INSERT INTO children
SELECT n, n * 7919 % 20000 + 1, n % 100, repeat(md5(n::text), 3) FROM generate_series(1, 60000) AS n;
VACUUM ANALYZE parents, children;";

#[tokio::test]
async fn a_join_of_sampled_tables_finds_its_rows() {
    let db = Database::new().await;
    for sql in FAMILIES.split_inclusive(';') {
        db.sql(sql).await;
    }
    let (document, output) = prove(
        &db,
        &[
            "--sql",
            "SELECT id FROM children WHERE amount = 7",
            "--sql",
            "SELECT c.id, p.name FROM children AS c JOIN parents AS p ON p.id = c.parent_id WHERE c.amount = 7",
            "--add",
            "CREATE INDEX ON children (amount)",
            "--max-copy",
            "1MB",
        ],
    );
    let [alone, joined] = document.proofs[0]["statements"].as_array().unwrap().as_slice() else {
        panic!("{output}")
    };
    assert!(number(alone, "rows") > 5.0, "{output}");
    assert_eq!(alone["rows"], joined["rows"], "each child has its parent: {output}");
    let sampled = document.warnings.iter().filter(|warning| warning.rule == "sampled");
    let told = sampled
        .map(|warning| (warning.object.as_str(), warning.message.contains("belong to those of")))
        .collect::<Vec<_>>();
    assert_eq!(told, [("public.parents", false), ("public.children", true)], "{output}");
    assert!(document.copied_bytes.unwrap() <= 1 << 20, "{output}");
}

#[tokio::test]
async fn statements_of_a_saved_twin_are_executed_on_rows_of_the_database() {
    let db = production().await;
    let file = db.path("saved.twin");
    let file = file.to_str().unwrap();
    let (document, output) = prove(&db, &["--sql", BY_ZIP, "--add", ON_ZIP, "--save-twin", file]);
    assert_eq!(document.proofs[0]["verdict"], "better", "{output}");
    let planned = Pgtend::new(&["what-if", "--twin", file, "--add", ON_ZIP, "--format", "json"]);
    let planned = planned.run().expect(0).json();
    assert_eq!(planned.statements[0]["query"], BY_ZIP);
    let (document, output) = prove(&db, &["--twin", file, "--add", ON_ZIP]);
    assert_eq!(document.proofs[0]["verdict"], "better", "{output}");
    assert_eq!(document.proofs[0]["statements"][0]["query"], BY_ZIP, "{output}");
    let output = db
        .pgtend(&["prove", "--twin", file, "--sql", BY_ZIP, "--add", ON_ZIP])
        .expect(2);
    assert!(output.stderr.contains("--twin"), "{output}");
}

#[tokio::test]
async fn who_may_not_read_the_rows_is_told_the_grant() {
    let db = production().await;
    let role = db.role("reader").await;
    db.sql(&format!("GRANT SELECT ON customers TO {role}")).await;
    let arguments = [
        "prove",
        "--format",
        "json",
        "--sql",
        BY_ZIP,
        "--sql",
        "SELECT * FROM customers WHERE name = 'Name 9'",
        "--add",
        "CREATE INDEX ON customers (name)",
    ];
    let output = db.pgtend_as(&role, &arguments).expect(0);
    let document: Document = output.json();
    let refused = document.warnings.iter().find(|warning| warning.rule == "not-judged");
    assert!(refused.unwrap().message.contains("GRANT SELECT ON public.orders"), "{output}");
    assert_eq!(document.proofs[0]["verdict"], "better", "{output}");
    db.sql(&format!("REVOKE SELECT ON customers FROM {role}")).await;
    let output = db.pgtend_as(&role, &arguments).expect(3);
    assert!(output.stdout.contains("GRANT pg_read_all_data TO"), "{output}");
}

#[tokio::test]
async fn a_materialized_view_is_copied_as_it_stands() {
    let db = production().await;
    db.sql("CREATE MATERIALIZED VIEW by_zip AS SELECT zip, id AS number FROM orders")
        .await;
    db.sql("VACUUM ANALYZE by_zip").await;
    let arguments = [
        "--sql",
        "SELECT number FROM by_zip WHERE zip = 'z170'",
        "--add",
        "CREATE INDEX ON by_zip (zip)",
    ];
    let (document, output) = prove(&db, &arguments);
    assert_eq!(document.proofs[0]["verdict"], "better", "{output}");
    let rows = db.value("SELECT count(*)::text FROM by_zip WHERE zip = 'z170'").await;
    let read = number(&document.proofs[0]["statements"][0], "rows");
    assert_eq!(read, rows.parse::<f64>().unwrap());
    let client = db.session().await;
    client
        .batch_execute("BEGIN; PREPARE look AS SELECT FROM ONLY by_zip")
        .await
        .unwrap();
    let locks = "SELECT count(*) FROM pg_locks WHERE relation = 'by_zip'::regclass AND mode = 'AccessShareLock'";
    assert_eq!(db.value(&format!("SELECT ({locks})::text")).await, "1", "it keeps its lock");
    client.batch_execute("ROLLBACK").await.unwrap();

    let owner = db.role("owner").await;
    db.sql(&format!("ALTER MATERIALIZED VIEW by_zip OWNER TO {owner}")).await;
    let (document, output) = prove(&db, &arguments);
    assert_eq!(output.code, 3, "{output}");
    assert!(document.error.unwrap().message.contains("connect as the owner"), "{output}");
}

/// A function that would do harm, and the column that calls it.
const TRAP: &str = "
CREATE FUNCTION harm() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE LOG 'sprung: %', current_user;
  EXECUTE 'COPY (SELECT 1) TO PROGRAM ''touch FILE''';
EXCEPTION WHEN OTHERS THEN
  NULL;
END $$;
CREATE FUNCTION trap(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
  PERFORM public.harm();
  RETURN pg_catalog.upper($1);
END $$;
CREATE TABLE bait (id int PRIMARY KEY, name text, loud text GENERATED ALWAYS AS (trap(name)) STORED,
  CHECK (trap(name) IS NOT NULL));
INSERT INTO bait SELECT n, 'n' || n FROM generate_series(1, 3000) AS n;
CREATE INDEX bait_trap ON bait (trap(name));
ANALYZE bait;";

#[tokio::test]
async fn functions_of_others_have_no_rights_on_the_copy() {
    let db = production().await;
    let mallory = db.role("mallory").await;
    db.sql(&format!("GRANT CREATE ON SCHEMA public TO {mallory}")).await;
    let mark = db.path("sprung");
    let trap = TRAP.replace("FILE", mark.to_str().unwrap());
    db.session_as(&mallory).await.batch_execute(&trap).await.unwrap();
    let (document, output) = prove(
        &db,
        &[
            "--sql",
            "SELECT * FROM bait WHERE trap(name) = 'N7'",
            "--sql",
            "SELECT id FROM bait WHERE name = 'n9'",
            "--sql",
            "SELECT id FROM bait WHERE loud = 'N9'",
            "--add",
            "CREATE INDEX ON bait (name)",
            "--add",
            "CREATE INDEX ON bait (loud)",
        ],
    );
    assert_eq!(document.proofs[0]["verdict"], "better", "{output}");
    assert_eq!(document.proofs[1]["verdict"], "better", "{output}");
    assert!(!mark.exists(), "{output}");
    let log = std::fs::read(&db.server.log_path).unwrap();
    let log = String::from_utf8_lossy(&log);
    let sprung = log
        .lines()
        .filter(|line| line.contains("app=pgtend/prove") && line.contains("sprung"));
    assert_eq!(sprung.count(), 0, "nothing of others runs in production");
}

/// The planner computes `always(1)` whenever a query reads the table.
const PLANNED: &str = "
CREATE FUNCTION public.spring() RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    IF current_user <> 'MALLORY' THEN RAISE LOG 'sprung as %', current_user; END IF;
  END $$;
CREATE FUNCTION public.always(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
  BEGIN PERFORM public.spring(); RETURN $1; END $$;
CREATE TABLE public.bait (id int PRIMARY KEY, name text);
INSERT INTO public.bait SELECT n, repeat(md5(n::text), 4) FROM generate_series(1, 20000) AS n;
CREATE INDEX bait_some ON public.bait (name) WHERE id > public.always(1);
ANALYZE public.bait;";

#[tokio::test]
async fn a_table_whose_plan_runs_code_of_others_is_not_planned_on() {
    let db = Database::new().await;
    let mallory = db.role("mallory").await;
    db.sql(&format!("GRANT CREATE ON SCHEMA public TO {mallory}")).await;
    let trap = PLANNED.replace("MALLORY", &mallory);
    db.session_as(&mallory).await.batch_execute(&trap).await.unwrap();
    let sprung = || {
        let log = std::fs::read(&db.server.log_path).unwrap();
        let log = String::from_utf8_lossy(&log);
        let of_this = format!("db={}", db.name);
        let lines = log.lines().filter(|line| line.contains(&of_this));
        lines.filter(|line| line.contains("LOG:  sprung as")).count()
    };
    db.sql("SELECT count(*) FROM public.bait").await;
    assert_eq!(sprung(), 1, "the trap springs");

    let beyond = "SELECT * FROM public.bait WHERE id > 19990";
    let output = db.pgtend(&["what-if", "--format", "json", beyond]).expect(0);
    let reason = format!("which belongs to {mallory}: connect as {mallory}");
    assert!(output.json().warnings.iter().any(|it| it.message.contains(&reason)), "{output}");

    let call = ["--sql", beyond, "--add", "CREATE INDEX ON public.bait (name)"];
    let (document, output) = prove(&db, &call);
    assert_eq!(document.proofs[0]["rung"], "measured_on_copy", "{output}");
    let (_, output) = prove(&db, &[&call[..], &["--max-copy", "1MB"]].concat());
    assert_eq!(output.code, 3, "{output}");
    assert!(output.stdout.contains(&reason), "{output}");
    assert_eq!(sprung(), 1, "nothing of others runs in production");
}

#[tokio::test]
async fn ctrl_c_leaves_no_server_and_no_folder() {
    let db = production().await;
    let folder = tempfile::Builder::new().prefix("p").tempdir_in("/tmp").unwrap();
    let url = db.url_as("postgres");
    for words in ["Copying to", "Measuring"] {
        let mut running =
            Pgtend::new(&["prove", "-d", &url, "--sql", BY_ZIP, "--add", ON_ZIP, "--runs", "1000"])
                .env("TMPDIR", folder.path().to_str().unwrap())
                .start();
        running.until_it_says(words).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        running.signal("INT");
        running.wait().expect(130);
        let left = std::fs::read_dir(folder.path()).unwrap();
        let left = left.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
        assert!(left.is_empty(), "{words}: {left:?}");
    }
}

#[tokio::test]
async fn who_waits_for_the_table_is_let_by() {
    let db = production().await;
    // Reading takes long enough for somebody to come.
    db.sql(
        "CREATE TABLE slow (id int, filler text);
         INSERT INTO slow SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 400000) AS n;
         ANALYZE slow;",
    )
    .await;
    let mut running = db.start(&[
        "prove",
        "--sql",
        "SELECT * FROM slow WHERE id = 5",
        "--add",
        "CREATE INDEX ON slow (id)",
    ]);
    running.until_it_says("Copying to").await;
    crate::support::until("it reads the table", || async {
        let held =
            "SELECT count(*)::text FROM pg_locks WHERE relation = 'slow'::regclass AND granted";
        db.value(held).await != "0"
    })
    .await;
    let altered = db.send("ALTER TABLE slow ADD COLUMN extra int").await;
    altered.await.unwrap().unwrap();
    let output = running.wait();
    assert!(output.code == 0 || output.stderr.contains("another session waits"), "{output}");
}

#[tokio::test]
async fn what_cannot_be_measured_is_refused() {
    let db = production().await;
    for (arguments, code, words) in [
        (&["--sql", BY_ZIP][..], 2, "no index is named"),
        (&["--sql", BY_ZIP, "no-such.sql"], 2, "there is no such file"),
        (&["--sql", BY_ZIP, "--add", ON_ZIP, "--runs", "4"], 2, "--runs"),
        (&["--sql", BY_ZIP, "--add", ON_ZIP, "--from", "postgres"], 2, "--from"),
    ] {
        let mut words_of = vec!["prove"];
        words_of.extend(arguments);
        let from = db.url_as("postgres").replace(&db.name, "postgres");
        let words_of = words_of.into_iter().map(|word| match word {
            "postgres" => from.as_str(),
            word => word,
        });
        let output = db.pgtend(&words_of.collect::<Vec<_>>()).expect(code);
        assert!(output.stderr.contains(words), "{output}");
    }
    let twice = "CREATE UNIQUE INDEX ON orders (zip)";
    let (document, output) = prove(&db, &["--sql", BY_ZIP, "--add", twice, "--check"]);
    assert_eq!(output.code, 1, "{output}");
    assert_eq!(document.proofs[0]["verdict"], "not_judged");
    assert!(document.proofs[0]["reason"].as_str().unwrap().contains("unique"), "{output}");
}

#[tokio::test]
async fn what_apply_built_is_compared_by_the_snapshots() {
    let db = production().await;
    db.pgtend(&["init"]).expect(0);
    let file = db.declare(&format!("{ON_ZIP}; CREATE INDEX orders_total ON orders (total);"));
    let client = db.session().await;
    let load = async || {
        for _ in 0..20 {
            client
                .query("SELECT count(*) FROM orders WHERE zip = $1", &[&"z170"])
                .await
                .unwrap();
        }
    };
    load().await;
    db.pgtend(&["snapshot"]).expect(0);
    load().await;
    db.pgtend(&["snapshot"]).expect(0);
    let nothing = db.pgtend(&["prove", "--after", "--format", "json"]).expect(0);
    assert_eq!(nothing.json().outcome, "nothing_to_do");
    db.apply(&[&file]).expect(0);
    db.pgtend(&["snapshot"]).expect(0);
    load().await;
    let output = db.pgtend(&["prove", "--after", "1d", "--check", "--format", "json"]).expect(1);
    let document: Document = output.json();
    let of = |name: &str| document.proofs.iter().find(|proof| proof["object"] == name).unwrap();
    let zip = of("public.orders_zip");
    assert_eq!(zip["verdict"], "better", "{output}");
    assert_eq!(zip["rung"], "measured_in_production");
    assert_eq!(zip["undo"], "DROP INDEX CONCURRENTLY public.orders_zip");
    let pages = ["buffers_after", "buffers_before"].map(|key| number(&zip["statements"][0], key));
    assert!(pages[0] < pages[1], "{output}");
    assert_eq!(of("public.orders_total")["verdict"], "no_effect", "{output}");
    let output = db.pgtend(&["prove", "--after", "1d"]).expect(0);
    assert!(
        output.stdout.contains("DROP INDEX CONCURRENTLY public.orders_total"),
        "{output}"
    );
    assert!(db.index_names("orders").await.contains("orders_total"), "it is never sent");
}
