//! Short transactions under a short lock_timeout: others queue behind the lock that they wait for,
//! so they rather give up and try again.

use std::time::Duration;

use tokio::time::Instant;

use super::Execution;
use super::event::{Event, StepIndex};
use super::plan::Statement;
use super::reason::Why;
use super::retry::with_jitter;
use super::send::StatementEnding;
use crate::pg::server_error::{DEADLOCK_DETECTED, ServerError};
use crate::pg::session::Session;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Runs the statements in one transaction, again and again while the lock is not free, for as
/// long as the step may wait.
pub async fn run(
    execution: &Execution<'_>,
    at: StepIndex,
    session: &Session,
    statements: &[String],
) -> StatementEnding {
    let give_up = Instant::now() + execution.policy.max_wait;
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match once(session, statements).await {
            Ok(()) => return StatementEnding::Done,
            Err(error) => error,
        };
        let is_deadlock = error.sqlstate.as_deref() == Some(DEADLOCK_DETECTED);
        if !is_deadlock && !error.is_lock_not_available() {
            return StatementEnding::Failed(error);
        }
        if Instant::now() >= give_up {
            return StatementEnding::Stopped(Why::GaveUpOnLock { error: error.to_string() }.into());
        }
        execution.events.emit(Event::Retrying(at, error.to_string()));
        if let Some(interruption) = execution.pause(with_jitter(pause)).await {
            return StatementEnding::Interrupted(interruption);
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn once(session: &Session, statements: &[String]) -> Result<(), ServerError> {
    for sql in Statement::Short(statements.to_vec()).texts() {
        if let Err(error) = session.execute(&sql).await {
            // The first error is the one to tell; a lost connection has rolled back by itself.
            let _ = session.execute("ROLLBACK").await;
            return Err(error);
        }
    }
    Ok(())
}
