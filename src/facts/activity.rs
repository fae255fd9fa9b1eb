//! What goes on in the server: sessions, prepared transactions, and who waits for whom.

use std::time::Duration;

use crate::pg::row::Row;
use tokio_postgres::types::{ToSql, Type};

use super::load::ask;
use super::secret::running_without_secrets;
use crate::failure::Result;
use crate::pg::session::Session;

/// Which sessions are wanted. Others are known all the same if they wait for a lock or are waited for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WantedSessions {
    /// The least age of a statement or transaction.
    pub min_age: Duration,
    /// Of which databases.
    pub scope: SessionScope,
    /// Of this role only.
    pub role: Option<String>,
}

/// The databases whose sessions are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionScope {
    /// The one that is connected to.
    #[default]
    ThisDatabase,
    /// All of the server.
    AllDatabases,
}

/// One look at the server.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Activity {
    /// In no order.
    pub sessions: Vec<ActiveSession>,
    /// How many wanted sessions do something that the role may not see.
    pub hidden_sessions: usize,
}

/// A session, or a prepared transaction, which is what a session has left behind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ActiveSession {
    /// Its process; 0 for a prepared transaction, which has none.
    pub pid: i32,
    /// The prepared transaction's identifier.
    pub gid: Option<String>,
    /// It is of the databases and the role that were asked for.
    pub is_wanted: bool,
    /// Its role; a background process has none.
    pub role: Option<String>,
    /// Its database; some background processes have none.
    pub database: Option<String>,
    pub application: Option<String>,
    /// The client's host; `None` on the server's own machine, or if it may not be seen.
    pub client: Option<String>,
    /// `active`, `idle in transaction` …; `prepared` for a prepared transaction.
    pub state: Option<String>,
    /// The kind of what its process waits for, if for anything.
    pub wait_event_type: Option<String>,
    /// What its process waits for.
    pub wait_event: Option<String>,
    /// `client backend`, `autovacuum worker` …
    pub backend_type: Option<String>,
    /// The statement that it runs, or ran last.
    pub query: Option<String>,
    /// The role may not see what it does.
    pub is_hidden: bool,
    /// For how long its statement runs; `None` unless one does.
    pub statement_seconds: Option<f64>,
    /// The age of its transaction.
    pub transaction_seconds: Option<f64>,
    /// For how long it has been idle, in a transaction or not.
    pub idle_seconds: Option<f64>,
    /// Those it waits for, by pid; 0 is a prepared transaction.
    pub blocked_by: Vec<i32>,
    /// The prepared transactions it waits for, as far as they are known.
    pub blocked_by_gids: Vec<String>,
    /// For how long it has waited for its lock.
    pub waits_seconds: Option<f64>,
    /// The lock that it waits for.
    pub lock: Option<AwaitedLock>,
}

/// A lock that somebody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwaitedLock {
    /// As `pg_locks` names it.
    pub mode: String,
    /// What is to be locked: a relation, a row of it, a transaction …
    pub target: String,
}

impl std::fmt::Display for AwaitedLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {}", self.mode, self.target)
    }
}

/// Looks once, in one round trip.
pub async fn load_activity(session: &Session, wanted: &WantedSessions) -> Result<Activity> {
    let sql = include_str!("../../sql/catalog/activity.sql");
    let seconds = wanted.min_age.as_secs_f64();
    let everywhere = wanted.scope == SessionScope::AllDatabases;
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&seconds, Type::FLOAT8), (&everywhere, Type::BOOL), (&wanted.role, Type::TEXT)];
    let rows = ask(session, sql, &params).await?;
    let hidden = rows.first().map_or(0, |row| row.get::<_, i32>("hidden_sessions"));
    Ok(Activity {
        sessions: rows.iter().filter_map(read_session).collect(),
        hidden_sessions: usize::try_from(hidden).unwrap_or_default(),
    })
}

/// `None` for the row that only says how many are hidden.
fn read_session(row: &Row) -> Option<ActiveSession> {
    let lock = text(row, "lock_mode").zip(text(row, "lock_target"));
    let gids = row.get::<_, Option<Vec<String>>>("blocked_by_gids").unwrap_or_default();
    Some(ActiveSession {
        pid: row.get::<_, Option<i32>>("pid")?,
        gid: text(row, "gid"),
        is_wanted: row.get("is_wanted"),
        role: text(row, "role"),
        database: text(row, "database"),
        application: text(row, "application"),
        client: text(row, "client"),
        state: text(row, "state"),
        wait_event_type: text(row, "wait_event_type"),
        wait_event: text(row, "wait_event"),
        backend_type: text(row, "backend_type"),
        query: text(row, "query").map(|query| running_without_secrets(&query).into_owned()),
        is_hidden: row.get::<_, Option<bool>>("is_hidden").unwrap_or(false),
        statement_seconds: row.get("statement_seconds"),
        transaction_seconds: row.get("transaction_seconds"),
        idle_seconds: row.get("idle_seconds"),
        blocked_by: row.get::<_, Option<Vec<i32>>>("blocked_by").unwrap_or_default(),
        blocked_by_gids: gids,
        waits_seconds: row.get("waits_seconds"),
        lock: lock.map(|(mode, target)| AwaitedLock { mode, target }),
    })
}

/// A text that is there and says something.
fn text(row: &Row, column: &str) -> Option<String> {
    row.get::<_, Option<String>>(column).filter(|text| !text.is_empty())
}
