//! What a twin is made of. The same structs are read from production's catalog, kept in a twin file,
//! and made into a database: figures that only pass through stay the text that the server printed.

use serde::{Deserialize, Deserializer, Serialize};

use super::workload::WorkloadStatement;

/// All that is known of the database a twin stands for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TwinData {
    pub origin: TwinOrigin,
    pub settings: Vec<TwinSetting>,
    pub extensions: Vec<TwinExtension>,
    pub collations: Vec<TwinCollation>,
    pub types: Vec<UserType>,
    pub functions: Vec<Function>,
    pub operators: Vec<Operator>,
    pub relations: Vec<TwinRelation>,
    pub indexes: Vec<TwinIndex>,
    pub foreign_keys: Vec<TwinForeignKey>,
    pub column_statistics: Vec<ColumnStatistics>,
    pub extended_statistics: Vec<ExtendedStatistics>,
    /// What pageinspect tells of indexes.
    pub metapages: Vec<Metapage>,
    /// The real ends of indexed columns.
    pub ends: Vec<ColumnEnds>,
    /// Those that it was made for.
    pub statements: Vec<WorkloadStatement>,
    /// What could not be read, each with what would help.
    pub unknown: Vec<String>,
    /// Whether values of the data were left out.
    pub has_no_values: bool,
}

/// The database as such.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TwinOrigin {
    pub database: String,
    /// As `server_version_num`.
    pub version_num: i32,
    pub encoding: String,
    pub collate: String,
    pub ctype: String,
    /// As `pg_database.datlocprovider`.
    pub provider: String,
    pub locale: Option<String>,
    /// UTC.
    pub taken_at: String,
    /// How long the counters have counted at least.
    pub counted_seconds: f64,
    pub block_size: i32,
    pub sees_pg_statistic: bool,
}

