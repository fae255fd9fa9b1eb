//! `verify`: what it makes of the finished schema.

use crate::support::folder::{Folder, errors, reason, rules, verdicts};
use crate::support::{Database, Output};

const TABLE: &str = "CREATE TABLE sales (id bigint PRIMARY KEY, status text, sold date);\n";

/// As `psql -f` would run it.
fn verify(sql: &str) -> Output {
    Folder::new(&[("1_m.sql", sql)]).verify_as(&["--layout", "plain"])
}

fn found(output: &Output, name: &str) -> String {
    verdicts(output, &[name])
}

fn messages(output: &Output, rule: &str) -> Vec<String> {
    let findings = output.json().findings.into_iter();
    findings
        .filter(|finding| finding.rule == rule)
        .map(|finding| finding.message)
        .collect()
}

#[test]
fn what_is_declared_is_there_and_an_index_is_broken_and_mended() {
    let sql = format!(
        "SET lock_timeout = '1ms'; SET statement_timeout = '1ms'; SET statement_timeout = 0;
        {TABLE}
        INSERT INTO sales SELECT n, 'open', now() FROM generate_series(1, 1000) n;
        CREATE UNIQUE INDEX sales_id ON sales (id);
        ALTER TABLE sales ADD CONSTRAINT sales_id_key UNIQUE USING INDEX sales_id;
        CREATE INDEX ON sales (status);
        CREATE INDEX sales_lower ON sales (lower(status)) WHERE id > 5;
        CREATE MATERIALIZED VIEW totals AS SELECT status, count(*) FROM sales GROUP BY status;
        CREATE INDEX totals_status ON totals (status);
        -- What is left open ends with the session.
        BEGIN; LOCK TABLE sales;"
    );
    let output = verify(&sql).expect(0);
    assert_eq!(found(&output, "converge"), "converge passed", "{output}");
    assert_eq!(reason(&output, "converge"), "4 objects as declared");
    assert_eq!(found(&output, "heal"), "heal passed", "{output}");
    assert_eq!(
        reason(&output, "heal"),
        "public.sales_lower was made invalid on purpose and repaired"
    );
    assert_eq!(errors(&output).len(), 0, "{output}");
}

#[test]
fn a_finding_says_what_it_is_about_and_is_known_again() {
    let two =
        format!("{TABLE}CREATE INDEX one ON sales (status); CREATE INDEX two ON sales (status);");
    let folder = Folder::new(&[("1_m.sql", &two)]);
    let found = || {
        let findings = folder.verify_as(&["--layout", "plain"]).json().findings.into_iter();
        let mut of_rule = findings.filter(|finding| finding.rule == "duplicate-index");
        of_rule.next().expect("a duplicate index")
    };
    let first = found();
    std::fs::write(folder.path("1_m.sql"), format!("\n\n-- later\n{two}")).unwrap();
    let later = found();
    assert_eq!(first.object.as_deref(), Some("public.two"));
    assert_eq!(first.fingerprint, later.fingerprint);
    assert_ne!(first.line, later.line);
}

#[test]
fn what_a_function_sets_or_makes_is_seen_on_the_server() {
    let set = "DO $$ BEGIN PERFORM pg_catalog.set_config('lock_timeout', '5s', false); END $$;";
    let build = "CREATE INDEX CONCURRENTLY sales_status ON sales (status);";
    let found = |sql: String| messages(&verify(&sql), "timeout-before-concurrent");
    let wanted = "lock_timeout is 5s (set at ";
    let set_unseen = found(format!("{TABLE}{set}\n{build}"));
    assert!(set_unseen.len() == 1 && set_unseen[0].starts_with(wanted), "{set_unseen:?}");
    let unset = set.replace("'5s'", "'0'");
    assert_eq!(found(format!("{TABLE}SET lock_timeout = '5s';\n{unset}\n{build}")), [""; 0]);
    let named = found(format!("{TABLE}SET lock_timeout = '5s';\n{build}"));
    assert!(named[0].starts_with("lock_timeout is 5s (set at "), "{named:?}");

    let make = "CREATE FUNCTION make() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
                  CREATE TABLE made AS SELECT 1 AS a; END $$;
                SELECT make();";
    let index = "CREATE INDEX made_a ON made (a);";
    let warned = |files: &[(&str, &str)]| {
        let output = Folder::new(files).verify_as(&["--layout", "sqlx"]);
        messages(&output, "require-concurrent-index-creation").len()
    };
    assert_eq!(warned(&[("1_m.sql", &format!("{make}{index}"))]), 0);
    assert_eq!(warned(&[("1_m.sql", make), ("2_m.sql", index)]), 1);
}

