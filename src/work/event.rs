//! What happens while a plan is executed, as data: progress bars, logs and JSON are made from it.

use super::reason::Reason;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::plan::{Plan, Statement, Step};
use super::subject::Way;
use crate::cancel::Signal;
use crate::facts::Writes;
use crate::failure::Failure;
use crate::pg::server_error::ServerError;
use crate::warning::Warning;

/// A step's place in its plan.
pub type StepIndex = usize;

#[derive(Debug, Clone)]
pub enum Event {
    /// A step is being worked on.
    Started(StepIndex),
    /// A statement is about to be sent.
    Sending(StepIndex, Statement),
    /// A step waits for somebody before it can go on: the pid (0: a prepared transaction) and what
    /// is known of it.
    Waiting(StepIndex, i32, String),
    /// Something about a step that must not get lost.
    Warned(StepIndex, String),
    /// A build went on.
    Progressed(StepIndex, BuildProgress),
    /// A statement failed in a passing way and is tried again.
    Retrying(StepIndex, String),
    /// The server said something by the way.
    Noticed(StepIndex, String),
    /// The whole run went on.
    Advanced(Total),
    /// A step is over.
    Finished(StepIndex, Box<StepOutcome>),
    /// Somebody asked to stop; cleaning up has begun.
    Cancelling(Signal),
}

/// How far a build is.
#[derive(Debug, Clone, PartialEq)]
pub struct BuildProgress {
    /// The phase in PostgreSQL's words.
    pub phase: String,
    /// Percent of the phase, where the phase knows.
    pub percent: Option<u8>,
    /// Blocks or tuples a second, once two looks at one phase allow to say.
    pub per_second: Option<f64>,
    /// How long the phase will go on at this rate.
    pub phase_left: Option<Duration>,
    /// Bytes of the index so far.
    pub size_bytes: Option<i64>,
    pub workers: i32,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// Steps that are over.
    pub steps_done: usize,
    /// All steps that there was work on.
    pub steps: usize,
    /// Bytes of the tables that are over.
    pub bytes_done: i64,
    /// Bytes of all of them.
    pub bytes: i64,
    /// How long the rest will take, by what is known so far.
    pub left: Option<Duration>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepOutcome {
    /// The end.
    pub status: Status,
    /// Why, or how.
    pub reason: Reason,
    /// The server's SQLSTATE where a statement failed.
    pub sqlstate: Option<String>,
    /// When the work began; `None` if nothing was begun.
    pub started: Option<Instant>,
    /// From start to end.
    pub duration: Duration,
    /// Thereof waiting for others.
    pub waited: Duration,
    /// The new index's size.
    pub size_bytes: Option<i64>,
    /// Rows that the new index holds.
    pub rows: Option<i64>,
    /// What was sent and succeeded or failed, in order.
    pub sent: Vec<String>,
    /// SQL that cleans up what could not be cleaned up.
    pub cleanup: Option<String>,
    /// Why it was skipped, where that decides what follows.
    pub skipped: Option<Skipped>,
    /// What only one job knows.
    pub detail: Option<Detail>,
}

/// A step, and how it ended.
#[derive(Debug, Clone)]
pub struct ExecutedStep {
    /// What was to be done.
    pub step: Step,
    /// How it ended.
    pub outcome: StepOutcome,
}

/// A plan that was executed.
#[derive(Debug, Clone)]
pub struct Executed {
    /// In the order of the plan.
    pub steps: Vec<ExecutedStep>,
    /// What the reader should know besides.
    pub warnings: Vec<Warning>,
    /// So many more had nothing to do, and no step.
    pub not_due: usize,
    /// From beginning to end.
    pub took: Duration,
}

impl Executed {
    /// A plan, and how each of its steps ended, in their order.
    pub fn new(plan: Plan, outcomes: Vec<StepOutcome>) -> Self {
        let Plan { steps, warnings, not_due } = plan;
        let executed = steps
            .into_iter()
            .zip(outcomes)
            .map(|(step, outcome)| ExecutedStep { step, outcome });
        Executed {
            steps: executed.collect(),
            warnings,
            not_due,
            took: Duration::ZERO,
        }
    }

    /// How the steps ended.
    pub fn outcomes(&self) -> impl Iterator<Item = &StepOutcome> {
        self.steps.iter().map(|executed| &executed.outcome)
    }

