//! Planning runs nothing of a role that is not trusted, whatever way leads to it.

use std::fs;

use pgtend::inside::{Deed, Explained, Guard, Trust, generic_plan};

use crate::init::opened;
use crate::support::Database;

/// A function that tells the log when it runs, and tries to leave whatever it is shut in.
/// IMMUTABLE, so that the planner calls it.
const TRAP: &str = "LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $trap$
  BEGIN
    RAISE LOG 'sprung in %', pg_catalog.current_database();
    BEGIN RESET ROLE; EXCEPTION WHEN OTHERS THEN NULL; END;
    BEGIN RESET SESSION AUTHORIZATION; EXCEPTION WHEN OTHERS THEN NULL; END;
    PERFORM pg_catalog.set_config('statement_timeout', '0', false);
    PERFORM pg_catalog.pg_notify('trap', 'sprung');
    PERFORM pg_catalog.pg_advisory_lock(4711);
    PERFORM pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
      WHERE application_name = 'victim of ' || pg_catalog.current_database();
    RETURN NULL;
  END $trap$";

struct Lair {
    db: Database,
    mallory: String,
}

impl Lair {
    /// A database in which mallory has a schema of her own, with a function `f` that is harmless yet.
    async fn new() -> Lair {
        let db = Database::new().await;
        let mallory = db.role("mallory").await;
        db.sql(&format!(
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC;
             CREATE SCHEMA lair AUTHORIZATION {mallory};
             GRANT USAGE ON SCHEMA lair TO PUBLIC;
             CREATE TABLE ours (n int, t text)"
        ))
        .await;
        let lair = Lair { db, mallory };
        lair.hers(
            "CREATE FUNCTION lair.f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
             CREATE FUNCTION lair.same(int, bigint) RETURNS bool LANGUAGE sql IMMUTABLE
               AS 'SELECT true'",
        )
        .await;
        lair
    }

    async fn hers(&self, sql: &str) {
        self.db.session_as(&self.mallory).await.batch_execute(sql).await.unwrap();
    }

    /// Her functions become what they are for.
    async fn arm(&self) {
        self.hers(&format!(
            "CREATE OR REPLACE FUNCTION lair.f(int) RETURNS int {TRAP};
             CREATE OR REPLACE FUNCTION lair.same(int, bigint) RETURNS bool {TRAP}"
        ))
        .await;
    }

    /// To create an index she needs a privilege on the schema; to keep it none.
    async fn index_hers(&self) {
        let mallory = &self.mallory;
        self.db.sql(&format!("GRANT CREATE ON SCHEMA public TO {mallory}")).await;
        self.hers("CREATE INDEX hers_trap ON hers (n) WHERE lair.f(1) IS NULL").await;
        self.db.sql(&format!("REVOKE CREATE ON SCHEMA public FROM {mallory}")).await;
    }

    fn sprung(&self) -> bool {
        // Other tests log what is not UTF-8.
        let log = fs::read(&self.db.server.log_path).unwrap();
        String::from_utf8_lossy(&log).contains(&format!("sprung in {}", self.db.name))
    }

    /// As this role, trusting those.
    async fn explain(&self, role: &str, query: &str, trusted: &[String]) -> Explained {
        let opened = opened(&self.db, role).await;
        let session = opened.reader().await.unwrap();
        let path = &opened.server.search_path;
        let trust = Trust::load(&session, path, trusted, Deed::Planning).await.unwrap();
        generic_plan(&session, query, Guard::Trusted(&trust)).await.unwrap()
    }

    /// The statement is not planned, and the reason has these words.
    async fn refused(&self, role: &str, query: &str, words: &[&str]) {
        match self.explain(role, query, &[]).await {
            Explained::Not(reason) => {
                for word in words {
                    assert!(reason.contains(word), "{query}: {reason}");
                }
            }
            Explained::Plan(plan) => panic!("{query}: {plan}"),
        }
        assert!(!self.sprung(), "{query}");
    }

    async fn planned(&self, role: &str, query: &str) {
        match self.explain(role, query, &[]).await {
            Explained::Plan(_) => {}
            Explained::Not(reason) => panic!("{query}: {reason}"),
        }
    }
}

