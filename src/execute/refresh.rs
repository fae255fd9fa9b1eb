//! Executing the plan of `refresh`: each view once what it reads is done, several at once, each
//! under a lock of its own so that no view is refreshed twice at a time.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::guard::describe;
use super::record::{Recorder, run_of};
use super::send::{Ended, send};
use super::short::with_jitter;
use super::{Execution, adopt};
use crate::catalog::{
    self, Build, MaterializedView, Oid, Sources, Views, Writes, history, load_view_holders,
    load_xact_writes,
};
use crate::event::{Event, Outcome, Progress, Refreshed, Status, StepIndex};
use crate::failure::{Failure, Kind, Result};
use crate::pg::advisory::ObjectLocks;
use crate::pg::database::{Database, Workers};
use crate::pg::name::RelationName;
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;
use crate::plan::refresh::{self, Facts, LastRefresh, Options, Refresh, Way};
use crate::plan::{Plan, Step, Subject, Verdict, one_line};

/// How long a refresh may queue for a lock: so long, at most, do readers queue behind a plain one.
const LOCK_TIMEOUT: &str = "2s";
/// Between two tries, so that those who queued get through.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);
/// For so long at least it is tried again: whoever reads or changes a table is soon done.
pub const LOCK_PATIENCE: Duration = Duration::from_secs(60);

/// How often a refresh that failed in a passing way is tried again.
const RETRIES: u32 = 3;

const POLL: Duration = Duration::from_millis(250);
/// How often a long refresh is told of.
const TELL: Duration = Duration::from_secs(1);

/// More changed or dead rows than this share make ANALYZE or VACUUM worth while.
const LARGE_SHARE: f64 = 0.1;

/// A run of `refresh`.
pub struct Refreshing<'a> {
    /// What every job needs.
    pub execution: Execution<'a>,
    /// What the plan was made with.
    pub options: &'a Options,
    /// The last refreshes of the views; empty without history.
    pub last: &'a HashMap<Oid, LastRefresh>,
    /// How long each view may wait for others who refresh it, and for index builds.
    pub wait: Duration,
    /// Whether the history can be read.
    pub has_history: bool,
    /// Writes the history.
    pub recorder: &'a Recorder<'a>,
    /// The views' locks.
    pub locks: ObjectLocks,
}

/// How one try went: the outcome, and what the view was made of just before it was refreshed.
type Ending = (Outcome, Option<Sources>);

impl Refreshing<'_> {
    /// Executes the plan. Returns what each step came to, in the order of the plan.
    pub async fn run(&self, plan: &Plan) -> Vec<Outcome> {
        self.execution.watched(self.steps(plan)).await
    }

    async fn steps(&self, plan: &Plan) -> Vec<Outcome> {
        let mut outcomes = plan.steps.iter().map(settled_step).collect::<Vec<_>>();
        let mut running = FuturesUnordered::new();
        let mut begun = vec![false; plan.steps.len()];
        loop {
            while running.len() < self.execution.policy.jobs.max(1) {
                let is_next = |at: &usize| {
                    !begun[*at] && outcomes[*at].is_none() && needs_ended(plan, &outcomes, *at)
                };
                let Some(at) = (0..plan.steps.len()).find(is_next) else { break };
                begun[at] = true;
                let missing = missing_need(plan, &outcomes, at);
                let upstream = changed_need(plan, &outcomes, at);
                let step = &plan.steps[at];
                running.push(async move { (at, self.step(at, step, missing, upstream).await) });
            }
            let Some((at, outcome)) = running.next().await else { break };
            outcomes[at] = Some(outcome);
        }
        let unreached = || Outcome::new(Status::Failed, "never reached");
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unreached)).collect()
    }

    async fn step(
        &self,
        at: StepIndex,
        step: &Step,
        missing: Option<String>,
        upstream: Option<RelationName>,
    ) -> Outcome {
        if let Some(outcome) = self.not_to_start(missing) {
            self.execution.events.emit(Event::Finished(at, outcome.clone()));
            return outcome;
        }
        let started = Instant::now();
        self.execution.events.emit(Event::Started(at));
        let mut work = Work::new(self, at, step, upstream);
        let (outcome, sources) = work.run().await;
        let outcome = Outcome {
            started: Some(started),
            duration: started.elapsed(),
            waited: work.waited,
            sent: work.sent,
            ..outcome
        };
        self.remember(step, &outcome, sources).await;
        // Only now: whoever waits for the lock looks at the history first.
        if let Subject::Refresh(refresh) = &step.subject {
            self.locks.release(refresh.view).await;
        }
        self.execution.events.emit(Event::Finished(at, outcome.clone()));
        outcome
    }

    /// Writes the history step by step: a run may last for hours, and be killed.
    async fn remember(&self, step: &Step, outcome: &Outcome, sources: Option<Sources>) {
        if let (Subject::Refresh(refresh), Some(sources)) = (&step.subject, sources) {
            // Maps and texts can always be written.
            let json = serde_json::to_string(&sources).unwrap_or_default();
            self.recorder.keep_view_state(refresh.view, &step.object.to_string(), &json).await;
        }
        if let Some(run) = run_of("refresh", step, outcome) {
            self.recorder.write(&[run]).await;
        }
    }

    fn not_to_start(&self, missing: Option<String>) -> Option<Outcome> {
        if let Some(signal) = self.execution.cancel.signal() {
            let reason = format!("not started: {} came", signal.name());
            return Some(Outcome::new(Status::Cancelled, reason));
        }
        if let Some((when, words)) = &self.execution.deadline
            && Instant::now() >= *when
        {
            return Some(Outcome::new(Status::Failed, format!("not started: {words}")));
        }
        missing.map(|need| {
            Outcome::new(Status::Skipped, format!("it reads {need}, which was not refreshed"))
        })
    }
}

