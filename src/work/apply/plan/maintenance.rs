//! What is to be done about a declared ANALYZE or VACUUM: it runs where this run changes the table
//! or where it was never done, so that a second run has nothing to do.

use crate::work::apply::why::Why;
use std::time::Duration;

use super::planner::ApplyPlanner;
use crate::declared::{DeclaredMaintenance, MaintenanceKind};
use crate::facts::{Relation, RelationKind};
use crate::pg::name::RelationName;
use crate::work::plan::{Action, Lock, LockMode, Statement, Step, Subject, Verdict};

/// Adds the step.
pub fn plan(planner: &mut ApplyPlanner<'_>, declared: &DeclaredMaintenance) {
    let step = match &declared.table {
        None => whole_database(planner, declared),
        Some(table) => match planner.relation(table).cloned() {
            Some(relation) => one_table(planner, declared, &relation),
            None => missing_table(planner, declared, table),
        },
    };
    planner.plan.steps.push(step);
}

fn one_table(
    planner: &ApplyPlanner<'_>,
    declared: &DeclaredMaintenance,
    relation: &Relation,
) -> Step {
    let mut step = blank(declared, &relation.name);
    step.table_bytes = relation.size_bytes;
    if !can_be_maintained(relation.kind) {
        step.verdict = Verdict::Refused;
        step.reason = Why::CannotBeMaintained {
            table: relation.name.clone(),
            kind: relation.kind.with_article(),
        }
        .into();
    } else if !relation.may_maintain {
        step.verdict = Verdict::Refused;
        step.reason =
            Why::OnlyOwner { table: relation.name.clone(), owner: relation.owner.clone() }.into();
    } else if let Some(other) = done_by_vacuum(planner, declared, relation) {
        step.verdict = Verdict::LeftOut;
        step.reason = Why::DoneByVacuum { source: other.source.to_string() }.into();
    } else if was_never_done(declared, relation) {
        run(&mut step, declared, &relation.name, Why::NeverDone);
    } else if changes(planner, &relation.name) {
        run(&mut step, declared, &relation.name, Why::ChangesTable);
        step.only_if_changed = Some(relation.name.clone());
    } else {
        step.verdict = Verdict::LeftOut;
        step.reason = Why::NothingChangesSince { ago: done_ago(declared, relation) }.into();
    }
    step
}

fn was_never_done(declared: &DeclaredMaintenance, relation: &Relation) -> bool {
    let vacuums = declared.kind == MaintenanceKind::Vacuum;
    declared.analyzes() && relation.analyzed_ago_seconds.is_none()
        || vacuums && relation.vacuumed_ago_seconds.is_none()
}

fn changes(planner: &ApplyPlanner<'_>, table: &RelationName) -> bool {
    planner.plan.steps.iter().any(|step| {
        step.verdict == Verdict::ToDo
            && (step.on.as_ref() == Some(table)
                || matches!(step.subject, Subject::View(_)) && step.object == *table)
    })
}

/// VACUUM (ANALYZE) of the same table, which leaves nothing to do for ANALYZE.
fn done_by_vacuum<'a>(
    planner: &'a ApplyPlanner<'_>,
    declared: &DeclaredMaintenance,
    relation: &Relation,
) -> Option<&'a DeclaredMaintenance> {
    if declared.kind != MaintenanceKind::Analyze {
        return None;
    }
    planner.declaration.maintenance.iter().find(|other| {
        let same = other.table.as_ref().and_then(|table| planner.relation(table));
        other.kind == MaintenanceKind::Vacuum
            && other.analyzes()
            && other.columns.is_empty()
            && same.is_some_and(|table| table.oid == relation.oid)
    })
}

fn done_ago(declared: &DeclaredMaintenance, relation: &Relation) -> String {
    let seconds = match declared.kind {
        MaintenanceKind::Analyze => relation.analyzed_ago_seconds,
        MaintenanceKind::Vacuum => relation.vacuumed_ago_seconds,
    };
    let ago = Duration::from_secs(seconds.unwrap_or_default().max(0.0) as u64);
    humantime::format_duration(ago).to_string()
}

