//! What `refresh` shows.

use crate::format;
use crate::output::Style;
use crate::output::executed::{Telling, in_all, took, with_waiting};
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::work::event::{Executed, ExecutedStep, Status, StepOutcome};

/// In which words it tells what was done.
pub const REFRESH: Telling = Telling { is_told, table: executed_table, summary };

fn is_told(outcome: &StepOutcome, style: &Style) -> bool {
    match outcome.status {
        Status::Done => !style.is_quiet(),
        Status::Skipped if outcome.is_fresh() => style.is_verbose(),
        Status::Skipped | Status::Failed | Status::Cancelled => true,
    }
}

fn executed_table(steps: &[&ExecutedStep], width: Option<u16>) -> String {
    let mut table =
        table(&["status", "view", "mode", "time", "inserted", "deleted", "size", "why"]);
    for ExecutedStep { step, outcome } in steps {
        let done = outcome.refreshed();
        let writes = done.and_then(|done| done.writes);
        let rows = |rows: Option<i64>| right(rows.map_or("-".to_owned(), format::whole));
        table.add_row(vec![
            cell(outcome.status.name()),
            cell(&step.object),
            cell(done.map_or("-".to_owned(), |done| done.way.to_string())),
            right(took(outcome)),
            rows(writes.map(|writes| writes.inserted + writes.updated)),
            rows(writes.map(|writes| writes.deleted + writes.updated)),
            right(outcome.size_bytes.map_or("-".to_owned(), format::bytes)),
            cell(with_waiting(&outcome.reason.words, outcome)),
        ]);
    }
    let narrow = Narrow {
        wraps: "why",
        drops: &["size", "mode", "deleted", "inserted"],
        alike: &["mode"],
    };
    fitted(&table, narrow, width)
}

fn summary(done: &Executed) -> String {
    let (count, fresh) = (|status| done.count(status), done.count_fresh());
    let others = [
        (fresh, "fresh"),
        (count(Status::Skipped) - fresh, "skipped"),
        (count(Status::Cancelled), "cancelled"),
        (count(Status::Failed), "failed"),
    ];
    match done.steps.len() {
        0 => "Nothing to do: the database has no materialized views.".to_owned(),
        _ => in_all(done, &[(count(Status::Done), "refreshed")], &others),
    }
}
