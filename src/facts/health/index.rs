//! Indexes as the catalog has them.

use super::PAGE_BYTES;
use crate::facts::columns::facts_of_columns;

facts_of_columns! {
    /// An index.
    pub struct Index {
        pub oid: u32,
        pub table_oid: u32,
        /// As the server quotes it.
        pub object: String,
        /// Without schema and quotes.
        pub name: String,
        /// As the server quotes it.
        pub table_object: String,
        /// `btree`, `gin` …
        pub method: String,
        /// Of a partitioned table.
        pub is_partitioned: bool,
        /// Of a TOAST table.
        pub is_toast: bool,
        pub is_unique: bool,
        pub is_primary: bool,
        pub is_exclusion: bool,
        /// The planner may use it.
        pub is_valid: bool,
        /// Writes maintain it.
        pub is_ready: bool,
        pub is_live: bool,
        pub is_clustered: bool,
        pub is_replica_identity: bool,
        /// NULLS NOT DISTINCT.
        pub are_nulls_equal: bool,
        /// So many of `columns` are keys; the others are INCLUDEd.
        pub key_columns: i32,
        /// Numbers of the table's columns; 0 is an expression.
        pub columns: String,
        /// Operator classes of the keys, by oid.
        pub classes: String,
        /// Collations of the keys, by oid.
        pub collations: String,
        /// Order of the keys.
        pub options: String,
        /// As the server prints them; `None` also where the table is locked.
        pub expressions: Option<String>,
        /// As the server prints it; `None` also where the table is locked.
        pub predicate: Option<String>,
        pub has_expressions: bool,
        pub is_partial: bool,
        /// As of the last VACUUM or build.
        pub pages: i64,
        pub rows: f64,
        /// As of the last VACUUM or ANALYZE of the table.
        pub table_pages: i64,
        pub table_rows: f64,
        /// Since the last reset.
        pub scans: i64,
        /// Of the constraint that it serves: `p`, `u`, `x`.
        pub constraint_type: Option<String>,
        /// A foreign key relies on it.
        pub is_referenced: bool,
        /// The partitioned index that it is part of.
        pub parent_oid: Option<u32>,
        /// Nobody may even read its table now.
        pub is_locked: bool,
        /// Somebody holds a lock on the table as builds do.
        pub is_worked_on: bool,
    }
}

impl Index {
    /// As of the last VACUUM or build.
    pub fn size_bytes(&self) -> i64 {
        self.pages.max(0) * PAGE_BYTES
    }

    /// Something other than queries needs it.
    pub fn is_needed(&self) -> bool {
        self.constraint_type.is_some()
            || self.is_unique
            || self.is_exclusion
            || self.is_referenced
            || self.is_replica_identity
            || self.is_clustered
            || self.parent_oid.is_some()
    }
}
