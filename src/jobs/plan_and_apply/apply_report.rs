//! What `apply` shows.

use crate::format;
use crate::output::Style;
use crate::output::executed::{Telling, counted, with_waiting};
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::work::event::{Executed, ExecutedStep, Outcome as StepOutcome, Status};
use crate::work::plan::Action;

/// In which words it tells what was done.
pub const APPLY: Telling = Telling { is_told, table: executed_table, summary: executed_summary };

fn is_told(outcome: &StepOutcome, style: &Style) -> bool {
    match outcome.status {
        Status::Skipped => style.is_verbose(),
        Status::Done => !style.is_quiet(),
        Status::Failed | Status::Cancelled => true,
    }
}

fn executed_table(steps: &[&ExecutedStep], width: Option<u16>) -> String {
    let mut table = table(&["status", "action", "object", "on", "time", "size", "how"]);
    for ExecutedStep { step, outcome } in steps {
        let size = outcome.size_bytes.map_or("-".to_owned(), format::bytes);
        let how = match (outcome.status, step.action) {
            (Status::Done, Action::BuildIndex | Action::CreateView) => {
                with_waiting("verified", outcome)
            }
            (Status::Done, _) => with_waiting(&step.reason.words, outcome),
            _ => outcome.reason.words.clone(),
        };
        table.add_row(vec![
            cell(outcome.status.name()),
            cell(step.action.words()),
            cell(&step.object),
            cell(step.on.as_ref().map_or("-".to_owned(), ToString::to_string)),
            right(format::duration(outcome.duration)),
            right(size),
            cell(how),
        ]);
    }
    let narrow = Narrow { wraps: "how", drops: &["size", "on"] };
    fitted(&table, narrow, width)
}

fn executed_summary(executed: &Executed) -> String {
    let count = |status| executed.count(status);
    let (done, failed) = (count(Status::Done), count(Status::Failed));
    let (skipped, cancelled) = (count(Status::Skipped), count(Status::Cancelled));
    if done + failed + cancelled == 0 {
        let objects = format::count(skipped, "object", "objects");
        return format!("Nothing to do: {objects} as declared.");
    }
    let others =
        counted(&[(failed, "failed"), (cancelled, "cancelled"), (skipped, "with nothing to do")]);
    match others.as_str() {
        "" => format!("{done} done."),
        others => format!("{done} done, {others}."),
    }
}
