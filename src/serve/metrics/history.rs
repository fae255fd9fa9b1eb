//! What pgtend did, for Prometheus.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::figures::SizedView;
use super::series::{Family, Series, counter, gauge};
use crate::facts::history::ViewRefresh;
use crate::serve::facts::Facts;
use crate::work::event::Status;

static STEPS: Family = counter(
    "pgtend_run_steps_total",
    "Steps of a command that ended so, by the history, since pgtend serve first looked.",
);
static LAST_SUCCESS: Family = gauge(
    "pgtend_run_last_success_timestamp_seconds",
    "When a command of pgtend last did something, by the history.",
);
static LAST_DURATION: Family =
    gauge("pgtend_run_last_duration_seconds", "How long its last step took.");

static REFRESHED: Family = gauge(
    "pgtend_refresh_last_success_timestamp_seconds",
    "When a materialized view was last refreshed, by the history.",
);
static REFRESH_AGE: Family = gauge("pgtend_refresh_age_seconds", "How long ago that was.");
static REFRESH_RUN: Family = gauge(
    "pgtend_refresh_last_run_timestamp_seconds",
    "When its last refresh began, whatever came of it.",
);
static REFRESH_DURATION: Family = gauge(
    "pgtend_refresh_last_duration_seconds",
    "How long it took when it was last done.",
);
static REFRESH_ROWS: Family = gauge(
    "pgtend_refresh_last_rows_changed",
    "Rows that were changed when it was last done.",
);
static REFRESH_SIZE: Family = gauge("pgtend_refresh_size_bytes", "Bytes on disk.");
static REFRESH_OUTCOME: Family = gauge(
    "pgtend_refresh_last_outcome",
    "1 for the outcome of the last refresh: done, skipped, failed or cancelled.",
);

pub static FAMILIES: [&Family; 10] = [
    &STEPS,
    &LAST_SUCCESS,
    &LAST_DURATION,
    &REFRESHED,
    &REFRESH_AGE,
    &REFRESH_RUN,
    &REFRESH_DURATION,
    &REFRESH_ROWS,
    &REFRESH_SIZE,
    &REFRESH_OUTCOME,
];

/// Whoever may write to the history may write any command there.
const MOST_COMMANDS: usize = 20;

/// The commands that the history knows.
pub fn runs(series: &mut Series, facts: &Facts, target: (&str, &str)) {
    let Some(runs) = facts.runs.known() else {
        return;
    };
    let steps = &runs.tally.steps;
    let commands = steps.keys().map(|(command, _)| command.as_str()).collect::<BTreeSet<_>>();
    let told = commands.into_iter().take(MOST_COMMANDS).collect::<BTreeSet<_>>();
    for ((command, outcome), known) in steps {
        if !told.contains(command.as_str()) {
            continue;
        }
        let labels = [target, ("command", command)];
        series.add(&STEPS, &[labels[0], labels[1], ("outcome", outcome)], known.counted as f64);
        if let Some(last) = known.last.filter(|_| outcome == Status::Done.name()) {
            series.add(&LAST_SUCCESS, &labels, last.started_epoch);
            series.add(&LAST_DURATION, &labels, last.duration_ms / 1e3);
        }
    }
}

/// The materialized views, and what became of their refreshes.
pub fn refreshes(series: &mut Series, facts: &Facts, target: (&str, &str), now: Timestamp) {
    let views = facts.check.known().map(|checked| checked.figures.views.as_slice());
    let refreshes = facts.runs.known().map(|runs| &runs.tally.refreshes);
    for view in views.unwrap_or_default() {
        let labels = [target, ("view", view.name.as_str())];
        let known = refreshes.and_then(|all| all.get(&view.oid));
        size(series, &labels, view, known);
        if let Some(known) = known {
            refreshed(series, &labels, known, now);
        }
    }
}

type Refreshes = BTreeMap<String, ViewRefresh>;

/// That of the last refresh, which has looked, else that of the last VACUUM or ANALYZE.
fn size(series: &mut Series, labels: &[(&str, &str)], view: &SizedView, known: Option<&Refreshes>) {
    let seen = known.and_then(|known| known.get(Status::Done.name())?.size_bytes);
    series.add(&REFRESH_SIZE, labels, seen.unwrap_or(view.bytes) as f64);
}

fn refreshed(series: &mut Series, labels: &[(&str, &str)], known: &Refreshes, now: Timestamp) {
    if let Some(done) = known.get(Status::Done.name()) {
        let ended = done.started_epoch + done.duration_ms / 1e3;
        series.add(&REFRESHED, labels, ended);
        series.add(&REFRESH_AGE, labels, (now.as_second() as f64 - ended).max(0.0));
        series.add(&REFRESH_DURATION, labels, done.duration_ms / 1e3);
        if let Some(rows) = done.rows_changed {
            series.add(&REFRESH_ROWS, labels, rows as f64);
        }
    }
    let last = known
        .values()
        .max_by(|one, other| one.started_epoch.total_cmp(&other.started_epoch));
    let Some(last) = last else {
        return;
    };
    series.add(&REFRESH_RUN, labels, last.started_epoch);
    for outcome in Status::ALL.map(Status::name) {
        let is_it = f64::from(u8::from(outcome == last.outcome));
        let labels = [labels, &[("outcome", outcome)]].concat();
        series.add(&REFRESH_OUTCOME, &labels, is_it);
    }
}
