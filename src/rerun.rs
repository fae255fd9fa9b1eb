//! Starting again without a password on the command line, where every user of the machine can read
//! it (`ps`): in the environment only its owner can.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::app::OTHER_PASSWORDS;
use crate::failure::{Failure, Kind, Result};
use crate::pg::conninfo::{Conninfo, Environment, Harmless};

/// Replaces this process by one with the same arguments but for the secrets in `url` and in `others`:
/// passwords go to the environment, and other secrets would be of no use. Returns if there are none.
///
/// What cannot be understood in full may hold a password in a place where none is looked for. So it
/// is refused here, before anything is read or waited for, and stands in the arguments for no longer
/// than that takes.
///
/// # Errors
/// As [`Conninfo::resolve`]; `Io` where the program cannot be started again.
pub fn without_secrets(url: Option<&str>, others: &[String]) -> Result<()> {
    let urls = url.into_iter().chain(others.iter().map(String::as_str));
    for url in urls.clone() {
        Conninfo::resolve(Some(url), &Environment::process())?;
    }
    let harmless = urls.clone().map(Conninfo::without_secrets).collect::<Vec<_>>();
    if harmless.iter().all(Option::is_none) {
        return Ok(());
    }
    let program = std::env::current_exe().map_err(|error| Failure::from_error(Kind::Io, error))?;
    let mut arguments = std::env::args_os().skip(1).collect::<Vec<_>>();
    for (url, harmless) in urls.zip(&harmless) {
        if let Some(Harmless { text, .. }) = harmless {
            arguments = replace(arguments.into_iter(), url, text);
        }
    }
    let mut passwords = harmless.into_iter().map(|it| it.and_then(|it| it.password));
    let mut command = Command::new(program);
    command.args(arguments);
    if url.is_some()
        && let Some(password) = passwords.next().flatten()
    {
        command.env("PGPASSWORD", password);
    }
    let others = passwords.collect::<Vec<_>>();
    if others.iter().any(Option::is_some) {
        // Strings can always be written.
        command.env(OTHER_PASSWORDS, serde_json::to_string(&others).unwrap_or_default());
    }
    let error = command.exec();
    Err(Failure::from_error(Kind::Io, error).context("starting again without the password failed"))
}

/// The arguments with `secret` replaced by `harmless` wherever one ends in it.
fn replace(
    arguments: impl Iterator<Item = OsString>,
    secret: &str,
    escape_control: &str,
) -> Vec<OsString> {
    let replaced = arguments.map(|argument| match argument.to_str() {
        Some(text) if text.ends_with(secret) => {
            OsString::from(format!("{}{escape_control}", &text[..text.len() - secret.len()]))
        }
        _ => argument,
    });
    replaced.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_replaced_in_each_form_of_the_option() {
        let replace = |argument: &str| {
            let arguments = [OsString::from(argument)].into_iter();
            replace(arguments, "postgres://u:p@h/d", "postgres://u@h/d").remove(0)
        };
        assert_eq!(replace("postgres://u:p@h/d"), "postgres://u@h/d");
        assert_eq!(replace("-dpostgres://u:p@h/d"), "-dpostgres://u@h/d");
        assert_eq!(replace("--database-url=postgres://u:p@h/d"), "--database-url=postgres://u@h/d");
        assert_eq!(replace("plan"), "plan");
    }
}
