//! `pgtend reindex`.

pub mod report;

use std::time::Duration;

use crate::app::Context;
use crate::app::command::{Command, OnSignal, Targets};
use crate::app::execute::Limits;
use crate::app::hours::{Hours, Time, WindowClosed};
use crate::app::manual::Example;
use crate::config::{self, ReindexConfig};
use crate::duration;
use crate::facts::Known;
use crate::facts::history::{self, HistorySchema};
use crate::facts::reindex::{self, Facts};
use crate::facts::suspicion::load_suspicions;
use crate::failure::{Failure, Result};
use crate::output::Report;
use crate::output::dry_run::{DryRunReport, Overview, SettledObjects};
use crate::pg::advisory::{ExclusiveJob, RunLock};
use crate::pg::database::{ConnectOptions, Database, Errand, OrphanPolicy};
use crate::pg::name_pattern::NamePattern;
use crate::pg::session::Session;
use crate::size;
use crate::warning::Warning;
use crate::work::circumstances::{circumstances, require_sound};
use crate::work::plan::Plan;
use crate::work::progress_estimate::ProgressEstimate;
use crate::work::record;
use crate::work::reindex::plan::{Gates, Options};
use crate::work::reindex::{Reindexing, load_plan};
use crate::work::{DeadlockVictim, Execution, Policy, YieldToDdl};
use report::REINDEX;

/// Rebuild bloated or invalid indexes, online
///
/// Without names, rebuilds every index that is invalid or bloated: 1.6 times as large as a fresh
/// one, and at least 100 MiB larger. How large a fresh one would be is known from when pgtend built
/// it, or estimated from the statistics, which need no lock and cost the server milliseconds. Where
/// pgstattuple is installed, pgtend then reads how full its leaves are, and believes that. What
/// gives back the most for the time it takes comes first. --dry-run shows why and what.
///
/// The application keeps reading and writing: pgtend sends REINDEX INDEX CONCURRENTLY, never two on
/// one table. An index is done when the catalog shows a new one with everything that the old one
/// had. If PostgreSQL cannot rebuild an index concurrently, pgtend says so and names the way out. It cancels a
/// statement of another session only in the cases that `pgtend apply --help` names.
///
/// A time limit or a window that ends is not a failure. Ctrl-C cancels the running rebuilds, drops
/// what is incomplete and reports. After any interruption, start the same command again: it drops
/// what was left, and goes on.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Indexes to rebuild: names and patterns (* and ?), as in psql: sales_pkey, crm.*, '"Sales"'; a
    /// name without a schema is looked up in the search path; of a partitioned table those of all
    /// partitions [default: every index that is invalid or bloated]
    #[arg(value_name = "INDEX")]
    pub indexes: Vec<String>,

    /// All indexes of these tables; repeatable
    #[arg(short, long, value_name = "TABLE")]
    pub table: Vec<String>,

    /// Only indexes in schemas whose name matches this pattern; repeatable
    #[arg(short = 'n', long, value_name = "GLOB")]
    pub schema: Vec<String>,

    /// Leave out these indexes; repeatable
    #[arg(long, value_name = "INDEX")]
    pub exclude: Vec<String>,

    /// Only indexes that are invalid or bloated [default where no index and no table is named]
    #[arg(long)]
    pub needed: bool,

    /// Only indexes that may be damaged: by a changed collation of the system, or by an error of an
    /// earlier release; not those that pgtend built since the server started
    #[arg(long)]
    pub suspect: bool,

    /// With --needed: from how many times the size of a fresh one an index counts as bloated; random
    /// keys alone make 1.3 [default: 1.6]
    #[arg(long, value_name = "TIMES", value_parser = bloat, allow_negative_numbers = true)]
    pub min_bloat: Option<f64>,

    /// With --needed: smallest amount of space that a rebuild must give back [default: 100MB]
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    pub min_size: Option<u64>,

    /// Tables to work on at once; never two rebuilds on one table [default: 1]
    #[arg(short, long, value_name = "N", value_parser = crate::app::jobs())]
    pub jobs: Option<u16>,

    /// Rebuild one index at a time, without parallel workers
    #[arg(long, conflicts_with = "jobs")]
    pub gentle: bool,

    #[command(flatten)]
    pub hours: Hours,

    /// Show what would be rebuilt and why, and the statements; send none
    #[arg(long)]
    pub dry_run: bool,

    /// Longest time one index may wait for other sessions before pgtend gives it up: 90s, 30min, 2h
    /// [default: 30min]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub max_wait: Option<Duration>,

    /// Start no rebuild while a transaction that would block it is older than this; wait for it
    /// instead, up to --max-wait [default: 5min]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub max_blocker_age: Option<Duration>,

    /// Start no rebuild while a standby lags behind by more than this [default: no limit]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub max_replica_lag: Option<Duration>,

    /// Which session to cancel when a rebuild is certain to deadlock; an ANALYZE or a concurrent
    /// index build of another session is always the one, because it can simply be repeated
    /// [default: postgres]
    #[arg(long, value_enum, value_name = "WHO")]
    pub deadlock_victim: Option<DeadlockVictim>,

    /// Which session gives way when DDL such as ALTER TABLE waits for a rebuild and blocks the
    /// application [default: warn]
    #[arg(long, value_enum, value_name = "WHO")]
    pub yield_to_ddl: Option<YieldToDdl>,

    /// Write events as JSON to standard error, one a line; needs --format json
    #[arg(long, conflicts_with = "echo")]
    pub events: bool,

    /// Never show statements of other sessions
    #[arg(long)]
    pub no_query_text: bool,

    /// maintenance_work_mem of each session that rebuilds: 512MB [default: the server's setting]
    #[arg(long, value_name = "SIZE")]
    pub maintenance_work_mem: Option<String>,
}

