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
    /// All values of a varying one are known to be of this width.
    pub has_one_width: bool,
    /// Different values; `None`: no statistics.
    pub distinct: Option<f64>,
    /// Share of the rows.
    pub null_share: f64,
    /// So many values are known to be the most common ones, and in this share of the rows.
    pub common: (f64, f64),
    /// Equal values may look different, so that they are not kept together: numeric, float, jsonb.
    pub has_unequal_images: bool,
}

/// What is to be built.
#[derive(Debug, Clone, PartialEq)]
pub struct BtreeShape {
    pub rows: f64,
    pub is_unique: bool,
    pub key_count: usize,
    pub columns: Vec<ColumnShape>,
    /// Leaves are filled to this share: its `fillfactor`.
    pub fill_percent: u32,
}

/// As `BTREE_DEFAULT_FILLFACTOR`.
pub const DEFAULT_FILL_PERCENT: u32 = 90;

/// A size, as CREATE INDEX would leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub pages: u64,
    /// Levels above the leaves.
    pub height: u32,
}

/// Of a tuple; as much again where it has NULLs.
const HEADER: f64 = 8.0;
const LINE_POINTER: f64 = 4.0;
/// The usual size of a page, which the estimate is for.
pub const PAGE_BYTES: u64 = 8_192;
/// An index that begins with the same keys serves what the shorter one does, unless it is more than so many
/// times as large: then its scans cost more.
pub const MUCH_WIDER: u64 = 4;
pub const PAGE: f64 = 8_192.0;
/// A page without its header, its special space and the line pointer of its high key.
const PAYLOAD: f64 = 8_148.0;
/// CREATE INDEX fills the pages above the leaves to 70 % (`BTREE_NONLEAF_FILLFACTOR`).
const INNER_FREE: f64 = PAGE * 0.3;
/// Rows of one key share a tuple up to this many bytes, six bytes each.
const POSTING_LIST: f64 = 808.0;
const TID: f64 = 6.0;
/// Without statistics on a varying column.
const USUAL_WIDTH: u64 = 32;
/// Keys of so many rows are alike enough; of so few, nearly all have one.
const MANY: f64 = 30.0;
const FEW: f64 = 0.02;
/// More are not told apart.
const MOST_GROUPS: usize = 30;

/// The size of a B-tree, with rows of equal keys kept together as PostgreSQL does since 13.
pub fn btree(shape: &BtreeShape) -> Size {
    if shape.rows < 1.0 {
        return Size { pages: 1, height: 0 };
    }
    let tuple = whole_tuple(&shape.columns).bytes;
    let free = (PAGE * f64::from(100 - shape.fill_percent.clamp(10, 100)) / 100.0).floor();
    let items = items(shape);
    let a_page = items_a_page(&items, free);
    let leaves = (items.count / a_page).ceil().max(1.0);
    tree(to_pages(leaves), tuple)
}

/// The height of a tree that has this many pages, by the width of its keys.
pub fn height(pages: u64, shape: &BtreeShape) -> u32 {
    tree(pages.saturating_sub(1).max(1), whole_tuple(&shape.columns).bytes).height
}

fn tree(leaves: u64, tuple: f64) -> Size {
    let fan_out = ((PAYLOAD - INNER_FREE) / (tuple + LINE_POINTER)).ceil() - 1.0;
    let fan_out = to_pages(fan_out.max(2.0));
    let (mut level, mut height, mut all) = (leaves, 0, leaves);
    while level > 1 {
        level = level.div_ceil(fan_out);
        all += level;
        height += 1;
    }
    Size { pages: all + 1, height }
}

/// How far a tuple reaches, or is believed to.
#[derive(Debug, Clone, Copy)]
struct Extent {
    bytes: f64,
    /// Whether all tuples do.
    is_exact: bool,
}

const START: Extent = Extent { bytes: HEADER, is_exact: true };

impl Extent {
    fn aligned(self, to: f64) -> Extent {
        let bytes = match self.is_exact {
            true => (self.bytes / to).ceil() * to,
            false => self.bytes + (to - 1.0) / 2.0,
        };
        Extent { bytes, ..self }
    }

    fn and(self, bytes: f64, is_exact: bool) -> Extent {
        Extent {
            bytes: self.bytes + bytes,
            is_exact: self.is_exact && is_exact,
        }
    }

