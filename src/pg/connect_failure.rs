//! Why a connection could not be made, and what to do about it.

use std::error::Error as _;
use std::io;

use pg_conninfo::ErrorKind;
use tokio_postgres::error::{DbError, SqlState};

use super::server_error::{ServerError, chain};
use super::settings::{CLIENT_CHECK, age_by_complaint};
use super::version::OLDEST_SUPPORTED;
use crate::failure::{Failure, Kind};

impl From<pg_conninfo::Error> for Failure {
    fn from(error: pg_conninfo::Error) -> Failure {
        let kind = match error.kind() {
            ErrorKind::Text => Kind::Usage,
            ErrorKind::Surroundings => Kind::Config,
        };
        let hint = error.hint().map(str::to_owned);
        Failure { hint, ..Failure::new(kind, error) }
    }
}

/// Explains why connecting to `place` (or speaking to it) failed.
pub fn explain(error: &tokio_postgres::Error, place: &str) -> Failure {
    if let Some(error) = error.as_db_error() {
        return refused_by_server(error, place);
    }
    let message = chain(error);
    let hint = pg_conninfo::tls::hint(error)
        .or_else(|| io_kind(error).and_then(hint_for_io))
        .or_else(|| hint_for_text(&message));
    let why = without_library(&message);
    let failure = Failure::new(Kind::Connection, format!("cannot connect to {place}: {why}"));
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn refused_by_server(error: &DbError, place: &str) -> Failure {
    if error.message().contains("unsupported startup parameter") {
        return pooler(place, Pooler::RefusesSettings)
            .sqlstate(Some(error.code().code().to_owned()));
    }
    if error.code() == &SqlState::UNDEFINED_OBJECT
        && let Some(age) = age_by_complaint(error.message())
    {
        return too_old(age, place).sqlstate(Some(error.code().code().to_owned()));
    }
    let said = ServerError::from(error);
    let hint = hint_for_sqlstate(error.code().code(), error.message()).map(str::to_owned);
    let mut failure = Failure::new(Kind::Connection, format!("cannot connect to {place}: {said}"))
        .sqlstate(said.sqlstate.clone());
    failure.hint = hint.or(said.hint);
    failure
}

/// Whether the server refuses to look whether its client is still there, or does not know how.
pub fn refuses_client_check(failure: &Failure) -> bool {
    let refused = matches!(failure.sqlstate.as_deref(), Some("22023" | "42704"));
    refused && failure.to_string().contains(CLIENT_CHECK)
}

fn hint_for_sqlstate(code: &str, message: &str) -> Option<&'static str> {
    Some(match code {
        "28P01" => "wrong password; it comes from the URL, PGPASSWORD or ~/.pgpass",
        "28000" if message.contains("no encryption") || message.contains("SSL off") => {
            "the server requires TLS; add sslmode=require (or verify-full with sslrootcert)"
        }
        "28000" if message.contains("client certificate") => {
            "the server requires a client certificate; set sslcert and sslkey"
        }
        "28000" => {
            "pg_hba.conf on the server does not allow this role from here, or the role does not exist"
        }
        "3D000" => "the database does not exist; psql -l lists the databases",
        "53300" => "all connections are taken; try again, or raise max_connections",
        "57P03" => "the server is starting up, shutting down or recovering; try again in a moment",
        "42501" => "the role may not connect; GRANT CONNECT ON DATABASE to it",
        "22023" | "42704" => "a setting in PGOPTIONS or options= is unknown to this server",
        _ => return None,
    })
}

/// The way out where nothing answered in time.
pub const NO_ANSWER: &str =
    "no answer; check the host and firewalls; connect_timeout sets how long to try";

fn hint_for_io(kind: io::ErrorKind) -> Option<&'static str> {
    Some(match kind {
        io::ErrorKind::ConnectionRefused => {
            "no server listens there; check that it runs, and host and port"
        }
        io::ErrorKind::NotFound => {
            "no such socket; check that the server runs on this machine, or name its host"
        }
        io::ErrorKind::PermissionDenied => "you may not open that socket",
        io::ErrorKind::TimedOut => NO_ANSWER,
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
            "the other side closed the connection; check that it is a PostgreSQL server, and sslmode"
        }
        _ => return None,
    })
}

fn hint_for_text(message: &str) -> Option<&'static str> {
    if message.contains("does not support TLS") {
        Some("the server has no TLS; use sslmode=prefer, or turn ssl on in its configuration")
    } else if message.contains("password missing") {
        Some("the server requires a password; set PGPASSWORD or add it to ~/.pgpass")
    } else if message.contains("timed out") || message.contains("timeout") {
        Some(NO_ANSWER)
    } else if message.contains("lookup address") {
        Some("the host name cannot be resolved")
    } else {
        None
    }
}

/// What the system says, without the words of the libraries between: `connection refused`.
fn without_library(message: &str) -> String {
    const BEFORE: [&str; 3] = [
        "error connecting to server: ",
        "error communicating with the server: ",
        "db error: ",
    ];
    let bare = BEFORE
        .iter()
        .fold(message, |text, before| text.strip_prefix(before).unwrap_or(text));
    // Only a message of the system's has a number, and a capital at its head.
    if !bare.contains(" (os error ") {
        return bare.to_owned();
    }
    let mut letters = bare.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

fn io_kind(error: &tokio_postgres::Error) -> Option<io::ErrorKind> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            let kind = error.kind();
            let says_why = !matches!(kind, io::ErrorKind::InvalidData | io::ErrorKind::Other);
            return says_why.then_some(kind).filter(|kind| hint_for_io(*kind).is_some());
        }
        source = cause.source();
    }
    None
}

/// What to say to a server that gets no fixes any more.
pub fn too_old(version: &str, place: &str) -> Failure {
    Failure::new(
        Kind::Unsupported,
        format!("{place} is PostgreSQL {version}; pgtend needs {OLDEST_SUPPORTED} or newer"),
    )
    .hint("PostgreSQL 13 and older get no fixes any more; upgrade the server")
}

/// By what a connection pooler shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooler {
    /// Two connections are served by one process: it shares them, as in transaction mode.
    SharesProcesses,
    /// It does not let connections with settings in.
    RefusesSettings,
    /// It lets them in, and the settings do not arrive.
    DropsSettings,
}

/// What to say when something stands between us and the server.
pub fn pooler(place: &str, shows: Pooler) -> Failure {
    let what = match shows {
        Pooler::SharesProcesses => "does not keep one server process per connection",
        Pooler::RefusesSettings => "refuses the settings that pgtend's sessions begin with",
        Pooler::DropsSettings => {
            "drops the settings that pgtend's sessions begin with (ignore_startup_parameters)"
        }
    };
    let message = format!("{place} is a connection pooler (PgBouncer?) that {what}");
    let hint = match shows {
        Pooler::SharesProcesses => {
            "locks and settings would belong to whoever comes next; connect to PostgreSQL directly \
             (usually port 5432 instead of 6432)"
        }
        Pooler::RefusesSettings | Pooler::DropsSettings => {
            "the server's and the role's timeouts would end builds half-way, in session mode too; \
             connect to PostgreSQL directly (usually port 5432 instead of 6432)"
        }
    };
    Failure::new(Kind::Unsupported, message).hint(hint)
}
