//! What Prometheus is told: facts that only pgtend knows, and never more series than a hand can count for
//! each target.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::Value;

use super::facts::{Connection, Facts};
use crate::facts::health::{Health, SequenceColumn};
use crate::findings::{CheckVerdict, Severity};
use crate::output::metrics::escaped;

/// So many indexes, the most bloated, have a series of their own.
const MOST_INDEXES: usize = 20;

/// A family of series: its name, what it tells and of which type it is.
struct Family {
    name: &'static str,
    help: &'static str,
    kind: &'static str,
}

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, help, kind: "gauge" }
}

static UP: Family = gauge("pgtend_up", "1 where the database answers.");
static AGE: Family = gauge("pgtend_facts_age_seconds", "How old the last facts are, by section.");
static FINDINGS: Family = gauge(
    "pgtend_check_findings",
    "Findings of a check, by severity; 0 where it found none.",
);
static UNKNOWN: Family = gauge("pgtend_check_unknown", "1 for a check that could not look.");
static INVALID: Family = gauge("pgtend_index_invalid", "Invalid indexes.");
static BLOAT: Family = gauge(
    "pgtend_index_bloat_bytes",
    "Bytes that a rebuild would free, of the most bloated indexes.",
);
static SESSIONS: Family = gauge(
    "pgtend_sessions",
    "Sessions older than a second, waiting or blocking, by state.",
);
static PENDING: Family =
    gauge("pgtend_plan_pending_steps", "Steps that pgtend apply would do, by action.");
static LAST_SUCCESS: Family = gauge(
    "pgtend_run_last_success_timestamp_seconds",
    "When a command of pgtend last did something, by the history.",
);
static LAST_DURATION: Family =
    gauge("pgtend_run_last_duration_seconds", "How long its last step took.");
static CALLS: Family = gauge("pgtend_statement_calls_rate", "Executions of statements a second.");
static TIME: Family = gauge(
    "pgtend_statement_time_ratio",
    "Seconds of execution a second: how many statements run at once on average.",
);

static XIDS: Family = gauge(
    "pgtend_oldest_xmin_age_xids",
    "Transactions since the oldest that keeps dead rows from being removed, by what holds it.",
);
static SEQUENCES: Family = gauge(
    "pgtend_sequence_used_ratio",
    "How much of a sequence is used up, where that is more than half.",
);

/// All families, so that each is told of even where it has no series yet.
static FAMILIES: [&Family; 14] = [
    &UP,
    &AGE,
    &FINDINGS,
    &UNKNOWN,
    &INVALID,
    &BLOAT,
    &SESSIONS,
    &PENDING,
    &LAST_SUCCESS,
    &LAST_DURATION,
    &CALLS,
    &TIME,
    &XIDS,
    &SEQUENCES,
];

/// What only metrics tell of a check.
#[derive(Debug, Default)]
pub struct Figures {
    /// The oldest of each kind of holder.
    xids: BTreeMap<String, i32>,
    /// The most used first.
    sequences: Vec<(String, f64)>,
}

/// So many sequences have a series of their own.
const MOST_SEQUENCES: usize = 20;

impl Figures {
    pub fn of(health: &Health) -> Self {
        let mut figures = Figures::default();
        for holder in health.horizon.known().into_iter().flatten() {
            let oldest = figures.xids.entry(holder.kind.clone()).or_default();
            *oldest = holder.age.max(*oldest);
        }
        if let Some(sequences) = health.sequences.known() {
            let used = sequences.all.iter().filter_map(|sequence| {
                let value = *sequences.values.get(&sequence.oid)?;
                Some((sequence.object.clone(), used(sequence, value)))
            });
            figures.sequences = used.filter(|(_, used)| *used > 0.5).collect();
            figures.sequences.sort_by(|one, other| other.1.total_cmp(&one.1));
            figures.sequences.truncate(MOST_SEQUENCES);
        }
        figures
    }
}

/// From where it begins to where it ends.
fn used(sequence: &SequenceColumn, value: i64) -> f64 {
    let (least, greatest) = (sequence.least as f64, sequence.greatest as f64);
    let gone = if sequence.step < 0 {
        greatest - value as f64
    } else {
        value as f64 - least
    };
    (gone / (greatest - least).max(1.0)).clamp(0.0, 1.0)
}

/// The series of each family, by name; each series once.
#[derive(Default)]
struct Series(BTreeMap<&'static str, (&'static Family, BTreeMap<String, f64>)>);

impl Series {
    fn add(&mut self, family: &'static Family, labels: &[(&str, &str)], value: f64) {
        let labels = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
        let labels = labels.collect::<Vec<_>>().join(",");
        let (_, series) = self.0.entry(family.name).or_insert((family, BTreeMap::new()));
        series.insert(labels, value);
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (name, (family, series)) in &self.0 {
            // Writing to memory does not fail.
            let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} {}", family.help, family.kind);
            for (labels, value) in series {
                let _ = writeln!(text, "{name}{{{labels}}} {value}");
            }
        }
        text
    }
}

/// The exposition.
pub fn text(targets: &[std::sync::Arc<Facts>], now: Timestamp) -> String {
    let mut series = Series::default();
    for family in FAMILIES {
        series.0.insert(family.name, (family, BTreeMap::new()));
    }
    for facts in targets {
        of_target(&mut series, facts, now);
    }
    series.text()
}

