//! What is seen of running statements: our own, those they wait for, those that wait for them.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::load::ask;
use super::{Blocker, StatementProgress, Waiter};
use crate::failure::Result;
use crate::pg::session::Session;

/// How far the statements of our backends are; a backend that is gone is left out.
///
/// # Errors
/// Those of the connection and of the catalog query.
pub async fn load_progress(session: &Session, pids: &[i32]) -> Result<Vec<StatementProgress>> {
    let sql = include_str!("../../sql/catalog/watch.sql");
    let rows = ask(session, sql, &[(&pids, Type::INT4_ARRAY)]).await?;
    Ok(rows.iter().map(read_progress).collect())
}

/// Who waits for relations that our backends hold.
///
/// # Errors
/// As [`load_progress`].
pub async fn load_waiters(session: &Session, pids: &[i32]) -> Result<Vec<Waiter>> {
    let sql = include_str!("../../sql/catalog/queue.sql");
    let rows = ask(session, sql, &[(&pids, Type::INT4_ARRAY)]).await?;
    Ok(rows.iter().map(read_waiter).collect())
}

/// Whether a backend of ours still works on the statement.
///
/// # Errors
/// As [`load_progress`].
pub async fn is_at_work(session: &Session, pid: i32, statement: &str) -> Result<bool> {
    let sql = include_str!("../../sql/catalog/our_backend.sql");
    let rows = ask(session, sql, &[(&pid, Type::INT4), (&statement, Type::TEXT)]).await?;
    Ok(!rows.is_empty())
}

fn read_progress(row: &Row) -> StatementProgress {
    let counter = |done: &str, total: &str| {
        let total: Option<i64> = row.get(total);
        let total = total.filter(|total| *total > 0)?;
        Some((row.get::<_, Option<i64>>(done)?, total))
    };
    let blocker: Option<i32> = row.get("blocker_pid");
    StatementProgress {
        pid: row.get("pid"),
        phase: row.get("phase"),
        done_of: counter("tuples_done", "tuples_total")
            .or_else(|| counter("blocks_done", "blocks_total"))
            .or_else(|| counter("lockers_done", "lockers_total")),
        size_bytes: row.get("size_bytes"),
        workers: row.get("workers"),
        blocker: blocker.map(|pid| Blocker {
            pid,
            gid: row.get("blocker_gid"),
            application: row.get("blocker_application"),
            role: row.get("blocker_role"),
            state: row.get("blocker_state"),
            query: row.get("blocker_query"),
            xact_seconds: row.get("blocker_xact_seconds"),
            waits_for_us: row.get::<_, Option<bool>>("blocker_waits_for_us").unwrap_or(false),
        }),
    }
}

fn read_waiter(row: &Row) -> Waiter {
    Waiter {
        our_pid: row.get("our_pid"),
        session: Blocker {
            pid: row.get("pid"),
            gid: None,
            application: row.get("application"),
            role: row.get("role"),
            state: row.get("state"),
            query: row.get("query"),
            xact_seconds: row.get("xact_seconds"),
            waits_for_us: true,
        },
        relation: row.get("relation"),
        mode: row.get("mode"),
        has_snapshot: row.get("has_snapshot"),
        waits_seconds: row.get::<_, Option<f64>>("waits_seconds").unwrap_or(0.0),
        queued_behind: row.get("queued_behind"),
    }
}
