//! What `apply` shows.

use super::steps::{StepsDocument, gist};
use crate::event::{Executed, ExecutedStep, Status};
use crate::figures;
use crate::output::table::{cell, right, table, text};
use crate::output::{Head, Outcome, Report, Style, Text};
use crate::plan::Action;

/// What was done, object by object.
#[derive(Debug)]
pub struct ApplyReport {
    /// The steps, and how they ended.
    pub done: Executed,
    /// What it came to.
    pub outcome: Outcome,
}

impl Report for ApplyReport {
    fn outcome(&self) -> Outcome {
        self.outcome
    }

    fn json(&self, head: Head) -> String {
        head.document(self.outcome, StepsDocument::executed(&self.done), &self.done.warnings)
    }

    fn text(&self, style: &Style) -> Text {
        let mut text = Text::default();
        let steps = self.done.steps.iter();
        let shown = steps.filter(|ExecutedStep { outcome, .. }| match outcome.status {
            Status::Skipped => style.is_verbose(),
            Status::Done => !style.is_quiet(),
            Status::Failed | Status::Cancelled => true,
        });
        let shown = shown.collect::<Vec<_>>();
        if !shown.is_empty() {
            text.product(executed_table(&shown));
        }
        text.warnings(&self.done.warnings);
        text.narrate(executed_summary(&self.done));
        for sql in self.done.outcomes().filter_map(|outcome| outcome.cleanup.as_ref()) {
            text.warn(format!("left behind; the next apply removes it, or you with: {sql}"));
        }
        text
    }

    fn gist(&self, style: &Style) -> Text {
        gist(&self.done, executed_summary(&self.done), style)
    }
}

fn executed_table(steps: &[&ExecutedStep]) -> String {
    let mut table = table(&["status", "action", "object", "on", "time", "size", "how"]);
    for ExecutedStep { step, outcome } in steps {
        let size = outcome.size_bytes.map_or("-".to_owned(), figures::bytes);
        let mut how = outcome.reason.clone();
        if outcome.status == Status::Done {
            how = match step.action {
                Action::BuildIndex | Action::CreateView => "verified".to_owned(),
                _ => step.reason.clone(),
            };
            if outcome.waited.as_secs() > 0 {
                let waited = figures::duration(outcome.waited);
                how.push_str(&format!("; waited {waited} for others"));
            }
        }
        table.add_row(vec![
            cell(outcome.status.name()),
            cell(step.action.words()),
            cell(&step.object),
            cell(step.on.as_ref().map_or("-".to_owned(), ToString::to_string)),
            right(figures::duration(outcome.duration)),
            right(size),
            cell(how),
        ]);
    }
    text(&table)
}

fn executed_summary(executed: &Executed) -> String {
    let count = |status| executed.count(status);
    let (done, failed) = (count(Status::Done), count(Status::Failed));
    let (skipped, cancelled) = (count(Status::Skipped), count(Status::Cancelled));
    if done + failed + cancelled == 0 {
        let objects = figures::count(skipped, "object", "objects");
        return format!("Nothing to do: {objects} as declared.");
    }
    let mut parts = vec![format!("{done} done")];
    let others = [(failed, "failed"), (cancelled, "cancelled"), (skipped, "with nothing to do")];
    let others = others.iter().filter(|(number, _)| *number > 0);
    parts.extend(others.map(|(number, word)| format!("{number} {word}")));
    format!("{}.", parts.join(", "))
}
