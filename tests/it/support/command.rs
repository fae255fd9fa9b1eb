//! Running the program.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

use super::document::{Document, Step};
use super::{PATIENCE, PAUSE, schema};

/// A call of pgtend, in an environment that holds nothing of the caller's.
pub struct Pgtend(Command);

/// What a call came to.
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    shown: String,
}

/// What a call used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    /// Memory, at most.
    pub kilobytes: u64,
    /// Of processors.
    pub processor: Duration,
}

/// A call that goes on. What it says goes to files, so that it can be read meanwhile.
pub struct Running {
    child: Child,
    stdout: NamedTempFile,
    stderr: NamedTempFile,
    shown: String,
}

impl Pgtend {
    /// The call with these arguments.
    pub fn new(arguments: &[&str]) -> Self {
        Pgtend(Command::new(env!("CARGO_BIN_EXE_pgtend"))).called(arguments)
    }

    /// The call with these arguments by way of another program, as `nohup pgtend …`.
    pub fn by_way_of(program: &[&str], arguments: &[&str]) -> Self {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg(env!("CARGO_BIN_EXE_pgtend"));
        Pgtend(command).called(arguments)
    }

    /// A line of a shell that finds pgtend on its path.
    pub fn in_shell(line: &str) -> Self {
        let Pgtend(mut command) = Pgtend(Command::new("sh")).called(&["-c", line]);
        let folder = Path::new(env!("CARGO_BIN_EXE_pgtend")).parent().unwrap().display();
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{folder}:{path}"));
        Pgtend(command)
    }

