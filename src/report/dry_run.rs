//! What `--dry-run` shows.

use super::document::Outcome;
use super::{Console, Format, Volume};
use crate::plan::{Plan, Step, Verdict};

/// So many objects with nothing to do are worth a line each.
pub(super) const FEW: usize = 20;

/// Shows exactly the statements that would be sent, and why others would not.
pub fn show(console: &Console, plan: &Plan, outcome: Outcome) {
    if console.manner().format == Format::Json {
        return console.json(&console.document().planned(plan, outcome));
    }
    statements(console, plan);
    let has_nothing_to_do = |step: &&Step| step.verdict.is_settled();
    let rest = plan.steps.iter().filter(has_nothing_to_do);
    if console.manner().volume == Volume::Verbose || rest.clone().count() + plan.not_due <= FEW {
        rest.for_each(|step| console.narrate(&format!("{}: {}", step.object, step.reason)));
    } else {
        let count = rest.count() + plan.not_due;
        console.narrate(&format!("{count} others have nothing to do; -v says of each why"));
    }
    console.warnings(&plan.warnings);
}

/// The statements, and what would be done if it could be.
pub fn statements(console: &Console, plan: &Plan) {
    for step in &plan.steps {
        match step.verdict {
            Verdict::ToDo => {
                for statement in step.statements.iter().flat_map(|statement| statement.texts()) {
                    console.product(&format!("{statement};\n"));
                }
            }
            Verdict::Refused => {
                console.warn(&format!("{} needs you: {}", step.object, step.reason));
            }
            Verdict::AsDeclared | Verdict::LeftOut => {}
        }
    }
}
