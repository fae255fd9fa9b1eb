//! One connection that sees every statement of the run: how far it is, for whom it waits, who
//! waits for it. It tells, and it stops what has waited for too long.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};
use tokio_postgres::types::Type;

use super::Execution;
use super::guard::{self, Response};
use crate::catalog::{Blocker, StatementProgress, load_progress, load_waiters};
use crate::event::{Event, Progress, StepIndex};
use crate::failure::Result;
use crate::pg::session::Session;

/// How often running statements are looked at.
const POLL: Duration = Duration::from_millis(500);
/// While a statement waits, PostgreSQL looks for a deadlock once, after deadlock_timeout; so many
/// times do we look before.
const LOOKS_BEFORE_DEADLOCK: u32 = 8;

/// A session that is still in the way so long after it was cancelled has come back with another
/// statement, or was not reached.
const CANCEL_AGAIN: Duration = Duration::from_millis(500);

/// The statements under watch, by backend.
#[derive(Default)]
pub struct Monitor {
    tracked: Mutex<HashMap<i32, Tracked>>,
    began: Notify,
}

struct Tracked {
    at: StepIndex,
    waited: Duration,
    last_look: Instant,
    counted: Option<Counted>,
    /// What was said or done about whom, and when; forgotten when they are out of the way.
    told: HashMap<(i32, String), Instant>,
    stop: Option<oneshot::Sender<String>>,
}

/// Where a phase's counter stood, for the rate.
struct Counted {
    phase: String,
    done: i64,
    since: Instant,
}

/// A statement under watch; dropped when the statement has ended.
pub struct Ticket<'a> {
    monitor: &'a Monitor,
    pid: i32,
    /// Says why the statement has to be stopped.
    pub stop: oneshot::Receiver<String>,
}

impl Ticket<'_> {
    /// How long the step has waited for others in all.
    pub fn waited(&self) -> Duration {
        self.monitor.tracked().get(&self.pid).map_or(Duration::ZERO, |tracked| tracked.waited)
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.monitor.tracked().remove(&self.pid);
    }
}

impl Monitor {
    /// Takes a backend's statement under watch, whose step has waited so long already.
    pub fn track(&self, pid: i32, at: StepIndex, waited: Duration) -> Ticket<'_> {
        let (sender, stop) = oneshot::channel();
        let tracked = Tracked {
            at,
            waited,
            last_look: Instant::now(),
            counted: None,
            told: HashMap::new(),
            stop: Some(sender),
        };
        self.tracked().insert(pid, tracked);
        self.began.notify_one();
        Ticket { monitor: self, pid, stop }
    }

    /// Watches for as long as the run lasts; never returns.
    pub async fn run(&self, execution: &Execution<'_>) -> Infallible {
        let urgent = execution.database.server.deadlock_timeout / LOOKS_BEFORE_DEADLOCK;
        let calm = if execution.builds { urgent.max(POLL / 4) } else { POLL };
        let mut session = None;
        loop {
            if self.tracked().is_empty() {
                self.began.notified().await;
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
        let Some(session) = session else { return Ok(false) };
        let mut present = HashSet::new();
        for progress in load_progress(session, &pids).await? {
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
                guard::on_waiter(&waiter, &execution.policy)
            })
            .await;
        }
        // A session that comes back with another statement is told of, or cancelled, once more.
        for (our_pid, tracked) in self.tracked().iter_mut() {
            tracked.told.retain(|(other, _), _| present.contains(&(*our_pid, *other)));
        }
        Ok(!present.is_empty())
    }

    async fn hear(
        &self,
        execution: &Execution<'_>,
        session: &Session,
        progress: StatementProgress,
    ) {
        let pid = progress.pid;
        let Some(event) = self.note(execution, &progress) else { return };
        execution.events.emit(event);
        if let Some(blocker) = progress.blocker.as_ref().filter(|_| execution.builds) {
            self.respond(execution, session, pid, blocker, "blocker", || {
                guard::on_blocker(blocker, &execution.policy)
            })
            .await;
        }
    }

    /// Keeps account of waiting and of the rate; returns what there is to tell.
    fn note(&self, execution: &Execution<'_>, progress: &StatementProgress) -> Option<Event> {
        let mut all = self.tracked();
        let is_ours = progress.blocker.as_ref().is_some_and(|it| all.contains_key(&it.pid));
        let tracked = all.get_mut(&progress.pid)?;
        let passed = tracked.last_look.elapsed();
        tracked.last_look = Instant::now();
        let Some(blocker) = &progress.blocker else {
            let phase = progress.phase.clone()?;
            return Some(Event::Progressed(tracked.at, tracked.progress(phase, progress)));
        };
        let who = guard::describe(blocker, &execution.policy);
        tracked.waited += passed;
        if is_ours {
            // Two steps of one run wait for each other for moments only.
            return None;
        }
        if tracked.waited >= execution.policy.max_wait {
            tracked.stop(format!("gave up after waiting for {who}"));
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
        let Some(at) = self.first_time(our_pid, other.pid, role, &response) else { return };
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
                    tracked.stop(reason);
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

    fn tracked(&self) -> MutexGuard<'_, HashMap<i32, Tracked>> {
        self.tracked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tracked {
    fn stop(&mut self, reason: String) {
        if let Some(stop) = self.stop.take() {
            // Nobody listens any more where the statement has just ended.
            let _ = stop.send(reason);
        }
    }

    fn progress(&mut self, phase: String, seen: &StatementProgress) -> Progress {
        let (done, all) = seen.done_of.unwrap_or_default();
        let same = self.counted.as_ref().filter(|counted| counted.phase == phase);
        let rate = same.map(|counted| {
            let seconds = counted.since.elapsed().as_secs_f64().max(0.001);
            (done - counted.done) as f64 / seconds
        });
        if same.is_none() {
            self.counted = Some(Counted { phase: phase.clone(), done, since: Instant::now() });
        }
        let rate = rate.filter(|rate| *rate > 0.0);
        Progress {
            phase,
            percent: seen.done_of.map(|_| (done * 100 / all.max(1)).clamp(0, 100) as u8),
            per_second: rate,
            phase_left: rate.map(|rate| Duration::from_secs_f64((all - done).max(0) as f64 / rate)),
            size_bytes: seen.size_bytes,
            workers: seen.workers,
        }
    }
}
