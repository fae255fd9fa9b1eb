//! A fresh database for one test.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error, NoTls, SimpleQueryMessage};

use super::command::{Output, Pgtend, Running};
use super::server::{Server, server};
use super::{log, until};

/// A database, a connection to it, and a folder for declarations.
pub struct Database {
    pub name: String,
    pub server: &'static Server,
    client: Client,
    /// Where the server's log ended before it was made: in a run of the whole suite, there is much before.
    log_start: u64,
    folder: tempfile::TempDir,
}

/// A session whose open transaction others have to wait for.
pub struct Blocker {
    client: Client,
    pub pid: String,
}

impl Blocker {
    /// Ends the transaction.
    pub async fn release(self) {
        self.client.batch_execute("ROLLBACK").await.unwrap();
    }
}

/// What the catalog says of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexState {
    pub valid: bool,
    pub ready: bool,
    pub live: bool,
    pub definition: String,
    pub oid: u32,
}

impl Database {
    /// Makes a database and connects to it.
    pub async fn new() -> Database {
        Database::new_on(server()).await
    }

    /// Makes a database on some server and connects to it.
    pub async fn new_on(server: &'static Server) -> Database {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let admin = connect(server, "postgres", "postgres").await;
        let log_start = fs::metadata(&server.log_path).unwrap().len();
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let client = connect(server, &name, "postgres").await;
        let folder = tempfile::tempdir().unwrap();
        Database { name, server, client, log_start, folder }
    }

    /// Runs SQL, several statements if need be.
    pub async fn sql(&self, sql: &str) {
        self.client
            .batch_execute(sql)
            .await
            .unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
    }

    /// Runs SQL that is expected to fail; returns the SQLSTATE.
    pub async fn refused(&self, sql: &str) -> String {
        let error = self.client.batch_execute(sql).await.unwrap_err();
        error.code().unwrap().code().to_owned()
    }

    /// The first column of the first row as text.
    pub async fn value(&self, sql: &str) -> String {
        value(&self.client, sql).await
    }

    /// Another session, as the superuser.
    pub async fn session(&self) -> Client {
        connect(self.server, &self.name, "postgres").await
    }

    /// Another session as some role.
    pub async fn session_as(&self, role: &str) -> Client {
        connect(self.server, &self.name, role).await
    }

    /// A session that has begun a transaction and run this SQL in it.
    pub async fn hold(&self, sql: &str) -> Blocker {
        let client = self.session().await;
        client.batch_execute(&format!("BEGIN; {sql}")).await.unwrap();
        let pid = value(&client, "SELECT pg_backend_pid()").await;
        Blocker { client, pid }
    }

    /// A transaction that has written to the table: builds wait for it before they fill the index.
    pub async fn writer(&self, table: &str) -> Blocker {
        self.hold(&format!("LOCK TABLE {table} IN ROW EXCLUSIVE MODE")).await
    }

    /// An old snapshot: builds wait for it before they declare the index valid.
    pub async fn old_snapshot(&self) -> Blocker {
        self.hold("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1").await
    }

    /// Sends a statement from a session of its own that goes on meanwhile.
    pub async fn send(&self, sql: &str) -> JoinHandle<Result<(), Error>> {
        let session = self.session().await;
        let sql = sql.to_owned();
        tokio::spawn(async move { session.batch_execute(&sql).await })
    }

    /// The state of an index, `None` if there is none of that name.
    pub async fn index(&self, name: &str) -> Option<IndexState> {
        let sql = "SELECT i.indisvalid, i.indisready, i.indislive, pg_get_indexdef(i.indexrelid), \
                   i.indexrelid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
                   WHERE c.relname = $1";
        let row = self.client.query_opt(sql, &[&name]).await.unwrap()?;
        Some(IndexState {
            valid: row.get(0),
            ready: row.get(1),
            live: row.get(2),
            definition: row.get(3),
            oid: row.get(4),
        })
    }

    /// Fails unless the index is there, valid, ready and live.
    pub async fn assert_whole(&self, name: &str) -> IndexState {
        let index = self.index(name).await;
        let index = index.unwrap_or_else(|| panic!("there is no index {name}"));
        assert!(index.valid && index.ready && index.live, "{name}: {index:?}");
        index
    }