#[tokio::test]
async fn a_function_of_hers_is_not_called() {
    let lair = Lair::new().await;
    lair.planned("postgres", "SELECT * FROM ours WHERE n = $1 AND lower(t) = 'x'")
        .await;
    lair.planned("postgres", "SELECT * FROM public.ours").await;
    lair.planned("postgres", "INSERT INTO ours VALUES (1, 'x')").await;
    lair.arm().await;
    let victim = lair.db.session().await;
    let name = format!("SET application_name = 'victim of {}'", lair.db.name);
    victim.batch_execute(&name).await.unwrap();
    for query in [
        "SELECT lair.f(1)",
        "SELECT LAIR . \"f\" (1)",
        "SELECT * FROM ours WHERE n = lair /* */ .f(1)",
        "SELECT 1 OPERATOR(lair.=) 2",
    ] {
        lair.refused("postgres", query, &["schema lair", &lair.mallory, "connect as"])
            .await;
    }
    lair.refused("postgres", "SELECT U&\"l\\0061ir\".f(1)", &["Unicode"]).await;
    // The trap is one: this role is trusted by name.
    let answer = lair.explain("postgres", "SELECT lair.f(1)", std::slice::from_ref(&lair.mallory));
    drop(answer.await);
    assert!(lair.sprung());
    victim.batch_execute("SELECT 1").await.unwrap_err();
}

#[tokio::test]
async fn an_index_that_she_adds_later_is_not_read() {
    let lair = Lair::new().await;
    let mallory = &lair.mallory;
    lair.db
        .sql(&format!("CREATE TABLE hers (n int); ALTER TABLE hers OWNER TO {mallory}"))
        .await;
    lair.index_hers().await;
    lair.arm().await;
    for query in ["SELECT * FROM hers WHERE n = $1", "SELECT * FROM public.hers", "TABLE hers"] {
        lair.refused("postgres", query, &["the table ", "hers", mallory]).await;
    }
}

#[tokio::test]
async fn what_is_ours_may_lead_to_hers() {
    let lair = Lair::new().await;
    lair.hers(
        "CREATE TABLE lair.child (n int);
         CREATE DOMAIN lair.checked AS int CHECK (lair.f(VALUE) IS NOT NULL);
         CREATE VIEW lair.seen AS SELECT lair.f(1) AS n",
    )
    .await;
    let mallory = &lair.mallory;
    lair.db
        .sql(&format!(
            "CREATE VIEW called AS SELECT lair.f(1) AS n;
             CREATE VIEW twice AS SELECT n + 1 AS n FROM called;
             CREATE VIEW seen AS SELECT n FROM lair.seen;
             CREATE TABLE indexed (n int);
             CREATE INDEX ON indexed (n) WHERE lair.f(1) = 1;
             CREATE TABLE bounded (n int CHECK (n < lair.f(3)));
             CREATE TABLE filled (n int DEFAULT lair.f(3), m int);
             CREATE TABLE typed (n lair.checked);
             CREATE TABLE parent (n int) PARTITION BY LIST (n);
             CREATE TABLE part PARTITION OF parent FOR VALUES IN (1);
             ALTER TABLE part OWNER TO {mallory};
             CREATE TABLE heir () INHERITS (ours);
             ALTER TABLE heir OWNER TO {mallory};
             CREATE TABLE guarded (n int);
             CREATE POLICY p ON guarded USING (lair.f(1) = 1);
             CREATE OPERATOR @@@@ (FUNCTION = lair.same, LEFTARG = int, RIGHTARG = bigint);
             CREATE TABLE alone (n int)"
        ))
        .await;
    lair.arm().await;
    lair.refused("postgres", "SELECT 1 @@@@ 2::bigint", &["operator", mallory])
        .await;
    lair.db.sql("DROP OPERATOR @@@@ (int, bigint)").await;
    lair.planned("postgres", "SELECT * FROM alone WHERE n = $1").await;
    for query in [
        "SELECT * FROM called",
        "SELECT * FROM twice",
        "SELECT * FROM seen",
        "SELECT * FROM indexed WHERE n = $1",
        "SELECT * FROM bounded WHERE n = $1",
        "INSERT INTO filled (m) VALUES ($1)",
        "INSERT INTO typed VALUES (1)",
        "SELECT * FROM parent WHERE n = $1",
        "SELECT * FROM ours WHERE n = $1",
        "SELECT * FROM guarded",
    ] {
        lair.refused("postgres", query, &["it may reach ", mallory]).await;
    }
}

