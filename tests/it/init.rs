//! pgtend's own schema: how it comes into a database, and out of it again.

use pg_conninfo::{Conninfo, Environment};
use pgtend::inside::history::{self, Installed};
use pgtend::inside::{ConnectOptions, Database as Opened, Echo, Errand, OrphanPolicy};

use crate::support::document::{Document, SchemaStep};
use crate::support::{Database, Output, Pgtend, SALES, until};

const INIT: [&str; 3] = ["init", "--format", "json"];
const UNINSTALL: [&str; 4] = ["init", "--uninstall", "--format", "json"];

/// How many relations are in the schema, those of others too.
const RELATIONS: &str = "SELECT count(*) FROM pg_class WHERE relnamespace = \
                         (SELECT oid FROM pg_namespace WHERE nspname = 'pgtend')";
const SCHEMAS: &str = "SELECT count(*) FROM pg_namespace WHERE nspname = 'pgtend'";

fn document(output: &Output) -> Document<SchemaStep> {
    output.json_with_steps()
}

/// Action and reason of each step.
fn steps(output: &Output) -> Vec<String> {
    let steps = document(output).steps.into_iter();
    steps.map(|step| format!("{} {}", step.action, step.reason)).collect()
}

/// Kind, message and hint of the failure.
pub fn problem(output: &Output) -> (String, String, String) {
    let problem = document(output).error.unwrap();
    (problem.kind, problem.message, problem.hint.unwrap_or_default())
}

/// The library's own way in.
pub async fn opened(db: &Database, role: &str) -> Opened {
    let connect_options = ConnectOptions {
        command: "test",
        maintainers: 1,
        errand: Errand::Own,
        settings: Vec::new(),
        orphans: OrphanPolicy::Ends,
        echo: Echo::silent(),
    };
    let environment = Environment::process();
    let conninfo = Conninfo::resolve(Some(&db.url_as(role)), &environment).unwrap();
    Opened::open(&conninfo, &environment, &connect_options).await.unwrap()
}

async fn installed(db: &Database, role: &str) -> Installed {
    let database = opened(db, role).await;
    let session = database.reader().await.unwrap();
    history::load_schema(&session, None).await.unwrap().installed()
}

#[tokio::test]
async fn it_is_installed_once_and_removed_without_a_trace() {
    let db = Database::new().await;
    assert_eq!(installed(&db, "postgres").await, Installed::Absent);
    let output = db.pgtend(&INIT).expect(0);
    assert_eq!(document(&output).outcome, "done", "{output}");
    assert_eq!(
        steps(&output),
        ["install missing", "upgrade to version 2", "upgrade to version 3"]
    );
    let step = &document(&output).steps[0];
    assert_eq!((step.object.as_str(), step.status.as_str()), ("pgtend", "done"));
    assert!(step.sql.contains("CREATE TABLE pgtend.run"), "{output}");
    assert!(step.duration_ms <= document(&output).duration_ms, "{output}");
    assert_eq!(installed(&db, "postgres").await, Installed::Current);
    assert_eq!(db.value("SELECT max(version) FROM pgtend.version").await, "3");

    let sent = db.changes("pgtend/init").len();
    let again = db.pgtend(&INIT).expect(0);
    assert_eq!(document(&again).outcome, "nothing_to_do", "{again}");
    assert_eq!(db.changes("pgtend/init").len(), sent);

    db.sql("INSERT INTO pgtend.view_state VALUES (1, 'public.totals', now(), '[]')")
        .await;
    let removed = db.pgtend(&UNINSTALL).expect(0);
    assert_eq!(steps(&removed), ["uninstall removed with all that it holds"]);
    assert_eq!(db.value(SCHEMAS).await, "0");
    let again = db.pgtend(&UNINSTALL).expect(0);
    assert_eq!(document(&again).outcome, "nothing_to_do", "{again}");
    db.pgtend(&INIT).expect(0);
}

#[tokio::test]
async fn every_table_and_column_is_explained() {
    let db = Database::new().await;
    db.pgtend(&INIT).expect(0);
    let unexplained = "SELECT string_agg(c.relname || '.' || a.attname, ', ') FROM pg_class c \
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
        WHERE c.relnamespace = 'pgtend'::regnamespace AND c.relkind = 'r' \
        AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)";
    assert_eq!(db.value(unexplained).await, "");
}

