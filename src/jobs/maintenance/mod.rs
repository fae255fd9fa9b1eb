//! What `pgtend vacuum` and `pgtend analyze` share: which tables, when, and how it is told.

pub mod analyze;
pub mod report;
pub mod vacuum;

use std::collections::HashMap;
use std::path::PathBuf;

use crate::app::Context;
use crate::app::execute::Limits;
use crate::app::hours::{Hours, Time, WindowClosed};
use crate::config;
use crate::facts::history::{self, HistorySchema};
use crate::facts::{self, Known, TableMaintenance, Unavailable};
use crate::failure::{Failure, Kind, Result};
use crate::format;
use crate::output::Report;
use crate::output::dry_run::{DryRunReport, Overview, SettledObjects};
use crate::output::metrics::{self, JobSeries};
use crate::pg::database::{ConnectOptions, Database, Errand, OrphanPolicy};
use crate::pg::name_pattern::NamePattern;
use crate::warning::Warning;
use crate::work::event::{Executed, ExecutedStep};
use crate::work::maintenance::plan::{
    self, MaintenanceOptions, Sieve, TableJob, TableSelection, VacuumOptions,
};
use crate::work::maintenance::{Idle, MaintenanceRun};
use crate::work::plan::{Plan, Subject};
use crate::work::progress_estimate::ProgressEstimate;
use crate::work::record;
use crate::work::{Execution, Policy};
use report::MAINTENANCE;

/// Which tables, when, and how it is told.
#[derive(Debug, clap::Args)]
pub struct Tables {
    /// Tables and materialized views: names and patterns (* and ?), as in psql: sales, crm.*,
    /// '"Sales"'; a name without a schema is looked up in the search path [default: `tables` of the
    /// configuration, else every table that is due]
    #[arg(value_name = "TABLE")]
    pub tables: Vec<String>,

    /// Only tables that are due by autovacuum's own rule, or nearly (--threshold) [default where no
    /// table is named]
    #[arg(long)]
    pub needed: bool,

    /// Every table of the database
    #[arg(long, conflicts_with_all = ["tables", "needed"])]
    pub all: bool,

    /// With --needed: the share of autovacuum's threshold at which a table is due [default: 0.5]
    #[arg(long, value_name = "SHARE", value_parser = share, allow_negative_numbers = true)]
    pub threshold: Option<f64>,

    /// Only tables in schemas whose name matches this pattern; repeatable
    #[arg(short = 'n', long, value_name = "GLOB")]
    pub schema: Vec<String>,

    /// Leave out these tables; repeatable
    #[arg(long, value_name = "TABLE")]
    pub exclude: Vec<String>,

    /// Tables to work on at once [default: 1]
    #[arg(short, long, value_name = "N", value_parser = crate::app::jobs())]
    pub jobs: Option<u16>,

    /// Skip locked tables [default: try them again at the end, then count them as failed]
    #[arg(long)]
    pub skip_locked: bool,

    #[command(flatten)]
    pub hours: Hours,

    /// Show what is due and why, and the statements; send none
    #[arg(long)]
    pub dry_run: bool,

    /// Write metrics for Prometheus (node_exporter's textfile collector) to this file
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,

    /// Work slowly, as autovacuum does (vacuum_cost_delay)
    #[arg(long)]
    pub gentle: bool,

    /// Write events as JSON to standard error, one a line; needs --format json
    #[arg(long)]
    pub events: bool,
}

/// What one of the two commands does.
pub struct TableCommand {
    /// The command's name.
    pub command: &'static str,
    /// VACUUM or ANALYZE.
    pub job: TableJob,
    /// How VACUUM goes about it.
    pub vacuum: VacuumOptions,
    /// What the configuration says.
    pub configured: config::Maintenance,
}

