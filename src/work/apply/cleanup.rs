//! Removing what a statement of ours left when it failed or was stopped. An invalid index costs
//! every write and, if it is unique, may reject the application's rows: so it goes at once.

use super::became;
use super::replan::{SeenObject, TableNow, replan};
use crate::facts::Oid;
use crate::pg::name::RelationName;
use crate::work::event::StepOutcome;
use crate::work::plan::{self, Statement, Subject, Verdict};
use crate::work::{Apply, drop_index};

/// Looks at what the statement left of the object (the table as it was found, and the index that was
/// seen to be built there) and drops it. Adds to the outcome what was done,
/// or the SQL that does it where it could not be done.
pub async fn after(
    apply: &Apply<'_>,
    subject: &Subject,
    statement: Option<&Statement>,
    (table, index): (Option<&TableNow>, Option<Oid>),
    outcome: &mut StepOutcome,
) {
    let Ok(seen) = replan(apply, subject).await else {
        return;
    };
    if let (Some(table), Some(index)) = (table, index)
        && seen.table.as_ref() != Some(table)
    {
        // What cannot be told now is told by the next run.
        let _ = became::tell_leftover(&apply.execution, table, index, outcome).await;
        return;
    }
    if seen.step.verdict != Verdict::ToDo {
        return;
    }
    let Some((left, is_busy)) = leftover(&seen, statement) else {
        return;
    };
    let in_the_way = match is_busy {
        true => Err(None),
        false => drop_index::dropped(&apply.execution, &left).await,
    };
    match in_the_way {
        Ok(()) => outcome.reason.add("what it left was dropped"),
        Err(who) => {
            let why = who.map_or_else(String::new, |who| format!(" because {who} uses the table,"));
            let text = format!("what it left could not be dropped yet,{why} the next run does it");
            outcome.reason.add(text);
            outcome.cleanup = Some(format!("DROP INDEX CONCURRENTLY {left};"));
        }
    }
}

/// The index, and whether somebody is at work on the table. After a build of one of several parts
/// it is that part's: the others may be at work on theirs.
fn leftover(seen: &SeenObject, statement: Option<&Statement>) -> Option<(RelationName, bool)> {
    if let Some(Statement::Build { index, table: Some(table), .. }) = statement {
        let wanted = plan::drop(index);
        seen.step.statements.iter().find(|it| **it == wanted)?;
        let is_busy = seen.builds.iter().any(|build| build.table == Some(*table));
        return Some((index.clone(), is_busy));
    }
    match seen.step.statements.first()? {
        Statement::Drop { index, .. } => Some((index.clone(), seen.step.busy.is_some())),
        _ => None,
    }
}
