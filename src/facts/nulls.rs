//! Whether a view's column may be NULL, as far as the server can tell: its planner proves of many
//! queries that they return nothing.

use std::collections::HashMap;

use serde_json::Value;
use tokio_postgres::types::{ToSql, Type};

use super::load::ask;
use super::{KeyHint, Oid};
use crate::failure::Result;
use crate::pg::name::{RelationName, quote_ident};
use crate::pg::server_error::ServerError;
use crate::pg::session::{Answer, Session};

/// What the server says of the rows of a query that have NULL in a column.
#[derive(Debug, Clone, PartialEq)]
pub struct NullPlan {
    /// The plan by which they would be looked for.
    pub plan: Value,
    /// The table's column that the query returns as such; `None` where it is an expression, or a view's.
    pub origin: Option<TableColumn>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    pub table: RelationName,
    pub name: String,
    pub is_not_null: bool,
}

/// The plans of these columns of a materialized view's query. A column of which the server makes no plan
/// is left out.
///
/// Planning calls functions that are declared IMMUTABLE as whoever asks for the plan. So this is only
/// for a database in which all came from where the view comes from, and has run already.
pub async fn load_null_plans(
    session: &Session,
    hint: &KeyHint,
    columns: &[String],
) -> Result<HashMap<String, NullPlan>> {
    let query = hint.query.trim_end().trim_end_matches(';');
    let mut origins = load_origins(session, query, &hint.columns).await?;
    let mut plans = HashMap::new();
    for column in columns {
        if let Some(plan) = known(plan(session, query, column).await)? {
            let origin = origins.remove(column);
            plans.insert(column.clone(), NullPlan { plan, origin });
        }
    }
    Ok(plans)
}

/// With `constraint_exclusion` the planner looks at NOT NULL and CHECK constraints. It joins as it would
/// for large tables, so that each join shows by what it joins.
const BEGIN: [&str; 7] = [
    "BEGIN READ ONLY",
    "SET LOCAL constraint_exclusion = on",
    "SET LOCAL enable_nestloop = off",
    "SET LOCAL enable_indexscan = off",
    "SET LOCAL enable_indexonlyscan = off",
    "SET LOCAL enable_bitmapscan = off",
    "SET LOCAL max_parallel_workers_per_gather = 0",
];

async fn plan(session: &Session, query: &str, column: &str) -> Answer<Option<Value>> {
    session.execute_all(&BEGIN).await?;
    let column = quote_ident(column);
    let sql = format!(
        "EXPLAIN (FORMAT JSON, VERBOSE) SELECT v.{column} FROM ({query}) AS v WHERE v.{column} IS NULL"
    );
    let answer = session.query(&sql, &[]).await;
    session.execute("ROLLBACK").await?;
    let rows = answer?;
    let text = rows.first().map(|row| row.get::<_, String>(0)).unwrap_or_default();
    Ok(serde_json::from_str(&text).ok())
}

/// Of the columns those that are a table's, by their names in the view.
async fn load_origins(
    session: &Session,
    query: &str,
    columns: &[String],
) -> Result<HashMap<String, TableColumn>> {
    let described = known(session.origins(query).await.map(Some))?.unwrap_or_default();
    let named = columns.iter().zip(described);
    let found = named.filter_map(|(column, origin)| Some((column, origin?))).collect::<Vec<_>>();
    let oids = found.iter().map(|(_, (oid, _))| *oid).collect::<Vec<Oid>>();
    let numbers = found.iter().map(|(_, (_, number))| *number).collect::<Vec<_>>();
    let sql = include_str!("../../sql/catalog/column_origins.sql");
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&oids, Type::OID_ARRAY), (&numbers, Type::INT2_ARRAY)];
    let mut origins = HashMap::new();
    for row in ask(session, sql, &params).await? {
        let place = usize::try_from(row.get::<_, i64>("place")).unwrap_or_default();
        if let Some((column, _)) = found.get(place.wrapping_sub(1)) {
            let origin = TableColumn {
                table: RelationName::qualified(
                    row.get::<_, String>("schema"),
                    row.get::<_, String>("name"),
                ),
                name: row.get("column"),
                is_not_null: row.get("is_not_null"),
            };
            origins.insert((*column).clone(), origin);
        }
    }
    Ok(origins)
}

/// What the server refuses is not known.
fn known<T>(answer: Answer<Option<T>>) -> Result<Option<T>> {
    match answer {
        Err(error) if error.is_connection_lost() => Err(ServerError::into_failure(error)),
        answer => Ok(answer.ok().flatten()),
    }
}
