//! How large an index would be, freshly built, from statistics alone.

/// What a key or included column takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColumnShape {
    /// Bytes; negative: it varies.
    pub length: i16,
    /// Bytes that it is aligned to.
    pub align: u64,
    /// Bytes on average, with the header of a varying one; `None`: no statistics.
    pub width: Option<u64>,
    /// Different values; `None`: no statistics.
    pub distinct: Option<f64>,
    pub has_nulls: bool,
    /// Equal values may look different, so that they are not kept together: numeric, float, jsonb.
    pub has_unequal_images: bool,
}

/// What is to be built.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexShape {
    pub rows: f64,
    pub is_unique: bool,
    pub key_count: usize,
    pub columns: Vec<ColumnShape>,
}

/// A size, as CREATE INDEX would leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub pages: u64,
    /// Levels above the leaves.
    pub height: u32,
}

const HEADER: u64 = 8;
const LINE_POINTER: u64 = 4;
/// A page without its header and special space.
const PAYLOAD: f64 = 8_152.0;
/// CREATE INDEX fills leaves to 90 % and the pages above to 70 %.
const LEAF_FILL: f64 = 0.9;
const INNER_FILL: f64 = 0.7;
/// Rows of one key share a tuple up to this many bytes, six bytes each.
const POSTING_LIST: u64 = 812;
const TID: f64 = 6.0;
/// Without statistics on a varying column.
const USUAL_WIDTH: u64 = 32;

fn aligned(offset: u64, to: u64) -> u64 {
    offset.div_ceil(to) * to
}

/// The size of a B-tree, with rows of equal keys kept together as PostgreSQL does since 13.
pub fn btree(shape: &IndexShape) -> Size {
    if shape.rows < 1.0 {
        return Size { pages: 1, height: 0 };
    }
    let tuple = tuple_bytes(shape);
    let leaves = (shape.rows * bytes_a_row(shape, tuple) / (PAYLOAD * LEAF_FILL)).ceil().max(1.0);
    // Not so exact that more digits would count.
    tree(to_pages(leaves), tuple)
}

/// The height of a tree that has this many pages, by the width of its keys.
pub fn height(pages: u64, shape: &IndexShape) -> u32 {
    tree(pages.saturating_sub(1).max(1), tuple_bytes(shape)).height
}

fn tree(leaves: u64, tuple: u64) -> Size {
    let fan_out = (PAYLOAD * INNER_FILL / to_float(tuple + LINE_POINTER)).floor().max(2.0);
    let fan_out = to_pages(fan_out);
    let (mut level, mut height, mut all) = (leaves, 0, leaves);
    while level > 1 {
        level = level.div_ceil(fan_out);
        all += level;
        height += 1;
    }
    Size { pages: all + 1, height }
}

fn tuple_bytes(shape: &IndexShape) -> u64 {
    let has_nulls = shape.columns.iter().any(|column| column.has_nulls);
    let header = if has_nulls { HEADER * 2 } else { HEADER };
    let columns = shape.columns.iter().fold(0, |offset, column| {
        let width = column.width.unwrap_or(USUAL_WIDTH);
        match u64::try_from(column.length) {
            Ok(length) => aligned(offset, column.align) + length,
            // A short one has one byte of header and is not aligned.
            Err(_) if width < 127 => offset + width,
            Err(_) => aligned(offset, column.align) + width,
        }
    });
    aligned(header + columns, 8)
}

fn bytes_a_row(shape: &IndexShape, tuple: u64) -> f64 {
    let alone = to_float(tuple + LINE_POINTER);
    let keys = &shape.columns[..shape.key_count.min(shape.columns.len())];
    let keeps_apart = shape.is_unique
        || shape.columns.len() > shape.key_count
        || keys.iter().any(|key| key.has_unequal_images);
    let rows_a_key = shape.rows / distinct_keys(keys, shape.rows);
    if keeps_apart || rows_a_key < 1.5 {
        return alone;
    }
    let most = (to_float(POSTING_LIST.saturating_sub(tuple)) / TID).floor().max(1.0);
    let together = rows_a_key.min(most);
    let posting = aligned(to_pages((together * TID).floor()), 2);
    to_float(aligned(tuple + posting, 8) + LINE_POINTER) / together
}

/// As many as the product of their different values, and no more than rows.
fn distinct_keys(keys: &[ColumnShape], rows: f64) -> f64 {
    let product = keys.iter().fold(1.0, |product: f64, key| {
        (product * key.distinct.unwrap_or(rows).max(1.0)).min(rows)
    });
    product.max(1.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "pages and bytes are far below 2^52"
)]
fn to_float(value: u64) -> f64 {
    value as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it was rounded and is not negative"
)]
pub(super) fn to_pages(value: f64) -> u64 {
    value.max(0.0) as u64
}

/// Other methods: no more than a guess from the table, and said to be one.
pub fn other(method: &str, rows: f64, table_pages: u64, shape: &IndexShape) -> u64 {
    let tuple = to_float(tuple_bytes(shape) + LINE_POINTER);
    match method {
        "brin" => 3,
        "hash" => to_pages((rows * 20.0 / (PAYLOAD * 0.75)).ceil()).max(1).next_power_of_two() + 2,
        "gin" => (table_pages / 5).max(2),
        _ => to_pages((rows * tuple / PAYLOAD / INNER_FILL).ceil()).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int8(distinct: f64) -> ColumnShape {
        ColumnShape {
            length: 8,
            align: 8,
            width: Some(8),
            distinct: Some(distinct),
            has_nulls: false,
            has_unequal_images: false,
        }
    }

    fn shape(rows: f64, columns: Vec<ColumnShape>) -> IndexShape {
        IndexShape { rows, is_unique: false, key_count: columns.len(), columns }
    }

    /// As PostgreSQL builds them: 1,000,000 different bigint keys take 2,745 pages, ten different ones
    /// some 850.
    #[test]
    fn equal_keys_are_kept_together() {
        let different = btree(&shape(1e6, vec![int8(1e6)]));
        assert!((2_700..=2_780).contains(&different.pages), "{different:?}");
        assert_eq!(different.height, 2);
        let equal = btree(&shape(1e6, vec![int8(10.0)]));
        assert!((820..=880).contains(&equal.pages), "{equal:?}");
        let included = IndexShape { key_count: 1, ..shape(1e6, vec![int8(10.0), int8(5.0)]) };
        assert!(btree(&included).pages > 3_500);
    }

    #[test]
    fn an_empty_index_is_its_metapage() {
        assert_eq!(btree(&shape(0.0, vec![int8(1.0)])), Size { pages: 1, height: 0 });
        assert_eq!(btree(&shape(1.0, vec![int8(1.0)])), Size { pages: 2, height: 0 });
    }
}
