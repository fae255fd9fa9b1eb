//! What there is no time for: a limit or window that ends is no failure, and the rest comes next time.

use std::time::Instant;

use super::event::{Outcome, Skipped};
use super::plan::Step;
use super::reason::Why;
use super::{Execution, Interruption};
use crate::format;

/// Why the step is not begun: nothing is that would not end in time.
pub fn not_enough(execution: &Execution<'_>, step: &Step) -> Option<Outcome> {
    let (when, words) = execution.deadline.as_ref()?;
    let left = when.saturating_duration_since(Instant::now());
    if left.is_zero() {
        let why = Why::LeftForNextTime { words: words.clone() };
        return Some(Outcome::skipped(Skipped::NoTime, why));
    }
    let needed = execution.progress_estimate.estimate(step).filter(|needed| *needed > left)?;
    let (needed, left) = (format::duration(needed), format::duration(left));
    Some(Outcome::skipped(Skipped::NoTime, Why::WouldNotEnd { needed, left }))
}

/// The outcome of a step that was interrupted.
pub fn left(interruption: Interruption) -> Outcome {
    match interruption {
        Interruption::TimeIsUp(why) => {
            Outcome::skipped(Skipped::NoTime, Why::StoppedForTime { why })
        }
        cancelled => cancelled.into(),
    }
}