fn bloat(text: &str) -> std::result::Result<f64, String> {
    let times = text.parse().ok().filter(|times| config::is_bloat(*times));
    times.ok_or_else(|| "expected a number, 1 or more".to_owned())
}

impl Command for Args {
    const NAME: &'static str = "reindex";
    const EXAMPLES: &'static [Example] = &[
        (
            "pgtend reindex --dry-run",
            "Show what is bloated or invalid, and what that costs",
        ),
        (
            "pgtend reindex -q --needed --window 01:00-05:00",
            "From cron: rebuild what needs it, at night only",
        ),
        ("pgtend reindex --table crm.sales", "Rebuild all indexes of a table"),
    ];
    const SEE_ALSO: &'static [&'static str] = &["apply", "vacuum", "history", "activity"];
    const ON_SIGNAL: OnSignal = OnSignal::CleansUp;
    const TARGETS: Targets = Targets::Several;

    fn wants_events(&self) -> bool {
        self.events
    }

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let deadline = match self.hours.deadline(context).await? {
            Time::Left(deadline) => deadline,
            Time::Closed => return Ok(Box::new(WindowClosed)),
        };
        let policy = self.policy(context);
        let database =
            context.unless_cancelled(context.open(&self.connect_options(context))).await?;
        let options = self.options(context, &database)?;
        let owner = context.config.history.owner.as_deref();
        let lock = match self.dry_run {
            true => None,
            false => {
                require_sound(&database)?;
                let taking = RunLock::take(&database, ExclusiveJob::Reindex, Duration::ZERO);
                Some(context.unless_cancelled(taking).await?)
            }
        };
        let looked = context.unless_cancelled(look(&database, &options, owner)).await?;
        let ReindexStart { facts, mut plan, schema, trouble } = looked;
        let Some(lock) = lock else {
            plan.warnings.extend(trouble);
            let rows = report::rows(&plan);
            let overview = Some(Overview(Box::new(move |style| report::planned(&rows, style))));
            return Ok(Box::new(DryRunReport {
                plan,
                rest: SettledObjects::Explained("indexes"),
                overview,
            }));
        };
        if plan.has_work() {
            plan.warnings.extend(circumstances(&database, &policy).await?);
        }
        let limits = Limits { policy, deadline, schema: Some(schema), trouble };
        let run = async |mut execution: Execution<'_>, plan: &Plan| {
            execution.progress_estimate = ProgressEstimate::with_past(facts.past.values());
            Ok(Reindexing::new(execution, &lock).run(plan).await)
        };
        let done = context.execute(&database, plan, limits, run).await?;
        Ok(context.executed(done, REINDEX))
    }
}

