//! What `history` shows.

use std::time::Duration;

use super::document::{Outcome, RunDocument};
use super::table::{cell, right, table, text};
use super::{Console, Format};
use crate::catalog::history::{PastRun, Run};
use crate::figures;

/// Shows the runs, and how many were removed before.
pub fn show(console: &Console, runs: &[PastRun], pruned: Option<i64>) {
    if console.manner().format == Format::Json {
        let mut document = console.document();
        document.outcome = Outcome::Done;
        document.runs = Some(runs.iter().map(RunDocument::new).collect());
        document.pruned = pruned;
        return console.json(&document);
    }
    if let Some(pruned) = pruned {
        let runs = figures::count(usize::try_from(pruned).unwrap_or_default(), "run", "runs");
        console.narrate(&format!("Removed {runs} from the history."));
    }
    if runs.is_empty() {
        return console.narrate("The history holds no such run.");
    }
    console.product(&runs_table(runs));
}

fn runs_table(runs: &[PastRun]) -> String {
    let header =
        ["when", "command", "action", "object", "outcome", "time", "rows", "size", "reason"];
    let mut table = table(&header);
    for PastRun { shown_at, run, .. } in runs {
        let took = Duration::try_from_secs_f64(run.duration_ms / 1e3).unwrap_or_default();
        table.add_row(vec![
            cell(shown_at),
            cell(&run.command),
            cell(run.action.replace('_', " ")),
            cell(&run.object),
            cell(&run.outcome),
            right(figures::duration(took)),
            right(rows(run)),
            right(run.size_bytes.map_or("-".to_owned(), figures::bytes)),
            cell(&run.reason),
        ]);
    }
    text(&table)
}

/// `+12 ~3 -4`: inserted, updated and deleted, as far as they are known.
fn rows(run: &Run) -> String {
    let known = [('+', run.rows_inserted), ('~', run.rows_updated), ('-', run.rows_deleted)];
    let known = known.iter().filter_map(|(sign, rows)| rows.map(|rows| format!("{sign}{rows}")));
    let known = known.collect::<Vec<_>>().join(" ");
    if known.is_empty() { "-".to_owned() } else { known }
}
