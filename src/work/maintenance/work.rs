//! One table: the statement, and the tries after a connection broke.

use std::time::Duration;

use super::MaintenanceRun;
use super::why::Why;
use crate::failure::Result;
use crate::pg::server_error::{ServerError, UNDEFINED_TABLE};
use crate::work::engine::Tried;
use crate::work::event::{Detail, Event, Maintained, Status, StepIndex, StepOutcome};
use crate::work::plan::{Statement, Step};
use crate::work::retry::RETRIES;
use crate::work::vacuum_analyze::{self, MaintenanceEnd};
use crate::work::{reason, warnings};

/// The work on one table.
pub struct TableWork<'a> {
    run: &'a MaintenanceRun<'a>,
    at: StepIndex,
    step: &'a Step,
    /// How long it has waited for others.
    waited: Duration,
}

impl<'a> TableWork<'a> {
    /// Nothing done yet.
    pub fn new(run: &'a MaintenanceRun<'a>, at: StepIndex, step: &'a Step) -> Self {
        TableWork { run, at, step, waited: Duration::ZERO }
    }

    /// Works on the table until it is done, cannot be, or is locked.
    pub async fn until_settled(mut self) -> Tried {
        let Some(statement) = self.step.statements.first() else {
            return StepOutcome::new(Status::Skipped, reason::Why::NothingToSend).into();
        };
        let tried = self.tries(statement).await;
        let complete =
            |outcome| StepOutcome { waited: self.waited, sent: statement.texts(), ..outcome };
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
                Ok(Err(error)) => return StepOutcome::from(&error).into(),
                Err(failure) if failure.is_passing_connection() && retries < RETRIES => {
                    failure.to_string()
                }
                Err(failure) => return StepOutcome::from(failure).into(),
            };
            match self.run.execution.before_retry(self.at, &failure, &mut retries).await {
                Ok(None) => {}
                Ok(Some(interruption)) => return StepOutcome::from(interruption).into(),
                Err(failure) => return StepOutcome::from(failure).into(),
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
            MaintenanceEnd::Done => StepOutcome::new(Status::Done, self.step.reason.clone()),
            MaintenanceEnd::Locked(warnings) => {
                let status = if self.run.skips_locked {
                    Status::Skipped
                } else {
                    Status::Failed
                };
                let warnings = warnings::said(&warnings);
                let outcome = StepOutcome::new(status, reason::Why::LockedBy { warnings });
                return Ok(Ok(Tried::Locked(outcome)));
            }
            MaintenanceEnd::PassedOver(warnings) => {
                let warnings = warnings::said(&warnings);
                StepOutcome::new(Status::Failed, reason::Why::PassedOver { warnings })
            }
            MaintenanceEnd::Failed(error) if error.sqlstate.as_deref() == Some(UNDEFINED_TABLE) => {
                StepOutcome::new(Status::Skipped, Why::Dropped)
            }
            MaintenanceEnd::Failed(error) => return Ok(Err(error)),
            MaintenanceEnd::Interrupted(interruption) => interruption.into(),
            MaintenanceEnd::Stopped(why) => StepOutcome::new(Status::Failed, why),
        };
        let detail = Some(Detail::Maintained(detail));
        Ok(Ok(StepOutcome { detail, ..outcome }.into()))
    }
}
