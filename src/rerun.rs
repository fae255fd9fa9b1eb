//! Starting again without a password on the command line, where every user of the machine can read
//! it (`ps`): in the environment only its owner can.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::failure::{Failure, Kind, Result};
use crate::pg::conninfo::Conninfo;

/// Replaces this process by one with the same arguments but for the password in `url`, which goes
/// to PGPASSWORD. Returns if there is none.
///
/// # Errors
/// `Usage` for a text that cannot be understood; `Io` where the program cannot be started again.
pub fn without_password(url: Option<&str>) -> Result<()> {
    let Some(url) = url else { return Ok(()) };
    // Malformed it cannot be hidden, so nothing is waited for, not even a file to be read.
    Conninfo::check(url)?;
    let Some((harmless, password)) = Conninfo::without_password(url) else { return Ok(()) };
    let program = std::env::current_exe().map_err(|error| Failure::from_error(Kind::Io, error))?;
    let arguments = replace(std::env::args_os().skip(1), url, &harmless);
    let error = Command::new(program).args(arguments).env("PGPASSWORD", password).exec();
    Err(Failure::from_error(Kind::Io, error).context("starting again without the password failed"))
}

/// The arguments with `secret` replaced by `harmless` wherever one ends in it.
fn replace(
    arguments: impl Iterator<Item = OsString>,
    secret: &str,
    harmless: &str,
) -> Vec<OsString> {
    let replaced = arguments.map(|argument| match argument.to_str() {
        Some(text) if text.ends_with(secret) => {
            OsString::from(format!("{}{harmless}", &text[..text.len() - secret.len()]))
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