#[test]
fn a_name_that_was_taken_is_found_and_what_was_dropped_or_changed_later_is_not() {
    let sql = format!(
        "{TABLE}
        CREATE TABLE customers (id bigint);
        CREATE INDEX sales_idx ON sales (status);
        CREATE INDEX customers_idx ON customers (id);
        CREATE INDEX IF NOT EXISTS sales_idx ON sales (id);
        CREATE INDEX IF NOT EXISTS customers_idx ON sales (id);
        CREATE MATERIALIZED VIEW IF NOT EXISTS customers AS SELECT 1 AS a;
        CREATE MATERIALIZED VIEW v AS SELECT 1 AS a;
        CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT 2 AS a;
        CREATE INDEX gone ON sales (sold);
        DROP INDEX gone;
        CREATE INDEX IF NOT EXISTS renamed ON sales (sold);
        ALTER TABLE sales RENAME COLUMN sold TO sold_on;
        CREATE INDEX with_its_column ON sales (sold_on);
        ALTER TABLE sales DROP COLUMN sold_on;"
    );
    let output = verify(&sql).expect(1);
    assert_eq!(
        messages(&output, "not-as-declared"),
        [
            "this statement has no effect: public.sales_idx is there already, and it is \
             USING btree (status), declared is USING btree (id)",
            "this statement has no effect: public.customers_idx is an index on public.customers",
            "this statement has no effect: public.customers is a table",
            "this statement has no effect: public.v is there already, with another query",
        ],
        "{output}"
    );
}

/// Pairs of up and down scripts, one after the other.
fn pairs(scripts: &[(&str, Option<&str>)]) -> Folder {
    let mut files = Vec::new();
    for (at, (up, down)) in scripts.iter().enumerate() {
        files.push((format!("{at}_m.up.sql"), (*up).to_owned()));
        files.extend(down.map(|down| (format!("{at}_m.down.sql"), down.to_owned())));
    }
    let files = files.iter().map(|(name, sql)| (name.as_str(), sql.as_str()));
    Folder::new(&files.collect::<Vec<_>>())
}

const DOWN: &[&str] = &["--layout", "golang-migrate", "--down"];

#[test]
fn without_down_nothing_is_said_of_it() {
    let folder = pairs(&[(TABLE, Some("nonsense")), ("SELECT 1", None)]);
    let output = folder.verify_as(&DOWN[..2]).expect(0);
    assert!(output.json().checks.iter().all(|check| check.name != "down"), "{output}");
    let output = pairs(&[("SELECT 1", None)]).verify_as(DOWN).expect(0);
    assert_eq!(reason(&output, "down"), "no migration has a down script");
    let output = pairs(&[("SELECT nonsense", Some(""))]).verify_as(DOWN).expect(1);
    assert_eq!(reason(&output, "down"), "not every migration was applied");
}

/// Everything that the fingerprint knows, made and taken back in one migration.
const ALL_KINDS: &str = "
    CREATE SCHEMA crm;
    CREATE EXTENSION pg_trgm;
    CREATE TYPE crm.mood AS ENUM ('sad', 'ok');
    CREATE DOMAIN crm.price AS numeric CHECK (VALUE > 0);
    CREATE TYPE crm.pair AS (a int, b text);
    CREATE SEQUENCE crm.numbers;
    CREATE TABLE crm.t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, m crm.mood,
        twice int GENERATED ALWAYS AS (1 + 1) STORED) PARTITION BY RANGE (id);
    CREATE TABLE crm.t1 PARTITION OF crm.t FOR VALUES FROM (1) TO (10);
    ALTER TABLE sales ADD COLUMN note text COLLATE \"C\" DEFAULT 'x' NOT NULL,
        ADD CONSTRAINT positive CHECK (id > 0), ALTER COLUMN status SET DEFAULT 'open',
        ENABLE ROW LEVEL SECURITY;
    CREATE INDEX sales_note ON sales (lower(note));
    CREATE STATISTICS sales_both ON id, status FROM sales;
    CREATE VIEW open AS SELECT id FROM sales;
    CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM sales;
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE AGGREGATE longest(text) (SFUNC = textcat, STYPE = text);
    CREATE TRIGGER touched BEFORE UPDATE ON sales FOR EACH ROW EXECUTE FUNCTION touch();
    CREATE RULE quiet AS ON DELETE TO sales DO INSTEAD NOTHING;
    CREATE POLICY all_of_it ON sales USING (true);
    COMMENT ON TABLE sales IS 'what was sold';
    GRANT SELECT (id) ON sales TO PUBLIC;
    GRANT DELETE ON sales TO PUBLIC;";

