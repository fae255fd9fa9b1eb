//! What VACUUM and ANALYZE have to know of tables: their size, their age, and what was written to
//! them since they were last vacuumed and analyzed.

use std::collections::HashMap;
use std::time::Duration;

use crate::format;
use crate::pg::row::Row;
use tokio_postgres::types::{ToSql, Type};

use super::history::PastMaintenance;
use super::known::{Known, Unavailable};
use super::load::{ask, first, named};
use super::{Oid, RelationKind};
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::name::{RelationName, quote_ident};
use crate::pg::session::Session;

/// All that is known of the tables of a database.
#[derive(Debug, Clone, Default)]
pub struct TableMaintenance {
    /// Tables, materialized views, partitioned and foreign tables.
    pub tables: Vec<TableState>,
    /// What holds for tables without settings of their own.
    pub settings: AutovacuumSettings,
    /// So many more are not due, and were not kept.
    pub not_due: usize,
    /// What the history tells, by the tables' names as it has them; empty without one.
    pub past: HashMap<String, PastMaintenance>,
}

#[derive(Debug, Clone)]
pub struct TableState {
    pub oid: Oid,
    pub name: RelationName,
    pub kind: RelationKind,
    /// Of this or another session, and gone with it.
    pub is_temporary: bool,
    /// The system's own.
    pub is_catalog: bool,
    /// Whether the search path finds it.
    pub is_visible: bool,
    pub owner: String,
    /// Whether the role may VACUUM and ANALYZE it.
    pub may_maintain: bool,
    /// The topmost partitioned table that it is part of.
    pub parent: Option<Oid>,
    /// Whether others inherit from it or are its partitions.
    pub has_children: bool,
    /// What is stored in it.
    pub heap: Heap,
    /// Its TOAST table, where large values are stored.
    pub toast: Option<(Oid, Heap)>,
    /// Rows changed since the last ANALYZE.
    pub changed_since_analyze: i64,
    /// Live rows by the statistics.
    pub live_rows: i64,
    /// Since the last VACUUM; `None`: not known.
    pub vacuumed_ago: Option<Duration>,
    /// Since the last ANALYZE; `None`: not known.
    pub analyzed_ago: Option<Duration>,
    /// Extended statistics without data.
    pub missing_statistics: Vec<String>,
}

impl TableState {
    /// A table of that heap, with which nothing is to be done.
    #[cfg(test)]
    pub fn of_heap(name: &str, heap: Heap) -> Self {
        TableState {
            oid: 1,
            name: RelationName::qualified("public", name),
            kind: RelationKind::Table,
            is_temporary: false,
            is_catalog: false,
            is_visible: true,
            owner: "nova".to_owned(),
            may_maintain: true,
            parent: None,
            has_children: false,
            heap,
            toast: None,
            changed_since_analyze: 0,
            live_rows: 0,
            vacuumed_ago: None,
            analyzed_ago: Some(Duration::ZERO),
            missing_statistics: Vec::new(),
        }
    }

    /// Pages with those of its TOAST table, as of the last VACUUM or ANALYZE.
    pub fn pages(&self) -> i64 {
        self.heap.pages + self.toast.as_ref().map_or(0, |(_, toast)| toast.pages)
    }
}

/// The storage of a table or TOAST table.
#[derive(Debug, Clone, Default)]
pub struct Heap {
    /// Pages as of the last VACUUM or ANALYZE.
    pub pages: i64,
    /// Thereof with frozen rows only; 0 before 18.
    pub frozen_pages: i64,
    /// Rows as of then; negative where neither was ever done.
    pub rows: f64,
    /// Transactions since the oldest that it may still hold; `None` where it holds none.
    pub frozen_xid_age: Option<i32>,
    /// The same in multixact identifiers.
    pub min_mxid_age: Option<i32>,
    /// Storage parameters, `name=value`.
    pub options: Vec<String>,
    /// Dead rows by the statistics.
    pub dead_rows: i64,
    /// Rows inserted since the last VACUUM.
    pub inserted_since_vacuum: i64,
}

