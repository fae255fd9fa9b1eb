//! Indexes that the planner does not use.

use super::Oid;
use crate::failure::Result;
use crate::pg::name::RelationName;
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// An index that is not valid, ready and live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidIndex {
    /// Its identifier.
    pub oid: Oid,
    /// Its name.
    pub name: RelationName,
    /// Its table's name.
    pub table: RelationName,
}

/// All of them, in order of their names.
///
/// # Errors
/// Those of the connection and of the catalog query.
pub async fn load_invalid_indexes(session: &Session) -> Result<Vec<InvalidIndex>> {
    let sql = include_str!("../../sql/catalog/invalid_indexes.sql");
    let rows = session.query(sql, &[]).await.map_err(ServerError::into_failure)?;
    let indexes = rows.iter().map(|row| {
        let schema: String = row.get("schema");
        InvalidIndex {
            oid: row.get("oid"),
            name: RelationName::qualified(schema.clone(), row.get::<_, String>("name")),
            table: RelationName::qualified(schema, row.get::<_, String>("table")),
        }
    });
    Ok(indexes.collect())
}
