//! Connecting, warming up, measuring.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::Args;
use super::client::{Connection, Shared, client};
use super::compare::Earlier;
use super::during::{Companion, Ended};
use super::figures::{Phase, Recorder};
use super::pace::Pace;
use super::plan::Workload;
use super::report::{LoadReport, MEANWHILE, PhaseReport, Setup};
use super::script::Script;
use super::source;
use crate::app::Context;
use crate::cancel::Signal;
use crate::facts::reach::{Deed, Trust};
use crate::facts::throughput::{DatabaseCounters, Doing, load_doing};
use crate::facts::{Known, Unavailable};
use crate::failure::{Failure, Result};
use crate::format;
use crate::pg::database::{ConnectOptions, Database, Workers};
use crate::pg::session::Session;
use crate::warning::Warning;

/// Measures.
///
/// # Errors
/// `Usage` where there is nothing to send, or what may not be sent; those of the connection.
pub async fn run(context: &Context, args: &Args) -> Result<LoadReport> {
    let scripts = source::scripts(args)?;
    let earlier = args.compare.as_deref().map(Earlier::read).transpose()?;
    // Each client has as many connections as any request needs at once.
    let width = scripts.iter().map(Script::width).max().unwrap_or(1);
    let options = ConnectOptions {
        maintainers: args.clients().saturating_mul(width),
        settings: args.settings(),
        ..context.connect_options("load")
    };
    let prepared = context.unless_cancelled(prepare(context, args, &options, &scripts));
    let Prepared { database, workload, path, warnings } = prepared.await?;
    let setup = Setup::of(args, args.seed());
    if let Some(earlier) = &earlier {
        earlier.require_same(setup, &workload.statements)?;
    }
    let recorder = RefCell::new(Recorder::default());
    let (pids, ends) = (RefCell::new(BTreeSet::new()), Cell::new(false));
    let mut shared = Shared {
        database: &database,
        workload: &workload,
        path: &path,
        width,
        pace: None,
        seed: setup.seed,
        cancel: &context.cancel,
        recorder: &recorder,
        pids: &pids,
        ends: &ends,
    };
    let connections = context.unless_cancelled(connect(&shared, args.clients())).await?;
    let mut conducted = Conducted::default();
    if args.warm_up.is_zero() {
        // The very first request counts.
        Conductor { context, args, shared: &shared }.begin(&mut conducted).await;
    }
    shared.pace = args.rate.map(|rate| Pace::start(rate, shared.seed)).transpose()?;
    let numbered = (1..).zip(connections);
    let clients = numbered
        .map(|(number, first)| client(&shared, number, first))
        .collect::<FuturesUnordered<_>>();
    let conductor = Conductor { context, args, shared: &shared };
    let led = conductor.conduct(conducted);
    let ((), ended) = tokio::join!(clients.for_each(async |()| ()), led);
    let conducted = ended?;
    let last = conductor.last_counters().await;
    let mut report = report(setup, &mut shared, conducted, last, warnings);
    report.comparison = earlier.and_then(|earlier| report.compared(&earlier, args.max_regression));
    Ok(report)
}

/// What is ready to be sent.
struct Prepared {
    database: Database,
    workload: Workload,
    path: String,
    warnings: Vec<Warning>,
}

async fn prepare(
    context: &Context,
    args: &Args,
    options: &ConnectOptions,
    scripts: &[Script],
) -> Result<Prepared> {
    let database = context.open(options).await?;
    args.check_writes(&database)?;
    let reader = database.reader().await?;
    let deed = if args.writes() { Deed::Writing } else { Deed::Reading };
    let trust = Trust::load(&reader, &database.server.search_path, &args.trust, deed).await?;
    let (path, left_out) = trust.path(&reader).await?;
    let mut warnings = left_out
        .into_iter()
        .map(|message| Warning {
            rule: "schema-left-out",
            object: database.server.database.clone(),
            message,
        })
        .collect::<Vec<_>>();
    let workload = match scripts.is_empty() {
        false => source::of_files(&database, &reader, scripts, &trust).await?,
        true => {
            let session = database.maintainer(Workers::AsConfigured).await?;
            let prepares = source::with_path(session, &path).await?;
            let (workload, told) =
                source::of_counters(&reader, &prepares, &trust, args.limit).await?;
            prepares.end();
            warnings.extend(told);
            workload
        }
    };
    Ok(Prepared { database, workload, path, warnings })
}