const ALL_BACK: &str = "
    REVOKE SELECT (id) ON sales FROM PUBLIC; REVOKE DELETE ON sales FROM PUBLIC;
    COMMENT ON TABLE sales IS NULL;
    DROP POLICY all_of_it ON sales; DROP RULE quiet ON sales; DROP TRIGGER touched ON sales;
    DROP AGGREGATE longest(text); DROP FUNCTION touch(); DROP MATERIALIZED VIEW totals;
    DROP VIEW open; DROP STATISTICS sales_both; DROP INDEX sales_note;
    ALTER TABLE sales DISABLE ROW LEVEL SECURITY, ALTER COLUMN status DROP DEFAULT,
        DROP CONSTRAINT positive, DROP COLUMN note;
    DROP SCHEMA crm CASCADE; DROP EXTENSION pg_trgm;";

#[test]
fn a_way_back_that_restores_all_passes() {
    let folder = pairs(&[
        (TABLE, Some("DROP TABLE sales")),
        (ALL_KINDS, Some(ALL_BACK)),
        (
            "CREATE ROLE verify_down_reader; GRANT SELECT ON sales TO verify_down_reader",
            Some("REVOKE SELECT ON sales FROM verify_down_reader; DROP ROLE verify_down_reader"),
        ),
        // Rows are no schema.
        (
            "INSERT INTO sales VALUES (1) ON CONFLICT DO NOTHING; SET search_path = pg_catalog",
            Some("-- nothing to do"),
        ),
        // What the one before has set holds; what is left open is done.
        (
            "DELETE FROM public.sales; BEGIN; CREATE TABLE public.last (id int)",
            Some("DROP TABLE last"),
        ),
    ]);
    let output = folder.verify_as(DOWN);
    assert_eq!(found(&output, "down"), "down passed", "{output}");
    assert_eq!(reason(&output, "down"), "5 of 5 down scripts tried", "{output}");
}

/// What is found of one statement that the way back leaves out.
fn left_by(statement: &str) -> String {
    let folder = pairs(&[(TABLE, Some("DROP TABLE sales")), (statement, Some("-- none"))]);
    let output = folder.verify_as(DOWN).expect(1);
    let messages = messages(&output, "down-not-restored");
    assert_eq!(messages.len(), 1, "{output}");
    messages[0].clone()
}

#[test]
fn what_the_way_back_leaves_is_named() {
    let left = left_by(ALL_KINDS);
    assert!(
        left.starts_with("after 1_m up and down the access list of public.sales differs: "),
        "{left}"
    );
    assert!(left.contains("DELETE for PUBLIC"), "{left}");
    let more = left.split("; and ").nth(1).and_then(|more| more.split(' ').next());
    assert!(
        more.and_then(|more| more.parse::<u32>().ok()).is_some_and(|more| more > 12),
        "{left}"
    );
    for (statement, wanted) in [
        (
            "CREATE TABLE t (a serial PRIMARY KEY); COMMENT ON TABLE t IS 'x'",
            "the table public.t remains",
        ),
        (
            "DROP TABLE sales; CREATE TABLE sales (sold date, status text, id bigint PRIMARY KEY)",
            "",
        ),
    ] {
        if wanted.is_empty() {
            let folder = pairs(&[(TABLE, Some("DROP TABLE sales")), (statement, Some("--"))]);
            let output = folder.verify_as(DOWN).expect(0);
            assert_eq!(found(&output, "down"), "down passed", "{output}");
        } else {
            assert_eq!(left_by(statement), format!("after 1_m up and down {wanted}"));
        }
    }
}

