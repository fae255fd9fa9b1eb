//! What `history` shows.

use std::time::Duration;

use serde::Serialize;

use crate::facts::history::{PastRun, Run};
use crate::format;
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::output::{Head, Outcome, Report, Style, Text};
use crate::work::plan::Action;

/// The runs that were asked for.
#[derive(Debug)]
pub struct HistoryReport {
    /// The newest first.
    pub runs: Vec<PastRun>,
    /// How many were removed before; `None` where that was not asked for.
    pub pruned: Option<i64>,
    /// A line each run, and so many of them; `None`: a line each object.
    pub groups: Option<usize>,
}

impl Report for HistoryReport {
    fn outcome(&self) -> Outcome {
        Outcome::Done
    }

    fn json(&self, head: Head) -> String {
        let runs = self.runs.iter().map(RunDocument::new).collect();
        head.document(self.outcome(), HistoryDocument { runs, pruned: self.pruned }, &[])
    }

    fn text(&self, style: &Style) -> Text {
        let mut text = Text::default();
        if let Some(pruned) = self.pruned {
            let runs = format::count(usize::try_from(pruned).unwrap_or_default(), "run", "runs");
            text.narrate(format!("Removed {runs} from the history."));
        }
        match self.runs.as_slice() {
            [] => text.narrate("The history has no matching run."),
            steps => text.product(match self.groups {
                Some(most) => runs_table(&runs(steps), most, style.width),
                None => steps_table(steps, style.width),
            }),
        }
        text
    }
}

fn steps_table(runs: &[PastRun], width: Option<u16>) -> String {
    let header = [
        "when", "command", "action", "object", "outcome", "time", "rows", "size", "reason",
    ];
    let mut table = table(&header);
    for PastRun { shown_at, run, .. } in runs {
        let took = Duration::try_from_secs_f64(run.duration_ms / 1e3).unwrap_or_default();
        table.add_row(vec![
            cell(shown_at),
            cell(&run.command),
            cell(action(&run.action)),
            cell(&run.object),
            cell(&run.outcome),
            right(format::duration(took)),
            right(rows(run)),
            right(run.size_bytes.map_or("-".to_owned(), format::bytes)),
            cell(&run.reason),
        ]);
    }
    let narrow = Narrow {
        wraps: "reason",
        drops: &["size", "rows", "command", "time"],
        alike: &["reason", "rows"],
    };
    fitted(&table, narrow, width)
}

/// A step of a run, with the keys of the document.
pub fn document(past: &PastRun) -> serde_json::Value {
    serde_json::to_value(RunDocument::new(past)).unwrap_or_default()
}

/// The steps of one run of a command, the newest first.
pub type Steps<'s> = Vec<&'s PastRun>;

/// Steps that may belong to one run are no further apart, in seconds: a step waits for others, and
/// that is part of it.
const BETWEEN_STEPS: f64 = 5.0;

/// Puts steps together, which come the newest first: the same command goes on where one begins
/// when, or soon after, another has ended. The history does not keep which run a step was of.
pub fn runs(steps: &[PastRun]) -> Vec<Steps<'_>> {
    let mut runs: Vec<(Steps<'_>, f64)> = Vec::new();
    for step in steps {
        let began_ago = step.run.started_ago_seconds;
        let ended_ago = began_ago - step.run.duration_ms / 1e3;
        match runs.last_mut() {
            Some((steps, first_ago))
                if steps[0].run.command == step.run.command
                    && ended_ago - *first_ago <= BETWEEN_STEPS =>
            {
                steps.push(step);
                *first_ago = first_ago.max(began_ago);
            }
            _ => runs.push((vec![step], began_ago)),
        }
    }
    runs.into_iter().map(|(steps, _)| steps).collect()
}

