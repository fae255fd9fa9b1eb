//! Executing the plan of `apply`: the stages, the steps that run side by side, and what each step
//! came to.
//!
//! A step is executed by convergence: plan the object afresh, send the first statement of that
//! plan, and again, until the plan says that the object is as declared. No statement is believed
//! because it returned.

pub mod became;
pub mod cleanup;
pub mod converge;
pub mod load;
pub mod maintain;
pub mod parts;
pub mod plan;
pub mod replan;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

use tokio::sync::Semaphore;

use super::event::{Event, Outcome, Status, StepIndex};
use super::plan::{Plan, Step, Subject, Verdict};
use super::{Execution, reached, schedule, settled};
use crate::pg::advisory::RunLock;
use crate::pg::database::Workers;
use crate::pg::name::RelationName;
use plan::Options;
use replan::replan;

/// A run of `apply`.
pub struct Apply<'a> {
    /// What every job needs.
    pub execution: Execution<'a>,
    /// Held while this run lasts.
    pub lock: &'a RunLock,
    /// The decisions that the plan was made with.
    pub options: &'a Options,
    /// How many tables there is work left on.
    pub tables_left: AtomicUsize,
    changed: Mutex<HashSet<RelationName>>,
    /// Why no further step is begun: the server has run out of something that each would need.
    pub halted: OnceLock<String>,
    /// One for each build that may run: those of a table's partitions count like any other.
    pub slots: Semaphore,
}

impl<'a> Apply<'a> {
    pub fn new(execution: Execution<'a>, lock: &'a RunLock, options: &'a Options) -> Self {
        let slots = Semaphore::new(execution.policy.jobs.max(1));
        let execution = Execution { builds: true, ..execution };
        Apply {
            execution,
            lock,
            options,
            tables_left: AtomicUsize::default(),
            changed: Mutex::default(),
            halted: OnceLock::new(),
            slots,
        }
    }

    /// Executes the plan. Returns what each step came to, in the order of the plan; a failed step
    /// stops no other.
    pub async fn run(&self, plan: &Plan) -> Vec<Outcome> {
        self.execution.watched(plan, self.all(plan)).await
    }

    async fn all(&self, plan: &Plan) -> Vec<Outcome> {
        let mut outcomes = self.stages(plan).await;
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
        outcomes
    }

    /// A connection was lost, so the server may be another one by now: a standby that was behind, and
    /// lacks what was done and verified before. What is missing is done again.
    async fn look_again(&self, plan: &Plan, outcomes: &mut [Outcome]) {
        for (at, step) in plan.steps.iter().enumerate() {
            let is_done = outcomes[at].status == Status::Done;
            if !is_done || matches!(step.subject, Subject::Maintenance(_)) {
                continue;
            }
            match replan(self, &step.subject).await {
                Ok(seen) if seen.step.verdict == Verdict::AsDeclared => {}
                Ok(_) => {
                    let text = "it was done, and is gone since the connection was lost: the server \
                                that answers now was behind; it is done again";
                    self.execution.events.emit(Event::Warned(at, text.to_owned()));
                    let before = outcomes[at].clone();
                    let again = self.step(at, step).await;
                    outcomes[at] = Outcome {
                        started: before.started,
                        duration: before.duration + again.duration,
                        waited: before.waited + again.waited,
                        sent: [before.sent, again.sent].concat(),
                        ..again
                    };
                }
                Err(failure) => {
                    let reason = format!(
                        "done, and not verified again after the connection was lost: {failure}"
                    );
                    outcomes[at].status = Status::Failed;
                    outcomes[at].reason = reason;
                }
            }
        }
    }

    async fn stages(&self, plan: &Plan) -> Vec<Outcome> {
        let mut outcomes = plan.steps.iter().map(settled).collect::<Vec<_>>();
        for mut stage in schedule::stages(plan) {
            parts::settle(self, plan, &mut stage.steps, &mut outcomes).await;
            for (at, outcome) in schedule::run(self, plan, &stage).await {
                outcomes[at] = Some(outcome);
            }
        }
        reached(outcomes)
    }

    /// Works on one step. Returns what it came to.
    pub async fn step(&self, at: StepIndex, step: &Step) -> Outcome {
        if let Some(outcome) = self.not_to_start(step).await {
            self.execution.events.emit(Event::Finished(at, Box::new(outcome.clone())));
            return outcome;
        }
        self.execution.events.emit(Event::Started(at));
        let started = Some(Instant::now());
        let outcome = match &step.subject {
            Subject::Maintenance(_) => maintain::run(self, at, step).await,
            _ => converge::run(self, at, step).await,
        };
        let outcome = Outcome { started, ..outcome };
        if outcome.status == Status::Done {
            self.remember_change(step);
        }
        self.execution.events.emit(Event::Finished(at, Box::new(outcome.clone())));
        outcome
    }

    async fn not_to_start(&self, step: &Step) -> Option<Outcome> {
        if let Some(outcome) = self.execution.not_started() {
            return Some(outcome);
        }
        if let Some(why) = self.halted.get() {
            return Some(Outcome::new(Status::Failed, format!("not started: {why}")));
        }
        if let Err(failure) = self.lock.regain(self.execution.database).await {
            let reason = format!("not started: the run lock was lost: {failure}");
            return Some(Outcome::new(Status::Failed, reason));
        }
        let needed = step.only_if_changed.as_ref().is_none_or(|table| self.has_changed(table));
        (!needed).then(|| Outcome::new(Status::Skipped, "this run changed nothing there"))
    }

    /// Jobs and workers share the server's cores: workers help only where fewer tables are left
    /// than jobs could work on.
    pub fn workers(&self) -> Workers {
        let left = self.tables_left.load(Ordering::Relaxed);
        if self.execution.policy.gentle || left >= self.execution.policy.jobs.max(2) {
            Workers::None
        } else {
            Workers::AsConfigured
        }
    }

    /// Keeps in mind that this run has changed what the step is on.
    pub fn remember_change(&self, step: &Step) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        changed.insert(step.on.clone().unwrap_or_else(|| step.object.clone()));
        changed.insert(RelationName::unqualified(&self.execution.database.server.database));
    }

    fn has_changed(&self, table: &RelationName) -> bool {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).contains(table)
    }
}
