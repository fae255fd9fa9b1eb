//! What an answer of the server says of a definition.

use super::copies::{COPY, Read, Unread};
use crate::facts::Canonical;
use crate::pg::server_error::ServerError;

pub fn canonical<T>(read: Read<T>, is_verdict: fn(&ServerError) -> bool) -> Canonical<T> {
    match read {
        Ok(shape) => Canonical::Known(shape),
        Err(Unread::NotSent(reason)) => Canonical::NotCompared(reason),
        Err(Unread::Failed(error)) if is_verdict(&error) => Canonical::Refused(error),
        Err(Unread::Failed(error)) => Canonical::NotCompared(error.to_string()),
    }
}

/// A refusal counts as the server's verdict on the declaration only where it cannot come from the
/// copy: a function of the whole row, for example, has another argument type there.
pub fn is_certain(error: &ServerError) -> bool {
    is_unknown_function(error)
        || matches!(
            error.sqlstate.as_deref(),
            // Undefined column, undefined object (operator class, collation, method), syntax error,
            // invalid object definition (a function that is not immutable), invalid parameter value.
            Some("42703" | "42704" | "42601" | "42P17" | "22023" | "0A000")
        )
}

/// Whether the server knows no function or operator of that kind: a verdict, too, unless it is about the
/// row type of the copy, which a function of the whole row is given there.
pub fn is_unknown_function(error: &ServerError) -> bool {
    let is_undefined = error.sqlstate.as_deref() == Some("42883");
    is_undefined && !error.to_string().contains(COPY)
}

/// A query, and an index of plain columns, is refused for whatever reason but a privilege that the
/// owner lacks, a lock, a limit or a lost connection.
pub fn is_any_certain(error: &ServerError) -> bool {
    let passing = ["42501", "55P03", "57014"];
    let passing = error.sqlstate.as_deref().is_none_or(|sqlstate| passing.contains(&sqlstate));
    !passing && !error.is_passing()
}
