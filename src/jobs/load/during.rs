//! A command that runs meanwhile: what the application notices of it.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::failure::{Failure, Kind, Result};

/// It is looked so often whether it has ended.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// How a command ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pub command: String,
    /// As a shell has it: of a signal 128 and its number.
    pub exit_code: i32,
    pub duration: Duration,
}

/// A command at work, with all processes that it starts.
pub struct Companion {
    child: Child,
    command: String,
    began: Instant,
}

impl Companion {
    /// Has a shell run it, in a process group of its own. What it says goes to standard error: the product is ours.
    ///
    /// # Errors
    /// `Io` where there is no shell.
    pub fn start(command: &str) -> Result<Companion> {
        let child = Command::new("sh")
            .args(["-c", command])
            .stdin(Stdio::null())
            .stdout(io::stderr())
            .process_group(0)
            .spawn()
            .map_err(|error| Failure::from_error(Kind::Io, error).context("cannot start sh"))?;
        Ok(Companion { child, command: command.to_owned(), began: Instant::now() })
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// `Io` where the system does not tell.
    pub async fn end(&mut self) -> Result<Ended> {
        loop {
            let status = self.child.try_wait();
            match status.map_err(|error| Failure::from_error(Kind::Io, error))? {
                Some(status) => return Ok(self.ended(status)),
                None => tokio::time::sleep(BETWEEN_LOOKS).await,
            }
        }
    }

    fn ended(&self, status: ExitStatus) -> Ended {
        let of_signal = status.signal().map(|signal| 128 + signal);
        Ended {
            command: self.command.clone(),
            exit_code: status.code().or(of_signal).unwrap_or(-1),
            duration: self.began.elapsed(),
        }
    }

    /// Asks it to stop and to clean up.
    pub fn ask_to_stop(&self) {
        // That it has ended already is as well.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::TERM);
    }
}
