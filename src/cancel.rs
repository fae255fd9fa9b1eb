//! The wish to stop, from the terminal or the system to whatever is at work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::exit_code;
use tokio::signal::unix::SignalKind;
use tokio::sync::watch;

/// The signals that ask a command to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP: the terminal or the ssh connection is gone.
    Hangup,
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: the system shuts down, a container is stopped, cron's time is up.
    Terminate,
}

impl Signal {
    /// All of them.
    pub const ALL: [Signal; 3] = [Signal::Hangup, Signal::Interrupt, Signal::Terminate];

    /// How the system calls it.
    pub fn kind(self) -> SignalKind {
        match self {
            Signal::Hangup => SignalKind::hangup(),
            Signal::Interrupt => SignalKind::interrupt(),
            Signal::Terminate => SignalKind::terminate(),
        }
    }

    /// Whether pgtend was started so that this signal does nothing: `nohup` ignores SIGHUP, and a
    /// handler of ours would undo that. Only Linux says so; elsewhere the answer is no. SIGINT is
    /// not asked about: every shell script ignores it for what it starts in the background, and
    /// `kill -INT` is meant all the same.
    pub fn is_ignored(self) -> bool {
        let mask = || {
            let status = std::fs::read_to_string("/proc/self/status").ok()?;
            let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
            u64::from_str_radix(mask.trim(), 16).ok()
        };
        let bit = self.kind().as_raw_value() - 1;
        self == Signal::Hangup && mask().is_some_and(|mask| mask >> bit & 1 == 1)
    }

    /// What a command that it has stopped exits with.
    pub fn exit_code(self) -> u8 {
        match self {
            Signal::Hangup => exit_code::HUNG_UP,
            Signal::Interrupt => exit_code::INTERRUPTED,
            Signal::Terminate => exit_code::TERMINATED,
        }
    }

    /// The signal's name, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Hangup => "SIGHUP",
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
        }
    }
}

/// Raises the wish; kept by `main`.
#[derive(Debug, Clone)]
pub struct Canceller(watch::Sender<Option<Signal>>, Arc<AtomicBool>);

/// Hears the wish; cheap to clone, handed to everything that may take long.
#[derive(Debug, Clone)]
pub struct Cancel(watch::Receiver<Option<Signal>>, Arc<AtomicBool>);

/// The two ends.
pub fn channel() -> (Canceller, Cancel) {
    let (sender, receiver) = watch::channel(None);
    let forsaken = Arc::new(AtomicBool::default());
    (Canceller(sender, Arc::clone(&forsaken)), Cancel(receiver, forsaken))
}

impl Canceller {
    /// Asks everything to stop. Returns false where that had been asked before; the first signal
    /// is the one that is reported.
    pub fn cancel(&self, signal: Signal) -> bool {
        self.0.send_if_modified(|current| {
            let first = current.is_none();
            current.get_or_insert(signal);
            first
        })
    }

    /// Whether the work was left where it was.
    pub fn is_forsaken(&self) -> bool {
        self.1.load(Ordering::Relaxed)
    }
}

impl Cancel {
    /// The signal, if one came.
    pub fn signal(&self) -> Option<Signal> {
        *self.0.borrow()
    }

    /// The work is left where it is, because nothing answers: the process is not to wait for anything
    /// that may still be under way.
    pub fn forsake(&self) {
        self.1.store(true, Ordering::Relaxed);
    }

    /// Waits until a signal comes; never returns if none can come any more.
    pub async fn wait(&self) -> Signal {
        let mut receiver = self.0.clone();
        loop {
            if let Some(signal) = *receiver.borrow_and_update() {
                return signal;
            }
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
