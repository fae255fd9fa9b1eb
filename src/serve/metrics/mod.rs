//! What Prometheus is told: facts that only pgtend knows, and never more series than a hand can count for
//! each target.

mod figures;
mod history;
mod series;
mod statements;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::facts::{Connection, Facts};
use super::list::Row;
use crate::findings::{CheckVerdict, Severity};
pub use figures::Figures;
pub use series::Format;
use series::{Family, Series, gauge};
pub use statements::{Costly, costliest};

/// So many indexes, the most bloated, have a series of their own.
const MOST_INDEXES: usize = 20;

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

static FAILSAFE: Family = gauge(
    "pgtend_wraparound_seconds_to_failsafe",
    "Until the oldest transaction id of a database is as old as vacuum_failsafe_age, at the rate of the snapshots; +Inf: never.",
);

/// All families of this module, so that each is told of even where it has no series yet.
static FAMILIES: [&Family; 13] = [
    &UP, &AGE, &FINDINGS, &UNKNOWN, &INVALID, &BLOAT, &SESSIONS, &PENDING, &CALLS, &TIME, &XIDS,
    &SEQUENCES, &FAILSAFE,
];

/// The exposition.
pub fn text(targets: &[Arc<Facts>], now: Timestamp, format: Format) -> String {
    let mut series = Series::default();
    for family in FAMILIES.iter().chain(&history::FAMILIES).chain(&statements::FAMILIES) {
        series.family(family);
    }
    for facts in targets {
        of_target(&mut series, facts, now);
    }
    series.text(format)
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
    pending(series, facts, target);
    history::runs(series, facts, target);
    history::refreshes(series, facts, target, now);
    statements::costly_statements(series, facts, target);
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
    if let Some(seconds) = checked.figures.failsafe_seconds {
        series.add(&FAILSAFE, &[target], seconds);
    }
    let review = &checked.judgement.review;
    for check in &review.checks {
        let name = ("check", check.name);
        let is_unknown = check.verdict == CheckVerdict::Unknown;
        if check.verdict == CheckVerdict::Skipped {
            continue;
        }
        series.add(&UNKNOWN, &[target, name], f64::from(u8::from(is_unknown)));
        let own = review
            .findings
            .iter()
            .filter(|it| it.check == Some(check.name))
            .collect::<Vec<_>>();
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
    let is_invalid = |row: &&Row| row.values.get("valid") == Some(&Value::Bool(false));
    series.add(&INVALID, &[target], indexes.iter().filter(is_invalid).count() as f64);
    let bloat = |row: &Row| row.values.get("bloat_bytes").and_then(Value::as_f64);
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

/// What `apply` would do.
fn pending(series: &mut Series, facts: &Facts, target: (&str, &str)) {
    let Some(steps) = facts.plan.known() else {
        return;
    };
    let mut pending = BTreeMap::<&str, f64>::new();
    for row in steps.iter() {
        let text = |key: &str| row.values.get(key).and_then(Value::as_str);
        // What no file declares is nobody's step.
        let Some(action) = text("action") else {
            continue;
        };
        let is_pending = text("verdict") == Some("to_do");
        *pending.entry(action).or_default() += f64::from(u8::from(is_pending));
    }
    for (action, count) in pending {
        series.add(&PENDING, &[target, ("action", action)], count);
    }
}
