//! One view: its lock, a fresh look, the refresh, and what comes after it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use tokio_postgres::types::Type;

use super::Refreshing;
use super::plan;
use super::why::Why;
use crate::facts::history::load_last_refreshes;
use crate::facts::refresh::ViewQuestions;
use crate::facts::{
    self, Build, MaterializedView, Oid, Sources, Views, Writes, load_view_holders,
    load_wal_position, load_xact_writes,
};
use crate::failure::Result;
use crate::pg::database::Workers;
use crate::pg::name::RelationName;
use crate::pg::server_error::{ServerError, UNDEFINED_TABLE};
use crate::pg::session::Session;
use crate::work::conflicts::describe;
use crate::work::event::{
    BuildProgress, Detail, Event, Refreshed, Skipped, Status, StepIndex, StepOutcome,
};
use crate::work::plan::{Step, Subject, Verdict, one_line};
use crate::work::reason::Reason;
use crate::work::retry::{RETRIES, with_jitter};
use crate::work::send::{StatementEnding, send};
use crate::work::subject::{Refresh, Way};
use crate::work::{Execution, orphaned_backend, vacuum_analyze, warnings};

/// How long a refresh may queue for a lock: so long, at most, do readers queue behind a plain one.
const LOCK_TIMEOUT: &str = "2s";
/// Between two tries, so that those who queued get through.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

const POLL: Duration = Duration::from_millis(250);
/// How often a long refresh is told of.
const TELL: Duration = Duration::from_secs(1);

/// More changed or dead rows than this share make ANALYZE or VACUUM worth while.
const LARGE_SHARE: f64 = 0.1;

/// The work on one view.
pub struct ViewWork<'a> {
    run: &'a Refreshing<'a>,
    execution: &'a Execution<'a>,
    at: StepIndex,
    view: Oid,
    /// What it was called when the run was planned.
    name: RelationName,
    upstream: Option<RelationName>,
    pub sent: Vec<String>,
    /// How long it has waited for others.
    pub waited: Duration,
    retries: u32,
}

impl<'a> ViewWork<'a> {
    /// Nothing done yet. `upstream`: a view that it reads and that this run has changed.
    pub fn new(
        run: &'a Refreshing<'a>,
        at: StepIndex,
        step: &Step,
        upstream: Option<RelationName>,
    ) -> Self {
        let view = match &step.subject {
            Subject::Refresh(refresh) => refresh.view,
            _ => 0,
        };
        ViewWork {
            run,
            execution: &run.execution,
            at,
            view,
            name: step.object.clone(),
            upstream,
            sent: Vec::new(),
            waited: Duration::ZERO,
            retries: 0,
        }
    }

    /// Works on the view until it is refreshed or cannot be.
    pub async fn run(&mut self) -> Ending {
        let result = match self.take_lock().await {
            Ok(None) => self.until_settled().await,
            Ok(Some(outcome)) => Ok((outcome, None)),
            Err(failure) => Err(failure),
        };
        result.unwrap_or_else(|failure| (StepOutcome::from(failure), None))
    }

    /// Takes the view's lock, waiting for as long as the run may. An outcome where it is not to be
    /// had.
    async fn take_lock(&mut self) -> Result<Option<StepOutcome>> {
        let database = self.execution.database;
        while let Some(holder) = self.run.locks.take(database, self.view).await? {
            let who = format!("another run ({holder})");
            if let Some(outcome) = self.wait_for(0, &who).await {
                return Ok(Some(outcome));
            }
        }
        Ok(None)
    }

    /// Waits a moment for somebody. An outcome when it has been long enough.
    async fn wait_for(&mut self, pid: i32, who: &str) -> Option<StepOutcome> {
        if self.waited >= self.run.wait {
            return Some(StepOutcome::skipped(Skipped::Busy, Why::LeftTo { who: who.to_owned() }));
        }
        self.execution.events.emit(Event::Waiting(self.at, pid, who.to_owned()));
        self.pause(POLL).await
    }

    /// Sleeps. An outcome where a signal or the end of the time came instead.
    async fn pause(&mut self, length: Duration) -> Option<StepOutcome> {
        let since = Instant::now();
        let interruption = self.execution.pause(length).await;
        self.waited += since.elapsed();
        interruption.map(StepOutcome::from)
    }

