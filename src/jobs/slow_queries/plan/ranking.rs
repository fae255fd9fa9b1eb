//! Which statements were chosen, and all that is told of them.

use super::CounterCondition;
use crate::facts::statements::{
    Counter, CounterMoment, Counters, KnownTexts, StatementDelta, StatementNames,
};
use crate::warning::Warning;

/// What was found out.
#[derive(Debug, Clone, Default)]
pub struct Ranking {
    /// The statements to show, in their order.
    pub statements: Vec<StatementDelta>,
    pub texts: KnownTexts,
    /// Their users and databases.
    pub names: StatementNames,
    /// Since when they are counted; `None` where it is not known.
    pub from_epoch: Option<f64>,
    /// Until when, and in which circumstances.
    pub ends: CounterMoment,
    /// Resets of all counters in between.
    pub resets: usize,
    /// Evictions in between; `None` where the server does not tell.
    pub evictions: Option<i64>,
    /// The server was started anew in between.
    pub restarted: bool,
    /// Statements in all, without hidden ones.
    pub all: i64,
    /// How many the filters leave.
    pub matching: i64,
    /// How many are slow.
    pub slow: i64,
    /// From which mean on they are, in ms.
    pub slow_ms: f64,
    /// Execution time of all, in ms.
    pub all_ms: f64,
    /// Executions of all.
    pub all_calls: f64,
    /// Bytes of WAL of all; `None` where this is not counted.
    pub all_wal_bytes: Option<f64>,
    /// It is compared with another span.
    pub is_compared: bool,
    /// Statements that make it a finding: their place among those shown, and the condition.
    pub findings: Vec<(usize, String)>,
    /// How many statements are a finding, shown or not.
    pub failing: usize,
    /// What should be known besides.
    pub warnings: Vec<Warning>,
    /// What was found out about single statements, by their place.
    pub details: Vec<Details>,
}

/// More about one statement.
#[derive(Debug, Clone, Default)]
pub struct Details {
    /// Its generic plan, line by line.
    pub plan: Vec<String>,
    /// What a person sees in it.
    pub remarks: Vec<String>,
    /// Why it could not be explained.
    pub not_explained: Option<String>,
    /// The tables and indexes that the plan uses.
    pub relations: Vec<String>,
    /// What it did between snapshots, the newest first: when, and its counters.
    pub history: Vec<(String, Counters)>,
}

impl Ranking {
    /// Its text, or that it is not known.
    pub fn text(&self, counted: &StatementDelta) -> String {
        let text = self.texts.get(&counted.key);
        text.map_or_else(|| "(its text is not known)".to_owned(), Clone::clone)
    }

    /// Its share of the time of all.
    pub fn share(&self, counted: &StatementDelta) -> Option<f64> {
        let total = counted.counters.get(Counter::Total)?;
        (self.all_ms > 0.0).then_some(total / self.all_ms)
    }

    /// Whether one execution takes as long as is slow.
    pub fn is_slow(&self, counted: &StatementDelta) -> bool {
        counted.counters.mean().is_some_and(|mean| mean >= self.slow_ms)
    }

    /// Whether a statement has any of it.
    pub fn any(&self, counter: Counter) -> bool {
        self.statements.iter().any(|counted| counted.counters.or_zero(counter) > 0.0)
    }
}

/// The conditions in words, for a finding.
pub fn findings<'g>(
    statements: &'g [StatementDelta],
    conditions: &'g [CounterCondition],
    all_ms: f64,
) -> impl Iterator<Item = (usize, String)> + 'g {
    statements.iter().enumerate().flat_map(move |(at, counted)| {
        let found = conditions.iter().filter(move |condition| condition.finds(counted, all_ms));
        found.map(move |condition| (at, condition.to_string()))
    })
}
