//! Names for who types one.

use tokio_postgres::types::{ToSql, Type};

use super::load::{ask, named};
use crate::failure::Result;
use crate::pg::name::RelationName;
use crate::pg::session::Session;

/// Relations of these kinds (`pg_class.relkind`) whose name begins so, by schema and name; not all where they are
/// very many.
///
/// # Errors
/// Those of the catalog query.
pub async fn load_names_beginning(
    session: &Session,
    kinds: &[&str],
    beginning: &str,
) -> Result<Vec<RelationName>> {
    let sql = include_str!("../../sql/catalog/completed_names.sql");
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&kinds, Type::TEXT_ARRAY), (&beginning, Type::TEXT)];
    let rows = ask(session, sql, &params).await?;
    Ok(rows.iter().map(|row| named(row, "schema", "name")).collect())
}