#[tokio::test]
async fn a_dry_run_prints_statements_that_do_it() {
    let db = Database::new().await;
    let role = db.role("reader").await;
    let call = ["init", "--dry-run", "--grant", &role];
    let dry = db.pgtend(&call).expect(0);
    let json = db.pgtend(&[&call[..], &["--format", "json"]].concat()).expect(0);
    assert_eq!(document(&json).outcome, "planned", "{json}");
    let grant = format!("grant to {role}");
    let expected = ["install missing", "upgrade to version 2", "upgrade to version 3", &grant];
    assert_eq!(steps(&json), expected);
    assert_eq!(db.value(SCHEMAS).await, "0");
    assert!(db.changes("pgtend/init").is_empty());

    db.sql(&dry.stdout).await;
    let output = db.pgtend(&["init", "--grant", &role]).expect(0);
    assert!(output.stderr.contains("Nothing to do"), "{output}");
    let dry = db.pgtend(&["init", "--uninstall", "--dry-run"]).expect(0);
    db.sql(&dry.stdout).await;
    assert_eq!(db.value(SCHEMAS).await, "0");
}

#[tokio::test]
async fn what_others_have_there_stops_the_removal() {
    let db = Database::new().await;
    db.sql("CREATE TABLE public.mine (id int)").await;
    let inside = [
        (
            "CREATE TABLE pgtend.notes (id int)",
            "DROP TABLE pgtend.notes",
            "table pgtend.notes",
        ),
        ("CREATE VIEW pgtend.v AS SELECT 1 AS one", "DROP VIEW pgtend.v", "view pgtend.v"),
        (
            "CREATE FUNCTION pgtend.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DROP FUNCTION pgtend.f",
            "function pgtend.f()",
        ),
        (
            "CREATE TYPE pgtend.mood AS ENUM ('ok')",
            "DROP TYPE pgtend.mood",
            "type pgtend.mood",
        ),
        (
            "CREATE INDEX mine ON pgtend.run (reason)",
            "DROP INDEX pgtend.mine",
            "index pgtend.mine",
        ),
    ];
    let outside = [
        (
            "CREATE VIEW public.failures AS SELECT * FROM pgtend.run WHERE outcome = 'failed'",
            "DROP VIEW public.failures",
            "view public.failures",
        ),
        (
            "CREATE MATERIALIZED VIEW public.copy AS SELECT * FROM pgtend.view_state",
            "DROP MATERIALIZED VIEW public.copy",
            "materialized view public.copy",
        ),
        (
            "ALTER TABLE public.mine ADD run bigint REFERENCES pgtend.run",
            "ALTER TABLE public.mine DROP run",
            "table constraint mine_run_fkey on public.mine",
        ),
        (
            "CREATE TRIGGER tell AFTER INSERT ON pgtend.run EXECUTE FUNCTION \
             suppress_redundant_updates_trigger()",
            "DROP TRIGGER tell ON pgtend.run",
            "trigger tell on pgtend.run",
        ),
    ];
    db.pgtend(&INIT).expect(0);
    let relations = db.value(RELATIONS).await;
    for (make, remove, name) in inside.into_iter().chain(outside) {
        db.sql(make).await;
        let output = db.pgtend(&UNINSTALL).expect(3);
        let (kind, message, hint) = problem(&output);
        assert_eq!(kind, "unsupported", "{output}");
        assert!(message.ends_with(name), "{name}: {output}");
        assert!(hint.contains("nothing was removed"), "{output}");
        db.sql(remove).await;
        assert_eq!(db.value(RELATIONS).await, relations, "{make}");
    }
    // Of this the list knows nothing; the server does.
    db.sql("ALTER TABLE public.mine ADD whole pgtend.run").await;
    let output = db.pgtend(&UNINSTALL).expect(3);
    assert!(problem(&output).1.contains("column whole of table"), "{output}");
    assert_eq!(db.value(RELATIONS).await, relations);
    db.sql("DROP TABLE public.mine").await;
    db.pgtend(&UNINSTALL).expect(0);
    assert_eq!(db.value(SCHEMAS).await, "0");
}

