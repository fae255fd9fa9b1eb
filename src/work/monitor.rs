//! One connection that sees every statement of the run: how far it is, for whom it waits, who
//! waits for it. It tells, and it stops what has waited for too long.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};
use tokio_postgres::types::Type;

use super::Execution;
use super::conflicts::{self, Response};
use super::event::{BuildProgress, Event, StepIndex};
use super::reason::{Reason, Why};
use crate::facts::{Blocker, Oid, StatementProgress, load_progress, load_waiters};
use crate::failure::Result;
use crate::pg::connections::Line;
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// How often running statements are looked at.
const POLL: Duration = Duration::from_millis(500);
/// While a statement waits, PostgreSQL looks for a deadlock once, after deadlock_timeout; so many
/// times do we look before.
const LOOKS_BEFORE_DEADLOCK: u32 = 8;

/// How often the server is asked for a sign of life while nothing is under watch.
const PROBE: Duration = Duration::from_secs(5);

/// A backend that has been idle or gone for so long has answered, and the answer is lost: what stands in
/// between has forgotten the connection.
const ANSWER_LOST: Duration = Duration::from_secs(10);
/// The same after a signal.
const ANSWER_LOST_AFTER_SIGNAL: Duration = Duration::from_secs(2);

/// A session that is still in the way so long after it was cancelled has come back with another
/// statement, or was not reached.
const CANCEL_AGAIN: Duration = Duration::from_millis(500);

/// The statements under watch, by backend.
#[derive(Default)]
pub struct Monitor {
    tracked: Mutex<HashMap<i32, Tracked>>,
    built: Mutex<HashMap<StepIndex, Oid>>,
    began: Notify,
}

struct Tracked {
    at: StepIndex,
    line: Line,
    /// Since when its backend has had nothing to do.
    idle_since: Option<Instant>,
    waited: Duration,
    last_look: Instant,
    counted: Option<PhaseCount>,
    /// What was said or done about whom, and when; forgotten when they are out of the way.
    told: HashMap<(i32, String), Instant>,
    stop: Option<oneshot::Sender<Reason>>,
}

/// Where a phase's counter stood, for the rate.
struct PhaseCount {
    phase: String,
    done: i64,
    since: Instant,
}

/// A statement under watch; dropped when the statement has ended.
pub struct Ticket<'a> {
    monitor: &'a Monitor,
    pid: i32,
    /// Says why the statement has to be stopped.
    pub stop: oneshot::Receiver<Reason>,
}

impl Ticket<'_> {
    /// How long the step has waited for others in all.
    pub fn waited(&self) -> Duration {
        self.monitor
            .tracked()
            .get(&self.pid)
            .map_or(Duration::ZERO, |tracked| tracked.waited)
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.monitor.tracked().remove(&self.pid);
    }
}

