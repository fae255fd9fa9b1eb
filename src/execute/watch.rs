//! Sending a statement that may take hours, with an eye on it: how far it is, for whom it waits,
//! whether somebody asked to stop, and whether it has waited for long enough.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::Execution;
use crate::catalog::{Blocker, StatementProgress, load_progress};
use crate::event::{Event, Progress, StepIndex};
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// How often the progress is read.
const POLL: Duration = Duration::from_millis(500);

/// How a statement ended.
pub enum Ended {
    /// It succeeded.
    Done,
    /// The server refused, or the connection broke.
    Failed(ServerError),
    /// It was cancelled on a signal.
    Cancelled,
    /// It was cancelled because it waited for others for too long.
    WaitedTooLong(String),
}

enum Stop {
    Signal,
    WaitedTooLong(String),
}

/// Watches the statements of one step.
pub struct Watch<'a> {
    execution: &'a Execution<'a>,
    at: StepIndex,
    waited: Duration,
}

impl<'a> Watch<'a> {
    /// `waited`: how long the step has waited already.
    pub fn new(execution: &'a Execution<'a>, at: StepIndex, waited: Duration) -> Self {
        Watch { execution, at, waited }
    }

    /// How long the step has waited for others in all.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Sends the statement and awaits its end.
    pub async fn run(&mut self, session: &Session, sql: &str) -> Ended {
        let pid = session.pid();
        let stopped = Mutex::new(None);
        let stop = async {
            let stop = self.until_stop(pid).await;
            *stopped.lock().await = Some(stop);
        };
        match session.execute_unless(sql, stop).await {
            Some(Ok(())) => Ended::Done,
            Some(Err(error)) => Ended::Failed(error),
            None => match stopped.into_inner() {
                Some(Stop::WaitedTooLong(reason)) => Ended::WaitedTooLong(reason),
                _ => Ended::Cancelled,
            },
        }
    }

    async fn until_stop(&mut self, pid: i32) -> Stop {
        let cancel = self.execution.cancel.clone();
        tokio::select! {
            _ = cancel.wait() => Stop::Signal,
            reason = self.observe(pid) => Stop::WaitedTooLong(reason),
        }
    }

    /// Returns only when the statement has waited for too long.
    async fn observe(&mut self, pid: i32) -> String {
        let mut last = Instant::now();
        loop {
            tokio::time::sleep(POLL).await;
            let passed = last.elapsed();
            last = Instant::now();
            let Some(progress) = self.read(pid).await else { continue };
            if let Some(blocker) = &progress.blocker {
                self.waited += passed;
                if self.waited >= self.execution.limits.max_wait {
                    return format!("gave up after waiting for {}", describe(blocker));
                }
            }
            self.tell(progress);
        }
    }

    /// Watching is no reason to fail: what cannot be read now may be readable next time.
    async fn read(&self, pid: i32) -> Option<StatementProgress> {
        let session = self.execution.database.reader().await.ok()?;
        load_progress(&session, pid).await.ok().flatten()
    }

    fn tell(&self, progress: StatementProgress) {
        if let Some(blocker) = &progress.blocker {
            self.execution.events.emit(Event::Waiting(self.at, describe(blocker)));
        } else if let Some(phase) = progress.phase {
            let percent =
                progress.done_of.map(|(done, all)| (done * 100 / all).clamp(0, 100) as u8);
            self.execution.events.emit(Event::Progressed(self.at, Progress { phase, percent }));
        }
    }
}

/// The blocker as a person looks for it: pid, application, user, state, age of its transaction.
fn describe(blocker: &Blocker) -> String {
    if blocker.pid == 0 {
        return "a prepared transaction".to_owned();
    }
    let mut words = format!("pid {}", blocker.pid);
    let known = [&blocker.application, &blocker.role, &blocker.state];
    let known = known.into_iter().flatten().filter(|text| !text.is_empty());
    let known = known.map(String::as_str).collect::<Vec<_>>().join(", ");
    if !known.is_empty() {
        words.push_str(&format!(" ({known})"));
    }
    if let Some(seconds) = blocker.xact_seconds {
        let age = Duration::from_secs(seconds.max(0.0) as u64);
        words.push_str(&format!(", its transaction began {} ago", humantime::format_duration(age)));
    }
    words
}
