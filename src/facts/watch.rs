//! What is seen of running statements: our own, those they wait for, those that wait for them.

use std::time::Duration;

use tokio_postgres::types::{ToSql, Type};

use super::load::{ask, first};
use super::secret::running_without_secrets;
use super::{Blocker, DependentReplication, Known, Oid, StatementProgress, Unavailable, Waiter};
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::name::{RelationName, quote_ident};
use crate::pg::row::Row;
use crate::pg::session::Session;

/// How far the statements of these backends of ours are; a backend that is gone is left out. `ours` are
/// all that this run has: none of them is ever named as a blocker.
pub async fn load_progress(
    session: &Session,
    pids: &[i32],
    ours: &[i32],
) -> Result<Vec<StatementProgress>> {
    let sql = include_str!("../../sql/catalog/watch.sql");
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&pids, Type::INT4_ARRAY), (&ours, Type::INT4_ARRAY)];
    let rows = ask(session, sql, &params).await?;
    Ok(rows.iter().map(read_progress).collect())
}

/// Who waits for relations that our backends hold.
pub async fn load_waiters(session: &Session, pids: &[i32]) -> Result<Vec<Waiter>> {
    let sql = include_str!("../../sql/catalog/queue.sql");
    let rows = ask(session, sql, &[(&pids, Type::INT4_ARRAY)]).await?;
    Ok(rows.iter().map(read_waiter).collect())
}

/// Whether a backend of ours still works on the statement.
pub async fn is_at_work(session: &Session, pid: i32, statement: &str) -> Result<bool> {
    let sql = include_str!("../../sql/catalog/our_backend.sql");
    let rows = ask(session, sql, &[(&pid, Type::INT4), (&statement, Type::TEXT)]).await?;
    Ok(!rows.is_empty())
}

/// What a table and an index are called now; `None` for what is gone.
pub async fn load_present_names(
    session: &Session,
    table: Oid,
    index: Option<Oid>,
) -> Result<(Option<RelationName>, Option<RelationName>)> {
    let index_or_none = index.unwrap_or_default();
    let sql = include_str!("../../sql/catalog/became.sql");
    let rows = ask(session, sql, &[(&table, Type::OID), (&index_or_none, Type::OID)]).await?;
    let row = first(&rows)?;
    let name = |schema: &str, name: &str| {
        let name = row.get::<_, Option<String>>(name)?;
        Some(RelationName { schema: row.get(schema), name })
    };
    Ok((name("table_schema", "table_name"), name("index_schema", "index_name")))
}

/// What would hold up a concurrent build on the table if it began now: sessions and prepared
/// transactions at least so old, and an autovacuum to prevent wraparound.
pub async fn load_forecast(
    session: &Session,
    table: Oid,
    min_age: Duration,
) -> Result<Vec<Blocker>> {
    let sql = include_str!("../../sql/catalog/forecast.sql");
    let seconds = min_age.as_secs_f64();
    let rows = ask(session, sql, &[(&table, Type::OID), (&seconds, Type::FLOAT8)]).await?;
    let blockers = rows.iter().map(|row| Blocker {
        pid: row.get("pid"),
        gid: row.get("gid"),
        application: row.get("application"),
        role: row.get("role"),
        state: row.get("state"),
        query: statement(row, "query"),
        xact_seconds: row.get("xact_seconds"),
        waits_for_us: false,
    });
    Ok(blockers.collect())
}

/// The standbys' lag and the inactive slots.
pub async fn load_replication(session: &Session, server: &Server) -> Result<DependentReplication> {
    let mut replication = DependentReplication::default();
    for row in ask(session, include_str!("../../sql/catalog/replication.sql"), &[]).await? {
        let name: String = row.get("name");
        match row.get::<_, Option<i64>>("retained_bytes") {
            Some(bytes) => replication.inactive_slots.push((name, bytes)),
            None => {
                let lag = row.get::<_, Option<f64>>("lag_seconds");
                let lag = match lag.and_then(crate::format::seconds) {
                    None if !server.sees_all_statistics => hidden_lag(server).into(),
                    lag => Known::Known(lag),
                };
                replication.standbys.push((name, lag));
            }
        }
    }
    Ok(replication)
}

fn hidden_lag(server: &Server) -> Unavailable {
    let role = quote_ident(&server.role);
    Unavailable::because(format!("{role} may not see it"))
        .help(format!("GRANT pg_read_all_stats TO {role}"))
}

/// Where the server keeps the files of a new index in this tablespace, or by default; `None` where
/// the session came over the network or may not know.
pub async fn load_index_directory(
    session: &Session,
    tablespace: Option<&str>,
) -> Result<Option<String>> {
    let sql = include_str!("../../sql/catalog/index_directory.sql");
    let rows = ask(session, sql, &[(&tablespace.unwrap_or_default(), Type::TEXT)]).await?;
    Ok(rows.first().and_then(|row| row.get("directory")))
}

/// A statement of another session: shown to whoever runs pgtend, but not with its secrets.
fn statement(row: &Row, column: &str) -> Option<String> {
    let text = row.get::<_, Option<String>>(column)?;
    Some(running_without_secrets(&text).into_owned())
}

fn read_progress(row: &Row) -> StatementProgress {
    let counter = |done: &str, total: &str| {
        let total: Option<i64> = row.get(total);
        let known = total.filter(|total| *total > 0)?;
        Some((row.get::<_, Option<i64>>(done)?, known))
    };
    let blocker: Option<i32> = row.get("blocker_pid");
    StatementProgress {
        pid: row.get("pid"),
        is_idle: row.get("is_idle"),
        index: row.get("index_oid"),
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
            query: statement(row, "blocker_query"),
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
            query: statement(row, "query"),
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
