//! What the server says by the way while a statement succeeds. Of a WARNING the statement's fate may
//! hang: a table that VACUUM or ANALYZE passes over is only a warning.

use super::Execution;
use super::event::{Event, StepIndex};
use crate::pg::session::{Notice, Session};

/// Takes what the server has said: the warnings, and the rest.
pub fn take(session: &Session) -> (Vec<Notice>, Vec<Notice>) {
    session.notices().into_iter().partition(|notice| notice.severity == "WARNING")
}

/// Tells what the server has said.
pub fn tell(execution: &Execution<'_>, at: StepIndex, notices: Vec<Notice>) {
    for notice in notices {
        let text = format!("{}: {}", notice.severity, notice.message);
        execution.events.emit(Event::Noticed(at, text));
    }
}

/// The warnings' words in one line.
pub fn said(warnings: &[Notice]) -> String {
    warnings
        .iter()
        .map(|warning| warning.message.as_str())
        .collect::<Vec<_>>()
        .join("; ")
}