    /// The names of the table's indexes in alphabetical order.
    pub async fn index_names(&self, table: &str) -> String {
        self.indexes(table, "c.relname").await
    }

    /// The table's indexes with all that may change about them.
    pub async fn index_definitions(&self, table: &str) -> String {
        self.indexes(table, "i.indexrelid || ' ' || pg_get_indexdef(i.indexrelid)")
            .await
    }

    async fn indexes(&self, table: &str, what: &str) -> String {
        self.value(&format!(
            "SELECT string_agg({what}, ', ' ORDER BY c.relname) FROM pg_index i \
             JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = '{table}'::regclass"
        ))
        .await
    }

    /// The names of all indexes that are not whole, and of what a replacement or a rebuild left.
    pub async fn leftovers(&self) -> String {
        self.value(
            "SELECT coalesce(string_agg(c.relname, ', '), '') FROM pg_index i \
             JOIN pg_class c ON c.oid = i.indexrelid \
             WHERE NOT (i.indisvalid AND i.indisready AND i.indislive) \
                OR c.relname ~ '_pgtend_(new|old)|_ccnew|_ccold'",
        )
        .await
    }

    /// Leaves an invalid index that was never filled (a writer was waited for in vain).
    pub async fn leave_unfilled(&self, table: &str, create_concurrently: &str) {
        let writer = self.writer(table).await;
        self.break_off(create_concurrently).await;
        writer.release().await;
    }

    /// Leaves an invalid index that was filled but not validated (an old snapshot was waited for
    /// in vain): writes maintain it, and if it is unique it rejects them.
    pub async fn leave_unvalidated(&self, create_concurrently: &str) {
        let snapshot = self.old_snapshot().await;
        self.break_off(create_concurrently).await;
        snapshot.release().await;
    }

