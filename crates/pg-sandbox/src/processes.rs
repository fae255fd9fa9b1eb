//! Ends every process of a throwaway server, and what SQL in it has started: `COPY … TO PROGRAM` and
//! the untrusted languages start anything, in sessions of their own if they like.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::account::{self, Account};
use crate::maker::Maker;
use crate::postmaster::wait_until;

const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// A server takes no more than some hundred.
#[cfg(target_os = "linux")]
const MOST_PROCESSES: u64 = 2000;

/// By what a server's processes are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kin {
    /// By a user id that nothing else has. Sure.
    OwnUser(u32),
    /// By the marker in the environment, and by whose children they are, among those of a user who
    /// has others too. A process can shed both; where [`share_the_user`] works, not that it comes to
    /// this process when its parent has ended.
    Marked {
        /// What stands in the environment, see [`mark`].
        mark: String,
        /// The user.
        uid: u32,
        /// Orphans that came to this process are among them.
        adopted: bool,
    },
}

impl Kin {
    /// Whether one of them lives.
    pub fn any(&self) -> bool {
        !self.living().is_empty()
    }

    /// Ends them all.
    ///
    /// # Errors
    /// Fails if some go on after ten seconds.
    pub fn end(&self) -> io::Result<()> {
        let started = Instant::now();
        loop {
            let living = self.living();
            if living.is_empty() {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                let pids: Vec<String> = living.iter().map(ToString::to_string).collect();
                let listed = pids.join(", ");
                return Err(io::Error::other(format!("processes go on: {listed}")));
            }
            self.kill(&living);
            sleep(POLL);
        }
    }

    fn kill(&self, pids: &[u32]) {
        if let Kin::OwnUser(uid) = self {
            kill_all_of(*uid);
        }
        for pid in pids {
            send(*pid, Signal::KILL);
        }
    }

    fn living(&self) -> Vec<u32> {
        let all = list();
        match self {
            Kin::OwnUser(uid) => pids(all.iter().filter(|process| process.uids.contains(uid))),
            Kin::Marked { mark, uid, adopted } => {
                let us = Us::of(*adopted, &all);
                let theirs: Vec<_> =
                    all.iter().filter(|process| process.uids.contains(uid)).collect();
                let marked =
                    |process: &&&Process| us.has_adopted(process) || process.environment_has(mark);
                with_descendants(pids(theirs.iter().filter(marked).copied()), &theirs)
            }
        }
    }
}

/// The variable in the environment of a server's processes that says whose they are; `name` is the
/// server's directory.
pub(crate) fn mark(maker: &Maker, name: &str) -> String {
    format!("{}={name}", maker.variable())
}

/// Prepares this process for a server that shares its user: orphans of what this process starts
/// become its own children, which tells whether that works; and processes of the same user can no
/// longer read its environment and memory. Both only where the system can (Linux).
pub(crate) fn share_the_user() -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{
            DumpableBehavior, getpid, set_child_subreaper, set_dumpable_behavior,
        };
        // Where it cannot, it is as it is everywhere else.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
        set_child_subreaper(Some(getpid())).is_ok()
    }
    #[cfg(not(target_os = "linux"))]
    {
        false
    }
}

/// Limits what the server `pid` and all that comes of it may take: no core files, and where the user
/// is its own, an end to the number of processes. Where the system can (Linux).
pub(crate) fn limit(pid: u32, kin: &Kin) {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, Rlimit, prlimit};
        let at_most = |count| Rlimit { current: Some(count), maximum: Some(count) };
        let process = pid.try_into().ok().and_then(Pid::from_raw);
        let _ = prlimit(process, Resource::Core, at_most(0));
        if matches!(kin, Kin::OwnUser(_)) {
            let _ = prlimit(process, Resource::Nproc, at_most(MOST_PROCESSES));
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (pid, kin);
}

/// Whether a process of the user lives.
pub(crate) fn any_of(uid: u32) -> bool {
    Kin::OwnUser(uid).any()
}

