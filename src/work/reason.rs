//! Why a step is to be done or is left, and why it ended as it did: a stable code for programs and
//! words for people. Each job lists its own reasons, with `reasons!`, in its `why.rs`.

mod code;

use std::fmt;

use crate::failure::Failure;
use crate::pg::server_error::ServerError;
pub use code::Code;

/// A reason: its code, which scripts may rely on, and its words, which may change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reason {
    pub code: Code,
    pub words: String,
}

impl Reason {
    /// The same reason with more to say of it.
    pub fn and(mut self, more: impl fmt::Display) -> Self {
        self.add(more);
        self
    }

    /// Says more of it.
    pub fn add(&mut self, more: impl fmt::Display) {
        self.words.push_str(&format!("; {more}"));
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// Lists the reasons of a job: of each its code, and its words with the fields in them.
macro_rules! reasons {
    (
        $(#[$about:meta])*
        $name:ident {
            $($(#[$doc:meta])* $variant:ident $({ $($field:ident: $type:ty),+ })? => $code:ident, $words:literal;)+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $variant $({ $($field: $type),+ })?),+ }

        impl $name {
            /// What scripts may rely on.
            pub fn code(&self) -> $crate::work::reason::Code {
                match self { $($name::$variant { .. } => $crate::work::reason::Code::$code),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self { $($name::$variant $({ $($field),+ })? => write!(f, $words)),+ }
            }
        }

        impl From<$name> for $crate::work::reason::Reason {
            fn from(why: $name) -> Self {
                $crate::work::reason::Reason { code: why.code(), words: why.to_string() }
            }
        }
    };
}
pub(crate) use reasons;

reasons! {
    /// The reasons that each job can have.
    Why {
        Done => Done, "done";
        Cancelled => Cancelled, "cancelled";
        CancelledBeforeBegun => Cancelled, "cancelled; nothing was started";
        CancelledWaiting { what: String } => Cancelled, "cancelled: {what}";
        CancelledWaitingFor { who: String } => Cancelled, "cancelled while waiting for {who}";
        SignalBeforeStart { signal: &'static str } => Cancelled, "not started: {signal} came";
        LeftBehind { why: String, left: &'static str } => CancelledUnverified, "{why}; {left}";
        ServerGone { why: String } => ServerGone, "not started: {why}";
        TimeUp { words: String } => TimeUp, "{words}";
        LeftForNextTime { words: String } => TimeUp, "left for the next time: {words}";
        WouldNotEnd { needed: String, left: String } => NoTime,
            "left for the next time: it would take about {needed}, and {left} are left";
        StoppedForTime { why: String } => TimeUp,
            "cancelled, and left for the next time: {why}";
        TimeUpBeforeStart { words: String } => TimeUp, "not started: {words}";
        /// Waited for a lock, a build or a transaction for as long as it may.
        GaveUp { what: String } => GaveUpWaiting, "gave up: {what}";
        GaveUpOnLock { error: String } => GaveUpWaiting, "gave up waiting for the lock: {error}";
        GaveUpAfter { who: String } => GaveUpWaiting, "gave up after waiting for {who}";
        /// The monitor stopped the statement.
        Stopped { why: String } => Stopped, "{why}";
        StatementFailed { error: String } => StatementFailed, "{error}";
        Failed { failure: String } => Failed, "{failure}";
        NothingToSend => NothingToSend, "nothing to send";
        NeverReached => NeverReached, "never reached";
        DroppedMeanwhile { what: String } => DroppedMeanwhile, "{what} was dropped meanwhile";
        RenamedMeanwhile { how: String } => RenamedMeanwhile, "{how}";
        Locked => Locked, "it is locked; tried again at the end";
        /// VACUUM and ANALYZE warn of what they pass over, and succeed.
        PassedOver { warnings: String } => PassedOver, "{warnings}";
        LockedBy { warnings: String } => Locked, "{warnings}";
        /// Looked at before a build is begun.
        WouldWait { who: String } => WouldWait, "skipped for now: it would wait for {who}";
        NoRoom { needed: String, directory: String, free: String } => NoRoom,
            "skipped for now: the index needs about {needed}, and {directory} has {free} free";
    }
}

impl From<Failure> for Reason {
    fn from(failure: Failure) -> Self {
        Why::Failed { failure: failure.to_string() }.into()
    }
}

impl From<&ServerError> for Reason {
    fn from(error: &ServerError) -> Self {
        Why::StatementFailed { error: error.explained() }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_a_code_and_words_with_what_it_is_about() {
        let reason = Reason::from(Why::GaveUpAfter { who: "pid 7".to_owned() });
        let told = reason.and("what it left was dropped");
        assert_eq!(told.code, Code::GaveUpWaiting);
        assert_eq!(told.code.name(), "gave-up-waiting");
        let words = "gave up after waiting for pid 7; what it left was dropped";
        assert_eq!(told.to_string(), words);
    }
}
