//! What `--dry-run` shows.

use std::fmt;

use super::steps::{StepsDocument, summary};
use super::{Head, Outcome, Report, Style, Text};
use crate::work::plan::{Plan, Step, Verdict};

/// So many objects with nothing to do are worth a line each.
pub const FEW: usize = 20;

/// Exactly the statements that would be sent, and why others would not.
#[derive(Debug)]
pub struct DryRunReport {
    /// What would be done.
    pub plan: Plan,
    /// What is told of the rest.
    pub rest: SettledObjects,
    /// What is shown before the statements; the width of a line is told.
    pub overview: Option<Overview>,
}

/// What is shown before the statements, and for which steps.
pub struct Overview(pub Box<dyn Fn(&Style) -> String + Send>);

impl fmt::Debug for Overview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Overview")
    }
}

/// What is told of objects with nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettledObjects {
    /// How many they are.
    Counted,
    /// Why there is nothing to do, if they are few; what they are, in the plural.
    Explained(&'static str),
}

impl Report for DryRunReport {
    fn outcome(&self) -> Outcome {
        let is_settled = match self.rest {
            SettledObjects::Counted => self.plan.is_as_declared(),
            SettledObjects::Explained(_) => !self.plan.has_work(),
        };
        if is_settled {
            Outcome::NothingToDo
        } else {
            Outcome::Planned
        }
    }

    fn json(&self, head: Head) -> String {
        head.document(self.outcome(), StepsDocument::planned(&self.plan), &self.plan.warnings)
    }

    fn text(&self, style: &Style) -> Text {
        let mut text = Text::default();
        let overview = self.overview.as_ref().map(|overview| overview.0(style));
        overview
            .iter()
            .flat_map(|text| text.lines())
            .for_each(|line| text.narrate(line));
        text.pieces.extend(statements(&self.plan).pieces);
        match self.rest {
            SettledObjects::Counted => text.narrate(summary(&self.plan)),
            SettledObjects::Explained(_) if overview.is_some() && style.is_verbose() => {}
            SettledObjects::Explained(what) => explain_rest(&mut text, &self.plan, what, style),
        }
        text.warnings(&self.plan.warnings, style);
        text
    }
}

fn explain_rest(text: &mut Text, plan: &Plan, what: &str, style: &Style) {
    let has_nothing_to_do = |step: &&Step| step.verdict.is_settled();
    let rest = plan.steps.iter().filter(has_nothing_to_do).collect::<Vec<_>>();
    let count = rest.len() + plan.not_due;
    if style.is_verbose() || count <= FEW {
        rest.iter()
            .for_each(|step| text.narrate(format!("{}: {}", step.object, step.reason)));
    } else if plan.has_work() {
        text.narrate(format!("{count} other {what} are not due; -v lists them"));
    } else {
        text.narrate(format!("Nothing to do: {count} {what} are not due; -v lists them."));
    }
}

/// The statements, and what would be done if it could be.
fn statements(plan: &Plan) -> Text {
    let mut text = Text::default();
    for step in &plan.steps {
        match step.verdict {
            Verdict::ToDo => {
                for statement in step.statements.iter().flat_map(|statement| statement.texts()) {
                    text.product(format!("{statement};\n"));
                }
            }
            Verdict::Refused => {
                text.warn(format!("{} needs manual action: {}", step.object, step.reason));
            }
            Verdict::AsDeclared | Verdict::LeftOut => {}
        }
    }
    text
}
