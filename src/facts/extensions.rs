//! What extensions a server offers.

use std::collections::HashSet;

use crate::failure::Result;
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// The names of all extensions that can be created.
pub async fn load_available_extensions(session: &Session) -> Result<HashSet<String>> {
    let sql = include_str!("../../sql/catalog/available_extensions.sql");
    let rows = session.query(sql, &[]).await.map_err(ServerError::into_failure)?;
    Ok(rows.iter().map(|row| row.get("name")).collect())
}
