//! What is done and what is left, in bytes and in time: by what this run has seen and by the past.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::event::{Status, StepOutcome, Total};
use super::plan::Step;
use crate::facts::history::PastMaintenance;
use crate::format;

/// The pace of a run.
#[derive(Debug, Default)]
pub struct ProgressEstimate(Mutex<RunPace>);

#[derive(Debug, Default)]
struct RunPace {
    /// Of the run's steps.
    total: Total,
    /// Bytes that were read in `busy`, by all workers, in this run and before.
    known_bytes: i64,
    busy: Duration,
}

impl ProgressEstimate {
    /// A pace that knows how fast it went in the past.
    pub fn with_past<'p>(past: impl Iterator<Item = &'p PastMaintenance>) -> Self {
        let mut pace = RunPace::default();
        for table in past {
            pace.known_bytes = pace.known_bytes.saturating_add(table.done_bytes.max(0));
            pace.busy = pace.busy.saturating_add(table.done_in);
        }
        ProgressEstimate(Mutex::new(pace))
    }

    /// Adds a step there is work on.
    pub fn expect(&self, step: &Step) {
        let mut pace = self.pace();
        pace.total.steps += 1;
        pace.total.bytes += bytes(step);
    }

    /// How long the step will take: as long as it usually does, else by its size; `None` while
    /// nothing is known.
    pub fn estimate(&self, step: &Step) -> Option<Duration> {
        step.usual_duration.or_else(|| self.pace().time_for(bytes(step)))
    }

    /// Notes what a step came to. Returns how far the run is with so many workers.
    pub fn settle(&self, step: &Step, outcome: &StepOutcome, jobs: usize) -> Total {
        let mut pace = self.pace();
        if outcome.status == Status::Done {
            pace.known_bytes = pace.known_bytes.saturating_add(bytes(step));
            pace.busy += outcome.duration;
        }
        pace.total.steps_done += 1;
        pace.total.bytes_done += bytes(step);
        let left = pace.total.bytes - pace.total.bytes_done;
        pace.total.left = pace.time_for(left).map(|left| left.div_f64(jobs.max(1) as f64));
        pace.total
    }

    fn pace(&self) -> MutexGuard<'_, RunPace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the work is measured by: the index that is built, else the table. The history has the same.
fn bytes(step: &Step) -> i64 {
    step.estimated_bytes.unwrap_or(step.table_bytes)
}

impl RunPace {
    fn time_for(&self, bytes: i64) -> Option<Duration> {
        let is_known = self.known_bytes > 0 && self.busy > Duration::ZERO;
        let share = bytes.max(0) as f64 / self.known_bytes as f64;
        is_known.then(|| format::seconds(self.busy.as_secs_f64() * share)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::name::RelationName;
    use crate::work::plan::{Action, Subject};
    use crate::work::reason::Why;
    use crate::work::subject::MaintenanceTarget;

    fn step(table_bytes: i64, usual_duration: Option<Duration>) -> Step {
        let name = RelationName::qualified("public", "t");
        let target = MaintenanceTarget { table: 1, vacuum: true, analyze: false };
        Step {
            table_bytes,
            usual_duration,
            ..Step::new(Action::Vacuum, name, Subject::TableMaintenance(target))
        }
    }

    #[test]
    fn a_table_takes_as_long_as_it_usually_does_and_else_by_its_size() {
        let progress_estimate = ProgressEstimate::default();
        assert_eq!(progress_estimate.estimate(&step(100, None)), None);
        let past = PastMaintenance {
            object: "public.t".to_owned(),
            was_left: false,
            usual: None,
            done_bytes: 1000,
            done_in: Duration::from_secs(10),
        };
        let progress_estimate = ProgressEstimate::with_past(std::iter::once(&past));
        assert_eq!(progress_estimate.estimate(&step(100, None)), Some(Duration::from_secs(1)));
        let usual = Some(Duration::from_secs(7));
        assert_eq!(progress_estimate.estimate(&step(100, usual)), usual);
    }

    #[test]
    fn workers_share_what_is_left() {
        let progress_estimate = ProgressEstimate::default();
        let tables = [step(1000, None), step(3000, None)];
        tables.iter().for_each(|table| progress_estimate.expect(table));
        let done = StepOutcome {
            duration: Duration::from_secs(2),
            ..StepOutcome::new(Status::Done, Why::Done)
        };
        let total = progress_estimate.settle(&tables[0], &done, 2);
        assert_eq!((total.steps_done, total.steps), (1, 2));
        assert_eq!((total.bytes_done, total.bytes), (1000, 4000));
        assert_eq!(total.left, Some(Duration::from_secs(3)));
    }
}
