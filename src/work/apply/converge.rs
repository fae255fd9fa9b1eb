//! One object made as declared: plan, send, plan again.

use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};

use super::replan::{SeenObject, TableNow, replan};
use super::why::Why;
use super::{became, cleanup};
use crate::facts::{Build, Oid};
use crate::failure::{Failure, Kind, Result};
use crate::pg::server_error::{DISK_FULL, LOCK_NOT_AVAILABLE, ServerError};
use crate::work::event::{Event, Status, StepIndex, StepOutcome};
use crate::work::plan::{Action, Statement, Step, Subject, Verdict};
use crate::work::preflight::{self, Ahead};
use crate::work::reason;
use crate::work::retry::RETRIES;
use crate::work::send::{StatementEnding, send};
use crate::work::{
    Apply, Execution, begun, foreign_build, orphaned_backend, short_transaction, time, warnings,
};

/// More than any plan needs, retries included: whoever needs more is going round in circles.
const MOST_SENDS: usize = 16;

/// So many short transactions may follow one look, while somebody else may change the table.
const MOST_BETWEEN_LOOKS: usize = 100;

/// Works on a step until its object is as declared, or cannot be.
pub async fn run(apply: &Apply<'_>, at: StepIndex, step: &Step) -> StepOutcome {
    let mut work = IndexWork {
        apply,
        execution: &apply.execution,
        at,
        subject: &step.subject,
        sent: Vec::new(),
        begun: Vec::new(),
        table: None,
        built: None,
        sends: 0,
        waited: Duration::ZERO,
        retries: 0,
    };
    let mut outcome = match work.converge().await {
        Ok(outcome) => outcome,
        Err(failure) => work.broken(failure),
    };
    outcome.waited = work.waited;
    outcome.sent = work.sent;
    outcome
}

struct IndexWork<'a> {
    apply: &'a Apply<'a>,
    execution: &'a Execution<'a>,
    at: StepIndex,
    subject: &'a Subject,
    sent: Vec<String>,
    begun: Vec<Statement>,
    /// The table as it was found first.
    table: Option<TableNow>,
    /// What the last build made, where it succeeded.
    built: Option<Built>,
    sends: usize,
    waited: Duration,
    retries: u32,
}

/// An index that was built under its own name.
#[derive(Clone)]
struct Built {
    /// Where it was seen.
    index: Option<Oid>,
    /// So many connections were lost until then.
    losses: usize,
}

