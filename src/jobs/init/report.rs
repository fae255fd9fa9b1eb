//! What `init` shows.

use std::time::Duration;

use serde::Serialize;

use super::plan::{NAME, SchemaStep};
use crate::format;
use crate::format::millis;
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::output::{Head, Outcome, Report, Style, Text};

/// Exactly the statements that would be sent.
#[derive(Debug)]
pub struct InitPlanReport {
    /// What would be done.
    pub plan: Vec<SchemaStep>,
}

impl Report for InitPlanReport {
    fn outcome(&self) -> Outcome {
        if self.plan.is_empty() {
            Outcome::NothingToDo
        } else {
            Outcome::Planned
        }
    }

    fn json(&self, head: Head) -> String {
        let steps = self.plan.iter().map(SchemaStepDocument::planned).collect();
        head.document(self.outcome(), SchemaStepsDocument { steps }, &[])
    }

    fn text(&self, _: &Style) -> Text {
        let mut text = Text::default();
        for statement in self.plan.iter().flat_map(SchemaStep::texts) {
            text.product(format!("{statement};\n"));
        }
        if self.plan.is_empty() {
            text.narrate(NOTHING);
        }
        text
    }
}

/// What was done, and how long each step took.
#[derive(Debug)]
pub struct InitReport {
    /// The steps.
    pub done: Vec<(SchemaStep, Duration)>,
}

impl Report for InitReport {
    fn outcome(&self) -> Outcome {
        if self.done.is_empty() {
            Outcome::NothingToDo
        } else {
            Outcome::Done
        }
    }

    fn json(&self, head: Head) -> String {
        let steps = self.done.iter().map(|(step, took)| SchemaStepDocument::executed(step, *took));
        head.document(self.outcome(), SchemaStepsDocument { steps: steps.collect() }, &[])
    }

    fn text(&self, style: &Style) -> Text {
        let mut text = Text::default();
        if self.done.is_empty() {
            text.narrate(NOTHING);
        } else if !style.is_quiet() {
            text.product(steps_table(&self.done, style.width));
            text.narrate(format!("{} done.", self.done.len()));
        }
        text
    }
}

fn steps_table(done: &[(SchemaStep, Duration)], width: Option<u16>) -> String {
    let mut table = table(&["status", "action", "object", "time", "how"]);
    for (step, took) in done {
        table.add_row(vec![
            cell("done"),
            cell(step.action.name()),
            cell(NAME),
            right(format::duration(*took)),
            cell(&step.reason),
        ]);
    }
    let narrow = Narrow { wraps: "how", drops: &["time"] };
    fitted(&table, narrow, width)
}

const NOTHING: &str = "Nothing to do: the schema pgtend is as wanted.";

#[derive(Debug, Serialize)]
struct SchemaStepsDocument {
    steps: Vec<SchemaStepDocument>,
}

/// A step of `init`.
#[derive(Debug, Clone, Serialize)]
struct SchemaStepDocument {
    action: &'static str,
    object: &'static str,
    status: &'static str,
    reason: String,
    sql: String,
    duration_ms: u64,
}

impl SchemaStepDocument {
    /// A step that is only planned.
    fn planned(step: &SchemaStep) -> Self {
        SchemaStepDocument {
            action: step.action.name(),
            object: NAME,
            status: "planned",
            reason: step.reason.clone(),
            sql: step.texts().join(";\n"),
            duration_ms: 0,
        }
    }

    /// A step that was done.
    fn executed(step: &SchemaStep, took: Duration) -> Self {
        SchemaStepDocument {
            status: "done",
            duration_ms: millis(took),
            ..SchemaStepDocument::planned(step)
        }
    }
}
