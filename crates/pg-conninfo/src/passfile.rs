//! The password file.
//!
//! Source: PostgreSQL documentation, libpq, "The Password File".

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::settings::Endpoint;

/// The lines of a password file. Holds passwords: no `Debug`.
pub(crate) struct Passfile {
    text: Vec<u8>,
}

/// What is looked up for one host.
pub(crate) struct Wanted<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) dbname: &'a str,
    pub(crate) user: &'a str,
}

impl Passfile {
    /// Reads the file. A file that cannot be found is `None`; so is, with a warning, one that is
    /// not private or cannot be read. libpq goes on without a password too.
    pub(crate) fn read(path: &Path, warnings: &mut Vec<String>) -> Option<Passfile> {
        let metadata = std::fs::metadata(path).ok()?;
        let shown = path.display();
        if !metadata.is_file() {
            warnings.push(format!("password file {shown} is not a plain file; it is ignored"));
            return None;
        }
        if metadata.permissions().mode() & 0o077 != 0 {
            warnings.push(format!(
                "password file {shown} has group or world access and is ignored; \
                 its permissions should be u=rw (0600) or less"
            ));
            return None;
        }
        match std::fs::read(path) {
            Ok(text) => Some(Passfile { text }),
            Err(error) => {
                warnings.push(format!("cannot read password file {shown}: {error}"));
                None
            }
        }
    }

    /// The password of the first line that matches.
    ///
    /// # Errors
    /// Fails if that password is not UTF-8.
    pub(crate) fn find(&self, wanted: &Wanted<'_>, env: &Environment) -> Result<Option<String>> {
        let port = wanted.endpoint.port.to_string();
        let host = host_in_file(&wanted.endpoint.host, env);
        let fields = [host, &port, wanted.dbname, wanted.user];
        let password = self.lines().find_map(|line| {
            fields.iter().try_fold(line, |rest, field| after_match(rest, field.as_bytes()))
        });
        password.map(unescape).transpose()
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.text
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .filter(|line| !line.is_empty() && line[0] != b'#')
    }
}

/// A socket in the default directory goes by the name `localhost`.
fn host_in_file<'a>(host: &'a str, env: &Environment) -> &'a str {
    if env.is_socket_directory(host) {
        "localhost"
    } else {
        host
    }
}

/// What follows `field` and its colon at the start of `line`, or `None` if the line begins with
/// something else. A lone `*` stands for any field; a backslash takes the next byte as it is.
fn after_match<'a>(line: &'a [u8], field: &[u8]) -> Option<&'a [u8]> {
    if let Some(rest) = line.strip_prefix(b"*:") {
        return Some(rest);
    }
    let (mut at, mut expected) = (0, field.iter());
    while at < line.len() {
        if line[at] == b':' && expected.as_slice().is_empty() {
            return Some(&line[at + 1..]);
        }
        if line[at] == b'\\' {
            at += 1;
        }
        if expected.next() != line.get(at) {
            return None;
        }
        at += 1;
    }
    None
}

/// The password up to the next colon, backslashes undone.
fn unescape(field: &[u8]) -> Result<String> {
    let mut password = Vec::with_capacity(field.len());
    let mut bytes = field.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b':' => break,
            b'\\' => password.push(*bytes.next().unwrap_or(byte)),
            _ => password.push(*byte),
        }
    }
    String::from_utf8(password).map_err(|_| {
        Error::surroundings("the password file's password for this host is not valid UTF-8")
    })
}