impl IndexWork<'_> {
    async fn converge(&mut self) -> Result<StepOutcome> {
        let mut most = MOST_SENDS;
        while self.sends < most {
            let began = Instant::now();
            match self.turn(&mut most).await {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {}
                // A server that restarts is back in a moment; the catalog knows how far we were.
                Err(failure) if failure.is_passing_connection() && self.retries < RETRIES => {
                    if let Some(outcome) =
                        self.pause_before_retry(&failure.to_string(), None).await?
                    {
                        return Ok(outcome);
                    }
                }
                Err(failure) if failure.sqlstate.as_deref() == Some(LOCK_NOT_AVAILABLE) => {
                    if let Some(outcome) =
                        self.waited_for_lock(began.elapsed(), &failure.to_string())
                    {
                        return Ok(outcome);
                    }
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(StepOutcome::new(Status::Failed, Why::NotInCatalog))
    }

    /// The outcome of work that a failure has ended, which may be the connection's.
    fn broken(&self, failure: Failure) -> StepOutcome {
        if failure.kind != Kind::Connection {
            return StepOutcome::from(failure);
        }
        match self.execution.cancel.signal() {
            Some(signal) => {
                let reason = format!("{} came, and {failure}", signal.name());
                begun::unknown(&reason, &self.begun)
            }
            None => StepOutcome::from(failure),
        }
    }

    /// Looks at the catalog and does the next thing. An outcome ends the work.
    async fn turn(&mut self, most: &mut usize) -> Result<Option<StepOutcome>> {
        let seen = replan(self.apply, self.subject).await?;
        if let Some(outcome) = self.became(&seen).await? {
            return Ok(Some(outcome));
        }
        let SeenObject { step, size_bytes, rows, .. } = seen;
        *most = (*most).max(step.statements.len() * 3);
        match step.verdict {
            Verdict::AsDeclared | Verdict::LeftOut => {
                return Ok(Some(self.arrived(size_bytes, rows)));
            }
            Verdict::Refused => return Ok(Some(StepOutcome::new(Status::Failed, step.reason))),
            Verdict::ToDo => {}
        }
        match (&step.busy, &step.statements[..]) {
            (Some(build), _) => Ok(self.wait_for(build, step.action).await),
            (None, []) => Ok(Some(StepOutcome::new(Status::Failed, step.reason))),
            (None, [first @ Statement::Build { .. }, rest @ ..]) => {
                if let Some(reason) = self.no_room(step.estimated_bytes).await? {
                    return Ok(Some(StepOutcome::new(Status::Failed, reason)));
                }
                self.build_side_by_side(first, rest).await
            }
            (None, [first @ Statement::Short(_), rest @ ..]) => self.short_ones(first, rest).await,
            (None, [first, ..]) => self.send(first).await,
        }
    }

    /// What has become of the table and of what was built, where they are not any more what they are
    /// called: it is not built once more then.
    async fn became(&mut self, seen: &SeenObject) -> Result<Option<StepOutcome>> {
        let Subject::Index(_) = self.subject else {
            return Ok(None);
        };
        let Some(table) = self.table.clone() else {
            self.table.clone_from(&seen.table);
            return Ok(None);
        };
        let name = &seen.step.object;
        let is_built = self.built.as_ref().is_some_and(|built| {
            // After a failover it may be that nobody has taken it away.
            built.losses == self.execution.database.connections().losses()
        });
        let is_asked = seen.table.as_ref() != Some(&table)
            || is_built && seen.step.verdict != Verdict::Refused;
        if !is_asked {
            return Ok(None);
        }
        let index = self.built.as_ref().and_then(|built| built.index).filter(|_| is_built);
        let index = seen.index.or(index);
        if let Some(outcome) = became::of(self.execution, &table, index, name).await? {
            let size_bytes = seen.size_bytes;
            return Ok(Some(StepOutcome { size_bytes, ..outcome }));
        }
        if is_built && seen.index.is_none() && index.is_none() {
            return Ok(Some(StepOutcome::new(Status::Failed, Why::BuiltThenGone)));
        }
        Ok(None)
    }

    async fn no_room(&self, estimated_bytes: Option<i64>) -> Result<Option<reason::Why>> {
        match (self.subject, estimated_bytes) {
            (Subject::Index(index), Some(bytes)) => {
                let tablespace = index.tablespace.as_deref();
                preflight::no_room(self.execution, tablespace, bytes).await
            }
            _ => Ok(None),
        }
    }

    fn arrived(&self, size_bytes: Option<i64>, rows: Option<i64>) -> StepOutcome {
        if self.sent.is_empty() {
            return StepOutcome::new(Status::Skipped, Why::SomebodyElseDidIt);
        }
        StepOutcome {
            size_bytes,
            rows,
            ..StepOutcome::new(Status::Done, Why::Verified)
        }
    }

    /// Sends the short transactions that the statements begin with: one, or those that make and attach
    /// the parts of a table with many partitions. Looking at all of them after each would take longer
    /// than the builds.
    async fn short_ones(
        &mut self,
        first: &Statement,
        rest: &[Statement],
    ) -> Result<Option<StepOutcome>> {
        let more = rest.iter().take_while(|it| matches!(it, Statement::Short(_)));
        for statement in std::iter::once(first).chain(more).take(MOST_BETWEEN_LOOKS) {
            let retries = self.retries;
            let end = self.send(statement).await?;
            // What is to be tried again is looked at first.
            if end.is_some() || self.retries > retries {
                return Ok(end);
            }
        }
        Ok(None)
    }

    /// Sends the builds that the statements begin with: one, or those of a table's partitions.
    async fn build_side_by_side(
        &mut self,
        first: &Statement,
        rest: &[Statement],
    ) -> Result<Option<StepOutcome>> {
        let more = rest.iter().take_while(|it| matches!(it, Statement::Build { .. }));
        let builds = std::iter::once(first).chain(more).collect::<Vec<_>>();
        let results = stream::iter(builds)
            .map(|statement| {
                let (sent, begun) = (Vec::new(), Vec::new());
                let (table, built) = (self.table.clone(), None);
                let mut part = IndexWork { sent, begun, table, built, sends: 0, ..*self };
                async move {
                    let result = part.build(statement).await;
                    (part, result)
                }
            })
            .buffer_unordered(self.execution.policy.jobs)
            .collect::<Vec<_>>()
            .await;
        let mut ends = Vec::new();
        for (part, result) in results {
            self.sends += part.sends;
            self.sent.extend(part.sent);
            self.begun.extend(part.begun);
            self.built = part.built.or(self.built.take());
            self.waited = self.waited.max(part.waited);
            self.retries = self.retries.max(part.retries);
            ends.extend(result?);
        }
        // Of several ends the first failure says most.
        ends.sort_by_key(|end| end.status != Status::Failed);
        let left = ends.iter_mut().filter_map(|end| end.cleanup.take()).collect::<Vec<_>>();
        let mut first = ends.into_iter().next();
        if let Some(end) = first.as_mut().filter(|_| !left.is_empty()) {
            end.cleanup = Some(left.join("\n"));
        }
        Ok(first)
    }

    /// Waits for what would hold up the build, and for a free slot, and sends it.
    async fn build(&mut self, statement: &Statement) -> Result<Option<StepOutcome>> {
        let Statement::Build { table, .. } = statement else {
            return Ok(None);
        };
        if let Some(table) = table {
            match preflight::clear(self.execution, self.at, *table, &mut self.waited).await? {
                Ahead::Clear => {}
                Ahead::Interrupted(interruption) => {
                    return Ok(Some(time::unbegun(interruption)));
                }
                Ahead::Blocked(reason) => {
                    return Ok(Some(StepOutcome::new(Status::Failed, reason)));
                }
            }
        }
        // The semaphore is never closed.
        let _slot = self.apply.slots.acquire().await;
        let execution = self.execution;
        if let Some(outcome) = execution.not_started().or_else(|| time::over(execution)) {
            return Ok(Some(outcome));
        }
        self.send(statement).await
    }

    /// Sends one statement. An outcome ends the work; without one the catalog is looked at again.
    async fn send(&mut self, statement: &Statement) -> Result<Option<StepOutcome>> {
        let database = self.execution.database;
        let session = database.maintainer(self.execution.workers()).await?;
        let path = self.is_written(statement).then(|| database.users_path()).flatten();
        if let Some(path) = path {
            session.enter(path).await.map_err(ServerError::into_failure)?;
        }
        self.execution.events.emit(Event::Sending(self.at, statement.clone()));
        self.sent.extend(statement.texts());
        self.begun.push(statement.clone());
        self.sends += 1;
        let ended = match statement {
            Statement::Build { sql, .. } | Statement::Drop { sql, .. } | Statement::Alone(sql) => {
                send(self.execution, self.at, &session, sql, &mut self.waited).await
            }
            Statement::Short(all) => {
                short_transaction::run(self.execution, self.at, &session, all).await
            }
        };
        warnings::tell(self.execution, self.at, session.notices());
        if path.is_some() {
            // Where it fails, the session is not used again.
            let _ = session.leave().await;
        }
        let pid = session.pid();
        // The connection goes back first: cleaning up needs one too.
        drop(session);
        match ended {
            StatementEnding::Done => {
                self.built = self.made(statement);
                Ok(None)
            }
            StatementEnding::Failed(error) => self.failed(pid, statement, &error).await,
            StatementEnding::Interrupted(interruption) => {
                Ok(Some(self.stopped(interruption.into(), Some(statement)).await))
            }
            StatementEnding::Stopped(why) => {
                let outcome = StepOutcome::new(Status::Failed, why);
                Ok(Some(self.stopped(outcome, Some(statement)).await))
            }
        }
    }

    /// What a statement that succeeded has made under the declared name on the declared table.
    fn made(&self, statement: &Statement) -> Option<Built> {
        let Statement::Build { index, table, .. } = statement else {
            return None;
        };
        let Subject::Index(declared) = self.subject else {
            return None;
        };
        let is_its_own = declared.name.as_ref() == Some(&index.name)
            && *table == self.table.as_ref().map(|table| table.oid);
        is_its_own.then(|| Built {
            index: self.execution.monitor.index_of(self.at),
            losses: self.execution.database.connections().losses(),
        })
    }

    /// Whether the user has written a part of it, so that the user's search path decides what its
    /// names mean.
    fn is_written(&self, statement: &Statement) -> bool {
        matches!(
            (self.subject, statement),
            (Subject::Index(_), Statement::Build { .. } | Statement::Short(_))
                | (Subject::View(_), Statement::Alone(_))
        )
    }

    async fn failed(
        &mut self,
        pid: i32,
        statement: &Statement,
        error: &ServerError,
    ) -> Result<Option<StepOutcome>> {
        if error.is_connection_lost() {
            self.execution.events.emit(Event::Retrying(self.at, error.explained()));
            for sql in statement.texts() {
                orphaned_backend::await_end(self.execution, self.at, pid, &sql).await?;
            }
        }
        if error.is_passing() && self.retries < RETRIES {
            return self.pause_before_retry(&error.to_string(), Some(statement)).await;
        }
        if error.sqlstate.as_deref() == Some(DISK_FULL) {
            // The disk is full: the next build would only fill it again.
            let _ = self.apply.halted.set(error.to_string());
        }
        let mut outcome = StepOutcome::from(error);
        let left = (self.table.as_ref(), self.execution.monitor.index_of(self.at));
        cleanup::after(self.apply, self.subject, Some(statement), left, &mut outcome).await;
        Ok(Some(outcome))
    }

    /// The catalog is looked at afresh after the pause, so what the failure left is mended first.
    async fn pause_before_retry(
        &mut self,
        why: &str,
        statement: Option<&Statement>,
    ) -> Result<Option<StepOutcome>> {
        if let Some(interruption) =
            self.execution.before_retry(self.at, why, &mut self.retries).await?
        {
            return Ok(Some(self.stopped(interruption.into(), statement).await));
        }
        // What broke our connection may have broken the one that held the lock.
        self.apply.lock.regain(self.execution.database).await?;
        Ok(None)
    }

    /// A statement that was stopped may have finished in the race: the catalog decides.
    async fn stopped(
        &self,
        mut outcome: StepOutcome,
        statement: Option<&Statement>,
    ) -> StepOutcome {
        if let Ok(seen) = replan(self.apply, self.subject).await
            && seen.step.verdict == Verdict::AsDeclared
        {
            return self.arrived(seen.size_bytes, seen.rows);
        }
        let left = (self.table.as_ref(), self.execution.monitor.index_of(self.at));
        cleanup::after(self.apply, self.subject, statement, left, &mut outcome).await;
        outcome
    }

    /// Somebody has locked the table, so that not even its indexes can be read.
    /// Looking has waited for it already.
    fn waited_for_lock(&mut self, waited: Duration, why: &str) -> Option<StepOutcome> {
        self.execution.events.emit(Event::Waiting(self.at, 0, why.to_owned()));
        self.waited += waited;
        if self.execution.cancel.signal().is_some() {
            let why = reason::Why::CancelledWaiting { what: why.to_owned() };
            return Some(StepOutcome::new(Status::Cancelled, why));
        }
        if let Some(over) = time::over(self.execution) {
            return Some(over);
        }
        let patient = self.waited < self.execution.policy.max_wait;
        let why = reason::Why::GaveUp { what: why.to_owned() };
        (!patient).then(|| StepOutcome::new(Status::Failed, why))
    }

    /// What an earlier run of ours left at work on the very index is watched to its end; for somebody
    /// else's build the step waits only so long.
    async fn wait_for(&mut self, build: &Build, action: Action) -> Option<StepOutcome> {
        let ours = build.application.as_deref().is_some_and(|name| name.starts_with("pgtend/"));
        let patient = action == Action::WatchBuild && ours;
        foreign_build::wait_for(self.execution, self.at, build, patient, &mut self.waited).await
    }
}
