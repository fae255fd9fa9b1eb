//! Running the program.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// No call takes so long; one that does hangs, and is killed.
const LONGEST: Duration = Duration::from_secs(120);

/// A call of pgtend, in an environment that holds nothing of the caller's.
pub struct Pgtend(Command);

/// What a call came to.
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    shown: String,
}

/// A call that goes on.
pub struct Running {
    child: Option<Child>,
    shown: String,
}

impl Pgtend {
    /// The call with these arguments.
    pub fn new(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgtend"));
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

    /// Runs to the end.
    pub fn run(self) -> Output {
        self.start().wait()
    }

    /// Runs to the end with a standard output that nobody reads any more.
    pub fn run_unread(mut self) -> Output {
        let shown = format!("{:?}", self.0);
        let child = self.0.stdout(deaf()).stderr(Stdio::piped()).spawn().unwrap();
        Running { child: Some(child), shown }.wait()
    }

    /// Runs to the end with nobody to read anything of it; what is returned is empty.
    pub fn run_unheard(mut self) -> Output {
        let shown = format!("{:?}", self.0);
        let child = self.0.stdout(deaf()).stderr(deaf()).spawn().unwrap();
        Running { child: Some(child), shown }.wait()
    }

    /// Starts and returns at once.
    pub fn start(mut self) -> Running {
        let shown = format!("{:?}", self.0);
        let child = self.0.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Running { child: Some(child), shown }
    }
}

/// A pipe whose reader has gone away.
fn deaf() -> Stdio {
    std::io::pipe().unwrap().1.into()
}

impl Running {
    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Sends a signal by name: INT, TERM, KILL.
    pub fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Sends a signal to a process that may have ended already.
    pub fn try_signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        let _ = Command::new("kill").args([&format!("-{name}"), &pid]).output().unwrap();
    }

    /// Waits for the end, which must come.
    pub fn wait(self) -> Output {
        self.wait_within(LONGEST)
    }

    fn collect(mut self) -> Output {
        let child = self.child.take().unwrap();
        let output = child.wait_with_output().unwrap();
        use std::os::unix::process::ExitStatusExt;
        let code = output.status.code().or(output.status.signal().map(|signal| -signal));
        Output {
            code: code.unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            shown: self.shown.clone(),
        }
    }

    /// Waits for the end, and fails if it takes longer than `limit`; kills it then.
    pub fn wait_within(self, limit: Duration) -> Output {
        let started = Instant::now();
        let pid = self.pid().to_string();
        let (ended, end) = std::sync::mpsc::channel::<()>();
        let killer = std::thread::spawn(move || {
            if end.recv_timeout(limit) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                let _ = Command::new("kill").args(["-KILL", &pid]).status();
            }
        });
        let output = self.collect();
        drop(ended);
        killer.join().unwrap();
        assert!(started.elapsed() < limit, "took {:?}\n{output}", started.elapsed());
        output
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Output {
    /// Fails, showing everything, unless the exit code is this one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// The JSON document.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// The step of the JSON document about this object.
    #[track_caller]
    pub fn step(&self, object: &str) -> serde_json::Value {
        let document = self.json();
        let steps = document["steps"].as_array().unwrap();
        let step = steps.iter().find(|step| step["object"] == object);
        step.unwrap_or_else(|| panic!("no step about {object}\n{self}")).clone()
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
