//! The JSON documents: a contract. Keys are added, never renamed or removed.

use std::time::Duration;

use serde::Serialize;

use crate::catalog::history::PastRun;
use crate::event::{Outcome as StepOutcome, Refreshed};
use crate::failure::{Failure, Kind};
use crate::plan::activity::Node;
use crate::plan::refresh::Way;
use crate::plan::schema::{NAME, SchemaStep};
use crate::plan::verify::{Check, Finding, HeldLock, LaidOut, VerifiedOn};
use crate::plan::{Plan, Step, Subject, Verdict, Warning, one_line};

/// The version of the documents' form.
const SCHEMA_VERSION: u32 = 1;

/// What a command came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Done,
    /// Everything was as it should be.
    NothingToDo,
    /// A check found something.
    Findings,
    /// Something failed.
    Failed,
    /// Another run holds the job.
    Busy,
    /// Stopped by a signal.
    Cancelled,
    /// Only planned.
    Planned,
}

/// One run of one command.
#[derive(Debug, Clone, Serialize)]
pub struct Document {
    schema_version: u32,
    command: &'static str,
    database: Option<String>,
    server_version: Option<String>,
    /// What the command came to.
    pub outcome: Outcome,
    duration_ms: u64,
    /// What was done, object by object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Steps>,
    /// What the history tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<Vec<RunDocument>>,
    /// How many runs were removed from the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pruned: Option<i64>,
    /// Statements and their figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statements: Option<Vec<serde_json::Value>>,
    /// Of which span of time they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<SpanDocument>,
    /// What all statements come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<TotalsDocument>,
    /// The snapshot that was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotDocument>,
    /// The snapshots that there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<Vec<SnapshotDocument>>,
    /// The demo's queries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queries: Option<Vec<QueryDocument>>,
    /// What goes on in the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Vec<SessionDocument>>,
    /// How the migrations are laid out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<LayoutDocument>,
    /// What was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checks: Option<Vec<CheckDocument>>,
    /// Of which files findings are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<SinceDocument>,
    /// What the checks found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<FindingDocument>>,
    /// What the migrations locked of what was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locks: Option<Vec<LockDocument>>,
    /// On which servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    servers: Option<Vec<ServerDocument>>,
    /// What the reader should know besides.
    pub warnings: Vec<WarningDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorDocument>,
}

/// The steps of a command.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Steps {
    /// Of `plan`, `apply` and `refresh`.
    Objects(Vec<StepDocument>),
    /// Of `init`.
    Schema(Vec<SchemaStepDocument>),
}

/// One object of a plan or of its execution.
#[derive(Debug, Clone, Serialize)]
pub struct StepDocument {
    action: &'static str,
    object: String,
    status: &'static str,
    verdict: &'static str,
    reason: String,
    sql: Option<String>,
    duration_ms: u64,
    on: Option<String>,
    lock: Option<String>,
    size_bytes: Option<i64>,
    estimated_size_bytes: Option<i64>,
    waited_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sqlstate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cleanup: Option<String>,
    #[serde(flatten)]
    refresh: Option<RefreshDocument>,
    #[serde(flatten)]
    upkeep: Option<UpkeepDocument>,
}

/// What only VACUUM and ANALYZE know.
#[derive(Debug, Clone, Serialize)]
struct UpkeepDocument {
    dead_rows_before: i64,
    dead_rows_after: i64,
    frozen_xid_age_before: Option<i32>,
    frozen_xid_age_after: Option<i32>,
    pages_before: i64,
    pages: i64,
    pages_scanned: Option<i64>,
}

/// What only a refresh knows.
#[derive(Debug, Clone, Serialize)]
struct RefreshDocument {
    mode: String,
    rows_inserted: Option<i64>,
    rows_updated: Option<i64>,
    rows_deleted: Option<i64>,
    wal_bytes: Option<i64>,
}

/// A step of `init`.
#[derive(Debug, Clone, Serialize)]
pub struct SchemaStepDocument {
    action: &'static str,
    object: &'static str,
    status: &'static str,
    reason: String,
    sql: String,
    duration_ms: u64,
}

/// A run of the history.
#[derive(Debug, Clone, Serialize)]
pub struct RunDocument {
    id: i64,
    command: String,
    action: String,
    object: String,
    object_oid: Option<u32>,
    started_at: String,
    duration_ms: f64,
    outcome: String,
    reason: String,
    sqlstate: Option<String>,
    mode: Option<String>,
    rows_inserted: Option<i64>,
    rows_updated: Option<i64>,
    rows_deleted: Option<i64>,
    size_bytes: Option<i64>,
    wal_bytes: Option<i64>,
    pgtend_version: String,
}

