//! Parse, run, print the failure, exit. Signals arrive here.

use std::process::ExitCode;
use std::sync::Arc;

use pgtend::cancel::{self, Canceller, Signal};
use pgtend::failure::{Failure, Kind, Result};
use pgtend::{Cli, Console, Inflight, Origin, rerun};
use tokio::runtime::Builder;
use tokio::signal::unix::signal;

fn main() -> ExitCode {
    if pgtend::answers_a_shell() {
        return ExitCode::SUCCESS;
    }
    let cli = Cli::of_process();
    let console = cli.console();
    let origin = Arc::new(cli.origin());
    let result = rerun::without_secrets(cli.database_url(), cli.other_urls())
        .and_then(|()| start(cli, &console, &origin));
    ExitCode::from(result.unwrap_or_else(|failure| console.failure(&failure, &origin)))
}

fn start(cli: Cli, console: &Console, origin: &Arc<Origin>) -> Result<u8> {
    let io = |error| Failure::from_error(Kind::Io, error);
    let runtime = Builder::new_current_thread().enable_all().build().map_err(io)?;
    let (canceller, cancel) = cancel::channel();
    let code = runtime.block_on(async {
        let inflight = Inflight::default();
        for name in Signal::ALL.into_iter().filter(|signal| !signal.is_ignored()) {
            let signals = signal(name.kind()).map_err(io)?;
            let with = (canceller.clone(), inflight.clone(), console.clone());
            tokio::spawn(listen(signals, name, with));
        }
        cli.run(console.clone(), Arc::clone(origin), cancel, inflight).await
    });
    if canceller.is_forsaken() {
        // A host name that is being looked up over a dead link would hold up the end.
        runtime.shutdown_background();
    }
    code
}

/// The first signal asks to stop and clean up; the second leaves at once and says what remains.
#[expect(clippy::exit, reason = "the second signal wants to leave at once")]
async fn listen(
    mut signals: tokio::signal::unix::Signal,
    name: Signal,
    (canceller, inflight, console): (Canceller, Inflight, Console),
) {
    while signals.recv().await.is_some() {
        if !canceller.cancel(name) {
            for way in inflight.ways_to_clean_up() {
                console.warn(&format!("not cleaned up; {way}"));
            }
            console.leave();
            std::process::exit(i32::from(name.exit_code()));
        }
    }
}