    fn with(self, column: &ColumnShape) -> Extent {
        let width = column.width.unwrap_or(USUAL_WIDTH);
        match u16::try_from(column.length) {
            Ok(length) => self.aligned(to_float(column.align)).and(f64::from(length), true),
            // A short one has one byte of header and is not aligned.
            Err(_) if width < 127 => self.and(to_float(width), column.has_one_width),
            Err(_) => {
                self.aligned(to_float(column.align)).and(to_float(width), column.has_one_width)
            }
        }
    }
}

/// A tuple without NULLs and without its line pointer.
fn whole_tuple(columns: &[ColumnShape]) -> Extent {
    columns.iter().fold(START, Extent::with).aligned(8.0)
}

/// What stands on the leaves.
#[derive(Debug, Clone, Copy, Default)]
struct Items {
    count: f64,
    /// With their line pointers.
    bytes: f64,
    /// Thereof lists of rows.
    lists: f64,
    /// Whether all are of one size.
    is_exact: bool,
}

impl Items {
    /// So many keys of so many rows each.
    fn add(&mut self, keys: f64, rows: f64, tuple: f64) {
        let most = ((POSTING_LIST - tuple) / TID).floor();
        if most < 2.0 {
            self.add_items(keys * rows, 1.0, tuple);
            return;
        }
        let full = (rows / most).floor();
        self.add_items(keys * full, most, tuple);
        let rest = rows - full * most;
        if rest > 0.0 {
            self.add_items(keys, rest, tuple);
        }
    }

    fn add_items(&mut self, count: f64, rows: f64, tuple: f64) {
        let list = if rows > 1.0 {
            (rows * TID / 8.0).ceil() * 8.0
        } else {
            0.0
        };
        self.count += count;
        self.bytes += count * (tuple + list + LINE_POINTER);
        self.lists += count * list;
    }

    /// Keys as chance would have it: so many that there may be, so many rows each on average.
    fn add_random(&mut self, keys: f64, rows: f64, tuple: f64) {
        if rows >= MANY {
            self.add(keys, rows, tuple);
            return;
        }
        let mut share = (-rows).exp();
        let mut number = 0.0;
        while number < 4.0 * MANY {
            number += 1.0;
            share *= rows / number;
            self.add(keys * share, number, tuple);
        }
    }
}

/// Rows that have NULLs, common values and others in the same keys.
#[derive(Debug, Clone, Copy)]
struct KeyGroup {
    rows: f64,
    /// So many different keys there may be.
    keys: f64,
    has_nulls: bool,
    /// What the keys take, behind the header.
    keyed: Extent,
}

impl KeyGroup {
    /// The group by what a further key is of: NULL, a common value, another one.
    fn by(self, key: &ColumnShape) -> Vec<KeyGroup> {
        let (count, common) = key.common;
        let rest = (1.0 - key.null_share - common).max(0.0);
        let others = (key.distinct.unwrap_or(self.rows) - count).max(1.0);
        let with = KeyGroup { keyed: self.keyed.with(key), ..self };
        let nulls = KeyGroup { rows: self.rows * key.null_share, has_nulls: true, ..self };
        let common = KeyGroup { rows: self.rows * common, keys: self.keys * count, ..with };
        let rest = KeyGroup { rows: self.rows * rest, keys: self.keys * others, ..with };
        let groups = [nulls, common, rest].into_iter();
        groups.filter(|group| group.rows >= 1.0).collect()
    }

    fn undivided(self, key: &ColumnShape) -> KeyGroup {
        let keys = self.keys * key.distinct.unwrap_or(self.rows).max(1.0);
        KeyGroup { keys, keyed: self.keyed.with(key), ..self }
    }

    fn tuple(&self) -> Extent {
        let nulls = if self.has_nulls { HEADER } else { 0.0 };
        self.keyed.and(nulls, true).aligned(8.0)
    }
}

fn items(shape: &BtreeShape) -> Items {
    let all = KeyGroup { rows: shape.rows, keys: 1.0, has_nulls: false, keyed: START };
    let mut groups = vec![all];
    for column in &shape.columns {
        let of = |group: KeyGroup| match groups.len() < MOST_GROUPS {
            true => group.by(column),
            false => vec![group.undivided(column)],
        };
        groups = groups.iter().copied().flat_map(of).collect();
    }
    let is_apart = shape.is_unique
        || shape.columns.len() > shape.key_count
        || shape.columns.iter().any(|key| key.has_unequal_images);
    let mut items = Items { is_exact: true, ..Items::default() };
    for group in groups {
        let tuple = group.tuple();
        items.is_exact &= tuple.is_exact;
        // Of one key the different values were counted, of several it is known which there may be.
        let rows_a_key = match shape.columns.len() {
            1 => rows_if_chosen(group.rows / group.keys.min(group.rows)),
            _ => group.rows / group.keys,
        };
        if is_apart || rows_a_key < FEW {
            items.add_items(group.rows, 1.0, tuple.bytes);
        } else {
            items.add_random(group.rows / rows_a_key, rows_a_key, tuple.bytes);
        }
    }
    items
}

