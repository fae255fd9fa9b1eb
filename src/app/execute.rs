//! What all commands do that change objects: progress is shown, the history is written, and the
//! outcome follows from the steps.

use std::time::Instant;

use super::Context;
use crate::cancel::Cancel;
use crate::facts::Known;
use crate::facts::history::HistorySchema;
use crate::failure::Result;
use crate::output::executed::{ExecutedReport, Telling};
use crate::output::{self, Outcome};
use crate::pg::database::Database;
use crate::warning::Warning;
use crate::work::event::{Event, Events, Executed, Skipped, Status, StepOutcome};
use crate::work::plan::Plan;
use crate::work::record::HistoryRecorder;
use crate::work::time::Deadline;
use crate::work::{Execution, Policy, engine};

/// How far an execution may go, and what went before.
pub struct Limits {
    pub policy: Policy,
    /// When to stop, and the words for it.
    pub deadline: Option<Deadline>,
    /// The history, where the plan has looked for it.
    pub schema: Option<Known<HistorySchema>>,
    /// Why the history could not be read for the plan.
    pub trouble: Option<Warning>,
}

impl Context {
    /// Executes a plan: `run` is the job. Returns what its steps came to.
    ///
    /// # Errors
    /// Whatever keeps the job from beginning.
    pub async fn execute(
        &self,
        database: &Database,
        plan: Plan,
        limits: Limits,
        run: impl AsyncFnOnce(Execution<'_>, &Plan) -> Result<Vec<StepOutcome>>,
    ) -> Result<Executed> {
        if !plan.has_work() {
            let outcomes = plan.steps.iter().filter_map(engine::settled).collect();
            let mut done = Executed::new(plan, outcomes);
            done.warnings.extend(limits.trouble);
            return Ok(done);
        }
        let events = output::progress::follow(&self.console, &plan, &self.inflight);
        let cancelling = tokio::spawn(tell_cancelling(self.cancel.clone(), events.clone()));
        let (command, configured) = (self.origin.command(), &self.config.history);
        let recorder = match &limits.schema {
            Some(schema) => HistoryRecorder::of(database, command, configured, schema),
            None => HistoryRecorder::open(database, command, configured).await,
        };
        let mut execution = Execution::new(database, limits.policy, self.cancel.clone(), events);
        execution.deadline = limits.deadline;
        execution.recorder = Some(&recorder);
        let began = Instant::now();
        let outcomes = run(execution, &plan).await;
        cancelling.abort();
        let mut done = Executed::new(plan, outcomes?);
        done.took = began.elapsed();
        done.warnings.extend(recorder.close().await.or(limits.trouble));
        Ok(done)
    }

    /// What was executed, as the command shows it.
    pub fn executed(&self, done: Executed, telling: Telling) -> Box<ExecutedReport> {
        let outcome = self.verdict(&done);
        let schema = self.schema().map(str::to_owned);
        Box::new(ExecutedReport { done, outcome, telling, schema })
    }

    /// What the steps make of the command.
    pub fn verdict(&self, done: &Executed) -> Outcome {
        let any = |status| done.count(status) > 0;
        let was_idle = done.outcomes().all(|outcome| outcome.started.is_none());
        let signal = self.cancel.signal().filter(|_| any(Status::Cancelled) || was_idle);
        if let Some(signal) = signal {
            Outcome::Cancelled(signal)
        } else if any(Status::Failed) {
            Outcome::Failed
        } else if any(Status::Done) {
            Outcome::Done
        } else if done.outcomes().any(|outcome| outcome.skipped == Some(Skipped::Busy)) {
            Outcome::Busy
        } else {
            Outcome::NothingToDo
        }
    }
}

async fn tell_cancelling(cancel: Cancel, events: Events) {
    events.emit(Event::Cancelling(cancel.wait().await));
}