    /// How many steps ended so.
    pub fn count(&self, status: Status) -> usize {
        self.outcomes().filter(|outcome| outcome.status == status).count()
    }

    /// How many were skipped because they were as they should be.
    pub fn count_fresh(&self) -> usize {
        self.outcomes().filter(|outcome| outcome.is_fresh()).count()
    }
}

/// How a step was skipped, where that decides what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skipped {
    /// It is as it should be.
    Fresh,
    /// Somebody else is at work on the very same.
    Busy,
    /// There was no time left: it comes first next time.
    NoTime,
}

/// What only one job knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    Refreshed(Refreshed),
    Maintained(Maintained),
}

/// What VACUUM or ANALYZE did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maintained {
    /// Pages that were read; `None` where the server did not say.
    pub pages_scanned: Option<i64>,
    /// The table before and after; `None` where it was not seen.
    pub change: Option<TableChange>,
}

/// A table before and after VACUUM or ANALYZE, by the catalog and the statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableChange {
    /// Dead rows, with TOAST.
    pub dead_rows_before: i64,
    pub dead_rows_after: i64,
    /// Transactions since the oldest that it may still hold.
    pub frozen_xid_age_before: Option<i32>,
    pub frozen_xid_age_after: Option<i32>,
    /// Pages before, with TOAST, as far as the catalog knew.
    pub pages_before: i64,
    /// Pages after.
    pub pages: i64,
}

/// What a refresh did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refreshed {
    pub way: Way,
    /// The rows that it changed; a plain refresh does not count them.
    pub writes: Option<Writes>,
    /// WAL that the server wrote meanwhile, others' included.
    pub wal_bytes: Option<i64>,
}

impl StepOutcome {
    /// An outcome without figures.
    pub fn new(status: Status, reason: impl Into<Reason>) -> Self {
        StepOutcome {
            status,
            reason: reason.into(),
            sqlstate: None,
            started: None,
            duration: Duration::ZERO,
            waited: Duration::ZERO,
            size_bytes: None,
            rows: None,
            sent: Vec::new(),
            cleanup: None,
            skipped: None,
            detail: None,
        }
    }

    /// The outcome of what is skipped in a way that decides what follows.
    pub fn skipped(how: Skipped, reason: impl Into<Reason>) -> Self {
        StepOutcome {
            skipped: Some(how),
            ..StepOutcome::new(Status::Skipped, reason)
        }
    }

    /// Whether it is as it should be, and was before.
    pub fn is_fresh(&self) -> bool {
        self.skipped == Some(Skipped::Fresh)
    }

    /// What a refresh did.
    pub fn refreshed(&self) -> Option<&Refreshed> {
        match &self.detail {
            Some(Detail::Refreshed(refreshed)) => Some(refreshed),
            _ => None,
        }
    }

    /// What VACUUM or ANALYZE did.
    pub fn maintained(&self) -> Option<&Maintained> {
        match &self.detail {
            Some(Detail::Maintained(maintained)) => Some(maintained),
            _ => None,
        }
    }
}

impl From<Failure> for StepOutcome {
    fn from(failure: Failure) -> Self {
        let sqlstate = failure.sqlstate.clone();
        StepOutcome { sqlstate, ..StepOutcome::new(Status::Failed, failure) }
    }
}

impl From<&ServerError> for StepOutcome {
    fn from(error: &ServerError) -> Self {
        StepOutcome {
            sqlstate: error.sqlstate.clone(),
            ..StepOutcome::new(Status::Failed, error)
        }
    }
}

/// The ends that a step can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Done and verified.
    Done,
    /// There was nothing to do.
    Skipped,
    /// It is not as declared.
    Failed,
    /// Stopped by a signal.
    Cancelled,
}

impl Status {
    pub const ALL: [Status; 4] = [Status::Done, Status::Skipped, Status::Failed, Status::Cancelled];

    /// The name in JSON documents.
    pub fn name(self) -> &'static str {
        match self {
            Status::Done => "done",
            Status::Skipped => "skipped",
            Status::Failed => "failed",
            Status::Cancelled => "cancelled",
        }
    }
}

/// Where events go.
#[derive(Clone)]
pub struct Events(Arc<dyn Fn(Event) + Send + Sync>);

impl Events {
    /// Calls `hear` with every event.
    pub fn new(hear: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Events(Arc::new(hear))
    }

    /// Hands on an event.
    pub fn emit(&self, event: Event) {
        (self.0)(event);
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
