//! What `apply` shows.

use crate::format;
use crate::output::Style;
use crate::output::executed::{Telling, in_all, took, with_waiting};
use crate::output::steps;
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::work::event::{Executed, ExecutedStep, Status, StepOutcome};
use crate::work::plan::{Action, Step};

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
        let how = match outcome.status {
            Status::Done => with_waiting(how(step.action), outcome),
            Status::Failed => with_place(&outcome.reason.words, step),
            Status::Skipped | Status::Cancelled => outcome.reason.words.clone(),
        };
        table.add_row(vec![
            cell(outcome.status.name()),
            cell(step.action.words()),
            cell(&step.object),
            cell(step.on.as_ref().map_or("-".to_owned(), ToString::to_string)),
            right(took(outcome)),
            right(size),
            cell(how),
        ]);
    }
    let narrow = Narrow { wraps: "how", drops: &["size", "on"], alike: &["how"] };
    fitted(&table, narrow, width)
}

/// Where it is declared is where a person looks first.
fn with_place(why: &str, step: &Step) -> String {
    step.source()
        .map_or_else(|| why.to_owned(), |source| format!("{why} ({source})"))
}

/// How an object that is done was made sure of.
fn how(action: Action) -> &'static str {
    match action {
        Action::BuildIndex | Action::WatchBuild | Action::CreateView => "verified",
        Action::HealIndex | Action::Reindex => "rebuilt, verified",
        Action::ReplaceIndex => "replaced, verified",
        Action::DropLeftover => "removed",
        Action::Comment | Action::Analyze | Action::Vacuum | Action::RefreshView => "",
    }
}

/// What was done, in the order in which it is told.
const DONE: [(&[Action], &str); 7] = [
    (&[Action::BuildIndex, Action::WatchBuild], "built"),
    (&[Action::HealIndex, Action::Reindex], "rebuilt"),
    (&[Action::ReplaceIndex], "replaced"),
    (&[Action::DropLeftover], "removed"),
    (&[Action::CreateView], "created"),
    (&[Action::Comment], "commented"),
    (&[Action::Analyze, Action::Vacuum, Action::RefreshView], "maintained"),
];

fn executed_summary(executed: &Executed) -> String {
    let count = |status| executed.count(status);
    let (failed, cancelled) = (count(Status::Failed), count(Status::Cancelled));
    let settled = executed
        .steps
        .iter()
        .map(|it| &it.step)
        .filter(|step| step.verdict.is_settled());
    let unchanged = steps::settled(settled.clone());
    if count(Status::Done) + failed + cancelled == 0 {
        return format!("Nothing to do: {unchanged}.");
    }
    let done = |actions: &[Action]| {
        let steps = executed.steps.iter();
        let done = steps.filter(|it| it.outcome.status == Status::Done);
        done.filter(|it| actions.contains(&it.step.action)).count()
    };
    let what = DONE.map(|(actions, word)| (done(actions), word));
    let skipped = count(Status::Skipped).saturating_sub(settled.clone().count());
    let rest = [(skipped, "skipped"), (cancelled, "cancelled"), (failed, "failed")];
    let line = in_all(executed, &what, &rest);
    match settled.count() {
        0 => line,
        _ => format!("{line} {unchanged}."),
    }
}
