//! What `refresh` shows.

use comfy_table::Cell;

use super::apply::warnings;
use super::document::{Outcome, StepDocument, Steps};
use super::table::{right, table, text};
use super::{Console, Format, Volume};
use crate::event::{Outcome as StepOutcome, Status};
use crate::figures;
use crate::plan::{Plan, Step, Verdict};

/// Shows exactly the statements that would be sent, and why others would not.
pub fn statements(console: &Console, plan: &Plan, outcome: Outcome) {
    if console.manner().format == Format::Json {
        let mut document = console.document().with_warnings(&plan.warnings);
        document.outcome = outcome;
        document.steps =
            Some(Steps::Objects(plan.steps.iter().map(StepDocument::planned).collect()));
        return console.json(&document);
    }
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
            Verdict::AsDeclared | Verdict::LeftOut => {
                console.narrate(&format!("{}: {}", step.object, step.reason));
            }
        }
    }
    warnings(console, plan);
}

/// Shows what was done.
pub fn executed(console: &Console, plan: &Plan, outcomes: &[StepOutcome], outcome: Outcome) {
    if console.manner().format == Format::Json {
        let steps = plan.steps.iter().zip(outcomes);
        let steps = steps.map(|(step, outcome)| StepDocument::executed(step, outcome));
        let mut document = console.document().with_warnings(&plan.warnings);
        document.outcome = outcome;
        document.steps = Some(Steps::Objects(steps.collect()));
        return console.json(&document);
    }
    let volume = console.manner().volume;
    let shown = plan.steps.iter().zip(outcomes).filter(|(_, outcome)| match outcome.status {
        Status::Done => volume > Volume::Quiet,
        Status::Skipped if outcome.is_fresh => volume == Volume::Verbose,
        Status::Skipped | Status::Failed | Status::Cancelled => true,
    });
    let shown = shown.collect::<Vec<_>>();
    if !shown.is_empty() {
        console.product(&executed_table(&shown));
    }
    warnings(console, plan);
    console.narrate(&summary(outcomes));
}

fn executed_table(steps: &[(&Step, &StepOutcome)]) -> String {
    let mut table =
        table(&["status", "view", "mode", "time", "inserted", "deleted", "size", "why"]);
    for (step, outcome) in steps {
        let done = outcome.refreshed.as_ref();
        let writes = done.and_then(|done| done.writes);
        let rows = |rows: Option<i64>| right(rows.map_or("-".to_owned(), |rows| rows.to_string()));
        let mut why = outcome.reason.clone();
        if outcome.waited.as_secs() > 0 {
            let waited = figures::duration(outcome.waited);
            why.push_str(&format!("; waited {waited} for others"));
        }
        table.add_row(vec![
            Cell::new(outcome.status.name()),
            Cell::new(&step.object),
            Cell::new(done.map_or("-".to_owned(), |done| done.way.to_string())),
            right(figures::duration(outcome.duration)),
            rows(writes.map(|writes| writes.inserted + writes.updated)),
            rows(writes.map(|writes| writes.deleted + writes.updated)),
            right(outcome.size_bytes.map_or("-".to_owned(), figures::bytes)),
            Cell::new(why),
        ]);
    }
    text(&table)
}

fn summary(outcomes: &[StepOutcome]) -> String {
    let count = |status| outcomes.iter().filter(|outcome| outcome.status == status).count();
    let fresh = outcomes.iter().filter(|outcome| outcome.is_fresh).count();
    let others = [
        (count(Status::Done), "refreshed"),
        (count(Status::Failed), "failed"),
        (count(Status::Cancelled), "cancelled"),
        (fresh, "fresh"),
        (count(Status::Skipped) - fresh, "skipped"),
    ];
    let parts = others.iter().filter(|(number, _)| *number > 0);
    let parts = parts.map(|(number, word)| format!("{number} {word}")).collect::<Vec<_>>();
    match &parts[..] {
        [] => "Nothing to do: the database has no materialized views.".to_owned(),
        parts => format!("{}.", parts.join(", ")),
    }
}
