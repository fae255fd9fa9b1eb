//! How sessions begin, and that they stay so: the search path and the settings that decide what a text
//! means.

use pgtend::inside::{Database as Opened, Session, Workers};

use crate::init::opened;
use crate::support::{Database, SALES};

async fn path(session: &Session) -> String {
    let rows = session
        .query("SELECT pg_catalog.current_setting('search_path')", &[])
        .await
        .unwrap();
    rows[0].get(0)
}

/// One of each pool.
async fn sessions(opened: &Opened) -> Vec<Session> {
    vec![
        opened.reader().await.unwrap(),
        opened.maintainer(Workers::AsConfigured).await.unwrap(),
        opened.maintainer(Workers::None).await.unwrap(),
        opened.dedicated().await.unwrap(),
    ]
}

#[tokio::test]
async fn no_setting_of_a_role_or_database_and_no_reset_gives_a_session_a_search_path() {
    let db = Database::new().await;
    let role = db.role("user").await;
    db.sql(&format!(
        "ALTER DATABASE {0} SET search_path = public, pg_catalog;
         ALTER ROLE {role} SET search_path = public;
         ALTER ROLE {role} IN DATABASE {0} SET search_path = public, app",
        db.name
    ))
    .await;
    let opened = opened(&db, &role).await;
    assert_eq!(opened.server.search_path.text, "public, app");
    for session in sessions(&opened).await {
        assert_eq!(path(&session).await, "");
        for reset in ["RESET search_path", "RESET ALL", "DISCARD ALL", "SET search_path TO DEFAULT"]
        {
            session.execute("SET search_path = public").await.unwrap();
            session.execute(reset).await.unwrap();
            assert_eq!(path(&session).await, "", "{reset}");
        }
    }
}

#[tokio::test]
async fn the_path_of_a_user_is_what_the_server_makes_of_it() {
    let db = Database::new().await;
    let role = db.role("user").await;
    db.sql(&format!(
        "CREATE SCHEMA \"{role}\"; GRANT USAGE ON SCHEMA \"{role}\" TO {role};
         CREATE SCHEMA \"We;ird, \"\"one\"\"\"; GRANT USAGE ON SCHEMA \"We;ird, \"\"one\"\"\" TO {role};
         CREATE SCHEMA closed;"
    ))
    .await;
    let paths = [
        "\"$user\", public",
        "nowhere, \"$user\", closed, Public",
        "\"We;ird, \"\"one\"\"\", public, pg_catalog",
        "pg_temp, public",
        "''",
    ];
    for wanted in paths {
        db.sql(&format!("ALTER ROLE {role} SET search_path = {wanted}")).await;
        let user = db.session_as(&role).await;
        let schemas = user.query_one("SELECT current_schemas(false)::text[]", &[]).await.unwrap();
        let path = opened(&db, &role).await.server.search_path.clone();
        // A session of pgtend's has no temporary schema.
        let mut schemas = schemas.get::<_, Vec<String>>(0);
        schemas.retain(|schema| !schema.starts_with("pg_temp"));
        assert_eq!(path.schemas, schemas, "{wanted}");
        let all = user.query_one("SELECT current_schemas(true)::text[]", &[]).await.unwrap();
        let mut all = all.get::<_, Vec<String>>(0);
        all.retain(|schema| !schema.starts_with("pg_temp"));
        assert_eq!(path.searched(), all, "{wanted}");
    }
}

#[tokio::test]
async fn a_session_that_was_left_in_the_users_path_is_not_used_again() {
    let db = Database::new().await;
    let opened = opened(&db, "postgres").await;
    let session = opened.maintainer(Workers::AsConfigured).await.unwrap();
    let pid = session.pid();
    session.enter(&opened.server.search_path).await.unwrap();
    assert_eq!(path(&session).await, "\"$user\", public");
    session.leave().await.unwrap();
    drop(session);

    let session = opened.maintainer(Workers::AsConfigured).await.unwrap();
    assert_eq!((session.pid(), path(&session).await), (pid, String::new()));
    session.enter(&opened.server.search_path).await.unwrap();
    // Nobody has awaited its end.
    drop(session);
    let session = opened.maintainer(Workers::AsConfigured).await.unwrap();
    assert_ne!(session.pid(), pid);
    assert_eq!(path(&session).await, "");
}

#[tokio::test]
async fn a_second_statement_is_refused_by_the_server() {
    let db = Database::new().await;
    db.sql(SALES).await;
    let opened = opened(&db, "postgres").await;
    for session in sessions(&opened).await {
        let two = "SELECT 1; DROP TABLE public.sales";
        let refused = session.execute(two).await.unwrap_err();
        assert_eq!(refused.sqlstate.as_deref(), Some("42601"));
        let answers = session.pipeline(&[two.to_owned()]).await;
        let refused = answers.into_iter().next().unwrap().unwrap_err();
        assert_eq!(refused.sqlstate.as_deref(), Some("42601"));
    }
    assert_eq!(db.value("SELECT count(*) FROM sales").await, "1000");
}

/// For our parser there are two strings, and for a server with this setting one, and then more.
#[tokio::test]
async fn a_string_of_a_declaration_ends_where_it_ends_for_the_parser() {
    for of in ["DATABASE", "ROLE"] {
        let db = Database::new().await;
        db.sql(SALES).await;
        db.sql("CREATE TABLE victim ()").await;
        let role = db.role("owner").await;
        db.sql(&format!(
            "ALTER TABLE sales OWNER TO {role}; ALTER TABLE victim OWNER TO {role}"
        ))
        .await;
        db.sql(&format!("GRANT CREATE ON SCHEMA public TO {role}")).await;
        let name = if of == "ROLE" { &role } else { &db.name };
        db.sql(&format!("ALTER {of} {name} SET standard_conforming_strings = off"))
            .await;
        let declared = db.declare(
            "CREATE INDEX sales_open ON sales (user_id)
                 WHERE status <> '\\' AND status <> '; COMMIT; DROP TABLE victim; --';
             CREATE MATERIALIZED VIEW texts AS SELECT '\\' AS a, '; COMMIT; DROP TABLE victim; --' AS b;
             COMMENT ON INDEX sales_open IS '\\''; COMMIT; DROP TABLE victim; --';",
        );
        let run = |arguments: &[&str]| db.pgtend_as(&role, &[arguments, &[&declared]].concat());
        run(&["plan"]).expect(0);
        assert_eq!(db.value("SELECT count(*) FROM victim").await, "0");
        run(&["apply"]).expect(0);
        run(&["plan", "--check"]).expect(0);
        assert_eq!(db.value("SELECT count(*) FROM victim").await, "0");
        assert_eq!(db.value("SELECT a FROM texts").await, "\\");
    }
}
