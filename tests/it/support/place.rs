//! A folder for temporary files that is one test's alone, to see that nothing remains of throwaway servers.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use super::command::Pgtend;

/// The folder.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Under root the server runs as another account, which must get there.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        Place(folder)
    }

    /// A call whose throwaway servers live here.
    pub fn call(&self, arguments: &[&str]) -> Pgtend {
        Pgtend::new(arguments).env("TMPDIR", self.0.path().to_str().unwrap())
    }

    /// The throwaway servers' folders.
    pub fn homes(&self) -> Vec<PathBuf> {
        fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect()
    }

    /// The command lines of the processes that were started on something here. pgtend itself has
    /// the folder in its environment only.
    pub fn processes(&self) -> Vec<String> {
        let name = self.0.path().file_name().unwrap().to_str().unwrap();
        command_lines().into_iter().filter(|line| line.contains(name)).collect()
    }

    /// A session of the throwaway server's superuser, if there is a server.
    pub async fn session(&self, database: &str) -> Option<Client> {
        let socket_dir = self.homes().pop()?.join("socket").display().to_string();
        let url = format!("host={socket_dir} user=postgres dbname={database}");
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.ok()?;
        tokio::spawn(connection);
        Some(client)
    }

    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.homes().is_empty(), "{:?}", self.homes());
        assert_eq!(self.processes(), [""; 0]);
    }
}

/// Of every process of the machine.
fn command_lines() -> Vec<String> {
    if cfg!(target_os = "linux") {
        let files = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        // A process may end meanwhile.
        let lines = files.filter_map(|process| fs::read(process.join("cmdline")).ok());
        return lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect();
    }
    let listed = Command::new("ps").args(["axww", "-o", "args"]).output().unwrap();
    String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect()
}