impl TwinOrigin {
    pub fn major(&self) -> u32 {
        u32::try_from(self.version_num / 10_000).unwrap_or(0)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwinSetting {
    pub name: String,
    pub value: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TwinExtension {
    pub name: String,
    pub version: String,
    pub schema: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TwinCollation {
    pub schema: String,
    pub name: String,
    /// As `pg_collation.collprovider`.
    pub provider: String,
    pub is_deterministic: bool,
    pub collate: Option<String>,
    pub locale: Option<String>,
}

/// An enum, a domain or a range.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserType {
    pub schema: String,
    pub name: String,
    /// As `pg_type.typtype`: `e`, `d` or `r`.
    pub kind: String,
    #[serde(deserialize_with = "or_empty")]
    pub labels: Vec<String>,
    pub base: Option<String>,
    pub is_not_null: bool,
    #[serde(deserialize_with = "or_empty")]
    pub checks: Vec<TwinCheck>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwinCheck {
    pub name: String,
    pub definition: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Function {
    pub schema: String,
    /// With its arguments, as regprocedure prints it.
    pub name: String,
    pub language: String,
    pub owner: String,
    pub source: String,
    pub definition: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Operator {
    pub schema: String,
    pub name: String,
    pub function_schema: String,
    pub function: String,
    pub left: Option<String>,
    pub right: String,
    pub restrict: Option<String>,
    pub join: Option<String>,
}

/// A table, view or composite type.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TwinRelation {
    pub oid: u32,
    pub schema: String,
    pub name: String,
    /// As `pg_class.relkind`.
    pub kind: String,
    pub is_unlogged: bool,
    pub owner: String,
    /// Its length now; `None`: it has no file.
    pub pages: Option<u64>,
    /// `relpages`, `reltuples` and `relallvisible` are as of the last VACUUM or ANALYZE.
    pub relpages: i64,
    pub reltuples: String,
    pub relallvisible: i64,
    #[serde(deserialize_with = "or_empty")]
    pub options: Vec<String>,
    pub access_method: Option<String>,
    #[serde(deserialize_with = "or_empty")]
    pub tablespace_options: Vec<String>,
    pub partition_key: Option<String>,
    pub partition_bound: Option<String>,
    #[serde(deserialize_with = "or_empty")]
    pub parents: Vec<Parent>,
    pub view: Option<String>,
    pub has_row_security: bool,
    pub changed_since_analyze: Option<i64>,
    /// By anybody; `None`: not since the counters were begun.
    pub analyzed_at: Option<String>,
    /// Rows, since the counters were begun.
    pub inserted: Option<i64>,
    pub updated: Option<i64>,
    pub hot_updated: Option<i64>,
    pub may_read: bool,
    #[serde(deserialize_with = "or_empty")]
    pub columns: Vec<TwinColumn>,
    #[serde(deserialize_with = "or_empty")]
    pub checks: Vec<TwinCheck>,
}

impl TwinRelation {
    /// Whether it has rows, or stands for partitions that have.
    pub fn is_table(&self) -> bool {
        matches!(self.kind.as_str(), "r" | "p" | "m")
    }

    /// As of the last VACUUM or ANALYZE; -1: never.
    pub fn rows(&self) -> f64 {
        self.reltuples.parse().unwrap_or(-1.0)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    pub schema: String,
    pub name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TwinColumn {
    pub name: String,
    /// With its modifiers, as format_type prints it.
    #[serde(rename = "type")]
    pub of: String,
    /// Bytes; negative: it varies.
    pub length: i16,
    /// As `pg_type.typalign`.
    pub align: String,
    pub collation_schema: Option<String>,
    pub collation: Option<String>,
    pub is_not_null: bool,
    /// As `pg_attribute.attgenerated`.
    pub generated: String,
    pub expression: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TwinIndex {
    /// Also that of its table.
    pub schema: String,
    pub name: String,
    pub table: String,
    /// As `pg_class.relkind`.
    pub kind: String,
    pub definition: String,
    pub constraint: Option<String>,
    pub constraint_definition: Option<String>,
    pub parent_schema: Option<String>,
    pub parent: Option<String>,
    pub is_valid: bool,
    pub is_unique: bool,
    /// Since the counters were begun.
    pub scans: Option<i64>,
    /// A foreign key needs it, or begins with its first column.
    pub serves_foreign_key: bool,
    pub is_partial: bool,
    pub is_immediate: bool,
    pub is_replica_identity: bool,
    pub access_method: String,
    /// `None`: it has no file.
    pub pages: Option<u64>,
    pub relpages: i64,
    pub reltuples: String,
    /// Of `keys`, so many are keys; the others are included.
    pub key_count: usize,
    #[serde(deserialize_with = "or_empty")]
    pub keys: Vec<IndexKey>,
}

impl TwinIndex {
    /// Its definition from the method on, which a B-tree goes without: `(a, b) WHERE (c > 0)`.
    pub fn behind_using(&self) -> String {
        let definition = self.definition.as_str();
        let rest = definition.split_once(" USING ").map_or(definition, |(_, rest)| rest);
        rest.strip_prefix("btree ").unwrap_or(rest).to_owned()
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexKey {
    pub column: Option<String>,
    pub expression: Option<String>,
    /// The index's own name for it, under which statistics of an expression are kept.
    pub attribute: String,
    /// The column in the order that its type has from the start; null for what is included.
    pub is_default_order: Option<bool>,
    pub length: i16,
    pub align: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwinForeignKey {
    pub schema: String,
    pub table: String,
    pub name: String,
    pub definition: String,
}

/// A row of pg_stats.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ColumnStatistics {
    pub schema: String,
    pub relation: String,
    pub column: String,
    pub inherited: bool,
    pub null_frac: String,
    pub avg_width: i32,
    /// Negative: a share of the rows.
    pub n_distinct: String,
    pub most_common_vals: Option<String>,
    pub most_common_freqs: Option<String>,
    pub histogram_bounds: Option<String>,
    pub correlation: Option<String>,
    pub most_common_elems: Option<String>,
    pub most_common_elem_freqs: Option<String>,
    pub elem_count_histogram: Option<String>,
    pub range_length_histogram: Option<String>,
    pub range_empty_frac: Option<String>,
    pub range_bounds_histogram: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExtendedStatistics {
    pub schema: String,
    pub name: String,
    pub table_schema: String,
    pub table: String,
    pub definition: String,
    pub may_read: bool,
    #[serde(deserialize_with = "or_empty")]
    pub data: Vec<ExtendedData>,
    #[serde(deserialize_with = "or_empty")]
    pub expressions: Vec<ColumnStatistics>,
}

/// A row of pg_stats_ext.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExtendedData {
    pub inherited: bool,
    #[serde(deserialize_with = "or_empty")]
    pub columns: Vec<String>,
    pub n_distinct_bytes: Option<String>,
    pub dependencies_bytes: Option<String>,
    /// An array of the combinations, each an array of texts.
    pub values: Option<String>,
    #[serde(deserialize_with = "or_empty")]
    pub frequencies: Vec<f64>,
    #[serde(deserialize_with = "or_empty")]
    pub base_frequencies: Vec<f64>,
}

/// What stands on the first page of an index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metapage {
    pub schema: String,
    pub index: String,
    /// Of a B-tree.
    pub height: Option<u32>,
    /// Of a GIN index.
    pub gin: Option<GinCounters>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GinCounters {
    pub pending_pages: u32,
    pub pending_tuples: i64,
    pub total_pages: u32,
    pub entry_pages: u32,
    pub data_pages: u32,
    pub entries: i64,
}

/// The least and the greatest value of a column that a B-tree begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnEnds {
    pub schema: String,
    pub relation: String,
    pub column: String,
    pub least: String,
    pub greatest: String,
}

/// json_agg of no rows is null.
fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(from)?.unwrap_or_default())
}
