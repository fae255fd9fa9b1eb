//! Values for parameters, from what is in the copy.

use tokio_postgres::types::{ToSql, Type};

use super::CopyServer;
use crate::facts::load::ask;
use crate::failure::Result;
use crate::pg::name::RelationName;
use crate::pg::server_error::ServerError;

/// Values of a column or an expression.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownValues {
    pub common: Option<String>,
    /// Two in the middle, side by side.
    pub low: Option<String>,
    pub high: Option<String>,
    /// An element of arrays and texts for search.
    pub element: Option<String>,
}

impl CopyServer {
    /// The values of a column, by the statistics of the copy.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn values_of_column(
        &self,
        table: &RelationName,
        column: &str,
    ) -> Result<KnownValues> {
        let sql = include_str!("../../../sql/twin-build/known_values.sql");
        let schema = table.schema.clone().unwrap_or_default();
        let params: [(&(dyn ToSql + Sync), Type); 3] =
            [(&schema, Type::TEXT), (&table.name, Type::TEXT), (&column, Type::TEXT)];
        let rows = ask(&self.superuser, sql, &params).await?;
        Ok(rows.first().map_or_else(KnownValues::default, |row| KnownValues {
            common: row.get("common"),
            low: row.get("low"),
            high: row.get("high"),
            element: row.get("element"),
        }))
    }

    /// The values of an expression, by a look at some of the rows. It is the owner who looks: the
    /// expression may call functions of others.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn values_of_expression(
        &self,
        table: &RelationName,
        expression: &str,
    ) -> Result<KnownValues> {
        let sql = format!(
            "SELECT ({expression})::pg_catalog.text AS value FROM ONLY {table} \
             WHERE ({expression}) IS NOT NULL LIMIT 1000"
        );
        let mut values = match self.owner.query(&sql, &[]).await {
            Ok(rows) => rows.iter().map(|row| row.get("value")).collect::<Vec<String>>(),
            Err(error) if error.sqlstate.is_none() => return Err(ServerError::into_failure(error)),
            Err(_) => return Ok(KnownValues::default()),
        };
        let middle = values.len() / 2;
        let common = values.get(middle).cloned();
        values.sort();
        let (low, high) = (values.get(middle).cloned(), values.get(middle + 1).cloned());
        Ok(KnownValues { common, low, high, element: None })
    }
}
