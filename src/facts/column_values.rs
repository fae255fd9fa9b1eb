//! Values that a column has, as its statistics know them.

use tokio_postgres::types::{ToSql, Type};

use super::load::ask;
use crate::failure::Result;
use crate::pg::session::Session;

/// The values of a column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnValues {
    /// The most common ones, each with its share of the rows.
    pub common: Vec<(String, f64)>,
    /// Bounds of the histogram of the others, in their order.
    pub bounds: Vec<String>,
    /// Common elements of arrays and texts for search.
    pub elements: Vec<String>,
}

impl ColumnValues {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.common.is_empty() && self.bounds.is_empty() && self.elements.is_empty()
    }
}

/// Those of a column, by its statistics; the table is looked for in these schemas. `None` where there are none, or the role
/// may not see them.
///
/// # Errors
/// Those of the connection and of the query.
pub async fn load_column_values(
    session: &Session,
    schemas: &[&str],
    table: &str,
    column: &str,
) -> Result<Option<ColumnValues>> {
    let sql = include_str!("../../sql/catalog/column_values.sql");
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&schemas, Type::TEXT_ARRAY), (&table, Type::TEXT), (&column, Type::TEXT)];
    let rows = ask(session, sql, &params).await?;
    Ok(rows.first().map(|row| {
        let texts =
            |name: &str| row.get::<_, Option<Vec<Option<String>>>>(name).unwrap_or_default();
        let known = |name: &str| texts(name).into_iter().flatten().collect::<Vec<_>>();
        let frequencies = row.get::<_, Option<Vec<f64>>>("frequencies").unwrap_or_default();
        ColumnValues {
            common: known("common").into_iter().zip(frequencies).collect(),
            bounds: known("bounds"),
            elements: known("elements"),
        }
    }))
}
