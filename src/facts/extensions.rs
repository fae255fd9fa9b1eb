//! What extensions a server offers.

use std::collections::HashSet;

use tokio_postgres::types::Type;

use super::load::ask;
use crate::failure::Result;
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// The names of all extensions that can be created.
pub async fn load_available_extensions(session: &Session) -> Result<HashSet<String>> {
    let sql = include_str!("../../sql/catalog/available_extensions.sql");
    let rows = session.query(sql, &[]).await.map_err(ServerError::into_failure)?;
    Ok(rows.iter().map(|row| row.get("name")).collect())
}

/// A function of an extension.
#[derive(Debug, Clone, Copy)]
pub struct ExtensionFunction {
    pub extension: &'static str,
    pub name: &'static str,
    /// As the server prints them.
    pub argument_types: &'static str,
}

impl ExtensionFunction {
    /// The schema in which it is; `None` where it is not there, not the extension's own, or not for this role.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn load_schema(&self, session: &Session) -> Result<Option<String>> {
        let sql = include_str!("../../sql/catalog/extension_function.sql");
        let ExtensionFunction { extension, name, argument_types } = self;
        let parameters = [extension, name, argument_types];
        let rows =
            ask(session, sql, &parameters.each_ref().map(|it| (*it as _, Type::TEXT))).await?;
        Ok(rows.first().map(|row| row.get("schema")))
    }
}