#[test]
fn each_way_back_is_judged_by_itself() {
    let folder = pairs(&[
        (TABLE, Some("DROP TABLE sale")),
        (
            "SET search_path = public; ALTER TABLE sales ADD COLUMN a int",
            Some("-- forgotten"),
        ),
        ("ALTER TABLE sales DROP COLUMN a", Some("ALTER TABLE sales ADD COLUMN a text")),
        ("INSERT INTO sales VALUES (1)", Some("SELECT 1")),
        ("ALTER TABLE sales ADD COLUMN b int", None),
        ("CREATE TABLE good (a int)", Some("\n\nDROP TABLE good;")),
    ]);
    let output = folder.verify_as(DOWN).expect(1).came_to("findings");
    assert_eq!(found(&output, "down"), "down failed", "{output}");
    assert_eq!(reason(&output, "down"), "4 errors, 1 warning");
    let findings = output.json().findings.into_iter();
    let downs = findings.filter(|it| it.rule.contains("down")).map(|it| {
        let file = it.file.unwrap();
        let file = file.rsplit('/').next().unwrap().to_owned();
        (it.rule, file, it.message)
    });
    let wanted = [
        ("no-down", "4_m.up.sql", "no down script, although other migrations have one"),
        ("down-not-applied", "0_m.down.sql", "table \"sale\" does not exist"),
        (
            "down-not-restored",
            "1_m.down.sql",
            "after 1_m up and down the column public.sales.a remains",
        ),
        (
            "down-not-restored",
            "2_m.down.sql",
            "after 2_m up and down the column public.sales.a differs: text instead of integer",
        ),
        (
            "up-after-down",
            "3_m.up.sql",
            "refused after up and down: duplicate key value violates unique constraint \"sales_pkey\"",
        ),
    ];
    let downs = downs.collect::<Vec<_>>();
    assert_eq!(downs.len(), wanted.len(), "{output}");
    for ((rule, file, message), found) in wanted.iter().zip(&downs) {
        assert_eq!((*rule, *file), (found.0.as_str(), found.1.as_str()), "{output}");
        assert!(found.2.starts_with(message), "{output}");
    }
}

/// No more than CREATEDB is needed, and nothing remains.
#[tokio::test]
async fn a_role_that_may_create_databases_can_have_it_all() {
    let db = Database::new().await;
    let role = db.role("verifier").await;
    db.sql(&format!("ALTER ROLE {role} CREATEDB")).await;
    let bases = Folder::new(&[("base.sql", TABLE)]);
    let folder = pairs(&[
        (
            "ALTER TABLE sales ADD COLUMN a int, ADD COLUMN b int",
            Some("ALTER TABLE sales DROP COLUMN a"),
        ),
        (
            "CREATE INDEX sales_a ON sales (a);
            CREATE MATERIALIZED VIEW ids AS SELECT id FROM sales;
            CREATE UNIQUE INDEX ids_id ON ids (id);",
            Some("DROP INDEX sales_a; DROP MATERIALIZED VIEW ids;"),
        ),
    ]);
    let (url, base) = (db.url_as(&role), bases.path("base.sql"));
    let output = folder.verify_as(&[DOWN, &["-d", &url, "--base", &base]].concat()).expect(1);
    let all = ["converge", "heal", "views", "down"];
    assert_eq!(
        verdicts(&output, &all),
        "converge passed, heal passed, views passed, down failed",
        "{output}"
    );
    let left = "after 0_m up and down the column public.sales.b remains";
    assert_eq!(messages(&output, "down-not-restored"), [left], "{output}");
    let own = format!("{}%", output.json().database.unwrap().replace('_', "\\_"));
    let left = format!("SELECT count(*) FROM pg_database WHERE datname LIKE '{own}'");
    assert_eq!(db.value(&left).await, "0");
}

