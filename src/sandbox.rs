//! Throwaway servers as pgtend makes and finds them; the rest is `pg-sandbox`.

use pg_sandbox::{Binaries, Error, ErrorKind, Options, Sandbox, Search};

use crate::failure::{Failure, Kind, Result};
use crate::pg::conninfo::{Conninfo, Environment};
use crate::pg::database::{ConnectOptions, Database};

/// How the server programs are found where `--pg-bin` does not name them.
pub const SEARCH: Search = Search { variable: Some("PGTEND_PG_BIN") };

/// A server whose leftovers pgtend knows for its own.
pub fn options(binaries: Binaries) -> Options {
    let mut options = Options::new(binaries);
    options.maker = "pgtend".to_owned();
    options
}

/// Starts a server. It blocks; on a thread of its own it does not keep a signal from being heard.
///
/// # Errors
/// `Sandbox` where none can be made.
pub async fn start(options: Options) -> Result<Sandbox> {
    blocking(move || Sandbox::start(&options)).await
}

/// Stops it and removes its files, and says what failed.
///
/// # Errors
/// `Sandbox` where the server goes on or a file stays.
pub async fn stop(sandbox: Sandbox) -> Result<()> {
    blocking(|| sandbox.stop()).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> pg_sandbox::Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Failure::from_error(Kind::Sandbox, error))?
        .map_err(Failure::from)
}

/// Connects to one.
///
/// # Errors
/// As [`Database::open`].
pub async fn open(url: &str, connect_options: &ConnectOptions) -> Result<Database> {
    // PGHOSTADDR, PGSERVICE or PGOPTIONS of the user's could lead us to another server than ours.
    let environment = Environment::from_variables([]);
    let conninfo = Conninfo::resolve(Some(url), &environment)?;
    Database::open(&conninfo, &environment, connect_options).await
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let hint = hint(&error);
        let failure = Failure::new(Kind::Sandbox, error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// The way out, with the options and variables of pgtend's that are one.
fn hint(error: &Error) -> Option<String> {
    const NAMES_THEM: &str = "--pg-bin and PGTEND_PG_BIN name the directory that holds initdb, \
                              postgres and pg_ctl, such as /usr/lib/postgresql/17/bin";
    let hint = error.hint()?;
    Some(match error.kind() {
        ErrorKind::UnusablePrograms => NAMES_THEM.to_owned(),
        ErrorKind::NoPrograms => format!("{hint}; {NAMES_THEM}"),
        ErrorKind::NoSuchMajor => {
            format!("{hint}, leave it out of --pg, or name its folder with a further --pg-bin")
        }
        ErrorKind::Account => format!("{hint}; --pg-bin names other programs"),
        _ => hint.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_directory_without_the_programs_is_refused_with_the_options_that_name_another() {
        let empty = tempfile::tempdir().unwrap();
        let failure = Failure::from(SEARCH.find(Some(empty.path())).unwrap_err());
        assert_eq!(failure.kind, Kind::Sandbox);
        let path = empty.path().display();
        assert_eq!(
            failure.to_string(),
            format!("no usable PostgreSQL server programs in {path}: initdb is missing")
        );
        let hint = failure.hint.unwrap();
        assert!(hint.starts_with("--pg-bin and PGTEND_PG_BIN"), "{hint}");
    }

    #[test]
    fn a_major_that_is_not_there_is_told_with_the_options_that_help() {
        let error = SEARCH.find_all(&[], &[9]).unwrap_err();
        let hint = Failure::from(error).hint.unwrap();
        assert_eq!(
            hint,
            "install the server package of 9, leave it out of --pg, or name its folder with a \
             further --pg-bin"
        );
    }
}
