//! What snapshots measure besides statements: sizes, ages, positions and counts of objects, of which
//! they keep what has changed.

mod kind;
mod load;

use tokio_postgres::types::{ToSql, Type};

pub use kind::MeasureKind;
pub use load::load_measured;

use super::trend::{Point, Rate};
use super::{Known, Oid};
use crate::facts::load::{ask, first};
use crate::failure::Result;
use crate::pg::session::Session;
use crate::pg::version::ServerVersion;

/// So many sequences are read at once: each is locked until the statement ends, and the server has room
/// for some thousand locks.
const SEQUENCES_AT_ONCE: i64 = 500;

/// What the snapshots know of a measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub kind: MeasureKind,
    /// The object, schema-qualified and quoted as in SQL.
    pub object: String,
    /// Its identifier; `None` where it has none.
    pub object_oid: Option<Oid>,
    /// Where the span that was asked for begins, or the last reset in it; `None` where no snapshot is
    /// within it.
    pub first: Option<Point>,
    /// In the last snapshot.
    pub last: Point,
    /// Since when it has this value, at the latest, in seconds since 1970.
    pub changed_epoch: f64,
    /// Since when it is known without a reset, at the latest, in seconds since 1970.
    pub since_epoch: f64,
}

impl Measured {
    /// What moved so in these seconds, which begin in 1970.
    #[cfg(test)]
    pub fn moved(kind: MeasureKind, object: &str, (from, to): (i64, i64), seconds: f64) -> Self {
        Measured {
            kind,
            object: object.to_owned(),
            object_oid: None,
            first: Some(Point { epoch: 0.0, value: from }),
            last: Point { epoch: seconds, value: to },
            changed_epoch: 0.0,
            since_epoch: 0.0,
        }
    }

    /// How fast it moves; `None` where that is not known.
    pub fn rate(&self) -> Option<Rate> {
        let rate = Rate::between(self.first?, self.last)?;
        (!self.kind.only_grows() || rate.per_second >= 0.0).then_some(rate)
    }
}

/// How far sequences have counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SequenceValues {
    pub oids: Vec<Oid>,
    /// Their last values, in the same order; `None` where another session has locked the sequence.
    pub values: Vec<Option<i64>>,
    /// Sequences that the role may not read.
    pub hidden: i64,
}

/// How far the sequences have counted that the role may read and that were used.
///
/// # Errors
/// Those of the connection and of the query; a sequence that is dropped or locked meanwhile is one.
pub async fn load_sequence_values(session: &Session) -> Result<SequenceValues> {
    let sql = include_str!("../../../sql/measures/sequences.sql");
    let mut all = SequenceValues::default();
    let mut behind: Oid = 0;
    loop {
        let params: [(&(dyn ToSql + Sync), Type); 2] =
            [(&behind, Type::OID), (&SEQUENCES_AT_ONCE, Type::INT8)];
        let rows = ask(session, sql, &params).await?;
        let Some(last) = rows.last() else {
            return Ok(all);
        };
        behind = last.get("oid");
        for row in &rows {
            let value: Option<i64> = row.get("value");
            if !row.get::<_, bool>("may_read") {
                all.hidden += 1;
            } else if value.is_some() || row.get("is_locked") {
                all.oids.push(row.get("oid"));
                all.values.push(value);
            }
        }
    }
}

/// How many measures a snapshot has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MeasureCounts {
    pub measures: i64,
    /// How many of them had changed since the snapshot before.
    pub changed: i64,
}

/// Adds to a snapshot the measures that have changed since the one before.
///
/// # Errors
/// Those of the connection and of the query.
pub async fn keep_measures(
    session: &Session,
    version: ServerVersion,
    snapshot: i64,
    sequences: &Known<SequenceValues>,
) -> Result<MeasureCounts> {
    let known = sequences.known();
    let params: [(&(dyn ToSql + Sync), Type); 3] = [
        (&known.map(|known| &known.oids), Type::OID_ARRAY),
        (&known.map(|known| &known.values), Type::INT8_ARRAY),
        (&snapshot, Type::INT8),
    ];
    let rows = ask(session, &keeping(version), &params).await?;
    let row = first(&rows)?;
    Ok(MeasureCounts { measures: row.get("measures"), changed: row.get("changed") })
}

/// How many ms autovacuum has spent on the tables of the database; `None` before 18, which does not count them.
///
/// # Errors
/// Those of the connection and of the query.
pub async fn load_autovacuum_ms(session: &Session, version: ServerVersion) -> Result<Option<i64>> {
    if !version.has_autovacuum_times() {
        return Ok(None);
    }
    let rows = ask(session, AUTOVACUUM, &[]).await?;
    Ok(first(&rows)?.get("value"))
}

const AUTOVACUUM: &str = include_str!("../../../sql/measures/autovacuum_18.sql");

/// The query that keeps them.
fn keeping(version: ServerVersion) -> String {
    let checkpoints = match version.has_checkpointer_view() {
        true => include_str!("../../../sql/measures/checkpoints_17.sql"),
        false => include_str!("../../../sql/measures/checkpoints.sql"),
    };
    let mut readings = vec![include_str!("../../../sql/measures/readings.sql"), checkpoints];
    if version.has_autovacuum_times() {
        readings.push(AUTOVACUUM);
    }
    include_str!("../../../sql/measures/take.sql")
        .replace("{readings}", &readings.join("UNION ALL\n"))
}
