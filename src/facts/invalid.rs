//! Whether indexes are whole: those of which queries make no use, and the state of one.

use std::fmt;

use tokio_postgres::types::Type;

use super::Oid;
use super::load::{ask, named};
use crate::failure::Result;
use crate::pg::name::RelationName;
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// An index that is not valid, ready and live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidIndex {
    pub oid: Oid,
    pub name: RelationName,
    pub table: RelationName,
    pub table_oid: Oid,
    /// It is one of a partitioned table.
    pub is_partitioned: bool,
}

/// All of them, in order of their names.
pub async fn load_invalid_indexes(session: &Session) -> Result<Vec<InvalidIndex>> {
    let sql = include_str!("../../sql/catalog/invalid_indexes.sql");
    let rows = ask(session, sql, &[]).await?;
    let indexes = rows.iter().map(|row| InvalidIndex {
        oid: row.get("oid"),
        name: named(row, "schema", "name"),
        table: named(row, "schema", "table"),
        table_oid: row.get("table_oid"),
        is_partitioned: row.get("is_partitioned"),
    });
    Ok(indexes.collect())
}

/// One index, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexState {
    /// The whole statement as the server prints it.
    pub definition: String,
    /// Whether queries use it and writes maintain it.
    pub is_whole: bool,
}

impl fmt::Display for IndexState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_whole { "valid" } else { "invalid" };
        write!(f, "{state}: {}", self.definition)
    }
}

/// The index of that name; `None` where there is none.
pub async fn load_index_state(
    session: &Session,
    name: &RelationName,
) -> Result<Option<IndexState>> {
    let sql = include_str!("../../sql/catalog/index_state.sql");
    let rows = session
        .query(sql, &[(&name.to_string(), Type::TEXT)])
        .await
        .map_err(ServerError::into_failure)?;
    Ok(rows.first().map(|row| IndexState {
        definition: row.get("definition"),
        is_whole: row.get("is_whole"),
    }))
}
