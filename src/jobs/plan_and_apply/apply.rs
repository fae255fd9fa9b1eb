//! `pgtend apply`.

use crate::app::command::{Command, OnSignal, Targets};
use crate::app::manual::Example;
use std::time::Duration;

use super::apply_report::APPLY;
use super::plan::{ObjectSelection, open};
use super::plan_report::PlanReport;
use crate::app::Context;
use crate::app::execute::Limits;
use crate::app::hours::{Time, TimeOfDay, WhenClosed, WindowClosed};
use crate::duration;
use crate::facts::Known;
use crate::facts::history::{self, HistorySchema, PastMaintenance};
use crate::failure::Result;
use crate::output::Report;
use crate::output::dry_run::{self, DryRunReport};
use crate::pg::advisory::ExclusiveJob;
use crate::pg::database::{ConnectOptions, Database, Errand, OrphanPolicy};
use crate::warning::Warning;
use crate::work::apply::load::load_plan;
use crate::work::circumstances::{circumstances, require_sound};
use crate::work::plan::Plan;
use crate::work::progress_estimate::ProgressEstimate;
use crate::work::record;
use crate::work::time::{Deadline, Rest};
use crate::work::{Apply, DeadlockVictim, Execution, Policy, YieldToDdl};

/// Make the database match the SQL files, online
///
/// Builds missing indexes with CREATE INDEX CONCURRENTLY, rebuilds invalid ones, creates missing
/// materialized views, and runs the declared ANALYZE and VACUUM where this run changed the table or
/// they never ran. The application keeps reading and writing. An index or view is done when the
/// catalog shows it as declared. If one fails, the others continue.
///
/// pgtend never drops an index or view that you did not declare. It replaces a declared index whose
/// definition differs only with --replace. It cancels a statement of another session in two cases
/// only: an ANALYZE or a concurrent index build that is in a certain deadlock with a build
/// (--deadlock-victim widens this), and DDL that waits for a build, with --yield-to-ddl waiter.
///
/// Ctrl-C cancels the running builds, drops what is incomplete and reports. A second Ctrl-C exits
/// at once and prints the SQL that cleans up. After any interruption, start the same command again.
///
/// If `pgtend init` was run, apply writes what it did to the history.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    /// What is wanted.
    pub selection: ObjectSelection,

    /// Tables to work on at once; never two builds on one table [default: 2]
    #[arg(short, long, value_name = "N", value_parser = crate::app::jobs())]
    pub jobs: Option<u16>,

    /// Build one index at a time, without parallel workers
    #[arg(long, conflicts_with = "jobs")]
    pub gentle: bool,

    /// Let running builds continue if this process dies; the next run watches them to their end
    /// [default: the server cancels them within seconds]
    #[arg(long)]
    pub detach: bool,

    /// Print the statements that apply would send, and send none
    #[arg(long)]
    pub dry_run: bool,

    /// Longest time one object may wait for other sessions before pgtend gives it up: 90s, 30min,
    /// 2h [default: 30min]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub max_wait: Option<Duration>,

    /// Start no build while a transaction that would block it is older than this; wait for it
    /// instead, up to --max-wait [default: 5min]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub max_blocker_age: Option<Duration>,

    /// Start no build while a standby lags behind by more than this [default: no limit]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub max_replica_lag: Option<Duration>,

    /// Longest time to wait for another apply on this database before exiting with 5 [default: 0s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub wait: Option<Duration>,

    /// Start nothing that would not finish within this time, and cancel what still runs then; what
    /// is left is not a failure
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub time_limit: Option<Duration>,

    #[command(flatten)]
    pub day: TimeOfDay,

    /// Which session to cancel when a build is certain to deadlock; an ANALYZE or a concurrent
    /// index build of another session is always the one, because it can simply be repeated
    /// [default: postgres]
    #[arg(long, value_enum, value_name = "WHO")]
    pub deadlock_victim: Option<DeadlockVictim>,

    /// Which session gives way when DDL such as ALTER TABLE waits for a build and blocks the
    /// application [default: warn]
    #[arg(long, value_enum, value_name = "WHO")]
    pub yield_to_ddl: Option<YieldToDdl>,

    /// Write events as JSON to standard error, one a line; needs --format json
    #[arg(long, conflicts_with = "echo")]
    pub events: bool,

    /// Never show statements of other sessions
    #[arg(long)]
    pub no_query_text: bool,

    /// maintenance_work_mem of each session that builds: 512MB [default: the server's setting]
    #[arg(long, value_name = "SIZE")]
    pub maintenance_work_mem: Option<String>,
}