    fn called(self, arguments: &[&str]) -> Self {
        let Pgtend(mut command) = self;
        command.args(arguments).env_clear().stdin(Stdio::null());
        for kept in ["PATH", "TMPDIR", "PGTEND_PG_BIN"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        // A home without any of the caller's .pgpass, service file or configuration.
        command.env("HOME", env!("CARGO_TARGET_TMPDIR")).env("USER", "tester");
        command.current_dir(env!("CARGO_TARGET_TMPDIR"));
        Pgtend(command)
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// Calls it in this folder.
    pub fn within(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Runs to the end.
    pub fn run(self) -> Output {
        self.start().wait()
    }

    /// Runs to the end with a standard output that nobody reads any more.
    pub fn run_unread(self) -> Output {
        let stderr = NamedTempFile::new().unwrap();
        let err = Stdio::from(stderr.reopen().unwrap());
        self.spawn(deaf(), err, NamedTempFile::new().unwrap(), stderr).wait()
    }

    /// Runs to the end with nobody to read anything of it; what is returned is empty.
    pub fn run_unheard(self) -> Output {
        let [stdout, stderr] = [(); 2].map(|()| NamedTempFile::new().unwrap());
        self.spawn(deaf(), deaf(), stdout, stderr).wait()
    }

    /// Starts and returns at once.
    pub fn start(self) -> Running {
        let [stdout, stderr] = [(); 2].map(|()| NamedTempFile::new().unwrap());
        let [out, err] = [&stdout, &stderr].map(|file| Stdio::from(file.reopen().unwrap()));
        self.spawn(out, err, stdout, stderr)
    }

    fn spawn(
        mut self,
        out: Stdio,
        err: Stdio,
        stdout: NamedTempFile,
        stderr: NamedTempFile,
    ) -> Running {
        let shown = format!("{:?}", self.0);
        let child = self.0.stdout(out).stderr(err).spawn().unwrap();
        Running { child, stdout, stderr, shown }
    }
}

/// A pipe whose reader has gone away.
fn deaf() -> Stdio {
    std::io::pipe().unwrap().1.into()
}

impl Running {
    /// Sends a signal by name: INT, TERM, KILL.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to a process that may have ended already.
    pub fn try_signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args([&format!("-{name}"), &pid]).output().unwrap();
    }

    /// Whether it has not ended yet.
    pub fn goes_on(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until standard error holds the text; fails if it ends without having said it.
    pub async fn until_it_says(&mut self, text: &str) {
        let give_up = Instant::now() + PATIENCE;
        while !self.narration().contains(text) {
            let waiting = self.goes_on() && Instant::now() < give_up;
            assert!(waiting, "{} does not say {text:?}, but\n{}", self.shown, self.narration());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What it has printed on standard output so far.
    pub fn printed(&self) -> String {
        fs::read_to_string(self.stdout.path()).unwrap()
    }

    /// Waits for the end, and returns what it used at most.
    pub fn wait_for_peak(mut self) -> (Output, Used) {
        let give_up = Instant::now() + PATIENCE;
        let mut used = Used::default();
        while self.goes_on() {
            assert!(Instant::now() < give_up, "{} goes on\n{}", self.shown, self.narration());
            // The system forgets it when the program ends, so it is asked often.
            used = self.used().unwrap_or(used);
            std::thread::sleep(Duration::from_millis(1));
        }
        (self.wait(), used)
    }

    /// None where the system does not tell, or the program has ended.
    fn used(&self) -> Option<Used> {
        let ask = |what: &str| fs::read_to_string(format!("/proc/{}/{what}", self.pid())).ok();
        let status = ask("status")?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes = peak.trim().strip_suffix(" kB")?.parse().ok()?;
        // The 14th and 15th word, in hundredths of a second; the second one may hold blanks.
        let stat = ask("stat")?;
        let words = stat.rsplit(')').next()?.split_whitespace().skip(11).take(2);
        let hundredths = words.filter_map(|word| word.parse::<u64>().ok()).sum::<u64>();
        Some(Used { kilobytes, processor: Duration::from_millis(hundredths * 10) })
    }

    /// What it has said so far on standard error.
    pub fn narration(&self) -> String {
        fs::read_to_string(self.stderr.path()).unwrap()
    }

    /// Waits for the end.
    pub fn wait(self) -> Output {
        self.wait_within(PATIENCE)
    }

    /// Waits for the end, and fails if it takes longer than `limit`.
    pub fn wait_within(mut self, limit: Duration) -> Output {
        let give_up = Instant::now() + limit;
        while self.goes_on() {
            assert!(Instant::now() < give_up, "{} goes on\n{}", self.shown, self.narration());
            std::thread::sleep(PAUSE);
        }
        let status = self.child.wait().unwrap();
        Output {
            code: status.code().or(status.signal().map(|signal| -signal)).unwrap(),
            stdout: self.printed(),
            stderr: self.narration(),
            shown: self.shown.clone(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Output {
    /// Fails, showing everything, unless the exit code is this one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// The JSON document, which has to keep the contract.
    #[track_caller]
    pub fn json(&self) -> Document {
        self.json_with_steps()
    }

    /// The JSON document of a command whose steps are of another kind.
    #[track_caller]
    pub fn json_with_steps<S: DeserializeOwned>(&self) -> Document<S> {
        self.assert_published();
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// Fails unless the document is as the published schema has it.
    #[track_caller]
    pub fn assert_published(&self) {
        let objections = schema::objections(&self.stdout);
        assert!(objections.is_empty(), "docs/schema: {objections:#?}\n{self}");
    }

    /// Fails unless this is the document's outcome.
    #[track_caller]
    pub fn came_to(self, outcome: &str) -> Self {
        assert_eq!(self.json().outcome, outcome, "{self}");
        self
    }

    /// The step of the JSON document about this object.
    #[track_caller]
    pub fn step(&self, object: &str) -> Step {
        let mut steps = self.json().steps.into_iter();
        let step = steps.find(|step| step.object == object);
        step.unwrap_or_else(|| panic!("no step about {object}\n{self}"))
    }

    /// The objects that the JSON document warns of under this rule.
    #[track_caller]
    pub fn warned(&self, rule: &str) -> Vec<String> {
        let warnings = self.json().warnings.into_iter();
        warnings
            .filter(|warning| warning.rule == rule)
            .map(|warning| warning.object)
            .collect()
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}\nexit code {}\n--- stdout\n{}\n--- stderr\n{}",
            self.shown, self.code, self.stdout, self.stderr
        )
    }
}
