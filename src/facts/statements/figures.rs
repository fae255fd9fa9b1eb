//! The counters of a statement. The extension has renamed and added columns with most of its
//! versions, so each is looked for by name, and what a version does not count is not known.

use crate::pg::name::quote_ident;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Executions.
    Calls,
    /// Rows that were returned or changed.
    Rows,
    /// Execution time, in ms as all times.
    Total,
    Min,
    Max,
    /// How much executions differ.
    Deviation,
    /// How often it was planned; 0 unless planning is tracked.
    Plans,
    PlanTime,
    /// Blocks found in the buffers.
    SharedHit,
    /// Blocks that were not.
    SharedRead,
    /// Blocks made dirty.
    SharedDirtied,
    /// Blocks written out.
    SharedWritten,
    /// Of temporary tables.
    LocalHit,
    LocalRead,
    LocalDirtied,
    LocalWritten,
    /// Of sorts and hashes that do not fit into memory.
    TempRead,
    TempWritten,
    /// Time for reading blocks; 0 unless track_io_timing is on.
    ReadTime,
    /// The same for writing.
    WriteTime,
    /// The same for temporary files.
    TempReadTime,
    /// The same for temporary files.
    TempWriteTime,
    WalRecords,
    /// Whole pages in the WAL.
    WalImages,
    WalBytes,
    /// Functions compiled.
    JitFunctions,
    /// Time for compiling them.
    JitTime,
    /// Parallel workers that were started.
    WorkersLaunched,
}

/// How the figures of two spans of time come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers that add up.
    Count,
    /// Milliseconds that add up.
    Millis,
    /// Milliseconds that do not add up.
    Extreme,
}

struct Column {
    figure: Figure,
    name: &'static str,
    kind: Kind,
    /// The extension's names for it, the newest first; a `+` adds several up.
    sources: &'static [&'static str],
}

