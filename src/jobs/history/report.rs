//! What `history` shows.

use std::time::Duration;

use serde::Serialize;

use crate::facts::history::{PastRun, Run};
use crate::format;
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::output::{Head, Outcome, Report, Style, Text};

/// The runs that were asked for.
#[derive(Debug)]
pub struct HistoryReport {
    /// The newest first.
    pub runs: Vec<PastRun>,
    /// How many were removed before; `None` where that was not asked for.
    pub pruned: Option<i64>,
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
            [] => text.narrate("The history holds no such run."),
            runs => text.product(runs_table(runs, style.width)),
        }
        text
    }
}

fn runs_table(runs: &[PastRun], width: Option<u16>) -> String {
    let header = [
        "when", "command", "action", "object", "outcome", "time", "rows", "size", "reason",
    ];
    let mut table = table(&header);
    for PastRun { shown_at, run, .. } in runs {
        let took = Duration::try_from_secs_f64(run.duration_ms / 1e3).unwrap_or_default();
        table.add_row(vec![
            cell(shown_at),
            cell(&run.command),
            cell(run.action.replace('_', " ")),
            cell(&run.object),
            cell(&run.outcome),
            right(format::duration(took)),
            right(rows(run)),
            right(run.size_bytes.map_or("-".to_owned(), format::bytes)),
            cell(&run.reason),
        ]);
    }
    let narrow = Narrow { wraps: "reason", drops: &["size", "rows", "command", "time"] };
    fitted(&table, narrow, width)
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
