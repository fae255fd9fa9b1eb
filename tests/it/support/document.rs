//! The JSON document as its readers know it. An unknown key is an error, and so is a missing one:
//! renaming or removing a key breaks every test that reads a document.

use serde::Deserialize;

/// One run of one command.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document<S = Step> {
    pub schema_version: u32,
    pub command: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub database: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub server_version: Option<String>,
    pub outcome: String,
    pub duration_ms: u64,
    /// Absent where the command could not start.
    #[serde(default = "Vec::new")]
    pub steps: Vec<S>,
    /// Only there if pages were served.
    pub served: Option<String>,
    /// Only there if the history was read.
    #[serde(default)]
    pub runs: Vec<Run>,
    /// Only there if the history was pruned.
    pub pruned: Option<i64>,
    /// Only there if statements were looked at; their keys are tested in `slow_queries`.
    #[serde(default)]
    pub statements: Vec<serde_json::Value>,
    /// Only there if something was planned on a twin.
    pub taken_at: Option<String>,
    #[serde(default)]
    pub candidates: Vec<serde_json::Value>,
    #[serde(default)]
    pub advice: Vec<serde_json::Value>,
    #[serde(default)]
    pub unneeded: Vec<serde_json::Value>,
    #[serde(default)]
    pub statistics: Vec<serde_json::Value>,
    #[serde(default)]
    pub stale_statistics: Vec<serde_json::Value>,
    /// Only there if indexes were measured.
    #[serde(default)]
    pub proofs: Vec<serde_json::Value>,
    pub copied_bytes: Option<u64>,
    /// Only there if statements were sent; tested in `load`.
    pub load: Option<serde_json::Value>,
    pub requests: Option<u64>,
    pub failed: Option<u64>,
    pub unsent: Option<u64>,
    pub rate: Option<f64>,
    pub latency_ms: Option<serde_json::Value>,
    #[serde(default)]
    pub errors: Vec<serde_json::Value>,
    #[serde(default)]
    pub waits: Vec<serde_json::Value>,
    pub server: Option<serde_json::Value>,
    pub course: Option<serde_json::Value>,
    pub during: Option<serde_json::Value>,
    pub comparison: Option<serde_json::Value>,
    pub span: Option<Span>,
    pub totals: Option<Totals>,
    /// Only there if a snapshot was taken.
    pub snapshot: Option<Snapshot>,
    /// Only there if they were listed.
    #[serde(default)]
    pub snapshots: Vec<Snapshot>,
    /// Only there if the demo ran.
    #[serde(default)]
    pub queries: Vec<Query>,
    /// Only there if what no file declares was asked for.
    pub undeclared: Option<Vec<Undeclared>>,
    /// Only there if declarations were written.
    pub folder: Option<String>,
    #[serde(default)]
    pub files: Vec<serde_json::Value>,
    /// Only there if the activity was looked at.
    #[serde(default)]
    pub sessions: Vec<Session>,
    /// Only there if migrations were verified.
    #[serde(default)]
    pub checks: Vec<Check>,
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Only there if the health was checked.
    pub glance: Option<serde_json::Value>,
    #[serde(default)]
    pub grants: Vec<String>,
    #[serde(default)]
    pub locks: Vec<Lock>,
    #[serde(default)]
    pub servers: Vec<VerifiedOn>,
    /// Only there if only changed files were reported on.
    pub layout: Option<Layout>,
    pub since: Option<Since>,
    pub warnings: Vec<Warning>,
    /// Only there if the command could not start.
    pub error: Option<Problem>,
}

/// What no file declares.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
pub struct Undeclared {
    pub kind: String,
    pub object: String,
    pub on: Option<String>,
    pub size_bytes: i64,
    pub scans: Option<i64>,
    pub counted_seconds: Option<f64>,
    pub needed_by: Vec<String>,
    pub kept_by: Option<String>,
    pub drop: String,
}

/// How migrations are laid out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
pub struct Layout {
    pub name: String,
    pub guessed: bool,
}

/// One object. Keys that are there even if nothing is known are read with `deserialize_with`,
/// because an `Option` alone may be missing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub action: String,
    pub object: String,
    pub status: String,
    pub verdict: String,
    pub reason: String,
    #[serde(deserialize_with = "code")]
    pub reason_code: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub sql: Option<String>,
    pub duration_ms: u64,
    #[serde(deserialize_with = "Option::deserialize")]
    pub on: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub lock: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub size_bytes: Option<i64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub estimated_size_bytes: Option<i64>,
    pub waited_ms: u64,
    /// Only there where the work comes from a declaration.
    pub source: Option<String>,
    pub sqlstate: Option<String>,
    pub cleanup: Option<String>,
    /// Only refreshes have these.
    pub mode: Option<String>,
    pub rows_inserted: Option<i64>,
    pub rows_updated: Option<i64>,
    pub rows_deleted: Option<i64>,
    pub wal_bytes: Option<i64>,
    /// Only VACUUM and ANALYZE have these.
    pub dead_rows_before: Option<i64>,
    pub dead_rows_after: Option<i64>,
    pub frozen_xid_age_before: Option<i32>,
    pub frozen_xid_age_after: Option<i32>,
    pub pages_before: Option<i64>,
    pub pages: Option<i64>,
    pub pages_scanned: Option<i64>,
    /// Only rebuilds have these.
    pub size_before_bytes: Option<i64>,
    pub bloat: Option<f64>,
    pub rows: Option<i64>,
}