/// How many rows a key has on average with those that chance has left without any, from the average
/// of those that have some.
fn rows_if_chosen(rows_a_key: f64) -> f64 {
    let (mut low, mut high) = (0.0, rows_a_key);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        let seen = middle / -(-middle).exp_m1();
        if seen < rows_a_key { low = middle } else { high = middle }
    }
    high
}

/// CREATE INDEX begins a page when less than its share is free, not counting the list of the last item,
/// and takes that item along.
fn items_a_page(items: &Items, free: f64) -> f64 {
    let item = items.bytes / items.count;
    let list = items.lists / items.count;
    let filled = (PAYLOAD - free + list) / item;
    let filled = match items.is_exact && items.lists <= 0.0 {
        true => filled.ceil() - 1.0,
        false => filled - 0.5,
    };
    filled.min(PAYLOAD / item - 1.0).max(1.0)
}

/// Bytes, by `pg_type.typalign`.
pub fn alignment(code: &str) -> u64 {
    match code {
        "c" => 1,
        "s" => 2,
        "i" => 4,
        _ => 8,
    }
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
fn to_pages(value: f64) -> u64 {
    value.max(0.0) as u64
}

/// Other methods: no more than a guess from the table, and said to be one.
pub fn other(method: &str, rows: f64, table_pages: u64, shape: &BtreeShape) -> u64 {
    let tuple = whole_tuple(&shape.columns).bytes + LINE_POINTER;
    match method {
        "brin" => 3,
        "hash" => to_pages((rows * 20.0 / (PAYLOAD * 0.75)).ceil()).max(1).next_power_of_two() + 2,
        "gin" => (table_pages / 5).max(2),
        _ => to_pages((rows * tuple / PAYLOAD / 0.7).ceil()).max(1),
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
            has_one_width: true,
            distinct: Some(distinct),
            null_share: 0.0,
            common: (0.0, 0.0),
            has_unequal_images: false,
        }
    }

    fn shape(rows: f64, columns: Vec<ColumnShape>) -> BtreeShape {
        BtreeShape {
            rows,
            is_unique: false,
            key_count: columns.len(),
            columns,
            fill_percent: DEFAULT_FILL_PERCENT,
        }
    }

    /// As PostgreSQL builds them: 1,000,000 different bigint keys take 2,745 pages, ten different ones
    /// some 850.
    #[test]
    fn equal_keys_are_kept_together() {
        let different = btree(&shape(1e6, vec![int8(1e6)]));
        assert_eq!(different, Size { pages: 2_745, height: 2 });
        let equal = btree(&shape(1e6, vec![int8(10.0)]));
        assert!((835..=855).contains(&equal.pages), "{equal:?}");
        let included = BtreeShape { key_count: 1, ..shape(1e6, vec![int8(10.0), int8(5.0)]) };
        assert!(btree(&included).pages > 3_500);
    }

    #[test]
    fn an_empty_index_is_its_metapage() {
        assert_eq!(btree(&shape(0.0, vec![int8(1.0)])), Size { pages: 1, height: 0 });
        assert_eq!(btree(&shape(1.0, vec![int8(1.0)])), Size { pages: 2, height: 0 });
    }

    #[test]
    fn what_is_rare_takes_more_than_what_is_common() {
        let even = btree(&shape(1e6, vec![int8(5e5)]));
        let skewed = ColumnShape { common: (10.0, 0.5), ..int8(5e5) };
        let skewed = btree(&shape(1e6, vec![skewed]));
        assert!(skewed.pages < even.pages * 9 / 10, "{skewed:?} {even:?}");
        let nulls = ColumnShape { null_share: 0.9, ..int8(1e5) };
        assert!(btree(&shape(1e6, vec![nulls])).pages < 1_300);
    }

    #[test]
    fn a_fillfactor_leaves_room() {
        let half = BtreeShape { fill_percent: 45, ..shape(1e6, vec![int8(1e6)]) };
        assert!((5_400..=5_600).contains(&btree(&half).pages), "{:?}", btree(&half));
    }
}