impl Monitor {
    /// Takes the statement that a session is about to send under watch; its step has waited so long
    /// already.
    pub fn track(&self, session: &Session, at: StepIndex, waited: Duration) -> Ticket<'_> {
        let (sender, stop) = oneshot::channel();
        let pid = session.pid();
        let tracked = Tracked {
            at,
            line: session.line().clone(),
            idle_since: None,
            waited,
            last_look: Instant::now(),
            counted: None,
            told: HashMap::new(),
            stop: Some(sender),
        };
        self.built().remove(&at);
        self.tracked().insert(pid, tracked);
        self.began.notify_one();
        Ticket { monitor: self, pid, stop }
    }

    /// The index that the step's last statement was seen to build.
    pub fn index_of(&self, at: StepIndex) -> Option<Oid> {
        self.built().get(&at).copied()
    }

    /// Watches for as long as the run lasts; never returns.
    pub async fn run(&self, execution: &Execution<'_>) -> Infallible {
        let urgent = execution.database.server.deadlock_timeout / LOOKS_BEFORE_DEADLOCK;
        let calm = if execution.builds { urgent.max(POLL / 4) } else { POLL };
        let mut session = None;
        loop {
            if self.tracked().is_empty() {
                tokio::select! {
                    () = self.began.notified() => {}
                    () = tokio::time::sleep(PROBE) => {}
                    _ = execution.cancel.wait() => {}
                }
            }
            // Watching is no reason to fail: what cannot be seen now may be seen next time.
            let looked = self.look(execution, &mut session).await;
            if looked.is_err() {
                session = None;
            }
            let waits = looked.unwrap_or(false);
            tokio::time::sleep(if waits { urgent } else { calm }.min(POLL)).await;
        }
    }

    /// One look at everything. Returns whether something waits.
    async fn look(&self, execution: &Execution<'_>, session: &mut Option<Session>) -> Result<bool> {
        let pids = self.tracked().keys().copied().collect::<Vec<_>>();
        if session.is_none() {
            *session = Some(execution.database.reader().await?);
        }
        let Some(session) = session else {
            return Ok(false);
        };
        if pids.is_empty() {
            session.query("SELECT", &[]).await.map_err(ServerError::into_failure)?;
            return Ok(false);
        }
        let mut present = HashSet::new();
        let ours = execution.database.connections().pids();
        let seen = load_progress(session, &pids, &ours).await?;
        self.end_unanswered(execution, &pids, &seen);
        for progress in seen {
            present.extend(progress.blocker.iter().map(|blocker| (progress.pid, blocker.pid)));
            self.hear(execution, session, progress).await;
        }
        let waiters = match execution.builds {
            true => load_waiters(session, &pids).await?,
            false => Vec::new(),
        };
        for waiter in waiters {
            present.insert((waiter.our_pid, waiter.session.pid));
            self.respond(execution, session, waiter.our_pid, &waiter.session, "waiter", || {
                conflicts::on_waiter(&waiter, &execution.policy)
            })
            .await;
        }
        // A session that comes back with another statement is told of, or cancelled, once more.
        for (our_pid, tracked) in self.tracked().iter_mut() {
            tracked.told.retain(|(other, _), _| present.contains(&(*our_pid, *other)));
        }
        Ok(!present.is_empty())
    }

    /// Breaks off the connections whose backends have nothing to do any more.
    fn end_unanswered(&self, execution: &Execution<'_>, pids: &[i32], seen: &[StatementProgress]) {
        let patience = match execution.cancel.signal() {
            Some(_) => ANSWER_LOST_AFTER_SIGNAL,
            None => ANSWER_LOST,
        };
        let is_at_work =
            |pid: &i32| seen.iter().any(|progress| progress.pid == *pid && !progress.is_idle);
        let mut all = self.tracked();
        for pid in pids {
            let Some(tracked) = all.get_mut(pid) else {
                continue;
            };
            if is_at_work(pid) {
                tracked.idle_since = None;
            } else if tracked.idle_since.get_or_insert_with(Instant::now).elapsed() >= patience {
                tracked.line.break_off("the server's answer has not arrived");
                execution.database.connections().lose();
            }
        }
    }

    async fn hear(
        &self,
        execution: &Execution<'_>,
        session: &Session,
        progress: StatementProgress,
    ) {
        let pid = progress.pid;
        let Some(event) = self.note(execution, &progress) else {
            return;
        };
        execution.events.emit(event);
        if let Some(blocker) = progress.blocker.as_ref().filter(|_| execution.builds) {
            self.respond(execution, session, pid, blocker, "blocker", || {
                conflicts::on_blocker(blocker, &execution.policy)
            })
            .await;
        }
    }

    /// Keeps account of waiting and of the rate; returns what there is to tell. What a statement waits
    /// for another session of this run for is no waiting: that is at work, or looks on for a moment.
    fn note(&self, execution: &Execution<'_>, progress: &StatementProgress) -> Option<Event> {
        let mut all = self.tracked();
        let tracked = all.get_mut(&progress.pid)?;
        if let Some(index) = progress.index {
            self.built().insert(tracked.at, index);
        }
        let passed = tracked.last_look.elapsed();
        tracked.last_look = Instant::now();
        let Some(blocker) = &progress.blocker else {
            let phase = progress.phase.clone()?;
            return Some(Event::Progressed(tracked.at, tracked.progress(phase, progress)));
        };
        let who = conflicts::describe(blocker, &execution.policy);
        tracked.waited += passed;
        if tracked.waited >= execution.policy.max_wait {
            tracked.stop(Why::GaveUpAfter { who: who.clone() });
        }
        Some(Event::Waiting(tracked.at, blocker.pid, who))
    }

    async fn respond(
        &self,
        execution: &Execution<'_>,
        session: &Session,
        our_pid: i32,
        other: &Blocker,
        role: &str,
        response: impl FnOnce() -> Response,
    ) {
        let response = response();
        let (Response::Warn(text) | Response::CancelOther(text) | Response::StopOurs(text)) =
            &response
        else {
            return;
        };
        let Some(at) = self.first_time(our_pid, other.pid, role, &response) else {
            return;
        };
        execution.events.emit(Event::Warned(at, text.clone()));
        match response {
            Response::CancelOther(_) => {
                let sql = "SELECT pg_catalog.pg_cancel_backend($1)";
                if let Err(error) = session.query(sql, &[(&other.pid, Type::INT4)]).await {
                    let text = format!("pid {} could not be cancelled: {error}", other.pid);
                    execution.events.emit(Event::Warned(at, text));
                }
            }
            Response::StopOurs(reason) => {
                if let Some(tracked) = self.tracked().get_mut(&our_pid) {
                    tracked.stop(Why::Stopped { why: reason });
                }
            }
            Response::Warn(_) | Response::Ignore => {}
        }
    }

    /// The step to speak of, if this was not said or done about this session in this role before:
    /// whoever waits for us may come to be waited for, which is another matter.
    fn first_time(
        &self,
        our_pid: i32,
        other: i32,
        role: &str,
        response: &Response,
    ) -> Option<StepIndex> {
        let mut all = self.tracked();
        let tracked = all.get_mut(&our_pid)?;
        let kind = format!("{role} {:?}", std::mem::discriminant(response));
        let again = matches!(response, Response::CancelOther(_));
        let before = tracked.told.get(&(other, kind.clone()));
        if before.is_some_and(|when| !again || when.elapsed() < CANCEL_AGAIN) {
            return None;
        }
        tracked.told.insert((other, kind), Instant::now());
        Some(tracked.at)
    }

    fn built(&self) -> MutexGuard<'_, HashMap<StepIndex, Oid>> {
        self.built.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tracked(&self) -> MutexGuard<'_, HashMap<i32, Tracked>> {
        self.tracked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tracked {
    fn stop(&mut self, why: Why) {
        if let Some(stop) = self.stop.take() {
            // Nobody listens any more where the statement has just ended.
            let _ = stop.send(why.into());
        }
    }

    fn progress(&mut self, phase: String, seen: &StatementProgress) -> BuildProgress {
        let (done, all) = seen.done_of.unwrap_or_default();
        let same = self.counted.as_ref().filter(|counted| counted.phase == phase);
        let counted_rate = same.map(|counted| {
            let seconds = counted.since.elapsed().as_secs_f64().max(0.001);
            (done - counted.done) as f64 / seconds
        });
        if same.is_none() {
            self.counted = Some(PhaseCount { phase: phase.clone(), done, since: Instant::now() });
        }
        let rate = counted_rate.filter(|rate| *rate > 0.0);
        BuildProgress {
            phase,
            percent: seen.done_of.map(|_| (done * 100 / all.max(1)).clamp(0, 100) as u8),
            per_second: rate,
            phase_left: rate
                .and_then(|rate| crate::format::seconds((all - done).max(0) as f64 / rate)),
            size_bytes: seen.size_bytes,
            workers: seen.workers,
        }
    }
}
