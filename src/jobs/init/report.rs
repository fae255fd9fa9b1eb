//! What `init` shows.

use std::time::Duration;

use serde::Serialize;

use super::plan::{NAME, SchemaAction, SchemaStep};
use super::run::Remembered;
use crate::facts::history::CURRENT;
use crate::format;
use crate::format::millis;
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
    /// What the schema remembered, where it was to be removed.
    pub kept: Option<Remembered>,
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
            text.product(format!("{}\n", self.summary()));
        }
        text
    }
}

impl InitReport {
    /// All steps in a sentence: that a fresh schema comes in several versions is no news.
    fn summary(&self) -> String {
        let took = self.done.iter().map(|(_, took)| *took).sum();
        let has = |action| self.done.iter().any(|(step, _)| step.action == action);
        let others = self
            .done
            .iter()
            .filter(|(step, _)| matches!(step.action, SchemaAction::Grant | SchemaAction::Revoke))
            .map(|(step, _)| format!("{} {}", step.action.name(), step.reason));
        let version = format!("version {CURRENT}");
        let first = match () {
            () if has(SchemaAction::Uninstall) => {
                let kept = self.kept.map(|kept| format!(", with {kept}")).unwrap_or_default();
                Some(format!("Removed the schema {NAME}{kept}"))
            }
            () if has(SchemaAction::Install) => {
                Some(format!("Installed the schema {NAME}, {version}"))
            }
            () if has(SchemaAction::Upgrade) => {
                Some(format!("Upgraded the schema {NAME} to {version}"))
            }
            () => None,
        };
        let parts = first.into_iter().chain(others).collect::<Vec<_>>();
        format!("{} in {}.", parts.join("; "), format::duration(took))
    }
}

const NOTHING: &str = "Nothing to do: the schema pgtend is up to date.";

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
