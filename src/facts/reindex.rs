//! What a rebuild of indexes has to know: which there are, how large they were once, and how full
//! they are.

use std::collections::HashMap;
use std::time::Duration;

use tokio_postgres::types::Type;

use super::btree_size::{self, DEFAULT_FILL_PERCENT};
use super::extensions::ExtensionFunction;
use super::history::PastMaintenance;
use super::load::{ask, named};
use super::suspicion::Suspicion;
use super::{Build, IndexBloat, Oid};
use crate::failure::Result;
use crate::format;
use crate::pg::database::Server;
use crate::pg::name::{RelationName, quote_ident};
use crate::pg::row::Row;
use crate::pg::session::Session;

/// All that is known before indexes are rebuilt.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub indexes: Vec<Reindexable>,
    /// Those that were compared with fresh ones.
    pub bloat: HashMap<Oid, IndexBloat>,
    /// As large as they were when pgtend built them, by the names that the history has.
    pub births: HashMap<String, Birth>,
    /// How full they were found, where they were read.
    pub densities: HashMap<Oid, Density>,
    /// How large some are now.
    pub sizes: HashMap<Oid, i64>,
    /// What may be damaged; empty where that was not asked for.
    pub suspicions: HashMap<Oid, Suspicion>,
    pub builds: Vec<Build>,
    /// How long it took before, by the same names.
    pub past: HashMap<String, PastMaintenance>,
}

/// An index, as REINDEX has to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reindexable {
    pub oid: Oid,
    pub name: RelationName,
    pub table: RelationName,
    pub table_oid: Oid,
    /// It is one of a partitioned table, and has no storage.
    pub is_partitioned: bool,
    /// The partitioned index that it is part of.
    pub parent: Option<Oid>,
    /// Queries use it and writes maintain it.
    pub is_whole: bool,
    /// It is not being dropped.
    pub is_live: bool,
    /// Of an exclusion constraint.
    pub is_exclusion: bool,
    /// Its uniqueness is checked later.
    pub is_deferrable: bool,
    pub is_temporary: bool,
    /// Of the system's own tables, or of TOAST.
    pub is_system: bool,
    /// Whether the search path finds it.
    pub is_visible: bool,
    pub owner: String,
    pub may_reindex: bool,
    /// `None`: the database's own.
    pub tablespace: Option<String>,
    /// As of the last VACUUM, ANALYZE or build.
    pub size_bytes: i64,
    /// What indexes of one table and one definition have alike; others may have it, too.
    pub shape: String,
}

/// An index when pgtend built it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Birth {
    pub bytes: f64,
    pub rows: f64,
    pub ago: Duration,
    /// By the programs that run: the server was not started since.
    pub is_by_this_server: bool,
}

/// How full the leaves of a B-tree are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Density {
    /// Of the whole index.
    pub bytes: f64,
    pub leaf_pages: f64,
    /// Of a leaf, on average.
    pub percent: f64,
}

impl Density {
    /// Bytes that CREATE INDEX would leave of it, which fills leaves to 90 %.
    pub fn fresh_bytes(&self) -> f64 {
        let leaves = self.leaf_pages * self.percent / f64::from(DEFAULT_FILL_PERCENT);
        (leaves + 1.0) * btree_size::PAGE
    }
}

/// Reads how full the leaves of a B-tree are.
const PGSTATINDEX: ExtensionFunction = ExtensionFunction {
    extension: "pgstattuple",
    name: "pgstatindex",
    argument_types: "regclass",
};

/// All indexes of the database.
pub async fn load_reindexable(session: &Session, server: &Server) -> Result<Vec<Reindexable>> {
    let sql = include_str!("../../sql/catalog/reindexable.sql");
    let rows = ask(session, sql, &[(&server.search_path.searched(), Type::TEXT_ARRAY)]).await?;
    Ok(rows.iter().map(|row| read(row, server.block_size_bytes)).collect())
}

fn read(row: &Row, block: i64) -> Reindexable {
    Reindexable {
        oid: row.get("oid"),
        name: named(row, "schema", "name"),
        table: named(row, "schema", "table"),
        table_oid: row.get("table_oid"),
        is_partitioned: row.get("is_partitioned"),
        parent: row.get("parent_oid"),
        is_whole: row.get("is_whole"),
        is_live: row.get("is_live"),
        is_exclusion: row.get("is_exclusion"),
        is_deferrable: row.get("is_deferrable"),
        is_temporary: row.get("is_temporary"),
        is_system: row.get("is_system"),
        is_visible: row.get("is_visible"),
        owner: row.get("owner"),
        may_reindex: row.get("may_reindex"),
        tablespace: row.get("tablespace"),
        size_bytes: row.get::<_, i64>("pages") * block,
        shape: row.get("shape"),
    }
}

/// How large indexes were when pgtend built them. Only to be asked for where there is a history.
pub async fn load_births(session: &Session) -> Result<HashMap<String, Birth>> {
    let rows = ask(session, include_str!("../../sql/catalog/index_births.sql"), &[]).await?;
    let births = rows.iter().filter_map(|row| {
        #[expect(clippy::cast_precision_loss, reason = "a ratio is made of it")]
        let number = |column: &str| row.get::<_, i64>(column) as f64;
        let ago = format::seconds(row.get("built_ago_seconds"))?;
        let is_by_this_server = row.get("is_by_this_server");
        let birth = Birth {
            bytes: number("bytes"),
            rows: number("rows"),
            ago,
            is_by_this_server,
        };
        Some((row.get("object"), birth))
    });
    Ok(births.collect())
}

/// How large these are now; nothing where one of them is locked.
pub async fn load_sizes(session: &Session, indexes: &[Oid]) -> HashMap<Oid, i64> {
    let sql = include_str!("../../sql/catalog/index_sizes.sql");
    let rows = ask(session, sql, &[(&indexes, Type::OID_ARRAY)]).await.unwrap_or_default();
    rows.iter().map(|row| (row.get("oid"), row.get("bytes"))).collect()
}

/// How full the leaves of these B-trees are, as far as the role may read them and the server answers
/// in time.
pub async fn load_densities(session: &Session, indexes: &[Oid]) -> HashMap<Oid, Density> {
    let mut densities = HashMap::new();
    let Ok(Some(sql)) = density_query(session).await else {
        return densities;
    };
    for index in indexes {
        let rows = ask(session, &sql, &[(index, Type::OID)]).await.unwrap_or_default();
        densities.extend(rows.first().map(|row| (*index, read_density(row))));
    }
    densities
}

/// The query that tells how full a B-tree's leaves are; `None` where this role may not call pgstatindex.
///
/// # Errors
/// Those of the connection.
pub async fn density_query(session: &Session) -> Result<Option<String>> {
    let sql = include_str!("../../sql/catalog/index_density.sql");
    let schema = PGSTATINDEX.load_schema(session).await?;
    Ok(schema.map(|schema| sql.replace("{schema}", &quote_ident(&schema))))
}

/// A row of it.
#[expect(clippy::cast_precision_loss, reason = "ratios are made of them")]
pub fn read_density(row: &Row) -> Density {
    Density {
        bytes: row.get::<_, i64>("bytes") as f64,
        leaf_pages: row.get::<_, i64>("leaf_pages") as f64,
        percent: row.get("density"),
    }
}
