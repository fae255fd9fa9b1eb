//! What went wrong, in the words that a person needs: a kind that decides the exit code, the chain
//! of causes, and a hint that names the way out.

use std::fmt;

use anyhow::anyhow;

/// The result of everything that can stop a command.
pub type Result<T> = std::result::Result<T, Failure>;

/// Exit codes, fixed by the command contract so that cron and CI can rely on them.
pub mod exit_code {
    /// Done, or nothing to do.
    pub const DONE: u8 = 0;
    /// A check found something.
    pub const FINDINGS: u8 = 1;
    /// Wrong usage, configuration or declaration.
    pub const USAGE: u8 = 2;
    /// Could not start: connection, privilege, unsupported server.
    pub const COULD_NOT_START: u8 = 3;
    /// Some steps failed or were skipped for a reason that needs a person.
    pub const FAILED: u8 = 4;
    /// Another run holds this job.
    pub const BUSY: u8 = 5;
    /// Cancelled by SIGHUP, cleaned up.
    pub const HUNG_UP: u8 = 129;
    /// Cancelled by SIGINT, cleaned up.
    pub const INTERRUPTED: u8 = 130;
    /// Cancelled by SIGTERM, cleaned up.
    pub const TERMINATED: u8 = 143;
}

/// The kinds of failure; each maps to one exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The command line asks for something that cannot be.
    Usage,
    /// A configuration file or environment variable is wrong.
    Config,
    /// The declared SQL cannot be used as a declaration.
    Declaration,
    /// The server cannot be reached or refuses the connection.
    Connection,
    /// The role may not do what the command needs from the start.
    Privilege,
    /// The server, pooler or machine is of a kind that the command cannot work with.
    Unsupported,
    /// A statement that the command depends on failed.
    Server,
    /// The server went away while something was at work on it.
    ServerLost,
    /// The throwaway server cannot be made.
    Sandbox,
    /// Another run holds the job.
    Busy,
    /// A file or stream could not be read or written.
    Io,
    /// SIGHUP came before anything was begun that has to be reported.
    HungUp,
    /// SIGINT came before anything was begun that has to be reported.
    Interrupted,
    /// SIGTERM came before anything was begun that has to be reported.
    Terminated,
}

impl Kind {
    /// The name used in JSON documents (`error.kind`).
    pub fn name(self) -> &'static str {
        match self {
            Kind::Usage => "usage",
            Kind::Config => "config",
            Kind::Declaration => "declaration",
            Kind::Connection => "connection",
            Kind::Privilege => "privilege",
            Kind::Unsupported => "unsupported",
            Kind::Server => "server",
            Kind::ServerLost => "server_lost",
            Kind::Sandbox => "sandbox",
            Kind::Busy => "busy",
            Kind::Io => "io",
            Kind::HungUp => "hung_up",
            Kind::Interrupted => "interrupted",
            Kind::Terminated => "terminated",
        }
    }

    /// The exit code that goes with the kind.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Usage | Kind::Config | Kind::Declaration => exit_code::USAGE,
            Kind::Connection
            | Kind::Privilege
            | Kind::Unsupported
            | Kind::Server
            | Kind::Sandbox
            | Kind::Io => exit_code::COULD_NOT_START,
            Kind::ServerLost => exit_code::FAILED,
            Kind::Busy => exit_code::BUSY,
            Kind::HungUp => exit_code::HUNG_UP,
            Kind::Interrupted => exit_code::INTERRUPTED,
            Kind::Terminated => exit_code::TERMINATED,
        }
    }
}

/// A failure that ends a command: kind, cause, the server's SQLSTATE where there is one, and the
/// way out.
#[derive(Debug)]
pub struct Failure {
    /// Decides the exit code.
    pub kind: Kind,
    /// What happened, outermost context first.
    pub error: anyhow::Error,
    /// Five characters as in the PostgreSQL documentation, appendix A.
    pub sqlstate: Option<String>,
    /// What the reader can do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure of `kind` that says `message`.
    pub fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self::from_error(kind, anyhow!("{message}"))
    }

    /// A failure of `kind` caused by `error`, whose chain is kept.
    pub fn from_error(kind: Kind, error: impl Into<anyhow::Error>) -> Self {
        Failure { kind, error: error.into(), sqlstate: None, hint: None }
    }

    /// Wrong usage: exit code 2.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Whether connecting failed in a way that passes by itself, as a restart does; not where the
    /// server has answered that there is no such database or no entry for the role.
    pub fn is_passing_connection(&self) -> bool {
        const FINAL: [&str; 3] = ["3D000", "28000", "28P01"];
        let is_final = self.sqlstate.as_deref().is_some_and(|code| FINAL.contains(&code));
        self.kind == Kind::Connection && !is_final
    }

    /// Adds what the reader can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the server's SQLSTATE.
    #[must_use]
    pub fn sqlstate(mut self, sqlstate: Option<String>) -> Self {
        self.sqlstate = sqlstate;
        self
    }

    /// Puts `context` before the message: action, object, database.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.error = self.error.context(context.to_string());
        self
    }
}

impl fmt::Display for Failure {
    /// The chain of causes on one line, outermost first, a cause that the line already ends with
    /// left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = String::new();
        for cause in self.error.chain().map(|cause| without_number(cause.to_string())) {
            if !line.ends_with(&cause) {
                if !line.is_empty() {
                    line.push_str(": ");
                }
                line.push_str(&cause);
            }
        }
        f.write_str(&line)
    }
}

/// The system's message without the number that the standard library puts behind it.
fn without_number(message: String) -> String {
    match message.split_once(" (os error ") {
        Some((words, number)) => {
            let rest = number.split_once(')').map_or("", |(_, rest)| rest);
            format!("{words}{rest}")
        }
        None => message,
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_printed_outermost_first_and_without_repeats() {
        let failure = Failure::from_error(
            Kind::Connection,
            anyhow!("refused").context("connecting to db: refused"),
        )
        .context("cannot start");
        assert_eq!(failure.to_string(), "cannot start: connecting to db: refused");
    }

    #[test]
    fn kinds_map_to_the_contracts_exit_codes() {
        assert_eq!(Kind::Declaration.exit_code(), 2);
        assert_eq!(Kind::Connection.exit_code(), 3);
        assert_eq!(Kind::Server.exit_code(), 3);
        assert_eq!(Kind::ServerLost.exit_code(), 4);
        assert_eq!(Kind::Busy.exit_code(), 5);
    }
}
