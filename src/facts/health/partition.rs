//! Partitions and materialized views.

use super::PAGE_BYTES;
use crate::facts::columns::facts_of_columns;

facts_of_columns! {
    /// A partition.
    pub struct Partition {
        pub parent_object: String,
        /// As in pg_partitioned_table: `r` is RANGE.
        pub strategy: String,
        /// Of the only key column; `None` for expressions and several columns.
        pub key_type: Option<String>,
        /// Of the parent.
        pub partitions: i64,
        pub object: String,
        /// As the server prints it; `None` where it is locked.
        pub bound: Option<String>,
        pub is_default: bool,
        /// As of the last VACUUM or ANALYZE.
        pub pages: i64,
        pub rows: f64,
        /// Since the last reset.
        pub inserted: i64,
    }
}

facts_of_columns! {
    /// A materialized view.
    pub struct View {
        pub oid: u32,
        pub object: String,
        pub is_populated: bool,
        /// A unique index that REFRESH … CONCURRENTLY can use.
        pub has_key: bool,
        /// As of the last VACUUM or ANALYZE.
        pub pages: i64,
    }
}

impl View {
    /// As of the last VACUUM or ANALYZE.
    pub fn size_bytes(&self) -> i64 {
        self.pages.max(0) * PAGE_BYTES
    }
}

facts_of_columns! {
    /// How often a materialized view was refreshed.
    pub struct RefreshInterval {
        pub object_oid: u32,
        /// In the last 35 days.
        pub refreshes: i64,
        /// The median time between two; `None` where there was one only.
        pub interval_seconds: Option<f64>,
        /// The median time that one takes.
        pub took_seconds: Option<f64>,
        /// Since the last one.
        pub ago_seconds: f64,
    }
}
