//! A real PgBouncer between the program and the server.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::server::Server;
use super::until;

/// A running PgBouncer; it ends with the test process, in whatever way that ends.
pub struct Pooler {
    folder: TempDir,
    reaper: Child,
}

/// In a socket folder of its own every port is free.
const PORT: u16 = 6432;

impl Pooler {
    /// Starts PgBouncer before `server` with these additional settings; `None`, with a note, where
    /// `PGTEND_TEST_SKIP` says that there is none.
    pub async fn start(server: &Server, settings: &str) -> Option<Pooler> {
        let skipped = std::env::var("PGTEND_TEST_SKIP").unwrap_or_default();
        if skipped.split(',').any(|skipped| skipped == "pgbouncer") {
            // Past the test harness, which would swallow the note.
            let note = "skipped: PGTEND_TEST_SKIP says that there is no PgBouncer here";
            drop(writeln!(std::io::stderr(), "{note}"));
            return None;
        }
        // PgBouncer refuses root, and only the server's account can enter its socket folder.
        let account = fs::metadata(&server.socket_dir).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let is_mine = fs::metadata(folder.path()).unwrap().uid() == account.uid();
        let configuration = folder.path().join("pgbouncer.ini");
        let users = folder.path().join("users");
        fs::write(&users, "\"postgres\" \"\"\n").unwrap();
        let text = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr =\nlisten_port = {PORT}\n\
             unix_socket_dir = {}\nauth_type = trust\nauth_file = {}\n{settings}\n",
            server.socket_dir,
            server.port,
            folder.path().display(),
            users.display(),
        );
        fs::write(&configuration, text).unwrap();
        for path in [&users, &configuration, folder.path()] as [&Path; 3] {
            chown(path, Some(account.uid()), Some(account.gid())).unwrap();
        }
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let mut command = command(&program(), &configuration);
        if !is_mine {
            command.uid(account.uid()).gid(account.gid());
        }
        let pooler = Pooler { folder, reaper: command.spawn().unwrap() };
        let socket = pooler.folder.path().join(format!(".s.PGSQL.{PORT}"));
        until("PgBouncer listens", || async { UnixStream::connect(&socket).is_ok() }).await;
        Some(pooler)
    }

    /// The connection words for this database through the pooler.
    pub fn url(&self, database: &str) -> String {
        format!(
            "host={} port={PORT} user=postgres dbname={database}",
            self.folder.path().display()
        )
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.reaper.stdin.take());
        let _ = self.reaper.wait();
    }
}

/// A shell runs it, which ends it when its standard input, held by this process, ends.
fn command(program: &Path, configuration: &Path) -> Command {
    let script = "\"$0\" -q \"$1\" & cat >/dev/null; kill $!; wait";
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).args([program, configuration]);
    command
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let also = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let places = std::env::split_paths(&path).chain(also);
    let found = places.map(|place| place.join("pgbouncer")).find(|program| program.is_file());
    found.expect("PgBouncer is not installed; PGTEND_TEST_SKIP=pgbouncer leaves these tests out")
}
