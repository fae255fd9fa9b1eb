//! Which statements to show, in which order, and which of them are a finding.

mod condition;
mod gaps;
mod ranking;

use std::collections::HashMap;

use crate::facts::statements::{
    Counter, Counters, StatementDelta, StatementFilter, StatementKey, expression,
};
pub use condition::CounterCondition;
pub use gaps::gaps;
pub use ranking::{Details, Ranking, findings};

/// Where the server was not built otherwise.
pub const BLOCK_BYTES: i64 = 8192;

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// Total execution time
    #[default]
    Total,
    /// Mean execution time
    Mean,
    /// Longest execution
    Max,
    /// Number of calls
    Calls,
    /// Rows returned or changed
    Rows,
    /// Blocks read and written
    Io,
    /// Blocks of temporary files
    Temp,
    /// Bytes of WAL
    Wal,
    /// Planning time; needs pg_stat_statements.track_planning
    Plan,
    /// Standard deviation of the execution time
    Stddev,
}

impl Sort {
    /// The counters that are added up.
    fn counters(self) -> &'static [Counter] {
        use Counter::*;
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
        let of = |counter| expression(counter, columns);
        if self == Sort::Mean {
            return format!("{} / NULLIF({}, 0)", of(Counter::Total), of(Counter::Calls));
        }
        let counters = self.counters().iter().map(|counter| of(*counter));
        counters.collect::<Vec<_>>().join(" + ")
    }

    /// Of one statement; `None` where it is not known.
    pub fn value(self, counters: &Counters) -> Option<f64> {
        if self == Sort::Mean {
            return counters.mean();
        }
        self.counters().iter().map(|counter| counters.get(*counter)).sum()
    }
}

/// The statements that the filter leaves, the first by `sort` before the others.
pub fn ranked(
    mut counted: Vec<StatementDelta>,
    sort: Sort,
    filter: &StatementFilter,
) -> Vec<StatementDelta> {
    counted.retain(|counted| is_wanted(counted, filter));
    counted.sort_by(|a, b| {
        let value = |counted: &StatementDelta| sort.value(&counted.counters).unwrap_or(f64::MIN);
        value(b).total_cmp(&value(a)).then(a.key.cmp(&b.key))
    });
    counted
}

fn is_wanted(counted: &StatementDelta, filter: &StatementFilter) -> bool {
    let (key, counters) = (&counted.key, &counted.counters);
    filter.database.is_none_or(|database| key.dbid == database)
        && filter.user.is_none_or(|user| key.userid == user)
        && filter.queryids.as_ref().is_none_or(|ids| ids.contains(&key.queryid))
        && counters.or_zero(Counter::Calls) >= filter.min_calls
        && counters.mean().unwrap_or(0.0) >= filter.min_mean_ms
}

/// The statements of now with their counters of the span before; what has lost most time first, then
/// what is new.
pub fn compared(now: Vec<StatementDelta>, before: &[StatementDelta]) -> Vec<StatementDelta> {
    let counters_before = before
        .iter()
        .map(|counted| (counted.key, counted.counters))
        .collect::<HashMap<StatementKey, Counters>>();
    let mut compared = now;
    for counted in &mut compared {
        counted.before = counters_before.get(&counted.key).copied();
    }
    compared.sort_by(|a, b| {
        let lost = |counted: &StatementDelta| counted.lost_ms().unwrap_or(f64::MIN);
        let total = |counted: &StatementDelta| counted.counters.or_zero(Counter::Total);
        lost(b).total_cmp(&lost(a)).then(total(b).total_cmp(&total(a)))
    });
    compared
}

/// A text that begins with lines of comment would show nothing else.
pub fn without_header(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some((_, after)) = rest.strip_prefix("--").and_then(|line| line.split_once('\n')) {
        rest = after.trim_start();
    }
    rest
}
