//! When the connection breaks under a statement, nothing is known of the statement's fate. It is
//! never sent again on the off chance: its backend is looked for, and awaited while it lives.

use std::time::{Duration, Instant};

use tokio_postgres::types::Type;

use super::Execution;
use crate::catalog::is_at_work;
use crate::event::{Event, StepIndex};
use crate::failure::Result;
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

/// A connection, as soon as there is one again.
///
/// # Errors
/// Where there is none within a minute, or a signal came meanwhile.
pub async fn reach(execution: &Execution<'_>) -> Result<Session> {
    let give_up = Instant::now() + RECONNECT;
    loop {
        match execution.database.reader().await {
            Err(failure)
                if failure.is_passing_connection()
                    && Instant::now() < give_up
                    && execution.cancel.signal().is_none() =>
            {
                tokio::time::sleep(POLL).await;
            }
            result => return result,
        }
    }
}