/// When autovacuum vacuums or analyzes a table (PostgreSQL documentation, 24.1.6).
#[derive(Debug, Clone, Default)]
pub struct AutovacuumSettings {
    /// `autovacuum_vacuum_threshold`.
    pub vacuum_threshold: f64,
    /// `autovacuum_vacuum_scale_factor`.
    pub vacuum_scale_factor: f64,
    /// `autovacuum_vacuum_max_threshold`, from 18 on.
    pub vacuum_max_threshold: Option<f64>,
    /// `autovacuum_vacuum_insert_threshold`.
    pub insert_threshold: f64,
    /// `autovacuum_vacuum_insert_scale_factor`.
    pub insert_scale_factor: f64,
    /// `autovacuum_analyze_threshold`.
    pub analyze_threshold: f64,
    /// `autovacuum_analyze_scale_factor`.
    pub analyze_scale_factor: f64,
    /// `autovacuum_freeze_max_age`.
    pub freeze_max_age: f64,
    /// `autovacuum_multixact_freeze_max_age`.
    pub multixact_freeze_max_age: f64,
    /// Bytes of a page.
    pub block_size_bytes: i64,
    /// Standbys that are attached, as far as the role may know.
    pub standbys: i64,
}

/// Somebody who keeps dead rows from being removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HorizonHolder {
    /// What it is: a session, a prepared transaction, a replication slot, a standby.
    pub kind: String,
    /// Its pid or name.
    pub name: String,
    /// More about it.
    pub who: Option<String>,
    /// Transactions since the oldest that it may look back to.
    pub age: i32,
}

/// All tables as far as they are kept, by the settings that hold for them, and what the history tells
/// of them.
pub async fn load_table_maintenance(
    session: &Session,
    server: &Server,
    past: Vec<PastMaintenance>,
    mut keeps: impl FnMut(&AutovacuumSettings, &TableState) -> bool,
) -> Result<TableMaintenance> {
    let sql = include_str!("../../sql/catalog/autovacuum_settings.sql");
    let settings = read_settings(first(&ask(session, sql, &[]).await?)?);
    let tables = load_tables(session, server, &[], |table| keeps(&settings, table)).await?;
    Ok(TableMaintenance {
        tables,
        settings,
        past: past.into_iter().map(|table| (table.object.clone(), table)).collect(),
        ..TableMaintenance::default()
    })
}

/// The tables that are wanted, or all where none is named, as far as they are kept: of very many only few
/// need be in memory.
pub async fn load_tables(
    session: &Session,
    server: &Server,
    wanted: &[Oid],
    mut keeps: impl FnMut(&TableState) -> bool,
) -> Result<Vec<TableState>> {
    let mut frozen = HashMap::<Oid, i64>::new();
    if server.version.counts_frozen_pages() {
        let sql = include_str!("../../sql/catalog/frozen_pages_18.sql");
        let rows = ask(session, sql, &[]).await?;
        frozen.extend(
            rows.iter()
                .map(|row| (row.get::<_, Oid>("oid"), row.get::<_, i64>("frozen_pages"))),
        );
    }
    let mut tables = Vec::new();
    let sql = include_str!("../../sql/catalog/table_maintenance.sql");
    let searched = server.search_path.searched();
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&wanted, Type::OID_ARRAY), (&searched, Type::TEXT_ARRAY)];
    let read = session.each(sql, &params, |row| {
        let table = read_table(row, &frozen);
        if keeps(&table) {
            tables.push(table);
        }
    });
    read.await
        .map_err(|error| error.into_failure().context("reading the catalog failed"))?;
    Ok(tables)
}