/// The connections of each client.
async fn connect(shared: &Shared<'_>, clients: usize) -> Result<Vec<Vec<Connection>>> {
    let mut connections = Vec::new();
    for number in 1..=clients {
        let mut of_client = Vec::new();
        let connected = shared.complete(&mut of_client).await.map_err(|failure| {
            let failure = failure.context(format!("connecting client {number} of {clients}"));
            match failure.sqlstate.as_deref() {
                Some("53300") => {
                    failure.hint("the server takes no more connections: give a smaller --clients")
                }
                _ => failure,
            }
        });
        connected?;
        connections.push(of_client);
    }
    Ok(connections)
}

/// Says when what begins, and watches the server meanwhile.
struct Conductor<'c> {
    context: &'c Context,
    args: &'c Args,
    shared: &'c Shared<'c>,
}

/// What the conductor hands on when the clients have ended.
#[derive(Default)]
struct Conducted {
    signal: Option<Signal>,
    /// At the beginning of each phase.
    counters: Vec<Option<DatabaseCounters>>,
    during: Option<Ended>,
}

impl Conductor<'_> {
    /// Ends with the load, by itself or by a signal.
    async fn conduct(&self, mut conducted: Conducted) -> Result<Conducted> {
        let mut companion = None;
        let ended = tokio::select! {
            biased;
            signal = self.context.cancel.wait() => {
                conducted.signal = Some(signal);
                Ok(())
            }
            ended = self.phases(&mut conducted, &mut companion) => ended,
            never = self.watch() => match never {},
        };
        self.shared.recorder.borrow_mut().end(Instant::now());
        self.shared.ends.set(true);
        if let Some(pace) = &self.shared.pace {
            pace.end();
        }
        if let Some(running) = companion.as_mut().filter(|_| conducted.during.is_none()) {
            self.context.console.narrate("Waiting for the command to end …");
            running.ask_to_stop();
            conducted.during = Some(running.end().await?);
        }
        ended.map(|()| conducted)
    }

    async fn phases(
        &self,
        conducted: &mut Conducted,
        companion: &mut Option<Companion>,
    ) -> Result<()> {
        let Args { warm_up, duration, during, .. } = self.args;
        if !warm_up.is_zero() {
            self.spend("Warming up", *warm_up).await;
            self.begin(conducted).await;
        }
        let Some(command) = during else {
            self.spend("Measuring", *duration).await;
            return Ok(());
        };
        self.spend("Measuring before the command", *duration).await;
        self.begin(conducted).await;
        self.context.console.narrate(&format!("Running {command} …"));
        let running = companion.insert(Companion::start(command)?);
        conducted.during = Some(running.end().await?);
        self.begin(conducted).await;
        self.spend("Measuring after it", *duration).await;
        Ok(())
    }

    async fn spend(&self, what: &str, time: Duration) {
        let told = format::duration(time);
        self.context.console.narrate(&format!("{what} for {told} …"));
        tokio::time::sleep(time).await;
    }

    /// The next phase begins.
    async fn begin(&self, conducted: &mut Conducted) {
        const OF_COMMAND: [&str; 3] = ["before", MEANWHILE, "after"];
        let name = match self.args.during {
            Some(_) => OF_COMMAND[conducted.counters.len().min(2)],
            None => "measured",
        };
        conducted.counters.push(self.counters().await);
        let slot = self.args.slot();
        let phase = Phase::new(name, self.shared.workload.statements.len(), slot);
        self.shared.recorder.borrow_mut().begin(phase);
    }

    async fn counters(&self) -> Option<DatabaseCounters> {
        let reader = self.shared.database.reader().await.ok()?;
        DatabaseCounters::load(&reader).await.ok()
    }

    /// Looks again and again what the sessions do.
    async fn watch(&self) -> std::convert::Infallible {
        let mut reader: Option<Session> = None;
        loop {
            tokio::time::sleep(BETWEEN_LOOKS).await;
            if reader.as_ref().is_none_or(Session::is_closed) {
                reader = self.shared.database.reader().await.ok();
            }
            let Some(session) = &reader else { continue };
            let pids = self.shared.pids.borrow().iter().copied().collect::<Vec<_>>();
            let Ok(doing) = load_doing(session, &pids).await else {
                continue;
            };
            let seen = doing.into_iter().filter_map(|doing| match doing {
                Doing::Idle => None,
                Doing::Computes => Some(("CPU".to_owned(), "computes".to_owned())),
                Doing::Waits { kind, event } => Some((kind, event)),
            });
            self.shared.recorder.borrow_mut().seen(seen);
        }
    }

    /// The counters at the end, when the sessions have told what they did: they do that when they end.
    async fn last_counters(&self) -> Option<DatabaseCounters> {
        let pids = self.shared.pids.borrow().iter().copied().collect::<Vec<_>>();
        let ended = async {
            let reader = self.shared.database.reader().await.ok()?;
            while load_doing(&reader, &pids).await.is_ok_and(|left| !left.is_empty()) {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            Some(())
        };
        let _ = tokio::time::timeout(LONGEST_END, ended).await;
        tokio::time::timeout(LONGEST_END, self.counters()).await.ok().flatten()
    }
}