#[test]
fn views_are_refreshed_in_their_order_and_what_is_refused_is_found() {
    let sql = format!(
        "{TABLE}
        CREATE MATERIALIZED VIEW a_whole AS SELECT b.n FROM b_whole b WITH NO DATA;\n"
    );
    let missing = verify(&sql).expect(1);
    assert_eq!(found(&missing, "views"), "views skipped", "{missing}");
    assert_eq!(reason(&missing, "views"), "not every migration was applied");
    let none = "the migrations make no materialized view";
    assert_eq!(reason(&verify(TABLE).expect(0), "views"), none);

    let sql = format!(
        "{TABLE}
        CREATE MATERIALIZED VIEW b_whole AS SELECT count(*) AS n FROM sales WITH NO DATA;
        CREATE UNIQUE INDEX ON b_whole (n);
        CREATE MATERIALIZED VIEW a_whole AS SELECT n FROM b_whole WHERE n >= 0 WITH NO DATA;
        CREATE UNIQUE INDEX ON a_whole (n);
        CREATE MATERIALIZED VIEW no_key AS
          SELECT status, count(*) AS total FROM sales GROUP BY status;
        CREATE MATERIALIZED VIEW part_key AS SELECT id FROM sales;
        CREATE UNIQUE INDEX part_key_id ON part_key (id) WHERE id > 5;
        CREATE FUNCTION fails(n bigint) RETURNS bigint LANGUAGE plpgsql AS
          'BEGIN RAISE EXCEPTION ''no''; END';
        CREATE MATERIALIZED VIEW never AS SELECT fails(n) AS n FROM b_whole WITH NO DATA;"
    );
    let output = verify(&sql).expect(1);
    assert_eq!(found(&output, "views"), "views failed", "{output}");
    let told = "1 error, 2 warnings; PostgreSQL cannot tell whether 1 key column may be NULL";
    assert_eq!(reason(&output, "views"), told);
    let findings = output.json().findings.into_iter();
    let findings = findings.filter(|finding| finding.rule == "view-not-concurrent");
    let mut findings = findings.collect::<Vec<_>>();
    findings.sort_by_key(|finding| finding.line);
    let [no_key, part_key, never] = findings.as_slice() else {
        panic!("{output}")
    };
    assert_eq!((no_key.severity.as_str(), no_key.line), ("warning", Some(7)), "{output}");
    assert!(no_key.message.contains("cannot refresh materialized view"), "{output}");
    let help = no_key.help.as_deref().unwrap();
    assert!(help.contains("CREATE UNIQUE INDEX ON public.no_key (status)"), "{output}");
    assert_eq!(part_key.line, Some(9), "{output}");
    assert!(
        part_key.message.contains("part_key_id has an expression or a WHERE"),
        "{output}"
    );
    assert_eq!((never.severity.as_str(), never.message.as_str()), ("error", "no"), "{output}");
}

#[test]
fn keys_that_may_be_null_are_found_in_every_unique_index() {
    let sql = "CREATE TABLE sales (id bigint PRIMARY KEY, area text, sold date NOT NULL);
        CREATE TABLE areas (name text PRIMARY KEY);
        CREATE MATERIALIZED VIEW good AS SELECT date_trunc('day', sold) AS day, count(*) AS n
          FROM sales LEFT JOIN areas ON areas.name = sales.area GROUP BY 1;
        CREATE UNIQUE INDEX good_key ON good (day, n);
        CREATE MATERIALIZED VIEW bad AS SELECT sales.id, areas.name
          FROM sales LEFT JOIN areas ON areas.name = sales.area;
        CREATE UNIQUE INDEX bad_id ON bad (id);
        CREATE UNIQUE INDEX bad_name ON bad (name, id);";
    let output = verify(sql).expect(0);
    assert_eq!(
        messages(&output, "nullable-view-key"),
        [
            "name of public.bad, which bad_name indexes, may be NULL: a concurrent refresh deletes \
          and inserts such rows each time, also where nothing changed"
        ],
        "{output}"
    );
    let told = "1 warning; PostgreSQL cannot tell whether 2 key columns may be NULL";
    assert_eq!(reason(&output, "views"), told);
}

