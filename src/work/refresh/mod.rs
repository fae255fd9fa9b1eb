//! Executing the plan of `refresh`: each view once what it reads is done, several at once, each
//! under a lock of its own so that no view is refreshed twice at a time.

mod commits;
pub mod plan;
mod work;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::event::{Event, Outcome, Status, StepIndex};
use super::plan::{Plan, Step, Subject};
use super::record::{Recorder, run_of};
use super::{Execution, orphaned_backend, reached, settled};
use crate::facts::{Known, Oid, Sources, Unavailable, Writes, load_wal_position};
use crate::pg::advisory::ObjectLocks;
use crate::pg::name::RelationName;
pub use commits::Commits;
use plan::{LastRefresh, Options};
use work::Work;

/// For so long at least it is tried again: whoever reads or changes a table is soon done.
pub const LOCK_PATIENCE: Duration = Duration::from_secs(60);

/// A run of `refresh`.
pub struct Refreshing<'a> {
    /// What every job needs.
    pub execution: Execution<'a>,
    /// What the plan was made with.
    pub options: &'a Options,
    /// The last refreshes of the views; empty without history.
    pub last: &'a HashMap<Oid, LastRefresh>,
    /// How long each view may wait for others who refresh it, and for index builds.
    pub wait: Duration,
    /// Whether the history can be read.
    pub has_history: bool,
    pub recorder: &'a Recorder<'a>,
    pub locks: ObjectLocks,
    /// What it has refreshed so far.
    pub commits: Commits,
}

/// How one try went: the outcome, and what the view was made of just before it was refreshed.
type Ending = (Outcome, Option<Sources>);

impl Refreshing<'_> {
    /// Executes the plan. Returns what each step came to, in the order of the plan.
    pub async fn run(&self, plan: &Plan) -> Vec<Outcome> {
        self.execution.watched(plan, self.steps(plan)).await
    }

    async fn steps(&self, plan: &Plan) -> Vec<Outcome> {
        let mut outcomes = self.side_by_side(plan).await;
        let connections = self.execution.database.connections();
        let mut seen = 0;
        // What is lost while it is done again is looked at once more, and that is enough.
        for _ in 0..2 {
            if connections.losses() == seen {
                break;
            }
            seen = connections.losses();
            self.look_again(plan, &mut outcomes).await;
        }
        reached(outcomes)
    }

    /// A connection was lost, so the server may be another one by now: a standby that was behind, and
    /// has the old contents of what was refreshed before. That is refreshed again.
    async fn look_again(&self, plan: &Plan, outcomes: &mut [Option<Outcome>]) {
        let position = match orphaned_backend::reach(&self.execution).await {
            Ok(session) => load_wal_position(&session).await,
            Err(failure) => Unavailable::from(failure).into(),
        };
        match position {
            Known::Known(now) => self.commits.compare(now),
            Known::Unavailable(reason) => {
                let text =
                    format!("refreshed, and not verified after the connection was lost: {reason}");
                for at in self.commits.kept() {
                    self.execution.events.emit(Event::Warned(at, text.clone()));
                }
            }
        }
        // What reads one that was lost may have been refreshed from its old contents.
        let mut lost = self.commits.lost();
        for at in 0..plan.steps.len() {
            let is_lost = lost.contains(&at) || needs(plan, at).any(|need| lost.contains(&need));
            let is_done = outcomes[at].as_ref().is_some_and(|it| it.status == Status::Done);
            if let Some(before) = outcomes[at].take_if(|_| is_lost && is_done) {
                lost.insert(at);
                outcomes[at] = Some(self.again(plan, at, before, outcomes).await);
            }
        }
    }

    async fn again(
        &self,
        plan: &Plan,
        at: StepIndex,
        before: Outcome,
        outcomes: &[Option<Outcome>],
    ) -> Outcome {
        let text = "it was refreshed, and the server that answers since the connection was lost does \
                    not have it, or not what it reads; it is refreshed again";
        self.execution.events.emit(Event::Warned(at, text.to_owned()));
        let missing = missing_need(plan, outcomes, at);
        let upstream = changed_need(plan, outcomes, at);
        let again = self.step(at, &plan.steps[at], missing, upstream).await;
        Outcome {
            started: before.started,
            duration: before.duration + again.duration,
            waited: before.waited + again.waited,
            sent: [before.sent, again.sent].concat(),
            ..again
        }
    }

    async fn side_by_side(&self, plan: &Plan) -> Vec<Option<Outcome>> {
        let mut outcomes = plan.steps.iter().map(settled).collect::<Vec<_>>();
        let mut running = FuturesUnordered::new();
        let mut begun = vec![false; plan.steps.len()];
        loop {
            while running.len() < self.execution.policy.jobs.max(1) {
                let is_next = |at: &usize| {
                    !begun[*at] && outcomes[*at].is_none() && needs_ended(plan, &outcomes, *at)
                };
                let Some(at) = (0..plan.steps.len()).find(is_next) else {
                    break;
                };
                begun[at] = true;
                let missing = missing_need(plan, &outcomes, at);
                let upstream = changed_need(plan, &outcomes, at);
                let step = &plan.steps[at];
                running.push(async move { (at, self.step(at, step, missing, upstream).await) });
            }
            let Some((at, outcome)) = running.next().await else {
                break;
            };
            outcomes[at] = Some(outcome);
        }
        drop(running);
        outcomes
    }

    async fn step(
        &self,
        at: StepIndex,
        step: &Step,
        missing: Option<String>,
        upstream: Option<RelationName>,
    ) -> Outcome {
        if let Some(outcome) = self.not_to_start(missing) {
            self.execution.events.emit(Event::Finished(at, Box::new(outcome.clone())));
            return outcome;
        }
        let started = Instant::now();
        self.execution.events.emit(Event::Started(at));
        let mut work = Work::new(self, at, step, upstream);
        let (outcome, sources) = work.run().await;
        let outcome = Outcome {
            started: Some(started),
            duration: started.elapsed(),
            waited: work.waited,
            sent: work.sent,
            ..outcome
        };
        self.remember(step, &outcome, sources).await;
        // Only now: whoever waits for the lock looks at the history first.
        if let Subject::Refresh(refresh) = &step.subject {
            self.locks.release(refresh.view).await;
        }
        self.execution.events.emit(Event::Finished(at, Box::new(outcome.clone())));
        outcome
    }

    /// Writes the history step by step: a run may last for hours, and be killed.
    async fn remember(&self, step: &Step, outcome: &Outcome, sources: Option<Sources>) {
        if let (Subject::Refresh(refresh), Some(sources)) = (&step.subject, sources) {
            // Maps and texts can always be written.
            let json = serde_json::to_string(&sources).unwrap_or_default();
            self.recorder
                .keep_view_state(refresh.view, &step.object.to_string(), &json)
                .await;
        }
        if let Some(run) = run_of("refresh", step, outcome) {
            self.recorder.write(&[run]).await;
        }
    }

    fn not_to_start(&self, missing: Option<String>) -> Option<Outcome> {
        if let Some(outcome) = self.execution.not_started() {
            return Some(outcome);
        }
        if let Some((when, words)) = &self.execution.deadline
            && Instant::now() >= *when
        {
            return Some(Outcome::new(Status::Failed, format!("not started: {words}")));
        }
        missing.map(|need| {
            Outcome::new(Status::Skipped, format!("it reads {need}, which was not refreshed"))
        })
    }
}

