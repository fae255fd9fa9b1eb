//! The engine: executing plans. Each job has its folder; what they share is how steps are begun, and how
//! statements are sent, watched, tried again and stopped.

pub mod apply;
mod begun;
pub mod circumstances;
mod conflicts;
mod drop_index;
pub mod engine;
pub mod event;
pub mod explained;
mod foreign_build;
pub mod maintenance;
mod monitor;
mod orphaned_backend;
pub mod plan;
mod preflight;
pub mod progress_estimate;
pub mod reason;
pub mod record;
pub mod refresh;
pub mod reindex;
mod retry;
mod send;
mod short_transaction;
pub mod statement;
pub mod subject;
pub mod time;
mod vacuum_analyze;
mod warnings;
pub mod window;

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::cancel::{Cancel, Signal};
use crate::config;
use crate::failure::Result;
use crate::pg::database::Database;
use crate::pg::database::Workers;
pub use apply::Apply;
use begun::Begun;
use engine::{reached, settled};
use event::{Event, Events, Status, StepIndex, StepOutcome};
use monitor::Monitor;
use orphaned_backend::Outage;
use plan::{Plan, Step};
use progress_estimate::ProgressEstimate;
use reason::Why;
use record::HistoryRecorder;
use time::Deadline;

/// PostgreSQL 14 hands statistics to a collector process that writes them every half second.
const STATISTICS_DELAY: Duration = Duration::from_secs(2);

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
        let configured = config::ApplyConfig::default();
        Policy {
            jobs: configured.jobs,
            gentle: false,
            max_wait: configured.max_wait,
            max_blocker_age: configured.max_blocker_age,
            max_replica_lag: configured.max_replica_lag,
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
    /// Cancel the other session's statement
    Other,
    /// Cancel the build and clean up
    #[value(name = "self")]
    #[serde(rename = "self")]
    OwnBuild,
    /// Leave the choice to PostgreSQL
    #[default]
    Postgres,
}

/// Who gives way when somebody's DDL waits for a build and the application queues behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum YieldToDdl {
    /// Neither; pgtend warns
    #[default]
    Warn,
    /// The build, which pgtend cancels and cleans up
    #[value(name = "self")]
    #[serde(rename = "self")]
    OwnBuild,
    /// The DDL, which pgtend cancels
    Waiter,
}

/// What every job's execution needs.
pub struct Execution<'a> {
    pub database: &'a Database,
    /// How far it may go.
    pub policy: Policy,
    pub cancel: Cancel,
    pub events: Events,
    /// When to stop.
    pub deadline: Option<Deadline>,
    /// Where what was done is remembered.
    pub recorder: Option<&'a HistoryRecorder<'a>>,
    /// What is done and what is left.
    pub progress_estimate: ProgressEstimate,
    /// On how many tables of the stage there is work left.
    tables_left: AtomicUsize,
    /// Whether its statements are concurrent builds: only they can be drawn into a deadlock by those
    /// who come to wait for them.
    builds: bool,
    monitor: Monitor,
    begun: Begun,
    outage: Outage,
}

/// When the server does not answer so long without a signal, all connections are given up and made
/// anew: what stands in between may keep them open for ever. The links themselves notice earlier.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);
/// After a signal there is no more patience than this.
const SILENCE_AFTER_SIGNAL: Duration = Duration::from_secs(3);
const BETWEEN_LISTENINGS: Duration = Duration::from_millis(250);

impl<'a> Execution<'a> {
    /// With as many jobs as the policy says and there are sessions for.
    pub fn new(database: &'a Database, mut policy: Policy, cancel: Cancel, events: Events) -> Self {
        // A step that waits for a session which another one keeps idle would wait for ever.
        policy.jobs = policy.jobs.clamp(1, database.maintainers());
        let begun = Begun::default();
        let hears = begun.clone();
        let events = Events::new(move |event| {
            hears.hear(&event);
            events.emit(event);
        });
        Execution {
            database,
            policy,
            cancel,
            events,
            deadline: None,
            recorder: None,
            progress_estimate: ProgressEstimate::default(),
            tables_left: AtomicUsize::default(),
            builds: false,
            monitor: Monitor::default(),
            begun,
            outage: Outage::default(),
        }
    }

