//! Materialized views: what they are, what they read, and how far that has changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::pg::row::Row;
use serde::{Deserialize, Serialize};
use tokio_postgres::types::{ToSql, Type};

use super::load::{ask, named};
use super::{Blocker, Oid};
use crate::failure::Result;
use crate::pg::name::RelationName;
use crate::pg::search_path::SearchPath;
use crate::pg::session::Session;

#[derive(Debug, Clone, PartialEq)]
pub struct MaterializedView {
    pub oid: Oid,
    pub name: RelationName,
    /// Whether the search path finds it.
    pub is_visible: bool,
    pub owner: String,
    /// Whether the role may refresh it.
    pub may_refresh: bool,
    /// Whether it was ever filled; otherwise nobody can read it.
    pub is_populated: bool,
    /// Rows as of the last VACUUM or ANALYZE; negative where neither was ever done.
    pub row_estimate: f64,
    /// Dead rows by the statistics.
    pub dead_rows: i64,
    /// Bytes on disk, with toast and indexes.
    pub size_bytes: i64,
    /// The columns of a unique index by which a concurrent refresh can match rows; empty without.
    pub key_columns: Vec<String>,
    /// The columns of any such index that hold NULLs as far as the statistics know.
    pub null_columns: Vec<String>,
}

/// The materialized views of a database.
#[derive(Debug, Clone, Default)]
pub struct Views {
    /// By schema and name.
    pub all: Vec<MaterializedView>,
    /// Which views each view names, plain and materialized ones; only known with all views.
    pub reads: HashMap<Oid, Vec<Oid>>,
}

/// What a unique index on a view that lacks one could be made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyHint {
    /// The query as the server prints it.
    pub query: String,
    /// The columns in their order.
    pub columns: Vec<String>,
    /// Columns that hold no value twice and no NULL, as far as the statistics know.
    pub unique_columns: Vec<String>,
}

/// All that a view's contents are made of, and how far it has been changed. Kept as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    /// Changes whenever the statistics may have been set back; `None` where none are kept.
    pub server: Option<String>,
    /// A digest of settings, types and text search, by which values become text and words.
    #[serde(default)]
    pub surroundings: String,
    /// Tables, partitions and materialized views.
    pub relations: BTreeMap<Oid, ViewSource>,
    /// The view itself and the plain views in between, with a digest of each definition.
    pub views: BTreeMap<Oid, ViewDefinition>,
    /// Why nobody can tell whether the contents would be the same now; empty where one can.
    pub unknown: BTreeSet<String>,
}

/// A relation that a view reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewSource {
    /// Schema and name, quoted where needed.
    pub name: String,
    /// Its file; TRUNCATE and rewrites give it another.
    pub filenode: Option<i64>,
    /// Rows inserted, updated and deleted, by the statistics.
    pub writes: i64,
    /// A digest of its columns.
    #[serde(default)]
    pub columns: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewDefinition {
    /// Schema and name, quoted where needed.
    pub name: String,
    /// A digest of it, its owner, its columns and the functions that it calls.
    pub digest: String,
}

/// What a transaction has written to a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Writes {
    pub inserted: i64,
    pub updated: i64,
    pub deleted: i64,
}

/// All materialized views, and what reads what.
pub async fn load_views(session: &Session, path: &SearchPath) -> Result<Views> {
    let mut views = Views {
        all: materialized(session, path, &[]).await?,
        ..Views::default()
    };
    for row in ask(session, include_str!("../../sql/catalog/view_edges.sql"), &[]).await? {
        views.reads.entry(row.get("reader")).or_default().push(row.get("view"));
    }
    Ok(views)
}

/// One materialized view; `None` where it is gone.
pub async fn load_view(
    session: &Session,
    path: &SearchPath,
    view: Oid,
) -> Result<Option<MaterializedView>> {
    Ok(materialized(session, path, &[view]).await?.into_iter().next())
}

async fn materialized(
    session: &Session,
    path: &SearchPath,
    wanted: &[Oid],
) -> Result<Vec<MaterializedView>> {
    let sql = include_str!("../../sql/catalog/matviews.sql");
    let searched = path.searched();
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&wanted, Type::OID_ARRAY), (&searched, Type::TEXT_ARRAY)];
    let rows = ask(session, sql, &params).await?;
    Ok(rows.iter().map(read_view).collect())
}

