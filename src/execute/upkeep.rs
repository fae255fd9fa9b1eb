//! Executing the plan of `vacuum` and `analyze`: several tables at once, none of which is waited for:
//! what is locked is tried again at the end. What the server only warns of counts.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::record::{Recorder, run_of};
use super::retry::{RETRIES, with_jitter};
use super::send::{Ended, send};
use super::{Execution, STATISTICS_DELAY, adopt, reached, retry, settled, warnings};
use crate::catalog::{self, HorizonHolder, Oid, TableState, Upkeep};
use crate::event::{Event, Outcome, Status, StepIndex, Upkept};
use crate::failure::Result;
use crate::figures;
use crate::pg::database::Workers;
use crate::pg::server_error::{LOCK_NOT_AVAILABLE, ServerError};
use crate::pg::session::{Notice, Session};
use crate::plan::upkeep::Target;
use crate::plan::{Plan, Step, Subject};

/// How often a table that is locked is tried again, at the end of the run.
const TRIES_AT_THE_END: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_secs(3);

/// A run of `vacuum` or `analyze`.
pub struct Upkeeping<'a> {
    /// What every job needs.
    pub execution: Execution<'a>,
    /// The command, for the history.
    pub command: &'static str,
    /// Whether a table that is locked is passed over, and not tried again.
    pub skips_locked: bool,
    /// Whether the database's own statistics are brought up to date at the end.
    pub ends_with_database_statistics: bool,
    /// Writes the history.
    pub recorder: &'a Recorder<'a>,
    /// The tables as they were when the plan was made.
    pub before: &'a Upkeep,
    /// Connections between two tables: to check one out anew takes a round trip for each.
    pub idle: Mutex<Vec<Session>>,
    /// How fast it has gone so far.
    pub pace: Mutex<Pace>,
}

/// How much was read in how long, by all workers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    bytes: i64,
    busy: Duration,
}

impl Pace {
    /// How long so many bytes will take; `None` while nothing is known.
    fn estimate(&self, bytes: i64) -> Option<Duration> {
        let known = self.bytes > 0 && self.busy > Duration::ZERO;
        known.then(|| self.busy.mul_f64(bytes.max(0) as f64 / self.bytes as f64))
    }
}

/// Whether a table that is locked will be tried again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    Left,
    Over,
}

/// How one try ended.
enum Tried {
    Settled(Outcome),
    /// Somebody holds the lock.
    Locked(Outcome),
}