/// The outcomes of a plan that has no work.
pub fn settled(plan: &Plan) -> Vec<Outcome> {
    plan.steps.iter().filter_map(settled_step).collect()
}

/// The outcome of a step that needs no work.
fn settled_step(step: &Step) -> Option<Outcome> {
    let status = match step.verdict {
        Verdict::ToDo => return None,
        Verdict::AsDeclared | Verdict::LeftOut => Status::Skipped,
        Verdict::Refused => Status::Failed,
    };
    let outcome = Outcome::new(status, step.reason.clone());
    Some(Outcome { is_fresh: status == Status::Skipped, ..outcome })
}

fn needs(plan: &Plan, at: StepIndex) -> impl Iterator<Item = StepIndex> {
    let names = match &plan.steps[at].subject {
        Subject::Refresh(refresh) => refresh.needs.as_slice(),
        _ => &[],
    };
    names.iter().filter_map(|name| plan.steps.iter().position(|step| step.object == *name))
}

fn needs_ended(plan: &Plan, outcomes: &[Option<Outcome>], at: StepIndex) -> bool {
    needs(plan, at).all(|need| outcomes[need].is_some())
}

/// A view that the step reads and that should have been refreshed and was not.
fn missing_need(plan: &Plan, outcomes: &[Option<Outcome>], at: StepIndex) -> Option<String> {
    let is_sound = |outcome: &Outcome| outcome.status == Status::Done || outcome.is_fresh;
    let missing = needs(plan, at).find(|need| !outcomes[*need].as_ref().is_some_and(is_sound));
    missing.map(|need| plan.steps[need].object.to_string())
}

/// A view that the step reads and that this run has changed. What it wrote may not be counted yet.
fn changed_need(plan: &Plan, outcomes: &[Option<Outcome>], at: StepIndex) -> Option<RelationName> {
    let has_changed = |outcome: &Outcome| {
        let is_same = outcome.refreshed.is_some_and(|it| it.writes == Some(Writes::default()));
        outcome.status == Status::Done && !is_same
    };
    let changed = needs(plan, at).find(|need| outcomes[*need].as_ref().is_some_and(has_changed));
    changed.map(|need| plan.steps[need].object.clone())
}

struct Work<'a> {
    run: &'a Refreshing<'a>,
    execution: &'a Execution<'a>,
    at: StepIndex,
    view: Oid,
    upstream: Option<RelationName>,
    sent: Vec<String>,
    waited: Duration,
    retries: u32,
}