fn runs_table(runs: &[Steps<'_>], most: usize, width: Option<u16>) -> String {
    let mut table = table(&["when", "command", "outcome", "time", "what", "reason"]);
    for steps in runs.iter().take(most) {
        let (Some(first), Some(last)) = (steps.last(), steps.first()) else {
            continue;
        };
        let ends = steps
            .iter()
            .map(|step| step.run.started_ago_seconds - step.run.duration_ms / 1e3);
        let took = first.run.started_ago_seconds - ends.fold(f64::INFINITY, f64::min);
        let failed = steps.iter().find(|step| step.run.outcome == "failed");
        let reason = failed
            .map_or(String::new(), |step| format!("{}: {}", step.run.object, step.run.reason));
        table.add_row(vec![
            cell(&first.shown_at),
            cell(&last.run.command),
            cell(outcomes(steps)),
            right(format::duration(format::seconds(took).unwrap_or_default())),
            cell(what(steps)),
            cell(reason),
        ]);
    }
    let narrow = Narrow { wraps: "reason", drops: &["time"], alike: &[] };
    fitted(&table, narrow, width)
}

/// `done`, or `2 failed, 33 done`, the worst first.
fn outcomes(steps: &Steps<'_>) -> String {
    let count = |name: &str| steps.iter().filter(|step| step.run.outcome == name).count();
    let names = ["failed", "cancelled", "skipped", "done"];
    let any = names.iter().filter(|name| count(name) > 0).collect::<Vec<_>>();
    match any.as_slice() {
        [only] => (**only).to_owned(),
        several => {
            let counted = several.iter().map(|name| format!("{} {name}", count(name)));
            counted.collect::<Vec<_>>().join(", ")
        }
    }
}

/// `35 build index, 3 analyze`; of a single step its object.
fn what(steps: &Steps<'_>) -> String {
    if let [only] = steps.as_slice() {
        return format!("{} {}", action(&only.run.action), only.run.object);
    }
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for step in steps.iter().rev() {
        let action = action(&step.run.action);
        match counts.iter_mut().find(|(known, _)| *known == action) {
            Some((_, count)) => *count += 1,
            None => counts.push((action, 1)),
        }
    }
    let counted = counts.iter().map(|(action, count)| format!("{count} {action}"));
    counted.collect::<Vec<_>>().join(", ")
}

/// As people say it; another version may have known others.
fn action(name: &str) -> &str {
    Action::ALL
        .iter()
        .find(|known| known.name() == name)
        .map_or(name, |known| known.words())
}

/// `+12 ~3 -4`: inserted, updated and deleted, as far as they are known.
fn rows(run: &Run) -> String {
    let known = [('+', run.rows_inserted), ('~', run.rows_updated), ('-', run.rows_deleted)]
        .iter()
        .filter_map(|(sign, rows)| rows.map(|rows| format!("{sign}{rows}")))
        .collect::<Vec<_>>()
        .join(" ");
    if known.is_empty() { "-".to_owned() } else { known }
}

#[derive(Debug, Serialize)]
struct HistoryDocument {
    runs: Vec<RunDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pruned: Option<i64>,
}

/// A run of the history.
#[derive(Debug, Clone, Serialize)]
struct RunDocument {
    id: i64,
    command: String,
    action: String,
    object: String,
    object_oid: Option<u32>,
    started_at: String,
    duration_ms: f64,
    outcome: String,
    reason: String,
    sqlstate: Option<String>,
    mode: Option<String>,
    rows_inserted: Option<i64>,
    rows_updated: Option<i64>,
    rows_deleted: Option<i64>,
    size_bytes: Option<i64>,
    wal_bytes: Option<i64>,
    pgtend_version: String,
}

impl RunDocument {
    /// A run as the history holds it.
    fn new(past: &PastRun) -> Self {
        let run = past.run.clone();
        RunDocument {
            id: past.id,
            command: run.command,
            action: run.action,
            object: run.object,
            object_oid: run.object_oid,
            started_at: past.started_at.clone(),
            duration_ms: run.duration_ms,
            outcome: run.outcome,
            reason: run.reason,
            sqlstate: run.sqlstate,
            mode: run.mode,
            rows_inserted: run.rows_inserted,
            rows_updated: run.rows_updated,
            rows_deleted: run.rows_deleted,
            size_bytes: run.size_bytes,
            wal_bytes: run.wal_bytes,
            pgtend_version: past.pgtend_version.clone(),
        }
    }
}
