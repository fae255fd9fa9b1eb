//! Which statements to show, in which order, and which of them are a finding.

mod condition;
mod ranking;
mod span;

use std::collections::HashMap;

use crate::facts::statements::{Figure, Figures, Filter, StatementKey, expression};
pub use condition::Gate;
pub use ranking::{Details, Ranking, findings};
pub use span::{Change, Counted, Span};

/// Where the server was not built otherwise.
pub const BLOCK_BYTES: i64 = 8192;

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// Execution time of all calls
    #[default]
    Total,
    /// Execution time of one call
    Mean,
    /// The longest execution
    Max,
    /// How often it was executed
    Calls,
    /// Rows that were returned or changed
    Rows,
    /// Blocks that were read and written
    Io,
    /// Blocks of temporary files
    Temp,
    /// Bytes of WAL
    Wal,
    /// Planning time (only where pg_stat_statements.track_planning is on)
    Plan,
    /// How much executions differ
    Stddev,
}

impl Sort {
    /// The figures that are added up.
    fn figures(self) -> &'static [Figure] {
        use Figure::*;
        match self {
            Sort::Total => &[Total],
            Sort::Mean => &[],
            Sort::Max => &[Max],
            Sort::Calls => &[Calls],
            Sort::Rows => &[Rows],
            Sort::Io => {
                &[SharedRead, SharedWritten, LocalRead, LocalWritten, TempRead, TempWritten]
            }
            Sort::Temp => &[TempRead, TempWritten],
            Sort::Wal => &[WalBytes],
            Sort::Plan => &[PlanTime],
            Sort::Stddev => &[Deviation],
        }
    }

    /// As an expression over the extension's columns in `s`.
    pub fn sql(self, columns: &[String]) -> String {
        let of = |figure| expression(figure, columns);
        if self == Sort::Mean {
            return format!("{} / NULLIF({}, 0)", of(Figure::Total), of(Figure::Calls));
        }
        let figures = self.figures().iter().map(|figure| of(*figure));
        figures.collect::<Vec<_>>().join(" + ")
    }

    /// Of one statement; `None` where it is not known.
    pub fn value(self, figures: &Figures) -> Option<f64> {
        if self == Sort::Mean {
            return figures.mean();
        }
        self.figures().iter().map(|figure| figures.get(*figure)).sum()
    }
}

/// The statements that the filter leaves, the first by `sort` before the others.
pub fn ranked(mut counted: Vec<Counted>, sort: Sort, filter: &Filter) -> Vec<Counted> {
    counted.retain(|counted| is_wanted(counted, filter));
    counted.sort_by(|a, b| {
        let value = |counted: &Counted| sort.value(&counted.figures).unwrap_or(f64::MIN);
        value(b).total_cmp(&value(a)).then(a.key.cmp(&b.key))
    });
    counted
}

fn is_wanted(counted: &Counted, filter: &Filter) -> bool {
    let (key, figures) = (&counted.key, &counted.figures);
    filter.database.is_none_or(|database| key.dbid == database)
        && filter.user.is_none_or(|user| key.userid == user)
        && filter.queryids.as_ref().is_none_or(|ids| ids.contains(&key.queryid))
        && figures.or_zero(Figure::Calls) >= filter.min_calls
        && figures.mean().unwrap_or(0.0) >= filter.min_mean_ms
}

/// The statements of now with their figures of the span before; what has lost most time first, then
/// what is new.
pub fn compared(now: Vec<Counted>, before: &[Counted]) -> Vec<Counted> {
    let before = before.iter().map(|counted| (counted.key, counted.figures));
    let before = before.collect::<HashMap<StatementKey, Figures>>();
    let mut compared = now;
    for counted in &mut compared {
        counted.before = before.get(&counted.key).copied();
    }
    compared.sort_by(|a, b| {
        let lost = |counted: &Counted| counted.lost_ms().unwrap_or(f64::MIN);
        let total = |counted: &Counted| counted.figures.or_zero(Figure::Total);
        lost(b).total_cmp(&lost(a)).then(total(b).total_cmp(&total(a)))
    });
    compared
}