impl<'a> Work<'a> {
    fn new(
        run: &'a Refreshing<'a>,
        at: StepIndex,
        step: &Step,
        upstream: Option<RelationName>,
    ) -> Self {
        let view = match &step.subject {
            Subject::Refresh(refresh) => refresh.view,
            _ => 0,
        };
        Work {
            run,
            execution: &run.execution,
            at,
            view,
            upstream,
            sent: Vec::new(),
            waited: Duration::ZERO,
            retries: 0,
        }
    }

    async fn run(&mut self) -> Ending {
        let result = match self.take_lock().await {
            Ok(None) => self.until_settled().await,
            Ok(Some(outcome)) => Ok((outcome, None)),
            Err(failure) => Err(failure),
        };
        result.unwrap_or_else(|failure| (failed(&failure), None))
    }

    /// Takes the view's lock, waiting for as long as the run may. An outcome where it is not to be
    /// had.
    async fn take_lock(&mut self) -> Result<Option<Outcome>> {
        let database = self.execution.database;
        while let Some(holder) = self.run.locks.take(database, self.view).await? {
            let who = format!("another run that refreshes it ({holder})");
            if let Some(outcome) = self.wait_for(0, &who).await {
                return Ok(Some(outcome));
            }
        }
        Ok(None)
    }

    /// Waits a moment for somebody. An outcome when it has been long enough.
    async fn wait_for(&mut self, pid: i32, who: &str) -> Option<Outcome> {
        if self.waited >= self.run.wait {
            let reason = format!("left to {who}");
            return Some(Outcome { is_busy: true, ..Outcome::new(Status::Skipped, reason) });
        }
        self.execution.events.emit(Event::Waiting(self.at, pid, who.to_owned()));
        self.pause(POLL).await
    }

    /// Sleeps. An outcome where a signal or the end of the time came instead.
    async fn pause(&mut self, length: Duration) -> Option<Outcome> {
        let since = Instant::now();
        let outcome = tokio::select! {
            () = tokio::time::sleep(length) => None,
            _ = self.execution.cancel.wait() => Some(Outcome::new(Status::Cancelled, "cancelled")),
            words = self.execution.time_is_up() => Some(Outcome::new(Status::Failed, words)),
        };
        self.waited += since.elapsed();
        outcome
    }