/// Runs the work.
///
/// # Errors
/// Whatever keeps the first statement from being sent.
pub async fn run(context: &Context, args: &Tables, work: TableCommand) -> Result<Box<dyn Report>> {
    args.metrics_file.as_deref().map_or(Ok(()), metrics::check)?;
    let (selection, only_needed) = args.selection(&work.configured.tables)?;
    let filters = args.filters()?;
    let deadline = match args.hours.deadline(context).await? {
        Time::Left(deadline) => deadline,
        Time::Closed => return Ok(Box::new(WindowClosed)),
    };
    let database = context
        .unless_cancelled(context.open(&args.connect_options(context, &work)))
        .await?;
    plan::check(&work.vacuum, database.server.version)?;
    let options = MaintenanceOptions {
        job: work.job,
        selection,
        only_needed,
        threshold: args.threshold(&work.configured)?,
        exclude: filters.exclude,
        schemas: filters.schemas,
        vacuum: work.vacuum,
        version: database.server.version,
    };
    let owner = context.config.history.owner.as_deref();
    let told = report::told(context.console.options());
    let look = look(&database, work.command, &options, told, owner);
    let MaintenanceStart { facts, schema, trouble } = context.unless_cancelled(look).await?;
    let mut plan = plan::plan(&facts, &options)?;
    if args.dry_run {
        plan.warnings.extend(trouble);
        let rows = report::due_rows(&plan, &facts, options.threshold);
        let overview = Some(Overview(Box::new(move |style| report::due_table(&rows, style))));
        let rest = SettledObjects::Explained("tables");
        return Ok(Box::new(DryRunReport { plan, rest, overview }));
    }
    database.require_writable()?;
    let limits = Limits {
        policy: args.policy(&work.configured),
        deadline,
        schema: Some(schema),
        trouble,
    };
    let run = async |mut execution: Execution<'_>, plan: &Plan| {
        execution.progress_estimate = ProgressEstimate::with_past(facts.past.values());
        let run = MaintenanceRun {
            execution,
            skips_locked: args.skip_locked,
            ends_with_database_statistics: database.server.version.has_vacuum_options_of_16(),
            before: &facts,
            idle: Idle::default(),
        };
        Ok(run.run(plan).await)
    };
    let mut done = context.execute(&database, plan, limits, run).await?;
    done.warnings.extend(not_removable(&database, &done).await);
    let trouble = args.write_metrics(work.command, &database, &done);
    done.warnings.extend(trouble);
    Ok(context.executed(done, MAINTENANCE))
}

/// What is known before the work begins.
struct MaintenanceStart {
    facts: TableMaintenance,
    /// Of the history.
    schema: Known<HistorySchema>,
    /// That the history cannot be read is a warning.
    trouble: Option<Warning>,
}

async fn look(
    database: &Database,
    command: &str,
    options: &MaintenanceOptions,
    told: usize,
    owner: Option<&str>,
) -> Result<MaintenanceStart> {
    let session = database.reader().await?;
    let schema = history::load_schema(&session, owner).await.into();
    let commands = [command];
    let last = history::load_last_maintenance(&session, &commands);
    let past = history::tell(&schema, history::HistoryPart::Runs, last).await;
    let (recalled, trouble) = record::recalled(past);
    let mut sieve = Sieve::new(options, told);
    let keeps = |settings: &_, table: &_| sieve.keeps(settings, table);
    let facts = facts::load_table_maintenance(
        &session,
        &database.server,
        recalled.unwrap_or_default(),
        keeps,
    )
    .await?;
    sieve.require_schemas()?;
    let facts = TableMaintenance { not_due: sieve.not_due(), ..facts };
    Ok(MaintenanceStart { facts, schema, trouble })
}

/// A share of dead rows that is worth a word where VACUUM could not remove them.
const MANY_LEFT: i64 = 1000;

/// Dead rows that VACUUM had to leave, and who keeps them.
async fn not_removable(database: &Database, done: &Executed) -> Vec<Warning> {
    let left = done
        .steps
        .iter()
        .filter_map(|ExecutedStep { step, outcome }| {
            let Subject::TableMaintenance(target) = &step.subject else {
                return None;
            };
            let left = outcome.maintained()?.change?.dead_rows_after;
            (target.vacuum && left >= MANY_LEFT).then_some((step, left))
        })
        .collect::<Vec<_>>();
    if left.is_empty() {
        return Vec::new();
    }
    let holders = match database.reader().await {
        Ok(session) => facts::load_horizon(&session, &database.server).await,
        Err(failure) => Unavailable::from(failure).into(),
    };
    let who = report::horizon(&holders);
    let warnings = left.iter().map(|(step, rows)| Warning {
        rule: "dead_rows_left",
        object: step.object.to_string(),
        message: format!("{} dead rows cannot be removed yet{who}", format::whole(*rows)),
    });
    warnings.collect()
}