    /// The outcome of a step that is not begun any more, because a signal came or the server went.
    fn not_started(&self) -> Option<StepOutcome> {
        if let Some(signal) = self.cancel.signal() {
            let why = Why::SignalBeforeStart { signal: signal.name() };
            return Some(StepOutcome::new(Status::Cancelled, why));
        }
        let why = self.outage.lost()?.to_owned();
        Some(StepOutcome::new(Status::Failed, Why::ServerGone { why }))
    }

    /// Jobs and workers share the server's cores: workers help only where fewer tables are left
    /// than jobs could work on.
    pub fn workers(&self) -> Workers {
        let left = self.tables_left.load(Ordering::Relaxed);
        match self.policy.gentle || left >= self.policy.jobs.max(2) {
            true => Workers::None,
            false => Workers::AsConfigured,
        }
    }

    /// Sleeps. Returns what came instead of the end.
    async fn pause(&self, length: Duration) -> Option<Interruption> {
        tokio::select! {
            () = tokio::time::sleep(length) => None,
            interruption = self.interrupted() => Some(interruption),
        }
    }

    /// Completes when a signal comes or the time is up.
    async fn interrupted(&self) -> Interruption {
        tokio::select! {
            _ = self.cancel.wait() => Interruption::Cancelled,
            deadline = self.time_is_up() => Interruption::TimeIsUp(deadline),
        }
    }

    /// Waits before another try after what fails in a passing way, and until the server answers.
    async fn before_retry(
        &self,
        at: StepIndex,
        why: &str,
        retries: &mut u32,
    ) -> Result<Option<Interruption>> {
        self.events.emit(Event::Retrying(at, why.to_owned()));
        let interruption = self.pause(retry::pause(*retries)).await;
        *retries += 1;
        if interruption.is_none() {
            orphaned_backend::reach(self).await?;
        }
        Ok(interruption)
    }

    /// Writes to the history how steps ended.
    async fn remember<'s>(&self, steps: impl Iterator<Item = (&'s Step, &'s StepOutcome)>) {
        if let Some(recorder) = self.recorder {
            recorder.remember(steps).await;
        }
    }

    /// Completes when the time is up; never without a deadline.
    async fn time_is_up(&self) -> Deadline {
        match &self.deadline {
            Some(deadline) => {
                tokio::time::sleep_until(deadline.when.into()).await;
                deadline.clone()
            }
            None => std::future::pending().await,
        }
    }

    /// Does the work under the monitor's eyes. It is left where it is when a signal has come and the
    /// server does not answer; the outcomes are what is known then.
    async fn watched(
        &self,
        plan: &Plan,
        work: impl Future<Output = Vec<StepOutcome>>,
    ) -> Vec<StepOutcome> {
        let watch = self.monitor.run(self);
        tokio::select! {
            outcomes = work => outcomes,
            never = watch => match never {},
            signal = self.forsaken() => self.left(plan, signal),
        }
    }

    /// Breaks off what waits for a server that does not answer. Completes when it does not even do so
    /// after a signal.
    async fn forsaken(&self) -> Signal {
        let connections = self.database.connections();
        let mut asked = None;
        loop {
            tokio::time::sleep(BETWEEN_LISTENINGS).await;
            let silence = connections.silence();
            if let Some(signal) = self.cancel.signal() {
                let since = asked.get_or_insert_with(Instant::now);
                if silence.min(since.elapsed()) >= SILENCE_AFTER_SIGNAL {
                    connections.give_up("the server does not answer");
                    self.cancel.forsake();
                    return signal;
                }
            } else if silence >= LONGEST_SILENCE {
                let silence = humantime::format_duration(LONGEST_SILENCE);
                connections.break_off(&format!("the server has not answered for {silence}"));
            }
        }
    }

    fn left(&self, plan: &Plan, signal: Signal) -> Vec<StepOutcome> {
        let steps = plan.steps.iter().enumerate();
        let outcomes = steps.map(|(at, step)| {
            settled(step)
                .or_else(|| self.begun.left(at, signal))
                .or_else(|| self.not_started())
        });
        reached(outcomes.collect())
    }
}

/// What keeps a step from going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interruption {
    /// A signal came.
    Cancelled,
    /// The time is up.
    TimeIsUp(Deadline),
}
