//! What the server said when a statement failed, and which failures mean what.

use std::fmt;

use tokio_postgres::error::{DbError, ErrorPosition};

use crate::failure::{Failure, Kind};

/// Somebody holds the lock, and the statement does not wait for it, or not any longer.
pub const LOCK_NOT_AVAILABLE: &str = "55P03";

/// There is no relation of that name.
pub const UNDEFINED_TABLE: &str = "42P01";

/// The role may not do it.
pub const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// `query_canceled`: by the statement timeout, or by somebody.
pub const QUERY_CANCELED: &str = "57014";

/// The disk is full.
pub const DISK_FULL: &str = "53100";

/// PostgreSQL has ended one side of a deadlock: this one.
pub const DEADLOCK_DETECTED: &str = "40P01";

/// The server has met with what it did not expect: an object that is gone, for example.
pub const INTERNAL_ERROR: &str = "XX000";

/// A page is damaged.
pub const DATA_CORRUPTED: &str = "XX001";

/// An index is damaged.
pub const INDEX_CORRUPTED: &str = "XX002";

/// A statement's failure: the server's own words, or the driver's where the server could not
/// speak any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerError {
    /// Five characters (PostgreSQL documentation, appendix A); `None` where the connection broke.
    pub sqlstate: Option<String>,
    /// The primary message.
    pub message: String,
    /// DETAIL, for example the duplicate key.
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// Where in the text that was sent, in characters from 1; only where the server says so.
    pub position: Option<u32>,
}

impl ServerError {
    /// Whether the connection broke, so that nothing is known of the statement's fate.
    pub fn is_connection_lost(&self) -> bool {
        self.sqlstate.is_none()
    }

    /// Whether somebody held a lock for longer than the statement may wait.
    pub fn is_lock_not_available(&self) -> bool {
        self.sqlstate.as_deref() == Some(LOCK_NOT_AVAILABLE)
    }

    /// Whether what is stored is damaged.
    pub fn is_corruption(&self) -> bool {
        let damaged = [DATA_CORRUPTED, INDEX_CORRUPTED];
        self.sqlstate.as_deref().is_some_and(|sqlstate| damaged.contains(&sqlstate))
    }

    /// Whether it passes by itself: a deadlock, an administrator's or a crash's end of the session,
    /// a server that is just starting, a broken connection.
    pub fn is_passing(&self) -> bool {
        let passing = ["40P01", "57P01", "57P02", "57P03"];
        self.sqlstate.as_deref().is_none_or(|sqlstate| passing.contains(&sqlstate))
    }

    /// What happened and, where the server knows it, the way out.
    pub fn explained(&self) -> String {
        match &self.hint {
            _ if self.is_connection_lost() => format!("the connection was lost: {self}"),
            Some(hint) => format!("{self} (hint: {hint})"),
            None => self.to_string(),
        }
    }

    /// As the failure of a whole command.
    pub fn into_failure(self) -> Failure {
        let kind = match self.sqlstate.as_deref() {
            None => Kind::Connection,
            Some("42501") => Kind::Privilege,
            Some(_) => Kind::Server,
        };
        let mut failure = Failure::new(kind, &self).sqlstate(self.sqlstate);
        failure.hint = self.hint;
        failure
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.detail {
            Some(detail) => write!(f, " ({})", detail.trim_end_matches('.')),
            None => Ok(()),
        }
    }
}

impl From<&DbError> for ServerError {
    fn from(error: &DbError) -> Self {
        ServerError {
            sqlstate: Some(error.code().code().to_owned()),
            message: error.message().to_owned(),
            detail: error.detail().map(str::to_owned),
            hint: error.hint().map(str::to_owned),
            position: match error.position() {
                Some(ErrorPosition::Original(position)) => Some(*position),
                _ => None,
            },
        }
    }
}

impl From<tokio_postgres::Error> for ServerError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(error) => error.into(),
            None => ServerError {
                sqlstate: None,
                message: chain(&error),
                detail: None,
                hint: None,
                position: None,
            },
        }
    }
}

/// The error and its causes on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !line.ends_with(&cause_text) {
            line = format!("{line}: {cause_text}");
        }
        source = cause.source();
    }
    line
}