/// Sends a signal; whether it arrived shows in whether the process ends.
pub(crate) fn send(pid: u32, signal: Signal) {
    if let Some(pid) = pid.try_into().ok().and_then(Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// One call that ends all processes of the user at once, so that none can multiply meanwhile: a
/// process of that user sends the signal to -1 (kill(2)).
fn kill_all_of(uid: u32) {
    let account = Account { name: String::new(), uid, gid: uid };
    let mut command = account::command(Path::new("/bin/sh"), Path::new("/"), Some(&account));
    command
        .args(["-c", "kill -s KILL -1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Ok(mut child) = command.spawn() {
        wait_or_kill(&mut child);
    }
}

/// The child can be stopped by those whom it is to end.
fn wait_or_kill(child: &mut Child) {
    if !wait_until(Duration::from_secs(1), || !matches!(child.try_wait(), Ok(None))) {
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// A process that is no zombie.
struct Process {
    pid: u32,
    parent: u32,
    session: u32,
    /// Real, effective, saved, as far as the system tells.
    uids: Vec<u32>,
}

/// This process, whose own children are in its session; those of a server's are not: each of its
/// processes begins one, and nobody enters another's.
struct Us {
    pid: u32,
    session: u32,
}

impl Us {
    /// The session is 0 in a container that was entered from outside (`docker exec`, `kubectl
    /// exec`): its leader has no number there (pid_namespaces(7)).
    fn of(adopted: bool, all: &[Process]) -> Us {
        let this = std::process::id();
        let session = all.iter().find(|process| process.pid == this).map_or(0, |us| us.session);
        let pid = if adopted { this } else { 0 };
        Us { pid, session }
    }

    fn has_adopted(&self, process: &Process) -> bool {
        self.pid != 0 && process.parent == self.pid && process.session != self.session
    }
}

fn pids<'a>(processes: impl Iterator<Item = &'a Process>) -> Vec<u32> {
    processes.map(|process| process.pid).collect()
}

fn with_descendants(mut pids: Vec<u32>, all: &[&Process]) -> Vec<u32> {
    let mut next = 0;
    while let Some(parent) = pids.get(next).copied() {
        let children = all.iter().filter(|process| process.parent == parent);
        let new: Vec<u32> =
            children.map(|child| child.pid).filter(|pid| !pids.contains(pid)).collect();
        pids.extend(new);
        next += 1;
    }
    pids
}

#[cfg(target_os = "linux")]
fn list() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(Process::of).collect()
}

#[cfg(target_os = "linux")]
impl Process {
    /// From proc(5): the owner of the directory is not enough, it is root for a process that wants
    /// not to be looked into.
    fn of(pid: u32) -> Option<Process> {
        let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        // The name before it may hold anything, a parenthesis too.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let is_alive = !matches!(fields.next()?, "Z" | "X");
        let parent = fields.next()?.parse().ok()?;
        let session = fields.nth(1)?.parse().ok()?;
        let status = std::fs::read(format!("/proc/{pid}/status")).ok()?;
        let status = String::from_utf8_lossy(&status);
        let uids = status
            .lines()
            .find_map(|line| line.strip_prefix("Uid:"))?
            .split_whitespace()
            .filter_map(|uid| uid.parse().ok())
            .collect();
        is_alive.then_some(Process { pid, parent, session, uids })
    }

    fn environment_has(&self, wanted: &str) -> bool {
        let Ok(file) = std::fs::File::open(format!("/proc/{}/environ", self.pid)) else {
            return false;
        };
        let mut bytes = Vec::new();
        let _ = file.take(LONGEST_ENVIRONMENT).read_to_end(&mut bytes);
        bytes.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    }
}

/// What is looked through of each process.
const LONGEST_ENVIRONMENT: u64 = 1 << 20;

#[cfg(not(target_os = "linux"))]
fn list() -> Vec<Process> {
    let said =
        said_by(&["-A", "-o", "pid=", "-o", "ppid=", "-o", "stat=", "-o", "uid=", "-o", "ruid="]);
    let parse = |line: &str| {
        let mut fields = line.split_whitespace();
        let pid = fields.next()?.parse().ok()?;
        let parent = fields.next()?.parse().ok()?;
        let is_alive = !fields.next()?.starts_with('Z');
        let uids = fields.filter_map(|uid| uid.parse().ok()).collect();
        is_alive.then_some(Process { pid, parent, session: 0, uids })
    };
    said.lines().filter_map(parse).collect()
}

#[cfg(not(target_os = "linux"))]
impl Process {
    /// `ps` shows the environment behind the command line.
    fn environment_has(&self, wanted: &str) -> bool {
        let said = said_by(&["-E", "-ww", "-o", "command=", "-p", &self.pid.to_string()]);
        said.split_whitespace().any(|word| word == wanted)
    }
}

#[cfg(not(target_os = "linux"))]
fn said_by(arguments: &[&str]) -> String {
    let mut said = Vec::new();
    let ps = std::process::Command::new("ps")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    if let Ok(mut ps) = ps {
        if let Some(output) = ps.stdout.take() {
            let _ = output.take(LONGEST_ENVIRONMENT).read_to_end(&mut said);
        }
        wait_or_kill(&mut ps);
    }
    String::from_utf8_lossy(&said).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, parent: u32) -> Process {
        Process { pid, parent, session: pid, uids: vec![1] }
    }

    #[test]
    fn children_of_children_count_and_strangers_do_not() {
        let all = [process(2, 1), process(3, 2), process(4, 3), process(5, 1), process(6, 5)];
        let all: Vec<&Process> = all.iter().collect();
        assert_eq!(with_descendants(vec![2], &all), [2, 3, 4]);
        assert!(with_descendants(Vec::new(), &all).is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_found_with_its_users() {
        let us = list().into_iter().find(|process| process.pid == std::process::id());
        let uid = rustix::process::getuid().as_raw();
        assert!(us.is_some_and(|us| us.uids.contains(&uid)));
        assert!(any_of(uid));
    }
}