fn missing_table(
    planner: &ApplyPlanner<'_>,
    declared: &DeclaredMaintenance,
    table: &RelationName,
) -> Step {
    if let Some(view) = planner.view_to_come(table) {
        let mut step = blank(declared, &view);
        run(&mut step, declared, &view, Why::ViewFirst);
        step.only_if_changed = Some(view);
        return step;
    }
    let name = planner.with_default_schema(table);
    let mut step = blank(declared, &name);
    step.verdict = Verdict::Refused;
    step.reason = Why::NoTable { table: name }.into();
    step
}

/// Whether a whole database was ever done cannot be known, so it is done when anything changes.
fn whole_database(planner: &ApplyPlanner<'_>, declared: &DeclaredMaintenance) -> Step {
    let mut step = blank(declared, &RelationName::unqualified(&planner.facts.server.database));
    if planner.plan.has_work() {
        step.verdict = Verdict::ToDo;
        step.reason = Why::ChangesDatabase.into();
        step.only_if_changed = Some(step.object.clone());
        step.lock = Some(Lock {
            mode: LockMode::ShareUpdateExclusive,
            on: "one table after the other".to_owned(),
        });
        step.statements = vec![statement(declared, None)];
    } else {
        step.verdict = Verdict::LeftOut;
        step.reason = Why::NothingChanges.into();
    }
    step
}

fn run(step: &mut Step, declared: &DeclaredMaintenance, table: &RelationName, why: Why) {
    step.verdict = Verdict::ToDo;
    step.reason = why.into();
    step.lock = Lock::share_update_exclusive(table);
    if let Some(lock) = step.lock.as_mut().filter(|_| cuts_off_pages(declared)) {
        lock.on.push_str(", AccessExclusive for moments at the end if it is free");
    }
    step.statements = vec![statement(declared, Some(table))];
}

/// SKIP_LOCKED, because ANALYZE queues for its table with a snapshot, for which a concurrent index
/// build waits in its last phase: a deadlock in which PostgreSQL kills the build.
fn statement(declared: &DeclaredMaintenance, table: Option<&RelationName>) -> Statement {
    let mut options = declared.options.clone();
    if !options.iter().any(|option| option.starts_with("SKIP_LOCKED")) {
        options.push("SKIP_LOCKED".to_owned());
    }
    let mut sql = format!("{} ({})", declared.kind.keyword(), options.join(", "));
    if let Some(table) = table {
        sql.push_str(&format!(" {table}"));
    }
    if !declared.columns.is_empty() {
        sql.push_str(&format!(" {}", declared.columns));
    }
    Statement::Alone(sql)
}

/// VACUUM gives empty pages at a table's end back to the system, for which nobody may read; it
/// tries for the lock without queueing, and stops when somebody waits.
fn cuts_off_pages(declared: &DeclaredMaintenance) -> bool {
    let keeps = |option: &String| option.replace("OFF", "FALSE") == "TRUNCATE FALSE";
    declared.kind == MaintenanceKind::Vacuum && !declared.options.iter().any(keeps)
}

fn can_be_maintained(kind: RelationKind) -> bool {
    use RelationKind::{ForeignTable, MaterializedView, PartitionedTable, Table};
    matches!(kind, Table | PartitionedTable | MaterializedView | ForeignTable)
}

fn blank(declared: &DeclaredMaintenance, name: &RelationName) -> Step {
    let table = declared.table.as_ref().map(|_| name.clone());
    let action = match declared.kind {
        MaintenanceKind::Analyze => Action::Analyze,
        MaintenanceKind::Vacuum => Action::Vacuum,
    };
    Step::new(
        action,
        name.clone(),
        Subject::Maintenance(DeclaredMaintenance { table, ..declared.clone() }),
    )
}