#[tokio::test]
async fn a_schema_into_which_she_may_put_something_is_not_searched() {
    let lair = Lair::new().await;
    let (db, mallory) = (&lair.db, &lair.mallory);
    db.sql(&format!("GRANT CREATE ON SCHEMA public TO {mallory}")).await;
    lair.arm().await;
    lair.hers(
        "CREATE OPERATOR public.= (FUNCTION = lair.same, LEFTARG = int, RIGHTARG = bigint);
         CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lair.f(1)::text'",
    )
    .await;
    let query = "SELECT * FROM ours WHERE n = 5000000000";
    let revoke = format!("REVOKE CREATE ON SCHEMA public FROM {mallory};");
    lair.refused("postgres", query, &["the schema public", &revoke]).await;
    // Nothing that is named is looked for there.
    lair.planned("postgres", "SELECT relname FROM pg_class WHERE relpages = 5000000000")
        .await;
    db.sql(&revoke).await;
    lair.refused("postgres", query, &["the function lower belongs to", mallory])
        .await;
    lair.hers("DROP FUNCTION public.lower(text)").await;
    lair.refused("postgres", query, &["the operator = belongs to", mallory]).await;
    lair.hers("DROP OPERATOR public.= (int, bigint)").await;
    lair.planned("postgres", query).await;
    db.sql("GRANT CREATE ON SCHEMA public TO PUBLIC").await;
    lair.refused("postgres", query, &["where every role may", "FROM PUBLIC;"]).await;
    assert!(!lair.sprung());
}

/// Parsing itself reads constants, which checks domains.
#[tokio::test]
async fn constants_of_her_types_are_not_read() {
    let lair = Lair::new().await;
    lair.hers(
        "CREATE DOMAIN lair.checked AS int CHECK (lair.f(VALUE) IS NOT NULL);
         CREATE TYPE lair.pair AS (one lair.checked)",
    )
    .await;
    lair.db
        .sql("CREATE TABLE pairs (p lair.pair); CREATE TYPE outer_pair AS (p lair.pair)")
        .await;
    lair.arm().await;
    let mallory = &*lair.mallory;
    lair.refused("postgres", "INSERT INTO pairs VALUES ('(1)')", &["type lair.", mallory])
        .await;
    lair.refused("postgres", "SELECT '(\"(1)\")'::outer_pair", &["type lair.", mallory])
        .await;
    lair.refused("postgres", "SELECT '(1)'::lair.pair", &["schema lair", mallory])
        .await;
    let session = lair.db.session().await;
    drop(session.batch_execute("PREPARE p AS INSERT INTO pairs VALUES ('(1)')").await);
    assert!(lair.sprung());
}

/// A cast is found without a name.
#[tokio::test]
async fn a_cast_that_calls_her_is_not_made() {
    let lair = Lair::new().await;
    lair.hers(
        "CREATE FUNCTION lair.g(text) RETURNS int4range LANGUAGE sql IMMUTABLE AS 'SELECT NULL::int4range'",
    )
    .await;
    lair.db
        .sql("CREATE CAST (text AS int4range) WITH FUNCTION lair.g(text) AS IMPLICIT")
        .await;
    let reason = ["the cast function lair.g", &*lair.mallory];
    lair.refused("postgres", "SELECT * FROM ours WHERE t @> 1", &reason).await;
}

#[tokio::test]
async fn a_role_without_privileges_trusts_itself_and_superusers_only() {
    let lair = Lair::new().await;
    let (db, mallory) = (&lair.db, &lair.mallory);
    let app = db.role("app").await;
    db.sql(&format!(
        "GRANT CREATE ON SCHEMA public TO {app}; GRANT SELECT ON ours TO {app};
         CREATE TABLE hers (n int); ALTER TABLE hers OWNER TO {mallory}"
    ))
    .await;
    let own = db.session_as(&app).await;
    own.batch_execute("CREATE TABLE apps (n int); CREATE INDEX ON apps ((n + 1))")
        .await
        .unwrap();
    lair.hers(&format!("GRANT SELECT ON hers TO {app}")).await;
    lair.index_hers().await;
    lair.arm().await;
    lair.planned(&app, "SELECT * FROM apps JOIN ours USING (n)").await;
    lair.refused(&app, "SELECT * FROM hers", &["table", mallory]).await;
    lair.refused("postgres", "SELECT * FROM apps", &[&app]).await;
    // By SET ROLE the session is still a superuser's, to whom a function of the role may return.
    db.sql(&format!("ALTER ROLE postgres IN DATABASE {} SET role = '{app}'", db.name))
        .await;
    lair.refused("postgres", "SELECT * FROM apps", &[&app]).await;
}
