//! Why there is no server.

use std::fmt;

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a throwaway server could not be made, or not be ended.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
}

/// What stood in the way. A caller that has options of its own for it adds them to the hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The options ask for what cannot be.
    Options,
    /// A directory that was named holds no server programs that can be used.
    UnusablePrograms,
    /// No server programs were found anywhere.
    NoPrograms,
    /// None were found of the major version that was asked for.
    NoSuchMajor,
    /// The caller is root, as whom PostgreSQL does not run, and no other account can run it.
    Account,
    /// The machine refused a directory, a file, a port or a process.
    Machine,
    /// A program of PostgreSQL's failed.
    Server,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), hint: None }
    }

    pub(crate) fn machine(action: impl fmt::Display, error: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Machine, format!("{action}: {error}"))
    }

    pub(crate) fn context(mut self, context: impl fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What stood in the way.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the reader can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    /// What happened and why, on one line and without the hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
