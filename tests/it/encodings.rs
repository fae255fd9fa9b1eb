//! Names and texts that are not UTF-8, and those that the server cannot convert.

use std::fs;

use pg_sandbox::Sandbox;
use pgtend::inside::Fault;
use tokio_postgres::types::Type;

use crate::init::opened;
use crate::support::server;
use crate::support::{Database, Output, Pgtend, connect_to};

/// A server of its own, because what cannot be converted concerns the whole server.
struct Server {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl Server {
    /// With the database `raw`, which has no encoding, and a statement in it that has none, too.
    async fn start() -> Server {
        let sandbox = Sandbox::start(&server::options()).unwrap();
        let server = Server { sandbox, folder: tempfile::tempdir().unwrap() };
        server
            .sql(
                "postgres",
                &[
                    "CREATE EXTENSION pg_stat_statements",
                    "CREATE DATABASE raw ENCODING 'SQL_ASCII' TEMPLATE template0 \
                     LC_COLLATE 'C' LC_CTYPE 'C'",
                ],
            )
            .await;
        server
            .sql(
                "raw",
                &[
                    "CREATE EXTENSION pg_stat_statements",
                    "SET pg_stat_statements.track = 'all'",
                    "DO $$ BEGIN EXECUTE 'SELECT 1 AS \"caf' || chr(233) || '\"'; END $$",
                ],
            )
            .await;
        server
    }

    fn url(&self, database: &str) -> String {
        let folder = self.sandbox.socket_dir().display().to_string();
        format!("host={folder} port={} user=postgres dbname={database}", self.sandbox.port())
    }

    async fn sql(&self, database: &str, statements: &[&str]) {
        let client = connect_to(&self.url(database)).await.unwrap();
        for statement in statements {
            client.batch_execute(statement).await.unwrap();
        }
    }

