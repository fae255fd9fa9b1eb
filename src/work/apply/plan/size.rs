//! About how large a btree index will be, from the statistics of its columns.

use crate::declared::DeclaredIndex;
use crate::facts::{Facts, Relation};

/// Line pointer and tuple header of an index entry (`IndexTupleData`, `ItemIdData`).
const ENTRY_OVERHEAD_BYTES: f64 = 12.0;
/// A row's place in a posting list: equal keys share one entry since version 13.
const POSTING_BYTES: f64 = 6.0;
/// Leaf pages are filled to this share by default (`BTREE_DEFAULT_FILLFACTOR`).
const FILL: f64 = 0.9;

/// The size in bytes, or `None` where it cannot be known beforehand: another method than btree, an
/// expression, a predicate, a table or column without statistics.
pub fn estimate(declared: &DeclaredIndex, relation: &Relation, facts: &Facts) -> Option<i64> {
    let is_btree = declared.method.as_deref().is_none_or(|method| method == "btree");
    if !is_btree || !declared.plain || relation.row_estimate < 0.0 {
        return None;
    }
    let rows = relation.row_estimate;
    let mut key_bytes = 0.0;
    let mut keys = 1.0;
    for column in &declared.columns {
        let column = (relation.oid, column.clone()?);
        let known = facts.column_widths.get(&column)?;
        key_bytes += f64::from(known.width_bytes);
        keys *= match known.distinct_values {
            share if share < 0.0 => -share * rows,
            count => count,
        };
    }
    let entry = (key_bytes / 8.0).ceil() * 8.0 + ENTRY_OVERHEAD_BYTES;
    let one_each = rows * entry;
    let shared = keys.min(rows) * entry + rows * POSTING_BYTES;
    let bytes = if declared.unique {
        one_each
    } else {
        one_each.min(shared)
    };
    Some((bytes / FILL) as i64 + facts.server.block_size_bytes)
}