/// Who keeps dead rows from being removed, the oldest first. Nobody being seen means something only to a
/// role that may see all.
pub async fn load_horizon(session: &Session, server: &Server) -> Known<Vec<HorizonHolder>> {
    let sql = include_str!("../../sql/catalog/horizon.sql");
    let rows = match ask(session, sql, &[]).await {
        Ok(rows) => rows,
        Err(failure) => return Unavailable::from(failure).into(),
    };
    if rows.is_empty() && !server.sees_all_statistics {
        let role = quote_ident(&server.role);
        return Unavailable::because(format!("{role} may not see other roles' transactions"))
            .help(format!("GRANT pg_read_all_stats TO {role}"))
            .into();
    }
    let holders = rows.iter().map(|row| HorizonHolder {
        kind: row.get("kind"),
        name: row.get("name"),
        who: row.get("who"),
        age: row.get("age"),
    });
    Known::Known(holders.collect())
}

fn read_settings(row: &Row) -> AutovacuumSettings {
    AutovacuumSettings {
        vacuum_threshold: row.get("vacuum_threshold"),
        vacuum_scale_factor: row.get("vacuum_scale_factor"),
        vacuum_max_threshold: row.get("vacuum_max_threshold"),
        insert_threshold: row.get("insert_threshold"),
        insert_scale_factor: row.get("insert_scale_factor"),
        analyze_threshold: row.get("analyze_threshold"),
        analyze_scale_factor: row.get("analyze_scale_factor"),
        freeze_max_age: row.get("freeze_max_age"),
        multixact_freeze_max_age: row.get("multixact_freeze_max_age"),
        block_size_bytes: row.get("block_size_bytes"),
        standbys: row.get("standbys"),
    }
}

fn read_table(row: &Row, frozen: &HashMap<Oid, i64>) -> TableState {
    let oid = row.get("oid");
    let ago = |column: &str| {
        let seconds: Option<f64> = row.get(column);
        seconds.and_then(format::seconds)
    };
    TableState {
        oid,
        name: named(row, "schema", "name"),
        kind: row.get("kind"),
        is_temporary: row.get("is_temporary"),
        is_catalog: row.get("is_catalog"),
        is_visible: row.get("is_visible"),
        owner: row.get("owner"),
        may_maintain: row.get("may_maintain"),
        parent: row.get("parent_oid"),
        has_children: row.get("has_children"),
        heap: Heap {
            // A partitioned table has none, which is written as -1.
            pages: row.get::<_, i64>("pages").max(0),
            frozen_pages: frozen.get(&oid).copied().unwrap_or(0),
            rows: row.get("rows"),
            frozen_xid_age: row.get("frozen_xid_age"),
            min_mxid_age: row.get("min_mxid_age"),
            options: row.get::<_, Option<_>>("options").unwrap_or_default(),
            dead_rows: row.get("dead_rows"),
            inserted_since_vacuum: row.get("inserted_since_vacuum"),
        },
        toast: row
            .get::<_, Option<Oid>>("toast_oid")
            .map(|oid| (oid, read_toast(row, oid, frozen))),
        changed_since_analyze: row.get("changed_since_analyze"),
        live_rows: row.get("live_rows"),
        vacuumed_ago: ago("vacuumed_ago_seconds"),
        analyzed_ago: ago("analyzed_ago_seconds"),
        missing_statistics: row.get("missing_statistics"),
    }
}

fn read_toast(row: &Row, oid: Oid, frozen: &HashMap<Oid, i64>) -> Heap {
    Heap {
        pages: row.get("toast_pages"),
        frozen_pages: frozen.get(&oid).copied().unwrap_or(0),
        rows: row.get("toast_rows"),
        frozen_xid_age: row.get("toast_frozen_xid_age"),
        min_mxid_age: row.get("toast_min_mxid_age"),
        options: row.get::<_, Option<_>>("toast_options").unwrap_or_default(),
        dead_rows: row.get("toast_dead_rows"),
        inserted_since_vacuum: row.get("toast_inserted_since_vacuum"),
    }
}
