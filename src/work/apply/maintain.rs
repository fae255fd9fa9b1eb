//! A declared ANALYZE or VACUUM, verified in the statistics.

use std::time::{Duration, Instant};

use super::Apply;
use super::why::Why;
use crate::declared::{DeclaredMaintenance, MaintenanceKind};
use crate::facts;
use crate::failure::Result;
use crate::pg::session::Notice;
use crate::work::engine::Tried;
use crate::work::event::{Event, Status, StepIndex, StepOutcome};
use crate::work::plan::Step;
use crate::work::vacuum_analyze::{self, MaintenanceEnd};
use crate::work::{Execution, STATISTICS_DELAY, reason, warnings};

/// Sends the step's one statement.
pub async fn run(
    apply: &Apply<'_>,
    at: StepIndex,
    step: &Step,
    declared: &DeclaredMaintenance,
) -> Tried {
    once(apply, at, step, declared)
        .await
        .unwrap_or_else(|failure| StepOutcome::from(failure).into())
}

async fn once(
    apply: &Apply<'_>,
    at: StepIndex,
    step: &Step,
    declared: &DeclaredMaintenance,
) -> Result<Tried> {
    let Some(statement) = step.statements.first() else {
        return Ok(StepOutcome::new(Status::Skipped, reason::Why::NothingToSend).into());
    };
    let execution = &apply.execution;
    let session = execution.database.maintainer(execution.workers()).await?;
    execution.events.emit(Event::Sending(at, statement.clone()));
    let (sent, began) = (statement.texts(), Instant::now());
    let mut waited = Duration::ZERO;
    let sql = sent.join("; ");
    let ended = vacuum_analyze::run(execution, at, &session, &sql, &mut waited).await.ended;
    let is_locked = matches!(ended, MaintenanceEnd::Locked(_));
    let outcome = match ended {
        MaintenanceEnd::Done => StepOutcome::new(Status::Done, reason::Why::Done),
        MaintenanceEnd::Locked(warnings) | MaintenanceEnd::PassedOver(warnings) => {
            match is_recorded(execution, declared, began).await? {
                true => done_but(execution, at, &warnings),
                false => {
                    let warnings = warnings::said(&warnings);
                    StepOutcome::new(Status::Failed, reason::Why::PassedOver { warnings })
                }
            }
        }
        MaintenanceEnd::Failed(error) => StepOutcome::from(&error),
        MaintenanceEnd::Interrupted(interruption) => interruption.into(),
        MaintenanceEnd::Stopped(why) => StepOutcome::new(Status::Failed, why),
    };
    if outcome.status == Status::Done {
        await_record(execution, declared, began).await?;
    }
    let is_done = outcome.status == Status::Done;
    let outcome = StepOutcome { sent, waited, ..outcome };
    Ok(match is_locked && !is_done {
        true => Tried::Locked(outcome),
        false => Tried::Settled(outcome),
    })
}

/// Of a whole database some tables may be skipped, the system's own for example; it is told.
fn done_but(execution: &Execution<'_>, at: StepIndex, warnings: &[Notice]) -> StepOutcome {
    for warning in warnings {
        execution.events.emit(Event::Warned(at, warning.message.clone()));
    }
    StepOutcome::new(Status::Done, Why::DoneWithWarnings { count: warnings.len() })
}

/// Gives the statistics the time to show what was done, so that a run right after this one does
/// not do it again. With track_counts off they never will.
async fn await_record(
    execution: &Execution<'_>,
    declared: &DeclaredMaintenance,
    began: Instant,
) -> Result<()> {
    let give_up = Instant::now() + STATISTICS_DELAY;
    while !is_recorded(execution, declared, began).await? && Instant::now() < give_up {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Whether the statistics say that it was done since `began`.
async fn is_recorded(
    execution: &Execution<'_>,
    declared: &DeclaredMaintenance,
    began: Instant,
) -> Result<bool> {
    let DeclaredMaintenance { kind, table: Some(table), .. } = declared else {
        return Ok(true);
    };
    let session = execution.database.reader().await?;
    let questions = facts::Questions {
        relations: [table.clone()].into(),
        ..facts::Questions::default()
    };
    let facts = facts::load(&session, &execution.database.server, &questions).await?;
    let ago = facts.relations.get(table).and_then(|relation| match kind {
        MaintenanceKind::Analyze => relation.analyzed_ago_seconds,
        MaintenanceKind::Vacuum => relation.vacuumed_ago_seconds,
    });
    Ok(ago.is_some_and(|seconds| seconds <= began.elapsed().as_secs_f64()))
}