fn of_target(series: &mut Series, facts: &Facts, now: Timestamp) {
    let target = ("target", facts.name.as_str());
    let is_up = matches!(facts.connection, Connection::Up(_));
    series.add(&UP, &[target], f64::from(u8::from(is_up)));
    for (section, age) in facts.ages(now) {
        series.add(&AGE, &[target, ("section", section)], age.as_secs_f64());
    }
    checks(series, facts, target);
    relations(series, facts, target);
    activity(series, facts, target);
    work(series, facts, target);
    if let Some(load) = facts.load.back() {
        series.add(&CALLS, &[target], load.calls_per_second);
        series.add(&TIME, &[target], load.running);
    }
}

fn checks(series: &mut Series, facts: &Facts, target: (&str, &str)) {
    let Some(checked) = facts.check.known() else {
        return;
    };
    for (kind, age) in &checked.figures.xids {
        series.add(&XIDS, &[target, ("source", kind)], f64::from(*age));
    }
    for (sequence, used) in &checked.figures.sequences {
        series.add(&SEQUENCES, &[target, ("sequence", sequence)], *used);
    }
    let review = &checked.judgement.review;
    for check in &review.checks {
        let name = ("check", check.name);
        let is_unknown = check.verdict == CheckVerdict::Unknown;
        if check.verdict == CheckVerdict::Skipped {
            continue;
        }
        series.add(&UNKNOWN, &[target, name], f64::from(u8::from(is_unknown)));
        let own = review.findings.iter().filter(|it| it.check == Some(check.name));
        let own = own.collect::<Vec<_>>();
        for severity in [Severity::Info, Severity::Warning, Severity::Critical] {
            let count = own.iter().filter(|it| it.severity == severity).count();
            series.add(&FINDINGS, &[target, name, ("severity", severity.name())], count as f64);
        }
    }
}

fn relations(series: &mut Series, facts: &Facts, target: (&str, &str)) {
    let Some(Ok(indexes)) = facts.check.known().map(|it| it.indexes.as_ref()) else {
        return;
    };
    let is_invalid = |row: &&super::list::Row| row.values.get("valid") == Some(&Value::Bool(false));
    series.add(&INVALID, &[target], indexes.iter().filter(is_invalid).count() as f64);
    let bloat = |row: &super::list::Row| row.values.get("bloat_bytes").and_then(Value::as_f64);
    let mut bloated = indexes
        .iter()
        .filter_map(|row| Some((bloat(row)?, row.id.as_str())))
        .collect::<Vec<_>>();
    bloated.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    for (bytes, index) in bloated.into_iter().take(MOST_INDEXES).filter(|(bytes, _)| *bytes > 0.0) {
        series.add(&BLOAT, &[target, ("index", index)], bytes);
    }
}

fn activity(series: &mut Series, facts: &Facts, target: (&str, &str)) {
    let Some(active) = facts.activity.known() else {
        return;
    };
    for (state, count) in active.look.counts() {
        series.add(&SESSIONS, &[target, ("state", state)], count as f64);
    }
}

/// So many commands have series of their own; there are not as many.
const MOST_COMMANDS: usize = 20;

/// What pgtend has done and would do.
fn work(series: &mut Series, facts: &Facts, target: (&str, &str)) {
    if let Some(steps) = facts.plan.known() {
        let mut pending = BTreeMap::<&str, f64>::new();
        for row in steps.iter() {
            let text = |key: &str| row.values.get(key).and_then(Value::as_str).unwrap_or_default();
            let is_pending = matches!(text("verdict"), "to_do");
            *pending.entry(text("action")).or_default() += f64::from(u8::from(is_pending));
        }
        for (action, count) in pending {
            series.add(&PENDING, &[target, ("action", action)], count);
        }
    }
    let Some(runs) = facts.runs.known() else {
        return;
    };
    let mut told = Vec::new();
    // The newest come first. Whoever may write to the history may write any command there.
    for row in runs.iter() {
        let text = |key: &str| row.values.get(key).and_then(Value::as_str).unwrap_or_default();
        let is_new = told.len() < MOST_COMMANDS && !told.contains(&text("command"));
        if text("outcome") != "done" || !is_new {
            continue;
        }
        told.push(text("command"));
        let command = ("command", text("command"));
        if let Ok(at) = text("started_at").parse::<Timestamp>() {
            series.add(&LAST_SUCCESS, &[target, command], at.as_second() as f64);
        }
        let took = row.values.get("duration_ms").and_then(Value::as_f64).unwrap_or_default();
        series.add(&LAST_DURATION, &[target, command], took / 1e3);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_break_out_and_families_stand_together() {
        let mut series = Series::default();
        series.add(&UP, &[("target", "a\"} 1\nx")], 1.0);
        series.add(&UP, &[("target", "b")], 0.0);
        let text = series.text();
        let lines = text.lines().collect::<Vec<_>>();
        assert_eq!(lines.len(), 4, "{text}");
        assert_eq!(lines[2], "pgtend_up{target=\"a\\\"} 1\\nx\"} 1");
    }

    #[test]
    fn a_sequence_is_used_up_from_where_it_begins() {
        let up = SequenceColumn {
            least: 1,
            greatest: 101,
            step: 1,
            ..SequenceColumn::default()
        };
        assert_eq!(used(&up, 51), 0.5);
        let down = SequenceColumn { least: -101, greatest: -1, step: -1, ..up };
        assert_eq!(used(&down, -76), 0.75);
    }
}
