//! Tables, indexes and materialized views.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;

use super::schema_of;
use crate::facts::Known;
use crate::facts::health::{Health, Index, RefreshInterval, Table, View};
use crate::facts::{IndexBloat, RelationKind, Unavailable};
use crate::serve::list::{Members, Row, Rows, Shape, Show, field};
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
    let own = tables
        .iter()
        .filter(|it| !it.is_catalog && !it.is_toast() && it.kind != RelationKind::MaterializedView);
    Ok(Arc::new(own.map(table).collect()))
}

fn table(table: &Table) -> Row {
    let count = (table.rows >= 0.0).then_some(table.rows as i64);
    let hot = (table.updated > 0).then(|| table.hot_updated as f64 / table.updated as f64);
    let values = Members::of([
        ("object", json!(table.object)),
        ("schema", json!(schema_of(&table.object))),
        ("kind", json!(kind(table.kind))),
        ("size_bytes", json!(table.size_bytes())),
        ("index_bytes", json!(table.index_bytes())),
        ("rows", json!(count)),
        ("live_rows", json!(table.live_rows)),
        ("dead_rows", json!(table.dead_rows)),
        ("inserted", json!(table.inserted)),
        ("updated", json!(table.updated)),
        ("deleted", json!(table.deleted)),
        ("hot_share", json!(hot)),
        ("sequential_scans", json!(table.sequential_scans)),
        ("vacuumed_seconds", json!(table.vacuumed_seconds)),
        ("analyzed_seconds", json!(table.analyzed_seconds)),
        ("xid_age", json!(table.xid_age)),
    ]);
    Row { id: table.object.clone(), values }
}

fn kind(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::PartitionedTable => "partitioned table",
        RelationKind::ForeignTable => "foreign table",
        _ => "table",
    }
}

/// The indexes of the user's tables.
pub fn indexes(health: &Health) -> Listed {
    let indexes = seen(&health.indexes)?;
    let bloat = health
        .index_bloat
        .known()
        .into_iter()
        .flatten()
        .map(|it| (it.oid, it))
        .collect::<HashMap<_, _>>();
    let own = indexes.iter().filter(|it| !it.is_toast);
    Ok(Arc::new(own.map(|it| index(it, bloat.get(&it.oid).copied())).collect()))
}

fn index(index: &Index, bloat: Option<&IndexBloat>) -> Row {
    let saved = bloat.and_then(IndexBloat::saved_bytes);
    let values = Members::of([
        ("object", json!(index.object)),
        ("schema", json!(schema_of(&index.object))),
        ("table", json!(index.table_object)),
        ("method", json!(index.method)),
        ("size_bytes", json!(index.size_bytes())),
        ("rows", json!((index.rows >= 0.0).then_some(index.rows as i64))),
        ("scans", json!(index.scans)),
        ("unique", json!(index.is_unique)),
        ("primary", json!(index.is_primary)),
        ("valid", json!(index.is_valid && index.is_ready)),
        ("partial", json!(index.is_partial)),
        ("bloat_ratio", json!(bloat.and_then(IndexBloat::ratio))),
        ("bloat_bytes", json!(saved)),
    ]);
    Row { id: index.object.clone(), values }
}

/// The materialized views.
pub fn views(health: &Health) -> Listed {
    let views = seen(&health.views)?;
    let refreshes = health
        .trends
        .known()
        .map(|trends| trends.refreshes.as_slice())
        .unwrap_or_default()
        .iter()
        .map(|it| (it.object_oid, it))
        .collect::<HashMap<_, _>>();
    Ok(Arc::new(
        views.iter().map(|it| view(it, refreshes.get(&it.oid).copied())).collect(),
    ))
}

fn view(view: &View, refreshed: Option<&RefreshInterval>) -> Row {
    let values = Members::of([
        ("object", json!(view.object)),
        ("schema", json!(schema_of(&view.object))),
        ("size_bytes", json!(view.size_bytes())),
        ("populated", json!(view.is_populated)),
        ("concurrent", json!(view.has_key)),
        ("refreshed_seconds", json!(refreshed.map(|it| it.ago_seconds))),
        ("interval_seconds", json!(refreshed.and_then(|it| it.interval_seconds))),
        ("refreshes", json!(refreshed.map(|it| it.refreshes))),
    ]);
    Row { id: view.object.clone(), values }
}

fn seen<T>(facts: &Known<T>) -> Result<&T, String> {
    facts.seen().map_err(Unavailable::to_string)
}