/// A span of time. Times are UTC as RFC 3339 has them.
#[derive(Debug, Clone, Serialize)]
pub struct SpanDocument {
    /// Since when statements are counted; null where it is not known.
    pub from: Option<String>,
    /// Until when.
    pub to: String,
    /// How often all counters were reset in between.
    pub resets: usize,
    /// How often the server had to forget statements; null where it does not tell.
    pub evictions: Option<i64>,
    /// Whether the server was started anew in between.
    pub restarted: bool,
}

/// What all statements come to.
#[derive(Debug, Clone, Serialize)]
pub struct TotalsDocument {
    /// How many there are, without hidden ones.
    pub statements: i64,
    /// Statements of others that the role may not see.
    pub hidden: i64,
    /// How many the filters leave.
    pub matching: i64,
    /// How many of them all are slow.
    pub slow: i64,
    /// From which mean on they are.
    pub slow_ms: f64,
    /// Executions.
    pub calls: f64,
    /// Execution time.
    pub total_ms: f64,
}

/// A snapshot of the statements' counters.
#[derive(Debug, Clone, Serialize)]
pub struct SnapshotDocument {
    /// Its number; null in a file.
    pub id: Option<i64>,
    /// The file that holds it; null in the database.
    pub file: Option<String>,
    /// When it was taken, UTC; null for the one that was just taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<String>,
    /// Statements that were counted.
    pub statements: i64,
    /// How many of them had changed since the one before.
    pub changed: i64,
    /// Statements of others that the role could not see.
    pub hidden: i64,
}

/// A query of the demo, before and after.
#[derive(Debug, Clone, Serialize)]
pub struct QueryDocument {
    /// The query's name: its file without `.sql`.
    pub query: String,
    /// Median before, in milliseconds.
    pub before_ms: f64,
    /// Median after, in milliseconds.
    pub after_ms: f64,
    /// Before divided by after.
    pub times_faster: f64,
}

/// A session or a prepared transaction.
#[derive(Debug, Clone, Serialize)]
pub struct SessionDocument {
    pid: i32,
    gid: Option<String>,
    user: Option<String>,
    database: Option<String>,
    application: Option<String>,
    client: Option<String>,
    state: Option<String>,
    wait_event_type: Option<String>,
    wait_event: Option<String>,
    backend_type: Option<String>,
    query: Option<String>,
    duration_ms: Option<u64>,
    transaction_ms: Option<u64>,
    idle_ms: Option<u64>,
    blocked_by: Vec<i32>,
    blocked_by_gids: Vec<String>,
    blocks: usize,
    in_circle: bool,
    waits_ms: Option<u64>,
    lock: Option<String>,
}

/// A server that `verify` worked on.
#[derive(Debug, Clone, Serialize)]
struct ServerDocument {
    version: String,
    folder: Option<String>,
    startup_ms: Option<u64>,
}

/// A check of `verify`.
#[derive(Debug, Clone, Serialize)]
pub struct CheckDocument {
    name: &'static str,
    verdict: &'static str,
    duration_ms: u64,
    reason: Option<String>,
    suppressed: usize,
    server_versions: Vec<String>,
}

/// Which files findings of `verify` are told of: those that have changed since a commit.
#[derive(Debug, Clone, Serialize)]
pub struct SinceDocument {
    commit: String,
    left_out: usize,
}

/// How migrations are laid out.
#[derive(Debug, Clone, Serialize)]
pub struct LayoutDocument {
    name: String,
    guessed: bool,
}

/// Something that a check found.
#[derive(Debug, Clone, Serialize)]
pub struct FindingDocument {
    rule: String,
    severity: &'static str,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    message: String,
    help: Option<String>,
    server_versions: Vec<String>,
}

/// A lock that a migration's statement took.
#[derive(Debug, Clone, Serialize)]
pub struct LockDocument {
    file: String,
    line: u32,
    object: String,
    /// Null where it could not be seen.
    lock: Option<String>,
    held_ms: u64,
    rewrites: bool,
    scans: bool,
}

/// A warning.
#[derive(Debug, Clone, Serialize)]
pub struct WarningDocument {
    rule: &'static str,
    object: String,
    message: String,
}

#[derive(Debug, Clone, Serialize)]
struct ErrorDocument {
    kind: &'static str,
    message: String,
    sqlstate: Option<String>,
    hint: Option<String>,
}

impl Document {
    /// A document that says nothing yet but where and how long.
    pub fn new(
        command: &'static str,
        database: Option<String>,
        server_version: Option<String>,
        elapsed: Duration,
    ) -> Self {
        Document {
            schema_version: SCHEMA_VERSION,
            command,
            database,
            server_version,
            outcome: Outcome::NothingToDo,
            duration_ms: millis(elapsed),
            steps: None,
            runs: None,
            pruned: None,
            statements: None,
            span: None,
            totals: None,
            snapshot: None,
            snapshots: None,
            queries: None,
            sessions: None,
            layout: None,
            checks: None,
            since: None,
            findings: None,
            locks: None,
            servers: None,
            warnings: Vec::new(),
            error: None,
        }
    }

