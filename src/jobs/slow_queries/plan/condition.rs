//! Conditions that make a statement a finding: `mean > 100ms`.
use crate::facts::statements::{Counter, CounterKind, StatementDelta};

use std::fmt;
use std::str::FromStr;

use super::BLOCK_BYTES;
use crate::duration;

/// A condition on a statement's counters.
#[derive(Debug, Clone, PartialEq)]
pub struct CounterCondition {
    text: String,
    field: ConditionField,
    operator: ConditionOperator,
    /// In ms, bytes, or as a number.
    limit: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum ConditionOperator {
    Over,
    OverOrEqual,
    Under,
    UnderOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum ConditionField {
    Counter(Counter),
    Mean,
    Share,
    Slowdown,
    RowsPerCall,
    CacheHit,
    /// Bytes of temporary files.
    Temp,
}

impl CounterCondition {
    /// Reads `FIELD > VALUE` or `FIELD < VALUE`.
    pub fn parse(text: &str) -> Result<CounterCondition, String> {
        let at = text.find(['>', '<']).ok_or("write it as 'mean > 100ms'")?;
        let field = field(text[..at].trim())?;
        let value = text[at + 1..].trim_start();
        let (value, is_equal) = match value.strip_prefix('=') {
            Some(value) => (value.trim(), true),
            None => (value.trim(), false),
        };
        let operator = match (&text[at..=at], is_equal) {
            (">", false) => ConditionOperator::Over,
            (">", true) => ConditionOperator::OverOrEqual,
            (_, false) => ConditionOperator::Under,
            (_, true) => ConditionOperator::UnderOrEqual,
        };
        let limit = value_of(field, value)
            .ok_or_else(|| format!("{value} is no value for {}", text[..at].trim()))?;
        Ok(CounterCondition { text: text.trim().to_owned(), field, operator, limit })
    }

    /// Whether the statement is a finding. `all_ms` is what its share is of.
    pub fn finds(&self, counted: &StatementDelta, all_ms: f64) -> bool {
        self.value(counted, all_ms).is_some_and(|value| match self.operator {
            ConditionOperator::Over => value > self.limit,
            ConditionOperator::OverOrEqual => value >= self.limit,
            ConditionOperator::Under => value < self.limit,
            ConditionOperator::UnderOrEqual => value <= self.limit,
        })
    }

    /// Whether nobody knows if the statement is a finding.
    pub fn is_unknown(&self, counted: &StatementDelta) -> bool {
        matches!(self.field, ConditionField::Counter(counter) if counted.counters.get(counter).is_none())
    }

    fn value(&self, counted: &StatementDelta, all_ms: f64) -> Option<f64> {
        let counters = &counted.counters;
        match self.field {
            ConditionField::Counter(counter) => counters.get(counter),
            ConditionField::Mean => counters.mean(),
            ConditionField::Share => {
                counters.get(Counter::Total).filter(|_| all_ms > 0.0).map(|ms| ms / all_ms)
            }
            ConditionField::Slowdown => counted.slowdown(),
            ConditionField::RowsPerCall => counters.per_call(Counter::Rows),
            ConditionField::CacheHit => counters.cache_hit(),
            ConditionField::Temp => {
                counters.get(Counter::TempWritten).map(|blocks| blocks * BLOCK_BYTES as f64)
            }
        }
    }

    /// Whether it compares with another span.
    pub fn needs_comparison(&self) -> bool {
        self.field == ConditionField::Slowdown
    }
}

impl fmt::Display for CounterCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn field(name: &str) -> Result<ConditionField, String> {
    let counter = match name {
        "mean" | "mean_ms" => return Ok(ConditionField::Mean),
        "share" => return Ok(ConditionField::Share),
        "slowdown" => return Ok(ConditionField::Slowdown),
        "rows_per_call" => return Ok(ConditionField::RowsPerCall),
        "cache_hit" => return Ok(ConditionField::CacheHit),
        "temp" => return Ok(ConditionField::Temp),
        "wal" => Some(Counter::WalBytes),
        name => Counter::named(name).or_else(|| Counter::named(&format!("{name}_ms"))),
    };
    counter.map(ConditionField::Counter).ok_or_else(|| {
        format!(
            "there is no counter {name}; there are mean, total, max, min, stddev, calls, rows, share, \
             temp, wal, plan, slowdown, rows_per_call, cache_hit, and those of the JSON document"
        )
    })
}

fn value_of(field: ConditionField, text: &str) -> Option<f64> {
    let number = || f64::from_str(text).ok();
    let value = match field {
        ConditionField::Mean => millis(text),
        ConditionField::Counter(counter) if counter.kind() != CounterKind::Count => millis(text),
        ConditionField::Counter(Counter::WalBytes) | ConditionField::Temp => bytes(text),
        ConditionField::Counter(_) | ConditionField::Slowdown | ConditionField::RowsPerCall => {
            number()
        }
        ConditionField::Share | ConditionField::CacheHit => match text.strip_suffix('%') {
            Some(percent) => f64::from_str(percent.trim()).ok().map(|percent| percent / 100.0),
            None => number(),
        },
    };
    value.filter(|value| value.is_finite() && *value >= 0.0)
}

fn millis(text: &str) -> Option<f64> {
    let duration = duration::parse(text).ok().map(|it| it.as_secs_f64() * 1e3);
    duration.or_else(|| f64::from_str(text.strip_suffix("ms").unwrap_or(text).trim()).ok())
}

fn bytes(text: &str) -> Option<f64> {
    let units = [
        ("GiB", 30),
        ("MiB", 20),
        ("KiB", 10),
        ("GB", 30),
        ("MB", 20),
        ("kB", 10),
        ("B", 0),
        ("", 0),
    ];
    let (unit, power) = units.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number = f64::from_str(text.strip_suffix(unit)?.trim()).ok()?;
    Some(number * f64::from(1 << power))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::statements::{Counters, StatementKey};

    fn finds(condition: &str) -> bool {
        let mut counters = Counters::default();
        let values = [
            (Counter::Calls, 10.0),
            (Counter::Total, 1500.0),
            (Counter::WalBytes, 3_000_000.0),
        ];
        values.iter().for_each(|(counter, value)| counters.set(*counter, Some(*value)));
        let mut before = Counters::default();
        before.set(Counter::Calls, Some(1.0));
        before.set(Counter::Total, Some(50.0));
        let key = StatementKey { dbid: 1, userid: 1, queryid: 1, toplevel: true };
        let counted = StatementDelta { key, counters, is_partial: false, before: Some(before) };
        CounterCondition::parse(condition)
            .unwrap_or_else(|why| panic!("{condition}: {why}"))
            .finds(&counted, 3000.0)
    }

    #[test]
    fn a_gate_compares_a_figure_with_a_limit() {
        for condition in [
            "mean > 100ms",
            "mean>149.5",
            "total > 1s",
            "calls < 11",
            "share >= 40%",
            "wal > 2MB",
            "slowdown > 2",
            "total_ms > 1499",
            "calls >= 10",
            "calls <= 10",
            "wal >= 2.5 MiB",
        ] {
            assert!(finds(condition), "{condition}");
        }
        for condition in [
            "mean > 151ms",
            "total > 2s",
            "share > 0.5",
            "wal > 4MB",
            "max > 1ms",
            "calls > 10",
        ] {
            assert!(!finds(condition), "{condition}");
        }
    }

    #[test]
    fn what_is_no_gate_is_refused() {
        for wrong in ["", "mean", "mean > fast", "colour > 3", "mean > -1", "share > x%"] {
            assert!(CounterCondition::parse(wrong).is_err(), "{wrong}");
        }
    }
}
