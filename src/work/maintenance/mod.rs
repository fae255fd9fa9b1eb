//! Executing the plan of `vacuum` and `analyze`: several tables at once, none of which is waited for:
//! what is locked is tried again at the end. What the server only warns of counts.

mod compare;
pub mod plan;
mod progress_estimate;
mod work;

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::event::{Event, Outcome, Status, StepIndex};
use super::plan::{Plan, Step, Subject};
use super::record::{Recorder, run_of};
use super::retry::with_jitter;
use super::{Execution, reached, settled};
use crate::facts::TableMaintenance;
use crate::failure::Result;
use crate::format;
use crate::pg::database::Workers;
use crate::pg::session::Session;
use plan::Target;
pub use progress_estimate::ProgressEstimate;
use work::{Tried, Work};

/// How often a table that is locked is tried again, at the end of the run.
const TRIES_AT_THE_END: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_secs(3);

/// A run of `vacuum` or `analyze`.
pub struct MaintenanceRun<'a> {
    /// What every job needs.
    pub execution: Execution<'a>,
    /// The command, for the history.
    pub command: &'static str,
    /// Whether a table that is locked is passed over, and not tried again.
    pub skips_locked: bool,
    /// Whether the database's own statistics are brought up to date at the end.
    pub ends_with_database_statistics: bool,
    pub recorder: &'a Recorder<'a>,
    /// The tables as they were when the plan was made.
    pub before: &'a TableMaintenance,
    /// Connections between two tables.
    pub idle: Idle,
    /// What is done and what is left.
    pub progress_estimate: ProgressEstimate,
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

/// Whether a table that is locked will be tried again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    Left,
    Over,
}