    fn pgtend(&self, database: &str, arguments: &[&str]) -> Output {
        let url = self.url(database);
        let cache = self.folder.path().join("cache").display().to_string();
        let arguments = [arguments, &["-d", &url]].concat();
        Pgtend::new(&arguments).env("XDG_CACHE_HOME", &cache).run()
    }
}

#[tokio::test]
async fn a_text_that_cannot_be_converted_costs_the_texts_and_nothing_else() {
    let server = Server::start().await;
    server
        .sql("postgres", &["CREATE TABLE t (n int)", "SELECT count(*) AS counted FROM t"])
        .await;
    let output = server.pgtend("postgres", &["slow-queries", "--format", "json"]).expect(0);
    let warned = output.warned("texts_not_readable");
    assert_eq!(warned.len(), 1, "{output}");
    let message = output.json().warnings[0].message.clone();
    assert!(
        message.contains("raw has SQL_ASCII: SELECT pg_stat_statements_reset(0, "),
        "{message}"
    );
    let document = output.json();
    assert!(!document.statements.is_empty() && document.statements[0]["query"].is_null());
    let failed = server.pgtend("postgres", &["slow-queries", "--like", "x"]).expect(3);
    assert!(failed.stderr.contains("leave out --like"), "{failed}");
    let explained = server.pgtend("postgres", &["slow-queries", "--explain"]).expect(0);
    assert!(explained.stdout.contains("its text is not known"), "{explained}");

    let file = server.folder.path().join("statements.json").display().to_string();
    let output = server
        .pgtend("postgres", &["snapshot", "--file", &file, "--format", "json"])
        .expect(0);
    assert_eq!(output.warned("texts_not_readable").len(), 1, "{output}");
    assert!(fs::read_to_string(&file).unwrap().ends_with("\"texts\":[]}"));
    server.pgtend("postgres", &["slow-queries", "--since", &file]).expect(0);
    server.pgtend("postgres", &["init"]).expect(0);
    let output = server.pgtend("postgres", &["snapshot", "--format", "json"]).expect(0);
    assert_eq!(output.warned("texts_not_readable").len(), 1, "{output}");
    assert!(output.json().snapshot.unwrap().statements > Some(0));

    // The database without encoding has them all, as far as they are UTF-8.
    let output = server.pgtend("raw", &["slow-queries", "--limit", "100"]).expect(0);
    assert!(!output.stderr.contains("texts_not_readable"), "{output}");
    server.pgtend("raw", &["init"]).expect(0);
    server.pgtend("raw", &["snapshot"]).expect(0);

    // The way out that was told.
    let reset = message.split("SQL_ASCII: ").nth(1).unwrap().split(')').next().unwrap();
    server.sql("postgres", &[&format!("{reset})")]).await;
    let output = server.pgtend("postgres", &["slow-queries", "--limit", "100"]).expect(0);
    assert!(output.stdout.contains("AS counted"), "{output}");
    assert!(!output.stderr.contains("texts_not_readable"), "{output}");
    server.sandbox.stop().unwrap();
}

#[tokio::test]
async fn a_role_whose_name_is_not_utf_8_is_named_as_well_as_it_can_be() {
    let server = Server::start().await;
    server
        .sql(
            "postgres",
            &[
                "CREATE ROLE cafe LOGIN",
                "CREATE TABLE sales (id int)",
                "GRANT ALL ON sales TO cafe",
            ],
        )
        .await;
    let url = server.url("postgres").replace("user=postgres", "user=cafe");
    let writer = connect_to(&url).await.unwrap();
    writer.batch_execute("BEGIN; INSERT INTO sales VALUES (1)").await.unwrap();
    let rename =
        "DO $$ BEGIN EXECUTE 'ALTER ROLE cafe RENAME TO \"caf' || chr(233) || '\"'; END $$";
    server.sql("raw", &[rename]).await;
    let declared = server.folder.path().join("declared.sql");
    fs::write(&declared, "CREATE INDEX sales_id ON sales (id);").unwrap();
    let declared = declared.display().to_string();
    let output =
        server.pgtend("postgres", &["apply", "--max-wait", "1s", "--no-progress", &declared]);
    assert!(!output.stderr.contains("panicked"), "{output}");
    assert!(output.stderr.contains("caf\u{fffd}"), "{output}");
    for arguments in
        [&["activity", "--min-duration", "0s"][..], &["slow-queries", "--all-databases"]]
    {
        server.pgtend("postgres", arguments).expect(0);
    }
    writer.batch_execute("COMMIT").await.unwrap();
    server.pgtend("postgres", &["apply", &declared]).expect(0);
    server.sandbox.stop().unwrap();
}

#[tokio::test]
async fn an_answer_that_no_postgresql_gives_ends_the_command_and_not_the_process() {
    let db = Database::new().await;
    let opened = opened(&db, "postgres").await;
    assert_eq!(Fault::error(&opened.fault()), None);
    let session = opened.reader().await.unwrap();
    let rows = session.query("SELECT NULL::text AS name, 'x' AS number", &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, Option<String>>("name"), None);
    assert_eq!(rows[0].get::<_, i64>("number"), 0);
    assert_eq!(rows[0].get::<_, String>("name"), "");
    assert_eq!(rows[0].get::<_, String>("nowhere"), "");
    let error = session.query("SELECT 1", &[]).await.unwrap_err();
    assert!(error.message.contains("column number"), "{error}");
    for answer in [session.execute("SELECT 1").await, session.execute_message("SELECT 1").await.1] {
        assert_eq!(answer.unwrap_err(), error);
    }
    // On another connection to this server, too.
    let other = opened.reader().await.unwrap();
    assert_eq!(other.query("SELECT $1", &[(&1, Type::INT4)]).await.unwrap_err(), error);
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_the_end() {
    let db = Database::new().await;
    let opened = opened(&db, "postgres").await;
    let session = opened.reader().await.unwrap();
    let endless = "SELECT repeat('x', 1000000) FROM generate_series(1, 100000)";
    let error = session.query(endless, &[]).await.unwrap_err();
    assert_eq!(error.message, "the server's answer is larger than 256 MiB");
}
