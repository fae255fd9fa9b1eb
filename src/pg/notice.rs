//! What the server says by the way, kept for whoever uses the connection.

use std::sync::{Arc, Mutex, PoisonError};

/// NOTICE, WARNING and the like: truths that no return value carries, such as a skipped table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// WARNING, NOTICE, INFO …, untranslated.
    pub severity: String,
    /// Five characters.
    pub sqlstate: String,
    /// The primary message.
    pub message: String,
    /// What was running: the statement that a function has sent, and the functions around it.
    pub context: Option<String>,
}

/// A backend that never reads its notices must not fill the memory.
const NOTICES_KEPT: usize = 10_000;

/// The notices of one connection.
#[derive(Debug, Clone, Default)]
pub struct Inbox(Arc<Mutex<Vec<Notice>>>);

impl Inbox {
    /// Puts in what came.
    pub fn push(&self, notice: Notice) {
        let mut notices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.len() < NOTICES_KEPT {
            notices.push(notice);
        }
    }

    /// Takes out what has come.
    pub fn drain(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
