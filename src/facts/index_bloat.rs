//! How much larger indexes are than they would be, freshly built: by statistics, for all at once.

use serde::Deserialize;
use tokio_postgres::types::Type;

use super::Oid;
use super::btree_size::{self, BtreeShape, ColumnShape, DEFAULT_FILL_PERCENT};
use super::known::{Known, Unavailable};
use super::load::{ask, named};
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::name::{RelationName, quote_ident};
use crate::pg::row::Row;
use crate::pg::session::Session;

/// An index and what it would be, freshly built.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexBloat {
    pub oid: Oid,
    pub name: RelationName,
    pub table: RelationName,
    pub table_oid: Oid,
    pub is_btree: bool,
    /// As of the last VACUUM, ANALYZE or build.
    pub bytes: u64,
    /// Rows that it is about, as of then; negative: never counted.
    pub rows: f64,
    /// Bytes that CREATE INDEX would leave, as far as the statistics can tell.
    pub fresh_bytes: Known<u64>,
}

/// Leaves that CREATE INDEX fills to 90 % are on average filled to so much after keys have come and gone
/// at random places: B-trees settle there, and a rebuild does not last.
const NATURAL_DENSITY: f64 = 0.69;

impl IndexBloat {
    /// How many times larger it is than a fresh one; `None`: not known.
    pub fn ratio(&self) -> Option<f64> {
        let fresh = *self.fresh_bytes.known()?;
        Some(bytes_to_float(self.bytes) / bytes_to_float(fresh.max(1)))
    }

    /// Bytes that a fresh one would grow to by random inserts: what is below is no bloat.
    pub fn natural_bytes(&self) -> Option<u64> {
        let fresh = bytes_to_float(*self.fresh_bytes.known()?);
        let share = f64::from(DEFAULT_FILL_PERCENT) / 100.0 / NATURAL_DENSITY;
        Some(to_bytes(fresh * share))
    }

    /// Bytes that a rebuild would give back.
    pub fn saved_bytes(&self) -> Option<u64> {
        self.fresh_bytes.known().map(|fresh| self.bytes.saturating_sub(*fresh))
    }
}

/// Which indexes are looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct IndexesWanted<'w> {
    /// These; all where none is named.
    pub oids: &'w [Oid],
    /// No smaller ones.
    pub least_bytes: u64,
}

/// All wanted indexes that have storage, except those of the system and of temporary tables.
pub async fn load_index_bloat(
    session: &Session,
    server: &Server,
    wanted: IndexesWanted<'_>,
) -> Result<Vec<IndexBloat>> {
    let sql = include_str!("../../sql/catalog/index_bloat.sql");
    let block = u64::try_from(server.block_size_bytes).unwrap_or(btree_size::PAGE_BYTES).max(1);
    let pages = i64::try_from(wanted.least_bytes.div_ceil(block)).unwrap_or(i64::MAX);
    let rows = ask(session, sql, &[(&wanted.oids, Type::OID_ARRAY), (&pages, Type::INT8)]).await?;
    Ok(rows.iter().map(|row| read(row, server, block)).collect())
}

fn read(row: &Row, server: &Server, block: u64) -> IndexBloat {
    let pages = u64::try_from(row.get::<_, i64>("pages")).unwrap_or(0);
    let table = named(row, "schema", "table");
    let state = BloatState {
        method: row.get("method"),
        rows: row.get("rows"),
        changed_rows: row.get("changed_rows"),
        changed_since_analyze: row.get("changed_since_analyze"),
        is_unique: row.get("is_unique"),
        is_partial: row.get("is_partial"),
        key_count: usize::try_from(row.get::<_, i32>("key_count")).unwrap_or(0),
        options: row.get::<_, Option<Vec<String>>>("options").unwrap_or_default(),
        columns: serde_json::from_str(&row.get::<_, String>("columns")).unwrap_or_default(),
    };
    let fresh = match block {
        btree_size::PAGE_BYTES => fresh_bytes(&state, &table, &server.role),
        other => Err(Unavailable::because(format!("the server's pages have {other} bytes"))),
    };
    IndexBloat {
        oid: row.get("oid"),
        name: named(row, "schema", "name"),
        table_oid: row.get("table_oid"),
        is_btree: state.is_btree(),
        bytes: pages * block,
        rows: state.rows,
        fresh_bytes: fresh.map_or_else(Known::Unavailable, Known::Known),
        table,
    }
}

/// An index, as the catalog and the statistics have it.
#[derive(Debug, Clone)]
struct BloatState {
    method: String,
    /// Negative: never counted.
    rows: f64,
    /// Since the rows were counted.
    changed_rows: i64,
    changed_since_analyze: i64,
    is_unique: bool,
    is_partial: bool,
    key_count: usize,
    options: Vec<String>,
    columns: Vec<BloatColumn>,
}

/// A key or included column.
#[derive(Debug, Clone, Deserialize)]
struct BloatColumn {
    name: String,
    length: i16,
    align: String,
    width_bytes: Option<i32>,
    distinct_values: Option<f64>,
    sample_rows: f64,
    null_share: Option<f64>,
    common_count: Option<i32>,
    common_share: Option<f64>,
    has_one_width: Option<bool>,
    is_expression: bool,
    is_not_null: bool,
    is_visible: bool,
    has_equal_images: bool,
}

