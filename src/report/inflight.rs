//! What is being built right now: the second Ctrl-C leaves it behind and has to say how to clean
//! up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::event::{Event, StepIndex};
use crate::plan::Statement;

/// The builds that have been sent and not ended, shared between the events and `main`.
#[derive(Debug, Clone, Default)]
pub struct Inflight(Arc<Mutex<BTreeMap<StepIndex, String>>>);

impl Inflight {
    /// Follows what is sent and what ends.
    pub fn hear(&self, event: &Event) {
        let mut builds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Sending(at, Statement::Build { index, .. }) => {
                builds.insert(*at, format!("DROP INDEX CONCURRENTLY IF EXISTS {index};"));
            }
            Event::Finished(at, _) => {
                builds.remove(at);
            }
            _ => {}
        }
    }

    /// The SQL that removes what would be left.
    pub fn cleanup_sql(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
