//! What the connection parameters take from around the process. Everything that libpq would ask
//! the operating system for goes through here, so that tests need not touch the process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Environment variables, home directory, user name, and the directories that libpq has compiled
/// in. `Debug` shows no value of a variable, because `PGPASSWORD` is one.
#[derive(Clone)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
    home: Option<PathBuf>,
    user: Option<String>,
    socket_directories: Vec<PathBuf>,
    system_directories: Vec<PathBuf>,
}

impl Environment {
    /// The environment of this process. The user is the owner of the process and not `USER`, as
    /// in libpq; `USER` and `LOGNAME` stand in where the owner has no name, as in containers.
    pub fn process() -> Self {
        let variables: BTreeMap<_, _> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect();
        let named = |name: &str| variables.get(name)?.clone().into_string().ok();
        let user = whoami::username().ok().filter(|name| !name.is_empty());
        Environment {
            user: user.or_else(|| named("USER")).or_else(|| named("LOGNAME")),
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            variables,
            // libpq compiles in one of these; which one, depends on who packaged it.
            socket_directories: ["/var/run/postgresql", "/tmp"].map(PathBuf::from).into(),
            system_directories: ["/etc/postgresql-common", "/etc/sysconfig/pgsql"]
                .map(PathBuf::from)
                .into(),
        }
    }

    /// An environment that holds nothing but `variables`: no home, no user, no socket directory.
    pub fn from_variables<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Environment {
            variables: variables.into_iter().map(|(n, v)| (n.into(), v.into())).collect(),
            home: None,
            user: None,
            socket_directories: Vec::new(),
            system_directories: Vec::new(),
        }
    }

    /// The variables whose names begin so, as far as they are text.
    pub fn beginning_with(&self, prefix: &str) -> Vec<(String, String)> {
        let own = self.variables.iter().filter(|(name, _)| name.starts_with(prefix));
        own.filter_map(|(name, value)| Some((name.clone(), value.to_str()?.to_owned())))
            .collect()
    }

    /// The same environment with another home directory.
    #[must_use]
    pub fn with_home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }

    /// The same environment with another value of a variable.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// The same environment owned by another user.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The same environment with one more directory to look for a server's socket in.
    #[must_use]
    pub fn with_socket_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.socket_directories.push(directory.into());
        self
    }

    #[cfg(test)]
    pub(crate) fn set_raw(&mut self, name: &str, value: OsString) {
        self.variables.insert(name.to_owned(), value);
    }

    /// The value of a variable; `None` if it is not set.
    ///
    /// # Errors
    /// Fails if the value is no UTF-8: leaving it out in silence would connect somewhere else.
    pub fn variable(&self, name: &str) -> Result<Option<&str>> {
        let Some(value) = self.variables.get(name) else {
            return Ok(None);
        };
        value.to_str().map(Some).ok_or_else(|| {
            Error::surroundings(format!("environment variable {name} is not valid UTF-8"))
        })
    }

    /// A file in the home directory; `None` if there is no home.
    pub fn in_home(&self, file: &str) -> Option<PathBuf> {
        self.home.as_deref().map(|home| home.join(file))
    }

    pub(crate) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    pub(crate) fn socket_directories(&self) -> &[PathBuf] {
        &self.socket_directories
    }

    /// Where the system-wide service file may be: `PGSYSCONFDIR`, else the packagers' places.
    pub(crate) fn system_directories(&self) -> Result<Vec<PathBuf>> {
        Ok(match self.variable("PGSYSCONFDIR")? {
            Some(directory) => vec![PathBuf::from(directory)],
            None => self.system_directories.clone(),
        })
    }

    /// Whether `directory` is one that libpq would use without being told.
    pub(crate) fn is_socket_directory(&self, directory: &str) -> bool {
        self.socket_directories.iter().any(|known| known == Path::new(directory))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("home", &self.home)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
