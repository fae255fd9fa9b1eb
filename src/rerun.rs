//! Starting again without a password on the command line, where every user of the machine can read
//! it (`ps`): in the environment only its owner can.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::failure::{Failure, Kind, Result};
use crate::pg::conninfo::{Conninfo, Environment, Harmless};

/// Replaces this process by one with the same arguments but for the secrets in `url`: the password
/// goes to PGPASSWORD, and others would be of no use. Returns if there are none.
///
/// What cannot be understood in full may hold a password in a place where none is looked for. So it
/// is refused here, before anything is read or waited for, and stands in the arguments for no longer
/// than that takes.
///
/// # Errors
/// As [`Conninfo::resolve`]; `Io` where the program cannot be started again.
pub fn without_secrets(url: Option<&str>) -> Result<()> {
    let Some(url) = url else { return Ok(()) };
    Conninfo::resolve(Some(url), &Environment::process())?;
    let Some(Harmless { text, password }) = Conninfo::without_secrets(url) else {
        return Ok(());
    };
    let program = std::env::current_exe().map_err(|error| Failure::from_error(Kind::Io, error))?;
    let arguments = replace(std::env::args_os().skip(1), url, &text);
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
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