/// Statistics of which this share is of rows that have changed since tell nothing.
const STALE_SHARE: f64 = 0.1;

fn fresh_bytes(
    state: &BloatState,
    table: &RelationName,
    role: &str,
) -> std::result::Result<u64, Unavailable> {
    if !state.is_btree() {
        let why = format!("only of B-trees the size can be estimated, not of {}", state.method);
        return Err(Unavailable::because(why));
    }
    if state.rows < 0.0 {
        return Err(Unavailable::because(format!("{table} was never analyzed"))
            .help(format!("ANALYZE {table}")));
    }
    let shares_tuples = state.shares_tuples();
    let unknown = state.columns.iter().find(|column| {
        let needs_width = column.length < 0;
        let is_keyed = shares_tuples || !column.is_not_null;
        column.width_bytes.is_none() && (needs_width || is_keyed)
    });
    if let Some(column) = unknown {
        return Err(without_statistics(column, table, role));
    }
    if state.is_partial && state.columns.iter().any(|column| column.length < 0) {
        let why = "there are no statistics of the rows of a partial index alone";
        return Err(Unavailable::because(why));
    }
    let reads_statistics = shares_tuples || state.columns.iter().any(|it| it.length < 0);
    let changed = match reads_statistics {
        true => state.changed_since_analyze,
        false => state.changed_rows,
    };
    #[expect(clippy::cast_precision_loss, reason = "a share of them")]
    let is_stale = changed as f64 >= STALE_SHARE * state.rows.max(1.0);
    if is_stale {
        let why = format!("{changed} rows of {table} have changed since they were counted");
        return Err(Unavailable::because(why).help(format!("ANALYZE {table}")));
    }
    Ok(btree_size::btree(&state.shape()).pages * btree_size::PAGE_BYTES)
}

fn without_statistics(column: &BloatColumn, table: &RelationName, role: &str) -> Unavailable {
    let name = quote_ident(&column.name);
    match column.is_visible {
        true => Unavailable::because(format!("there are no statistics of {name}"))
            .help(format!("ANALYZE {table}")),
        false => {
            let role = quote_ident(role);
            let why = format!("{role} may not see the statistics of {name}");
            Unavailable::because(why).help(format!("GRANT pg_read_all_data TO {role}"))
        }
    }
}

impl BloatState {
    fn is_btree(&self) -> bool {
        self.method == "btree"
    }

    /// Whether rows of equal keys are kept together, so that the size depends on how many there are.
    fn shares_tuples(&self) -> bool {
        let is_off = |option: &String| {
            let value = option.strip_prefix("deduplicate_items=");
            value.is_some_and(|value| !is_true(value))
        };
        !self.is_unique
            && self.columns.len() == self.key_count
            && self.columns.iter().all(|column| column.has_equal_images)
            && !self.options.iter().any(is_off)
    }

    fn shape(&self) -> BtreeShape {
        let fill = self.options.iter().find_map(|option| option.strip_prefix("fillfactor="));
        BtreeShape {
            rows: self.rows,
            is_unique: !self.shares_tuples(),
            key_count: self.key_count,
            columns: self.columns.iter().map(|column| column.shape(self.rows)).collect(),
            fill_percent: fill.and_then(|it| it.parse().ok()).unwrap_or(DEFAULT_FILL_PERCENT),
        }
    }
}

/// As PostgreSQL reads the value of an option.
fn is_true(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    lower == "1"
        || lower == "on"
        || ["true", "yes"].iter().any(|word| !lower.is_empty() && word.starts_with(&lower))
}

impl BloatColumn {
    /// ANALYZE has seen the values of an expression with the long header that none of them needs.
    fn width(&self) -> Option<u64> {
        let width = u64::try_from(self.width_bytes?).ok()?;
        let is_long = self.is_expression && self.length == -1 && (4..130).contains(&width);
        Some(if is_long { width - 3 } else { width })
    }

    /// ANALYZE reckons with one number of rows for all values (Haas and Stokes: `n d / (n - f + f n / N)`
    /// of `n` rows looked at, of all `N`, with `d` values, of which `f` were seen once). Where some are common and the others rare,
    /// that is far too few, and the index would seem bloated. What was seen once follows from what it
    /// came to; then the others are reckoned on their own.
    fn distinct(&self, rows: f64) -> Option<f64> {
        let known = self.distinct_values?;
        let distinct = if known < 0.0 { -known * rows } else { known };
        let (count, share) = self.common();
        let others = 1.0 - share - self.null_share.unwrap_or(0.0);
        let seen = self.sample_rows.min(rows);
        if share <= 0.0 || others <= 0.0 || distinct <= count {
            return Some(distinct);
        }
        let once = seen * (distinct - count) / (seen + distinct * (1.0 - seen / rows));
        let seen_others = (seen * others).max(once);
        let rare = seen_others * once / (seen_others - once + once * seen / rows).max(1.0);
        Some(distinct.max(count + rare.min(rows * others)))
    }

