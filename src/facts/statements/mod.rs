//! The statements that pg_stat_statements counts. Their texts are as large as all else is small, so
//! they are only read where they are asked for.

mod cache;
mod counters;
mod file;
mod load;
mod own;
mod past;
mod snapshots;
mod span;
mod texts;

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::Oid;
use crate::failure::{Failure, Kind as FailureKind, Result};
pub use cache::TextCache;
pub use counters::{Counter, CounterKind, Counters, expression, selected};
pub use file::{FileText, SnapshotFile, SnapshotScope};
pub use load::{
    StatementFilter, load_extension, load_moment, load_names, load_reading, load_top, read_figures,
};
pub use own::{is_own, is_utility};
pub use past::{PointInTime, SpanEnd, StatementHistory};
pub use snapshots::{
    PastSample, Sample, Snapshot, SnapshotLoad, load_kept_texts, load_samples, load_snapshot_loads,
    load_snapshots, load_state, load_statement_samples,
};
pub use span::{Change, Span, StatementDelta};
pub use texts::{
    Amount, LONGEST_BYTES, LONGEST_CHARACTERS, Length, RawText, Texts, each_text, each_text_within,
    load_matching, load_texts,
};

/// What tells one counted statement from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StatementKey {
    pub dbid: Oid,
    /// By whom.
    pub userid: Oid,
    /// Which; it is the same for statements that differ in constants only.
    pub queryid: i64,
    /// Whether the client sent it itself, and no function did.
    pub toplevel: bool,
}

/// The texts of statements. By their whole key, because roles that have different search paths can say
/// different things under one queryid.
pub type KnownTexts = HashMap<StatementKey, String>;

#[derive(Debug, Clone, PartialEq)]
pub struct CountedStatement {
    pub key: StatementKey,
    /// How much, since the counters were begun.
    pub counters: Counters,
    /// Since when it is counted, in seconds since 1970; `None` before version 1.11.
    pub stats_since: Option<f64>,
}

/// All counters at one moment.
#[derive(Debug, Clone, Default)]
pub struct CounterReading {
    /// When, and in which circumstances.
    pub moment: CounterMoment,
    /// The statements that the role may see.
    pub statements: Vec<CountedStatement>,
}

/// The circumstances of a reading. Epochs are seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CounterMoment {
    /// When it was, by the server's clock.
    pub taken_epoch: f64,
    /// When all counters were last reset; `None` where the version does not tell.
    pub reset_epoch: Option<f64>,
    /// How often the server had to forget statements; `None` where the version does not tell.
    pub evictions: Option<i64>,
    /// When the server was started.
    pub started_epoch: f64,
    /// Statements of others that the role may not see.
    pub hidden: i64,
}

/// The extension, and what it can tell this role.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementsExtension {
    /// Its version in this database; `None` where it is absent.
    pub version: Option<String>,
    pub schema: String,
    /// What its function returns.
    pub columns: Vec<String>,
    /// Whether it tells of resets and evictions.
    pub has_info: bool,
    /// How many statements it counts; `None` where its library is not loaded.
    pub max_statements: Option<i64>,
    /// The version that is installed on the server's machine.
    pub available_version: Option<String>,
    /// Whether the role sees statements of others.
    pub sees_all: bool,
    /// Whether I/O is timed.
    pub tracks_io: bool,
    /// Whether planning is counted.
    pub tracks_planning: bool,
    /// When the server was started, in seconds since 1970.
    pub started_epoch: f64,
    /// This database.
    pub dbid: Oid,
    /// Whether the role is a superuser.
    pub is_superuser: bool,
    /// The role.
    pub userid: Oid,
    /// The server is a standby.
    pub in_recovery: bool,
    /// What tells this cluster from others, where the role may know.
    pub system_id: Option<i64>,
    /// Oid, name and encoding of the databases that have another encoding than this one.
    pub other_encodings: Vec<(Oid, String, String)>,
}

impl StatementsExtension {
    /// Refuses where statements are not counted.
    ///
    /// # Errors
    /// `Unsupported`, with the way out.
    pub fn require_counting(&self) -> Result<()> {
        let loads = "shared_preload_libraries = 'pg_stat_statements' in postgresql.conf (then \
                     restart the server)";
        let refuse = |message: &str, hint: String| {
            Err(Failure::new(FailureKind::Unsupported, message).hint(hint))
        };
        match (self.max_statements, &self.version, &self.available_version) {
            (Some(_), Some(_), _) => Ok(()),
            (None, _, None) => refuse(
                "this server does not count its statements: pg_stat_statements is not installed",
                format!(
                    "install the server's contrib package, set {loads}, and in this database: \
                     CREATE EXTENSION pg_stat_statements;"
                ),
            ),
            (None, Some(_), _) => refuse(
                "this server does not count its statements: pg_stat_statements is not loaded",
                format!("set {loads}"),
            ),
            (None, None, _) => refuse(
                "this server does not count its statements: pg_stat_statements is not loaded",
                format!("set {loads}, and in this database: CREATE EXTENSION pg_stat_statements;"),
            ),
            (Some(_), None, _) => refuse(
                "the extension pg_stat_statements is absent in this database",
                "in this database: CREATE EXTENSION pg_stat_statements;".to_owned(),
            ),
        }
    }

    /// The newer version that this database could have, after an upgrade of the server.
    pub fn newer_version(&self) -> Option<&str> {
        let available = self.available_version.as_deref()?;
        (self.version.as_deref() != Some(available)).then_some(available)
    }
}

/// Names of roles and databases by their oids.
#[derive(Debug, Clone, Default)]
pub struct StatementNames {
    pub roles: HashMap<Oid, String>,
    pub databases: HashMap<Oid, String>,
    /// Which roles are superusers.
    pub superusers: HashSet<Oid>,
}