impl MaintenanceRun<'_> {
    /// Executes the plan. Returns what each step came to, in the order of the plan.
    pub async fn run(&self, plan: &Plan) -> Vec<Outcome> {
        self.execution.watched(plan, self.steps(plan)).await
    }

    async fn steps(&self, plan: &Plan) -> Vec<Outcome> {
        let mut outcomes = plan.steps.iter().map(settled).collect::<Vec<_>>();
        let to_do = (0..plan.steps.len()).filter(|at| outcomes[*at].is_none());
        let mut waiting = to_do.collect::<VecDeque<_>>();
        for at in &waiting {
            if let Subject::TableMaintenance(target) = &plan.steps[*at].subject {
                self.progress_estimate.expect(target);
            }
        }
        for attempt in 0..=TRIES_AT_THE_END {
            let patience = match self.skips_locked || attempt == TRIES_AT_THE_END {
                true => Patience::Over,
                false => Patience::Left,
            };
            let locked = self.round(plan, &mut waiting, &mut outcomes, patience).await;
            if locked.is_empty() {
                break;
            }
            waiting.extend(locked);
            tokio::select! {
                () = tokio::time::sleep(with_jitter(BETWEEN_TRIES)) => {}
                _ = self.execution.cancel.wait() => {}
                _ = self.execution.time_is_up() => {}
            }
        }
        if self.ends_with_database_statistics && !self.is_stopped() {
            self.bring_database_statistics_up_to_date(&outcomes).await;
        }
        let mut outcomes = reached(outcomes);
        self.compare(plan, &mut outcomes).await;
        self.record(plan, &outcomes).await;
        outcomes
    }

    /// Works on all that wait. Returns those whose table was locked.
    async fn round(
        &self,
        plan: &Plan,
        waiting: &mut VecDeque<StepIndex>,
        outcomes: &mut [Option<Outcome>],
        patience: Patience,
    ) -> Vec<StepIndex> {
        let mut running = FuturesUnordered::new();
        let mut locked = Vec::new();
        loop {
            while running.len() < self.execution.policy.jobs.max(1) {
                let Some(at) = waiting.pop_front() else { break };
                running.push(async move { (at, self.step(at, &plan.steps[at], patience).await) });
            }
            let Some((at, tried)) = running.next().await else {
                return locked;
            };
            outcomes[at] = Some(match tried {
                Tried::Settled(outcome) => outcome,
                Tried::Locked(outcome) => {
                    locked.push(at);
                    outcome
                }
            });
        }
    }

    async fn step(&self, at: StepIndex, step: &Step, patience: Patience) -> Tried {
        let Subject::TableMaintenance(target) = &step.subject else {
            return Tried::Settled(Outcome::new(Status::Skipped, "nothing to send"));
        };
        if let Some(outcome) = self.not_to_start(target) {
            self.finish(at, target, &outcome);
            return Tried::Settled(outcome);
        }
        let started = Instant::now();
        self.execution.events.emit(Event::Started(at));
        let mut work = Work::new(self, at, step);
        let tried = work.until_settled().await;
        let finish = |outcome: Outcome| Outcome {
            started: Some(started),
            duration: started.elapsed(),
            waited: work.waited,
            pages_scanned: work.pages_scanned,
            sent: step.statements.iter().flat_map(|statement| statement.texts()).collect(),
            ..outcome
        };
        let tried = match tried {
            Tried::Settled(outcome) => Tried::Settled(finish(outcome)),
            Tried::Locked(outcome) if patience == Patience::Left => {
                let reason = "it is locked; tried again at the end";
                let told = Outcome::new(Status::Skipped, reason);
                self.execution.events.emit(Event::Finished(at, Box::new(told)));
                return Tried::Locked(finish(outcome));
            }
            Tried::Locked(outcome) => Tried::Settled(finish(outcome)),
        };
        let (Tried::Settled(outcome) | Tried::Locked(outcome)) = &tried;
        self.finish(at, target, outcome);
        tried
    }

    fn finish(&self, at: StepIndex, target: &Target, outcome: &Outcome) {
        self.execution.events.emit(Event::Finished(at, Box::new(outcome.clone())));
        let total = self.progress_estimate.settle(target, outcome, self.execution.policy.jobs);
        self.execution.events.emit(Event::Advanced(total));
    }

    async fn session(&self) -> Result<Session> {
        match self.idle.take() {
            Some(session) => Ok(session),
            None => self.execution.database.maintainer(Workers::AsConfigured).await,
        }
    }

    fn is_stopped(&self) -> bool {
        let late = self
            .execution
            .deadline
            .as_ref()
            .is_some_and(|(when, _)| Instant::now() >= *when);
        late || self.execution.cancel.signal().is_some()
    }

    /// Nothing is begun that would not end in time.
    fn not_to_start(&self, target: &Target) -> Option<Outcome> {
        if let Some(outcome) = self.execution.not_started() {
            return Some(outcome);
        }
        let (when, words) = self.execution.deadline.as_ref()?;
        let left = when.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Some(Outcome::left(format!("left for the next time: {words}")));
        }
        let needed = self.progress_estimate.estimate(target).filter(|needed| *needed > left)?;
        Some(Outcome::left(format!(
            "left for the next time: it would take about {}, and {} are left",
            format::duration(needed),
            format::duration(left)
        )))
    }

    /// With SKIP_DATABASE_STATS no VACUUM has done it for its own table.
    async fn bring_database_statistics_up_to_date(&self, outcomes: &[Option<Outcome>]) {
        let did_any = outcomes.iter().flatten().any(|outcome| {
            outcome.status == Status::Done
                && outcome.sent.iter().any(|sql| sql.starts_with("VACUUM"))
        });
        if !did_any {
            return;
        }
        // It is only bookkeeping: the next VACUUM of anybody does it as well.
        if let Ok(session) = self.session().await {
            let _ = session.execute("VACUUM (ONLY_DATABASE_STATS)").await;
        }
    }

    async fn record(&self, plan: &Plan, outcomes: &[Outcome]) {
        let steps = plan.steps.iter().zip(outcomes);
        let runs = steps.filter_map(|(step, outcome)| run_of(self.command, step, outcome));
        self.recorder.write(&runs.collect::<Vec<_>>()).await;
    }
}
