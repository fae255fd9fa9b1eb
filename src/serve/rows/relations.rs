//! Tables, indexes and materialized views.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;

use super::{members, schema_of};
use crate::facts::Known;
use crate::facts::health::{Health, Index, RefreshInterval, Table, View};
use crate::facts::{IndexBloat, Unavailable};
use crate::serve::list::{Row, Rows, Shape, Show, field};
use crate::serve::query::Order;

/// Rows, or why there are none.
pub type Listed = Result<Rows, String>;

pub static TABLES: Shape = Shape {
    name: "tables",
    title: "Tables",
    fields: &[
        field("object", "table", Show::Text),
        field("schema", "", Show::Text),
        field("size_bytes", "size", Show::Bytes),
        field("index_bytes", "indexes", Show::Bytes),
        field("rows", "rows", Show::Whole),
        field("dead_rows", "dead rows", Show::Whole),
        field("vacuumed_seconds", "vacuumed ago", Show::Seconds),
        field("analyzed_seconds", "analyzed ago", Show::Seconds),
        field("hot_share", "HOT", Show::Share),
        field("sequential_scans", "sequential scans", Show::Whole),
        field("xid_age", "xid age", Show::Whole),
        field("live_rows", "", Show::Whole),
        field("inserted", "", Show::Whole),
        field("updated", "", Show::Whole),
        field("deleted", "", Show::Whole),
    ],
    sort_by: "size_bytes",
    order: Order::Falling,
};

pub static INDEXES: Shape = Shape {
    name: "indexes",
    title: "Indexes",
    fields: &[
        field("object", "index", Show::Text),
        field("schema", "", Show::Text),
        field("table", "table", Show::Text),
        field("method", "method", Show::Text),
        field("size_bytes", "size", Show::Bytes),
        field("scans", "scans", Show::Whole),
        field("bloat_ratio", "times a fresh one", Show::Number),
        field("bloat_bytes", "a rebuild frees", Show::Bytes),
        field("unique", "unique", Show::YesNo),
        field("valid", "valid", Show::YesNo),
        field("rows", "", Show::Whole),
    ],
    sort_by: "size_bytes",
    order: Order::Falling,
};

pub static VIEWS: Shape = Shape {
    name: "views",
    title: "Materialized views",
    fields: &[
        field("object", "view", Show::Text),
        field("schema", "", Show::Text),
        field("size_bytes", "size", Show::Bytes),
        field("populated", "populated", Show::YesNo),
        field("concurrent", "refreshed without blocking readers", Show::YesNo),
        field("refreshed_seconds", "refreshed ago", Show::Seconds),
        field("interval_seconds", "usually every", Show::Seconds),
        field("refreshes", "refreshes in 35 days", Show::Whole),
    ],
    sort_by: "object",
    order: Order::Rising,
};

/// The user's tables.
pub fn tables(health: &Health) -> Listed {
    let tables = seen(&health.tables)?;
    let own = tables.iter().filter(|it| !it.is_catalog && !it.is_toast() && it.kind != "m");
    Ok(Arc::new(own.map(table).collect()))
}

fn table(table: &Table) -> Row {
    let count = (table.rows >= 0.0).then_some(table.rows as i64);
    let hot = (table.updated > 0).then(|| table.hot_updated as f64 / table.updated as f64);
    let values = json!({
        "object": table.object,
        "schema": schema_of(&table.object),
        "kind": kind(&table.kind),
        "size_bytes": table.size_bytes(),
        "index_bytes": table.index_bytes(),
        "rows": count,
        "live_rows": table.live_rows,
        "dead_rows": table.dead_rows,
        "inserted": table.inserted,
        "updated": table.updated,
        "deleted": table.deleted,
        "hot_share": hot,
        "sequential_scans": table.sequential_scans,
        "vacuumed_seconds": table.vacuumed_seconds,
        "analyzed_seconds": table.analyzed_seconds,
        "xid_age": table.xid_age,
    });
    Row { id: table.object.clone(), values: members(values) }
}

fn kind(kind: &str) -> &'static str {
    match kind {
        "p" => "partitioned table",
        "f" => "foreign table",
        _ => "table",
    }
}

/// The indexes of the user's tables.
pub fn indexes(health: &Health) -> Listed {
    let indexes = seen(&health.indexes)?;
    let bloat = health.index_bloat.known().into_iter().flatten();
    let bloat = bloat.map(|it| (it.oid, it)).collect::<HashMap<_, _>>();
    let own = indexes.iter().filter(|it| !it.is_toast);
    Ok(Arc::new(own.map(|it| index(it, bloat.get(&it.oid).copied())).collect()))
}

fn index(index: &Index, bloat: Option<&IndexBloat>) -> Row {
    let saved = bloat.and_then(IndexBloat::saved_bytes);
    let values = json!({
        "object": index.object,
        "schema": schema_of(&index.object),
        "table": index.table_object,
        "method": index.method,
        "size_bytes": index.size_bytes(),
        "rows": (index.rows >= 0.0).then_some(index.rows as i64),
        "scans": index.scans,
        "unique": index.is_unique,
        "primary": index.is_primary,
        "valid": index.is_valid && index.is_ready,
        "partial": index.is_partial,
        "bloat_ratio": bloat.and_then(IndexBloat::ratio),
        "bloat_bytes": saved,
    });
    Row { id: index.object.clone(), values: members(values) }
}

/// The materialized views.
pub fn views(health: &Health) -> Listed {
    let views = seen(&health.views)?;
    let refreshes = health.trends.known().map(|trends| trends.refreshes.as_slice());
    let refreshes = refreshes.unwrap_or_default().iter();
    let refreshes = refreshes.map(|it| (it.object_oid, it)).collect::<HashMap<_, _>>();
    Ok(Arc::new(
        views.iter().map(|it| view(it, refreshes.get(&it.oid).copied())).collect(),
    ))
}

fn view(view: &View, refreshed: Option<&RefreshInterval>) -> Row {
    let values = json!({
        "object": view.object,
        "schema": schema_of(&view.object),
        "size_bytes": view.size_bytes(),
        "populated": view.is_populated,
        "concurrent": view.has_key,
        "refreshed_seconds": refreshed.map(|it| it.ago_seconds),
        "interval_seconds": refreshed.and_then(|it| it.interval_seconds),
        "refreshes": refreshed.map(|it| it.refreshes),
    });
    Row { id: view.object.clone(), values: members(values) }
}

fn seen<T>(facts: &Known<T>) -> Result<&T, String> {
    facts.seen().map_err(Unavailable::to_string)
}
