//! Bloat, leftovers and WAL.

mod rung;

use super::judges;

judges! {
    index_bloat, table_bloat, index_larger_than_table, catalog_bloat, unlogged_table, wal_kept,
    orphaned_large_objects,
}
