//! When everything has to be over, and what there is no time for.

use std::time::{Duration, Instant};

use super::event::{Skipped, Status, StepOutcome};
use super::plan::Step;
use super::reason::Why;
use super::{Execution, Interruption};
use crate::format;

/// When everything has to be over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    pub when: Instant,
    /// What is over then: `the window 23:00-05:00 has closed`.
    pub words: String,
    pub rest: Rest,
}

/// What is not done until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// It comes next time, which is no failure.
    IsLeft,
    Fails,
}

impl Deadline {
    /// That of `--time-limit`, which began to run then.
    pub fn of_limit(began: Instant, limit: Duration, rest: Rest) -> Self {
        let words = format!("the time limit of {} is over", format::duration(limit));
        Deadline { when: began + limit, words, rest }
    }

    /// The one that comes first.
    pub fn first(all: [Option<Deadline>; 2]) -> Option<Deadline> {
        all.into_iter().flatten().min_by_key(|deadline| deadline.when)
    }

    pub fn is_over(&self) -> bool {
        Instant::now() >= self.when
    }
}

/// Why the step is not begun: nothing is that would not end in time.
pub fn not_enough(execution: &Execution<'_>, step: &Step) -> Option<StepOutcome> {
    let deadline = execution.deadline.as_ref()?;
    if deadline.is_over() {
        return over(execution);
    }
    let left = deadline.when.saturating_duration_since(Instant::now());
    let needed = execution.progress_estimate.estimate(step).filter(|needed| *needed > left)?;
    let (needed, left) = (format::duration(needed), format::duration(left));
    let would_not_end = || StepOutcome::skipped(Skipped::NoTime, Why::WouldNotEnd { needed, left });
    (deadline.rest == Rest::IsLeft).then(would_not_end)
}

/// Why nothing is begun any more: the time is up.
pub fn over(execution: &Execution<'_>) -> Option<StepOutcome> {
    let deadline = execution.deadline.as_ref().filter(|deadline| deadline.is_over())?;
    Some(unbegun(Interruption::TimeIsUp(deadline.clone())))
}

/// The outcome of a step that was interrupted before it began.
pub fn unbegun(interruption: Interruption) -> StepOutcome {
    match interruption {
        Interruption::Cancelled => StepOutcome::new(Status::Cancelled, Why::CancelledBeforeBegun),
        Interruption::TimeIsUp(Deadline { words, rest: Rest::Fails, .. }) => {
            StepOutcome::new(Status::Failed, Why::TimeUpBeforeStart { words })
        }
        Interruption::TimeIsUp(Deadline { words, .. }) => {
            StepOutcome::skipped(Skipped::NoTime, Why::LeftForNextTime { words })
        }
    }
}

/// The outcome of a step that was interrupted.
impl From<Interruption> for StepOutcome {
    fn from(interruption: Interruption) -> Self {
        match interruption {
            Interruption::Cancelled => StepOutcome::new(Status::Cancelled, Why::Cancelled),
            Interruption::TimeIsUp(Deadline { words, rest: Rest::Fails, .. }) => {
                StepOutcome::new(Status::Failed, Why::TimeUp { words })
            }
            Interruption::TimeIsUp(Deadline { words, .. }) => {
                StepOutcome::skipped(Skipped::NoTime, Why::StoppedForTime { why: words })
            }
        }
    }
}