impl Upkeeping<'_> {
    /// Executes the plan. Returns what each step came to, in the order of the plan.
    pub async fn run(&self, plan: &Plan) -> Vec<Outcome> {
        self.execution.watched(self.steps(plan)).await
    }

    async fn steps(&self, plan: &Plan) -> Vec<Outcome> {
        let mut outcomes = plan.steps.iter().map(settled).collect::<Vec<_>>();
        let to_do = (0..plan.steps.len()).filter(|at| outcomes[*at].is_none());
        let mut waiting = to_do.collect::<VecDeque<_>>();
        for attempt in 0..=TRIES_AT_THE_END {
            let patience = match self.skips_locked || attempt == TRIES_AT_THE_END {
                true => Patience::Over,
                false => Patience::Left,
            };
            let locked = self.round(plan, &mut waiting, &mut outcomes, patience).await;
            if locked.is_empty() {
                break;
            }
            waiting.extend(locked);
            tokio::select! {
                () = tokio::time::sleep(with_jitter(BETWEEN_TRIES)) => {}
                _ = self.execution.cancel.wait() => {}
                _ = self.execution.time_is_up() => {}
            }
        }
        if self.ends_with_database_statistics && !self.is_stopped() {
            self.bring_database_statistics_up_to_date(&outcomes).await;
        }
        let mut outcomes = reached(outcomes);
        self.compare(plan, &mut outcomes).await;
        self.record(plan, &outcomes).await;
        outcomes
    }

    /// Says of all tables at once what has become of them: a look at each would take longer than most
    /// of them do.
    async fn compare(&self, plan: &Plan, outcomes: &mut [Outcome]) {
        let done = plan.steps.iter().zip(outcomes).filter_map(|(step, outcome)| {
            let Subject::Upkeep(target) = &step.subject else { return None };
            (outcome.status == Status::Done).then_some((target, outcome))
        });
        let mut done = done.collect::<Vec<_>>();
        let wanted = done.iter().map(|(target, _)| target.table).collect::<Vec<_>>();
        if wanted.is_empty() {
            return;
        }
        let before = by_oid(&self.before.tables);
        // The tables are done; that they cannot be looked at is no reason to say otherwise.
        let Ok(after) = self.once_recorded(&wanted, &done).await else { return };
        let after = by_oid(&after.tables);
        for (target, outcome) in &mut done {
            let states = before.get(&target.table).zip(after.get(&target.table));
            outcome.upkept = states.map(|(before, after)| upkept(before, after));
        }
    }

    /// The tables once the statistics know of what was done, or after a while.
    async fn once_recorded(
        &self,
        wanted: &[Oid],
        done: &[(&Target, &mut Outcome)],
    ) -> Result<Upkeep> {
        let database = self.execution.database;
        let session = database.reader().await?;
        let give_up = Instant::now() + STATISTICS_DELAY;
        loop {
            let upkeep = catalog::load_upkeep(&session, &database.server, wanted).await?;
            let tables = by_oid(&upkeep.tables);
            let is_recorded = done.iter().all(|(target, outcome)| {
                // What was dropped meanwhile will never be.
                let Some(table) = tables.get(&target.table) else { return true };
                let ago = if target.vacuum { table.vacuumed_ago } else { table.analyzed_ago };
                let since = outcome.started.map_or(Duration::MAX, |started| started.elapsed());
                ago.is_some_and(|ago| ago <= since)
            });
            if is_recorded || Instant::now() >= give_up {
                return Ok(upkeep);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Works on all that wait. Returns those whose table was locked.
    async fn round(
        &self,
        plan: &Plan,
        waiting: &mut VecDeque<StepIndex>,
        outcomes: &mut [Option<Outcome>],
        patience: Patience,
    ) -> Vec<StepIndex> {
        let mut running = FuturesUnordered::new();
        let mut locked = Vec::new();
        loop {
            while running.len() < self.execution.policy.jobs.max(1) {
                let Some(at) = waiting.pop_front() else { break };
                running.push(async move { (at, self.step(at, &plan.steps[at], patience).await) });
            }
            let Some((at, tried)) = running.next().await else { return locked };
            outcomes[at] = Some(match tried {
                Tried::Settled(outcome) => outcome,
                Tried::Locked(outcome) => {
                    locked.push(at);
                    outcome
                }
            });
        }
    }

    async fn step(&self, at: StepIndex, step: &Step, patience: Patience) -> Tried {
        let Subject::Upkeep(target) = &step.subject else {
            return Tried::Settled(Outcome::new(Status::Skipped, "nothing to send"));
        };
        if let Some(outcome) = self.not_to_start(target) {
            self.execution.events.emit(Event::Finished(at, outcome.clone()));
            return Tried::Settled(outcome);
        }
        let started = Instant::now();
        self.execution.events.emit(Event::Started(at));
        let mut work = Work { run: self, at, step, waited: Duration::ZERO };
        let tried = work.until_settled().await;
        let finish = |outcome: Outcome| Outcome {
            started: Some(started),
            duration: started.elapsed(),
            waited: work.waited,
            sent: step.statements.iter().flat_map(|statement| statement.texts()).collect(),
            ..outcome
        };
        let tried = match tried {
            Tried::Settled(outcome) => Tried::Settled(finish(outcome)),
            Tried::Locked(outcome) if patience == Patience::Left => {
                let reason = "it is locked; tried again at the end";
                let told = Outcome::new(Status::Skipped, reason);
                self.execution.events.emit(Event::Finished(at, told));
                return Tried::Locked(finish(outcome));
            }
            Tried::Locked(outcome) => Tried::Settled(finish(outcome)),
        };
        let (Tried::Settled(outcome) | Tried::Locked(outcome)) = &tried;
        if outcome.status == Status::Done {
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            pace.bytes += target.bytes;
            pace.busy += outcome.duration;
        }
        self.execution.events.emit(Event::Finished(at, outcome.clone()));
        tried
    }

    async fn session(&self) -> Result<Session> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle.filter(|session| !session.is_closed()) {
            Some(session) => Ok(session),
            None => self.execution.database.maintainer(Workers::AsConfigured).await,
        }
    }

    fn keep(&self, session: Session) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }

    fn is_stopped(&self) -> bool {
        let late =
            self.execution.deadline.as_ref().is_some_and(|(when, _)| Instant::now() >= *when);
        late || self.execution.cancel.signal().is_some()
    }

    /// Nothing is begun that would not end in time.
    fn not_to_start(&self, target: &Target) -> Option<Outcome> {
        if let Some(outcome) = self.execution.not_started() {
            return Some(outcome);
        }
        let (when, words) = self.execution.deadline.as_ref()?;
        let left = when.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Some(Outcome::new(Status::Skipped, format!("left for the next time: {words}")));
        }
        let pace = *self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let needed = pace.estimate(target.bytes).filter(|needed| *needed > left)?;
        let reason = format!(
            "left for the next time: it would take about {}, and {} are left",
            figures::duration(needed),
            figures::duration(left)
        );
        Some(Outcome::new(Status::Skipped, reason))
    }

    /// With SKIP_DATABASE_STATS no VACUUM has done it for its own table.
    async fn bring_database_statistics_up_to_date(&self, outcomes: &[Option<Outcome>]) {
        let did_any = outcomes.iter().flatten().any(|outcome| {
            outcome.status == Status::Done
                && outcome.sent.iter().any(|sql| sql.starts_with("VACUUM"))
        });
        if !did_any {
            return;
        }
        // It is only bookkeeping: the next VACUUM of anybody does it as well.
        if let Ok(session) = self.session().await {
            let _ = session.execute("VACUUM (ONLY_DATABASE_STATS)").await;
        }
    }

    async fn record(&self, plan: &Plan, outcomes: &[Outcome]) {
        let steps = plan.steps.iter().zip(outcomes);
        let runs = steps.filter_map(|(step, outcome)| run_of(self.command, step, outcome));
        self.recorder.write(&runs.collect::<Vec<_>>()).await;
    }
}

