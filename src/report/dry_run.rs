//! What `--dry-run` shows.

use super::apply::warnings;
use super::document::Outcome;
use super::{Console, Format};
use crate::plan::{Plan, Verdict};

/// Shows exactly the statements that would be sent, and why others would not.
pub fn show(console: &Console, plan: &Plan, outcome: Outcome) {
    if console.manner().format == Format::Json {
        return console.json(&console.document().planned(plan, outcome));
    }
    statements(console, plan);
    for step in &plan.steps {
        if matches!(step.verdict, Verdict::AsDeclared | Verdict::LeftOut) {
            console.narrate(&format!("{}: {}", step.object, step.reason));
        }
    }
    warnings(console, plan);
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
