//! What pgtend did in a database, as its history tells from look to look.

use std::collections::{BTreeMap, HashMap};

use super::list::Rows;
use super::rows::work;
use crate::facts::Oid;
use crate::facts::history::{
    PastRun, RunFilter, StepCount, ViewRefresh, load_runs, load_step_counts, load_view_refreshes,
};
use crate::failure::Result;
use crate::pg::session::Session;

/// So many steps are shown.
const MOST_RUNS: u32 = 500;

/// What the last look has found.
#[derive(Debug, Default)]
pub struct Runs {
    /// The newest first.
    pub rows: Rows,
    pub tally: Tally,
}

/// What the history has told so far. It forgets steps after some time, and a counter must not fall.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// `None`: nobody has looked yet.
    last_id: Option<i64>,
    /// By command and outcome.
    pub steps: BTreeMap<(String, String), Steps>,
    /// By view and outcome.
    pub refreshes: HashMap<Oid, BTreeMap<String, ViewRefresh>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Steps {
    /// Since the first look.
    pub counted: i64,
    pub last: Option<LastStep>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LastStep {
    /// In seconds since 1970.
    pub started_epoch: f64,
    pub duration_ms: f64,
}

impl Runs {
    /// Looks. `known`: what earlier looks have told.
    ///
    /// # Errors
    /// Those of asking the server.
    pub async fn look(session: &Session, known: Tally) -> Result<Self> {
        let filter = RunFilter { limit: MOST_RUNS, ..RunFilter::default() };
        let runs = load_runs(session, &filter).await?;
        let after = known.begins_after(&runs);
        let counts = load_step_counts(session, after).await?;
        let refreshes = load_view_refreshes(session, after).await?;
        Ok(Runs {
            rows: work::runs(&runs),
            tally: known.with(counts, refreshes),
        })
    }
}

impl Tally {
    /// Behind which step the next look begins: where all are older than what was seen, the history is another.
    fn begins_after(&self, newest: &[PastRun]) -> i64 {
        let last = self.last_id.unwrap_or_default();
        match newest.iter().map(|run| run.id).max() {
            Some(newest) if newest < last => 0,
            _ => last,
        }
    }

    /// What was there before the first look is not counted: a counter tells what happened since it began.
    fn with(mut self, counts: Vec<StepCount>, refreshes: Vec<ViewRefresh>) -> Self {
        let is_first = self.last_id.is_none();
        self.last_id = counts.iter().map(|count| count.last_id).max().or(self.last_id);
        for StepCount { command, outcome, steps, started_epoch, duration_ms, .. } in counts {
            let known = self.steps.entry((command, outcome)).or_default();
            known.counted += if is_first { 0 } else { steps };
            let last = started_epoch
                .zip(duration_ms)
                .map(|(epoch, ms)| LastStep { started_epoch: epoch, duration_ms: ms });
            known.last = last.or(known.last);
        }
        self.last_id.get_or_insert_default();
        for refresh in refreshes {
            let of_view = self.refreshes.entry(refresh.object_oid).or_default();
            of_view.insert(refresh.outcome.clone(), refresh);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(steps: i64, last_id: i64) -> Vec<StepCount> {
        vec![StepCount {
            command: "apply".to_owned(),
            outcome: "done".to_owned(),
            steps,
            last_id,
            started_epoch: Some(last_id as f64),
            duration_ms: Some(5.0),
        }]
    }

    fn counted(tally: &Tally) -> Vec<i64> {
        tally.steps.values().map(|steps| steps.counted).collect()
    }

    fn run(id: i64) -> PastRun {
        PastRun {
            id,
            started_at: String::new(),
            shown_at: String::new(),
            pgtend_version: String::new(),
            run: crate::facts::history::Run::default(),
        }
    }

    #[test]
    fn steps_count_from_the_first_look_on_and_never_back() {
        let first = Tally::default().with(count(70, 100), Vec::new());
        assert_eq!(counted(&first), [0]);
        assert_eq!(first.begins_after(&[run(103), run(99)]), 100);
        let second = first.with(count(3, 103), Vec::new());
        assert_eq!(counted(&second), [3]);
        let idle = second.clone().with(Vec::new(), Vec::new());
        assert_eq!(idle, second);
        let last = second.steps.values().next().unwrap().last.unwrap();
        assert_eq!(last.started_epoch, 103.0);
        // The old steps were forgotten, or pgtend init has begun again.
        assert_eq!(second.begins_after(&[]), 103);
        assert_eq!(second.begins_after(&[run(2)]), 0);
        let again = second.with(count(2, 2), Vec::new());
        assert_eq!((counted(&again), again.last_id), (vec![5], Some(2)));
    }

    #[test]
    fn what_an_empty_history_gets_is_counted() {
        let empty = Tally::default().with(Vec::new(), Vec::new());
        assert_eq!(counted(&empty.with(count(2, 2), Vec::new())), [2]);
    }
}
