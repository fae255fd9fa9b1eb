//! What this run has refreshed, and whether the server that answers now has it: after a connection was
//! lost it may be a standby that was behind.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::facts::WalPosition;
use crate::work::event::StepIndex;

/// The refreshes of a run.
#[derive(Debug, Default)]
pub struct Commits(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Where the WAL ended after each was committed; `None` where that is not known.
    committed: HashMap<StepIndex, Option<WalPosition>>,
    lost: BTreeSet<StepIndex>,
}

impl Commits {
    /// The step's refresh is committed.
    pub fn add(&self, at: StepIndex, position: Option<WalPosition>) {
        let mut state = self.state();
        state.lost.remove(&at);
        state.committed.insert(at, position);
    }

    /// The WAL ends there now: what was committed later is not there. To be told before anything more is
    /// written, which would hide that.
    pub fn compare(&self, now: WalPosition) {
        let mut state = self.state();
        let is_lost = |then: &Option<WalPosition>| !then.is_some_and(|then| now.holds(then));
        let lost = state
            .committed
            .extract_if(|_, then| is_lost(then))
            .map(|(at, _)| at)
            .collect::<Vec<_>>();
        state.lost.extend(lost);
    }

    /// What has to be refreshed again.
    pub fn lost(&self) -> BTreeSet<StepIndex> {
        self.state().lost.clone()
    }

    /// What was refreshed and is there, as far as is known.
    pub fn kept(&self) -> Vec<StepIndex> {
        self.state().committed.keys().copied().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_committed_later_than_the_server_is_now_is_lost_until_it_is_done_again() {
        let at = |bytes| WalPosition { timeline: 1, bytes };
        let commits = Commits::default();
        commits.add(0, Some(at(10)));
        commits.add(1, None);
        commits.compare(at(10));
        assert_eq!(commits.lost(), [1].into());
        commits.add(1, Some(at(30)));
        commits.compare(at(20));
        commits.add(2, Some(at(40)));
        commits.compare(at(40));
        assert_eq!((commits.lost(), commits.kept().len()), ([1].into(), 2));
    }
}
