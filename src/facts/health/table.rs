//! Tables and what was done to them.

use super::PAGE_BYTES;
use crate::facts::RelationKind;
use crate::facts::columns::facts_of_columns;

facts_of_columns! {
    /// A table, materialized view, partitioned, foreign or TOAST table, with counters since the last reset.
    pub struct Table {
        pub oid: u32,
        /// As the server quotes it.
        pub object: String,
        /// The table that a TOAST table belongs to.
        pub main_object: Option<String>,
        pub kind: RelationKind,
        /// The system's own.
        pub is_catalog: bool,
        pub is_unlogged: bool,
        pub is_partition: bool,
        /// Whether others inherit from it or did.
        pub has_children: bool,
        /// It belongs to an extension.
        pub is_extension: bool,
        /// As of the last VACUUM or ANALYZE.
        pub pages: i64,
        /// As of the last VACUUM or ANALYZE; -1: never.
        pub rows: f64,
        /// As of the last VACUUM.
        pub all_visible_pages: i64,
        /// Transactions since the oldest that it may hold.
        pub xid_age: Option<i32>,
        /// Multixacts since the oldest that it may hold.
        pub mxid_age: Option<i32>,
        /// Storage parameters, `name=value`.
        pub options: Vec<String>,
        pub inserted: i64,
        pub updated: i64,
        /// Thereof such that no index was written.
        pub hot_updated: i64,
        pub deleted: i64,
        pub live_rows: i64,
        pub dead_rows: i64,
        pub changed_since_analyze: i64,
        pub sequential_scans: i64,
        /// Rows that these have read.
        pub sequential_rows: i64,
        /// Since the last VACUUM; `None`: not known.
        pub vacuumed_seconds: Option<f64>,
        /// Since the last ANALYZE; `None`: not known.
        pub analyzed_seconds: Option<f64>,
        pub has_primary_key: bool,
        /// Of all its indexes.
        pub index_pages: i64,
        /// As in pg_class: `d`, `n`, `f`, `i`.
        pub replica_identity: String,
    }
}

impl Table {
    /// An ordinary table of the user's.
    pub fn is_ordinary(&self) -> bool {
        self.kind == RelationKind::Table && !self.is_catalog
    }

    pub fn is_toast(&self) -> bool {
        self.kind == RelationKind::Toast
    }

    /// As of the last VACUUM or ANALYZE.
    pub fn size_bytes(&self) -> i64 {
        self.pages.max(0) * PAGE_BYTES
    }

    /// Of all its indexes, as of their last VACUUM or build.
    pub fn index_bytes(&self) -> i64 {
        self.index_pages.max(0) * PAGE_BYTES
    }

    /// The table by which people know it: of a TOAST table the one that it belongs to.
    pub fn known_as(&self) -> &str {
        self.main_object.as_deref().unwrap_or(&self.object)
    }

    /// A storage parameter.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options
            .iter()
            .find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
    }
}
