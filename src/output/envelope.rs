//! The JSON documents: a contract. Keys are added, never renamed or removed.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::Outcome;
use crate::escape_control::json_line;
use crate::failure::Failure;
use crate::format::millis;
use crate::pg::conninfo::Conninfo;
use crate::pg::database::Server;
use crate::warning::Warning;

/// The version of the documents' form.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// Of which command and which database a report is; it fills while the command runs.
#[derive(Debug)]
pub struct Origin {
    command: &'static str,
    started: Instant,
    server: Mutex<Option<(String, String)>>,
    warnings: OnceLock<Vec<Warning>>,
}

impl Origin {
    /// A command that begins now.
    pub fn new(command: &'static str) -> Self {
        let started = Instant::now();
        Origin {
            command,
            started,
            server: Mutex::default(),
            warnings: OnceLock::new(),
        }
    }

    /// The command.
    pub fn command(&self) -> &'static str {
        self.command
    }

    /// The database that the command works on: `verify` connects to another one first.
    pub fn connected_to(&self, server: &Server) {
        let place = (server.database.clone(), server.version.to_string());
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
    }

    /// Keeps what was passed over in the connection's parameters for the documents. Returns it if it
    /// is new.
    pub fn passed_over(&self, conninfo: &Conninfo) -> &[Warning] {
        let warnings = conninfo.warnings.iter().map(|message| Warning {
            rule: "connection_parameter",
            object: conninfo.display(),
            message: message.clone(),
        });
        match self.warnings.set(warnings.collect()) {
            Ok(()) => self.warnings.get().map_or(&[], Vec::as_slice),
            Err(_) => &[],
        }
    }

    /// What a document of this moment begins with.
    pub fn head(&self) -> Head {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (database, server_version) = server.unzip();
        Head {
            target: None,
            schema: None,
            command: self.command,
            database,
            server_version,
            duration: self.started.elapsed(),
            warnings: self.warnings.get().cloned().unwrap_or_default(),
        }
    }
}

/// What every document begins with.
#[derive(Debug, Clone)]
pub struct Head {
    target: Option<String>,
    schema: Option<String>,
    command: &'static str,
    database: Option<String>,
    /// `None` also where a report is about several servers.
    pub server_version: Option<String>,
    duration: Duration,
    warnings: Vec<Warning>,
}

impl Head {
    /// Of one of several targets, or of one of its schemas.
    #[must_use]
    pub fn of_target(self, name: &str, schema: Option<String>) -> Self {
        Head { target: Some(name.to_owned()), schema, ..self }
    }

    /// Whether it is about one of several schemas.
    pub fn is_of_schema(&self) -> bool {
        self.schema.is_some()
    }

    /// The command.
    pub fn command(&self) -> &'static str {
        self.command
    }

    /// How long it took.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// The document of a report, as one line.
    pub fn document(self, outcome: Outcome, body: impl Serialize, warnings: &[Warning]) -> String {
        self.write(outcome, body, warnings, None)
    }

    /// The document of a command that could not do its job, as one line.
    pub fn failed(self, failure: &Failure) -> String {
        let error = ErrorDocument {
            kind: failure.kind.name(),
            message: failure.to_string(),
            sqlstate: failure.sqlstate.as_deref(),
            hint: failure.hint.as_deref(),
        };
        self.write(failure.kind.into(), Nothing {}, &[], Some(error))
    }

    fn write(
        self,
        outcome: Outcome,
        body: impl Serialize,
        warnings: &[Warning],
        error: Option<ErrorDocument<'_>>,
    ) -> String {
        json_line(&Envelope {
            target: self.target.as_deref(),
            schema: self.schema.as_deref(),
            schema_version: SCHEMA_VERSION,
            command: self.command,
            database: self.database.as_deref(),
            server_version: self.server_version.as_deref(),
            outcome,
            duration_ms: millis(self.duration),
            body,
            warnings: self.warnings.iter().chain(warnings).map(WarningDocument::from).collect(),
            error,
        })
    }
}

/// A document: the common head, what the command tells, and what should not get lost.
#[derive(Debug, Serialize)]
struct Envelope<'a, T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'a str>,
    schema_version: u32,
    command: &'static str,
    database: Option<&'a str>,
    server_version: Option<&'a str>,
    outcome: Outcome,
    duration_ms: u64,
    #[serde(flatten)]
    body: T,
    warnings: Vec<WarningDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorDocument<'a>>,
}

/// The body of a document that has none.
#[derive(Debug, Serialize)]
pub(super) struct Nothing {}

#[derive(Debug, Serialize)]
struct WarningDocument<'a> {
    rule: &'a str,
    object: &'a str,
    message: &'a str,
}

impl<'a> From<&'a Warning> for WarningDocument<'a> {
    fn from(Warning { rule, object, message }: &'a Warning) -> Self {
        WarningDocument { rule, object, message }
    }
}

#[derive(Debug, Serialize)]
struct ErrorDocument<'a> {
    kind: &'static str,
    message: String,
    sqlstate: Option<&'a str>,
    hint: Option<&'a str>,
}
