//! What a test of a PostgreSQL client wants, and what nothing else should have.

use crate::error::Result;
use crate::{Options, Sandbox};

/// With the feature `testing`.
impl Options {
    /// The server listens on 127.0.0.1 too, on a free port. Unless [`Options::admit_by`] says
    /// otherwise every user of the machine can then connect as the superuser.
    pub fn listen_on_loopback(&mut self) {
        self.listens_on_loopback = true;
    }

    /// Sets the contents of `pg_hba.conf`; without it whoever can connect is trusted.
    pub fn admit_by(&mut self, hba: impl Into<String>) {
        self.hba = Some(hba.into());
    }

    /// Adds a file to the data directory, such as `server.key`; mode 0600. `name` is a plain one.
    pub fn add_file(&mut self, name: impl Into<String>, contents: impl Into<String>) {
        self.files.push((name.into(), contents.into()));
    }
}

/// With the feature `testing`.
impl Sandbox {
    /// Stops the server as a crash would: sessions are cut off and there is no checkpoint.
    ///
    /// # Errors
    /// Fails if the server cannot be stopped.
    pub fn crash(&mut self) -> Result<()> {
        self.stop_server()
    }

    /// Starts the server again as it was, after a crash if it still runs: it recovers from its WAL, on
    /// the same port.
    ///
    /// # Errors
    /// Fails if the server cannot be stopped or does not come up.
    pub fn restart(&mut self) -> Result<()> {
        self.crash()?;
        self.postmaster = self.recipe.launch(&self.home)?;
        Ok(())
    }
}
