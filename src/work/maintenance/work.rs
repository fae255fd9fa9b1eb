//! One table: the statement, the server's warnings, and the tries after a connection broke.

use std::time::Duration;

use super::MaintenanceRun;
use crate::failure::Result;
use crate::pg::server_error::{LOCK_NOT_AVAILABLE, ServerError};
use crate::pg::session::{Notice, Session};
use crate::work::event::{Event, Outcome, Status, StepIndex};
use crate::work::plan::Step;
use crate::work::retry::RETRIES;
use crate::work::send::{Ended, send};
use crate::work::{orphaned_backend, retry, warnings};

/// How one try ended.
pub enum Tried {
    /// For good.
    Settled(Outcome),
    /// Somebody holds the lock.
    Locked(Outcome),
}

/// The work on one table.
pub struct Work<'a> {
    run: &'a MaintenanceRun<'a>,
    at: StepIndex,
    step: &'a Step,
    /// How long it has waited for others.
    pub waited: Duration,
    /// Pages that were read, by the server's own words; `None` where they are not understood.
    pub pages_scanned: Option<i64>,
}

impl<'a> Work<'a> {
    /// Nothing done yet.
    pub fn new(run: &'a MaintenanceRun<'a>, at: StepIndex, step: &'a Step) -> Self {
        Work { run, at, step, waited: Duration::ZERO, pages_scanned: None }
    }

    /// Works on the table until it is done, cannot be, or is locked.
    pub async fn until_settled(&mut self) -> Tried {
        let mut retries = 0;
        loop {
            let failure = match self.once().await {
                Ok(Ok(tried)) => return tried,
                // A server that restarts is back in a moment, and so is a session that was ended.
                Ok(Err(error)) if error.is_passing() && retries < RETRIES => error.to_string(),
                Ok(Err(error)) => return Tried::Settled(Outcome::from(&error)),
                Err(failure) if failure.is_passing_connection() && retries < RETRIES => {
                    failure.to_string()
                }
                Err(failure) => return Tried::Settled(Outcome::from(failure)),
            };
            let execution = &self.run.execution;
            execution.events.emit(Event::Retrying(self.at, failure));
            tokio::select! {
                () = tokio::time::sleep(retry::pause(retries)) => {}
                _ = execution.cancel.wait() => {
                    return Tried::Settled(Outcome::new(Status::Cancelled, "cancelled"));
                }
            }
            retries += 1;
            if let Err(failure) = orphaned_backend::reach(execution).await {
                return Tried::Settled(Outcome::from(failure));
            }
        }
    }

    async fn once(&mut self) -> Result<std::result::Result<Tried, ServerError>> {
        let execution = &self.run.execution;
        let Some(statement) = self.step.statements.first() else {
            return Ok(Ok(Tried::Settled(Outcome::new(Status::Skipped, "nothing to send"))));
        };
        let session = self.run.session().await?;
        execution.events.emit(Event::Sending(self.at, statement.clone()));
        let sql = statement.texts().join("; ");
        let ended = send(execution, self.at, &session, &sql, &mut self.waited).await;
        let warnings = self.warnings(&session);
        self.run.idle.keep(session);
        let outcome = match ended {
            Ended::Done
                if warnings.iter().any(|warning| warning.sqlstate == LOCK_NOT_AVAILABLE) =>
            {
                let status = if self.run.skips_locked {
                    Status::Skipped
                } else {
                    Status::Failed
                };
                return Ok(Ok(Tried::Locked(Outcome::new(status, warnings::said(&warnings)))));
            }
            Ended::Done if is_skipped(&warnings) => {
                Outcome::new(Status::Failed, warnings::said(&warnings))
            }
            Ended::Done => Outcome::new(Status::Done, self.step.reason.clone()),
            Ended::Failed(error) if error.sqlstate.as_deref() == Some("42P01") => {
                Outcome::new(Status::Skipped, "it was dropped meanwhile")
            }
            Ended::Failed(error) => return Ok(Err(error)),
            Ended::Cancelled => Outcome::new(Status::Cancelled, "cancelled"),
            // Only the end of the time stops it: nothing here waits for others.
            Ended::Stopped(reason) => {
                Outcome::left(format!("cancelled, and left for the next time: {reason}"))
            }
        };
        Ok(Ok(Tried::Settled(outcome)))
    }

    fn warnings(&mut self, session: &Session) -> Vec<Notice> {
        let (warnings, others) = warnings::take(session);
        let scanned = others.iter().filter_map(|notice| pages_scanned(&notice.message));
        self.pages_scanned = scanned.reduce(|all, more| all + more);
        warnings::tell(&self.run.execution, self.at, others);
        for warning in warnings.iter().filter(|warning| warning.sqlstate != LOCK_NOT_AVAILABLE) {
            self.run.execution.events.emit(Event::Warned(self.at, warning.message.clone()));
        }
        warnings
    }
}

/// Of the server's warnings those that say that a table was passed over.
fn is_skipped(warnings: &[Notice]) -> bool {
    warnings.iter().any(|warning| {
        warning.sqlstate == "42501"
            || warning.message.starts_with("skipping ")
            || warning.message.contains("can vacuum it")
            || warning.message.contains("can analyze it")
    })
}

/// What VERBOSE says of the pages that were read: up to 14 and of ANALYZE `… 12 out of 40 pages`, from
/// 15 on `pages: 0 removed, 40 remain, 12 scanned (30.00% of total)`. Only English is understood.
fn pages_scanned(message: &str) -> Option<i64> {
    let before = match message.lines().find_map(|line| line.strip_prefix("pages: ")) {
        Some(pages) => pages.split_once(" scanned")?.0,
        None if message.contains(": found ") => message.split_once(" out of ")?.0,
        None => message.split_once("\": scanned ")?.1.split_once(" of ")?.0,
    };
    before.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_words_tell_how_many_pages_were_read() {
        let read = |message: &str| pages_scanned(message);
        let modern = "finished vacuuming \"a.b.c\": index scans: 0\n\
            pages: 0 removed, 40 remain, 12 scanned (30.00% of total), 0 eagerly scanned\n\
            tuples: 3 removed, 5 remain";
        assert_eq!(read(modern), Some(12));
        let older =
            "table \"c\": found 3 removable, 5 nonremovable row versions in 12 out of 40 pages";
        assert_eq!(read(older), Some(12));
        let analyze = "\"c\": scanned 12 of 40 pages, containing 5 live rows and 3 dead rows";
        assert_eq!(read(analyze), Some(12));
        for other in ["vacuuming \"a.b.c\"", "analyzing \"a.c\"", "Seiten: 1 gelesen", ""] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
