//! The snapshots that pgtend's own schema holds.

use std::collections::HashMap;
use std::time::Duration;

use crate::pg::row::Row;
use tokio_postgres::types::{ToSql, Type};

use super::{CountedStatement, CounterMoment, StatementKey, read_figures};
use crate::facts::Oid;
use crate::facts::load::ask;
use crate::failure::Result;
use crate::format;
use crate::pg::session::Session;

#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub id: i64,
    /// When it was taken, and in which circumstances.
    pub moment: CounterMoment,
    /// When it was taken, in the session's time zone.
    pub shown_at: String,
    /// How long ago that is.
    pub ago: Duration,
    /// The statements that were counted then; `None` where the server counted none.
    pub counted: Option<CountedThen>,
}

/// What a snapshot has of the statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedThen {
    pub statements: i64,
    /// How many of them had changed since the one before.
    pub changed: i64,
}

/// What had changed of a statement from one snapshot to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The snapshot that found it.
    pub snapshot: i64,
    pub key: StatementKey,
    /// Its counters; `None` where it was not counted any more.
    pub statement: Option<CountedStatement>,
}

/// The snapshots, the newest first.
pub async fn load_snapshots(session: &Session) -> Result<Vec<Snapshot>> {
    let rows = ask(session, include_str!("../../../sql/history/snapshots.sql"), &[]).await?;
    let snapshots = rows.iter().map(|row| Snapshot {
        id: row.get("id"),
        moment: CounterMoment {
            taken_epoch: row.get("taken_epoch"),
            reset_epoch: row.get("reset_epoch"),
            evictions: row.get("evictions"),
            started_epoch: row.get("started_epoch"),
            hidden: row.get("hidden"),
        },
        shown_at: row.get("shown_at"),
        ago: format::seconds(row.get("ago_seconds")).unwrap_or_default(),
        counted: row
            .get::<_, Option<i64>>("statements")
            .zip(row.get("changed"))
            .map(|(statements, changed)| CountedThen { statements, changed }),
    });
    Ok(snapshots.collect())
}

/// The counters of every statement at a snapshot.
pub async fn load_state(session: &Session, snapshot: i64) -> Result<Vec<CountedStatement>> {
    let sql = include_str!("../../../sql/history/state.sql");
    let rows = ask(session, sql, &[(&snapshot, Type::INT8)]).await?;
    Ok(rows.iter().map(read_statement).collect())
}

/// What changed after a snapshot up to another, in its order.
pub async fn load_samples(session: &Session, after: i64, upto: i64) -> Result<Vec<Sample>> {
    let sql = include_str!("../../../sql/history/samples.sql");
    let rows = ask(session, sql, &[(&after, Type::INT8), (&upto, Type::INT8)]).await?;
    Ok(rows.iter().map(read_sample).collect())
}

/// What a snapshot knows of one statement.
#[derive(Debug, Clone, PartialEq)]
pub struct PastSample {
    /// When it was taken, in the session's time zone.
    pub shown_at: String,
    /// The circumstances, as far as they matter to one statement.
    pub moment: CounterMoment,
    /// What it found.
    pub sample: Sample,
}

/// What the snapshots know of one statement, the newest first.
pub async fn load_statement_samples(
    session: &Session,
    key: StatementKey,
    most: i64,
) -> Result<Vec<PastSample>> {
    let sql = include_str!("../../../sql/history/statement_samples.sql");
    let params: [(&(dyn ToSql + Sync), Type); 5] = [
        (&key.queryid, Type::INT8),
        (&most, Type::INT8),
        (&key.userid, Type::OID),
        (&key.dbid, Type::OID),
        (&key.toplevel, Type::BOOL),
    ];
    let rows = ask(session, sql, &params).await?;
    let samples = rows.iter().map(|row| PastSample {
        shown_at: row.get::<_, Option<String>>("shown_at").unwrap_or_default(),
        moment: CounterMoment {
            taken_epoch: row.get::<_, Option<f64>>("taken_epoch").unwrap_or(0.0),
            reset_epoch: row.get("reset_epoch"),
            ..CounterMoment::default()
        },
        sample: read_sample(row),
    });
    Ok(samples.collect())
}

/// How much ran from one snapshot to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SnapshotLoad {
    /// The snapshot that it ended with.
    pub snapshot: i64,
    /// When that was taken, in seconds since 1970.
    pub taken_epoch: f64,
    /// Since the snapshot before.
    pub seconds: f64,
    /// Executions.
    pub calls: f64,
    /// Execution time.
    pub total_ms: f64,
    pub wal_bytes: f64,
}

/// How much ran from one snapshot to the next after snapshot `after`, or in all where no snapshot is as new:
/// the last `most`, the oldest first.
pub async fn load_snapshot_loads(
    session: &Session,
    after: i64,
    most: i64,
    (database, user): (Oid, Option<Oid>),
) -> Result<Vec<SnapshotLoad>> {
    let sql = include_str!("../../../sql/history/loads.sql");
    let params: [(&(dyn ToSql + Sync), Type); 4] = [
        (&after, Type::INT8),
        (&most, Type::INT8),
        (&database, Type::OID),
        (&user, Type::OID),
    ];
    let rows = ask(session, sql, &params).await?;
    let loads = rows.iter().map(|row| SnapshotLoad {
        snapshot: row.get("snapshot"),
        taken_epoch: row.get("taken_epoch"),
        seconds: row.get("seconds"),
        calls: row.get("calls"),
        total_ms: row.get("total_ms"),
        wal_bytes: row.get("wal_bytes"),
    });
    Ok(loads.collect())
}

/// The texts that were kept of these statements.
pub async fn load_kept_texts(
    session: &Session,
    queryids: &[i64],
) -> Result<HashMap<(Oid, i64), String>> {
    let sql = include_str!("../../../sql/history/texts.sql");
    let rows = ask(session, sql, &[(&queryids, Type::INT8_ARRAY)]).await?;
    Ok(rows
        .iter()
        .map(|row| ((row.get("dbid"), row.get("queryid")), row.get("query")))
        .collect())
}

fn read_sample(row: &Row) -> Sample {
    Sample {
        snapshot: row.get("snapshot"),
        key: read_key(row),
        statement: row.get::<_, Option<f64>>("calls").map(|_| read_statement(row)),
    }
}

fn read_key(row: &Row) -> StatementKey {
    StatementKey {
        dbid: row.get("dbid"),
        userid: row.get("userid"),
        queryid: row.get("queryid"),
        toplevel: row.get("toplevel"),
    }
}

fn read_statement(row: &Row) -> CountedStatement {
    CountedStatement {
        key: read_key(row),
        counters: read_figures(row),
        stats_since: row.get("stats_since_epoch"),
    }
}