/// A span of time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    #[serde(deserialize_with = "Option::deserialize")]
    pub from: Option<String>,
    pub to: String,
    pub resets: usize,
    #[serde(deserialize_with = "Option::deserialize")]
    pub evictions: Option<i64>,
    pub restarted: bool,
}

/// What all statements come to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    pub statements: i64,
    pub hidden: i64,
    pub matching: i64,
    pub failing: i64,
    pub slow: i64,
    pub slow_ms: f64,
    pub calls: f64,
    pub total_ms: f64,
}

/// A snapshot.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    #[serde(deserialize_with = "Option::deserialize")]
    pub id: Option<i64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub file: Option<String>,
    /// Only there in the list.
    pub taken_at: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub statements: Option<i64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub changed: Option<i64>,
    pub hidden: i64,
    /// Only there where no statements are counted.
    pub statements_reason: Option<String>,
    /// Not there in a file and in the list.
    pub measures: Option<i64>,
    pub measures_changed: Option<i64>,
    pub hidden_sequences: Option<i64>,
}

/// One step of init.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaStep {
    pub action: String,
    pub object: String,
    pub status: String,
    pub reason: String,
    pub sql: String,
    pub duration_ms: u64,
}

/// One run of the history.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    pub id: i64,
    pub command: String,
    pub action: String,
    pub object: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub object_oid: Option<u32>,
    pub started_at: String,
    pub duration_ms: f64,
    pub outcome: String,
    pub reason: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub sqlstate: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub mode: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub rows_inserted: Option<i64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub rows_updated: Option<i64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub rows_deleted: Option<i64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub size_bytes: Option<i64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub wal_bytes: Option<i64>,
    pub pgtend_version: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    pub rule: String,
    pub object: String,
    pub message: String,
}

/// One session, or prepared transaction.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    pub pid: i32,
    #[serde(deserialize_with = "Option::deserialize")]
    pub gid: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub user: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub database: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub application: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub client: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub state: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub wait_event_type: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub wait_event: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub backend_type: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub query: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub duration_ms: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub transaction_ms: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub idle_ms: Option<u64>,
    pub blocked_by: Vec<i32>,
    pub blocked_by_gids: Vec<String>,
    pub blocks: usize,
    pub in_circle: bool,
    #[serde(deserialize_with = "Option::deserialize")]
    pub waits_ms: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub lock: Option<String>,
}

/// One check of verify.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    pub name: String,
    pub verdict: String,
    pub duration_ms: u64,
    #[serde(deserialize_with = "Option::deserialize")]
    pub reason: Option<String>,
    pub suppressed: usize,
    pub server_versions: Vec<String>,
}

/// One server that verify worked on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifiedOn {
    pub version: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub folder: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub startup_ms: Option<u64>,
}

/// What a migration locked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    pub file: String,
    pub line: u32,
    pub object: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub lock: Option<String>,
    pub held_ms: u64,
    pub rewrites: bool,
    pub scans: bool,
}

/// Which files verify reported on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Since {
    pub commit: String,
    pub left_out: usize,
}

/// What a check of verify found.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    pub rule: String,
    pub severity: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub file: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub line: Option<u32>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub column: Option<u32>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub object: Option<String>,
    pub message: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub help: Option<String>,
    /// Only where `check` knows one.
    pub command: Option<String>,
    /// Only where `check` has figures.
    #[serde(default)]
    pub evidence: serde_json::Map<String, serde_json::Value>,
    pub fingerprint: String,
    pub server_versions: Vec<String>,
}

/// One query of the demo.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    pub query: String,
    pub before_ms: f64,
    pub after_ms: f64,
    pub times_faster: f64,
}

/// Why the command could not start.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    pub kind: String,
    pub message: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub sqlstate: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub hint: Option<String>,
}

/// A reason's code, by which scripts decide: a word or several in kebab-case.
fn code<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let code = String::deserialize(deserializer)?;
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|it| it.is_ascii_lowercase());
    match code.split('-').all(is_word) {
        true => Ok(code),
        false => Err(serde::de::Error::custom(format!("{code:?} is no reason's code"))),
    }
}
