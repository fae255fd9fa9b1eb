//! What was restored from a dump is what it was dumped from, although the server prints it in other
//! words after having read its own print.

use crate::support::Database;

const TABLE: &str =
    "CREATE TABLE o (id bigint, status varchar(20), kind varchar, code char(4), note text,
    at timestamptz, span interval, amount numeric(10, 2), tags varchar[], doc jsonb, flags bit(4))";

/// What is indexed or is a predicate, each in the words of a person.
const EXPRESSIONS: &[&str] = &[
    "status IN ('new', 'paid')",
    "status NOT IN ('new', 'paid')",
    "kind = ANY (ARRAY['a', 'b'])",
    "kind <> ALL ('{a,b}')",
    "status COLLATE \"C\" IN ('a', 'b')",
    "coalesce(status, 'x') IN ('x', 'y')",
    "coalesce(kind, note) = 'a'",
    "nullif(status, '') IS NULL",
    "greatest(kind, 'a') < 'b'",
    "CASE WHEN status IN ('a', 'b') THEN 1 ELSE 2 END = 1",
    "CASE kind WHEN 'a' THEN true ELSE false END",
    "lower(status) IN ('new', 'paid')",
    "code IN ('a', 'b')",
    "code::varchar IN ('a', 'b')",
    "status LIKE 'a%' OR kind SIMILAR TO '(a|b)%'",
    "(status, kind) = ('a', 'b')",
    "(status, kind) < ('a', 'b')",
    "(status, id) IN (('a', 1), ('b', 2))",
    "tags && ARRAY['a', 'b']::varchar[]",
    "tags @> '{a}' AND 'b' = ANY (tags)",
    "status || kind IN ('ab', 'cd')",
    "substring(status FROM 1 FOR 2) IN ('ab', 'cd')",
    "trim(both 'x' FROM kind) <> ''",
    "position('a' IN status) > 0",
    "overlay(kind PLACING 'x' FROM 1) = 'x'",
    "status IS DISTINCT FROM 'a'",
    "id BETWEEN SYMMETRIC 3 AND 1",
    "id IN (1, 2, 3) AND id NOT IN (4, 5)",
    "amount IN (1, 2.5)",
    "amount BETWEEN 1 AND 2.50",
    "extract(year FROM at AT TIME ZONE 'UTC') = 2020",
    "span > interval '1 month 2 days' AND span < '3 days'",
    "doc ->> 'a' IN ('x', 'y')",
    "doc @> '{\"a\": 1}' AND doc ? 'b'",
    "flags IN (B'0001', B'0010')",
    "(at AT TIME ZONE 'UTC')::date IN ('2020-01-01', '2021-01-01')",
    "row(status, kind) IS NOT NULL",
    "NOT (status IN ('a', 'b') AND kind IS NULL)",
];

/// Queries of views.
const QUERIES: &[&str] = &[
    "SELECT status, count(*) AS n FROM o WHERE kind IN ('a', 'b') GROUP BY status",
    "SELECT id FROM o WHERE EXISTS (SELECT FROM o p WHERE p.status IN ('a', o.kind))",
    "SELECT status FROM o UNION SELECT 'x' UNION ALL SELECT note FROM o WHERE status IN ('a', 'b')",
    "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r",
    "SELECT DISTINCT ON (kind) kind, rank() OVER w AS r FROM o WINDOW w AS (ORDER BY status DESC)",
    "SELECT status, kind, sum(amount) FILTER (WHERE status IN ('a', 'b')) AS s FROM o
       GROUP BY GROUPING SETS ((status), (kind), ())",
    "SELECT o.id, l.tag FROM o CROSS JOIN LATERAL unnest(o.tags) AS l (tag) WHERE l.tag IN ('a', 'b')",
    "SELECT id, v.word FROM o JOIN (VALUES ('a'::varchar, 1), ('b', 2)) AS v (word, n) ON v.word = kind",
    "SELECT array_agg(status ORDER BY kind) AS a, string_agg(status, ',') AS b FROM o",
    "SELECT id FROM o TABLESAMPLE system (10) REPEATABLE (3) WHERE status IN ('a', 'b')",
    "SELECT CASE WHEN status IN ('a', 'b') THEN kind ELSE 'c' END AS c, coalesce(kind, 'a') AS d FROM o",
];

