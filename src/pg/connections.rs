//! The connections that a run has open, known by their backend's pid: a pool hands out bare clients, and
//! the pid is how a client is known again.
//!
//! A link can die without a word, and what stands in between can keep a connection open that leads
//! nowhere. So it is known here when the server was last heard, and connections can be broken off: what
//! waits for an answer on them then hears that they are lost.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use super::notice::Inbox;
use crate::failure::{Failure, Kind, Result};

/// All connections of a database, shared between those who make, use and watch them.
#[derive(Debug, Clone)]
pub struct Connections(Arc<SharedPools>);

#[derive(Debug)]
struct SharedPools {
    open: Mutex<HashMap<i32, Line>>,
    heard: Mutex<Instant>,
    losses: AtomicUsize,
    given_up: OnceLock<String>,
}

/// One connection, apart from whoever uses it.
#[derive(Debug, Clone, Default)]
pub struct Line(Arc<Ends>);

#[derive(Debug, Default)]
struct Ends {
    inbox: Inbox,
    driver: OnceLock<AbortHandle>,
    broken: OnceLock<String>,
}

impl Default for Connections {
    fn default() -> Self {
        Connections(Arc::new(SharedPools {
            open: Mutex::default(),
            heard: Mutex::new(Instant::now()),
            losses: AtomicUsize::default(),
            given_up: OnceLock::new(),
        }))
    }
}

impl Connections {
    /// The connection is served by backend `pid`.
    pub fn insert(&self, pid: i32, line: Line) {
        self.open().insert(pid, line);
    }

    /// The connection that is served by backend `pid`.
    pub fn of(&self, pid: i32) -> Line {
        self.open().get(&pid).cloned().unwrap_or_default()
    }

    /// The connection has ended.
    pub fn forget(&self, line: &Line) {
        self.open().retain(|_, other| !Arc::ptr_eq(&other.0, &line.0));
    }

    /// The backends of all open connections.
    pub fn pids(&self) -> Vec<i32> {
        self.open().keys().copied().collect()
    }

    /// The server has answered, on whichever connection.
    pub fn hear(&self) {
        *self.0.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How long the server has not been heard.
    pub fn silence(&self) -> Duration {
        self.0.heard.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// A connection has ended that nobody here has closed.
    pub fn lose(&self) {
        self.0.losses.fetch_add(1, Ordering::Relaxed);
    }

    /// How many connections were lost.
    pub fn losses(&self) -> usize {
        self.0.losses.load(Ordering::Relaxed)
    }

    /// Breaks off all connections for this reason.
    pub fn break_off(&self, why: &str) {
        let lines = std::mem::take(&mut *self.open());
        for line in lines.values() {
            self.lose();
            line.break_off(why);
        }
    }

    /// Breaks off all connections; from now on none is made.
    pub fn give_up(&self, why: &str) {
        let _ = self.0.given_up.set(why.to_owned());
        self.break_off(why);
    }

    /// # Errors
    /// `Connection` after [`Connections::give_up`].
    pub fn require_hope(&self) -> Result<()> {
        match self.0.given_up.get() {
            Some(why) => Err(Failure::new(Kind::Connection, why)),
            None => Ok(()),
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<i32, Line>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// The notices that come over it.
    pub fn inbox(&self) -> &Inbox {
        &self.0.inbox
    }

    /// It is driven by this task.
    pub fn driven_by(&self, driver: AbortHandle) {
        let _ = self.0.driver.set(driver);
    }

    /// Ends it for this reason: whoever waits for an answer hears that the connection is closed.
    pub fn break_off(&self, why: &str) {
        let _ = self.0.broken.set(why.to_owned());
        if let Some(driver) = self.0.driver.get() {
            driver.abort();
        }
    }

    /// Why it was broken off, if it was.
    pub fn broken(&self) -> Option<&str> {
        self.0.broken.get().map(String::as_str)
    }
}
