//! One object made as declared: plan, send, plan again.

use std::time::{Duration, Instant};

use super::watch::{Ended, Watch};
use super::{Execution, cleanup, short};
use crate::catalog;
use crate::declared::Declaration;
use crate::event::{Event, Outcome, Status, StepIndex};
use crate::failure::Result;
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;
use crate::plan::{self, Plan, Statement, Step, Subject, Verdict, apply};

/// More statements than any plan has: whoever needs more is going round in circles.
const MOST_STATEMENTS: usize = 12;

/// Works on a step until its object is as declared, or cannot be.
pub async fn run(execution: &Execution<'_>, at: StepIndex, step: &Step) -> Outcome {
    let started = Instant::now();
    let mut work =
        Work { execution, at, subject: &step.subject, sent: Vec::new(), waited: Duration::ZERO };
    let mut outcome = match work.converge().await {
        Ok(outcome) => outcome,
        Err(failure) => Outcome {
            sqlstate: failure.sqlstate.clone(),
            ..Outcome::new(Status::Failed, failure.to_string())
        },
    };
    outcome.duration = started.elapsed();
    outcome.waited = work.waited;
    outcome.sent = work.sent;
    outcome
}

struct Work<'a> {
    execution: &'a Execution<'a>,
    at: StepIndex,
    subject: &'a Subject,
    sent: Vec<String>,
    waited: Duration,
}

impl Work<'_> {
    async fn converge(&mut self) -> Result<Outcome> {
        let session = self.execution.database.maintainer().await?;
        for _ in 0..MOST_STATEMENTS {
            let Seen { step, size_bytes } = look(self.execution, self.subject).await?;
            match step.verdict {
                Verdict::AsDeclared | Verdict::LeftOut => return Ok(self.arrived(size_bytes)),
                Verdict::Refused => return Ok(Outcome::new(Status::Failed, step.reason)),
                Verdict::ToDo => {}
            }
            if step.busy.is_some() {
                if let Some(outcome) = self.wait_for_build(&step).await? {
                    return Ok(outcome);
                }
                continue;
            }
            let Some(statement) = step.statements.first() else { break };
            if let Some(outcome) = self.send(&session, statement).await {
                return Ok(outcome);
            }
        }
        let reason = "the catalog does not show what the statements should have done";
        Ok(Outcome::new(Status::Failed, reason))
    }

    fn arrived(&self, size_bytes: Option<i64>) -> Outcome {
        if self.sent.is_empty() {
            return Outcome::new(Status::Skipped, "already as declared: somebody else did it");
        }
        Outcome { size_bytes, ..Outcome::new(Status::Done, "done and verified in the catalog") }
    }

    /// Sends one statement. An outcome ends the work.
    async fn send(&mut self, session: &Session, statement: &Statement) -> Option<Outcome> {
        self.execution.events.emit(Event::Sending(self.at, statement.clone()));
        self.sent.extend(statement.texts());
        let ended = match statement {
            Statement::Build { sql, .. } | Statement::Drop { sql } | Statement::Alone(sql) => {
                let mut watch = Watch::new(self.execution, self.at, self.waited);
                let ended = watch.run(session, sql).await;
                self.waited = watch.waited();
                ended
            }
            Statement::Short(all) => short::run(self.execution, self.at, session, all).await,
        };
        self.tell_notices(session);
        match ended {
            Ended::Done => None,
            Ended::Failed(error) => Some(self.failed(session, &error).await),
            Ended::Cancelled => Some(self.stopped(Status::Cancelled, "cancelled".to_owned()).await),
            Ended::WaitedTooLong(reason) => Some(self.stopped(Status::Failed, reason).await),
        }
    }

    async fn failed(&self, session: &Session, error: &ServerError) -> Outcome {
        let mut outcome = Outcome::new(Status::Failed, explain(error, session));
        outcome.sqlstate.clone_from(&error.sqlstate);
        if !error.is_connection_lost() {
            cleanup::after(self.execution, self.subject, &mut outcome).await;
        }
        outcome
    }

    /// A statement that was stopped may have finished in the race: the catalog decides.
    async fn stopped(&self, status: Status, reason: String) -> Outcome {
        if let Ok(seen) = look(self.execution, self.subject).await
            && seen.step.verdict == Verdict::AsDeclared
        {
            return self.arrived(seen.size_bytes);
        }
        let mut outcome = Outcome::new(status, reason);
        cleanup::after(self.execution, self.subject, &mut outcome).await;
        outcome
    }

    /// Waits until nobody else builds on the table: a second build would wait for the first while
    /// holding a snapshot that the first waits for.
    async fn wait_for_build(&mut self, step: &Step) -> Result<Option<Outcome>> {
        let Some(build) = &step.busy else { return Ok(None) };
        let who = plan::describe(build);
        self.execution.events.emit(Event::Waiting(self.at, format!("the build by {who}")));
        let since = Instant::now();
        let pause = tokio::time::sleep(FOREIGN_BUILD_POLL);
        tokio::select! {
            () = pause => {}
            _ = self.execution.cancel.wait() => {
                let reason = format!("cancelled while waiting for the build by {who}");
                return Ok(Some(Outcome::new(Status::Cancelled, reason)));
            }
        }
        self.waited += since.elapsed();
        Ok((self.waited >= self.execution.limits.max_wait).then(|| {
            let reason = format!("waited too long for the build by {who}");
            Outcome::new(Status::Failed, reason)
        }))
    }

    fn tell_notices(&self, session: &Session) {
        for notice in session.notices() {
            let text = format!("{}: {}", notice.severity, notice.message);
            self.execution.events.emit(Event::Noticed(self.at, text));
        }
    }
}

const FOREIGN_BUILD_POLL: Duration = Duration::from_millis(250);

/// What the catalog says of one object now.
pub struct Seen {
    pub step: Step,
    pub size_bytes: Option<i64>,
}

/// Reads the facts about one declared object and plans it.
pub async fn look(execution: &Execution<'_>, subject: &Subject) -> Result<Seen> {
    let mut declaration = Declaration::default();
    match subject.clone() {
        Subject::Index(index) => declaration.indexes.push(index),
        Subject::View(view) => declaration.views.push(view),
        Subject::Comment(comment) => declaration.comments.push(comment),
        Subject::Maintenance(maintenance) => declaration.maintenance.push(maintenance),
    }
    let session = execution.database.reader().await?;
    let questions = apply::questions(&declaration);
    let facts = catalog::load(&session, &execution.database.server, &questions).await?;
    let options = apply::Options { filter: apply::Filter::default(), ..execution.options.clone() };
    let Plan { steps, .. } = apply::plan(&declaration, &facts, &options);
    let step = steps.into_iter().next().ok_or_else(|| {
        crate::failure::Failure::new(crate::failure::Kind::Server, "the object was not planned")
    })?;
    let index = facts.indexes.values().flatten().find(|index| index.name == step.object);
    Ok(Seen { size_bytes: index.map(|index| index.size_bytes), step })
}

fn explain(error: &ServerError, session: &Session) -> String {
    if session.is_closed() || error.is_connection_lost() {
        return format!(
            "the connection was lost ({error}); the server may still be at work on it: run again"
        );
    }
    match &error.hint {
        Some(hint) => format!("{error} (hint: {hint})"),
        None => error.to_string(),
    }
}
