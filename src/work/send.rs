//! Sending a statement that may take hours: under watch, and stopped when somebody asks.

use std::time::Duration;

use super::event::StepIndex;
use super::reason::Reason;
use super::{Execution, Interruption};
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// How a statement ended.
pub enum StatementEnding {
    /// It succeeded.
    Done,
    /// The server refused, or the connection broke.
    Failed(ServerError),
    /// A signal came, or its time was up.
    Interrupted(Interruption),
    /// We stopped it for this reason.
    Stopped(Reason),
}

/// Sends the statement and awaits its end. `waited` is how long its step has waited for others.
pub async fn send(
    execution: &Execution<'_>,
    at: StepIndex,
    session: &Session,
    sql: &str,
    waited: &mut Duration,
) -> StatementEnding {
    let mut ticket = execution.monitor.track(session, at, *waited);
    let mut stopped = StatementEnding::Interrupted(Interruption::Cancelled);
    let stop = async {
        tokio::select! {
            interruption = execution.interrupted() => stopped = StatementEnding::Interrupted(interruption),
            // The monitor holds the other end for as long as the ticket lives.
            Ok(why) = &mut ticket.stop => stopped = StatementEnding::Stopped(why),
        }
    };
    let answer = session.execute_unless(sql, stop).await;
    *waited = ticket.waited();
    match answer {
        Some(Ok(())) => StatementEnding::Done,
        Some(Err(error)) => StatementEnding::Failed(error),
        None => stopped,
    }
}
