//! Why there are no parameters.

use std::fmt;

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a connection's parameters cannot be used. Holds no value of a parameter.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
}

/// Who can mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Whoever wrote the connection text.
    Text,
    /// Whoever set the environment, the service file, the password file or the files of TLS.
    Surroundings,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Error { kind, message: message.to_string(), hint: None }
    }

    pub(crate) fn text(message: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Text, message)
    }

    pub(crate) fn surroundings(message: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Surroundings, message)
    }

    /// That `action` of the surroundings failed, with all causes of `error`.
    pub(crate) fn caused(action: impl fmt::Display, error: &dyn std::error::Error) -> Self {
        let mut message = action.to_string();
        let mut cause = Some(error);
        while let Some(error) = cause {
            let said = error.to_string();
            if !message.ends_with(&said) {
                message = format!("{message}: {said}");
            }
            cause = error.source();
        }
        Error::surroundings(message)
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Who can mend it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the reader can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    /// What is wrong and where, on one line and without the hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
