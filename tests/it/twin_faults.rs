//! What goes wrong around a planner twin: tables that are gone, extensions that this machine lacks, wide tables,
//! hostile texts, and Ctrl-C at each moment.

use std::fs;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::support::command::Running;
use crate::support::document::Document;
use crate::support::place::Place;
use crate::support::{Database, until};
use crate::twin::{cost, production, real_plan, shape};

fn judged(document: &Document) -> Vec<&str> {
    document.statements.iter().map(|it| it["verdict"].as_str().unwrap()).collect()
}

/// Waits until pgtend waits for a lock.
async fn until_it_waits(db: &Database) {
    let waits = "SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) \
                 WHERE NOT l.granted AND a.application_name LIKE 'pgtend/%' \
                   AND a.datname = current_database()";
    until("pgtend waits for a lock", || async { db.value(waits).await != "0" }).await;
}

#[tokio::test]
async fn a_table_that_is_dropped_while_it_is_read_is_not_judged() {
    let db = production().await;
    db.sql(
        "CREATE TABLE goner (id int PRIMARY KEY); INSERT INTO goner SELECT generate_series(1, 9)",
    )
    .await;
    let session = db.session().await;
    session.batch_execute("BEGIN; DROP TABLE goner").await.unwrap();
    let running = db.start(&[
        "what-if",
        "--format",
        "json",
        "SELECT * FROM goner WHERE id = 3",
        "SELECT * FROM orders WHERE id = 3",
    ]);
    until_it_waits(&db).await;
    session.batch_execute("COMMIT").await.unwrap();
    let output = running.wait().expect(0);
    let document: Document = output.json();
    assert_eq!(judged(&document), ["not_judged", "same"], "{output}");
    let reason = document.statements[0]["reason"].as_str().unwrap();
    assert!(reason.contains("goner"), "{reason}");
}

#[tokio::test]
async fn an_extension_that_this_machine_lacks_is_told_and_the_rest_is_judged() {
    let db = production().await;
    db.sql(
        "CREATE EXTENSION pg_trgm;
        CREATE INDEX customers_like ON customers USING gin (name gin_trgm_ops)",
    )
    .await;
    let file = db.path("shop.twin").display().to_string();
    let statements = [
        "SELECT * FROM customers WHERE name % 'Name 7'",
        "SELECT * FROM orders WHERE id = 3",
    ];
    let save = [&["what-if", "--save-twin", &file], &statements[..]].concat();
    db.pgtend(&save).expect(0);
    rewrite(&file, "\"pg_trgm\"", "\"no_such_extension\"");
    let plan = [&["what-if", "--twin", &file, "--format", "json"], &statements[..]].concat();
    let output = db.pgtend(&plan).expect(0);
    let document: Document = output.json();
    assert_eq!(judged(&document), ["not_judged", "same"], "{output}");
    let reason = document.statements[0]["reason"].as_str().unwrap();
    assert!(reason.contains("the twin lacks extension no_such_extension"), "{reason}");
    assert!(
        output.warned("twin-incomplete").len() >= 2,
        "the extension and the index: {output}"
    );
    let plan = [&["advise", "--twin", &file, "--format", "json"], &["--sql", statements[1]][..]];
    db.pgtend(&plan.concat()).expect(0).came_to("nothing_to_do");
}

/// Changes what a twin's file says.
fn rewrite(path: &str, from: &str, to: &str) {
    let packed = fs::read(path).unwrap();
    let start = packed.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut text = String::new();
    GzDecoder::new(&packed[start..]).read_to_string(&mut text).unwrap();
    assert!(text.contains(from));
    let mut again = GzEncoder::new(packed[..start].to_vec(), Compression::default());
    again.write_all(text.replace(from, to).as_bytes()).unwrap();
    fs::write(path, again.finish().unwrap()).unwrap();
}

#[tokio::test]
async fn a_table_of_a_hundred_columns_is_advised_like_others() {
    let db = production().await;
    let columns = (1..100).map(|n| format!("c{n} int")).collect::<Vec<_>>().join(", ");
    let values = (1..100).map(|n| format!("n % {}", n + 1)).collect::<Vec<_>>().join(", ");
    db.sql(&format!(
        "CREATE TABLE wide (id int PRIMARY KEY, {columns});
        INSERT INTO wide SELECT n, {values} FROM generate_series(1, 20000) AS n"
    ))
    .await;
    db.sql("VACUUM ANALYZE wide").await;
    let all = (1..100).map(|n| format!("c{n} = {}", n / 2)).collect::<Vec<_>>().join(" AND ");
    let ordered = (1..100).map(|n| format!("c{n}")).collect::<Vec<_>>().join(", ");
    let statements = [
        format!("SELECT * FROM wide WHERE {all}"),
        format!("SELECT * FROM wide WHERE c98 = 7 ORDER BY {ordered} LIMIT 5"),
        "SELECT c1 FROM wide WHERE c97 = 5 AND c96 > 3".to_owned(),
    ];
    let sql = statements.iter().flat_map(|text| ["--sql", text]).collect::<Vec<_>>();
    let output = db.pgtend(&[&["advise", "--format", "json"], &sql[..]].concat()).expect(0);
    let document: Document = output.came_to("done").json();
    assert_eq!(judged(&document), ["better"; 3]);
    for advice in &document.advice {
        let sql = advice["sql"].as_str().unwrap();
        let keys = sql.split_once("wide (").unwrap().1.split_once(')').unwrap().0;
        assert!(keys.split(',').count() <= 4, "{sql}");
        db.sql(&sql.replace("CONCURRENTLY ", "")).await;
    }
    let texts = statements.iter().map(String::as_str).collect::<Vec<_>>();
    let output = db.pgtend(&[&["what-if", "--format", "json"], &texts[..]].concat()).expect(0);
    let planned: Document = output.json();
    for ((planned, statement), advised) in
        planned.statements.iter().zip(&statements).zip(&document.statements)
    {
        let real = real_plan(&db, statement).await;
        let twin = &planned["before"];
        assert_eq!(shape(&twin[0]["Plan"]), shape(&real[0]["Plan"]), "{statement}");
        assert!((cost(twin) / cost(&real) - 1.0).abs() < 0.05, "{statement}");
        let foretold = advised["cost_after"].as_f64().unwrap();
        assert!((foretold / cost(&real) - 1.0).abs() < 0.06, "{foretold}: {real}");
    }
}

