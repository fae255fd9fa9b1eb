//! What the database has that can be declared: indexes and materialized views.

use std::collections::{HashMap, HashSet};

use tokio_postgres::types::Type;

use super::load::{ask, load_unlocked_indexes, named};
use super::views::{Views, load_views};
use super::{Index, Oid, RelationKind};
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::name::RelationName;
use crate::pg::session::Session;

/// A table, partitioned table or materialized view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryTable {
    pub oid: Oid,
    pub name: RelationName,
    pub kind: RelationKind,
}

/// How a materialized view is made, and what it has to do with others. Names are quoted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ViewText {
    /// As the server prints it.
    pub query: String,
    /// Storage parameters, `name=value`.
    pub options: Vec<String>,
    pub method: Option<String>,
    pub tablespace: Option<String>,
    pub comment: Option<String>,
    /// Plain views that it reads.
    pub plain_views: Vec<String>,
    /// Functions that it calls.
    pub functions: Vec<String>,
    /// Views that read it.
    pub readers: Vec<String>,
}

/// How an index is used.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IndexUse {
    /// Since the statistics were last reset.
    pub scans: i64,
    /// For how long they have been counted; `None`: since the database was made.
    pub counted_seconds: Option<f64>,
    /// With all parts, as of the last VACUUM or build.
    pub size_bytes: i64,
    /// Foreign keys of its table that it serves.
    pub foreign_keys: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// By schema and name, materialized views too.
    pub tables: Vec<InventoryTable>,
    /// The indexes of each.
    pub indexes: HashMap<Oid, Vec<Index>>,
    /// Tables that somebody has locked so that nothing can be read about their indexes.
    pub locked: HashSet<Oid>,
    pub views: Views,
    pub texts: HashMap<Oid, ViewText>,
    pub uses: HashMap<Oid, IndexUse>,
}

/// Reads all of it, or what one schema has.
///
/// # Errors
/// Those of the catalog queries.
pub async fn load_inventory(
    session: &Session,
    server: &Server,
    schema: Option<&str>,
) -> Result<Inventory> {
    let sql = include_str!("../../sql/catalog/declarable_tables.sql");
    let rows = ask(session, sql, &[(&schema, Type::TEXT)]).await?;
    let tables = rows
        .iter()
        .map(|row| InventoryTable {
            oid: row.get("oid"),
            name: named(row, "schema", "name"),
            kind: row.get("kind"),
        })
        .collect::<Vec<_>>();
    let oids = tables.iter().map(|table| table.oid).collect::<Vec<_>>();
    let (indexes, locked) = load_unlocked_indexes(session, &oids).await?;
    let views = load_views(session, &server.search_path).await?;
    Ok(Inventory {
        texts: load_texts(session, &tables).await?,
        uses: load_uses(session, &indexes).await?,
        tables,
        indexes,
        locked,
        views,
    })
}

async fn load_texts(
    session: &Session,
    tables: &[InventoryTable],
) -> Result<HashMap<Oid, ViewText>> {
    let views = tables.iter().filter(|table| table.kind == RelationKind::MaterializedView);
    let oids = views.map(|view| view.oid).collect::<Vec<_>>();
    let sql = include_str!("../../sql/catalog/view_texts.sql");
    let rows = ask(session, sql, &[(&oids, Type::OID_ARRAY)]).await?;
    let texts = rows.iter().filter_map(|row| {
        let list = |column| row.get::<_, Option<Vec<String>>>(column).unwrap_or_default();
        let text = ViewText {
            // One that was dropped while the query ran has none.
            query: row.get::<_, Option<String>>("query")?,
            options: list("options"),
            method: row.get("method"),
            tablespace: row.get("tablespace"),
            comment: row.get("comment"),
            plain_views: list("plain_views"),
            functions: list("functions"),
            readers: list("readers"),
        };
        Some((row.get("oid"), text))
    });
    Ok(texts.collect())
}

async fn load_uses(
    session: &Session,
    indexes: &HashMap<Oid, Vec<Index>>,
) -> Result<HashMap<Oid, IndexUse>> {
    let oids = indexes.values().flatten().map(|index| index.oid).collect::<Vec<_>>();
    let sql = include_str!("../../sql/catalog/index_use.sql");
    let rows = ask(session, sql, &[(&oids, Type::OID_ARRAY)]).await?;
    let uses = rows.iter().map(|row| {
        let of_index = IndexUse {
            scans: row.get("scans"),
            counted_seconds: row.get("counted_seconds"),
            size_bytes: row.get("size_bytes"),
            foreign_keys: row.get::<_, Option<Vec<String>>>("foreign_keys").unwrap_or_default(),
        };
        (row.get("oid"), of_index)
    });
    Ok(uses.collect())
}
