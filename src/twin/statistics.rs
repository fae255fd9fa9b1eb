//! Writing the statistics of columns.

use tokio_postgres::types::Type;

use super::data::{ColumnEnds, ColumnStatistics, TwinData};
use crate::facts::load::ask;
use crate::failure::{Failure, Kind, Result};
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// Rows in one statement.
const BATCH: usize = 1_000;

/// Writes them into the twin's pg_statistic. Returns what could not be written.
///
/// # Errors
/// Those of the connection.
pub(super) async fn write(superuser: &Session, data: &TwinData) -> Result<Vec<String>> {
    write_rows(superuser, &with_ends(superuser, data).await?).await
}

/// Writes rows of pg_stats. Returns what could not be written.
pub(super) async fn write_rows(
    superuser: &Session,
    rows: &[ColumnStatistics],
) -> Result<Vec<String>> {
    let mut refused = Vec::new();
    for batch in rows.chunks(BATCH) {
        match write_batch(superuser, batch).await {
            Ok(some) => refused.extend(some),
            Err(error) if error.sqlstate.is_none() => return Err(error.into_failure()),
            // One value that this server does not read would lose them all.
            Err(_) => refused.extend(write_one_by_one(superuser, batch).await?),
        }
    }
    Ok(refused)
}

async fn write_one_by_one(superuser: &Session, rows: &[ColumnStatistics]) -> Result<Vec<String>> {
    let mut refused = Vec::new();
    for row in rows {
        match write_batch(superuser, std::slice::from_ref(row)).await {
            Ok(some) => refused.extend(some),
            Err(error) if error.sqlstate.is_none() => return Err(error.into_failure()),
            Err(error) => refused.push(format!(
                "statistics of {}.{}.{}: {error}",
                row.schema, row.relation, row.column
            )),
        }
    }
    Ok(refused)
}

async fn write_batch(
    superuser: &Session,
    rows: &[ColumnStatistics],
) -> std::result::Result<Vec<String>, ServerError> {
    let json = serde_json::to_string(rows).unwrap_or_default();
    let opclass = include_str!("../../sql/twin-build/opclass.sql");
    let sql = include_str!("../../sql/twin-build/column_statistics.sql")
        .replace("{opclass_of_type}", &opclass.replace("{type}", "t.type_oid"))
        .replace("{opclass_of_element}", &opclass.replace("{type}", "t.element_oid"));
    let rows = superuser.query(&sql, &[(&json, Type::TEXT)]).await?;
    let refused = rows.iter().map(|row| {
        format!(
            "values of {}.{}.{}: its type may run code when they are read",
            row.get::<_, &str>("schema"),
            row.get::<_, &str>("relation"),
            row.get::<_, &str>("column")
        )
    });
    Ok(refused.collect())
}

/// The histograms begin and end where the columns do.
async fn with_ends(superuser: &Session, data: &TwinData) -> Result<Vec<ColumnStatistics>> {
    let mut rows = data.column_statistics.clone();
    if data.ends.is_empty() {
        return Ok(rows);
    }
    let ends = data
        .ends
        .iter()
        .map(|end| (key(end), end))
        .collect::<std::collections::HashMap<_, _>>();
    let places = rows
        .iter()
        .enumerate()
        .filter_map(|(place, row)| {
            let key = (row.schema.as_str(), row.relation.as_str(), row.column.as_str());
            let end = ends.get(&key).filter(|_| !row.inherited)?;
            Some((place, row.histogram_bounds.clone()?, *end))
        })
        .collect::<Vec<_>>();
    let histograms = places.iter().map(|(_, text, _)| text.as_str()).collect::<Vec<_>>();
    let least = places.iter().map(|(_, _, end)| end.least.as_str()).collect::<Vec<_>>();
    let greatest = places.iter().map(|(_, _, end)| end.greatest.as_str()).collect::<Vec<_>>();
    let sql = include_str!("../../sql/twin-build/with_ends.sql");
    let params: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] = [
        (&histograms, Type::TEXT_ARRAY),
        (&least, Type::TEXT_ARRAY),
        (&greatest, Type::TEXT_ARRAY),
    ];
    for row in ask(superuser, sql, &params).await? {
        let ordinal: i64 = row.get("ordinal");
        let place = usize::try_from(ordinal - 1)
            .ok()
            .and_then(|at| places.get(at))
            .ok_or_else(|| Failure::new(Kind::Server, "a histogram without its place"))?;
        rows[place.0].histogram_bounds = row.get("histogram");
    }
    Ok(rows)
}

fn key(end: &ColumnEnds) -> (&str, &str, &str) {
    (&end.schema, &end.relation, &end.column)
}
