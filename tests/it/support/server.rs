//! The one server of a test run.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use pg_sandbox::{Binaries, Options, Sandbox};
use pgtend::inside::{SEARCH, sandbox_options};

/// A running server. It is stopped and removed when the test process ends in whatever way: a
/// shell waits for the end of its standard input, which the process holds open.
pub struct Server {
    pub socket_dir: String,
    pub port: u16,
    pub log_path: std::path::PathBuf,
    pub major: u32,
    _reaper: Mutex<Child>,
}

impl Server {
    /// The connection words for its superuser.
    pub fn url(&self) -> String {
        format!("host={} port={} user=postgres dbname=postgres", self.socket_dir, self.port)
    }
}

/// What this run's servers are made of.
pub fn binaries() -> Binaries {
    SEARCH.find(None).unwrap()
}

/// For a server of a test's own.
pub fn options() -> Options {
    sandbox_options(binaries())
}

/// The server of this run, started by the first test that asks.
pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| start(&[]))
}

/// Starts a server; `settings` are added to those that all tests want.
pub fn start(settings: &[(&str, &str)]) -> Server {
    start_guarded(settings, None, &[])
}

/// Starts a server that lets in only whom `hba` lets in; `files` (plain name, contents) are put
/// into its data directory.
pub fn start_guarded(
    settings: &[(&str, &str)],
    hba: Option<&str>,
    files: &[(&str, String)],
) -> Server {
    let mut options = options();
    if let Some(hba) = hba {
        options.admit_by(hba);
    }
    for (name, text) in files {
        options.add_file(*name, text);
    }
    let wanted = [
        ("log_statement", "all"),
        ("log_line_prefix", "%m [%p] db=%d app=%a "),
        ("deadlock_timeout", "200ms"),
        ("max_prepared_transactions", "10"),
        // All tests' statements, so that none is evicted while its test looks for it.
        ("pg_stat_statements.max", "50000"),
        // Tests decide when a table is vacuumed or analyzed.
        ("autovacuum", "off"),
    ];
    let all = wanted.iter().chain(settings);
    options.settings = all.map(|(name, value)| (name.to_string(), value.to_string())).collect();
    options.listen_on_loopback();
    let major = options.binaries.major;
    let sandbox = Sandbox::start(&options).unwrap();
    let socket_dir = sandbox.socket_dir().display().to_string();
    let port = sandbox.port();
    let kept = sandbox.keep("postgres").unwrap();
    let reaper = Command::new("sh")
        .args(["-c", &format!("cat >/dev/null; {}", kept.stop_command)])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Server {
        socket_dir,
        port,
        log_path: kept.log_path,
        major,
        _reaper: Mutex::new(reaper),
    }
}

/// Replaces the data of a stopped throwaway server by another's, which each run under an account of
/// their own.
pub fn copy_data(from: &Sandbox, to: &Sandbox) {
    let data = to.data_dir();
    let owner = fs::metadata(&data).unwrap();
    fs::remove_dir_all(&data).unwrap();
    let copied = Command::new("cp").arg("-a").arg(from.data_dir()).arg(&data).status().unwrap();
    assert!(copied.success());
    let owner = format!("{}:{}", owner.uid(), owner.gid());
    assert!(
        Command::new("chown")
            .args(["-R", &owner])
            .arg(&data)
            .status()
            .unwrap()
            .success()
    );
}
