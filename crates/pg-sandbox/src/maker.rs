//! Under whose name servers are made, so that a sweep knows its own.

use crate::error::{Error, ErrorKind, Result};

/// Longer ones leave no room for the path of a socket.
const LONGEST: usize = 20;

/// The program that makes servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Maker(String);

impl Maker {
    /// # Errors
    /// Fails if the name cannot stand in a file's name and a variable's.
    pub fn new(name: &str) -> Result<Maker> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_fit = !name.is_empty()
            && name.len() <= LONGEST
            && name.bytes().all(|byte| is_plain(byte) || byte == b'-');
        if is_fit {
            return Ok(Maker(name.to_owned()));
        }
        let message = format!("{name:?} cannot begin the name of a throwaway server's directory");
        Err(Error::new(ErrorKind::Options, message)
            .with_hint(format!("small letters, digits and hyphens can, at most {LONGEST} of them")))
    }

    /// What the directories of its servers begin with.
    pub fn prefix(&self) -> String {
        format!("{}-", self.0)
    }

    /// The file that says whose a directory is.
    pub fn marker(&self) -> String {
        format!("{}-sandbox", self.0)
    }

    /// What that file says.
    pub fn what_this_is(&self) -> String {
        let Maker(name) = self;
        format!(
            "A throwaway PostgreSQL server made by {name}. The next {name} that makes one removes \
             this directory once the process that made it is gone.\n"
        )
    }

    /// The variable that names the directory in the environment of a server's processes.
    pub fn variable(&self) -> String {
        format!("{}_SANDBOX", self.0.to_ascii_uppercase().replace('-', "_"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        for name in ["", "../x", "a b", "Upper", "x=y", &"x".repeat(21)] {
            assert!(Maker::new(name).is_err(), "{name}");
        }
        let variable = Maker::new("my-tool2").map(|maker| maker.variable());
        assert_eq!(variable.ok().as_deref(), Some("MY_TOOL2_SANDBOX"));
    }
}