/// What the contents of these views are made of now.
pub async fn load_sources(session: &Session, views: &[Oid]) -> Result<HashMap<Oid, Sources>> {
    let sql = include_str!("../../sql/catalog/view_sources.sql");
    let mut all = HashMap::<Oid, Sources>::new();
    for row in ask(session, sql, &[(&views, Type::OID_ARRAY)]).await? {
        let sources = all.entry(row.get("root")).or_default();
        sources.server = row.get("server");
        sources.surroundings = row.get("surroundings");
        let (oid, name) = (row.get("relation"), row.get("name"));
        match row.get("kind") {
            "relation" => {
                let source = ViewSource {
                    name,
                    filenode: row.get("filenode"),
                    writes: row.get("writes"),
                    columns: row.get("digest"),
                };
                sources.relations.insert(oid, source);
            }
            "view" => {
                sources.views.insert(oid, ViewDefinition { name, digest: row.get("digest") });
            }
            _ => {
                sources.unknown.insert(row.get("digest"));
            }
        }
    }
    Ok(all)
}

/// What unique indexes on these views could be made of.
///
/// # Errors
/// As [`load_views`]; 55P03 where somebody has locked a table that one of them reads.
pub async fn load_key_hints(session: &Session, views: &[Oid]) -> Result<HashMap<Oid, KeyHint>> {
    let sql = include_str!("../../sql/catalog/view_key_hints.sql");
    let rows = ask(session, sql, &[(&views, Type::OID_ARRAY)]).await?;
    let hints = rows.iter().map(|row| {
        let hint = KeyHint {
            query: row.get("query"),
            columns: row.get::<_, Option<_>>("columns").unwrap_or_default(),
            unique_columns: row.get::<_, Option<_>>("unique_columns").unwrap_or_default(),
        };
        (row.get("oid"), hint)
    });
    Ok(hints.collect())
}

/// A unique index of a materialized view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueIndex {
    /// Its name, without its schema.
    pub name: String,
    /// Whether a concurrent refresh can match rows by it.
    pub is_usable: bool,
    /// Its key columns, without expressions.
    pub columns: Vec<String>,
}

/// The unique indexes of all materialized views.
pub async fn load_unique_indexes(session: &Session) -> Result<HashMap<Oid, Vec<UniqueIndex>>> {
    let mut all = HashMap::<Oid, Vec<UniqueIndex>>::new();
    for row in ask(session, include_str!("../../sql/catalog/view_keys.sql"), &[]).await? {
        all.entry(row.get("view")).or_default().push(UniqueIndex {
            name: row.get("index"),
            is_usable: row.get("is_usable"),
            columns: row.get::<_, Option<_>>("columns").unwrap_or_default(),
        });
    }
    Ok(all)
}

/// Who refreshes the view, or changes it in another way that takes its time.
pub async fn load_view_holders(session: &Session, view: Oid) -> Result<Vec<Blocker>> {
    let sql = include_str!("../../sql/catalog/view_holders.sql");
    let rows = ask(session, sql, &[(&view, Type::OID)]).await?;
    let holders = rows.iter().map(|row| Blocker {
        pid: row.get::<_, Option<i32>>("pid").unwrap_or(0),
        gid: None,
        application: row.get("application"),
        role: row.get("role"),
        state: row.get("state"),
        query: row.get("query"),
        xact_seconds: row.get("xact_seconds"),
        waits_for_us: false,
    });
    Ok(holders.collect())
}

/// What the session's running transaction has written to the relation.
pub async fn load_xact_writes(session: &Session, relation: Oid) -> Result<Writes> {
    let sql = include_str!("../../sql/catalog/xact_writes.sql");
    let rows = ask(session, sql, &[(&relation, Type::OID)]).await?;
    Ok(rows.first().map_or_else(Writes::default, |row| Writes {
        inserted: row.get("inserted"),
        updated: row.get("updated"),
        deleted: row.get("deleted"),
    }))
}

fn read_view(row: &Row) -> MaterializedView {
    MaterializedView {
        oid: row.get("oid"),
        name: named(row, "schema", "name"),
        is_visible: row.get("is_visible"),
        owner: row.get("owner"),
        may_refresh: row.get("may_refresh"),
        is_populated: row.get("is_populated"),
        row_estimate: row.get("rows"),
        dead_rows: row.get("dead_rows"),
        size_bytes: row.get("size_bytes"),
        key_columns: row.get::<_, Option<_>>("key_columns").unwrap_or_default(),
        null_columns: row.get::<_, Option<_>>("null_columns").unwrap_or_default(),
    }
}
