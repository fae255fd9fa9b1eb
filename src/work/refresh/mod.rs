//! Refreshing materialized views: each once what it reads is done, several at once, each under a
//! lock of its own so that no view is refreshed twice at a time.

mod commits;
pub mod plan;
mod why;
mod work;

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::engine::{self, Job, Stage, Tried};
use super::event::{Event, Status, StepIndex, StepOutcome};
use super::plan::{Plan, Step, Subject};
use super::{Execution, orphaned_backend, time};
use crate::facts::{Known, Oid, Sources, Unavailable, Writes, load_wal_position};
use crate::pg::advisory::ObjectLocks;
use crate::pg::name::RelationName;
use commits::Commits;
use plan::{LastRefresh, RefreshOptions};
use why::Why;
use work::ViewWork;

/// For so long at least it is tried again: whoever reads or changes a table is soon done.
pub const LOCK_PATIENCE: Duration = Duration::from_secs(60);

/// A run of `refresh`.
pub struct Refreshing<'a> {
    /// What every job needs.
    pub execution: Execution<'a>,
    /// What the plan was made with.
    pub options: &'a RefreshOptions,
    /// The last refreshes of the views; empty without history.
    pub last: &'a HashMap<Oid, LastRefresh>,
    /// How long each view may wait for others who refresh it, and for index builds.
    pub wait: Duration,
    /// Whether the history can be read.
    pub has_history: bool,
    pub locks: ObjectLocks,
    /// What it has refreshed so far.
    commits: Commits,
    ended: Mutex<EndedViews>,
}

/// How views have ended that others may read.
#[derive(Default)]
struct EndedViews {
    /// As they should be: refreshed, or fresh before.
    sound: HashSet<RelationName>,
    /// Changed by this run.
    changed: HashSet<RelationName>,
}

impl<'a> Refreshing<'a> {
    pub fn new(
        execution: Execution<'a>,
        options: &'a RefreshOptions,
        last: &'a HashMap<Oid, LastRefresh>,
        has_history: bool,
        wait: Duration,
        locks: ObjectLocks,
    ) -> Self {
        Refreshing {
            execution,
            options,
            last,
            wait,
            has_history,
            locks,
            commits: Commits::default(),
            ended: Mutex::default(),
        }
    }

    /// Executes the plan. Returns what each step came to, in the order of the plan.
    pub async fn run(&self, plan: &Plan) -> Vec<StepOutcome> {
        engine::run(self, plan).await
    }

    fn ended(&self) -> MutexGuard<'_, EndedViews> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what the view was made of, for a later refresh to compare with: a run may last for hours,
    /// and be killed.
    async fn keep_sources(&self, view: Oid, name: &RelationName, sources: Option<Sources>) {
        if let (Some(recorder), Some(sources)) = (self.execution.recorder, sources) {
            // Maps and texts can always be written.
            let json = serde_json::to_string(&sources).unwrap_or_default();
            recorder.keep_view_state(view, &name.to_string(), &json).await;
        }
    }
}

impl Job for Refreshing<'_> {
    fn execution(&self) -> &Execution<'_> {
        &self.execution
    }

    fn stages(&self, plan: &Plan) -> Vec<Stage> {
        Stage::of_all(plan)
    }

    fn needs<'p>(&self, step: &'p Step) -> &'p [RelationName] {
        match &step.subject {
            Subject::Refresh(refresh) => &refresh.needs,
            _ => &[],
        }
    }

    async fn not_to_start(&self, step: &Step) -> Option<StepOutcome> {
        if let Some(outcome) = time::not_enough(&self.execution, step) {
            return Some(outcome);
        }
        let ended = self.ended();
        let missing = self.needs(step).iter().find(|need| !ended.sound.contains(*need))?;
        let why = Why::SourceNotRefreshed { view: missing.to_string() };
        Some(StepOutcome::new(Status::Skipped, why))
    }

    async fn work(&self, at: StepIndex, step: &Step) -> Tried {
        // What this run has changed may not be counted yet.
        let changed = |need: &&RelationName| self.ended().changed.contains(*need);
        let upstream = self.needs(step).iter().find(changed).cloned();
        let mut work = ViewWork::new(self, at, step, upstream);
        let (outcome, sources) = work.run().await;
        if let Subject::Refresh(refresh) = &step.subject {
            self.keep_sources(refresh.view, &step.object, sources).await;
        }
        StepOutcome { waited: work.waited, sent: work.sent, ..outcome }.into()
    }

    fn keep(&self, step: &Step, outcome: &StepOutcome) {
        let mut ended = self.ended();
        let is_done = outcome.status == Status::Done;
        let is_same = outcome.refreshed().is_some_and(|it| it.writes == Some(Writes::default()));
        match is_done || outcome.is_fresh() {
            true => ended.sound.insert(step.object.clone()),
            false => ended.sound.remove(&step.object),
        };
        if is_done && !is_same {
            ended.changed.insert(step.object.clone());
        }
    }

    /// Only now: whoever waits for the lock looks at the history first.
    async fn release(&self, step: &Step) {
        if let Subject::Refresh(refresh) = &step.subject {
            self.locks.release(refresh.view).await;
        }
    }

    /// What has its old contents on the server that answers now, and what reads that.
    async fn lost(&self, plan: &Plan, outcomes: &mut [StepOutcome]) -> Vec<StepIndex> {
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
        let mut lost = self.commits.lost();
        let mut names = lost.iter().map(|at| &plan.steps[*at].object).collect::<HashSet<_>>();
        for (at, step) in plan.steps.iter().enumerate() {
            let is_lost =
                lost.contains(&at) || self.needs(step).iter().any(|need| names.contains(need));
            if is_lost && outcomes[at].status == Status::Done {
                lost.insert(at);
                names.insert(&step.object);
                let text = "it was refreshed, and the server that answers since the connection was \
                            lost does not have it, or not what it reads; it is refreshed again";
                self.execution.events.emit(Event::Warned(at, text.to_owned()));
            }
        }
        lost.retain(|at| outcomes[*at].status == Status::Done);
        lost.into_iter().collect()
    }
}