/// What is known before the work begins, and what follows from it.
struct ReindexStart {
    facts: Facts,
    plan: Plan,
    /// Of the history.
    schema: Known<HistorySchema>,
    /// That the history cannot be read is a warning.
    trouble: Option<Warning>,
}

async fn look(database: &Database, options: &Options, owner: Option<&str>) -> Result<ReindexStart> {
    let session = database.reader().await?;
    let mut facts = Facts {
        indexes: reindex::load_reindexable(&session, &database.server).await?,
        ..Facts::default()
    };
    let schema = history::load_schema(&session, owner).await.into();
    let trouble = remember(&session, &schema, &mut facts).await;
    if options.only_suspect {
        facts.suspicions = load_suspicions(&session, &database.server).await?;
    }
    let (facts, plan) = load_plan(&session, &database.server, facts, options).await?;
    Ok(ReindexStart { facts, plan, schema, trouble })
}

/// What the history tells of indexes. Returns why it could not be read.
async fn remember(
    session: &Session,
    schema: &Known<HistorySchema>,
    facts: &mut Facts,
) -> Option<Warning> {
    let asked = async {
        let past = history::load_last_maintenance(session, &["reindex"]).await?;
        Ok((past, reindex::load_births(session).await?))
    };
    let told = history::tell(schema, history::HistoryPart::Runs, asked).await;
    let (told, trouble) = record::recalled(told);
    if let Some((past, births)) = told {
        facts.past = past.into_iter().map(|index| (index.object.clone(), index)).collect();
        facts.births = births;
    }
    trouble
}

impl Args {
    fn options(&self, context: &Context, database: &Database) -> Result<Options> {
        let ReindexConfig { min_bloat, min_size, .. } = context.config.reindex;
        let schemas = self.schema.iter().map(|text| {
            glob::Pattern::new(text)
                .map_err(|error| Failure::usage(format!("--schema {text}: {error}")))
        });
        Ok(Options {
            indexes: patterns(&self.indexes)?,
            tables: patterns(&self.table)?,
            schemas: schemas.collect::<Result<_>>()?,
            exclude: patterns(&self.exclude)?,
            only_needed: self.needed
                || !self.suspect && self.indexes.is_empty() && self.table.is_empty(),
            only_suspect: self.suspect,
            gates: Gates {
                min_bloat: self.min_bloat.unwrap_or(min_bloat),
                min_saved: self.min_size.unwrap_or(min_size),
            },
            version: database.server.version,
        })
    }

    fn policy(&self, context: &Context) -> Policy {
        let waits = &context.config.apply;
        let jobs = self.jobs.map_or(context.config.reindex.jobs, usize::from);
        Policy {
            jobs: if self.gentle { 1 } else { jobs },
            gentle: self.gentle,
            max_wait: self.max_wait.unwrap_or(waits.max_wait),
            max_blocker_age: self.max_blocker_age.unwrap_or(waits.max_blocker_age),
            max_replica_lag: self.max_replica_lag.or(waits.max_replica_lag),
            deadlock_victim: self.deadlock_victim.unwrap_or_default(),
            yield_to_ddl: self.yield_to_ddl.unwrap_or_default(),
            shows_query_text: !self.no_query_text,
        }
    }

    fn connect_options(&self, context: &Context) -> ConnectOptions {
        let memory = self
            .maintenance_work_mem
            .clone()
            .or_else(|| context.config.apply.maintenance_work_mem.clone());
        let settings = memory.map(|memory| ("maintenance_work_mem".to_owned(), memory));
        ConnectOptions {
            command: Self::NAME,
            maintainers: self.policy(context).jobs,
            errand: Errand::Own,
            settings: settings.into_iter().collect(),
            orphans: OrphanPolicy::Ends,
            echo: context.echo(),
        }
    }
}

fn patterns(texts: &[String]) -> Result<Vec<NamePattern>> {
    let parse = |text: &String| {
        NamePattern::parse(text).map_err(|error| {
            Failure::usage(format!("{text} is not a name or pattern: {error}"))
                .hint("write it as in psql: sales_pkey, crm.*, '\"Sales\"'")
        })
    };
    texts.iter().map(parse).collect()
}
