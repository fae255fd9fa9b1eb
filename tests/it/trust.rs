//! The schema `pgtend` where a hostile role has made it, or something in it: nothing of it is run, by no
//! command, neither as a superuser nor as a role that is a member of others.

use std::time::Duration;

use pgtend::inside::history::{self, HistoryPart, HistorySchema, Installed};
use pgtend::inside::measures::{Limit, MeasureKind, load_measured};

use crate::init::{opened, problem};
use crate::support::{Database, SALES};

async fn schema(db: &Database, role: &str) -> HistorySchema {
    let database = opened(db, role).await;
    history::load_schema(&database.reader().await.unwrap(), None).await.unwrap()
}

/// What differs from pgtend's own, for the superuser.
async fn differences(db: &Database) -> String {
    let schema = schema(db, "postgres").await;
    let all = schema.differences.iter().map(ToString::to_string);
    all.chain(schema.exposed.iter().cloned()).collect::<Vec<_>>().join("; ")
}

/// Every way to hang code on a table that its owner has, at once. Whoever runs any of it is counted by
/// a sequence, makes the owner a superuser, and the owner a member of itself.
fn traps(mallory: &str) -> String {
    let body = format!(
        "BEGIN PERFORM nextval('pgtend_loot.sprung'); \
         BEGIN EXECUTE 'ALTER ROLE {mallory} SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END; \
         BEGIN EXECUTE format('GRANT %I TO {mallory}', current_user); EXCEPTION WHEN OTHERS THEN NULL; END; "
    );
    let mut sql = format!(
        "CREATE SCHEMA pgtend_loot; GRANT USAGE ON SCHEMA pgtend_loot TO PUBLIC;
         CREATE SEQUENCE pgtend_loot.sprung; GRANT ALL ON SEQUENCE pgtend_loot.sprung TO PUBLIC;
         CREATE FUNCTION pgtend.row_trap() RETURNS trigger LANGUAGE plpgsql AS $x${body} RETURN coalesce(NEW, OLD); END$x$;
         CREATE FUNCTION pgtend.trap() RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $x${body} RETURN true; END$x$;
         CREATE FUNCTION pgtend.int_trap(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $x${body} RETURN $1 > $2; END$x$;
         CREATE OPERATOR pgtend.> (FUNCTION = pgtend.int_trap, LEFTARG = int, RIGHTARG = int);
         CREATE DOMAIN pgtend.sly AS text CHECK (pgtend.trap());
         ALTER TABLE pgtend.run ALTER COLUMN reason TYPE pgtend.sly;
         CREATE RULE trap AS ON INSERT TO pgtend.snapshot DO ALSO SELECT pgtend.trap();
         ALTER TABLE pgtend.statement_text ALTER COLUMN query SET DEFAULT pgtend.trap()::text;
         ALTER TABLE pgtend.sample ADD CONSTRAINT trap CHECK (pgtend.trap()) NOT VALID;
         ALTER TABLE pgtend.statement ADD note bool GENERATED ALWAYS AS (pgtend.trap()) STORED;
         CREATE TABLE pgtend.more () INHERITS (pgtend.run);
         CREATE VIEW pgtend.peek AS SELECT pgtend.trap() AS trap;"
    );
    for table in [
        "version",
        "run",
        "view_state",
        "snapshot",
        "statement",
        "statement_text",
        "sample",
    ] {
        sql.push_str(&format!(
            "CREATE TRIGGER trap BEFORE INSERT OR UPDATE OR DELETE ON pgtend.{table}
             FOR EACH ROW EXECUTE FUNCTION pgtend.row_trap();
             CREATE TRIGGER trap_all AFTER INSERT OR UPDATE OR DELETE ON pgtend.{table}
             EXECUTE FUNCTION pgtend.row_trap();
             CREATE INDEX trap_{table} ON pgtend.{table} ((1)) WHERE pgtend.trap();
             ALTER TABLE pgtend.{table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
             CREATE POLICY trap ON pgtend.{table} USING (pgtend.trap());"
        ));
    }
    sql
}

/// Has sprung how often, and what the owner has got out of it.
async fn loot(db: &Database, mallory: &str) -> String {
    db.value(&format!(
        "SELECT (SELECT is_called FROM pgtend_loot.sprung) || ' ' || rolsuper || ' ' ||
         (SELECT count(*) FROM pg_auth_members m WHERE m.member = r.oid)
         FROM pg_roles r WHERE rolname = '{mallory}'"
    ))
    .await
}

/// A database with a history of `mallory`, who has let in the role `maint`, a member of its own.
async fn mallorys() -> (Database, String, String) {
    let db = Database::new().await;
    let (mallory, maint) = (db.role("mallory").await, db.role("maint").await);
    db.sql(SALES).await;
    db.sql(&format!(
        "CREATE EXTENSION pg_stat_statements; GRANT CREATE ON DATABASE {0} TO {mallory};
         GRANT CREATE, USAGE ON SCHEMA public TO {maint}; ALTER TABLE sales OWNER TO {maint};
         CREATE MATERIALIZED VIEW totals AS SELECT status FROM sales;
         ALTER MATERIALIZED VIEW totals OWNER TO {maint}; GRANT {mallory} TO {maint}",
        db.name
    ))
    .await;
    db.pgtend_as(&mallory, &["init", "--grant", &maint]).expect(0);
    (db, mallory, maint)
}

#[tokio::test]
async fn a_role_that_has_made_the_schema_first_gets_nobody_to_run_its_code() {
    let (db, mallory, maint) = mallorys().await;
    db.session_as(&mallory).await.batch_execute(&traps(&mallory)).await.unwrap();
    // Making the indexes has sprung some.
    db.sql("ALTER SEQUENCE pgtend_loot.sprung RESTART").await;
    assert_eq!(loot(&db, &mallory).await, "false false 0");
    let before = db.value("SELECT count(*) FROM pg_depend").await;
    for (role, index) in [("postgres", "one"), (maint.as_str(), "two")] {
        assert_eq!(schema(&db, role).await.installed(), Installed::Untrusted);
        let declared = db.declare(&format!("CREATE INDEX {index} ON sales (amount);"));
        for call in [
            &["apply", &declared][..],
            &["refresh", "--mode", "plain", "totals"],
            &["vacuum", "sales"],
            &["analyze", "sales"],
            &["vacuum", "--needed", "--dry-run"],
            &["refresh", "--all", "--dry-run"],
        ] {
            let output = db.pgtend_as(role, &[call, &["--format", "json"]].concat()).expect(0);
            let warnings = output.json().warnings;
            let told = warnings.iter().filter(|it| it.object == "pgtend").collect::<Vec<_>>();
            assert_eq!(told.len(), 1, "{call:?}: {output}");
            for words in ["the schema pgtend belongs to", &mallory, "owner = "] {
                assert!(told[0].message.contains(words), "{call:?}: {output}");
            }
        }
        for call in [
            &["init"][..],
            &["init", "--dry-run"],
            &["init", "--grant", &maint],
            &["init", "--uninstall"],
            &["history"],
            &["history", "--keep", "0s"],
            &["snapshot"],
            &["snapshot", "--prune", "--keep", "0s"],
            &["snapshot", "--list"],
            &["slow-queries", "--since", "1h"],
            &["refresh", "--max-age", "1h", "totals"],
            &["refresh", "--if-changed", "totals"],
        ] {
            let output = db.pgtend_as(role, &[call, &["--format", "json"]].concat()).expect(3);
            let (kind, message, hint) = problem(&output);
            assert_eq!(kind, "privilege", "{call:?}: {output}");
            let told = message.contains(&mallory) && hint.contains("[history]");
            assert!(told, "{call:?}: {output}");
        }
        db.pgtend_as(role, &["slow-queries"]).expect(0);
        db.pgtend_as(role, &["plan", &declared]).expect(0);
        assert_eq!(loot(&db, &mallory).await, "false false 0", "{role}");
    }
    // The two indexes are all that has come into being.
    db.sql("DROP INDEX one, two").await;
    assert_eq!(db.value("SELECT count(*) FROM pg_depend").await, before);
}

#[tokio::test]
async fn an_owner_is_trusted_who_is_named_and_not_whose_member_one_is() {
    let (db, mallory, maint) = mallorys().await;
    let declared = db.declare("CREATE INDEX one ON sales (amount);");
    let config = db.declare_as("named.toml", &format!("[history]\nowner = \"{mallory}\"\n"));
    let other = db.declare_as("other.toml", "[history]\nowner = \"nobody\"\n");
    for role in ["postgres", &maint] {
        db.pgtend_as(role, &["history", "--config", &other]).expect(3);
        db.pgtend_as(role, &["history", "--config", &config]).expect(0);
    }
    let output = db.apply_as(&maint, &["--config", &config, &declared]).expect(0);
    assert_eq!(output.warned("not_recorded"), [""; 0], "{output}");
    assert_eq!(db.value("SELECT count(*) FROM pgtend.run").await, "1");
    // The owner itself needs no leave.
    db.pgtend_as(&mallory, &["history"]).expect(0);
    // One table of another is enough.
    db.sql("ALTER SCHEMA pgtend OWNER TO postgres").await;
    let others = "version view_state snapshot statement statement_text sample measure measurement";
    for table in others.split(' ') {
        db.sql(&format!("ALTER TABLE pgtend.{table} OWNER TO postgres")).await;
    }
    let (_, message, _) = problem(&db.pgtend(&["history", "--format", "json"]).expect(3));
    assert!(message.contains("pgtend.run"), "{message}");
    db.sql("ALTER TABLE pgtend.run OWNER TO postgres").await;
    db.pgtend(&["history"]).expect(0);
}

#[tokio::test]
async fn who_acts_as_another_role_makes_no_history_that_its_members_could_change() {
    let db = Database::new().await;
    let (group, alice) = (db.role("group").await, db.role("alice").await);
    db.sql(&format!(
        "GRANT {group} TO {alice}; GRANT CREATE ON DATABASE {} TO {group};
         ALTER ROLE {alice} SET role = {group}",
        db.name
    ))
    .await;
    let output = db.pgtend_as(&alice, &["init", "--format", "json"]).expect(3);
    assert!(problem(&output).2.contains(&format!("owner = \"{group}\"")), "{output}");
    let config = db.declare_as("named.toml", &format!("[history]\nowner = \"{group}\"\n"));
    db.pgtend_as(&alice, &["init", "--config", &config]).expect(0);
    db.pgtend_as(&alice, &["history", "--config", &config]).expect(0);
    db.pgtend_as(&alice, &["history"]).expect(3);
}

#[tokio::test]
async fn an_empty_schema_of_another_is_not_adopted() {
    let db = Database::new().await;
    let mallory = db.role("mallory").await;
    db.sql(&format!("CREATE SCHEMA pgtend AUTHORIZATION {mallory}")).await;
    let output = db.pgtend(&["init", "--format", "json"]).expect(3);
    assert!(problem(&output).1.contains(&mallory), "{output}");
    assert_eq!(
        db.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'pgtend'::regnamespace")
            .await,
        "0"
    );
}

#[tokio::test]
async fn what_is_not_as_pgtend_has_made_it_is_neither_read_nor_written() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.pgtend(&["init"]).expect(0);
    assert_eq!(differences(&db).await, "");
    // How it is tuned and who may read it is nobody's code.
    db.sql(
        "ALTER TABLE pgtend.run SET (autovacuum_enabled = off); COMMENT ON TABLE pgtend.run IS 'ours';
         ALTER INDEX pgtend.run_pkey SET (fillfactor = 70); GRANT SELECT ON pgtend.run TO PUBLIC;
         ALTER INDEX pgtend.run_refreshes_idx SET (fillfactor = 70, deduplicate_items = off);
         CREATE VIEW failures AS SELECT * FROM pgtend.run WHERE outcome = 'failed'",
    )
    .await;
    assert_eq!(differences(&db).await, "");
    db.sql(
        "CREATE FUNCTION f() RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
         CREATE FUNCTION g(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
         CREATE TABLE mine (id bigint)",
    )
    .await;
    for (make, undo, told) in [
        (
            "CREATE TRIGGER t BEFORE INSERT ON pgtend.run EXECUTE FUNCTION \
             suppress_redundant_updates_trigger()",
            "DROP TRIGGER t ON pgtend.run",
            "trigger t on run is not pgtend's",
        ),
        (
            "CREATE RULE r AS ON DELETE TO pgtend.sample DO ALSO SELECT 1",
            "DROP RULE r ON pgtend.sample",
            "rule r on sample is not pgtend's",
        ),
        (
            "CREATE POLICY p ON pgtend.run USING (f())",
            "DROP POLICY p ON pgtend.run",
            "policy p on run is not pgtend's",
        ),
        (
            "ALTER TABLE pgtend.version ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE pgtend.version DISABLE ROW LEVEL SECURITY",
            "table version is \"logged row security\" and not \"logged\"",
        ),
        (
            "ALTER TABLE pgtend.run ALTER mode SET DEFAULT g('plain')",
            "ALTER TABLE pgtend.run ALTER mode DROP DEFAULT",
            "g('plain'::text)\" and not \"text\"",
        ),
        (
            "ALTER TABLE pgtend.run ADD note text",
            "ALTER TABLE pgtend.run DROP note",
            "column run.note is not pgtend's",
        ),
        (
            "ALTER TABLE pgtend.run ADD CONSTRAINT c CHECK (f())",
            "ALTER TABLE pgtend.run DROP CONSTRAINT c",
            "constraint c on run is not pgtend's",
        ),
        (
            "CREATE INDEX i ON pgtend.version (version) WHERE f()",
            "DROP INDEX pgtend.i",
            "index i is not pgtend's",
        ),
        (
            "CREATE STATISTICS s ON command, object FROM pgtend.run",
            "DROP STATISTICS s",
            "statistics s on run is not pgtend's",
        ),
        (
            "CREATE TABLE child () INHERITS (pgtend.run)",
            "DROP TABLE child",
            "child from pgtend.run is not pgtend's",
        ),
        (
            "ALTER TABLE mine ADD CONSTRAINT k FOREIGN KEY (id) REFERENCES pgtend.run ON DELETE CASCADE",
            "ALTER TABLE mine DROP CONSTRAINT k",
            "mine is not pgtend's",
        ),
        (
            "CREATE TABLE pgtend.t (i int)",
            "DROP TABLE pgtend.t",
            "table t is not pgtend's",
        ),
        (
            "CREATE VIEW pgtend.v AS SELECT 1 AS i",
            "DROP VIEW pgtend.v",
            "view v is not pgtend's",
        ),
        (
            "CREATE TYPE pgtend.y AS (i int)",
            "DROP TYPE pgtend.y",
            "type y is not pgtend's",
        ),
        (
            "CREATE FUNCTION pgtend.h() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DROP FUNCTION pgtend.h",
            "function pgtend.h() is not pgtend's",
        ),
        (
            "CREATE DOMAIN pgtend.d AS int CHECK (f())",
            "DROP DOMAIN pgtend.d",
            "type pgtend.d is not pgtend's",
        ),
        (
            "CREATE OPERATOR pgtend.= (FUNCTION = texteq, LEFTARG = text, RIGHTARG = text)",
            "DROP OPERATOR pgtend.= (text, text)",
            "operator pgtend.=(pg_catalog.text,pg_catalog.text) is not pgtend's",
        ),
        (
            "CREATE COLLATION pgtend.c FROM \"C\"",
            "DROP COLLATION pgtend.c",
            "collation pgtend.c is not pgtend's",
        ),
        (
            "GRANT TRIGGER ON pgtend.run TO PUBLIC",
            "REVOKE TRIGGER ON pgtend.run FROM PUBLIC",
            "REVOKE TRIGGER ON TABLE pgtend.run FROM PUBLIC",
        ),
        (
            "GRANT REFERENCES (id) ON pgtend.run TO PUBLIC",
            "REVOKE REFERENCES (id) ON pgtend.run FROM PUBLIC",
            "REVOKE REFERENCES ON TABLE pgtend.run FROM PUBLIC",
        ),
        (
            "GRANT CREATE ON SCHEMA pgtend TO PUBLIC",
            "REVOKE CREATE ON SCHEMA pgtend FROM PUBLIC",
            "REVOKE CREATE ON SCHEMA pgtend FROM PUBLIC",
        ),
    ] {
        db.sql(make).await;
        let found = differences(&db).await;
        assert!(found.contains(told), "{make}: {found}");
        let usable = schema(&db, "postgres").await.require_usable(HistoryPart::Runs);
        assert!(usable.is_err(), "{make}");
        db.sql(undo).await;
        assert_eq!(differences(&db).await, "", "{undo}");
    }
    db.sql("ALTER TABLE pgtend.run ADD note text").await;
    let declared = db.declare("CREATE INDEX one ON sales (amount);");
    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.warned("not_recorded"), ["pgtend"]);
    let (kind, message, _) = problem(&db.pgtend(&["history", "--format", "json"]).expect(3));
    assert_eq!(kind, "unsupported");
    assert!(message.contains("column run.note is not pgtend's"), "{message}");
    assert_eq!(db.value("SELECT count(*) FROM pgtend.run").await, "0");
}

#[tokio::test]
async fn the_first_version_is_known_and_upgraded() {
    let db = Database::new().await;
    db.sql(&format!(
        "CREATE SCHEMA pgtend; {} INSERT INTO pgtend.version VALUES (1, now(), '0.1.0', true)",
        include_str!("../../sql/schema/1.sql")
    ))
    .await;
    assert_eq!(schema(&db, "postgres").await.installed(), Installed::Older(1));
    db.pgtend(&["init"]).expect(0);
    assert_eq!(schema(&db, "postgres").await.installed(), Installed::Current);
    // The rows say what the tables are not.
    db.sql("DELETE FROM pgtend.version WHERE version = 3").await;
    assert_eq!(schema(&db, "postgres").await.installed(), Installed::Changed);
}

#[tokio::test]
async fn default_privileges_let_nobody_hang_code_on_the_history() {
    let db = Database::new().await;
    let role = db.role("app").await;
    db.sql(&format!("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {role}")).await;
    db.sql(&format!("ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO {role}"))
        .await;
    db.pgtend(&["init"]).expect(0);
    assert_eq!(differences(&db).await, "");
    assert_eq!(schema(&db, &role).await.installed(), Installed::Current);
    let may = format!(
        "SELECT has_table_privilege('{role}', 'pgtend.run', 'INSERT') || ' ' ||
         has_table_privilege('{role}', 'pgtend.run', 'TRIGGER')"
    );
    assert_eq!(db.value(&may).await, "true false");
    let output = db.pgtend(&["init", "--format", "json"]).expect(0).came_to("nothing_to_do");
    assert!(output.json().error.is_none());
}

/// Rows that no run of pgtend writes, from a role that may write.
const POISON: &str = "
    INSERT INTO pgtend.run (command, action, object, object_oid, started_at, duration_ms, outcome, reason,
        size_bytes, wal_bytes, pgtend_version)
    SELECT c, a, o, o::regclass, t, d, 'done', E'\\x07\\x1b[31m', s, s, ''
    FROM unnest(ARRAY['vacuum', 'analyze', 'refresh', 'apply'], ARRAY['vacuum', 'analyze', 'refresh_view', 'x']) AS r (c, a),
        unnest(ARRAY['public.sales', 'public.totals']) AS o,
        unnest(ARRAY['infinity', '-infinity', '4000-01-01 BC', '294000-01-01', now()::text]::timestamptz[]) AS t,
        unnest(ARRAY['Infinity', 'NaN', 1e308, 0]::float8[]) AS d,
        unnest(ARRAY[9223372036854775807, -9223372036854775808, NULL]::int8[]) AS s;
    INSERT INTO pgtend.view_state VALUES ('totals'::regclass, 'public.totals', 'infinity', '{\"relations\": 1e400}');
    INSERT INTO pgtend.snapshot (taken_at, reset_at, evictions, started_at, statements, changed, hidden,
        server_version_num, extension_version, pgtend_version, measures, measures_changed)
    SELECT t, t, 9223372036854775807, t, -1, 2147483647, -2147483648, 0, '', '', -1, 2147483647
    FROM unnest(ARRAY['infinity', '-infinity', '4000-01-01 BC', '294000-01-01', now() - '1 day'::interval,
        now() - '1 hour'::interval]::timestamptz[]) AS t;
    INSERT INTO pgtend.statement (dbid, userid, queryid, toplevel, calls, stats_since_epoch)
    SELECT d.oid, 10, n, true, 'NaN', '-Infinity' FROM pg_database d, generate_series(1, 3) n
    WHERE datname = current_database();
    INSERT INTO pgtend.measure (kind, object, object_oid, reset_at, since, value)
    SELECT k, o, 'sales'::regclass, t, s, v
    FROM unnest(ARRAY['table_rows', 'rows_inserted', 'next_xid', E'\x07'],
        ARRAY['public.sales', 'public.sales', 'server', E'\x1b[31m']) AS m (k, o),
        unnest(ARRAY['infinity'::timestamptz]) AS t, unnest(ARRAY[9223372036854775807]::int8[]) AS s,
        unnest(ARRAY[-9223372036854775808]::int8[]) AS v;
    INSERT INTO pgtend.measurement (measure, snapshot, value)
    SELECT m, s, -9223372036854775808 FROM generate_series(1, 300) m, generate_series(1, 9) s;
    INSERT INTO pgtend.sample (statement, snapshot, stats_since_epoch, calls, rows, total_ms, min_ms, max_ms, plans)
    SELECT k.id, p.id, f, f, f, f, f, f, f
    FROM pgtend.statement k
    JOIN LATERAL (SELECT (ARRAY['NaN', 'Infinity', '-Infinity']::float8[])[k.id] AS f) x ON true, pgtend.snapshot p;";

#[tokio::test]
async fn poisoned_rows_stop_nobody() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql(
        "CREATE MATERIALIZED VIEW totals AS SELECT status FROM sales; CREATE EXTENSION pg_stat_statements;",
    )
    .await;
    db.pgtend(&["init"]).expect(0);
    db.sql(POISON).await;
    db.sql("DELETE FROM sales WHERE id > 10").await;
    let declared = db.declare("CREATE INDEX one ON sales (amount);");
    for format in ["json", "table"] {
        for (call, codes) in [
            (&["vacuum", "sales"][..], &[0][..]),
            (&["vacuum", "--all", "--time-limit", "1h", "--dry-run"], &[0]),
            (&["vacuum", "--schema", "public", "--all", "--time-limit", "1h"], &[0]),
            (&["analyze", "sales"], &[0]),
            (&["refresh", "--mode", "plain", "totals"], &[0]),
            (&["refresh", "--max-age", "1h", "--mode", "plain", "totals"], &[0]),
            (&["refresh", "--if-changed", "--mode", "plain", "totals"], &[0]),
            (&["apply", &declared], &[0]),
            (&["history"], &[0]),
            (&["history", "--since", "1h"], &[0]),
            (&["snapshot", "--list"], &[0]),
            (&["snapshot", "--keep", "36500d"], &[0]),
            (&["slow-queries", "--since", "1"], &[0, 2]),
            (&["slow-queries", "--since", "2"], &[0, 2]),
            (&["slow-queries", "--since", "5"], &[0, 2]),
            (&["slow-queries", "--since", "5", "--until", "6"], &[0, 2]),
            (&["slow-queries", "--since", "30min"], &[0, 2]),
            (&["slow-queries", "--since", "5", "--against", "6"], &[0, 2]),
        ] {
            let output = db.pgtend(&[call, &["--format", format]].concat());
            assert!(codes.contains(&output.code), "{call:?}: {output}");
            assert!(!output.stderr.contains("panicked"), "{call:?}: {output}");
        }
    }
    let database = opened(&db, "postgres").await;
    let session = database.reader().await.unwrap();
    let month = Duration::from_secs(30 * 24 * 3600);
    for measure in load_measured(&session, month, &MeasureKind::ALL).await.unwrap() {
        let forecast = measure.rate().map(|rate| rate.until(0, Limit::AtMost(i64::MAX)));
        assert!(forecast.is_none_or(|forecast| !forecast.to_string().is_empty()));
    }
    // A refresh in the future, or of endless length, is none.
    let past = "SELECT count(*) FROM pgtend.run WHERE command = 'refresh' AND object = 'public.totals' AND \
                duration_ms < 1e12 AND started_at > now() - interval '5 min' AND pgtend_version <> ''";
    assert_ne!(db.value(past).await, "0");
}

#[tokio::test]
async fn a_locked_history_stops_nobody() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE MATERIALIZED VIEW totals AS SELECT status FROM sales").await;
    db.pgtend(&["init"]).expect(0);
    for (at, table) in ["run", "version", "view_state"].iter().enumerate() {
        let locked = db.hold(&format!("LOCK TABLE pgtend.{table} IN ACCESS EXCLUSIVE MODE")).await;
        let declared = db.declare(&format!("CREATE INDEX i{at} ON sales (amount);"));
        for call in [
            &["apply", &declared][..],
            &["refresh", "--mode", "plain", "totals"],
            &["vacuum", "sales"],
            &["analyze", "sales"],
        ] {
            let output = db.pgtend(&[call, &["--format", "json"]].concat()).expect(0);
            let warnings = output.json().warnings;
            let told = warnings.iter().filter(|it| it.object == "pgtend").count();
            let is_needed = *table != "view_state";
            assert!(told == 1 || !is_needed && told == 0, "{table}: {call:?}: {output}");
        }
        locked.release().await;
    }
}