    async fn break_off(&self, create_concurrently: &str) {
        let builder = self.session().await;
        builder.batch_execute("SET lock_timeout = '100ms'").await.unwrap();
        let error = builder.batch_execute(create_concurrently).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "55P03");
    }

    /// Writes a declaration and returns its path.
    pub fn declare(&self, sql: &str) -> String {
        self.declare_as("declared.sql", sql)
    }

    /// Writes a declaration under some name and returns its path.
    pub fn declare_as(&self, file: &str, sql: &str) -> String {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, sql).unwrap();
        path.display().to_string()
    }

    /// A path in this test's folder.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// The URL for some role over the socket.
    pub fn url_as(&self, role: &str) -> String {
        format!(
            "host={} port={} user={role} dbname={}",
            self.server.socket_dir, self.server.port, self.name
        )
    }

    /// The connection words for some role over TCP; the address is this machine's.
    pub fn tcp_as(&self, role: &str) -> String {
        format!("host=127.0.0.1 port={} user={role} dbname={}", self.server.port, self.name)
    }

    /// Makes a role that can log in and nothing else, and returns its name: roles are the server's,
    /// so it begins with the database's.
    pub async fn role(&self, name: &str) -> String {
        let role = format!("{}_{name}", self.name);
        self.sql(&format!("CREATE ROLE {role} LOGIN")).await;
        role
    }

    /// Runs pgtend on this database to its end.
    pub fn pgtend(&self, arguments: &[&str]) -> Output {
        self.start(arguments).wait()
    }

    /// Runs pgtend on this database as some role to its end.
    pub fn pgtend_as(&self, role: &str, arguments: &[&str]) -> Output {
        self.start_as(role, arguments).wait()
    }

    /// Starts pgtend on this database.
    pub fn start(&self, arguments: &[&str]) -> Running {
        self.start_as("postgres", arguments)
    }

    /// Starts pgtend on this database as some role.
    pub fn start_as(&self, role: &str, arguments: &[&str]) -> Running {
        // What one run remembers on this machine is no other test's.
        let cache = self.path("cache").display().to_string();
        let call = Pgtend::new(arguments).env("DATABASE_URL", &self.url_as(role));
        call.env("XDG_CACHE_HOME", &cache).start()
    }

    /// Runs `pgtend apply --format json` to its end.
    pub fn apply(&self, arguments: &[&str]) -> Output {
        self.start_apply(arguments).wait()
    }

    /// Starts `pgtend apply --format json`.
    pub fn start_apply(&self, arguments: &[&str]) -> Running {
        self.start(&[&["apply", "--format", "json"], arguments].concat())
    }

    /// Runs `pgtend apply --format json` as some role to its end.
    pub fn apply_as(&self, role: &str, arguments: &[&str]) -> Output {
        self.start_as(role, &[&["apply", "--format", "json"], arguments].concat())
            .wait()
    }

    /// Runs `pgtend plan --format json` to its end.
    pub fn plan(&self, arguments: &[&str]) -> Output {
        self.pgtend(&[&["plan", "--format", "json"], arguments].concat())
    }

    /// The statements that sessions with this application name sent to this database.
    pub fn logged(&self, application: &str) -> Vec<String> {
        self.log_entries(application).into_iter().map(|entry| entry.statement).collect()
    }

    /// Those of them that changed or would have changed something for others.
    pub fn changes(&self, application: &str) -> Vec<String> {
        log::changes(self.log_entries(application))
    }

    /// What `pgtend apply` changed.
    pub fn applied(&self) -> Vec<String> {
        self.changes("pgtend/apply")
    }

    fn log_entries(&self, application: &str) -> Vec<log::Entry> {
        let mut file = fs::File::open(&self.server.log_path).unwrap();
        file.seek(SeekFrom::Start(self.log_start)).unwrap();
        let mut log = Vec::new();
        file.read_to_end(&mut log).unwrap();
        log::read(&String::from_utf8_lossy(&log), &self.name, application)
    }

    /// Waits until some statement of this application waits for a lock or a transaction.
    pub async fn until_waiting(&self, application: &str) {
        until(&format!("{application} waits"), || async {
            let sql = format!(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name = '{application}' AND wait_event_type = 'Lock'"
            );
            self.value(&sql).await != "0"
        })
        .await;
    }

    /// Waits until so many concurrent builds are in this phase.
    pub async fn until_phase(&self, phase: &str, builds: usize) {
        until(&format!("{builds} builds are {phase}"), || async {
            let sql = format!(
                "SELECT count(*) FROM pg_stat_progress_create_index \
                 WHERE datname = current_database() AND phase = '{phase}'"
            );
            self.value(&sql).await == builds.to_string()
        })
        .await;
    }

    /// Sends a statement and returns when it waits for a lock and has looked for a deadlock in
    /// vain: from now on it is the others who find one.
    pub async fn queue(&self, sql: &str) -> JoinHandle<Result<(), Error>> {
        let session = self.session().await;
        session.batch_execute("SET deadlock_timeout = '1ms'").await.unwrap();
        let pid = value(&session, "SELECT pg_backend_pid()").await;
        let statement = sql.to_owned();
        let sent = tokio::spawn(async move { session.batch_execute(&statement).await });
        until(&format!("{sql} waits"), || async {
            let waits = "clock_timestamp() - waitstart > '100ms' AND NOT granted";
            let sql = format!("SELECT count(*) FROM pg_locks WHERE pid = {pid} AND {waits}");
            self.value(&sql).await != "0"
        })
        .await;
        sent
    }
}

/// The SQLSTATE that a statement ended with, empty if it succeeded.
pub async fn sqlstate(statement: JoinHandle<Result<(), Error>>) -> String {
    let ended = statement.await.unwrap();
    ended
        .err()
        .map(|error| error.code().unwrap().code().to_owned())
        .unwrap_or_default()
}

/// The first column of the first row as text.
pub async fn value(client: &Client, sql: &str) -> String {
    let messages = client.simple_query(sql).await.unwrap_or_else(|e| panic!("{e:?}\n{sql}"));
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    row.and_then(|row| row.get(0)).unwrap_or_default().to_owned()
}

/// A session over the socket.
pub async fn connect(server: &Server, database: &str, role: &str) -> Client {
    let text = format!(
        "host={} port={} user={role} dbname={database} application_name=test",
        server.socket_dir, server.port
    );
    connect_to(&text).await.unwrap()
}

/// A session with what the text names, where it can be had.
pub async fn connect_to(text: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(text, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
