//! The server process: starting it and waiting until it accepts, stopping it, and telling whether a
//! process that somebody else started is the server of a given directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::error::{Error, ErrorKind};
use crate::{home, peek, processes};

/// A busy machine needs more than the second that a start takes.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// An immediate shutdown gives its children five seconds.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// The line of `postmaster.pid` that holds the status (`LOCK_FILE_LINE_PM_STATUS`, counted from 0),
/// the same one that `pg_ctl --wait` reads.
const STATUS_LINE: usize = 7;

/// Larger than any `postmaster.pid`.
const PID_FILE_BYTES: u64 = 4096;

const LOG_LINES_SHOWN: usize = 8;
const LOG_BYTES_READ: u64 = 1 << 20;

/// A running server that this process started; stopped when dropped, unless left.
#[derive(Debug)]
pub(crate) struct Postmaster {
    child: Child,
    left: bool,
}

/// Why a server did not come up, and what it logged meanwhile.
#[derive(Debug)]
pub(crate) struct Refusal {
    why: String,
    log: String,
}

impl Postmaster {
    /// Runs `command`, a postmaster on `data`, and returns when it accepts connections. Its output is
    /// appended to `log`.
    pub fn launch(command: Command, data: &Path, log: &Path) -> Result<Postmaster, Refusal> {
        let before = fs::metadata(log).map_or(0, |metadata| metadata.len());
        start(command, data, log).map_err(|why| Refusal { why, log: log_since(log, before) })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops the server as a crash would: no checkpoint, sessions are cut off. The next start
    /// recovers from the WAL. Nothing happens if it is not running.
    pub fn stop(&mut self) -> io::Result<()> {
        if self.left || self.child.try_wait()?.is_some() {
            return Ok(());
        }
        processes::send(self.pid(), Signal::QUIT);
        if !wait_until(STOP_PATIENCE, || !matches!(self.child.try_wait(), Ok(None))) {
            self.child.kill()?;
            self.child.wait()?;
        }
        Ok(())
    }

    /// Lets the server outlive this process.
    pub fn leave(mut self) {
        self.left = true;
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        // There is nobody to tell. A server whose directory disappears ends itself within a minute.
        drop(self.stop());
    }
}

impl Refusal {
    /// Whether the extension's library is not installed.
    pub fn lacks_pg_stat_statements(&self) -> bool {
        self.log.contains("could not access file \"pg_stat_statements\"")
    }

    /// Whether another process took the TCP port first.
    pub fn port_was_taken(&self) -> bool {
        self.log.contains("Address already in use")
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        let Refusal { why, log } = refusal;
        Error::new(ErrorKind::Server, format!("{why}{}", last_lines(&log)))
            .context("the throwaway server did not start")
    }
}

/// The end of what a program said, to be put behind a message: ` (line / line)`; empty if it said
/// nothing.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..] {
        [] => String::new(),
        last => format!(" ({})", last.join(" / ")),
    }
}

/// What has been logged after the first `before` bytes, or the end of it: whatever runs in the server
/// can fill the log.
pub(crate) fn log_since(log: &Path, before: u64) -> String {
    let mut said = Vec::new();
    let read = File::open(log).and_then(|mut log| {
        let from = before.max(log.metadata()?.len().saturating_sub(LOG_BYTES_READ));
        log.seek(SeekFrom::Start(from))?;
        log.take(LOG_BYTES_READ).read_to_end(&mut said)
    });
    drop(read);
    String::from_utf8_lossy(&said).into_owned()
}

fn start(mut command: Command, data: &Path, log: &Path) -> Result<Postmaster, String> {
    let output = open_log(log).map_err(|error| format!("{}: {error}", log.display()))?;
    let child = command
        .stdout(output.0)
        .stderr(output.1)
        .spawn()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let mut postmaster = Postmaster { child, left: false };
    let mut exit = None;
    let settled = wait_until(START_PATIENCE, || {
        exit = postmaster.child.try_wait().ok().flatten();
        exit.is_some() || is_ready(postmaster.pid(), data)
    });
    match exit {
        Some(status) => Err(format!("it ended at once, {status}")),
        None if !settled => Err(format!("not ready after {} s", START_PATIENCE.as_secs())),
        None => Ok(postmaster),
    }
}

fn open_log(path: &Path) -> io::Result<(Stdio, Stdio)> {
    let log: File = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    Ok((log.try_clone()?.into(), log.into()))
}

/// Whether `postmaster.pid` says that this very process accepts connections.
fn is_ready(pid: u32, data: &Path) -> bool {
    let file = pid_file(data);
    let mut lines = file.lines().map(str::trim);
    lines.next() == Some(pid.to_string().as_str())
        && matches!(lines.nth(STATUS_LINE - 1), Some("ready" | "standby"))
}

/// What `postmaster.pid` says, the server's own file: in its directory whoever runs SQL in it can have
/// put anything.
fn pid_file(data: &Path) -> String {
    let owner = fs::symlink_metadata(data).map(|found| found.uid());
    owner.map_or_else(
        |_| String::new(),
        |owner| peek::read(&data.join("postmaster.pid"), owner, PID_FILE_BYTES),
    )
}

/// The process id of the server that runs in `home`, if one does, whoever started it.
///
/// The number in `postmaster.pid` alone proves nothing: after a crash or a reboot it may belong to
/// any process. So the process must also name the data directory, whose name is random, in its
/// command line.
pub(crate) fn running_in(home: &Path) -> Option<u32> {
    let pid = pid_file(&home.join(home::DATA)).lines().next()?.trim().parse().ok()?;
    command_line(pid).contains(&needle(home)?).then_some(pid)
}

/// What the command line of a server in `home` holds: only the last two parts, because the path to
/// them may be spelled in several ways (/tmp, /private/tmp).
pub(crate) fn needle(home: &Path) -> Option<String> {
    let needle = Path::new(home.file_name()?).join(home::DATA);
    needle.to_str().map(str::to_owned)
}

/// Empty for a process that is gone or a zombie.
fn command_line(pid: u32) -> String {
    let bytes = if cfg!(target_os = "linux") {
        fs::read(format!("/proc/{pid}/cmdline"))
    } else {
        let ps = Command::new("ps")
            .args(["-ww", "-o", "command=", "-p", &pid.to_string()])
            .output();
        ps.map(|output| output.stdout)
    };
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}

/// Stops the server that a dead process left running in `home`.
pub(crate) fn stop_orphan(home: &Path) {
    for signal in [Signal::QUIT, Signal::KILL] {
        let Some(pid) = running_in(home) else { return };
        processes::send(pid, signal);
        // By the command line, because a server on its way out has no postmaster.pid any more.
        wait_until(STOP_PATIENCE, || command_line(pid).is_empty());
    }
}

/// Polls until `done`; false when `patience` ran out first.
pub(crate) fn wait_until(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if done() {
            return true;
        }
        if start.elapsed() > patience {
            return false;
        }
        sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_ends_with_what_the_server_said() {
        let log = (0..20).map(|n| format!("line {n}\n")).collect();
        let error = Error::from(Refusal { why: "it ended at once".to_owned(), log });
        let message = error.to_string();
        assert!(
            message.starts_with("the throwaway server did not start: it ended at once (line 12 /")
        );
        assert!(message.ends_with("line 19)"), "{message}");
        assert_eq!(last_lines(" \n"), "");
    }
}