/// The outcomes of a plan that has no work.
pub fn without_work(plan: &Plan) -> Vec<Outcome> {
    plan.steps.iter().filter_map(settled).collect()
}

fn needs(plan: &Plan, at: StepIndex) -> impl Iterator<Item = StepIndex> {
    let names = match &plan.steps[at].subject {
        Subject::Refresh(refresh) => refresh.needs.as_slice(),
        _ => &[],
    };
    names
        .iter()
        .filter_map(|name| plan.steps.iter().position(|step| step.object == *name))
}

fn needs_ended(plan: &Plan, outcomes: &[Option<Outcome>], at: StepIndex) -> bool {
    needs(plan, at).all(|need| outcomes[need].is_some())
}

/// A view that the step reads and that should have been refreshed and was not.
fn missing_need(plan: &Plan, outcomes: &[Option<Outcome>], at: StepIndex) -> Option<String> {
    let is_sound = |outcome: &Outcome| outcome.status == Status::Done || outcome.is_fresh;
    let missing = needs(plan, at).find(|need| !outcomes[*need].as_ref().is_some_and(is_sound));
    missing.map(|need| plan.steps[need].object.to_string())
}

/// A view that the step reads and that this run has changed. What it wrote may not be counted yet.
fn changed_need(plan: &Plan, outcomes: &[Option<Outcome>], at: StepIndex) -> Option<RelationName> {
    let has_changed = |outcome: &Outcome| {
        let is_same = outcome.refreshed.is_some_and(|it| it.writes == Some(Writes::default()));
        outcome.status == Status::Done && !is_same
    };
    let changed = needs(plan, at).find(|need| outcomes[*need].as_ref().is_some_and(has_changed));
    changed.map(|need| plan.steps[need].object.clone())
}
