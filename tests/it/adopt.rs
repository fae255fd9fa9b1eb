//! `pgtend adopt`, and what `plan --undeclared` makes of what the files leave out.

use std::fs;

use crate::support::{Database, Output};

const TABLES: &str = "CREATE SCHEMA \"My Schema\";
    CREATE TABLE items (id int PRIMARY KEY, \"User Id\" int, name text, note varchar(40), doc jsonb, words tsvector,
        place point, at timestamptz, tags int[], gone boolean);
    CREATE TABLE \"My Schema\".\"We;ird\nDROP TABLE items;--\" (a int UNIQUE, b int);
    CREATE TABLE events (id int, day date, kind text) PARTITION BY RANGE (day);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
    CREATE FUNCTION clean(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT lower($1)';
    CREATE VIEW living AS SELECT id, name FROM items WHERE NOT gone;
    CREATE COLLATION plain (LOCALE = 'C');";

const OBJECTS: &str = "CREATE INDEX items_plain ON items (at);
    CREATE UNIQUE INDEX \"Items User\" ON items (\"User Id\" DESC NULLS LAST, id);
    CREATE INDEX items_name ON items (name COLLATE plain text_pattern_ops NULLS FIRST);
    CREATE INDEX items_lower ON items (lower(name), (id + 1), clean(note));
    CREATE INDEX items_partial ON items (at) INCLUDE (id, name) WITH (fillfactor = 70, deduplicate_items = off)
        WHERE note = 'it''s ) \\' AND (gone IS NULL OR NOT gone);
    CREATE INDEX items_doc ON items USING gin (doc jsonb_path_ops) WITH (fastupdate = off);
    CREATE INDEX items_words ON items USING gist (words tsvector_ops (siglen = 100));
    CREATE INDEX items_place ON items USING spgist (place);
    CREATE INDEX items_hash ON items USING hash (name);
    CREATE INDEX items_tags ON items USING gin (tags);
    CREATE INDEX items_brin ON items USING brin (at timestamptz_minmax_ops, id) WITH (pages_per_range = 16);
    COMMENT ON INDEX items_plain IS 'what''s new \\ here';
    COMMENT ON INDEX items_pkey IS 'the key';
    CREATE INDEX \"quoted \"\"name\" ON \"My Schema\".\"We;ird\nDROP TABLE items;--\" (b);
    CREATE INDEX events_day ON events (day);
    CREATE INDEX events_2_kind ON events_2 (kind);
    CREATE MATERIALIZED VIEW z_first WITH (fillfactor = 80) AS
        SELECT clean(name) AS name, count(*) AS \"How many\" FROM living GROUP BY 1;
    CREATE UNIQUE INDEX z_first_name ON z_first (name);
    COMMENT ON MATERIALIZED VIEW z_first IS 'names';
    CREATE VIEW between AS SELECT name FROM z_first;
    CREATE MATERIALIZED VIEW a_second AS SELECT length(name) AS l FROM between WITH NO DATA;";

async fn with_objects() -> Database {
    let db = Database::new().await;
    db.sql(TABLES).await;
    db.sql(OBJECTS).await;
    if db.server.major >= 15 {
        db.sql("CREATE UNIQUE INDEX items_nulls ON items (tags) NULLS NOT DISTINCT")
            .await;
    }
    db
}

fn adopt(db: &Database, arguments: &[&str]) -> Output {
    db.pgtend(&[&["adopt"], arguments].concat())
}

/// The files of a folder by their paths in it, sorted.
fn files(folder: &std::path::Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => found.push((
                    path.strip_prefix(folder).unwrap().display().to_string(),
                    fs::read_to_string(&path).unwrap(),
                )),
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn plan_finds_what_was_adopted_as_declared_and_apply_makes_it_elsewhere() {
    let db = with_objects().await;
    let folder = db.path("adopted").display().to_string();
    let output = adopt(&db, &["--dir", &folder, "--format", "json"]).expect(0).came_to("done");
    output.assert_published();
    assert_eq!(output.warned("invalid-index"), [""; 0], "{output}");
    let document = output.json();
    assert_eq!((document.folder, document.files.len()), (Some(folder.clone()), 6));
    db.plan(&["--check", "--undeclared", &folder])
        .expect(0)
        .came_to("nothing_to_do");
    // Of the server's own ways of saying it nothing is left.
    let written = files(&db.path("adopted"));
    let text = written.iter().map(|(_, text)| text.as_str()).collect::<String>();
    assert!(!text.contains("USING btree") && !text.contains(" ONLY "), "{text}");
    assert!(
        text.contains("CREATE INDEX CONCURRENTLY items_plain ON public.items (at);"),
        "{text}"
    );
    let paths = written.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>();
    assert_eq!(
        paths,
        [
            "tables/My_Schema.We_ird_DROP_TABLE_items_--.sql",
            "tables/public.events.sql",
            "tables/public.events_2.sql",
            "tables/public.items.sql",
            "views/001_public.z_first.sql",
            "views/002_public.a_second.sql",
        ]
    );
    assert!(text.contains("-- It reads plain views, which pgtend does not create: public.living."));
    assert!(text.contains("pgtend does not create: public.clean(text)."), "{text}");

    let other = Database::new().await;
    other.sql(TABLES).await;
    // The second view reads a plain view, which has to be there first.
    other.apply(&[&folder, "--table", "z_first"]).expect(0);
    other.sql("CREATE VIEW between AS SELECT name FROM z_first").await;
    other.apply(&[&folder]).expect(0).came_to("done");
    adopt(&other, &["--dir", &other.path("again").display().to_string()]).expect(0);
    assert_eq!(files(&other.path("again")), written);
    assert_eq!(other.value("SELECT count(*) FROM items").await, "0");
}

#[tokio::test]
async fn no_file_is_overwritten_and_patterns_choose() {
    let db = with_objects().await;
    let folder = db.path("adopted");
    let text = folder.display().to_string();
    let quiet = adopt(&db, &["--dir", &text, "--table", "item*", "-q"]).expect(0);
    assert_eq!(quiet.stdout, "", "{quiet}");
    assert_eq!(files(&folder).len(), 1);
    // What is there and says the same may stay.
    adopt(&db, &["--dir", &text]).expect(0);
    let before = files(&folder);
    fs::write(folder.join("tables/public.items.sql"), "-- mine").unwrap();
    fs::remove_file(folder.join("tables/public.events.sql")).unwrap();
    let refused = adopt(&db, &["--dir", &text]).expect(2);
    assert!(
        refused.stderr.contains("public.items.sql is there and says something else"),
        "{refused}"
    );
    assert_eq!(files(&folder).len(), before.len() - 1);

    let printed = adopt(&db, &["--schema", "My*"]).expect(0);
    assert!(
        printed.stdout.contains("CREATE INDEX CONCURRENTLY \"quoted \"\"name\""),
        "{printed}"
    );
    assert!(!printed.stdout.contains("events"), "{printed}");
    let wrong = adopt(&db, &["--table", "nothing"]).expect(2);
    assert!(wrong.stderr.contains("--table nothing: no table or view matches"), "{wrong}");
}

#[tokio::test]
async fn what_is_invalid_is_not_adopted_and_what_is_superfluous_is_told() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE t (a int PRIMARY KEY, b int);
         CREATE INDEX t_a ON t (a); CREATE INDEX t_b ON t (b); CREATE INDEX t_b2 ON t (b);
         CREATE INDEX t_broken ON t (b, a);
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_broken'::regclass",
    )
    .await;
    let output = adopt(&db, &["--format", "json"]).expect(0);
    assert_eq!(output.warned("invalid-index"), ["public.t_broken"]);
    assert_eq!(output.warned("redundant_index"), ["public.t_a", "public.t_b2"]);
    assert!(!output.stdout.contains("CREATE INDEX CONCURRENTLY t_broken"), "{output}");
    let empty = Database::new().await;
    adopt(&empty, &["--format", "json"]).expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn what_no_file_declares_is_listed_with_the_drop_and_its_reason() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE p (id int PRIMARY KEY);
         CREATE TABLE t (a int PRIMARY KEY, b int REFERENCES p, c int NOT NULL);
         CREATE INDEX t_b ON t (b); CREATE INDEX t_c ON t (c); CREATE UNIQUE INDEX t_id ON t (c);
         ALTER TABLE t REPLICA IDENTITY USING INDEX t_id;
         CREATE TABLE parted (a int) PARTITION BY RANGE (a); CREATE INDEX parted_a ON parted (a);
         CREATE TABLE parted_1 PARTITION OF parted DEFAULT;
         CREATE MATERIALIZED VIEW below AS SELECT a FROM t; CREATE INDEX below_a ON below (a);
         CREATE MATERIALIZED VIEW above AS SELECT a FROM below;",
    )
    .await;
    let declared = db.declare("CREATE INDEX t_c ON t (c);");
    db.plan(&["--check", &declared]).expect(0);
    let drops = db.path("drops.sql").display().to_string();
    let call = ["--check", "--undeclared", "--write-drops", &drops, &declared];
    let output = db.plan(&call).expect(1).came_to("findings");
    output.assert_published();
    let found = output.json().undeclared.unwrap();
    let objects = found.iter().map(|one| one.object.as_str()).collect::<Vec<_>>();
    assert_eq!(
        objects,
        ["public.above", "public.below", "public.parted_a", "public.t_b", "public.t_id"]
    );
    let of = |object: &str| found.iter().find(|one| one.object == object).unwrap();
    assert_eq!(of("public.t_b").needed_by, ["the foreign key t_b_fkey"]);
    assert_eq!(of("public.below").needed_by, ["the view public.above"]);
    assert_eq!(of("public.t_id").kept_by.as_deref(), Some("replica identity"));
    assert_eq!(of("public.t_b").scans, Some(0));

    let text = fs::read_to_string(&drops).unwrap();
    assert!(
        text.contains("\n-- DROP INDEX CONCURRENTLY public.t_id;  kept by replica identity\n"),
        "{text}"
    );
    for statement in text.lines().filter(|line| line.starts_with("DROP ")) {
        db.sql(statement).await;
    }
    let output = db.plan(&["--undeclared", &declared]).expect(0);
    let left = output.json().undeclared.unwrap();
    assert_eq!(left.iter().map(|one| one.object.as_str()).collect::<Vec<_>>(), ["public.t_id"]);
    let shown = db.pgtend(&["plan", "--undeclared", &declared]).expect(0);
    assert!(
        shown.stdout.contains("public.t_id") && shown.stdout.contains("replica identity"),
        "{shown}"
    );
    assert_eq!(db.applied(), [""; 0]);
}
