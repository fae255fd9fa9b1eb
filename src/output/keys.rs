//! The keys that somebody presses while something is watched.

use std::io::{IsTerminal, Read, stdin};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot;

/// Hears `q` on the terminal, which neither shows keys nor waits for the end of a line meanwhile.
#[derive(Debug)]
pub struct Keys {
    /// The terminal as it was; `None` where there is none.
    before: Option<Termios>,
    quit: oneshot::Receiver<()>,
}

impl Keys {
    /// Listens until it is dropped. Without a terminal nothing is ever pressed.
    pub fn listen() -> Keys {
        let (sender, quit) = oneshot::channel();
        let before = stdin().is_terminal().then(|| tcgetattr(stdin()).ok()).flatten();
        if let Some(before) = &before {
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            let _ = tcsetattr(stdin(), OptionalActions::Now, &quiet);
            // It ends with the process: reading cannot be broken off.
            std::thread::spawn(move || {
                let mut key = [0];
                while stdin().read(&mut key).is_ok_and(|read| read > 0) {
                    if key.eq_ignore_ascii_case(b"q") {
                        let _ = sender.send(());
                        return;
                    }
                }
            });
        }
        Keys { before, quit }
    }

    /// Completes when `q` is pressed.
    pub async fn quit(&mut self) {
        if (&mut self.quit).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}
