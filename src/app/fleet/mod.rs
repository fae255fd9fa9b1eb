//! One command over many targets: which they are, how many at once, and what they come to together.

mod members;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;

use super::Context;
use crate::failure::{Failure, Kind, Result};
use crate::output::{FleetReport, Origin, Report, TargetEnded, TargetReport};
use crate::pg::conninfo::Conninfo;
pub use members::{Choice, is_pattern};
use members::{Member, MemberPlace};

/// So many targets of one host at once, whatever the rest allows: it may be one machine.
const MOST_ON_ONE_HOST: usize = 4;

/// How a fleet is worked on.
#[derive(Debug, Clone, Copy)]
pub struct FleetOptions {
    /// So many targets at once.
    pub parallel: usize,
    /// Begin no other target after so many have failed; `None`: go on.
    pub stop_after: Option<usize>,
}

/// Runs a command on each target that is chosen. Returns what they come to together.
///
/// # Errors
/// `Usage` where a name leads to no target.
pub async fn run<F>(
    context: &Context,
    command: &'static str,
    choice: &Choice,
    options: FleetOptions,
    run_on: impl Fn(Context) -> F,
) -> Result<FleetReport>
where
    F: Future<Output = Result<Box<dyn Report>>>,
{
    let members = context.unless_cancelled(choice.members(context, command)).await?;
    let failed = AtomicUsize::new(0);
    let is_over = || {
        let too_many =
            options.stop_after.is_some_and(|most| failed.load(Ordering::Relaxed) >= most);
        too_many || context.cancel.signal().is_some()
    };
    let turns = Semaphore::new(options.parallel);
    let hosts = members.iter().map(|member| host(&member.place, context)).collect::<Vec<_>>();
    let turns_of = hosts
        .iter()
        .map(|host| (host, Semaphore::new(MOST_ON_ONE_HOST)))
        .collect::<HashMap<_, _>>();
    let placed = members.into_iter().zip(&hosts).enumerate();
    let work = placed.map(|(at, (Member { name, place }, host))| {
        let (is_over, run_on, failed) = (&is_over, &run_on, &failed);
        let (turns, host) = (&turns, &turns_of[host]);
        async move {
            // First the host's: whoever waits for a busy host keeps no turn from another. Neither
            // semaphore is ever closed.
            let _on_host = host.acquire().await;
            let _turn = turns.acquire().await;
            let origin = Arc::new(Origin::new(command));
            let end = match place {
                _ if is_over() => TargetEnded::Skipped,
                Err(failure) => TargetEnded::Failed(failure),
                // Boxed: most of them wait, and need no room yet.
                Ok(place) => Box::pin(run_on(on(context, &name, place, &origin))).await.into(),
            };
            failed.fetch_add(usize::from(end.is_failed()), Ordering::Relaxed);
            context.console.narrate(&format!("{name}: {}", end.summary()));
            (at, TargetReport { head: origin.head().of_target(&name), name, end })
        }
    });
    let mut ended = work.collect::<FuturesUnordered<_>>().collect::<Vec<_>>().await;
    ended.sort_by_key(|(at, _)| *at);
    let targets = ended.into_iter().map(|(_, target)| target).collect();
    Ok(FleetReport { targets, signal: context.cancel.signal() })
}

/// What a command that is about all targets at once is given for each that is chosen, by its name.
///
/// # Errors
/// `Usage` where a name leads to no target.
pub async fn contexts(
    context: &Context,
    command: &'static str,
    choice: &Choice,
) -> Result<Vec<(String, Result<Context>)>> {
    let members = context.unless_cancelled(choice.members(context, command)).await?;
    let each = members.into_iter().map(|Member { name, place }| {
        let origin = Arc::new(Origin::new(command));
        let given = place.map(|place| on(context, &name, place, &origin));
        (name, given)
    });
    Ok(each.collect())
}

/// Where the target is; what is not known counts as one host.
fn host(place: &Result<MemberPlace>, context: &Context) -> String {
    let url = place.as_ref().map(|place| place.url.as_str());
    let conninfo = url.ok().map(|url| Conninfo::resolve(Some(url), &context.environment));
    conninfo
        .and_then(std::result::Result::ok)
        .map_or_else(String::new, |it| it.hosts())
}

/// What the command is given for one of several targets.
fn on(context: &Context, name: &str, place: MemberPlace, origin: &Arc<Origin>) -> Context {
    let MemberPlace { url, database, config } = place;
    Context {
        url: Some(url),
        database,
        choice: None,
        echoes: context.echoes,
        config,
        environment: context.environment.clone(),
        console: context.console.of_target(name),
        origin: Arc::clone(origin),
        cancel: context.cancel.clone(),
        inflight: context.inflight.of_another_run(),
        parser: context.parser,
        faults: Mutex::default(),
    }
}

/// What a job over several targets cannot do.
pub fn refuse(what: &str) -> Failure {
    Failure::new(Kind::Usage, format!("{what} goes with one target only"))
        .hint("name one with --target NAME, or a database with -d URL")
}