    /// The same, ended by a failure.
    #[must_use]
    pub fn failed(mut self, failure: &Failure) -> Self {
        self.outcome = match failure.kind {
            Kind::Busy => Outcome::Busy,
            Kind::Interrupted | Kind::Terminated => Outcome::Cancelled,
            _ => Outcome::Failed,
        };
        self.error = Some(ErrorDocument {
            kind: failure.kind.name(),
            message: failure.to_string(),
            sqlstate: failure.sqlstate.clone(),
            hint: failure.hint.clone(),
        });
        self
    }

    /// The same with what would be done.
    #[must_use]
    pub fn planned(self, plan: &Plan, outcome: Outcome) -> Self {
        let steps = plan.steps.iter().map(StepDocument::planned);
        let steps = Some(Steps::Objects(steps.collect()));
        Document { outcome, steps, ..self.with_warnings(&plan.warnings) }
    }

    /// The same with what was done.
    #[must_use]
    pub fn executed(self, plan: &Plan, outcomes: &[StepOutcome], outcome: Outcome) -> Self {
        let steps = plan.steps.iter().zip(outcomes);
        let steps = steps.map(|(step, outcome)| StepDocument::executed(step, outcome));
        let steps = Some(Steps::Objects(steps.collect()));
        Document { outcome, steps, ..self.with_warnings(&plan.warnings) }
    }

    /// The same with what `init` does or did.
    #[must_use]
    pub fn with_schema_steps(mut self, steps: Vec<SchemaStepDocument>, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self.steps = Some(Steps::Schema(steps));
        self
    }

    /// Says on which servers. The version of one of several would mislead, so it is left out.
    pub fn verified_on(&mut self, servers: &[VerifiedOn]) {
        if servers.len() > 1 {
            self.server_version = None;
        }
        let servers = servers.iter().map(|server| ServerDocument {
            version: server.version.clone(),
            folder: server.folder.as_ref().map(|folder| folder.display().to_string()),
            startup_ms: server.start_up.map(millis),
        });
        self.servers = Some(servers.collect());
    }

    /// The same with the plan's warnings.
    #[must_use]
    pub fn with_warnings(mut self, warnings: &[Warning]) -> Self {
        self.warnings.extend(warnings.iter().map(|warning| WarningDocument {
            rule: warning.rule,
            object: warning.object.clone(),
            message: warning.message.clone(),
        }));
        self
    }
}

impl CheckDocument {
    /// As programs read it.
    pub fn new(check: &Check) -> Self {
        CheckDocument {
            name: check.name.name(),
            verdict: check.verdict.name(),
            duration_ms: millis(check.took),
            reason: check.reason.clone(),
            server_versions: check.servers.clone(),
            suppressed: check.suppressed,
        }
    }
}

impl SinceDocument {
    /// The commit, and how many findings were left out.
    pub fn new((commit, left_out): (&str, usize)) -> Self {
        SinceDocument { commit: commit.to_owned(), left_out }
    }
}

impl LayoutDocument {
    /// As programs read it.
    pub fn new(laid_out: LaidOut) -> Self {
        LayoutDocument { name: laid_out.layout_name(), guessed: laid_out.is_guessed }
    }
}

impl FindingDocument {
    /// As programs read it.
    pub fn new(finding: &Finding) -> Self {
        let place = finding.place.as_ref();
        FindingDocument {
            rule: finding.rule.clone(),
            severity: finding.severity.name(),
            file: place.map(|place| place.file.display().to_string()),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            message: finding.message.clone(),
            help: finding.help.clone(),
            server_versions: finding.servers.clone(),
        }
    }
}

impl LockDocument {
    /// As programs read it.
    pub fn new(lock: &HeldLock) -> Self {
        LockDocument {
            file: lock.place.file.display().to_string(),
            line: lock.place.line,
            object: lock.relation.to_string(),
            lock: lock.mode.map(|mode| mode.to_string()),
            held_ms: millis(lock.held),
            rewrites: lock.is_rewritten,
            scans: lock.is_scanned,
        }
    }
}

impl SchemaStepDocument {
    /// A step that is only planned.
    pub fn planned(step: &SchemaStep) -> Self {
        SchemaStepDocument {
            action: step.action.name(),
            object: NAME,
            status: "planned",
            reason: step.reason.clone(),
            sql: step.texts().join(";\n"),
            duration_ms: 0,
        }
    }

    /// A step that was done.
    pub fn executed(step: &SchemaStep, took: Duration) -> Self {
        SchemaStepDocument {
            status: "done",
            duration_ms: millis(took),
            ..SchemaStepDocument::planned(step)
        }
    }
}