struct Work<'a> {
    run: &'a Upkeeping<'a>,
    at: StepIndex,
    step: &'a Step,
    waited: Duration,
}

impl Work<'_> {
    async fn until_settled(&mut self) -> Tried {
        let mut retries = 0;
        loop {
            let failure = match self.once().await {
                Ok(Ok(tried)) => return tried,
                // A server that restarts is back in a moment, and so is a session that was ended.
                Ok(Err(error)) if error.is_passing() && retries < RETRIES => error.to_string(),
                Ok(Err(error)) => return Tried::Settled(Outcome::from(&error)),
                Err(failure) if retries < RETRIES => failure.to_string(),
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
            if let Err(failure) = adopt::reach(execution).await {
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
        self.run.keep(session);
        let outcome = match ended {
            Ended::Done
                if warnings.iter().any(|warning| warning.sqlstate == LOCK_NOT_AVAILABLE) =>
            {
                let status = if self.run.skips_locked { Status::Skipped } else { Status::Failed };
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
            Ended::Stopped(reason) => Outcome::new(
                Status::Skipped,
                format!("cancelled, and left for the next time: {reason}"),
            ),
        };
        Ok(Ok(Tried::Settled(outcome)))
    }

    fn warnings(&self, session: &Session) -> Vec<Notice> {
        let warnings = warnings::take(&self.run.execution, self.at, session);
        for warning in warnings.iter().filter(|warning| warning.sqlstate != LOCK_NOT_AVAILABLE) {
            self.run.execution.events.emit(Event::Warned(self.at, warning.message.clone()));
        }
        warnings
    }
}

fn by_oid(tables: &[TableState]) -> HashMap<Oid, &TableState> {
    tables.iter().map(|table| (table.oid, table)).collect()
}

fn upkept(before: &TableState, after: &TableState) -> Upkept {
    let dead = |table: &TableState| {
        table.heap.dead_rows + table.toast.as_ref().map_or(0, |(_, toast)| toast.dead_rows)
    };
    Upkept {
        dead_rows_before: dead(before),
        dead_rows_after: dead(after),
        frozen_xid_age_before: before.heap.frozen_xid_age,
        frozen_xid_age_after: after.heap.frozen_xid_age,
        pages_before: before.heap.pages,
        pages: after.heap.pages,
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

/// Who keeps the dead rows that are left, in words; `None` where nobody is seen who does.
pub fn describe_horizon(holders: &[HorizonHolder]) -> Option<String> {
    let oldest = holders.first()?;
    let who = oldest.who.as_deref().filter(|who| !who.is_empty());
    let who = who.map_or_else(String::new, |who| format!(" ({who})"));
    let kind = match oldest.kind.as_str() {
        "session" => "the session with pid",
        "prepared transaction" => "the prepared transaction",
        "replication slot" => "the replication slot",
        _ => "the standby",
    };
    let transactions =
        figures::count(usize::try_from(oldest.age).unwrap_or(0), "transaction", "transactions");
    Some(format!("{kind} {}{who}, which looks back {transactions}", oldest.name))
}
