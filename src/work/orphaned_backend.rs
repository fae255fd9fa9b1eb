//! When the connection breaks under a statement, nothing is known of the statement's fate. It is
//! never sent again on the off chance: its backend is looked for, and awaited while it lives.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::types::Type;

use super::Execution;
use super::event::{Event, StepIndex};
use crate::facts::is_at_work;
use crate::failure::{Failure, Kind, Result};
use crate::pg::session::Session;

/// How long a server that cannot be reached is tried: a restart takes seconds, a failover a minute.
const RECONNECT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(500);

/// Waits until the backend no longer works on the statement. A signal cancels it there.
///
/// # Errors
/// Where the server cannot be reached again in time.
pub async fn await_end(
    execution: &Execution<'_>,
    at: StepIndex,
    pid: i32,
    statement: &str,
) -> Result<()> {
    let mut asked_to_stop = false;
    loop {
        let session = reach(execution).await?;
        if !is_at_work(&session, pid, statement).await? {
            return Ok(());
        }
        let words =
            format!("pid {pid}: our connection broke, but the server goes on with our work");
        execution.events.emit(Event::Waiting(at, pid, words));
        if execution.cancel.signal().is_some() && !asked_to_stop {
            asked_to_stop = true;
            let sql = "SELECT pg_catalog.pg_cancel_backend($1)";
            session
                .query(sql, &[(&pid, Type::INT4)])
                .await
                .map_err(|error| error.into_failure().context("cancelling our lost statement"))?;
        }
        drop(session);
        tokio::time::sleep(POLL).await;
    }
}

/// Since when the server cannot be reached, by whichever step: the minute counts once for all of them.
#[derive(Debug, Default)]
pub struct Outage {
    since: Mutex<Option<Instant>>,
    lost: OnceLock<String>,
}

impl Outage {
    /// Why the server was given up, if it was.
    pub fn lost(&self) -> Option<&str> {
        self.lost.get().map(String::as_str)
    }

    fn since(&self) -> Instant {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        *since.get_or_insert_with(Instant::now)
    }

    fn is_over(&self) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn give_up(&self, failure: Failure) -> Failure {
        let _ = self.lost.set(failure.to_string());
        failure
    }
}

/// A connection, as soon as there is one again.
///
/// # Errors
/// Where there is none within a minute, or it would be in vain, or a signal came meanwhile.
pub async fn reach(execution: &Execution<'_>) -> Result<Session> {
    let give_up = execution.outage.since() + RECONNECT;
    loop {
        let reached = tokio::time::timeout_at(give_up, execution.database.reader()).await;
        let failure = match reached {
            Ok(Ok(session)) => {
                execution.outage.is_over();
                return Ok(session);
            }
            Ok(Err(failure)) => failure,
            Err(_) => {
                let limit = humantime::format_duration(RECONNECT);
                let text = format!("the server could not be reached again within {limit}");
                return Err(execution.outage.give_up(Failure::new(Kind::Connection, text)));
            }
        };
        if !failure.is_passing_connection() {
            return Err(execution.outage.give_up(failure));
        }
        if execution.cancel.signal().is_some() {
            return Err(failure);
        }
        tokio::time::sleep(POLL).await;
    }
}
