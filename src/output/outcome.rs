//! What a command came to.

use serde::{Serialize, Serializer};

use crate::cancel::Signal;
use crate::failure::{Kind, exit_code};

/// What a command came to; it decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// Everything was as it should be.
    NothingToDo,
    /// A check found something.
    Findings,
    /// Something failed.
    Failed,
    /// Another run holds the job.
    Busy,
    /// Stopped by a signal.
    Cancelled(Signal),
    /// Only planned.
    Planned,
    /// One of several targets that was not begun.
    Skipped,
}

impl Outcome {
    /// The name in JSON documents.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::NothingToDo => "nothing_to_do",
            Outcome::Findings => "findings",
            Outcome::Failed => "failed",
            Outcome::Busy => "busy",
            Outcome::Cancelled(_) => "cancelled",
            Outcome::Planned => "planned",
            Outcome::Skipped => "skipped",
        }
    }

    /// The exit code of a command that came to this.
    pub fn exit_code(self) -> u8 {
        match self {
            Outcome::Done | Outcome::NothingToDo | Outcome::Planned | Outcome::Skipped => {
                exit_code::DONE
            }
            Outcome::Findings => exit_code::FINDINGS,
            Outcome::Failed => exit_code::FAILED,
            Outcome::Busy => exit_code::BUSY,
            Outcome::Cancelled(signal) => signal.exit_code(),
        }
    }
}

impl From<Kind> for Outcome {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Busy => Outcome::Busy,
            Kind::HungUp => Outcome::Cancelled(Signal::Hangup),
            Kind::Interrupted => Outcome::Cancelled(Signal::Interrupt),
            Kind::Terminated => Outcome::Cancelled(Signal::Terminate),
            _ => Outcome::Failed,
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