/// Patterns of what is left out.
struct Filters {
    exclude: Vec<NamePattern>,
    schemas: Vec<glob::Pattern>,
}

const NO_SHARE: &str = "expected a number; 1 is autovacuum's own threshold";

fn is_share(threshold: f64) -> bool {
    threshold.is_finite() && threshold >= 0.0
}

/// How much of what autovacuum waits for.
fn share(text: &str) -> std::result::Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| is_share(*share))
        .ok_or_else(|| NO_SHARE.to_owned())
}

impl Tables {
    fn write_metrics(
        &self,
        job: &'static str,
        database: &Database,
        done: &Executed,
    ) -> Option<Warning> {
        let file = self.metrics_file.as_ref()?;
        let worked_on = done.steps.iter().filter(|done| !done.outcome.is_fresh());
        let series = JobSeries { job, label: "table" };
        series.write(file, &database.server.database, worked_on, &HashMap::new())
    }

    /// Which tables, and whether only those that are due.
    fn selection(&self, configured: &[String]) -> Result<(TableSelection, bool)> {
        if self.all {
            return Ok((TableSelection::All, false));
        }
        let is_named = !self.tables.is_empty();
        let named = if is_named || self.needed {
            &self.tables[..]
        } else {
            configured
        };
        if named.is_empty() {
            return Ok((TableSelection::All, true));
        }
        let wanted = named
            .iter()
            .map(|text| plan::wanted(text).map_err(|error| wrong_name(text, &error)));
        Ok((TableSelection::Matching(wanted.collect::<Result<_>>()?), self.needed))
    }

    fn filters(&self) -> Result<Filters> {
        let exclude = self
            .exclude
            .iter()
            .map(|text| NamePattern::parse(text).map_err(|error| wrong_name(text, &error)));
        let schemas = self.schema.iter().map(|text| {
            glob::Pattern::new(text)
                .map_err(|error| Failure::usage(format!("--schema {text}: {error}")))
        });
        Ok(Filters {
            exclude: exclude.collect::<Result<_>>()?,
            schemas: schemas.collect::<Result<_>>()?,
        })
    }

    fn threshold(&self, configured: &config::Maintenance) -> Result<f64> {
        let threshold = self.threshold.unwrap_or(configured.threshold);
        if is_share(threshold) {
            return Ok(threshold);
        }
        Err(Failure::new(Kind::Config, format!("threshold = {threshold} {NO_SHARE}")))
    }

    fn policy(&self, configured: &config::Maintenance) -> Policy {
        let jobs = self.jobs.map_or(configured.jobs, usize::from);
        Policy {
            jobs,
            max_wait: std::time::Duration::MAX,
            ..Policy::default()
        }
    }

    fn connect_options(&self, context: &Context, work: &TableCommand) -> ConnectOptions {
        ConnectOptions {
            command: work.command,
            maintainers: self.policy(&work.configured).jobs,
            errand: Errand::Own,
            settings: if self.gentle { gentle_settings() } else { Vec::new() },
            orphans: OrphanPolicy::Ends,
            echo: context.echo(),
        }
    }
}

/// What autovacuum does by default (PostgreSQL documentation, 20.4.4): a pause of 2 ms whenever about
/// 200 pages were touched. By itself VACUUM makes none.
fn gentle_settings() -> Vec<(String, String)> {
    let settings = [("vacuum_cost_delay", "2ms"), ("vacuum_cost_limit", "200")];
    settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn wrong_name(text: &str, error: &str) -> Failure {
    Failure::usage(format!("{text} is not a table name or pattern: {error}"))
        .hint("write it as in psql: sales, crm.*, '\"Sales\"', 'sales (amount)'")
}
