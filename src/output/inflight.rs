//! What is there right now and has to go: the second Ctrl-C leaves it behind and has to say how to
//! clean up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::work::event::{Event, StepIndex};
use crate::work::plan::Statement;

/// What would be left, shared between those who make it and `main`.
#[derive(Debug, Clone, Default)]
pub struct Inflight {
    left: Arc<Mutex<Leftovers>>,
    run: usize,
}

#[derive(Debug, Default)]
struct Leftovers {
    /// Of builds that have been sent and not ended: the SQL that removes them.
    builds: BTreeMap<(usize, StepIndex), String>,
    runs: usize,
    /// How to remove whatever else there is.
    others: Vec<String>,
}

/// As long as it lives there is something that would be left.
#[derive(Debug)]
pub struct LeftoverGuard {
    inflight: Inflight,
    way: String,
}

impl Inflight {
    /// Shared with a run over another target, whose steps are counted from 0, too.
    #[must_use]
    pub fn of_another_run(&self) -> Self {
        let mut leftovers = self.leftovers();
        leftovers.runs += 1;
        Inflight { left: Arc::clone(&self.left), run: leftovers.runs }
    }

    /// Follows what is sent and what ends.
    pub fn hear(&self, event: &Event) {
        match event {
            Event::Sending(at, Statement::Build { index, .. }) => {
                let sql = format!("DROP INDEX CONCURRENTLY IF EXISTS {index};");
                self.leftovers().builds.insert((self.run, *at), sql);
            }
            Event::Finished(at, _) => {
                self.leftovers().builds.remove(&(self.run, *at));
            }
            _ => {}
        }
    }

    /// Remembers, until the answer is dropped, how to remove something.
    #[must_use]
    pub fn leaves(&self, way: String) -> LeftoverGuard {
        self.leftovers().others.push(way.clone());
        LeftoverGuard { inflight: self.clone(), way }
    }

    /// How to remove all that would be left, a sentence each.
    pub fn ways_to_clean_up(&self) -> Vec<String> {
        let leftovers = self.leftovers();
        let builds = leftovers
            .builds
            .values()
            .map(|sql| format!("the next apply does it, or: {sql}"));
        builds.chain(leftovers.others.iter().cloned()).collect()
    }

    fn leftovers(&self) -> MutexGuard<'_, Leftovers> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LeftoverGuard {
    fn drop(&mut self) {
        let mut leftovers = self.inflight.leftovers();
        if let Some(at) = leftovers.others.iter().position(|way| *way == self.way) {
            leftovers.others.remove(at);
        }
    }
}
