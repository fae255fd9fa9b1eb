//! What `vacuum` and `analyze` show.

use super::document::{Outcome, Steps};
use super::dry_run::FEW;
use super::table::{cell, right, table, text};
use super::{Console, Format, Manner, Volume};
use crate::catalog::HorizonHolder;
use crate::event::{Outcome as StepOutcome, Status};
use crate::figures;
use crate::plan::{Plan, Step};

/// How many tables that are not due are told one by one; how many more there are is told in all.
pub fn told(manner: Manner) -> usize {
    match (manner.format, manner.volume) {
        (Format::Json, _) | (_, Volume::Verbose) => usize::MAX,
        _ => FEW + 1,
    }
}

/// Shows what was done.
pub fn executed(console: &Console, plan: &Plan, outcomes: &[StepOutcome], outcome: Outcome) {
    if console.manner().format == Format::Json {
        return console.json(&console.document().executed(plan, outcomes, outcome));
    }
    let volume = console.manner().volume;
    let shown = plan.steps.iter().zip(outcomes).filter(|(_, outcome)| match outcome.status {
        Status::Done => volume > Volume::Quiet,
        Status::Skipped if outcome.is_fresh => volume == Volume::Verbose,
        Status::Skipped => volume > Volume::Quiet,
        Status::Failed | Status::Cancelled => true,
    });
    let shown = shown.collect::<Vec<_>>();
    if !shown.is_empty() {
        console.product(&executed_table(&shown));
    }
    console.warnings(&plan.warnings);
    console.narrate(&summary(outcomes, plan.not_due));
}

/// Who keeps the dead rows that are left, in words; `None` where nobody is seen who does.
pub fn horizon(holders: &[HorizonHolder]) -> Option<String> {
    let oldest = holders.first()?;
    let who = oldest.who.as_deref().filter(|who| !who.is_empty());
    let who = who.map_or_else(String::new, |who| format!(" ({who})"));
    let kind = match oldest.kind.as_str() {
        "session" => "the session with pid",
        "prepared transaction" => "the prepared transaction",
        "replication slot" => "the replication slot",
        _ => "the standby",
    };
    let transactions =
        figures::count(usize::try_from(oldest.age).unwrap_or(0), "transaction", "transactions");
    Some(format!("{kind} {}{who}, which looks back {transactions}", oldest.name))
}

/// The JSON document of a run outside of its window.
pub fn closed(console: &Console) {
    if console.manner().format == Format::Json {
        let mut document = console.document();
        document.steps = Some(Steps::Objects(Vec::new()));
        console.json(&document);
    }
}

fn executed_table(steps: &[(&Step, &StepOutcome)]) -> String {
    let mut table = table(&[
        "status",
        "action",
        "table",
        "time",
        "scanned",
        "size",
        "dead rows",
        "frozen age",
        "why",
    ]);
    for (step, outcome) in steps {
        let change = |before: i64, after: i64| {
            if before == after { after.to_string() } else { format!("{before} → {after}") }
        };
        let upkept = outcome.upkept.as_ref();
        let dead = upkept.map(|it| change(it.dead_rows_before, it.dead_rows_after));
        let age = upkept.and_then(|it| {
            let (before, after) = (it.frozen_xid_age_before?, it.frozen_xid_age_after?);
            Some(change(before.into(), after.into()))
        });
        let pages = outcome.pages_scanned.map(|pages| format!("{pages} pages"));
        let time = match outcome.started {
            Some(_) => figures::duration(outcome.duration),
            None => "-".to_owned(),
        };
        table.add_row(vec![
            cell(outcome.status.name()),
            cell(step.action.words()),
            cell(&step.object),
            right(time),
            right(pages.unwrap_or_else(|| "-".to_owned())),
            right(outcome.size_bytes.map_or("-".to_owned(), figures::bytes)),
            right(dead.unwrap_or_else(|| "-".to_owned())),
            right(age.unwrap_or_else(|| "-".to_owned())),
            cell(&outcome.reason),
        ]);
    }
    text(&table)
}

fn summary(outcomes: &[StepOutcome], not_due: usize) -> String {
    let count = |status| outcomes.iter().filter(|outcome| outcome.status == status).count();
    let fresh = outcomes.iter().filter(|outcome| outcome.is_fresh).count();
    let others = [
        (count(Status::Done), "done"),
        (count(Status::Failed), "failed"),
        (count(Status::Cancelled), "cancelled"),
        (count(Status::Skipped) - fresh, "left"),
        (fresh + not_due, "not due"),
    ];
    let parts = others.iter().filter(|(number, _)| *number > 0);
    let parts = parts.map(|(number, word)| format!("{number} {word}")).collect::<Vec<_>>();
    match &parts[..] {
        [] => "Nothing to do: there are no tables.".to_owned(),
        parts => format!("{}.", parts.join(", ")),
    }
}
