//! Rebuilding indexes in place, one a table at a time: REINDEX INDEX CONCURRENTLY, verified in the
//! catalog, with nothing left behind.

mod load;
pub mod plan;
mod why;
mod work;

use std::sync::OnceLock;

use super::engine::{self, Job, Stage, Tried};
use super::event::{Status, StepIndex, StepOutcome};
use super::plan::{Plan, Step};
use super::{Execution, time};
use crate::pg::advisory::RunLock;
pub use load::load_plan;
use why::Why;
use work::RebuildWork;

/// A run of `reindex`.
pub struct Reindexing<'a> {
    /// What every job needs.
    pub execution: Execution<'a>,
    /// Held while this run lasts.
    pub lock: &'a RunLock,
    /// Why no further step is begun: the server has run out of something that each would need.
    halted: OnceLock<String>,
}

impl<'a> Reindexing<'a> {
    pub fn new(execution: Execution<'a>, lock: &'a RunLock) -> Self {
        let execution = Execution { builds: true, ..execution };
        Reindexing { execution, lock, halted: OnceLock::new() }
    }

    /// Executes the plan. Returns what each step came to, in the order of the plan.
    pub async fn run(&self, plan: &Plan) -> Vec<StepOutcome> {
        engine::run(self, plan).await
    }
}

impl Job for Reindexing<'_> {
    fn execution(&self) -> &Execution<'_> {
        &self.execution
    }

    fn stages(&self, plan: &Plan) -> Vec<Stage> {
        Stage::of_all(plan)
    }

    async fn not_to_start(&self, step: &Step) -> Option<StepOutcome> {
        if let Some(why) = self.halted.get() {
            return Some(StepOutcome::new(Status::Failed, Why::Halted { why: why.clone() }));
        }
        if let Err(failure) = self.lock.regain(self.execution.database).await {
            let why = Why::RunLockLost { failure: failure.to_string() };
            return Some(StepOutcome::new(Status::Failed, why));
        }
        time::not_enough(&self.execution, step)
    }

    async fn work(&self, at: StepIndex, step: &Step) -> Tried {
        RebuildWork::until_settled(self, at, step).await.into()
    }
}
