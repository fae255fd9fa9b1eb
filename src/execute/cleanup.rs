//! Removing what a statement of ours left when it failed or was stopped. An invalid index costs
//! every write and, if it is unique, may reject the application's rows: so it goes at once.

use std::time::Duration;

use super::Execution;
use super::converge::look;
use crate::event::Outcome;
use crate::plan::{Statement, Subject, Verdict};

/// How long cleaning up may take; dropping waits for every transaction that reads the table.
const LIMIT: Duration = Duration::from_secs(10);

/// Looks at what is left of the object and drops it. Adds to the outcome what was done, or the
/// SQL that does it where it could not be done.
pub async fn after(execution: &Execution<'_>, subject: &Subject, outcome: &mut Outcome) {
    let Ok(seen) = look(execution, subject).await else { return };
    let Some(drop) = leftover(&seen.step.statements) else { return };
    if seen.step.verdict != Verdict::ToDo || seen.step.busy.is_some() {
        return;
    }
    let done = match execution.database.maintainer().await {
        Ok(session) => matches!(session.execute_within(&drop, LIMIT).await, Some(Ok(()))),
        Err(_) => false,
    };
    if done {
        outcome.reason.push_str("; what it left was dropped");
    } else {
        outcome.reason.push_str("; what it left could not be dropped yet, the next run does it");
        outcome.cleanup = Some(format!("{drop};"));
    }
}

fn leftover(statements: &[Statement]) -> Option<String> {
    match statements.first()? {
        Statement::Drop { sql } => Some(sql.clone()),
        _ => None,
    }
}
