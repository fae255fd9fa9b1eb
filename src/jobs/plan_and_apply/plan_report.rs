//! What `plan` shows.

use crate::format;
use crate::output::steps::{StepsDocument, summary};
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::output::{Head, Outcome, Report, Style, Text, Verbosity};
use crate::work::plan::{Plan, Step, Verdict};

/// What would be done, object by object.
#[derive(Debug)]
pub struct PlanReport {
    /// The plan.
    pub plan: Plan,
    /// Whether it is a finding that there is something to do.
    pub outcome: Outcome,
}

impl Report for PlanReport {
    fn outcome(&self) -> Outcome {
        self.outcome
    }

    fn json(&self, head: Head) -> String {
        head.document(self.outcome, StepsDocument::planned(&self.plan), &self.plan.warnings)
    }

    fn text(&self, style: &Style) -> Text {
        let mut text = Text::default();
        if !style.is_quiet() || self.outcome == Outcome::Findings {
            let steps = self.plan.steps.iter();
            let shown = steps.filter(|step| is_shown(step, style.verbosity)).collect::<Vec<_>>();
            if !shown.is_empty() {
                text.product(table_of(&shown, style));
            }
            text.narrate(summary(&self.plan));
        }
        text.warnings(&self.plan.warnings);
        text
    }
}

fn is_shown(step: &Step, verbosity: Verbosity) -> bool {
    matches!(step.verdict, Verdict::ToDo | Verdict::Refused) || verbosity == Verbosity::Verbose
}

fn table_of(steps: &[&Step], style: &Style) -> String {
    let mut table = table(&["action", "object", "on", "why", "strongest lock", "est. size"]);
    for step in steps {
        let action = match step.verdict {
            Verdict::ToDo => step.action.words(),
            Verdict::AsDeclared | Verdict::LeftOut => "-",
            Verdict::Refused => "needs you",
        };
        let size = match (step.verdict, step.estimated_bytes) {
            (Verdict::ToDo, Some(bytes)) => format!("~{}", format::bytes(bytes)),
            _ => "-".to_owned(),
        };
        table.add_row(vec![
            cell(action),
            cell(&step.object),
            cell(step.on.as_ref().map_or("-".to_owned(), ToString::to_string)),
            cell(&step.reason),
            cell(step.lock.as_ref().map_or("-".to_owned(), |lock| lock.mode.to_string())),
            right(size),
        ]);
    }
    let narrow = Narrow { wraps: "why", drops: &["est. size", "strongest lock", "on"] };
    let mut product = fitted(&table, narrow, style.width);
    if style.is_verbose() {
        product.push('\n');
        for step in steps {
            let mut statements =
                step.statements.iter().flat_map(|statement| statement.texts()).peekable();
            if let (Some(_), Some(source)) = (statements.peek(), step.source()) {
                product.push_str(&format!("-- {source}\n"));
            }
            statements.for_each(|statement| product.push_str(&format!("{statement};\n")));
        }
    }
    product
}
