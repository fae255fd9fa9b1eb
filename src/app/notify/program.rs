//! A program that is told, without a shell.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::app::OTHER_PASSWORDS;

/// Runs it with the document on its standard input. What it writes to its standard output is dropped:
/// that of pgtend is the command's product.
pub async fn run(
    program: &str,
    arguments: &[String],
    document: &str,
    timeout: Duration,
) -> Result<(), String> {
    let mut child = Command::new(program)
        .args(arguments)
        .env_remove(OTHER_PASSWORDS)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let heard = tokio::time::timeout(timeout, hear(&mut child, document)).await;
    heard.unwrap_or_else(|_| {
        end(&child);
        Err(format!(
            "was ended: it took longer than {}",
            humantime::format_duration(timeout)
        ))
    })
}

async fn hear(child: &mut Child, document: &str) -> Result<(), String> {
    if let Some(mut input) = child.stdin.take() {
        // It need not read all of it, nor anything.
        let _ = input.write_all(document.as_bytes()).await;
    }
    let status = child.wait().await.map_err(|error| format!("cannot be waited for: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("failed ({status})")),
    }
}

/// Ends it with all that it has started.
fn end(child: &Child) {
    let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    if let Some(pid) = pid {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}