    async fn until_settled(&mut self) -> Result<Ending> {
        loop {
            match self.once().await {
                Ok(Some(ending)) => return Ok(ending),
                Ok(None) => {}
                Err(failure) if failure.kind == Kind::Connection && self.retries < RETRIES => {
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
        let Some(Seen { step, view, sources }) = self.look(&session).await? else {
            let reason = "it was dropped meanwhile";
            return Ok(Some((Outcome::new(Status::Failed, reason), None)));
        };
        match step.verdict {
            Verdict::AsDeclared | Verdict::LeftOut => {
                let outcome = Outcome::new(Status::Skipped, step.reason);
                return Ok(Some((Outcome { is_fresh: true, ..outcome }, None)));
            }
            Verdict::Refused => {
                return Ok(Some((Outcome::new(Status::Failed, step.reason), None)));
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
    async fn look(&self, session: &Session) -> Result<Option<Seen>> {
        let Some(view) = catalog::load_view(session, self.view).await? else { return Ok(None) };
        let views = Views { all: vec![view.clone()], ..Views::default() };
        let (run, wanted) = (self.run, [self.view]);
        let (last, sources) = match run.has_history {
            true => (
                last_refreshes(session, &wanted).await?,
                catalog::load_sources(session, &wanted).await?,
            ),
            false => (HashMap::new(), HashMap::new()),
        };
        let facts = about(session, self.execution.database, views, &wanted, run.options).await?;
        let facts = Facts { last, sources, ..facts };
        let step = refresh::plan_one(&view, &facts, run.options, self.upstream.as_ref());
        let sources = facts.sources.into_values().next();
        Ok(Some(Seen { view, step, sources }))
    }

    /// Waits for those who work on the view, and says whom a refresh disturbs.
    async fn wait_for_others(&mut self, session: &Session) -> Result<Option<Outcome>> {
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
                    crate::plan::describe(&build)
                );
                self.execution.events.emit(Event::Warned(self.at, words));
                return Ok(None);
            }
            let who = format!("the index build by {}", crate::plan::describe(&build));
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
        let wal_before = wal_position(&session).await;
        let (ended, writes) = self.in_transaction(&session, &sql).await;
        let wal_bytes = match (wal_before, wal_position(&session).await) {
            (Some(before), Some(after)) => Some(after - before),
            _ => None,
        };
        match ended {
            Ended::Done => {
                let writes = (way == Way::Concurrent).then_some(writes);
                self.maintain(&session, view, writes).await;
                let refreshed = Refreshed { way, writes, wal_bytes };
                let outcome = Outcome {
                    refreshed: Some(refreshed),
                    size_bytes: self.size().await,
                    ..Outcome::new(Status::Done, step.reason.clone())
                };
                Ok(Some((outcome, sources)))
            }
            Ended::Failed(error) => {
                let pid = session.pid();
                drop(session);
                let outcome = self.failed(pid, &sql, view, &error).await?;
                Ok(outcome.map(|outcome| (outcome, None)))
            }
            Ended::Cancelled => Ok(Some((Outcome::new(Status::Cancelled, "cancelled"), None))),
            Ended::Stopped(reason) => Ok(Some((Outcome::new(Status::Failed, reason), None))),
        }
    }

    /// Sends the refresh under a short lock_timeout. A transaction knows what it has written.
    async fn in_transaction(&mut self, session: &Session, sql: &str) -> (Ended, Writes) {
        let begin = format!("BEGIN; SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'");
        if let Err(error) = session.execute(&begin).await {
            return (Ended::Failed(error), Writes::default());
        }
        self.sent.push(sql.to_owned());
        let mut waited = self.waited;
        let ended = tokio::select! {
            ended = send(self.execution, self.at, session, sql, &mut waited) => ended,
            never = self.tell() => match never {},
        };
        self.waited = waited;
        if !matches!(ended, Ended::Done) {
            // The first failure is the one to tell; a lost connection has rolled back by itself.
            let _ = session.execute("ROLLBACK").await;
            return (ended, Writes::default());
        }
        let writes = load_xact_writes(session, self.view).await.unwrap_or_default();
        if self.execution.database.server.version.can_flush_statistics() {
            // Otherwise what reads this view would be found unchanged for up to ten seconds.
            let _ = session.query("SELECT pg_catalog.pg_stat_force_next_flush()", &[]).await;
        }
        match session.execute("COMMIT").await {
            Ok(()) => (ended, writes),
            Err(error) => (Ended::Failed(error), writes),
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
            let progress = Progress {
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
    ) -> Result<Option<Outcome>> {
        if error.is_connection_lost() {
            adopt::await_end(self.execution, self.at, pid, sql).await?;
        }
        let is_locked = error.sqlstate.as_deref() == Some("55P03");
        if is_locked && self.waited < self.execution.policy.max_wait {
            self.execution.events.emit(Event::Retrying(self.at, error.to_string()));
            return Ok(self.pause(with_jitter(BETWEEN_TRIES)).await);
        }
        let passing = error.is_connection_lost()
            || matches!(error.sqlstate.as_deref(), Some("40P01" | "57P01" | "57P02" | "57P03"));
        if passing && self.retries < RETRIES {
            return self.retry(&error.to_string()).await;
        }
        let mut outcome = Outcome::new(Status::Failed, explain(error, view));
        outcome.sqlstate.clone_from(&error.sqlstate);
        Ok(Some(outcome))
    }

    async fn retry(&mut self, why: &str) -> Result<Option<Outcome>> {
        let pause = with_jitter(Duration::from_secs(1) * 4_u32.pow(self.retries));
        self.retries += 1;
        self.execution.events.emit(Event::Retrying(self.at, why.to_owned()));
        if let Some(outcome) = self.pause(pause).await {
            return Ok(Some(outcome));
        }
        adopt::reach(self.execution).await?;
        // The lock may have gone with its connection, and somebody else may have it now.
        if let Some(holder) = self.run.locks.take(self.execution.database, self.view).await? {
            let reason = format!("left to another run that refreshes it ({holder})");
            return Ok(Some(Outcome { is_busy: true, ..Outcome::new(Status::Skipped, reason) }));
        }
        Ok(None)
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
        let ended = send(self.execution, self.at, session, &sql, &mut self.waited).await;
        if let Ended::Failed(error) = ended {
            self.execution.events.emit(Event::Warned(self.at, format!("{sql}: {error}")));
        }
        for notice in session.notices() {
            self.execution.events.emit(Event::Noticed(self.at, notice.message));
        }
    }

    async fn size(&self) -> Option<i64> {
        let session = self.execution.database.reader().await.ok()?;
        let view = catalog::load_view(&session, self.view).await.ok()?;
        view.map(|view| view.size_bytes)
    }
}

/// A view as it is now.
struct Seen {
    view: MaterializedView,
    /// What is to be done about it.
    step: Step,
    /// What it reads, where that is to be kept. What is written from here on may or may not be seen
    /// by a refresh that follows, so it counts as written after it.
    sources: Option<Sources>,
}

/// The last refreshes of these views, or of all where none is named. Only to be asked for where
/// there is a history.
///
/// # Errors
/// Those of the connection and of the query.
pub async fn last_refreshes(session: &Session, views: &[Oid]) -> Result<HashMap<Oid, LastRefresh>> {
    let runs = history::load_last_refreshes(session, views).await?;
    let last = runs.into_iter().map(|run| {
        let last = LastRefresh {
            age: Duration::from_secs_f64(run.succeeded_ago_seconds.max(0.0)),
            usual_duration: run
                .median_duration_ms
                .map(|ms| Duration::from_secs_f64(ms.max(0.0) / 1e3)),
            // What another version has kept is as good as nothing.
            sources: run.sources.and_then(|sources| serde_json::from_str(&sources).ok()),
        };
        (run.object_oid, last)
    });
    Ok(last.collect())
}

/// What the plan of these options has to know.
///
/// # Errors
/// Those of the connection and of the catalog queries; `Usage` for a pattern that matches nothing.
pub async fn facts(
    session: &Session,
    database: &Database,
    options: &Options,
    last: &HashMap<Oid, LastRefresh>,
) -> Result<Facts> {
    let views = catalog::load_views(session).await?;
    let chosen = refresh::choose(&views, options)?;
    let chosen = chosen.iter().map(|view| view.oid).collect::<Vec<_>>();
    let sources = match options.if_changed {
        true => catalog::load_sources(session, &chosen).await?,
        false => HashMap::new(),
    };
    let last = last.clone();
    Ok(Facts { last, sources, ..about(session, database, views, &chosen, options).await? })
}

/// What else is to be known of the chosen ones of these views, but for their past and their sources.
async fn about(
    session: &Session,
    database: &Database,
    views: Views,
    chosen: &[Oid],
    options: &Options,
) -> Result<Facts> {
    let keyless = views.all.iter().filter(|view| chosen.contains(&view.oid));
    let keyless = keyless.filter(|view| refresh::needs_hint(view, options));
    let keyless = keyless.map(|view| view.oid).collect::<Vec<_>>();
    let hints = match keyless.is_empty() {
        true => HashMap::new(),
        // Only a proposal: it is no reason to fail.
        false => catalog::load_key_hints(session, &keyless).await.unwrap_or_default(),
    };
    Ok(Facts {
        hints,
        may_create_temp: database.server.may_create_temp,
        database: database.server.database.clone(),
        views,
        ..Facts::default()
    })
}

async fn concurrent_build(session: &Session) -> Result<Option<Build>> {
    let builds = catalog::load_builds(session).await?;
    Ok(builds.into_iter().find(|build| {
        build.command.as_deref().is_none_or(|command| command.contains("CONCURRENTLY"))
    }))
}

/// Where the server's WAL ends, in bytes.
async fn wal_position(session: &Session) -> Option<i64> {
    let sql = "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')\
               ::pg_catalog.int8";
    let rows = session.query(sql, &[]).await.ok()?;
    rows.first().map(|row| row.get(0))
}

fn failed(failure: &Failure) -> Outcome {
    Outcome {
        sqlstate: failure.sqlstate.clone(),
        ..Outcome::new(Status::Failed, failure.to_string())
    }
}

fn explain(error: &ServerError, view: &MaterializedView) -> String {
    match (error.sqlstate.as_deref(), &error.hint) {
        (Some("21000" | "23505"), _) => format!(
            "its query returns several rows for one key ({}): {}; correct the query or the data, \
             or drop the unique index",
            view.key_columns.join(", "),
            one_line(&error.to_string(), 300)
        ),
        (_, Some(hint)) => format!("{error} (hint: {hint})"),
        _ => error.to_string(),
    }
}
