//! Making a database as it is declared.
//!
//! A step is executed by convergence: plan the object afresh, send the first statement of that
//! plan, and again, until the plan says that the object is as declared. No statement is believed
//! because it returned.

pub mod became;
pub mod cleanup;
pub mod converge;
pub mod load;
mod maintain;
pub mod parts;
pub mod plan;
pub mod replan;
mod stages;
pub mod why;

use std::collections::HashSet;
use std::sync::{Mutex, OnceLock, PoisonError};

use tokio::sync::Semaphore;

use super::engine::{self, Job, Stage, Tried};
use super::event::{Event, Status, StepIndex, StepOutcome};
use super::plan::{Plan, Step, Subject, Verdict};
use super::{Execution, time};
use crate::pg::advisory::RunLock;
use crate::pg::name::RelationName;
use plan::ApplyOptions;
use replan::replan;
use why::Why;

/// How often a declared VACUUM or ANALYZE of a locked table is tried again.
const TRIES_AT_THE_END: u32 = 2;

/// A run of `apply`.
pub struct Apply<'a> {
    /// What every job needs.
    pub execution: Execution<'a>,
    /// Held while this run lasts.
    pub lock: &'a RunLock,
    /// The decisions that the plan was made with.
    pub options: &'a ApplyOptions,
    changed: Mutex<HashSet<RelationName>>,
    /// Why no further step is begun: the server has run out of something that each would need.
    pub halted: OnceLock<String>,
    /// One for each build that may run: those of a table's partitions count like any other.
    pub slots: Semaphore,
}

impl<'a> Apply<'a> {
    pub fn new(execution: Execution<'a>, lock: &'a RunLock, options: &'a ApplyOptions) -> Self {
        let slots = Semaphore::new(execution.policy.jobs);
        let execution = Execution { builds: true, ..execution };
        Apply {
            execution,
            lock,
            options,
            changed: Mutex::default(),
            halted: OnceLock::new(),
            slots,
        }
    }

    /// Executes the plan. Returns what each step came to, in the order of the plan.
    pub async fn run(&self, plan: &Plan) -> Vec<StepOutcome> {
        engine::run(self, plan).await
    }

    fn has_changed(&self, table: &RelationName) -> bool {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).contains(table)
    }
}

impl Job for Apply<'_> {
    fn execution(&self) -> &Execution<'_> {
        &self.execution
    }

    fn stages(&self, plan: &Plan) -> Vec<Stage> {
        stages::stages(plan)
    }

    fn tries_at_the_end(&self) -> u32 {
        TRIES_AT_THE_END
    }

    async fn settled_by_others(
        &self,
        plan: &Plan,
        stage: &Stage,
        outcomes: &[Option<StepOutcome>],
    ) -> Vec<(StepIndex, StepOutcome)> {
        parts::settled(self, plan, &stage.steps, outcomes).await
    }

    async fn not_to_start(&self, step: &Step) -> Option<StepOutcome> {
        if let Some(why) = self.halted.get() {
            return Some(StepOutcome::new(Status::Failed, Why::Halted { why: why.clone() }));
        }
        if let Err(failure) = self.lock.regain(self.execution.database).await {
            let why = Why::RunLockLost { failure: failure.to_string() };
            return Some(StepOutcome::new(Status::Failed, why));
        }
        let needed = step.only_if_changed.as_ref().is_none_or(|table| self.has_changed(table));
        match needed {
            true => time::not_enough(&self.execution, step),
            false => Some(StepOutcome::new(Status::Skipped, Why::NothingChangedThere)),
        }
    }

    async fn work(&self, at: StepIndex, step: &Step) -> Tried {
        match &step.subject {
            Subject::Maintenance(declared) => maintain::run(self, at, step, declared).await,
            _ => converge::run(self, at, step).await.into(),
        }
    }

    /// What this run has changed decides whether declared maintenance is needed.
    fn keep(&self, step: &Step, outcome: &StepOutcome) {
        if outcome.status == Status::Done {
            let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
            changed.insert(step.on.clone().unwrap_or_else(|| step.object.clone()));
            changed.insert(RelationName::unqualified(&self.execution.database.server.database));
        }
    }

    /// What was verified before and is missing now.
    async fn lost(&self, plan: &Plan, outcomes: &mut [StepOutcome]) -> Vec<StepIndex> {
        let mut lost = Vec::new();
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
                    lost.push(at);
                }
                Err(failure) => {
                    let why = Why::NotVerifiedAgain { failure: failure.to_string() };
                    outcomes[at].status = Status::Failed;
                    outcomes[at].reason = why.into();
                }
            }
        }
        lost
    }
}
