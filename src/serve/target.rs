//! A target as its pages know it: the last facts, and who looks at them live.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use super::facts::Facts;
use super::query::encoded;

/// A target.
#[derive(Debug)]
pub struct Target {
    pub name: String,
    pub slug: String,
    facts: watch::Sender<Arc<Facts>>,
    changes: watch::Sender<u64>,
    pub viewers: Viewers,
}

/// Who looks at what runs now.
#[derive(Debug, Default)]
pub struct Viewers {
    streams: AtomicUsize,
    /// When somebody last asked for a live page, in seconds since 1970.
    last_asked: AtomicI64,
    came: Notify,
}

/// Somebody looks until this is dropped.
#[derive(Debug)]
pub struct Watching(Arc<Target>);

/// So long after somebody has asked for it a live page counts as looked at: a page without JavaScript is
/// loaded again and again.
const LINGERS_SECONDS: i64 = 10;

/// The changes of all targets are numbered, so that the numbers of an earlier run are never met again.
pub fn changes() -> watch::Sender<u64> {
    watch::Sender::new(Timestamp::now().as_millisecond().unsigned_abs())
}

impl Target {
    pub fn new(facts: Facts, changes: watch::Sender<u64>) -> Self {
        Target {
            name: facts.name.clone(),
            slug: facts.slug.clone(),
            facts: watch::Sender::new(Arc::new(facts)),
            changes,
            viewers: Viewers::default(),
        }
    }

    /// The last facts.
    pub fn facts(&self) -> Arc<Facts> {
        self.facts.borrow().clone()
    }

    /// The next facts are the last ones, changed so; the change is given its number.
    pub fn publish(&self, change: impl FnOnce(&mut Facts, u64)) {
        let number = *self.changes.borrow() + 1;
        self.facts.send_modify(|current| {
            let mut next = Facts::clone(current);
            change(&mut next, number);
            next.generation = number;
            *current = Arc::new(next);
        });
        self.changes.send_replace(number);
    }

    /// Somebody looks live from now on.
    pub fn watch(self: &Arc<Self>) -> Watching {
        let was_watched = self.viewers.any();
        self.viewers.streams.fetch_add(1, Ordering::Relaxed);
        if !was_watched {
            self.viewers.came.notify_waiters();
        }
        Watching(Arc::clone(self))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.viewers.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The name of a target in addresses: one segment of a path, whatever it holds.
pub fn slug(name: &str) -> String {
    match name {
        "." | ".." => name.replace('.', "~dot"),
        _ => encoded(&name.replace('/', "~")),
    }
}

impl Viewers {
    /// Somebody looks at it once.
    pub fn look(&self) {
        let was_watched = self.any();
        self.last_asked.store(Timestamp::now().as_second(), Ordering::Relaxed);
        if !was_watched {
            self.came.notify_waiters();
        }
    }

    /// Whether anybody looks.
    pub fn any(&self) -> bool {
        let asked = self.last_asked.load(Ordering::Relaxed);
        let is_recent = Timestamp::now().as_second() - asked < LINGERS_SECONDS;
        self.streams.load(Ordering::Relaxed) > 0 || is_recent
    }

    /// Returns when somebody comes where nobody was.
    pub async fn come(&self) {
        self.came.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment_of_a_path() {
        assert_eq!(slug("prod/shop_1"), "prod~shop_1");
        assert_eq!(slug("a b?<c>"), "a%20b%3F%3Cc%3E");
        assert_eq!(slug(".."), "~dot~dot");
    }
}