impl Command for Args {
    const NAME: &'static str = "apply";
    const EXAMPLES: &'static [Example] = &[
        ("pgtend apply db/", "Build what is missing, rebuild what is invalid"),
        (
            "pgtend apply --dry-run db/ > run.sql",
            "Write the statements to a file; psql can run it",
        ),
        (
            "pgtend apply --index 'idx_sales_*' --max-wait 10min db/",
            "Build some of the indexes, and give up after waiting ten minutes",
        ),
        (
            "pgtend apply --for-schema 'tenant_*' db/",
            "In each tenant's schema, one after the other",
        ),
    ];
    const SEE_ALSO: &'static [&'static str] = &["plan", "history", "activity"];
    const ON_SIGNAL: OnSignal = OnSignal::CleansUp;
    const TARGETS: Targets = Targets::Several;

    fn wants_events(&self) -> bool {
        self.events
    }

    fn for_schemas(&self) -> &[String] {
        &self.selection.for_schema
    }

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let declaration = self.selection.declaration(context)?;
        let options = self.selection.options(context)?;
        let limit = |limit| Deadline::of_limit(context.began(), limit, Rest::IsLeft);
        let limit = self.time_limit.map(limit);
        let deadline = match self.day.deadline(context, limit, WhenClosed::Leave).await? {
            Time::Left(deadline) => deadline,
            Time::Closed => return Ok(Box::new(WindowClosed)),
        };
        let policy = self.policy(context);
        let database = context
            .unless_cancelled(open(context, &self.connect_options(context), &declaration))
            .await?;
        if self.dry_run {
            let plan =
                context.unless_cancelled(load_plan(&database, &declaration, &options)).await?;
            return Ok(Box::new(DryRunReport {
                plan,
                rest: dry_run::SettledObjects::Counted,
                overview: None,
            }));
        }
        require_sound(&database)?;
        let wait = self.wait.unwrap_or(context.config.apply.wait);
        let lock = context.run_lock(&database, ExclusiveJob::Apply, wait);
        let lock = context.unless_cancelled(lock).await?;
        let mut plan =
            context.unless_cancelled(load_plan(&database, &declaration, &options)).await?;
        if plan.has_work() {
            plan.warnings.extend(circumstances(&database, &policy).await?);
        }
        if plan.has_work() {
            context.console.preview(&PlanReport::of(&plan));
        }
        let owner = context.config.history.owner.as_deref();
        let past = match &deadline {
            Some(_) if plan.has_work() => load_past_builds(&database, owner).await?,
            _ => PastBuilds::default(),
        };
        let PastBuilds { builds, schema, trouble } = past;
        let limits = Limits { policy, deadline, schema, trouble };
        let run = async |mut execution: Execution<'_>, plan: &Plan| {
            execution.progress_estimate = ProgressEstimate::with_past(builds.iter());
            Ok(Apply::new(execution, &lock, &options).run(plan).await)
        };
        let done = context.execute(&database, plan, limits, run).await?;
        Ok(context.executed(done, APPLY))
    }
}

/// What the history tells of builds, for those who have to end in time.
#[derive(Default)]
struct PastBuilds {
    builds: Vec<PastMaintenance>,
    schema: Option<Known<HistorySchema>>,
    /// That the history cannot be read is a warning.
    trouble: Option<Warning>,
}

async fn load_past_builds(database: &Database, owner: Option<&str>) -> Result<PastBuilds> {
    let session = database.reader().await?;
    let schema = Known::from(history::load_schema(&session, owner).await);
    let asked = history::load_last_maintenance(&session, BUILDS);
    let told = history::tell(&schema, history::HistoryPart::Runs, asked).await;
    let (builds, trouble) = record::recalled(told);
    Ok(PastBuilds {
        builds: builds.unwrap_or_default(),
        schema: Some(schema),
        trouble,
    })
}

/// The commands that build indexes.
const BUILDS: &[&str] = &["apply", "reindex"];

impl Args {
    fn policy(&self, context: &Context) -> Policy {
        let configured = &context.config.apply;
        Policy {
            jobs: if self.gentle {
                1
            } else {
                self.jobs.map_or(configured.jobs, usize::from)
            },
            gentle: self.gentle,
            max_wait: self.max_wait.unwrap_or(configured.max_wait),
            max_blocker_age: self.max_blocker_age.unwrap_or(configured.max_blocker_age),
            max_replica_lag: self.max_replica_lag.or(configured.max_replica_lag),
            deadlock_victim: self.deadlock_victim.unwrap_or_default(),
            yield_to_ddl: self.yield_to_ddl.unwrap_or_default(),
            shows_query_text: !self.no_query_text,
        }
    }

    fn connect_options(&self, context: &Context) -> ConnectOptions {
        let configured = &context.config.apply;
        let memory = self
            .maintenance_work_mem
            .clone()
            .or_else(|| configured.maintenance_work_mem.clone());
        ConnectOptions {
            command: "apply",
            maintainers: self.policy(context).jobs,
            errand: Errand::Own,
            settings: memory
                .map(|memory| ("maintenance_work_mem".to_owned(), memory))
                .into_iter()
                .collect(),
            orphans: if self.detach {
                OrphanPolicy::Survives
            } else {
                OrphanPolicy::Ends
            },
            echo: context.echo(),
        }
    }
}
