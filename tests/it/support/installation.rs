//! A PostgreSQL installation that passes for another one, where a machine has but one.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::server::binaries;

/// A folder of programs that hand on to those of this run's server.
pub struct Installation {
    folder: tempfile::TempDir,
    pub major: u32,
}

impl Installation {
    /// One that says it is of another major version; its servers have the setting (`name=value`).
    pub fn of_another_major(setting: &str) -> Self {
        let real = binaries();
        let major = if real.major == 14 { 15 } else { 14 };
        let folder = tempfile::tempdir().unwrap();
        // The server runs as another account where the tests run as root.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let installation = Installation { folder, major };
        for (program, more) in [("initdb", ""), ("pg_ctl", ""), ("postgres", setting)] {
            let more = if more.is_empty() {
                String::new()
            } else {
                format!("-c '{more}'")
            };
            let script = format!(
                "#!/bin/sh\n[ \"$1\" != --version ] || {{ echo '{program} (PostgreSQL) {major}.99'; exit; }}\n\
                 exec '{}' \"$@\" {more}\n",
                real.program(program).display()
            );
            let path = installation.folder.path().join(program);
            fs::write(&path, script).unwrap();
            fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        }
        installation
    }

    pub fn path(&self) -> String {
        self.folder.path().display().to_string()
    }
}
