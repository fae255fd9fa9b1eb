//! Vacuuming and analyzing: several tables at once, none of which is waited for: what is locked is
//! tried again at the end. What the server only warns of counts.

mod compare;
pub mod plan;
mod why;
mod work;

use std::sync::{Mutex, PoisonError};

use super::engine::{self, Job, Stage, Tried};
use super::event::{Status, StepIndex, StepOutcome};
use super::plan::{Plan, Step, Subject};
use super::subject::MaintenanceTarget;
use super::{Execution, time};
use crate::facts::TableMaintenance;
use crate::failure::Result;
use crate::pg::database::Workers;
use crate::pg::session::Session;
use work::TableWork;

/// How often a table that is locked is tried again, at the end of the run.
const TRIES_AT_THE_END: u32 = 3;

/// A run of `vacuum` or `analyze`.
pub struct MaintenanceRun<'a> {
    /// What every job needs.
    pub execution: Execution<'a>,
    /// Whether a table that is locked is passed over, and not tried again.
    pub skips_locked: bool,
    /// Whether the database's own statistics are brought up to date at the end.
    pub ends_with_database_statistics: bool,
    /// The tables as they were when the plan was made.
    pub before: &'a TableMaintenance,
    /// Connections between two tables.
    pub idle: Idle,
}

/// Connections between two tables: to check one out of the pool anew takes a round trip each time.
#[derive(Default)]
pub struct Idle(Mutex<Vec<Session>>);

impl Idle {
    fn take(&self) -> Option<Session> {
        let session = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        session.filter(|session| !session.is_closed())
    }

    fn keep(&self, session: Session) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }
}

impl MaintenanceRun<'_> {
    /// Executes the plan. Returns what each step came to, in the order of the plan.
    pub async fn run(&self, plan: &Plan) -> Vec<StepOutcome> {
        engine::run(self, plan).await
    }

    async fn session(&self) -> Result<Session> {
        match self.idle.take() {
            Some(session) => Ok(session),
            None => self.execution.database.maintainer(Workers::AsConfigured).await,
        }
    }

    fn is_stopped(&self) -> bool {
        self.execution.deadline.as_ref().is_some_and(time::Deadline::is_over)
            || self.execution.cancel.signal().is_some()
    }

    /// With SKIP_DATABASE_STATS no VACUUM has done it for its own table.
    async fn bring_database_statistics_up_to_date(&self, plan: &Plan, outcomes: &[StepOutcome]) {
        let mut steps = plan.steps.iter().zip(outcomes);
        let vacuumed = steps.any(|(step, outcome)| {
            outcome.status == Status::Done && target(step).is_some_and(|target| target.vacuum)
        });
        // It is only bookkeeping: the next VACUUM of anybody does it as well.
        if vacuumed && let Ok(session) = self.session().await {
            let _ = session.execute("VACUUM (ONLY_DATABASE_STATS)").await;
        }
    }
}

fn target(step: &Step) -> Option<&MaintenanceTarget> {
    match &step.subject {
        Subject::TableMaintenance(target) => Some(target),
        _ => None,
    }
}

impl Job for MaintenanceRun<'_> {
    fn execution(&self) -> &Execution<'_> {
        &self.execution
    }

    fn stages(&self, plan: &Plan) -> Vec<Stage> {
        Stage::of_all(plan)
    }

    fn tries_at_the_end(&self) -> u32 {
        if self.skips_locked { 0 } else { TRIES_AT_THE_END }
    }

    /// Nothing is begun that would not end in time.
    async fn not_to_start(&self, step: &Step) -> Option<StepOutcome> {
        time::not_enough(&self.execution, step)
    }

    async fn work(&self, at: StepIndex, step: &Step) -> Tried {
        TableWork::new(self, at, step).until_settled().await
    }

    async fn finish(&self, plan: &Plan, outcomes: &mut [StepOutcome]) {
        if self.ends_with_database_statistics && !self.is_stopped() {
            self.bring_database_statistics_up_to_date(plan, outcomes).await;
        }
        self.compare(plan, outcomes).await;
    }

    /// Only then is known what became of the tables.
    fn is_remembered_at_the_end(&self) -> bool {
        true
    }
}
