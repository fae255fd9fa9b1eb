//! One table: the statement, and the tries after a connection broke.

use std::time::Duration;

use super::MaintenanceRun;
use super::why::Why;
use crate::failure::Result;
use crate::pg::server_error::{ServerError, UNDEFINED_TABLE};
use crate::work::engine::Tried;
use crate::work::event::{Detail, Event, Maintained, Outcome, Status, StepIndex};
use crate::work::plan::{Statement, Step};
use crate::work::retry::RETRIES;
use crate::work::vacuum_analyze::{self, Ended};
use crate::work::{reason, warnings};

/// The work on one table.
pub struct Work<'a> {
    run: &'a MaintenanceRun<'a>,
    at: StepIndex,
    step: &'a Step,
    /// How long it has waited for others.
    waited: Duration,
}

impl<'a> Work<'a> {
    /// Nothing done yet.
    pub fn new(run: &'a MaintenanceRun<'a>, at: StepIndex, step: &'a Step) -> Self {
        Work { run, at, step, waited: Duration::ZERO }
    }

    /// Works on the table until it is done, cannot be, or is locked.
    pub async fn until_settled(mut self) -> Tried {
        let Some(statement) = self.step.statements.first() else {
            return Outcome::new(Status::Skipped, reason::Why::NothingToSend).into();
        };
        let tried = self.tries(statement).await;
        let complete =
            |outcome| Outcome { waited: self.waited, sent: statement.texts(), ..outcome };
        match tried {
            Tried::Settled(outcome) => Tried::Settled(complete(outcome)),
            Tried::Locked(outcome) => Tried::Locked(complete(outcome)),
        }
    }

    async fn tries(&mut self, statement: &Statement) -> Tried {
        let mut retries = 0;
        loop {
            let failure = match self.once(statement).await {
                Ok(Ok(tried)) => return tried,
                // A server that restarts is back in a moment, and so is a session that was ended.
                Ok(Err(error)) if error.is_passing() && retries < RETRIES => error.to_string(),
                Ok(Err(error)) => return Outcome::from(&error).into(),
                Err(failure) if failure.is_passing_connection() && retries < RETRIES => {
                    failure.to_string()
                }
                Err(failure) => return Outcome::from(failure).into(),
            };
            match self.run.execution.before_retry(self.at, &failure, &mut retries).await {
                Ok(None) => {}
                Ok(Some(interruption)) => return Outcome::from(interruption).into(),
                Err(failure) => return Outcome::from(failure).into(),
            }
        }
    }

    async fn once(
        &mut self,
        statement: &Statement,
    ) -> Result<std::result::Result<Tried, ServerError>> {
        let execution = &self.run.execution;
        let session = self.run.session().await?;
        execution.events.emit(Event::Sending(self.at, statement.clone()));
        let (sql, waited) = (statement.texts().join("; "), &mut self.waited);
        let done = vacuum_analyze::run(execution, self.at, &session, &sql, waited).await;
        self.run.idle.keep(session);
        let detail = Maintained { pages_scanned: done.pages_scanned, change: None };
        let outcome = match done.ended {
            Ended::Done => Outcome::new(Status::Done, self.step.reason.clone()),
            Ended::Locked(warnings) => {
                let status = if self.run.skips_locked {
                    Status::Skipped
                } else {
                    Status::Failed
                };
                let warnings = warnings::said(&warnings);
                let outcome = Outcome::new(status, reason::Why::LockedBy { warnings });
                return Ok(Ok(Tried::Locked(outcome)));
            }
            Ended::PassedOver(warnings) => {
                let warnings = warnings::said(&warnings);
                Outcome::new(Status::Failed, reason::Why::PassedOver { warnings })
            }
            Ended::Failed(error) if error.sqlstate.as_deref() == Some(UNDEFINED_TABLE) => {
                Outcome::new(Status::Skipped, Why::Dropped)
            }
            Ended::Failed(error) => return Ok(Err(error)),
            Ended::Interrupted(interruption) => interruption.into(),
            Ended::Stopped(why) => Outcome::new(Status::Failed, why),
        };
        let detail = Some(Detail::Maintained(detail));
        Ok(Ok(Outcome { detail, ..outcome }.into()))
    }
}
