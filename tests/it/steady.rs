//! What the catalog and this machine's memory decide is not asked of the server: a plan that finds
//! everything as declared writes nothing into the database.

use crate::support::Database;

const TABLES: &str = "CREATE TABLE t (a int, b text, c varchar(20), d jsonb, e timestamptz);
    CREATE TABLE u (LIKE t);";

const PLAIN: &str = "CREATE INDEX t_a ON t (a);
    CREATE UNIQUE INDEX t_ab ON t (a DESC, b NULLS FIRST) INCLUDE (e);
    CREATE INDEX t_b ON t (b text_pattern_ops, c);
    CREATE INDEX t_c ON t (c text_ops);
    CREATE INDEX t_d ON t USING gin (d jsonb_path_ops) WITH (gin_pending_list_limit = 64);
    CREATE INDEX t_e ON t USING brin (e);
    CREATE INDEX ON t USING hash (b);";

const OTHERS: &str = "CREATE INDEX u_lower ON u (lower(b));
    CREATE INDEX u_open ON u (a) WHERE c IN ('new', 'paid');
    CREATE INDEX ON u ((a + 1));
    CREATE MATERIALIZED VIEW totals AS SELECT c, count(*) AS n FROM u WHERE c IN ('a', 'b') GROUP BY c;
    CREATE UNIQUE INDEX totals_c ON totals (c);";

/// What pgtend sent to make copies.
fn copies(db: &Database) -> Vec<String> {
    let sent = db.logged("pgtend/plan").into_iter();
    sent.filter(|it| it.starts_with("BEGIN") || it.starts_with("CREATE")).collect()
}

#[tokio::test]
async fn plain_columns_are_compared_by_the_catalog() {
    let db = Database::new().await;
    db.sql(TABLES).await;
    let declared = db.declare(PLAIN);
    let missing = db.plan(&["--check", &declared]).expect(1);
    for name in ["t_a", "t_ab", "t_b", "t_c", "t_e", "t_b_idx"] {
        assert_eq!(missing.step(&format!("public.{name}")).verdict, "to_do", "{missing}");
    }
    // A storage parameter of a missing index is the server's to judge.
    assert!(
        copies(&db).iter().filter(|it| it.starts_with("CREATE")).count() <= 2,
        "{:?}",
        copies(&db)
    );

    db.sql(PLAIN).await;
    let before = copies(&db).len();
    db.plan(&["--check", &declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(copies(&db).len(), before);
}

#[tokio::test]
async fn a_second_plan_makes_no_copies() {
    let db = Database::new().await;
    db.sql(TABLES).await;
    db.sql(OTHERS).await;
    let printed = db.value("SELECT pg_get_indexdef('u_open'::regclass)").await;
    db.sql(&format!("DROP INDEX u_open; {printed}")).await;
    let declared = db.declare(OTHERS);
    db.plan(&["--check", &declared]).expect(0).came_to("nothing_to_do");
    let first = copies(&db).len();
    assert!(first > 0);
    db.plan(&["--check", &declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(copies(&db).len(), first, "{:?}", copies(&db));
    let cache = db.path("cache/pgtend");
    assert_eq!(std::fs::read_dir(cache).unwrap().count(), 1);
}

#[tokio::test]
async fn what_is_remembered_is_no_longer_believed_when_its_names_mean_something_else() {
    let db = Database::new().await;
    db.sql(&format!(
        "CREATE SCHEMA first;
         ALTER DATABASE {} SET search_path = first, public;
         CREATE TABLE t (a varchar(5), b int);
         CREATE FUNCTION public.f(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
         CREATE INDEX t_f ON t (public.f(a));
         CREATE INDEX t_a ON t (b) WHERE a = 'x';
         CREATE MATERIALIZED VIEW v AS SELECT * FROM t WHERE public.f(a) = 'x'",
        db.name
    ))
    .await;
    let declared = db.declare(
        "CREATE INDEX t_f ON public.t (f(a));
         CREATE INDEX t_a ON public.t (b) WHERE a = 'x';
         CREATE MATERIALIZED VIEW public.v AS SELECT * FROM public.t WHERE f(a) = 'x';",
    );
    let verdicts = || {
        let output = db.plan(&["--check", &declared]);
        ["t_f", "t_a", "v"].map(|name| output.step(&format!("public.{name}")).verdict)
    };
    assert_eq!(verdicts(), ["as_declared"; 3]);
    assert_eq!(verdicts(), ["as_declared"; 3]);
    db.sql("CREATE FUNCTION first.f(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1'")
        .await;
    assert_eq!(verdicts(), ["refused", "as_declared", "refused"]);
    db.sql("DROP FUNCTION first.f; ALTER TABLE t ADD c int").await;
    assert_eq!(verdicts(), ["as_declared", "as_declared", "refused"]);
    db.sql("DROP INDEX t_a; CREATE INDEX t_a ON t (b) WHERE a = 'y'").await;
    assert_eq!(verdicts(), ["as_declared", "refused", "refused"]);
}

#[tokio::test]
async fn the_catalog_decides_as_the_server_does() {
    const TYPES: &[&str] = &[
        "int",
        "text",
        "varchar(3)",
        "char(3)",
        "name",
        "json",
        "jsonb",
        "xml",
        "point",
        "box",
        "inet",
        "cidr",
        "uuid",
        "bool",
        "numeric",
        "timestamptz",
        "interval",
        "int[]",
        "json[]",
        "point[]",
        "int4range",
        "int4multirange",
        "tsvector",
        "tsquery",
        "bytea",
        "money",
        "oid",
        "\"char\"",
        "bit(3)",
        "macaddr",
        "mood",
        "pair",
        "email",
        "emails",
        "mood[]",
        "email[]",
        "regclass",
    ];
    let db = Database::new().await;
    db.sql(
        "CREATE TYPE mood AS ENUM ('sad'); CREATE TYPE pair AS (a int, b json);
         CREATE DOMAIN email AS text; CREATE DOMAIN emails AS varchar[]",
    )
    .await;
    let columns = TYPES.iter().enumerate().map(|(at, name)| format!("c{at} {name}"));
    db.sql(&format!("CREATE TABLE t ({})", columns.collect::<Vec<_>>().join(", ")))
        .await;
    let mut declaration = String::new();
    let mut expected = Vec::new();
    let session = db.session().await;
    for method in ["btree", "hash", "gin", "gist", "spgist", "brin"] {
        for at in 0..TYPES.len() {
            let index = format!("INDEX {method}_{at} ON t USING {method} (c{at})");
            declaration.push_str(&format!("CREATE {index};\n"));
            session.batch_execute("BEGIN").await.unwrap();
            let made = session.batch_execute(&format!("CREATE {index}")).await.is_ok();
            session.batch_execute("ROLLBACK").await.unwrap();
            expected.push(if made { "to_do" } else { "refused" });
        }
    }
    let output = db.plan(&[&db.declare(&declaration)]);
    let verdicts = output.json().steps.into_iter().map(|step| (step.object, step.verdict));
    for ((object, verdict), expected) in verdicts.zip(expected) {
        let (_, at) = object.rsplit_once('_').unwrap();
        let name = TYPES[at.parse::<usize>().unwrap()];
        assert_eq!(verdict, expected, "{object} of {name}");
    }
}