#[tokio::test]
async fn a_schema_of_somebody_else_is_let_alone() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE SCHEMA pgtend; CREATE TABLE pgtend.version (number text)").await;
    assert_eq!(installed(&db, "postgres").await, Installed::Foreign);
    for call in [&INIT[..], &UNINSTALL] {
        let output = db.pgtend(call).expect(3);
        let (kind, message, _) = problem(&output);
        assert_eq!(kind, "unsupported", "{output}");
        assert!(
            message.contains("has not made") && message.contains("pgtend.version"),
            "{output}"
        );
    }
    db.pgtend(&["history"]).expect(3);
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id);");
    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.warned("not_recorded"), ["pgtend"]);
    assert_eq!(db.value(RELATIONS).await, "1");
}

#[tokio::test]
async fn a_newer_schema_is_not_touched() {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.pgtend(&INIT).expect(0);
    db.sql("INSERT INTO pgtend.version VALUES (99, now(), '9.0.0', false)").await;
    assert_eq!(installed(&db, "postgres").await, Installed::Newer(99));
    for call in [&INIT[..], &UNINSTALL, &["history", "--format", "json"]] {
        let output = db.pgtend(call).expect(3);
        let (kind, message, hint) = problem(&output);
        assert_eq!(kind, "unsupported", "{output}");
        assert!(message.contains("version 99") && hint.contains("newer pgtend"), "{output}");
    }
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id);");
    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.warned("not_recorded"), ["pgtend"], "{output}");
    assert_eq!(db.value("SELECT count(*) FROM pgtend.run").await, "0");
}

#[tokio::test]
async fn a_role_without_the_privilege_is_told_what_is_missing() {
    let db = Database::new().await;
    let role = db.role("plain").await;
    let output = db.pgtend_as(&role, &INIT).expect(3);
    let (kind, message, hint) = problem(&output);
    assert_eq!(kind, "privilege", "{output}");
    let wanted = format!("{role} may not create a schema in the database {}", db.name);
    assert_eq!(message, wanted);
    let grant = format!("GRANT CREATE ON DATABASE {} TO {role}", db.name);
    assert!(hint.contains(&grant), "{output}");

    db.sql(&grant).await;
    db.pgtend_as(&role, &INIT).expect(0);
    db.pgtend_as(&role, &UNINSTALL).expect(0);
    assert_eq!(db.value(SCHEMAS).await, "0");
}

#[tokio::test]
async fn a_schema_that_was_made_for_the_role_is_used_and_stays() {
    let db = Database::new().await;
    let role = db.role("guest").await;
    db.sql("CREATE SCHEMA pgtend").await;
    let output = db.pgtend_as(&role, &INIT).expect(3);
    let (kind, _, hint) = problem(&output);
    assert_eq!(kind, "privilege", "{output}");
    assert!(
        hint.contains(&format!("GRANT USAGE, CREATE ON SCHEMA pgtend TO {role}")),
        "{output}"
    );

    db.sql(&format!("ALTER SCHEMA pgtend OWNER TO {role}")).await;
    db.pgtend_as(&role, &INIT).expect(0);
    assert_eq!(installed(&db, &role).await, Installed::Current);
    db.pgtend_as(&role, &UNINSTALL).expect(0);
    assert_eq!((db.value(SCHEMAS).await, db.value(RELATIONS).await), ("1".into(), "0".into()));
    db.pgtend_as(&role, &INIT).expect(0);
}

#[tokio::test]
async fn two_at_once_install_it_once() {
    let db = Database::new().await;
    let roles = [db.role("one").await, db.role("two").await];
    let all = [&INIT[..], &["--grant", &roles[0], "--grant", &roles[1]]].concat();
    // Neither goes on before both have found nothing.
    let lock = db.hold("SELECT pg_advisory_xact_lock(1885828206, 1000)").await;
    let both = [db.start(&all), db.start(&all)];
    until("both wait", || async {
        let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                       AND database = (SELECT oid FROM pg_database WHERE datname = \
                       current_database())";
        db.value(waiting).await == "2"
    })
    .await;
    lock.release().await;
    let mut done = both
        .into_iter()
        .flat_map(|run| steps(&run.wait().expect(0)))
        .collect::<Vec<_>>();
    done.sort();
    let grants = roles.map(|role| format!("grant to {role}"));
    let expected = [
        grants[0].as_str(),
        &grants[1],
        "install missing",
        "upgrade to version 2",
        "upgrade to version 3",
    ];
    assert_eq!(done, expected);
}

