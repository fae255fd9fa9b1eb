//! `pgtend apply`.

use crate::app::command::{Command, OnSignal, Targets};
use std::time::Duration;

use super::apply_report::APPLY;
use super::plan::{Selection, open};
use crate::app::Context;
use crate::app::execute::Limits;
use crate::duration;
use crate::facts::{self, Known};
use crate::failure::{Failure, Kind, Result};
use crate::format;
use crate::output::Report;
use crate::output::dry_run::{DryRunReport, Rest};
use crate::pg::advisory::{Job, RunLock};
use crate::pg::database::{ConnectOptions, Database, Errand, OrphanPolicy};
use crate::warning::Warning;
use crate::work::apply::load::load_plan;
use crate::work::plan::Plan;
use crate::work::{Apply, DeadlockVictim, Execution, Policy, YieldToDdl};

/// Make the database match the SQL files, online
///
/// Builds missing indexes with CREATE INDEX CONCURRENTLY, heals invalid ones, creates missing
/// materialized views, and runs the declared ANALYZE and VACUUM where this run changed the table or
/// they were never done. Reads and writes of the application go on all the while. An index or view
/// is called done when the catalog shows it as declared. One that fails does not stop the others.
///
/// An index or view that you did not declare is never dropped, and no session of others is ever
/// cancelled. A declared index with another definition than the declared one is only replaced with
/// --replace.
///
/// Ctrl-C cancels the running builds, drops what is half-made and reports; a second Ctrl-C leaves at
/// once and prints the SQL that cleans up. A run that was stopped in any way can simply be started
/// again.
///
/// What was done is written to the history where `pgtend init` has made a place for it.
///
/// Exits with 4 if something failed or needs a person, with 5 if another apply is at work on the
/// database; `pgtend help` lists all exit codes.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    /// What is wanted.
    pub selection: Selection,

    /// How many tables to work on at once; never two builds on one table [default: 2]
    #[arg(short, long, value_name = "N", value_parser = crate::app::jobs())]
    pub jobs: Option<u16>,

    /// Leave the server's cores to the application: one build at a time, without parallel workers
    #[arg(long, conflicts_with = "jobs")]
    pub gentle: bool,

    /// Let running builds go on if this process dies or its connection breaks; the next run watches
    /// them to their end. Otherwise the server ends them within seconds
    #[arg(long)]
    pub detach: bool,

    /// Print the statements that would be sent, and send none of them
    #[arg(long)]
    pub dry_run: bool,

    /// How long one object may wait for other sessions in all, before it is given up and cleaned up:
    /// 90s, 30min, 2h [default: 30min]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub max_wait: Option<Duration>,

    /// Begin no build while a transaction that would hold it up is older than this; wait for it
    /// instead, for --max-wait at most [default: 5min]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub max_blocker_age: Option<Duration>,

    /// Begin no build while a standby is further behind than this [default: not looked at]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub max_replica_lag: Option<Duration>,

    /// How long to wait for another apply on this database to end, before exiting with 5
    /// [default: 0s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub wait: Option<Duration>,

    /// Who is ended in a certain deadlock with a build: the other session, the build itself, or
    /// whom PostgreSQL chooses. ANALYZE and concurrent index statements of others always are the
    /// victim: they can simply be repeated [default: postgres]
    #[arg(long, value_enum, value_name = "WHO")]
    pub deadlock_victim: Option<DeadlockVictim>,

    /// Who gives way when somebody's ALTER TABLE (or the like) waits for a build and holds up the
    /// application: nobody but a warning, the build itself, or the waiter [default: warn]
    #[arg(long, value_enum, value_name = "WHO")]
    pub yield_to_ddl: Option<YieldToDdl>,

    /// Stream what happens as JSON, one event a line on standard error (with --format json)
    #[arg(long, conflicts_with = "echo")]
    pub events: bool,

    /// Never show other sessions' statements
    #[arg(long)]
    pub no_query_text: bool,

    /// maintenance_work_mem of each session that builds, for example 512MB [default: the server's
    /// setting]
    #[arg(long, value_name = "SIZE")]
    pub maintenance_work_mem: Option<String>,
}

impl Command for Args {
    const NAME: &'static str = "apply";
    const ON_SIGNAL: OnSignal = OnSignal::CleansUp;
    const TARGETS: Targets = Targets::Several;

    fn wants_events(&self) -> bool {
        self.events
    }

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let declaration = self.selection.declaration(context)?;
        let options = self.selection.options(context)?;
        let policy = self.policy(context);
        let database = context
            .unless_cancelled(open(context, &self.connect_options(context), &declaration))
            .await?;
        if self.dry_run {
            let plan =
                context.unless_cancelled(load_plan(&database, &declaration, &options)).await?;
            return Ok(Box::new(DryRunReport { plan, rest: Rest::Counted }));
        }
        require_sound(&database)?;
        let wait = self.wait.unwrap_or(context.config.apply.wait);
        let lock = context.unless_cancelled(RunLock::take(&database, Job::Apply, wait)).await?;
        let mut plan =
            context.unless_cancelled(load_plan(&database, &declaration, &options)).await?;
        if plan.has_work() {
            plan.warnings.extend(circumstances(&database, &policy).await?);
        }
        let limits = Limits { policy, deadline: None, schema: None, trouble: None };
        let run = async |execution: Execution<'_>, plan: &Plan| {
            Ok(Apply::new(execution, &lock, &options).run(plan).await)
        };
        let done = context.execute(&database, plan, limits, run).await?;
        Ok(context.executed(done, APPLY))
    }
}

/// What must be true before anything is changed.
fn require_sound(database: &Database) -> Result<()> {
    database.require_writable()?;
    if database.server.version.corrupts_concurrent_builds() {
        return Err(Failure::new(
            Kind::Unsupported,
            format!("PostgreSQL {} builds corrupt indexes concurrently", database.server.version),
        )
        .hint("update to 14.4 or later first (release notes of 14.4, bug 17485)"));
    }
    Ok(())
}

/// What about the server the reader should know before builds begin.
async fn circumstances(database: &Database, policy: &Policy) -> Result<Vec<Warning>> {
    let mut warnings = Vec::new();
    let mut warn = |rule, object: &str, message: String| {
        warnings.push(Warning { rule, object: object.to_owned(), message });
    };
    if !database.server.sees_all_statistics {
        let message = format!(
            "{} may not see what other roles do (pg_read_all_stats), so whom a build waits for is \
             told only in part",
            database.server.role
        );
        warn("limited_view", &database.server.database, message);
    }
    let session = database.reader().await?;
    let replication = facts::load_replication(&session, &database.server).await?;
    for (standby, lag) in replication.standbys.iter().filter(|_| policy.max_replica_lag.is_some()) {
        if let Known::Unavailable(why) = lag {
            let message = format!(
                "how far this standby is behind is not known, so no build waits for it: {why}"
            );
            warn("replica-lag-unknown", standby, message);
        }
    }
    for (slot, bytes) in replication.inactive_slots {
        let held = format::bytes(bytes);
        let message =
            format!("nobody reads this slot, and it holds back {held} of WAL; builds add to it");
        warn("inactive_slot", &slot, message);
    }
    Ok(warnings)
}

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
