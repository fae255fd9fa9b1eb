//! A fact, or why it could not be had. What is not known is said in the report: it is no empty list,
//! no zero and no guess.

use std::fmt;

use crate::failure::{Failure, Result};

/// A fact that may be out of reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<T> {
    Known(T),
    /// It could not be had, for this reason.
    Unavailable(Unavailable),
}

/// Why a fact could not be had, and what would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    why: String,
    help: Option<String>,
}

impl Unavailable {
    pub fn because(why: impl Into<String>) -> Self {
        Unavailable { why: why.into(), help: None }
    }

    /// Adds the GRANT or command that would help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The reason alone.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// The GRANT or command that would help.
    pub fn remedy(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.help {
            Some(help) => write!(f, "{}; {help}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

impl From<&Unavailable> for Unavailable {
    fn from(why: &Unavailable) -> Self {
        why.clone()
    }
}

impl From<Failure> for Unavailable {
    fn from(failure: Failure) -> Self {
        Unavailable { why: failure.to_string(), help: failure.hint }
    }
}

impl<T> Known<T> {
    /// The fact, where it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Known::Known(fact) => Some(fact),
            Known::Unavailable(_) => None,
        }
    }

    /// What the fact makes, where it is known.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Known::Known(fact) => Known::Known(make(fact)),
            Known::Unavailable(why) => Known::Unavailable(why),
        }
    }

    /// The fact, or the reason for `?`.
    pub fn seen(&self) -> std::result::Result<&T, &Unavailable> {
        match self {
            Known::Known(fact) => Ok(fact),
            Known::Unavailable(why) => Err(why),
        }
    }

    /// The fact or the reason, for `?`.
    pub fn into_result(self) -> std::result::Result<T, Unavailable> {
        match self {
            Known::Known(fact) => Ok(fact),
            Known::Unavailable(why) => Err(why),
        }
    }
}

impl<T: Default> Default for Known<T> {
    fn default() -> Self {
        Known::Known(T::default())
    }
}

impl<T> From<Result<T>> for Known<T> {
    fn from(result: Result<T>) -> Self {
        match result {
            Ok(fact) => Known::Known(fact),
            Err(failure) => Known::Unavailable(failure.into()),
        }
    }
}

impl<T> From<Unavailable> for Known<T> {
    fn from(why: Unavailable) -> Self {
        Known::Unavailable(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_says_why_and_what_would_help() {
        let failure = Failure::usage("no").hint("GRANT it");
        let fact = Known::<i32>::from(Err(failure));
        assert_eq!(fact.known(), None);
        assert_eq!(fact.into_result().map_err(|why| why.to_string()), Err("no; GRANT it".into()));
    }
}