/// Whether the column `a` of a view may be NULL is told by the server's planner.
#[test]
fn whether_a_key_may_be_null_is_told_by_the_server() {
    const MAY_BE: &[&str] = &[
        "SELECT area AS a FROM s",
        "SELECT area AS a, count(*) FROM s GROUP BY 1",
        "SELECT DISTINCT area AS a FROM s WHERE id > 5",
        "SELECT id AS a, count(*) FROM s GROUP BY ROLLUP (id)",
        "SELECT c.id AS a, s.id FROM s LEFT JOIN c ON c.id = s.area_id",
        "SELECT s.id AS a, c.id FROM s FULL JOIN c ON c.id = s.area_id",
        "SELECT c.area AS a, s.id FROM s LEFT JOIN c ON c.id = s.id",
        "WITH t AS (SELECT area FROM s) SELECT t.area AS a FROM t",
        "SELECT s.area AS a, c.id FROM s JOIN c ON c.id = s.area_id",
    ];
    const NEVER: &[&str] = &[
        "SELECT id AS a FROM s",
        "SELECT id AS a, count(*) FROM s GROUP BY 1",
        "SELECT id AS a FROM plain",
        "SELECT checked AS a FROM s",
        "SELECT area AS a FROM s WHERE area = 'x'",
        "SELECT area AS a FROM s WHERE area IS NOT NULL AND id > 5",
        "SELECT s.id AS a FROM s LEFT JOIN c ON c.id = s.area_id",
        "SELECT c.id AS a FROM s JOIN c ON c.id = s.area_id",
        "SELECT id AS a FROM s UNION ALL SELECT id FROM c",
        "WITH t AS (SELECT id FROM c) SELECT t.id AS a FROM t",
    ];
    // A function may return NULL for what is not: lower() of a range without a lower bound.
    const NOT_TOLD: &[&str] = &[
        "SELECT lower(span) AS a FROM s",
        "SELECT date_trunc('day', sold) AS a FROM s",
        "SELECT count(*) AS a FROM s",
        "SELECT max(id) AS a FROM s",
        "SELECT COALESCE(area, 'none') AS a FROM s",
        "SELECT s.area_id AS a FROM s JOIN c ON c.id = s.area_id",
        "SELECT area_id AS a FROM s WHERE EXISTS (SELECT FROM c WHERE c.id = s.area_id)",
        "SELECT id AS a FROM s LIMIT 5",
    ];
    let mut sql = "CREATE TABLE s (id int PRIMARY KEY, area text, area_id int, sold date NOT NULL,
          span int4range NOT NULL, checked text CHECK (checked IS NOT NULL));
        CREATE TABLE c (id int PRIMARY KEY, area text);
        CREATE VIEW plain AS SELECT id FROM s;\n"
        .to_owned();
    let all = [("may", MAY_BE), ("never", NEVER), ("untold", NOT_TOLD)];
    for (name, queries) in all {
        for (at, query) in queries.iter().enumerate() {
            sql += &format!(
                "CREATE MATERIALIZED VIEW {name}_{at} AS {query};
                CREATE UNIQUE INDEX {name}_{at}_a ON {name}_{at} (a);\n"
            );
        }
    }
    let output = verify(&sql).expect(0);
    let mut found = messages(&output, "nullable-view-key");
    found.sort();
    let may = (0..MAY_BE.len()).map(|at| format!("a of public.may_{at}, which may_{at}_a "));
    assert_eq!(found.len(), MAY_BE.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(may) {
        assert!(found.starts_with(&expected), "{found} {expected}");
    }
    let untold = format!("cannot tell whether {} key columns may be NULL", NOT_TOLD.len());
    assert!(reason(&output, "views").ends_with(&untold), "{output}");
}

#[test]
fn a_view_of_the_base_is_not_the_migrations() {
    let view = "CREATE TABLE public.t (a bigint);
        CREATE MATERIALIZED VIEW public.v AS SELECT a FROM public.t;";
    let folder = Folder::new(&[("1_m.sql", "SELECT 1;\n")]);
    let base = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(base.path(), view).unwrap();
    let output = folder.verify(&["--base", base.path().to_str().unwrap()]).expect(0);
    assert_eq!(verdicts(&output, &["views"]), "views skipped", "{output}");
    assert!(!rules(&output).contains(&"view-not-concurrent".to_owned()), "{output}");
}