    fn common(&self) -> (f64, f64) {
        (self.common_count.map_or(0.0, f64::from), self.common_share.unwrap_or(0.0))
    }

    fn shape(&self, rows: f64) -> ColumnShape {
        ColumnShape {
            length: self.length,
            align: btree_size::alignment(&self.align),
            width: self.width(),
            has_one_width: self.has_one_width.unwrap_or(false),
            distinct: self.distinct(rows),
            null_share: self.null_share.unwrap_or(0.0),
            common: (self.common_count.map_or(0.0, f64::from), self.common_share.unwrap_or(0.0)),
            has_unequal_images: !self.has_equal_images,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn bytes_to_float(bytes: u64) -> f64 {
    bytes as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is not negative, and a byte more or less does not matter"
)]
fn to_bytes(bytes: f64) -> u64 {
    bytes as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column() -> BloatColumn {
        BloatColumn {
            name: "a".to_owned(),
            length: 8,
            align: "d".to_owned(),
            width_bytes: Some(8),
            distinct_values: Some(-1.0),
            sample_rows: 30_000.0,
            null_share: Some(0.0),
            common_count: None,
            common_share: None,
            has_one_width: None,
            is_expression: false,
            is_not_null: true,
            is_visible: true,
            has_equal_images: true,
        }
    }

    fn state(columns: Vec<BloatColumn>) -> BloatState {
        BloatState {
            method: "btree".to_owned(),
            rows: 1e6,
            changed_rows: 0,
            changed_since_analyze: 0,
            is_unique: false,
            is_partial: false,
            key_count: columns.len(),
            options: Vec::new(),
            columns,
        }
    }

    fn fresh(state: &BloatState) -> std::result::Result<u64, String> {
        let fresh = fresh_bytes(state, &RelationName::qualified("public", "t"), "app");
        fresh.map_err(|why| why.to_string())
    }

    #[test]
    fn what_the_size_depends_on_has_to_be_known() {
        assert_eq!(fresh(&state(vec![column()])), Ok(2_745 * 8_192));
        let unseen = BloatColumn { width_bytes: None, is_visible: false, ..column() };
        assert_eq!(
            fresh(&state(vec![unseen.clone()])).unwrap_err(),
            "app may not see the statistics of a; GRANT pg_read_all_data TO app"
        );
        // Of a unique one each row takes as much as any other.
        let unique = BloatState { is_unique: true, ..state(vec![unseen]) };
        assert_eq!(fresh(&unique), Ok(2_745 * 8_192));
        let stale = BloatState { changed_since_analyze: 100_000, ..state(vec![column()]) };
        assert!(fresh(&stale).unwrap_err().ends_with("; ANALYZE public.t"));
        let never = BloatState { rows: -1.0, ..state(vec![column()]) };
        assert_eq!(fresh(&never).unwrap_err(), "public.t was never analyzed; ANALYZE public.t");
        let gin = BloatState { method: "gin".to_owned(), ..state(vec![column()]) };
        assert!(fresh(&gin).is_err());
        let text = BloatColumn { length: -1, ..column() };
        assert!(fresh(&BloatState { is_partial: true, ..state(vec![text]) }).is_err());
    }

    /// Of 1,000,000 rows one half has four values, and the other as many as rows: ANALYZE says 28,700.
    #[test]
    fn rare_values_are_not_lost_beside_common_ones() {
        let skewed = BloatColumn {
            distinct_values: Some(28_700.0),
            common_count: Some(4),
            common_share: Some(0.5),
            ..column()
        };
        let distinct = skewed.distinct(1e6).unwrap();
        assert!((350_000.0..500_000.0).contains(&distinct), "{distinct}");
        let even = BloatColumn {
            distinct_values: Some(1_000.0),
            common_count: Some(100),
            common_share: Some(0.15),
            ..column()
        };
        let distinct = even.distinct(1e6).unwrap();
        assert!((1_000.0..1_050.0).contains(&distinct), "{distinct}");
    }

    #[test]
    fn options_change_the_size() {
        let with = |option: &str| BloatState {
            options: vec![option.to_owned()],
            ..state(vec![BloatColumn { distinct_values: Some(10.0), ..column() }])
        };
        let shared = fresh(&with("fillfactor=90")).unwrap();
        assert_eq!(fresh(&with("deduplicate_items=true")), Ok(shared));
        assert!(fresh(&with("deduplicate_items=off")).unwrap() > 3 * shared);
    }

    #[test]
    fn a_density_that_random_keys_settle_at_is_no_bloat() {
        let index = IndexBloat {
            oid: 1,
            name: RelationName::qualified("public", "i"),
            table: RelationName::qualified("public", "t"),
            table_oid: 2,
            is_btree: true,
            bytes: 1_300,
            rows: 10.0,
            fresh_bytes: Known::Known(1_000),
        };
        assert_eq!(index.ratio(), Some(1.3));
        assert_eq!(index.natural_bytes(), Some(1_304));
        assert_eq!(index.saved_bytes(), Some(300));
    }
}
