//! About how large a btree index will be, from the statistics of its columns.

use crate::declared::DeclaredIndex;
use crate::facts::btree_size::{self, BtreeShape, ColumnShape, DEFAULT_FILL_PERCENT};
use crate::facts::{ColumnWidth, Facts, Relation};

/// The size in bytes, or `None` where it cannot be known beforehand: another method than btree, an
/// expression, a predicate, a table or column without statistics.
pub fn estimate(declared: &DeclaredIndex, relation: &Relation, facts: &Facts) -> Option<i64> {
    let is_btree = declared.method.as_deref().is_none_or(|method| method == "btree");
    if !is_btree || !declared.plain || relation.row_estimate < 0.0 {
        return None;
    }
    let rows = relation.row_estimate;
    let columns = declared
        .columns
        .iter()
        .map(|column| {
            let column = (relation.oid, column.clone()?);
            Some(shape(facts.column_widths.get(&column)?, rows))
        })
        .collect::<Option<Vec<_>>>()?;
    let size = btree_size::btree(&BtreeShape {
        rows,
        is_unique: declared.unique,
        key_count: columns.len(),
        columns,
        fill_percent: DEFAULT_FILL_PERCENT,
    });
    i64::try_from(size.pages).ok()?.checked_mul(facts.server.block_size_bytes)
}

/// A column of which no more than its statistics are known.
fn shape(column: &ColumnWidth, rows: f64) -> ColumnShape {
    ColumnShape {
        length: -1,
        align: 1,
        width: u64::try_from(column.width_bytes).ok(),
        has_one_width: true,
        distinct: Some(match column.distinct_values {
            share if share < 0.0 => -share * rows,
            count => count,
        }),
        null_share: 0.0,
        common: (0.0, 0.0),
        has_unequal_images: false,
    }
}
