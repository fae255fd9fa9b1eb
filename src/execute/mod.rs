//! Executing a plan: the stages, the steps that run side by side, and what each step came to.
//!
//! A step is executed by convergence: plan the object afresh, send the first statement of that
//! plan, and again, until the plan says that the object is as declared. No statement is believed
//! because it returned.

mod adopt;
mod cleanup;
mod converge;
mod forecast;
mod guard;
mod look;
mod maintain;
mod monitor;
mod schedule;
mod send;
mod short;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::cancel::Cancel;
use crate::event::{Event, Events, Outcome, Status, StepIndex};
use crate::pg::advisory::RunLock;
use crate::pg::database::{Database, Workers};
use crate::pg::name::RelationName;
use crate::plan::apply::Options;
use crate::plan::{Plan, Step, Subject, Verdict};
use monitor::Monitor;

/// How far execution may go, and who gives way to whom.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Tables that are worked on at once.
    pub jobs: usize,
    /// No parallel workers at any time.
    pub gentle: bool,
    /// How long one step may wait for other sessions in all.
    pub max_wait: Duration,
    /// No build is begun while a transaction that would hold it up is older than this.
    pub max_blocker_age: Duration,
    /// No build is begun while a standby is further behind than this.
    pub max_replica_lag: Option<Duration>,
    /// Who is ended in a certain deadlock, where the other side cannot simply be repeated.
    pub deadlock_victim: DeadlockVictim,
    /// Who gives way when somebody's DDL waits for a build.
    pub yield_to_ddl: YieldToDdl,
    /// Whether other sessions' statements are shown.
    pub shows_query_text: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            jobs: 2,
            gentle: false,
            max_wait: Duration::from_secs(30 * 60),
            max_blocker_age: Duration::from_secs(5 * 60),
            max_replica_lag: None,
            deadlock_victim: DeadlockVictim::default(),
            yield_to_ddl: YieldToDdl::default(),
            shows_query_text: true,
        }
    }
}

/// Who is ended in a certain deadlock. ANALYZE and concurrent index statements of others always
/// are: nothing is lost when they are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeadlockVictim {
    /// The other session's statement.
    Other,
    /// Our build, which is cleaned up.
    #[value(name = "self")]
    #[serde(rename = "self")]
    OwnBuild,
    /// Whom PostgreSQL chooses.
    #[default]
    Postgres,
}

/// Who gives way when somebody's DDL waits for a build and the application queues behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum YieldToDdl {
    /// Nobody; it is told.
    #[default]
    Warn,
    /// Our build, which is cleaned up.
    #[value(name = "self")]
    #[serde(rename = "self")]
    OwnBuild,
    /// The DDL, whose statement is cancelled.
    Waiter,
}

/// Everything that executing needs.
pub struct Execution<'a> {
    /// Where.
    pub database: &'a Database,
    /// Held while this run lasts.
    pub lock: &'a RunLock,
    /// The decisions that the plan was made with.
    pub options: &'a Options,
    /// How far it may go.
    pub policy: Policy,
    /// Asks to stop.
    pub cancel: Cancel,
    /// Hears what happens.
    pub events: Events,
    changed: Mutex<HashSet<RelationName>>,
    monitor: Monitor,
    tables_left: AtomicUsize,
    /// Why no further step is begun: the server has run out of something that each would need.
    halted: OnceLock<String>,
    /// One for each build that may run: those of a table's partitions count like any other.
    slots: Semaphore,
}

impl<'a> Execution<'a> {
    /// Ready to run.
    pub fn new(
        database: &'a Database,
        lock: &'a RunLock,
        options: &'a Options,
        policy: Policy,
        cancel: Cancel,
        events: Events,
    ) -> Self {
        let (changed, monitor) = (Mutex::default(), Monitor::default());
        let tables_left = AtomicUsize::default();
        let slots = Semaphore::new(policy.jobs.max(1));
        Execution {
            database,
            lock,
            options,
            policy,
            cancel,
            events,
            changed,
            monitor,
            tables_left,
            slots,
            halted: OnceLock::new(),
        }
    }

    /// Executes the plan. Returns what each step came to, in the order of the plan; a failed step
    /// stops no other.
    pub async fn run(&self, plan: &Plan) -> Vec<Outcome> {
        tokio::select! {
            outcomes = self.stages(plan) => outcomes,
            () = self.monitor.run(self) => Vec::new(),
        }
    }

    async fn stages(&self, plan: &Plan) -> Vec<Outcome> {
        let mut outcomes = plan.steps.iter().map(settled).collect::<Vec<_>>();
        for stage in schedule::stages(plan) {
            for (at, outcome) in schedule::run(self, plan, &stage).await {
                outcomes[at] = Some(outcome);
            }
        }
        let unreached = || Outcome::new(Status::Failed, "never reached");
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unreached)).collect()
    }

    async fn step(&self, at: StepIndex, step: &Step) -> Outcome {
        if let Some(outcome) = self.not_to_start(step).await {
            self.events.emit(Event::Finished(at, outcome.clone()));
            return outcome;
        }
        self.events.emit(Event::Started(at));
        let outcome = match &step.subject {
            Subject::Maintenance(_) => maintain::run(self, at, step).await,
            _ => converge::run(self, at, step).await,
        };
        if outcome.status == Status::Done {
            self.remember_change(step);
        }
        self.events.emit(Event::Finished(at, outcome.clone()));
        outcome
    }

    async fn not_to_start(&self, step: &Step) -> Option<Outcome> {
        if let Some(signal) = self.cancel.signal() {
            let reason = format!("not started: {} came", signal.name());
            return Some(Outcome::new(Status::Cancelled, reason));
        }
        if let Err(failure) = self.lock.regain(self.database).await {
            let reason = format!("not started: the run lock was lost: {failure}");
            return Some(Outcome::new(Status::Failed, reason));
        }
        if let Some(why) = self.halted.get() {
            return Some(Outcome::new(Status::Failed, format!("not started: {why}")));
        }
        let needed = step.only_if_changed.as_ref().is_none_or(|table| self.has_changed(table));
        (!needed).then(|| Outcome::new(Status::Skipped, "this run changed nothing there"))
    }

    /// Jobs and workers share the server's cores: workers help only where fewer tables are left
    /// than jobs could work on.
    fn workers(&self) -> Workers {
        let left = self.tables_left.load(Ordering::Relaxed);
        if self.policy.gentle || left >= self.policy.jobs.max(2) {
            Workers::None
        } else {
            Workers::AsConfigured
        }
    }

    fn remember_change(&self, step: &Step) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        changed.insert(step.on.clone().unwrap_or_else(|| step.object.clone()));
        changed.insert(RelationName::unqualified(&self.database.server.database));
    }

    fn has_changed(&self, table: &RelationName) -> bool {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).contains(table)
    }
}

/// The outcome of a step that needs no work.
fn settled(step: &Step) -> Option<Outcome> {
    let status = match step.verdict {
        Verdict::ToDo => return None,
        Verdict::AsDeclared | Verdict::LeftOut => Status::Skipped,
        Verdict::Refused => Status::Failed,
    };
    Some(Outcome::new(status, step.reason.clone()))
}
