//! Invalid, superfluous, unused and missing indexes.

use super::judges;

mod column;
mod key;

judges! {
    corrupt_index, invalid_index, index_leftover, duplicate_index, redundant_index, unused_index,
    unindexed_foreign_key,
    low_cardinality_index, mostly_null_index, array_index, sequential_scans, gin_pending_list,
    unordered_brin_index,
}
