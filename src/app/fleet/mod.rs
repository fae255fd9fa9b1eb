//! One command over many targets: which they are, how many at once, and what they come to together.

mod members;
mod schemas;

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
use members::{FleetMember, MemberPlace};
pub use members::{TargetChoice, is_pattern};
pub use schemas::{Schemas, Scope};

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

/// What one command is run for: each target, each schema, each schema of each target.
#[derive(Debug, Clone)]
pub struct Spread {
    /// The targets; `None`: the database of the context.
    pub targets: Option<TargetChoice>,
    /// What the only database is called, if anything.
    pub name: Option<String>,
    /// The schemas; `None`: each database as a whole.
    pub schemas: Option<Schemas>,
}

impl Spread {
    /// The members, those of one database together.
    async fn members(
        &self,
        context: &Context,
        command: &'static str,
        at_once: usize,
    ) -> Result<Vec<Vec<FleetMember>>> {
        let databases = match &self.targets {
            Some(choice) => choice.members(context, command).await?,
            None => vec![self.only(context)],
        };
        let Some(schemas) = &self.schemas else {
            return Ok(databases.into_iter().map(|member| vec![member]).collect());
        };
        let mut members = schemas.of_each(context, command, databases, at_once).await?;
        // What keeps pgtend from the only database is the failure of the whole.
        match members.as_mut_slice() {
            [only] if self.targets.is_none() && only.iter().all(|it| it.scope.is_none()) => {
                let failed = only.pop().and_then(|member| member.place.err());
                failed.map_or(Ok(members), Err)
            }
            _ => Ok(members),
        }
    }

    fn only(&self, context: &Context) -> FleetMember {
        let place = Ok(MemberPlace {
            url: context.url.clone(),
            database: context.database.clone(),
            config: context.config.clone(),
        });
        FleetMember {
            name: self.name.clone().unwrap_or_default(),
            place,
            scope: None,
        }
    }
}

/// Runs a command for each of them, the schemas of one database one after the other. Returns what they
/// come to together.
///
/// # Errors
/// `Usage` where a name leads to no target, or a pattern to no schema.
pub async fn run<F>(
    context: &Context,
    command: &'static str,
    spread: &Spread,
    options: FleetOptions,
    run_on: impl Fn(Context) -> F,
) -> Result<FleetReport>
where
    F: Future<Output = Result<Box<dyn Report>>>,
{
    let at_once = options.parallel.min(MOST_ON_ONE_HOST);
    let members = context.unless_cancelled(spread.members(context, command, at_once)).await?;
    let failed = AtomicUsize::new(0);
    let is_over = || {
        let too_many =
            options.stop_after.is_some_and(|most| failed.load(Ordering::Relaxed) >= most);
        too_many || context.cancel.signal().is_some()
    };
    let turns = Semaphore::new(options.parallel);
    let hosts = members.iter().map(|of_one| host(of_one, context)).collect::<Vec<_>>();
    let turns_of = hosts
        .iter()
        .map(|host| (host, Semaphore::new(MOST_ON_ONE_HOST)))
        .collect::<HashMap<_, _>>();
    let placed = members.into_iter().zip(&hosts).enumerate();
    let work = placed.map(|(at, (of_one, host))| {
        let (is_over, run_on, failed) = (&is_over, &run_on, &failed);
        let (turns, host) = (&turns, &turns_of[host]);
        async move {
            // First the host's: whoever waits for a busy host keeps no turn from another. Neither
            // semaphore is ever closed.
            let _on_host = host.acquire().await;
            let _turn = turns.acquire().await;
            let mut ended = Vec::with_capacity(of_one.len());
            for member in of_one {
                let target = run_one(context, command, member, is_over, run_on).await;
                failed.fetch_add(usize::from(target.end.is_failed()), Ordering::Relaxed);
                context.console.narrate(&format!("{}: {}", target.name, target.end.summary()));
                ended.push(target);
            }
            (at, ended)
        }
    });
    let mut ended = work.collect::<FuturesUnordered<_>>().collect::<Vec<_>>().await;
    ended.sort_by_key(|(at, _)| *at);
    let targets = ended.into_iter().flat_map(|(_, targets)| targets).collect();
    Ok(FleetReport { targets, signal: context.cancel.signal() })
}

async fn run_one<F>(
    context: &Context,
    command: &'static str,
    member: FleetMember,
    is_over: impl Fn() -> bool,
    run_on: impl Fn(Context) -> F,
) -> TargetReport
where
    F: Future<Output = Result<Box<dyn Report>>>,
{
    let FleetMember { name, place, scope } = member;
    let origin = Arc::new(Origin::new(command));
    let schema = scope.as_ref().map(|scope| scope.schema.clone());
    let end = match place {
        _ if is_over() => TargetEnded::Skipped,
        Err(failure) => TargetEnded::Failed(failure),
        // Boxed: most of them wait, and need no room yet.
        Ok(place) => Box::pin(run_on(on(context, &name, place, scope, &origin))).await.into(),
    };
    TargetReport { head: origin.head().of_target(&name, schema), name, end }
}

/// What a command that is about all targets at once is given for each that is chosen, by its name.
///
/// # Errors
/// `Usage` where a name leads to no target.
pub async fn contexts(
    context: &Context,
    command: &'static str,
    choice: &TargetChoice,
) -> Result<Vec<(String, Result<Context>)>> {
    let members = context.unless_cancelled(choice.members(context, command)).await?;
    let each = members.into_iter().map(|FleetMember { name, place, scope }| {
        let origin = Arc::new(Origin::new(command));
        let given = place.map(|place| on(context, &name, place, scope, &origin));
        (name, given)
    });
    Ok(each.collect())
}

/// Where the database is; what is not known counts as one host.
fn host(of_one: &[FleetMember], context: &Context) -> String {
    let place = of_one.iter().find_map(|member| member.place.as_ref().ok());
    let conninfo = place.map(|place| Conninfo::resolve(place.url.as_deref(), &context.environment));
    conninfo
        .and_then(std::result::Result::ok)
        .map_or_else(String::new, |it| it.hosts())
}

/// What the command is given for one of several targets.
fn on(
    context: &Context,
    name: &str,
    place: MemberPlace,
    scope: Option<Scope>,
    origin: &Arc<Origin>,
) -> Context {
    let MemberPlace { url, database, config } = place;
    Context {
        url,
        database,
        choice: None,
        scope,
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
