//! A declared ANALYZE or VACUUM: sent with SKIP_LOCKED, tried again where the lock was not free,
//! and verified in the statistics, because a skipped table is only a WARNING of a statement that
//! succeeds.

use std::time::{Duration, Instant};

use crate::declared::{DeclaredMaintenance, MaintenanceKind};
use crate::facts;
use crate::failure::Result;
use crate::pg::server_error::LOCK_NOT_AVAILABLE;
use crate::pg::session::Notice;
use crate::work::event::{Event, Outcome, Status, StepIndex};
use crate::work::plan::{Step, Subject};
use crate::work::send::{Ended, send};
use crate::work::{Apply, Execution, STATISTICS_DELAY, warnings};

const TRIES: usize = 6;
const PAUSE_BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// Runs the step's one statement until it is done or skipped for good.
pub async fn run(apply: &Apply<'_>, at: StepIndex, step: &Step) -> Outcome {
    let started = Instant::now();
    let mut waited = Duration::ZERO;
    let tried = tries(apply, at, step, &mut waited).await;
    let mut outcome = tried.unwrap_or_else(Outcome::from);
    outcome.duration = started.elapsed();
    outcome.waited = waited;
    outcome
}

async fn tries(
    apply: &Apply<'_>,
    at: StepIndex,
    step: &Step,
    waited: &mut Duration,
) -> Result<Outcome> {
    let execution = &apply.execution;
    let session = execution.database.maintainer(apply.workers()).await?;
    let Some(statement) = step.statements.first() else {
        return Ok(Outcome::new(Status::Skipped, "nothing to send"));
    };
    let sent = statement.texts();
    let sql = sent.join("; ");
    for attempt in 1.. {
        execution.events.emit(Event::Sending(at, statement.clone()));
        let began = Instant::now();
        let ended = send(execution, at, &session, &sql, waited).await;
        let (warnings, others) = warnings::take(&session);
        warnings::tell(execution, at, others);
        let outcome = match ended {
            Ended::Done if warnings.is_empty() => done(),
            Ended::Done if is_recorded(execution, step, began).await? => {
                done_but(execution, at, &warnings)
            }
            Ended::Done if attempt < TRIES && warnings.iter().any(is_about_a_lock) => {
                execution.events.emit(Event::Retrying(at, warnings::said(&warnings)));
                tokio::select! {
                    () = tokio::time::sleep(PAUSE_BETWEEN_TRIES) => continue,
                    _ = execution.cancel.wait() => Outcome::new(Status::Cancelled, "cancelled"),
                }
            }
            Ended::Done => Outcome::new(Status::Failed, warnings::said(&warnings)),
            Ended::Failed(error) => Outcome::from(&error),
            Ended::Cancelled => Outcome::new(Status::Cancelled, "cancelled"),
            Ended::Stopped(reason) => Outcome::new(Status::Failed, reason),
        };
        if outcome.status == Status::Done {
            await_record(execution, step, began).await?;
        }
        return Ok(Outcome { sent, ..outcome });
    }
    Ok(Outcome::new(Status::Failed, "never tried"))
}

fn done() -> Outcome {
    Outcome::new(Status::Done, "done")
}

/// Of a whole database some tables may be skipped, the system's own for example; it is told.
fn done_but(execution: &Execution<'_>, at: StepIndex, warnings: &[Notice]) -> Outcome {
    for warning in warnings {
        execution.events.emit(Event::Warned(at, warning.message.clone()));
    }
    let count = warnings.len();
    Outcome::new(Status::Done, format!("done, with {count} warnings of the server"))
}

fn is_about_a_lock(warning: &Notice) -> bool {
    warning.sqlstate == LOCK_NOT_AVAILABLE
}

/// Gives the statistics the time to show what was done, so that a run right after this one does
/// not do it again. With track_counts off they never will.
async fn await_record(execution: &Execution<'_>, step: &Step, began: Instant) -> Result<()> {
    let give_up = Instant::now() + STATISTICS_DELAY;
    while !is_recorded(execution, step, began).await? && Instant::now() < give_up {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Whether the statistics say that it was done since `began`.
async fn is_recorded(execution: &Execution<'_>, step: &Step, began: Instant) -> Result<bool> {
    let Subject::Maintenance(DeclaredMaintenance { kind, table: Some(table), .. }) = &step.subject
    else {
        return Ok(true);
    };
    let session = execution.database.reader().await?;
    let questions = facts::Questions {
        relations: vec![table.clone()],
        ..facts::Questions::default()
    };
    let facts = facts::load(&session, &execution.database.server, &questions).await?;
    let ago = facts
        .relations
        .first()
        .and_then(Option::as_ref)
        .and_then(|relation| match kind {
            MaintenanceKind::Analyze => relation.analyzed_ago_seconds,
            MaintenanceKind::Vacuum => relation.vacuumed_ago_seconds,
        });
    Ok(ago.is_some_and(|seconds| seconds <= began.elapsed().as_secs_f64()))
}