/// A text may be another's: it is planned or refused, and never executed.
#[tokio::test]
async fn hostile_texts_are_planned_or_refused() {
    let db = production().await;
    let rows = "SELECT count(*) || ' ' || sum(id) FROM orders";
    let before = db.value(rows).await;
    let texts = [
        "SELECT * FROM orders WHERE id = 3; DROP TABLE orders",
        "SELECT * FROM orders WHERE id = 3); DROP TABLE orders; --",
        "EXPLAIN ANALYZE DELETE FROM orders WHERE id = 3",
        "DO $$BEGIN DELETE FROM orders; END$$ ",
        "COPY orders TO PROGRAM 'cat > /dev/null'",
        "PREPARE evil AS DELETE FROM orders",
        "WITH gone AS (DELETE FROM orders RETURNING id) SELECT count(*) FROM gone",
        "SELECT id, pg_terminate_backend(pg_backend_pid()) FROM orders WHERE note = E'\\'; DROP TABLE orders; --'",
        "SELECT * /* ; DROP TABLE orders */ FROM orders WHERE city = $1 AND zip = '\u{1b}[2J' -- $2",
    ];
    let output = db.pgtend(&[&["what-if", "--format", "json"], &texts[..]].concat()).expect(0);
    let document: Document = output.json();
    assert_eq!(judged(&document)[..6], ["not_judged"; 6], "{output}");
    assert_eq!(judged(&document)[6..], ["same"; 3], "{output}");
    assert_eq!(db.value(rows).await, before);
    let shown = db.pgtend(&[&["what-if"], &texts[..]].concat()).expect(0);
    assert!(!shown.stdout.contains('\u{1b}'), "{shown}");
}

/// Statements enough for each phase to take its time.
fn many(db: &Database) -> String {
    let one = |n: usize| {
        format!("SELECT * FROM orders WHERE city = 'c{n}' AND total > {n} ORDER BY placed_at;\n")
    };
    db.declare_as("many.sql", &(0..1500).map(one).collect::<String>())
}

fn start(db: &Database, place: &Place, arguments: &[&str]) -> Running {
    place.call(arguments).env("DATABASE_URL", &db.url_as("postgres")).start()
}

/// Ctrl-C now: it ends, and nothing remains.
fn interrupted(running: Running, place: &Place) {
    running.signal("INT");
    let output = running.wait().expect(130);
    assert_eq!(output.json().outcome, "cancelled", "{output}");
    place.assert_clean();
}

#[tokio::test]
async fn ctrl_c_while_production_is_read_leaves_nothing() {
    let db = production().await;
    let session = db.session().await;
    session.batch_execute("BEGIN; LOCK TABLE orders").await.unwrap();
    let place = Place::new();
    let arguments = ["advise", "--format", "json", "--sql", "SELECT * FROM orders WHERE zip = 'z'"];
    let running = start(&db, &place, &arguments);
    until_it_waits(&db).await;
    interrupted(running, &place);
}

#[tokio::test]
async fn ctrl_c_while_the_twin_is_made_leaves_nothing() {
    let db = production().await;
    let file = many(&db);
    for arguments in [
        &["advise", "--format", "json", "--workload", file.as_str()][..],
        &["what-if", "--format", "json", &file],
    ] {
        let place = Place::new();
        let running = start(&db, &place, arguments);
        until("a server is made", || async { !place.homes().is_empty() }).await;
        interrupted(running, &place);
    }
}

/// Whether the twin is being asked for plans, `with`: and has this.
async fn plans(place: &Place, with: &str) -> bool {
    let Some(client) = place.session("twin").await else {
        return false;
    };
    let sql = format!(
        "SELECT 1 FROM pg_stat_activity WHERE datname = 'twin' AND query LIKE 'EXPLAIN%' AND {with}"
    );
    client.query(&sql, &[]).await.is_ok_and(|rows| !rows.is_empty())
}

#[tokio::test]
async fn ctrl_c_while_statements_are_planned_leaves_nothing() {
    let db = production().await;
    let file = many(&db);
    for arguments in [
        &["advise", "--format", "json", "--workload", file.as_str()][..],
        &["what-if", "--format", "json", &file],
    ] {
        let place = Place::new();
        let running = start(&db, &place, arguments);
        until("the twin plans", || plans(&place, "true")).await;
        interrupted(running, &place);
    }
}

/// The best so far is shown.
#[tokio::test]
async fn ctrl_c_while_advise_chooses_shows_the_best_so_far_and_leaves_nothing() {
    let db = production().await;
    let file = many(&db);
    let place = Place::new();
    let running = start(&db, &place, &["advise", "--format", "json", "--workload", &file]);
    let chooses = "EXISTS (SELECT FROM pg_index AS i WHERE i.indisvalid \
                   AND i.indexrelid::regclass::text LIKE 'pgtend_candidate_%')";
    until("candidates are tried", || plans(&place, chooses)).await;
    running.signal("INT");
    let output = running.wait().expect(130);
    let document: Document = output.json();
    assert_eq!(document.outcome, "cancelled", "{output}");
    assert_eq!(document.statements.len(), 1500);
    place.assert_clean();
}