const fn count(figure: Figure, name: &'static str, sources: &'static [&'static str]) -> Column {
    Column { figure, name, kind: Kind::Count, sources }
}

const fn millis(figure: Figure, name: &'static str, sources: &'static [&'static str]) -> Column {
    Column { figure, name, kind: Kind::Millis, sources }
}

const fn extreme(figure: Figure, name: &'static str, sources: &'static [&'static str]) -> Column {
    Column { figure, name, kind: Kind::Extreme, sources }
}

const COLUMNS: [Column; Figure::COUNT] = [
    count(Figure::Calls, "calls", &["calls"]),
    count(Figure::Rows, "rows", &["rows"]),
    millis(Figure::Total, "total_ms", &["total_exec_time", "total_time"]),
    extreme(Figure::Min, "min_ms", &["min_exec_time", "min_time"]),
    extreme(Figure::Max, "max_ms", &["max_exec_time", "max_time"]),
    extreme(Figure::Deviation, "stddev_ms", &["stddev_exec_time", "stddev_time"]),
    count(Figure::Plans, "plans", &["plans"]),
    millis(Figure::PlanTime, "plan_ms", &["total_plan_time"]),
    count(Figure::SharedHit, "shared_hit_blocks", &["shared_blks_hit"]),
    count(Figure::SharedRead, "shared_read_blocks", &["shared_blks_read"]),
    count(Figure::SharedDirtied, "shared_dirtied_blocks", &["shared_blks_dirtied"]),
    count(Figure::SharedWritten, "shared_written_blocks", &["shared_blks_written"]),
    count(Figure::LocalHit, "local_hit_blocks", &["local_blks_hit"]),
    count(Figure::LocalRead, "local_read_blocks", &["local_blks_read"]),
    count(Figure::LocalDirtied, "local_dirtied_blocks", &["local_blks_dirtied"]),
    count(Figure::LocalWritten, "local_written_blocks", &["local_blks_written"]),
    count(Figure::TempRead, "temp_read_blocks", &["temp_blks_read"]),
    count(Figure::TempWritten, "temp_written_blocks", &["temp_blks_written"]),
    millis(Figure::ReadTime, "read_ms", &["shared_blk_read_time", "blk_read_time"]),
    millis(Figure::WriteTime, "write_ms", &["shared_blk_write_time", "blk_write_time"]),
    millis(Figure::TempReadTime, "temp_read_ms", &["temp_blk_read_time"]),
    millis(Figure::TempWriteTime, "temp_write_ms", &["temp_blk_write_time"]),
    count(Figure::WalRecords, "wal_records", &["wal_records"]),
    count(Figure::WalImages, "wal_full_page_images", &["wal_fpi"]),
    count(Figure::WalBytes, "wal_bytes", &["wal_bytes"]),
    count(Figure::JitFunctions, "jit_functions", &["jit_functions"]),
    millis(
        Figure::JitTime,
        "jit_ms",
        &["jit_generation_time+jit_inlining_time+jit_optimization_time+jit_emission_time"],
    ),
    count(Figure::WorkersLaunched, "workers_launched", &["parallel_workers_launched"]),
];

impl Figure {
    /// How many there are.
    pub const COUNT: usize = Figure::WorkersLaunched as usize + 1;

    /// All of them, in the order in which they are told.
    pub fn all() -> impl Iterator<Item = Figure> {
        COLUMNS.iter().map(|column| column.figure)
    }

    /// The name in documents and in the snapshots.
    pub fn name(self) -> &'static str {
        COLUMNS[self as usize].name
    }

    /// How it adds up.
    pub fn kind(self) -> Kind {
        COLUMNS[self as usize].kind
    }

    /// The figure of that name.
    pub fn named(name: &str) -> Option<Figure> {
        Figure::all().find(|figure| figure.name() == name)
    }
}

/// What the extension's columns are called in a version of it, as a list to SELECT from `s`.
pub fn selected(columns: &[String]) -> String {
    let selected = Figure::all().map(|figure| {
        format!("{}::pg_catalog.float8 AS {}", expression(figure, columns), figure.name())
    });
    selected.collect::<Vec<_>>().join(",\n    ")
}

/// A figure as an expression over the extension's columns in `s`; NULL where this version has none.
pub fn expression(figure: Figure, columns: &[String]) -> String {
    let has = |name: &str| columns.iter().any(|column| column == name);
    let sources = COLUMNS[figure as usize].sources;
    let found = sources.iter().find(|source| source.split('+').all(has));
    found.map_or("NULL".to_owned(), |source| {
        let parts = source.split('+').map(|name| format!("s.{}", quote_ident(name)));
        format!("({})", parts.collect::<Vec<_>>().join(" + "))
    })
}

/// The figures of one statement; what is not known is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures([Option<f64>; Figure::COUNT]);

impl Figures {
    /// One of them.
    pub fn get(&self, figure: Figure) -> Option<f64> {
        self.0[figure as usize]
    }

    /// One of them, 0 where it is not known.
    pub fn or_zero(&self, figure: Figure) -> f64 {
        self.get(figure).unwrap_or(0.0)
    }

    /// Sets one of them.
    pub fn set(&mut self, figure: Figure, value: Option<f64>) {
        self.0[figure as usize] = value;
    }

    /// Milliseconds of one execution; `None` where there was none.
    pub fn mean(&self) -> Option<f64> {
        let calls = self.get(Figure::Calls).filter(|calls| *calls > 0.0)?;
        Some(self.get(Figure::Total)? / calls)
    }

    /// A figure of one execution.
    pub fn per_call(&self, figure: Figure) -> Option<f64> {
        let calls = self.get(Figure::Calls).filter(|calls| *calls > 0.0)?;
        Some(self.get(figure)? / calls)
    }

    /// The share of blocks that were found in the buffers.
    pub fn cache_hit(&self) -> Option<f64> {
        let (hit, read) = (self.get(Figure::SharedHit)?, self.get(Figure::SharedRead)?);
        (hit + read > 0.0).then(|| hit / (hit + read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_figures() {
        for (at, figure) in Figure::all().enumerate() {
            assert_eq!(figure as usize, at, "{figure:?}");
            assert_eq!(Figure::named(figure.name()), Some(figure));
        }
    }

    #[test]
    fn columns_are_chosen_by_name_and_what_is_not_there_is_not_known() {
        let columns = ["calls", "total_time", "blk_read_time"].map(str::to_owned);
        let old = selected(&columns);
        assert!(old.contains("(s.total_time)::pg_catalog.float8 AS total_ms"), "{old}");
        assert!(old.contains("(s.blk_read_time)::pg_catalog.float8 AS read_ms"), "{old}");
        assert!(old.contains("NULL::pg_catalog.float8 AS jit_ms"), "{old}");
        let columns = ["total_exec_time", "total_time", "shared_blk_read_time"].map(str::to_owned);
        let new = selected(&columns);
        assert!(new.contains("(s.total_exec_time)::pg_catalog.float8 AS total_ms"), "{new}");
        assert!(new.contains("(s.shared_blk_read_time)::pg_catalog.float8 AS read_ms"), "{new}");
    }
}