    async fn until_settled(&mut self) -> Result<Ending> {
        loop {
            match self.once().await {
                Ok(Some(ending)) => return Ok(ending),
                Ok(None) => {}
                Err(failure) if failure.is_passing_connection() && self.retries < RETRIES => {
                    if let Some(outcome) = self.retry(&failure.to_string()).await? {
                        return Ok((outcome, None));
                    }
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Looks at the view afresh and refreshes it once. Without an ending it is to be done again.
    async fn once(&mut self) -> Result<Option<Ending>> {
        let session = self.execution.database.reader().await?;
        let Some(SeenView { step, view, sources }) = self.look(&session).await? else {
            return Ok(Some((StepOutcome::new(Status::Failed, Why::Dropped), None)));
        };
        if view.name != self.name {
            let why = Why::Renamed { was: self.name.clone(), now: view.name };
            return Ok(Some((StepOutcome::new(Status::Failed, why), None)));
        }
        match step.verdict {
            Verdict::AsDeclared | Verdict::LeftOut => {
                return Ok(Some((StepOutcome::skipped(Skipped::Fresh, step.reason), None)));
            }
            Verdict::Refused => {
                return Ok(Some((StepOutcome::new(Status::Failed, step.reason), None)));
            }
            Verdict::ToDo => {}
        }
        if let Some(outcome) = self.wait_for_others(&session).await? {
            return Ok(Some((outcome, None)));
        }
        drop(session);
        self.refresh(&step, &view, sources).await
    }

    /// Looks at the view afresh; `None` where it is gone.
    async fn look(&self, session: &Session) -> Result<Option<SeenView>> {
        let path = &self.execution.database.server.search_path;
        let Some(view) = facts::load_view(session, path, self.view).await? else {
            return Ok(None);
        };
        let views = Views { all: vec![view.clone()], ..Views::default() };
        let run = self.run;
        let last = match run.has_history {
            // What cannot be told any more keeps nothing from being refreshed.
            true => load_last_refreshes(session, &[self.view]).await.unwrap_or_default(),
            false => HashMap::new(),
        };
        let asked = ViewQuestions {
            reads_sources: run.has_history,
            ..plan::asked(&[&view], run.options)
        };
        let server = &self.execution.database.server;
        let facts = facts::refresh::load(session, server, views, last, &asked).await?;
        let step = plan::plan_one(&view, &facts, run.options, self.upstream.as_ref());
        let sources = facts.sources.into_values().next();
        Ok(Some(SeenView { view, step, sources }))
    }

    /// Waits for those who work on the view, and says whom a refresh disturbs.
    async fn wait_for_others(&mut self, session: &Session) -> Result<Option<StepOutcome>> {
        while let Some(holder) = load_view_holders(session, self.view).await?.first() {
            let who = describe(holder, &self.execution.policy);
            if let Some(outcome) = self.wait_for(holder.pid, &who).await {
                return Ok(Some(outcome));
            }
        }
        while let Some(build) = concurrent_build(session).await? {
            if self.waited >= self.run.wait {
                let words = format!(
                    "the concurrent index build by {} cannot end before this refresh does",
                    crate::work::plan::describe(&build)
                );
                self.execution.events.emit(Event::Warned(self.at, words));
                return Ok(None);
            }
            let who = format!("the index build by {}", crate::work::plan::describe(&build));
            if let Some(outcome) = self.wait_for(build.pid, &who).await {
                return Ok(Some(outcome));
            }
        }
        Ok(None)
    }

    async fn refresh(
        &mut self,
        step: &Step,
        view: &MaterializedView,
        sources: Option<Sources>,
    ) -> Result<Option<Ending>> {
        let (Some(statement), Subject::Refresh(Refresh { way, .. })) =
            (step.statements.first(), &step.subject)
        else {
            return Ok(None);
        };
        let way = *way;
        let session = self.execution.database.maintainer(Workers::AsConfigured).await?;
        self.execution.events.emit(Event::Sending(self.at, statement.clone()));
        let sql = statement.texts().join("; ");
        let before = load_wal_position(&session).await.known().copied();
        if let Some(now) = before {
            self.run.commits.compare(now);
        }
        let (ended, writes) = self.in_transaction(&session, &sql).await;
        let committed_at = load_wal_position(&session).await.known().copied();
        let wal_bytes = committed_at.zip(before).map(|(after, before)| after.bytes - before.bytes);
        match ended {
            StatementEnding::Done => {
                self.run.commits.add(self.at, committed_at);
                let writes = (way == Way::Concurrent).then_some(writes);
                self.maintain(&session, view, writes).await;
                let detail = Detail::Refreshed(Refreshed { way, writes, wal_bytes });
                let outcome = StepOutcome {
                    detail: Some(detail),
                    size_bytes: self.size().await,
                    ..StepOutcome::new(Status::Done, step.reason.clone())
                };
                Ok(Some((outcome, sources)))
            }
            StatementEnding::Failed(error) => {
                let pid = session.pid();
                drop(session);
                let outcome = self.failed(pid, &sql, view, &error).await?;
                Ok(outcome.map(|outcome| (outcome, None)))
            }
            StatementEnding::Interrupted(interruption) => Ok(Some((interruption.into(), None))),
            StatementEnding::Stopped(reason) => {
                Ok(Some((StepOutcome::new(Status::Failed, reason), None)))
            }
        }
    }

    /// Sends the refresh under a short lock_timeout. A transaction knows what it has written.
    async fn in_transaction(&mut self, session: &Session, sql: &str) -> (StatementEnding, Writes) {
        let limit = format!("SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'");
        if let Err(error) = session.execute_all(&["BEGIN", &limit]).await {
            return (StatementEnding::Failed(error), Writes::default());
        }
        self.sent.push(sql.to_owned());
        let mut waited = self.waited;
        let ended = tokio::select! {
            ended = send(self.execution, self.at, session, sql, &mut waited) => ended,
            never = self.tell() => match never {},
        };
        self.waited = waited;
        if !matches!(ended, StatementEnding::Done) {
            // The first failure is the one to tell; a lost connection has rolled back by itself.
            let _ = session.execute("ROLLBACK").await;
            return (ended, Writes::default());
        }
        if !holds_lock(session, self.view).await.unwrap_or(true) {
            // The name means another view by now: renamed, or dropped and made anew.
            let _ = session.execute("ROLLBACK").await;
            let sqlstate = Some(UNDEFINED_TABLE.to_owned());
            let message = format!("{} is another view now", self.name);
            let error = ServerError { sqlstate, message, ..ServerError::default() };
            return (StatementEnding::Failed(error), Writes::default());
        }
        let writes = load_xact_writes(session, self.view).await.unwrap_or_default();
        if self.execution.database.server.version.can_flush_statistics() {
            // Otherwise what reads this view would be found unchanged for up to ten seconds.
            let _ = session.query("SELECT pg_catalog.pg_stat_force_next_flush()", &[]).await;
        }
        match session.execute("COMMIT").await {
            Ok(()) => (ended, writes),
            Err(error) => (StatementEnding::Failed(error), writes),
        }
    }

    /// Tells how long it has been and, by history, how long it will be: the server shows no
    /// progress for a refresh.
    async fn tell(&self) -> Infallible {
        let began = Instant::now();
        let usual = self.run.last.get(&self.view).and_then(|last| last.usual_duration);
        loop {
            tokio::time::sleep(TELL).await;
            let passed = began.elapsed();
            let share = usual.map(|usual| passed.as_secs_f64() / usual.as_secs_f64().max(0.001));
            let progress = BuildProgress {
                phase: "refreshing".to_owned(),
                percent: share.map(|share| (share * 100.0).min(99.0) as u8),
                per_second: None,
                phase_left: usual.and_then(|usual| usual.checked_sub(passed)),
                size_bytes: None,
                workers: 0,
            };
            self.execution.events.emit(Event::Progressed(self.at, progress));
        }
    }

    async fn failed(
        &mut self,
        pid: i32,
        sql: &str,
        view: &MaterializedView,
        error: &ServerError,
    ) -> Result<Option<StepOutcome>> {
        if error.is_connection_lost() {
            self.execution.events.emit(Event::Retrying(self.at, error.explained()));
            orphaned_backend::await_end(self.execution, self.at, pid, sql).await?;
        }
        if error.is_lock_not_available() && self.waited < self.execution.policy.max_wait {
            self.execution.events.emit(Event::Retrying(self.at, error.to_string()));
            return Ok(self.pause(with_jitter(BETWEEN_TRIES)).await);
        }
        if error.is_passing() && self.retries < RETRIES {
            return self.retry(&error.to_string()).await;
        }
        let session = self.execution.database.reader().await?;
        let path = &self.execution.database.server.search_path;
        let now = facts::load_view(&session, path, self.view).await?;
        if now.is_none_or(|now| now.name != self.name) {
            // The error is another view's, or that there is none. A fresh look tells what became of ours.
            return Ok(None);
        }
        let outcome = StepOutcome::from(error);
        let reason = several_rows_for_one_key(error, view).map(Reason::from);
        Ok(Some(StepOutcome { reason: reason.unwrap_or(outcome.reason), ..outcome }))
    }

    async fn retry(&mut self, why: &str) -> Result<Option<StepOutcome>> {
        let since = Instant::now();
        let interruption = self.execution.before_retry(self.at, why, &mut self.retries).await?;
        self.waited += since.elapsed();
        if let Some(interruption) = interruption {
            return Ok(Some(interruption.into()));
        }
        // The lock may have gone with its connection, and somebody else may have it now.
        let holder = self.run.locks.take(self.execution.database, self.view).await?;
        Ok(holder.map(|holder| {
            let who = format!("another run ({holder})");
            StepOutcome::skipped(Skipped::Busy, Why::LeftTo { who })
        }))
    }

    /// New statistics after the first fill or a large change; VACUUM where too many rows are dead.
    /// The refresh has succeeded, so what fails here is only told.
    async fn maintain(
        &mut self,
        session: &Session,
        view: &MaterializedView,
        writes: Option<Writes>,
    ) {
        let rows = view.row_estimate.max(1.0);
        let Writes { inserted, updated, deleted } = writes.unwrap_or_default();
        let dead = match writes {
            Some(_) => (view.dead_rows + updated + deleted) as f64,
            None => 0.0,
        };
        let is_large =
            writes.is_none() || (inserted + updated + deleted) as f64 > rows * LARGE_SHARE;
        let options = match (dead > rows * LARGE_SHARE, is_large || view.row_estimate < 0.0) {
            (true, true) => "VACUUM (SKIP_LOCKED, ANALYZE)",
            (true, false) => "VACUUM (SKIP_LOCKED)",
            (false, true) => "ANALYZE (SKIP_LOCKED)",
            (false, false) => return,
        };
        let sql = format!("{options} {}", view.name);
        self.sent.push(sql.clone());
        let (execution, waited) = (self.execution, &mut self.waited);
        let done = vacuum_analyze::run(execution, self.at, session, &sql, waited).await;
        let told = match done.ended {
            vacuum_analyze::MaintenanceEnd::Failed(error) => error.to_string(),
            vacuum_analyze::MaintenanceEnd::Locked(warnings)
            | vacuum_analyze::MaintenanceEnd::PassedOver(warnings) => warnings::said(&warnings),
            _ => return,
        };
        execution.events.emit(Event::Warned(self.at, format!("{sql}: {told}")));
    }

    async fn size(&self) -> Option<i64> {
        let database = self.execution.database;
        let session = database.reader().await.ok()?;
        let path = &database.server.search_path;
        let view = facts::load_view(&session, path, self.view).await.ok()?;
        view.map(|view| view.size_bytes)
    }
}

/// A view as it is now.
struct SeenView {
    view: MaterializedView,
    /// What is to be done about it.
    step: Step,
    /// What it reads, where that is to be kept. What is written from here on may or may not be seen
    /// by a refresh that follows, so it counts as written after it.
    sources: Option<Sources>,
}

async fn concurrent_build(session: &Session) -> Result<Option<Build>> {
    let builds = facts::load_builds(session).await?;
    Ok(builds.into_iter().find(|build| {
        build.command.as_deref().is_none_or(|command| command.contains("CONCURRENTLY"))
    }))
}

/// Whether the session's transaction has locked the view against other refreshes.
async fn holds_lock(session: &Session, view: Oid) -> Result<bool> {
    let sql = include_str!("../../../sql/catalog/refresh_lock.sql");
    let rows = session.query(sql, &[(&view, Type::OID)]).await;
    Ok(!rows.map_err(ServerError::into_failure)?.is_empty())
}

/// What a duplicate key means where the rows come from a query.
fn several_rows_for_one_key(error: &ServerError, view: &MaterializedView) -> Option<Why> {
    let is_duplicate = matches!(error.sqlstate.as_deref(), Some("21000" | "23505"));
    is_duplicate.then(|| Why::DuplicateKeys {
        columns: view.key_columns.join(", "),
        error: one_line(&error.to_string(), 300),
    })
}

/// How one try went: the outcome, and what the view was made of just before it was refreshed.
type Ending = (StepOutcome, Option<Sources>);