/// The declaration of all of them.
fn original() -> String {
    let mut sql = String::new();
    for (at, expression) in EXPRESSIONS.iter().enumerate() {
        sql.push_str(&format!(
            "CREATE INDEX predicate_{at} ON public.o (id) WHERE {expression};\n"
        ));
        sql.push_str(&format!("CREATE INDEX expression_{at} ON public.o (({expression}));\n"));
    }
    for (at, query) in QUERIES.iter().enumerate() {
        let query = query.replace(" o ", " public.o ").replace(" o\n", " public.o\n");
        sql.push_str(&format!("CREATE MATERIALIZED VIEW public.view_{at} AS {query};\n"));
    }
    sql
}

/// All indexes and views as pg_dump writes them.
async fn dump(db: &Database) -> String {
    db.value(
        "SELECT string_agg(definition, E'\\n' ORDER BY oid) FROM (
           SELECT set_config('search_path', '', false)
         ) AS s, LATERAL (
           SELECT indexrelid, pg_catalog.pg_get_indexdef(indexrelid) || ';' FROM pg_catalog.pg_index
           WHERE indrelid = 'public.o'::regclass
           UNION ALL
           SELECT oid, 'CREATE MATERIALIZED VIEW public.' || relname || E' AS\\n'
             || rtrim(pg_catalog.pg_get_viewdef(oid), ';') || ' WITH NO DATA;'
           FROM pg_catalog.pg_class WHERE relkind = 'm'
         ) AS d (oid, definition)",
    )
    .await
}

#[tokio::test]
async fn a_database_and_its_restored_dump_are_declared_by_either() {
    let (first, second, third) =
        (Database::new().await, Database::new().await, Database::new().await);
    for db in [&first, &second, &third] {
        db.sql(TABLE).await;
    }
    first.sql(&original()).await;
    let first_dump = dump(&first).await;
    second.sql(&first_dump).await;
    let second_dump = dump(&second).await;
    third.sql(&second_dump).await;
    assert_ne!(
        first_dump, second_dump,
        "the server's print is a fixed point; nothing is tested"
    );
    for db in [&first, &second, &third] {
        for declaration in [&original(), &first_dump, &second_dump] {
            let declared = db.declare(declaration);
            let output = db.plan(&["--check", &declared]);
            let drifts =
                output.json().steps.into_iter().filter(|step| step.verdict != "as_declared");
            let drifts = drifts.map(|step| format!("{}: {}", step.object, step.reason));
            assert_eq!(drifts.collect::<Vec<_>>(), [""; 0]);
            output.expect(0).came_to("nothing_to_do");
        }
    }
}

#[tokio::test]
async fn other_values_another_order_and_another_type_are_drift() {
    let db = Database::new().await;
    db.sql(TABLE).await;
    db.sql(
        "CREATE INDEX value ON o (id) WHERE status IN ('a', 'b');
         CREATE INDEX sequence ON o (id) WHERE status IN ('a', 'b');
         CREATE INDEX type ON o ((note IN ('a', 'b')));
         CREATE INDEX negation ON o (id) WHERE status NOT IN ('a', 'b');
         CREATE MATERIALIZED VIEW seen AS SELECT id FROM o WHERE status IN ('a', 'b')",
    )
    .await;
    let declared = db.declare(
        "CREATE INDEX value ON o (id) WHERE status IN ('a', 'c');
         CREATE INDEX sequence ON o (id) WHERE status IN ('b', 'a');
         CREATE INDEX type ON o ((note::varchar IN ('a', 'b')));
         CREATE INDEX negation ON o (id) WHERE status IN ('a', 'b');
         CREATE MATERIALIZED VIEW seen AS SELECT id FROM o WHERE status IN ('a', 'c');",
    );
    let output = db.plan(&["--check", &declared]).expect(1).came_to("findings");
    for step in output.json().steps {
        assert!(step.reason.starts_with("drifted"), "{}: {}", step.object, step.reason);
    }
}

#[tokio::test]
async fn an_unnamed_index_is_found_after_a_restore() {
    let db = Database::new().await;
    db.sql(TABLE).await;
    db.sql("CREATE INDEX restored ON o (id) WHERE status IN ('a', 'b')").await;
    let printed = db.value("SELECT pg_get_indexdef('restored'::regclass)").await;
    db.sql(&format!("DROP INDEX restored; {printed}")).await;
    let declared = db.declare("CREATE INDEX ON o (id) WHERE status IN ('a', 'b');");
    let output = db.plan(&["--check", &declared]).expect(0);
    assert_eq!(output.step("public.restored").verdict, "as_declared", "{output}");
}
