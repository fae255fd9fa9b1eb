//! What `plan` and `apply` show.

use super::document::Outcome;
use super::table::{cell, right, table, text};
use super::{Console, Format, Volume, dry_run};
use crate::event::{Outcome as StepOutcome, Status};
use crate::figures;
use crate::plan::{Action, Plan, Step, Verdict};

/// Shows a plan as `plan` does.
pub fn plan(console: &Console, plan: &Plan, outcome: Outcome) {
    if console.manner().format == Format::Json {
        return console.json(&console.document().planned(plan, outcome));
    }
    let volume = console.manner().volume;
    let shown = plan.steps.iter().filter(|step| is_shown(step, volume)).collect::<Vec<_>>();
    if volume > Volume::Quiet || outcome == Outcome::Findings {
        if !shown.is_empty() {
            console.product(&plan_table(&shown, volume));
        }
        console.narrate(&plan_summary(plan));
    }
    console.warnings(&plan.warnings);
}

/// Shows exactly the statements that `apply` would send.
pub fn statements(console: &Console, plan: &Plan, outcome: Outcome) {
    if console.manner().format == Format::Json {
        return console.json(&console.document().planned(plan, outcome));
    }
    dry_run::statements(console, plan);
    console.narrate(&plan_summary(plan));
    console.warnings(&plan.warnings);
}

/// Shows what was done.
pub fn executed(console: &Console, plan: &Plan, outcomes: &[StepOutcome], outcome: Outcome) {
    if console.manner().format == Format::Json {
        return console.json(&console.document().executed(plan, outcomes, outcome));
    }
    let volume = console.manner().volume;
    let shown = plan.steps.iter().zip(outcomes);
    let shown = shown.filter(|(_, outcome)| match outcome.status {
        Status::Skipped => volume == Volume::Verbose,
        Status::Done => volume > Volume::Quiet,
        Status::Failed | Status::Cancelled => true,
    });
    let shown = shown.collect::<Vec<_>>();
    if !shown.is_empty() {
        console.product(&executed_table(&shown));
    }
    console.warnings(&plan.warnings);
    console.narrate(&executed_summary(outcomes));
    cleanup(console, outcomes);
}

fn is_shown(step: &Step, volume: Volume) -> bool {
    matches!(step.verdict, Verdict::ToDo | Verdict::Refused) || volume == Volume::Verbose
}

fn plan_table(steps: &[&Step], volume: Volume) -> String {
    let mut table = table(&["action", "object", "on", "why", "strongest lock", "est. size"]);
    for step in steps {
        let action = match step.verdict {
            Verdict::ToDo => step.action.words(),
            Verdict::AsDeclared | Verdict::LeftOut => "-",
            Verdict::Refused => "needs you",
        };
        let size = match (step.verdict, step.estimated_bytes) {
            (Verdict::ToDo, Some(bytes)) => format!("~{}", figures::bytes(bytes)),
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
    let mut product = text(&table);
    if volume == Volume::Verbose {
        product.push('\n');
        for step in steps {
            let statements = step.statements.iter().flat_map(|statement| statement.texts());
            let mut statements = statements.peekable();
            if let (Some(_), Some(source)) = (statements.peek(), step.source()) {
                product.push_str(&format!("-- {source}\n"));
            }
            statements.for_each(|statement| product.push_str(&format!("{statement};\n")));
        }
    }
    product
}

fn plan_summary(plan: &Plan) -> String {
    let count = |verdict| plan.steps.iter().filter(|step| step.verdict == verdict).count();
    let (to_do, refused) = (count(Verdict::ToDo), count(Verdict::Refused));
    let rest = plan.steps.len() - to_do - refused;
    if to_do + refused == 0 {
        return format!(
            "Nothing to do: {} as declared.",
            figures::count(rest, "object", "objects")
        );
    }
    let rest = format!("{rest} with nothing to do");
    let mut summary = format!("{} to do", figures::count(to_do, "step", "steps"));
    if refused > 0 {
        summary.push_str(&format!(", {refused} that need you"));
    }
    format!("{summary}, {rest}.")
}

fn executed_table(steps: &[(&Step, &StepOutcome)]) -> String {
    let mut table = table(&["status", "action", "object", "on", "time", "size", "how"]);
    for (step, outcome) in steps {
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

fn executed_summary(outcomes: &[StepOutcome]) -> String {
    let count = |status| outcomes.iter().filter(|outcome| outcome.status == status).count();
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

fn cleanup(console: &Console, outcomes: &[StepOutcome]) {
    for sql in outcomes.iter().filter_map(|outcome| outcome.cleanup.as_ref()) {
        console.warn(&format!("left behind; the next apply removes it, or you with: {sql}"));
    }
}
