//! The counters of a statement. The extension has renamed and added columns with most of its
//! versions, so each is looked for by name, and what a version does not count is not known.

use crate::pg::name::quote_ident;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
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

/// How the counters of two spans of time come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterKind {
    /// Whole numbers that add up.
    Count,
    /// Milliseconds that add up.
    Millis,
    /// Milliseconds that do not add up.
    Extreme,
}

struct CounterColumn {
    counter: Counter,
    name: &'static str,
    kind: CounterKind,
    /// The extension's names for it, the newest first; a `+` adds several up.
    sources: &'static [&'static str],
}

const fn count(
    counter: Counter,
    name: &'static str,
    sources: &'static [&'static str],
) -> CounterColumn {
    CounterColumn { counter, name, kind: CounterKind::Count, sources }
}

const fn millis(
    counter: Counter,
    name: &'static str,
    sources: &'static [&'static str],
) -> CounterColumn {
    CounterColumn { counter, name, kind: CounterKind::Millis, sources }
}

const fn extreme(
    counter: Counter,
    name: &'static str,
    sources: &'static [&'static str],
) -> CounterColumn {
    CounterColumn { counter, name, kind: CounterKind::Extreme, sources }
}

const COLUMNS: [CounterColumn; Counter::COUNT] = [
    count(Counter::Calls, "calls", &["calls"]),
    count(Counter::Rows, "rows", &["rows"]),
    millis(Counter::Total, "total_ms", &["total_exec_time", "total_time"]),
    extreme(Counter::Min, "min_ms", &["min_exec_time", "min_time"]),
    extreme(Counter::Max, "max_ms", &["max_exec_time", "max_time"]),
    extreme(Counter::Deviation, "stddev_ms", &["stddev_exec_time", "stddev_time"]),
    count(Counter::Plans, "plans", &["plans"]),
    millis(Counter::PlanTime, "plan_ms", &["total_plan_time"]),
    count(Counter::SharedHit, "shared_hit_blocks", &["shared_blks_hit"]),
    count(Counter::SharedRead, "shared_read_blocks", &["shared_blks_read"]),
    count(Counter::SharedDirtied, "shared_dirtied_blocks", &["shared_blks_dirtied"]),
    count(Counter::SharedWritten, "shared_written_blocks", &["shared_blks_written"]),
    count(Counter::LocalHit, "local_hit_blocks", &["local_blks_hit"]),
    count(Counter::LocalRead, "local_read_blocks", &["local_blks_read"]),
    count(Counter::LocalDirtied, "local_dirtied_blocks", &["local_blks_dirtied"]),
    count(Counter::LocalWritten, "local_written_blocks", &["local_blks_written"]),
    count(Counter::TempRead, "temp_read_blocks", &["temp_blks_read"]),
    count(Counter::TempWritten, "temp_written_blocks", &["temp_blks_written"]),
    millis(Counter::ReadTime, "read_ms", &["shared_blk_read_time", "blk_read_time"]),
    millis(Counter::WriteTime, "write_ms", &["shared_blk_write_time", "blk_write_time"]),
    millis(Counter::TempReadTime, "temp_read_ms", &["temp_blk_read_time"]),
    millis(Counter::TempWriteTime, "temp_write_ms", &["temp_blk_write_time"]),
    count(Counter::WalRecords, "wal_records", &["wal_records"]),
    count(Counter::WalImages, "wal_full_page_images", &["wal_fpi"]),
    count(Counter::WalBytes, "wal_bytes", &["wal_bytes"]),
    count(Counter::JitFunctions, "jit_functions", &["jit_functions"]),
    millis(
        Counter::JitTime,
        "jit_ms",
        &["jit_generation_time+jit_inlining_time+jit_optimization_time+jit_emission_time"],
    ),
    count(Counter::WorkersLaunched, "workers_launched", &["parallel_workers_launched"]),
];

impl Counter {
    /// How many there are.
    pub const COUNT: usize = Counter::WorkersLaunched as usize + 1;

    /// All of them, in the order in which they are told.
    pub fn all() -> impl Iterator<Item = Counter> {
        COLUMNS.iter().map(|column| column.counter)
    }

    /// The name in documents and in the snapshots.
    pub fn name(self) -> &'static str {
        COLUMNS[self as usize].name
    }

    /// How it adds up.
    pub fn kind(self) -> CounterKind {
        COLUMNS[self as usize].kind
    }

    /// The counter of that name.
    pub fn named(name: &str) -> Option<Counter> {
        Counter::all().find(|counter| counter.name() == name)
    }
}

/// What the extension's columns are called in a version of it, as a list to SELECT from `s`.
pub fn selected(columns: &[String]) -> String {
    let selected = Counter::all().map(|counter| {
        format!("{}::pg_catalog.float8 AS {}", expression(counter, columns), counter.name())
    });
    selected.collect::<Vec<_>>().join(",\n    ")
}

/// A counter as an expression over the extension's columns in `s`; NULL where this version has none.
pub fn expression(counter: Counter, columns: &[String]) -> String {
    let has = |name: &str| columns.iter().any(|column| column == name);
    let sources = COLUMNS[counter as usize].sources;
    let found = sources.iter().find(|source| source.split('+').all(has));
    found.map_or("NULL".to_owned(), |source| {
        let parts = source.split('+').map(|name| format!("s.{}", quote_ident(name)));
        format!("({})", parts.collect::<Vec<_>>().join(" + "))
    })
}

/// The counters of one statement; what is not known is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counters([Option<f64>; Counter::COUNT]);

impl Counters {
    /// One of them.
    pub fn get(&self, counter: Counter) -> Option<f64> {
        self.0[counter as usize]
    }

    /// One of them, 0 where it is not known.
    pub fn or_zero(&self, counter: Counter) -> f64 {
        self.get(counter).unwrap_or(0.0)
    }

    /// Sets one of them.
    pub fn set(&mut self, counter: Counter, value: Option<f64>) {
        self.0[counter as usize] = value;
    }

    /// Milliseconds of one execution; `None` where there was none.
    pub fn mean(&self) -> Option<f64> {
        let calls = self.get(Counter::Calls).filter(|calls| *calls > 0.0)?;
        Some(self.get(Counter::Total)? / calls)
    }

    /// A counter of one execution.
    pub fn per_call(&self, counter: Counter) -> Option<f64> {
        let calls = self.get(Counter::Calls).filter(|calls| *calls > 0.0)?;
        Some(self.get(counter)? / calls)
    }

    /// The share of blocks that were found in the buffers.
    pub fn cache_hit(&self) -> Option<f64> {
        let (hit, read) = (self.get(Counter::SharedHit)?, self.get(Counter::SharedRead)?);
        (hit + read > 0.0).then(|| hit / (hit + read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_figures() {
        for (at, counter) in Counter::all().enumerate() {
            assert_eq!(counter as usize, at, "{counter:?}");
            assert_eq!(Counter::named(counter.name()), Some(counter));
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