/// How often is looked what the sessions do.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Sessions that have not ended after so long, or a server that does not answer, are not waited for.
const LONGEST_END: Duration = Duration::from_secs(3);

fn report(
    setup: Setup,
    shared: &mut Shared<'_>,
    conducted: Conducted,
    last: Option<DatabaseCounters>,
    warnings: Vec<Warning>,
) -> LoadReport {
    let unknown = || Unavailable::because("the server did not answer, or its counters were reset");
    let Conducted { signal, counters, during } = conducted;
    let ends = counters.iter().skip(1).cloned().chain([last]).collect::<Vec<_>>();
    let mut spans = counters.into_iter().zip(ends);
    let recorded = std::mem::take(&mut shared.recorder.borrow_mut().phases);
    let phases = recorded.into_iter().map(|phase| {
        let (before, after) = spans.next().unwrap_or_default();
        let server = before.zip(after).and_then(|(before, after)| after.since(&before));
        let left = |pace: &mut Pace| pace.left(phase.from, phase.from + phase.duration());
        PhaseReport {
            unsent: shared.pace.as_mut().map_or(0, left),
            server: server.map_or_else(|| Known::Unavailable(unknown()), Known::Known),
            phase,
        }
    });
    LoadReport {
        signal,
        setup,
        statements: shared.workload.statements.clone(),
        phases: phases.collect(),
        during,
        comparison: None,
        warnings,
    }
}

impl Args {
    pub(super) fn clients(&self) -> usize {
        let of_mode = if self.rate.is_some() { 16 } else { 8 };
        self.clients.unwrap_or(of_mode)
    }

    fn seed(&self) -> u64 {
        let clock = || {
            let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
            u64::from(since.subsec_nanos()) ^ since.as_secs()
        };
        self.seed.unwrap_or_else(clock)
    }

    fn writes(&self) -> bool {
        self.allow_writes.is_some()
    }

    /// What the clients' sessions begin with.
    fn settings(&self) -> Vec<(String, String)> {
        let limit = self.statement_time.as_millis().max(1).to_string();
        let read_only = if self.writes() { "off" } else { "on" };
        let settings = [
            ("statement_timeout", limit.as_str()),
            ("default_transaction_read_only", read_only),
        ];
        settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// How long the parts are in which the course is told.
    fn slot(&self) -> Duration {
        (self.duration / 30).clamp(Duration::from_millis(20), Duration::from_secs(1))
    }

    /// Writing has to be meant for this very database.
    fn check_writes(&self, database: &Database) -> Result<()> {
        let Some(allowed) = &self.allow_writes else {
            return Ok(());
        };
        let name = &database.server.database;
        if allowed != name {
            return Err(Failure::usage(format!(
                "--allow-writes {allowed}: this is the database {name}, and nothing was sent"
            )));
        }
        database.require_writable()
    }
}
