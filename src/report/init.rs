//! What `init` shows.

use std::time::Duration;

use super::document::{Outcome, SchemaStepDocument};
use super::table::{cell, right, table, text};
use super::{Console, Format, Volume};
use crate::figures;
use crate::plan::schema::SchemaStep;

/// Shows exactly the statements that would be sent.
pub fn planned(console: &Console, plan: &[SchemaStep], outcome: Outcome) {
    if console.manner().format == Format::Json {
        let steps = plan.iter().map(SchemaStepDocument::planned).collect();
        return console.json(&console.document().with_schema_steps(steps, outcome));
    }
    for statement in plan.iter().flat_map(SchemaStep::texts) {
        console.product(&format!("{statement};\n"));
    }
    if plan.is_empty() {
        console.narrate(NOTHING);
    }
}

/// Shows what was done.
pub fn executed(console: &Console, done: &[(SchemaStep, Duration)]) {
    if console.manner().format == Format::Json {
        let outcome = if done.is_empty() { Outcome::NothingToDo } else { Outcome::Done };
        let steps = done.iter().map(|(step, took)| SchemaStepDocument::executed(step, *took));
        return console.json(&console.document().with_schema_steps(steps.collect(), outcome));
    }
    if done.is_empty() {
        return console.narrate(NOTHING);
    }
    if console.manner().volume == Volume::Quiet {
        return;
    }
    let mut table = table(&["status", "action", "object", "time", "how"]);
    for (step, took) in done {
        table.add_row(vec![
            cell("done"),
            cell(step.action.name()),
            cell(crate::plan::schema::NAME),
            right(figures::duration(*took)),
            cell(&step.reason),
        ]);
    }
    console.product(&text(&table));
    console.narrate(&format!("{} done.", done.len()));
}

const NOTHING: &str = "Nothing to do: the schema pgtend is as wanted.";
