//! The service file: named sets of connection parameters.
//!
//! Source: PostgreSQL documentation, libpq, "The Connection Service File".

use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::keywords::{self, Keyword};

/// One parameter of a service, with the file that gives it.
pub(crate) struct Entry {
    pub(crate) keyword: &'static Keyword,
    pub(crate) value: String,
    pub(crate) file: PathBuf,
}

/// The parameters of `service`, in the file's order. The first of the user's file (`file`, else
/// `~/.pg_service.conf`) and the system's that defines the service is the one that counts.
///
/// # Errors
/// Fails if no file defines the service, or the one that does is malformed.
pub(crate) fn read(service: &str, file: Option<&str>, env: &Environment) -> Result<Vec<Entry>> {
    for file in candidates(file, env)? {
        let text = std::fs::read_to_string(&file).map_err(|error| {
            Error::caused(format!("cannot read service file {}", file.display()), &error)
        })?;
        if let Some(entries) = find_service(service, &text, &file)? {
            return Ok(entries);
        }
    }
    Err(Error::surroundings(format!("definition of service \"{service}\" not found")))
}

/// A file that was asked for by name must exist; the others may be absent.
fn candidates(file: Option<&str>, env: &Environment) -> Result<Vec<PathBuf>> {
    let own = file.map(PathBuf::from);
    let at_home = env.in_home(".pg_service.conf").filter(|_| own.is_none());
    let of_system = env.system_directories()?.into_iter().map(|dir| dir.join("pg_service.conf"));
    let optional = at_home.into_iter().chain(of_system).filter(|file| file.exists());
    Ok(own.into_iter().chain(optional).collect())
}

fn find_service(service: &str, text: &str, file: &Path) -> Result<Option<Vec<Entry>>> {
    let mut found: Option<Vec<Entry>> = None;
    for (number, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            let is_this = header.strip_prefix(service).is_some_and(|rest| rest.starts_with(']'));
            found = is_this.then(Vec::new);
        } else if let Some(entries) = &mut found {
            entries.push(parse_line(line, file, number + 1)?);
        }
    }
    Ok(found)
}

fn parse_line(line: &str, file: &Path, number: usize) -> Result<Entry> {
    let fail = |what: &str| {
        let place = format!("{}:{number}", file.display());
        Err(Error::surroundings(format!("service file {place}: {what}")))
    };
    if line.starts_with("ldap") {
        return fail("LDAP look-up is not supported");
    }
    let Some((name, value)) = line.split_once('=') else {
        return fail("expected keyword=value");
    };
    if name == "service" || name == "servicefile" {
        return fail("a service cannot refer to another");
    }
    match keywords::translate(name, value.to_owned()) {
        Some((keyword, value)) => Ok(Entry { keyword, value, file: file.to_owned() }),
        // libpq does not trim around the `=`, so a blank there makes the keyword unknown.
        None if name.ends_with(char::is_whitespace) => fail("no blank may stand before the \"=\""),
        None => fail(&format!("unknown connection parameter \"{name}\"")),
    }
}
