//! The schemas of a database.

use super::load::ask;
use crate::failure::Result;
use crate::pg::session::Session;

/// A schema that holds the user's objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    pub name: String,
    /// Whether the role may look into it.
    pub may_use: bool,
}

/// All of them, in the order of their names.
///
/// # Errors
/// Those of the catalog query.
pub async fn load_schemas(session: &Session) -> Result<Vec<Schema>> {
    let rows = ask(session, include_str!("../../sql/catalog/schemas.sql"), &[]).await?;
    let schemas = rows
        .iter()
        .map(|row| Schema { name: row.get("name"), may_use: row.get("may_use") });
    Ok(schemas.collect())
}