#[tokio::test]
async fn a_lock_that_is_not_free_changes_nothing() {
    let db = Database::new().await;
    db.pgtend(&INIT).expect(0);
    let reader = db.hold("SELECT * FROM pgtend.run").await;
    let output = db.pgtend(&UNINSTALL).expect(3);
    assert!(problem(&output).2.contains("try again"), "{output}");
    reader.release().await;
    assert_eq!(installed(&db, "postgres").await, Installed::Current);
}

#[tokio::test]
async fn further_roles_are_let_in() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let role = db.role("writer").await;
    db.sql(&format!(
        "ALTER TABLE sales OWNER TO {role}; GRANT ALL ON SCHEMA public TO {role}"
    ))
    .await;
    db.pgtend(&INIT).expect(0);
    assert_eq!(installed(&db, &role).await, Installed::Unusable);
    let history = ["history", "--format", "json"];
    let (kind, _, hint) = problem(&db.pgtend_as(&role, &history).expect(3));
    assert_eq!(kind, "privilege");
    assert!(hint.contains("pgtend init --grant"), "{hint}");
    let output = db.pgtend_as(&role, &INIT).expect(3);
    assert_eq!(problem(&output).0, "privilege", "{output}");
    let first = db.declare("CREATE INDEX sales_user ON sales (user_id);");
    let output = db.apply_as(&role, &[&first]).expect(0).came_to("done");
    assert_eq!(output.warned("not_recorded"), ["pgtend"], "{output}");

    let call = [&INIT[..], &["--grant", &role, "--grant", &role]].concat();
    assert_eq!(steps(&db.pgtend(&call).expect(0)), [format!("grant to {role}")]);
    assert_eq!(document(&db.pgtend(&call).expect(0)).outcome, "nothing_to_do");
    let second = db.declare("CREATE INDEX sales_status ON sales (status);");
    let output = db.apply_as(&role, &[&second]).expect(0).came_to("done");
    assert_eq!(output.warned("not_recorded"), [""; 0], "{output}");
    let output = db.pgtend_as(&role, &[&history[..], &["--keep", "0s"]].concat()).expect(0);
    assert_eq!(output.json().pruned, Some(1), "{output}");
    // Who is let in does not own it.
    assert_eq!(problem(&db.pgtend_as(&role, &UNINSTALL).expect(3)).0, "privilege");

    let unknown = db.pgtend(&["init", "--format", "json", "--grant", "nobody; DROP"]).expect(2);
    assert_eq!(problem(&unknown).0, "usage", "{unknown}");
}

#[tokio::test]
async fn a_database_with_a_strange_name_is_no_obstacle() {
    let db = Database::new().await;
    let name = format!("We;ird \"{}\"", db.name);
    let quoted = format!("\"{}\"", name.replace('"', "\"\""));
    db.sql(&format!("CREATE DATABASE {quoted}")).await;
    let role = db.role("plain").await;
    let call = |role: &str| {
        Pgtend::new(&INIT)
            .env("PGHOST", &db.server.socket_dir)
            .env("PGPORT", &db.server.port.to_string())
            .env("PGUSER", role)
            .env("PGDATABASE", &name)
            .run()
    };
    let hint = problem(&call(&role).expect(3)).2;
    assert!(hint.contains(&format!("GRANT CREATE ON DATABASE {quoted} TO {role}")), "{hint}");
    call("postgres").expect(0);
}

#[tokio::test]
async fn a_role_that_may_not_write_is_refused() {
    let db = Database::new().await;
    let role = db.role("readonly").await;
    db.sql(&format!("ALTER ROLE {role} SET default_transaction_read_only = on"))
        .await;
    let output = db.pgtend_as(&role, &INIT).expect(3);
    assert!(problem(&output).1.contains("read-only"), "{output}");
}
