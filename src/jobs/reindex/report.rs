//! What `reindex` shows.

use crate::format;
use crate::output::Style;
use crate::output::executed::{Telling, in_all, took, with_waiting};
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::work::event::{Executed, ExecutedStep, Status, StepOutcome};
use crate::work::plan::{Action, Plan, Step, Subject};
use crate::work::subject::Rebuild;

/// In which words it tells what was done.
pub const REINDEX: Telling = Telling { is_told, table: executed_table, summary };

fn is_told(outcome: &StepOutcome, style: &Style) -> bool {
    match outcome.status {
        Status::Done => !style.is_quiet(),
        Status::Skipped if outcome.is_fresh() => style.is_verbose(),
        Status::Skipped => !style.is_quiet(),
        Status::Failed | Status::Cancelled => true,
    }
}

fn rebuild(step: &Step) -> Option<&Rebuild> {
    match &step.subject {
        Subject::Rebuild(rebuild) => Some(rebuild),
        _ => None,
    }
}

/// An index of the plan, with its figures.
pub struct ReindexRow {
    is_settled: bool,
    cells: Vec<String>,
}

/// What is told of each index of the plan.
pub fn rows(plan: &Plan) -> Vec<ReindexRow> {
    let rows = plan.steps.iter().map(|step| {
        let rebuild = rebuild(step);
        let bloat = rebuild.and_then(|it| it.bloat).map(|times| format!("{times:.1}"));
        let cells = [
            Some(step.object.to_string()),
            step.on.as_ref().map(ToString::to_string),
            rebuild.map(|it| format::bytes(it.size_bytes)),
            step.estimated_bytes.map(format::bytes),
            bloat,
            Some(step.reason.words.clone()),
        ]
        .map(|cell| cell.unwrap_or_else(|| "-".to_owned()))
        .to_vec();
        ReindexRow { is_settled: step.verdict.is_settled(), cells }
    });
    rows.collect()
}

/// What is to be done; what is not only where all is wanted.
pub fn planned(rows: &[ReindexRow], style: &Style) -> String {
    let shown = rows
        .iter()
        .filter(|row| style.is_verbose() || !row.is_settled)
        .collect::<Vec<_>>();
    if shown.is_empty() {
        return String::new();
    }
    let mut table = table(&["index", "on", "size", "fresh", "times", "why"]);
    for row in shown {
        let figures = 2..5;
        let cells = row.cells.iter().enumerate();
        table.add_row(cells.map(|(at, text)| match figures.contains(&at) {
            true => right(text),
            false => cell(text),
        }));
    }
    let narrow = Narrow {
        wraps: "why",
        drops: &["fresh", "on", "times", "size"],
        alike: &[],
    };
    fitted(&table, narrow, style.width)
}

fn executed_table(steps: &[&ExecutedStep], width: Option<u16>) -> String {
    let mut table = table(&["status", "action", "index", "on", "time", "before", "after", "why"]);
    for ExecutedStep { step, outcome } in steps {
        let before = rebuild(step).map(|it| format::bytes(it.size_bytes));
        let after = outcome.size_bytes.map(format::bytes);
        let why = match outcome.status {
            Status::Done => &step.reason,
            _ => &outcome.reason,
        };
        table.add_row(vec![
            cell(outcome.status.name()),
            cell(step.action.words()),
            cell(&step.object),
            cell(step.on.as_ref().map_or("-".to_owned(), ToString::to_string)),
            right(took(outcome)),
            right(before.unwrap_or_else(|| "-".to_owned())),
            right(after.unwrap_or_else(|| "-".to_owned())),
            cell(with_waiting(&why.words, outcome)),
        ]);
    }
    let narrow = Narrow {
        wraps: "why",
        drops: &["on", "time", "before", "after"],
        alike: &["action"],
    };
    fitted(&table, narrow, width)
}

fn summary(done: &Executed) -> String {
    let (count, fresh) = (|status| done.count(status), done.count_fresh());
    let of = |action| {
        let steps = done.steps.iter().filter(|it| it.outcome.status == Status::Done);
        steps.filter(|it| it.step.action == action).count()
    };
    let what = [(of(Action::Reindex), "rebuilt"), (of(Action::DropLeftover), "removed")];
    let others = [
        (fresh + done.not_due, "not due"),
        (count(Status::Skipped) - fresh, "left for the next time"),
        (count(Status::Cancelled), "cancelled"),
        (count(Status::Failed), "failed"),
    ];
    if done.steps.len() + done.not_due == 0 {
        return "Nothing to do: there are no indexes.".to_owned();
    }
    let line = in_all(done, &what, &others);
    match saved_bytes(done) {
        saved if saved > 0 => format!("{line} {} given back.", format::bytes(saved)),
        _ => line,
    }
}

fn saved_bytes(done: &Executed) -> i64 {
    let saved = done.steps.iter().filter_map(|ExecutedStep { step, outcome }| {
        Some(rebuild(step)?.size_bytes - outcome.size_bytes?)
    });
    saved.sum()
}
