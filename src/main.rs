//! Parse, run, print the failure, exit. Signals arrive here.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use pgtend::cancel::{self, Cancel, Canceller, Signal};
use pgtend::failure::{Failure, Kind, Result};
use pgtend::{Cli, Console, Inflight, Origin, rerun};
use tokio::signal::unix::signal;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let console = cli.console();
    let origin = Arc::new(cli.origin());
    let result =
        rerun::without_secrets(cli.database_url()).and_then(|()| start(cli, &console, &origin));
    ExitCode::from(result.unwrap_or_else(|failure| {
        console.failure(&failure, &origin);
        failure.kind.exit_code()
    }))
}

fn start(cli: Cli, console: &Console, origin: &Arc<Origin>) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::from_error(Kind::Io, error))?;
    let (canceller, cancel) = cancel::channel();
    let code = runtime.block_on(run(cli, console, origin, canceller.clone(), cancel));
    if canceller.is_forsaken() {
        // A host name that is being looked up over a dead link would hold up the end.
        runtime.shutdown_background();
    }
    code
}

async fn run(
    cli: Cli,
    console: &Console,
    origin: &Arc<Origin>,
    canceller: Canceller,
    cancel: Cancel,
) -> Result<u8> {
    let inflight = Inflight::default();
    for name in Signal::ALL.into_iter().filter(|signal| !signal.is_ignored()) {
        let signals = signal(name.kind()).map_err(|error| Failure::from_error(Kind::Io, error))?;
        tokio::spawn(listen(signals, name, canceller.clone(), inflight.clone(), console.clone()));
    }
    cli.run(console.clone(), Arc::clone(origin), cancel, inflight).await
}

/// The first signal asks to stop and clean up; the second leaves at once and says what remains.
#[expect(clippy::exit, reason = "the second signal wants to leave at once")]
async fn listen(
    mut signals: tokio::signal::unix::Signal,
    name: Signal,
    canceller: Canceller,
    inflight: Inflight,
    console: Console,
) {
    while signals.recv().await.is_some() {
        if !canceller.cancel(name) {
            for way in inflight.ways_to_clean_up() {
                console.warn(&format!("not cleaned up; {way}"));
            }
            std::process::exit(i32::from(name.exit_code()));
        }
    }
}
