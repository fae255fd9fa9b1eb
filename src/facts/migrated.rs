//! What migrations have left: all indexes and foreign keys of a database, and the functions that
//! indexes and materialized views rely on.

use crate::pg::row::Row;

use super::Oid;
use super::load::{ask, named};
use crate::failure::Result;
use crate::pg::name::RelationName;
use crate::pg::session::Session;

/// A valid index, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaIndex {
    pub oid: Oid,
    pub name: RelationName,
    pub table: RelationName,
    pub table_oid: Oid,
    pub method: String,
    /// The key columns and expressions, each with operator class, collation and order.
    pub keys: Vec<String>,
    /// The first of them, alone.
    pub first_key: String,
    /// The columns of INCLUDE.
    pub included: Vec<String>,
    /// The predicate of a partial index.
    pub predicate: Option<String>,
    /// No two rows may have the same keys.
    pub is_unique: bool,
    /// NULLS NOT DISTINCT.
    pub takes_nulls_as_equal: bool,
    /// The constraint that it implements.
    pub constraint: Option<String>,
    /// It is the primary key's.
    pub is_primary: bool,
    /// A foreign key that refers to it.
    pub foreign_key: Option<String>,
    /// REPLICA IDENTITY USING INDEX.
    pub is_replica_identity: bool,
    /// It is an exclusion constraint's, whose operators only the constraint knows.
    pub is_exclusion: bool,
    /// The numbers of its columns, included ones too; 0 for an expression.
    pub columns: Vec<i16>,
    /// The statement that makes it, as the server prints it.
    pub definition: String,
    /// Of a partitioned index those of the partitions; else itself.
    pub parts: Vec<RelationName>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigratedForeignKey {
    pub oid: Oid,
    pub name: String,
    /// The referring table.
    pub table: RelationName,
    /// The referring table's identifier.
    pub table_oid: Oid,
    /// The table that it refers to, as regclass prints it.
    pub referred: String,
    /// The numbers of the referring columns.
    pub columns: Vec<i16>,
    pub column_names: Vec<String>,
}

/// A user's function that an index or a materialized view calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReliedFunction {
    /// The index or view.
    pub user_oid: Oid,
    /// `index`, `materialized view`.
    pub user_kind: String,
    pub user: RelationName,
    /// The function's signature.
    pub function: String,
    /// An expression that calls it.
    pub call: String,
}

/// All valid indexes, the oldest first.
pub async fn load_schema_indexes(session: &Session) -> Result<Vec<SchemaIndex>> {
    let rows = ask(session, include_str!("../../sql/catalog/schema_indexes.sql"), &[]).await?;
    let indexes = rows.iter().map(|row| SchemaIndex {
        oid: row.get("oid"),
        name: named(row, "schema", "name"),
        table: named(row, "schema", "table_name"),
        table_oid: row.get("table_oid"),
        method: row.get("method"),
        keys: row.get("keys"),
        first_key: row.get("first_key"),
        included: row.get("included"),
        predicate: row.get("predicate"),
        is_unique: row.get("is_unique"),
        takes_nulls_as_equal: row.get("takes_nulls_as_equal"),
        constraint: row.get("constraint_name"),
        is_primary: row.get("is_primary"),
        foreign_key: row.get("foreign_key"),
        is_replica_identity: row.get("is_replica_identity"),
        is_exclusion: row.get("is_exclusion"),
        columns: row.get("columns"),
        definition: row.get("definition"),
        parts: parts(row),
    });
    Ok(indexes.collect())
}

fn parts(row: &Row) -> Vec<RelationName> {
    if !row.get::<_, bool>("is_partitioned") {
        return vec![named(row, "schema", "name")];
    }
    let column = |name| row.get::<_, Option<Vec<String>>>(name).unwrap_or_default();
    let parts = column("part_schemas").into_iter().zip(column("part_names"));
    parts.map(|(schema, name)| RelationName::qualified(schema, name)).collect()
}

/// All foreign keys, the oldest first.
pub async fn load_foreign_keys(session: &Session) -> Result<Vec<MigratedForeignKey>> {
    let rows = ask(session, include_str!("../../sql/catalog/schema_foreign_keys.sql"), &[]).await?;
    let keys = rows.iter().map(|row| MigratedForeignKey {
        oid: row.get("oid"),
        name: row.get("name"),
        table: named(row, "schema", "table_name"),
        table_oid: row.get("table_oid"),
        referred: row.get("referred"),
        columns: row.get("columns"),
        column_names: row.get("column_names"),
    });
    Ok(keys.collect())
}

/// The functions that indexes and materialized views rely on.
pub async fn load_relied_functions(session: &Session) -> Result<Vec<ReliedFunction>> {
    let sql = include_str!("../../sql/catalog/relied_functions.sql");
    let rows = ask(session, sql, &[]).await?;
    let functions = rows.iter().map(|row| ReliedFunction {
        user_oid: row.get("user_oid"),
        user_kind: row.get("user_kind"),
        user: named(row, "user_schema", "user_name"),
        function: row.get("function"),
        call: row.get("call"),
    });
    Ok(functions.collect())
}