impl RunDocument {
    /// A run as the history holds it.
    pub fn new(past: &PastRun) -> Self {
        let run = past.run.clone();
        RunDocument {
            id: past.id,
            command: run.command,
            action: run.action,
            object: run.object,
            object_oid: run.object_oid,
            started_at: past.started_at.clone(),
            duration_ms: run.duration_ms,
            outcome: run.outcome,
            reason: run.reason,
            sqlstate: run.sqlstate,
            mode: run.mode,
            rows_inserted: run.rows_inserted,
            rows_updated: run.rows_updated,
            rows_deleted: run.rows_deleted,
            size_bytes: run.size_bytes,
            wal_bytes: run.wal_bytes,
            pgtend_version: past.pgtend_version.clone(),
        }
    }
}

impl SessionDocument {
    /// A session in its place.
    pub fn new(node: &Node) -> Self {
        let session = node.session.clone();
        let millis = |seconds: Option<f64>| seconds.map(|seconds| (seconds.max(0.0) * 1e3) as u64);
        SessionDocument {
            pid: session.pid,
            gid: session.gid,
            user: session.role,
            database: session.database,
            application: session.application,
            client: session.client,
            state: session.state,
            wait_event_type: session.wait_event_type,
            wait_event: session.wait_event,
            backend_type: session.backend_type,
            query: session.query.map(|query| one_line(&query, usize::MAX)),
            duration_ms: millis(session.statement_seconds),
            transaction_ms: millis(session.transaction_seconds),
            idle_ms: millis(session.idle_seconds),
            blocked_by: session.blocked_by,
            blocked_by_gids: session.blocked_by_gids,
            blocks: node.blocks,
            in_circle: node.is_in_circle,
            waits_ms: millis(session.waits_seconds),
            lock: session.lock.as_ref().map(ToString::to_string),
        }
    }
}

impl StepDocument {
    /// A step that is only planned.
    pub fn planned(step: &Step) -> Self {
        let texts = step.statements.iter().flat_map(|statement| statement.texts());
        StepDocument {
            action: step.action.name(),
            object: step.object.to_string(),
            status: if step.verdict == Verdict::ToDo { "planned" } else { "skipped" },
            verdict: match step.verdict {
                Verdict::ToDo => "to_do",
                Verdict::AsDeclared => "as_declared",
                Verdict::LeftOut => "left_out",
                Verdict::Refused => "refused",
            },
            reason: step.reason.clone(),
            sql: joined(&texts.collect::<Vec<_>>()),
            duration_ms: 0,
            on: step.on.as_ref().map(ToString::to_string),
            lock: step.lock.as_ref().map(ToString::to_string),
            size_bytes: None,
            estimated_size_bytes: step.estimated_bytes,
            waited_ms: 0,
            source: step.source().map(ToString::to_string),
            sqlstate: None,
            cleanup: None,
            refresh: match &step.subject {
                Subject::Refresh(refresh) => Some(refresh_document(refresh.way, None)),
                _ => None,
            },
            upkeep: None,
        }
    }

    /// A step and what it came to.
    pub fn executed(step: &Step, outcome: &StepOutcome) -> Self {
        StepDocument {
            status: outcome.status.name(),
            reason: outcome.reason.clone(),
            sql: joined(&outcome.sent),
            duration_ms: millis(outcome.duration),
            size_bytes: outcome.size_bytes,
            waited_ms: millis(outcome.waited),
            sqlstate: outcome.sqlstate.clone(),
            cleanup: outcome.cleanup.clone(),
            refresh: match (&outcome.refreshed, &step.subject) {
                (Some(done), _) => Some(refresh_document(done.way, Some(done))),
                (None, Subject::Refresh(refresh)) => Some(refresh_document(refresh.way, None)),
                _ => None,
            },
            upkeep: outcome.upkept.map(|upkept| UpkeepDocument {
                dead_rows_before: upkept.dead_rows_before,
                dead_rows_after: upkept.dead_rows_after,
                frozen_xid_age_before: upkept.frozen_xid_age_before,
                frozen_xid_age_after: upkept.frozen_xid_age_after,
                pages_before: upkept.pages_before,
                pages: upkept.pages,
                pages_scanned: outcome.pages_scanned,
            }),
            ..StepDocument::planned(step)
        }
    }
}

fn refresh_document(way: Way, done: Option<&Refreshed>) -> RefreshDocument {
    let writes = done.and_then(|done| done.writes);
    RefreshDocument {
        mode: way.to_string(),
        rows_inserted: writes.map(|writes| writes.inserted),
        rows_updated: writes.map(|writes| writes.updated),
        rows_deleted: writes.map(|writes| writes.deleted),
        wal_bytes: done.and_then(|done| done.wal_bytes),
    }
}

fn joined(statements: &[String]) -> Option<String> {
    (!statements.is_empty()).then(|| statements.join(";\n"))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
