//! What would be lost if a statement or a session were ended, and ending it.

use tokio_postgres::types::{ToSql, Type};

use super::load::ask;
use super::secret::running_without_secrets;
use crate::failure::Result;
use crate::pg::session::{Answer, Session};

/// A session that somebody wants to end, or its statement.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AtStake {
    pub pid: i32,
    /// The moments by which it and its statement are known again, where they may be seen.
    pub started: Option<String>,
    pub statement_started: Option<String>,
    /// It is the one that asks.
    pub is_ours: bool,
    pub role: Option<String>,
    pub database: Option<String>,
    pub application: Option<String>,
    /// `client backend`, `autovacuum worker` …
    pub backend_type: Option<String>,
    pub state: Option<String>,
    /// The statement that it runs, or ran last.
    pub query: Option<String>,
    /// The role may not see what it does.
    pub is_hidden: bool,
    /// For how long its statement runs; `None` unless one does.
    pub statement_seconds: Option<f64>,
    pub transaction_seconds: Option<f64>,
    pub has_written: bool,
    /// Relations of this database that it holds a lock of writers on.
    pub written: Vec<String>,
    /// So many sessions wait for it directly.
    pub waiting: i64,
}

/// Which of these processes the server has, and what they do.
///
/// # Errors
/// Those of the query.
pub async fn load_at_stake(session: &Session, pids: &[i32]) -> Result<Vec<AtStake>> {
    let sql = include_str!("../../sql/catalog/at_stake.sql");
    let rows = ask(session, sql, &[(&pids, Type::INT4_ARRAY)]).await?;
    let found = rows.iter().map(|row| AtStake {
        pid: row.get("pid"),
        started: row.get("started"),
        statement_started: row.get("statement_started"),
        is_ours: row.get("is_ours"),
        role: row.get("role"),
        database: row.get("database"),
        application: row.get("application"),
        backend_type: row.get("backend_type"),
        state: row.get("state"),
        query: row
            .get::<_, Option<String>>("query")
            .map(|query| running_without_secrets(&query).into_owned()),
        is_hidden: row.get::<_, Option<bool>>("is_hidden").unwrap_or(true),
        statement_seconds: row.get("statement_seconds"),
        transaction_seconds: row.get("transaction_seconds"),
        has_written: row.get("has_written"),
        written: row.get::<_, Option<Vec<String>>>("written").unwrap_or_default(),
        waiting: row.get("waiting"),
    });
    Ok(found.collect())
}

/// Cancels the session's statement. Whether it was there still, and could be told.
///
/// # Errors
/// The server's refusal.
pub async fn cancel_statement(session: &Session, it: &AtStake) -> Answer<bool> {
    let sql = include_str!("../../sql/catalog/cancel_statement.sql");
    let params: [(&(dyn ToSql + Sync), Type); 3] = [
        (&it.pid, Type::INT4),
        (&it.started, Type::TEXT),
        (&it.statement_started, Type::TEXT),
    ];
    let rows = session.query(sql, &params).await?;
    Ok(rows.first().is_some_and(|row| row.get("is_sent")))
}

/// Ends the session. Whether it was there still, and could be told.
///
/// # Errors
/// The server's refusal.
pub async fn end_session(session: &Session, it: &AtStake) -> Answer<bool> {
    let sql = include_str!("../../sql/catalog/end_session.sql");
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&it.pid, Type::INT4), (&it.started, Type::TEXT)];
    let rows = session.query(sql, &params).await?;
    Ok(rows.first().is_some_and(|row| row.get("is_sent")))
}
