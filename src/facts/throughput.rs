//! What a database does while statements are sent to it.

use std::collections::BTreeSet;

use tokio_postgres::types::Type;

use super::columns::{FromRow, facts_of_columns};
use super::load::{ask, first};
use super::reach;
use super::wal::{WalPosition, load_wal_position};
use super::{Known, Unavailable};
use crate::failure::Result;
use crate::pg::session::Session;

facts_of_columns! {
    /// What a database has counted.
    pub struct Counts {
        pub commits: i64,
        pub rollbacks: i64,
        pub blocks_read: i64,
        pub blocks_hit: i64,
        pub temp_bytes: i64,
        pub deadlocks: i64,
    }
}

/// The counters of a database at a moment.
#[derive(Debug, Clone)]
pub struct DatabaseCounters {
    counts: Counts,
    /// Of the whole server.
    wal: Known<WalPosition>,
}

/// What was done between two moments.
#[derive(Debug, Clone)]
pub struct Throughput {
    pub counts: Counts,
    /// Of the whole server.
    pub wal_bytes: Known<i64>,
}

/// What a session does at a moment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doing {
    /// It waits for a statement.
    Idle,
    Computes,
    Waits {
        kind: String,
        event: String,
    },
}

impl DatabaseCounters {
    /// Reads them.
    ///
    /// # Errors
    /// Those of the connection and of the query.
    pub async fn load(session: &Session) -> Result<DatabaseCounters> {
        let wal = load_wal_position(session).await;
        let sql = include_str!("../../sql/catalog/database_counters.sql");
        let rows = ask(session, sql, &[]).await?;
        Ok(DatabaseCounters { counts: Counts::from_row(first(&rows)?), wal })
    }

    /// What was done since `before`; `None` where the counters were reset in between.
    pub fn since(&self, before: &DatabaseCounters) -> Option<Throughput> {
        let wal_bytes = match (&self.wal, &before.wal) {
            (Known::Known(after), Known::Known(before)) => Known::Known(after.bytes - before.bytes),
            (Known::Unavailable(why), _) | (_, Known::Unavailable(why)) => {
                Known::Unavailable(Unavailable::clone(why))
            }
        };
        let (now, then) = (&self.counts, &before.counts);
        let counts = Counts {
            commits: now.commits - then.commits,
            rollbacks: now.rollbacks - then.rollbacks,
            blocks_read: now.blocks_read - then.blocks_read,
            blocks_hit: now.blocks_hit - then.blocks_hit,
            temp_bytes: now.temp_bytes - then.temp_bytes,
            deadlocks: now.deadlocks - then.deadlocks,
        };
        let least = counts.commits.min(counts.blocks_hit).min(counts.blocks_read);
        (least >= 0).then_some(Throughput { counts, wal_bytes })
    }
}

impl Counts {
    /// The share of pages that were in shared_buffers; `None` where none was looked at.
    pub fn hit(&self) -> Option<f64> {
        let all = self.blocks_hit + self.blocks_read;
        (all > 0).then(|| self.blocks_hit as f64 / all as f64)
    }
}

/// What these sessions do right now, each that has not ended.
///
/// # Errors
/// Those of the connection and of the query.
pub async fn load_doing(session: &Session, pids: &[i32]) -> Result<Vec<Doing>> {
    let sql = include_str!("../../sql/catalog/waits.sql");
    let rows = ask(session, sql, &[(&pids, Type::INT4_ARRAY)]).await?;
    let doing = rows.iter().map(|row| {
        let event = row.get::<_, Option<String>>("type").zip(row.get("event"));
        match (row.get::<_, Option<bool>>("is_active"), event) {
            (Some(true), Some((kind, event))) => Doing::Waits { kind, event },
            (Some(true), None) => Doing::Computes,
            _ => Doing::Idle,
        }
    });
    Ok(doing.collect())
}

/// Functions that may do something besides reading and that the text may call: every word of it is taken for a name.
///
/// # Errors
/// Those of the connection and of the query.
pub async fn load_volatile_functions(session: &Session, text: &str) -> Result<BTreeSet<String>> {
    let words = reach::words(text);
    let sql = include_str!("../../sql/catalog/volatile_functions.sql");
    let rows = ask(session, sql, &[(&words, Type::TEXT_ARRAY)]).await?;
    Ok(rows.iter().map(|row| row.get("name")).collect())
}
