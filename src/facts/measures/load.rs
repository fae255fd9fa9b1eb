//! Reading what the snapshots know of measures.

use std::time::Duration;

use tokio_postgres::types::{ToSql, Type};

use super::{MeasureKind, Measured};
use crate::facts::Oid;
use crate::facts::history::seconds;
use crate::facts::load::ask;
use crate::facts::trend::Point;
use crate::failure::Result;
use crate::pg::row::Row;
use crate::pg::session::Session;

/// What the snapshots of the last `span` know of these kinds. Only to be asked for where the schema can be
/// used and has measures.
///
/// # Errors
/// Those of the connection and of the query.
pub async fn load_measured(
    session: &Session,
    span: Duration,
    kinds: &[MeasureKind],
) -> Result<Vec<Measured>> {
    let sql = include_str!("../../../sql/history/measured.sql");
    let names = kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>();
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&seconds(span), Type::FLOAT8), (&names, Type::TEXT_ARRAY)];
    let rows = ask(session, sql, &params).await?;
    Ok(rows.iter().filter_map(read).collect())
}

fn read(row: &Row) -> Option<Measured> {
    let oid: Oid = row.get("object_oid");
    let first = row.get::<_, Option<f64>>("first_epoch").zip(row.get("first_value"));
    Some(Measured {
        kind: MeasureKind::named(row.get("kind"))?,
        object: row.get("object"),
        object_oid: (oid != 0).then_some(oid),
        first: first.map(|(epoch, value)| Point { epoch, value }),
        last: Point { epoch: row.get("last_epoch"), value: row.get("last_value") },
        changed_epoch: row.get("changed_epoch"),
        since_epoch: row.get("since_epoch"),
    })
}
