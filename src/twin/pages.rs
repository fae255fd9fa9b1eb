//! The first pages of indexes as the planner reads them, byte by byte (PostgreSQL's nbtree.h, bufpage.h,
//! ginblock.h, brin_page.h). The other pages of an index, and all of a table, are never read to plan: a
//! file of the right length is enough.

/// Bytes of a page; others are refused before.
pub const PAGE: usize = 8192;

/// Pages of one file: a relation goes on in the next one.
pub const SEGMENT_PAGES: u64 = 131_072;

const HEADER: usize = 24;
const LAYOUT_VERSION: u16 = 4;

const BTREE_MAGIC: u32 = 0x0005_3162;
const BTREE_VERSION: u32 = 4;
const BTREE_SPECIAL: usize = 16;
const BTREE_LEAF: u16 = 1;
const BTREE_ROOT: u16 = 2;
const BTREE_META: u16 = 8;

fn put16(page: &mut [u8], at: usize, value: u16) {
    page[at..at + 2].copy_from_slice(&value.to_ne_bytes());
}

fn put32(page: &mut [u8], at: usize, value: u32) {
    page[at..at + 4].copy_from_slice(&value.to_ne_bytes());
}

fn put64(page: &mut [u8], at: usize, value: i64) {
    page[at..at + 8].copy_from_slice(&value.to_ne_bytes());
}

/// An empty page: where its free space begins and ends, and where its special space begins.
fn page(lower: usize, upper: usize, special: usize) -> Vec<u8> {
    let offset = |value: usize| u16::try_from(value).unwrap_or(u16::MAX);
    let mut page = vec![0; PAGE];
    put16(&mut page, 12, offset(lower));
    put16(&mut page, 14, offset(upper));
    put16(&mut page, 16, offset(special));
    put16(&mut page, 18, offset(PAGE) | LAYOUT_VERSION);
    page
}

/// A B-tree of this height without a row: the metapage and one page a level, the root first. A probe of
/// the planner's goes down the leftmost way and finds an empty leaf.
pub fn btree(height: u32, has_equal_images: bool) -> Vec<u8> {
    let special = PAGE - BTREE_SPECIAL;
    // Behind the struct BTMetaPageData, 48 bytes.
    let mut pages = page(HEADER + 48, special, special);
    let meta = [BTREE_MAGIC, BTREE_VERSION, 1, height, 1, height, 0];
    for (at, value) in meta.into_iter().enumerate() {
        put32(&mut pages, HEADER + at * 4, value);
    }
    // btm_last_cleanup_num_heap_tuples: -1, not known.
    pages[HEADER + 32..HEADER + 40].copy_from_slice(&(-1.0_f64).to_ne_bytes());
    pages[HEADER + 40] = u8::from(has_equal_images);
    put16(&mut pages, special + 12, BTREE_META);
    for level in (0..=height).rev() {
        let block = 1 + height - level;
        pages.extend(btree_level(level, block, level == height));
    }
    pages
}

/// A page above the leaves has one item: the downlink that stands for minus infinity.
fn btree_level(level: u32, block: u32, is_root: bool) -> Vec<u8> {
    let special = PAGE - BTREE_SPECIAL;
    let mut made = match level {
        0 => page(HEADER, special, special),
        _ => page(HEADER + 4, special - 8, special),
    };
    if level > 0 {
        let (item, below) = (special - 8, block + 1);
        put16(&mut made, item, u16::try_from(below >> 16).unwrap_or(0));
        put16(&mut made, item + 2, u16::try_from(below & 0xffff).unwrap_or(0));
        // INDEX_ALT_TID_MASK and the tuple's size: a pivot without keys.
        put16(&mut made, item + 6, 0x2000 | 8);
        let (offset, normal, length) = (u32::try_from(item).unwrap_or(0), 1 << 15, 8 << 17);
        put32(&mut made, HEADER, offset | normal | length);
    }
    put32(&mut made, special + 8, level);
    let leaf = if level == 0 { BTREE_LEAF } else { 0 };
    put16(&mut made, special + 12, leaf | if is_root { BTREE_ROOT } else { 0 });
    made
}

/// What a GIN index's metapage counts, written into the one that CREATE INDEX made.
pub fn set_gin_counters(meta: &mut [u8], counters: super::data::GinCounters) {
    // GinMetaPageData: head, tail, tailFreeSize, nPendingPages, nPendingHeapTuples, nTotalPages,
    // nEntryPages, nDataPages, nEntries.
    put32(meta, HEADER + 12, counters.pending_pages);
    put64(meta, HEADER + 16, counters.pending_tuples);
    put32(meta, HEADER + 24, counters.total_pages);
    put32(meta, HEADER + 28, counters.entry_pages);
    put32(meta, HEADER + 32, counters.data_pages);
    put64(meta, HEADER + 40, counters.entries);
}

/// How many pages of a BRIN index map ranges; the planner takes them for read.
pub fn set_brin_map(meta: &mut [u8], heap_pages: u64) {
    const ITEMS: u64 = 1_360;
    // BrinMetaPageData: brinMagic, brinVersion, pagesPerRange, lastRevmapPage.
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&meta[HEADER + 8..HEADER + 12]);
    let pages_per_range = u64::from(u32::from_ne_bytes(bytes)).max(1);
    let ranges = heap_pages.div_ceil(pages_per_range);
    let map = ranges.div_ceil(ITEMS).max(1);
    put32(meta, HEADER + 12, u32::try_from(map).unwrap_or(u32::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_b_tree_has_a_page_a_level_and_its_metapage() {
        for height in [0, 1, 3] {
            let pages = btree(height, true);
            assert_eq!(pages.len(), PAGE * (height as usize + 2));
            assert_eq!(pages[HEADER..HEADER + 4], BTREE_MAGIC.to_ne_bytes());
            assert_eq!(pages[HEADER + 12..HEADER + 16], height.to_ne_bytes());
        }
    }

    #[test]
    fn a_small_table_needs_one_page_of_brin_map() {
        let mut meta = vec![0; PAGE];
        put32(&mut meta, HEADER + 8, 128);
        for (pages, map) in [(0, 1_u32), (1_000, 1), (128 * 1_360 + 1, 2)] {
            set_brin_map(&mut meta, pages);
            assert_eq!(meta[HEADER + 12..HEADER + 16], map.to_ne_bytes(), "{pages}");
        }
    }
}
