//! When a table is due for VACUUM or ANALYZE: autovacuum's own rule, with the table's own settings
//! (PostgreSQL documentation, 24.1.6; `relation_needs_vacanalyze` in autovacuum.c).
//!
//! That autovacuum is switched off for a table changes nothing: pgtend is what looks after it.

use crate::facts::{AutovacuumSettings, Heap, TableState};

/// One of the figures that decide, and where autovacuum would act.
#[derive(Debug, Clone, PartialEq)]
pub struct DueMeasure {
    pub what: What,
    /// How much of it there is.
    pub value: f64,
    /// More than this is due.
    pub threshold: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Transactions since the oldest that the table may still hold.
    FrozenXidAge,
    /// The same in multixact identifiers.
    MinMxidAge,
    DeadRows,
    /// Rows inserted since the last VACUUM.
    InsertedRows,
    /// Rows changed since the last ANALYZE.
    ChangedRows,
    /// As the first four, of the TOAST table.
    ToastFrozenXidAge,
    ToastMinMxidAge,
    ToastDeadRows,
    ToastInsertedRows,
}

impl What {
    /// As people say it.
    pub fn words(self) -> &'static str {
        match self {
            What::FrozenXidAge => "XID age",
            What::MinMxidAge => "multixact age",
            What::DeadRows => "dead rows",
            What::InsertedRows => "inserted rows",
            What::ChangedRows => "changed rows",
            What::ToastFrozenXidAge => "TOAST XID age",
            What::ToastMinMxidAge => "TOAST multixact age",
            What::ToastDeadRows => "dead TOAST rows",
            What::ToastInsertedRows => "inserted TOAST rows",
        }
    }

    /// Whether it is about transaction identifiers that run out.
    pub fn is_wraparound(self) -> bool {
        matches!(
            self,
            What::FrozenXidAge | What::MinMxidAge | What::ToastFrozenXidAge | What::ToastMinMxidAge
        )
    }

    /// Whether it is about the TOAST table.
    pub fn is_toast(self) -> bool {
        self >= What::ToastFrozenXidAge
    }
}

impl DueMeasure {
    /// How near it is to being due; more than 1 is.
    pub fn ratio(&self) -> f64 {
        if self.threshold > 0.0 {
            self.value / self.threshold
        } else if self.value > 0.0 {
            f64::INFINITY
        } else {
            0.0
        }
    }

    /// Whether more than this share of what autovacuum waits for is reached.
    pub fn is_over(&self, share: f64) -> bool {
        self.value > self.threshold * share
    }
}

/// The figures that decide about VACUUM, the nearest to being due first.
pub fn vacuum_measures(table: &TableState, settings: &AutovacuumSettings) -> Vec<DueMeasure> {
    let own = Own { options: &table.heap.options, settings };
    let whats = [What::FrozenXidAge, What::MinMxidAge, What::DeadRows, What::InsertedRows];
    let mut measures = own.measures(&table.heap, whats);
    if let Some((_, toast)) = &table.toast {
        // Without settings of its own a TOAST table has those of its table.
        let options = if toast.options.is_empty() {
            &table.heap.options
        } else {
            &toast.options
        };
        let whats = [
            What::ToastFrozenXidAge,
            What::ToastMinMxidAge,
            What::ToastDeadRows,
            What::ToastInsertedRows,
        ];
        measures.extend(Own { options, settings }.measures(toast, whats));
    }
    measures.sort_by(|a, b| b.ratio().total_cmp(&a.ratio()));
    measures
}

/// The figure that decides about ANALYZE.
pub fn analyze_measure(table: &TableState, settings: &AutovacuumSettings) -> DueMeasure {
    let own = Own { options: &table.heap.options, settings };
    DueMeasure {
        what: What::ChangedRows,
        value: table.changed_since_analyze as f64,
        threshold: own.analyze_threshold(table.heap.rows.max(0.0)),
    }
}

/// A table's own settings, else the server's.
struct Own<'a> {
    options: &'a [String],
    settings: &'a AutovacuumSettings,
}

impl Own<'_> {
    fn get(&self, name: &str) -> Option<f64> {
        let value = self.options.iter().find_map(|option| {
            option.strip_prefix("autovacuum_")?.strip_prefix(name)?.strip_prefix('=')
        });
        value.and_then(|value| value.parse().ok())
    }

    fn measures(&self, heap: &Heap, [xid, mxid, dead, inserted]: [What; 4]) -> Vec<DueMeasure> {
        let rows = heap.rows.max(0.0);
        let aged = |what, age: Option<i32>, limit: f64| {
            age.map(|age| DueMeasure { what, value: f64::from(age), threshold: limit })
        };
        let settings = self.settings;
        // A table can only ask to be frozen sooner than the server does by itself.
        let sooner = |own: Option<f64>, of_server: f64| own.unwrap_or(of_server).min(of_server);
        let xid_limit = sooner(self.get("freeze_max_age"), settings.freeze_max_age);
        let mxid_limit =
            sooner(self.get("multixact_freeze_max_age"), settings.multixact_freeze_max_age);
        let dead_rows = DueMeasure {
            what: dead,
            value: heap.dead_rows as f64,
            threshold: self.vacuum_threshold(rows),
        };
        let inserts = self.insert_threshold(heap, rows).map(|threshold| DueMeasure {
            what: inserted,
            value: heap.inserted_since_vacuum as f64,
            threshold,
        });
        [
            aged(xid, heap.frozen_xid_age, xid_limit),
            aged(mxid, heap.min_mxid_age, mxid_limit),
            Some(dead_rows),
            inserts,
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn vacuum_threshold(&self, rows: f64) -> f64 {
        let base = self.get("vacuum_threshold").unwrap_or(self.settings.vacuum_threshold);
        let scale = self.get("vacuum_scale_factor").unwrap_or(self.settings.vacuum_scale_factor);
        let most = self
            .settings
            .vacuum_max_threshold
            .map(|of_server| self.get("vacuum_max_threshold").unwrap_or(of_server));
        let threshold = base + scale * rows;
        most.filter(|most| *most >= 0.0).map_or(threshold, |most| threshold.min(most))
    }

    /// `None` where inserts alone never make the table due.
    fn insert_threshold(&self, heap: &Heap, rows: f64) -> Option<f64> {
        let settings = self.settings;
        let base = self.get("vacuum_insert_threshold").unwrap_or(settings.insert_threshold);
        let scale = self.get("vacuum_insert_scale_factor").unwrap_or(settings.insert_scale_factor);
        let pages = heap.pages.max(heap.frozen_pages) as f64;
        let unfrozen = if pages > 0.0 {
            1.0 - heap.frozen_pages as f64 / pages
        } else {
            1.0
        };
        (base >= 0.0).then_some(base + scale * rows * unfrozen)
    }

    fn analyze_threshold(&self, rows: f64) -> f64 {
        let settings = self.settings;
        let base = self.get("analyze_threshold").unwrap_or(settings.analyze_threshold);
        let scale = self.get("analyze_scale_factor").unwrap_or(settings.analyze_scale_factor);
        base + scale * rows
    }
}
