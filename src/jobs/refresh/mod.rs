//! `pgtend refresh`.

pub mod report;

use crate::app::command::{Command, OnSignal, Targets};
use crate::app::manual::Example;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::app::Context;
use crate::app::execute::Limits;
use crate::app::hours::{Time, TimeOfDay, WhenClosed, WindowClosed};
use crate::config::Mode;
use crate::did_you_mean;
use crate::duration;
use crate::facts::history::{self, HistorySchema};
use crate::facts::refresh::Facts;
use crate::facts::{self, Known};
use crate::failure::{Failure, Result};
use crate::output::Report;
use crate::output::dry_run::{self, DryRunReport};
use crate::output::metrics::{self, JobSeries};
use crate::pg::advisory::ObjectLocks;
use crate::pg::database::{ConnectOptions, Database, Errand, OrphanPolicy};
use crate::pg::name_pattern::NamePattern;
use crate::warning::Warning;
use crate::work::plan::Plan;
use crate::work::record;
use crate::work::refresh::plan::{self, RefreshOptions, ViewSelection};
use crate::work::refresh::{LOCK_PATIENCE, Refreshing};
use crate::work::time::{Deadline, Rest};
use crate::work::{Execution, Policy};
use report::REFRESH;

/// Refresh materialized views, in the order in which they read each other
///
/// Readers never wait unexpectedly. A populated view is refreshed concurrently, which needs a
/// unique index on plain columns; without one, pgtend refreshes it only with --mode plain, which
/// makes readers wait. A view that was never populated is refreshed plainly, because nobody can
/// read it yet.
///
/// pgtend never refreshes a view twice at the same time, even from two hosts. It skips a view that
/// is being refreshed, or waits for it with --wait, and skips a view that reads one whose refresh
/// failed. After a large change it runs ANALYZE on the view, and VACUUM if more than a tenth of its
/// rows are dead.
///
/// With the history that `pgtend init` installs, --max-age and --if-changed skip views that are
/// fresh enough. If pgtend cannot tell whether a source changed, it refreshes the view and says
/// why.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Materialized views: names and patterns (* and ?), as in psql: sales, reports.mv_*,
    /// '"Sales"'; a name without a schema is looked up in the search path [default: `views` of the
    /// configuration]
    #[arg(value_name = "VIEW")]
    pub views: Vec<String>,

    /// Every materialized view of the database
    #[arg(long, conflicts_with = "views")]
    pub all: bool,

    /// Do it in each schema whose name matches this pattern (* and ?), for views that are named without a
    /// schema; repeatable
    #[arg(long, value_name = "GLOB")]
    pub for_schema: Vec<String>,

    /// Also refresh the materialized views that these read, before them
    #[arg(long)]
    pub with_dependencies: bool,

    /// How to refresh [default: auto]
    #[arg(long, value_enum, value_name = "MODE")]
    pub mode: Option<Mode>,

    /// Skip views that pgtend refreshed more recently than this: 90s, 30min, 24h; needs the history
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub max_age: Option<Duration>,

    /// Skip views whose tables were not written since the last refresh; needs the history
    #[arg(long)]
    pub if_changed: bool,

    /// Views to refresh at once, where they do not read each other [default: 1]
    #[arg(short, long, value_name = "N", value_parser = crate::app::jobs())]
    pub jobs: Option<u16>,

    /// Print the statements that refresh would send, and send none
    #[arg(long)]
    pub dry_run: bool,

    /// Longest time to wait for a refresh by another session, or for an index build that a refresh
    /// would block [default: 0s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub wait: Option<Duration>,

    /// Cancel what is running after this time, start nothing more, and exit with 4
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub time_limit: Option<Duration>,

    #[command(flatten)]
    pub day: TimeOfDay,

    /// Write metrics for Prometheus (node_exporter's textfile collector) to this file
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,

    /// Write events as JSON to standard error, one a line; needs --format json
    #[arg(long)]
    pub events: bool,

    /// Never show statements of other sessions
    #[arg(long)]
    pub no_query_text: bool,
}

impl Command for Args {
    const NAME: &'static str = "refresh";
    const EXAMPLES: &'static [Example] = &[
        ("pgtend refresh --all", "Refresh every materialized view"),
        (
            "pgtend refresh -q reports.daily_sales --max-age 1h",
            "From cron: refresh a view unless it is younger than an hour",
        ),
        (
            "pgtend refresh --all --if-changed --with-dependencies --dry-run",
            "Show what would be refreshed, and why",
        ),
        (
            "pgtend refresh daily_sales --for-schema 'tenant_*'",
            "In each tenant's schema, one after the other",
        ),
    ];
    const SEE_ALSO: &'static [&'static str] = &["history", "activity"];
    const ON_SIGNAL: OnSignal = OnSignal::CleansUp;
    const TARGETS: Targets = Targets::Several;

    fn wants_events(&self) -> bool {
        self.events
    }

    fn for_schemas(&self) -> &[String] {
        &self.for_schema
    }

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let began = context.began();
        self.metrics_file.as_deref().map_or(Ok(()), metrics::check)?;
        let limit = self.time_limit.map(|limit| Deadline::of_limit(began, limit, Rest::Fails));
        let deadline = match self.day.deadline(context, limit, WhenClosed::Leave).await? {
            Time::Left(deadline) => deadline,
            Time::Closed => return Ok(Box::new(WindowClosed)),
        };
        let selection = self.selection(context)?;
        let options = self.options(context, selection.clone().unwrap_or(ViewSelection::All));
        let database =
            context.unless_cancelled(context.open(&self.connect_options(context))).await?;
        let look = look(&database, &options, context.config.history.owner.as_deref());
        let RefreshStart { facts, schema, has_history, trouble } =
            context.unless_cancelled(look).await?;
        if selection.is_none() {
            return Err(nothing_named(&facts, &options));
        }
        let mut plan = plan::plan(&plan::choose(&facts.views, &options)?, &facts, &options);
        if self.dry_run {
            plan.warnings.extend(trouble);
            return Ok(Box::new(DryRunReport {
                plan,
                rest: dry_run::SettledObjects::Explained("views"),
                overview: None,
            }));
        }
        database.require_writable()?;
        let limits = Limits {
            policy: self.policy(context),
            deadline,
            schema: Some(schema),
            trouble,
        };
        let run = async |execution: Execution<'_>, plan: &Plan| {
            let locks = ObjectLocks::open(&database).await?;
            let wait = self.wait(context);
            Ok(Refreshing::new(execution, &options, &facts.last, has_history, wait, locks)
                .run(plan)
                .await)
        };
        let mut done = context.execute(&database, plan, limits, run).await?;
        if let Some(file) = &self.metrics_file {
            let series = JobSeries { job: "refresh", label: "view" };
            let (name, known) = (&database.server.database, successes(&facts));
            let trouble = series.write(file, name, done.steps.iter(), &known);
            done.warnings.extend(trouble);
        }
        Ok(context.executed(done, REFRESH))
    }
}

/// What the plan has to know, and whether there is a history.
struct RefreshStart {
    facts: Facts,
    /// Of the history.
    schema: Known<HistorySchema>,
    has_history: bool,
    /// That the history cannot be read is no reason not to refresh.
    trouble: Option<Warning>,
}

async fn look(
    database: &Database,
    options: &RefreshOptions,
    owner: Option<&str>,
) -> Result<RefreshStart> {
    let session = database.reader().await?;
    let schema = Known::from(history::load_schema(&session, owner).await);
    if let (true, Some(schema)) = (options.max_age.is_some() || options.if_changed, schema.known())
    {
        let why = "--max-age and --if-changed compare with the last refresh";
        schema
            .require_usable(history::HistoryPart::Runs)
            .map_err(|failure| failure.context(why))?;
    }
    let last = history::tell(
        &schema,
        history::HistoryPart::Runs,
        history::load_last_refreshes(&session, &[]),
    );
    let (last, trouble) = record::recalled(last.await);
    let has_history = last.is_some();
    let views = facts::load_views(&session, &database.server.search_path).await?;
    let asked = plan::asked(&plan::choose(&views, options)?, options);
    let past = last.unwrap_or_default();
    let facts = facts::refresh::load(&session, &database.server, views, past, &asked).await?;
    Ok(RefreshStart { facts, schema, has_history, trouble })
}

/// When each view was last refreshed by the history, in seconds since 1970.
fn successes(facts: &Facts) -> HashMap<String, f64> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |now| now.as_secs_f64());
    let known = facts.views.all.iter().filter_map(|view| {
        let last = facts.last.get(&view.oid)?;
        Some((view.name.to_string(), now - last.age.as_secs_f64()))
    });
    known.collect()
}

fn nothing_named(facts: &Facts, options: &RefreshOptions) -> Failure {
    let views = options.meant(&facts.views);
    let names = views.map(|view| view.name.to_string()).collect::<Vec<_>>();
    let failure = Failure::usage("no materialized view is named");
    if names.is_empty() {
        return failure.hint("the database has none");
    }
    failure.hint(format!(
        "name views, or set `views` under [refresh] in pgtend.toml, or use --all; there are: {}",
        did_you_mean::listed(&names)
    ))
}

impl Args {
    /// Which views; `None` where nobody says.
    fn selection(&self, context: &Context) -> Result<Option<ViewSelection>> {
        if self.all {
            return Ok(Some(ViewSelection::All));
        }
        let configured = &context.config.refresh.views;
        let named = if self.views.is_empty() { configured } else { &self.views };
        let patterns = named
            .iter()
            .map(|text| {
                NamePattern::parse(text).map_err(|error| {
                    Failure::usage(format!("{text}: this is no view's name or pattern: {error}"))
                        .hint("write it as in psql: sales, reports.mv_*, '\"Sales\"'")
                })
            })
            .collect::<Result<Vec<_>>>()?;
        if let Some(pattern) = patterns.iter().find(|it| it.has_schema() && context.scope.is_some())
        {
            let message =
                format!("{pattern} names its schema; --for-schema is for views without one");
            return Err(Failure::usage(message)
                .hint("leave the schema out, or refresh that view without --for-schema"));
        }
        Ok((!patterns.is_empty()).then_some(ViewSelection::Matching(patterns)))
    }

    fn options(&self, context: &Context, selection: ViewSelection) -> RefreshOptions {
        let configured = &context.config.refresh;
        RefreshOptions {
            selection,
            schema: context.schema().map(str::to_owned),
            with_dependencies: self.with_dependencies || configured.with_dependencies,
            mode: self.mode.unwrap_or(configured.mode),
            max_age: self.max_age.or(configured.max_age),
            if_changed: self.if_changed || configured.if_changed,
        }
    }

    fn wait(&self, context: &Context) -> Duration {
        self.wait.unwrap_or(context.config.refresh.wait)
    }

    fn policy(&self, context: &Context) -> Policy {
        let configured = &context.config.refresh;
        Policy {
            jobs: self.jobs.map_or(configured.jobs, usize::from),
            max_wait: self.wait(context).max(LOCK_PATIENCE),
            shows_query_text: !self.no_query_text,
            ..Policy::default()
        }
    }

    fn connect_options(&self, context: &Context) -> ConnectOptions {
        ConnectOptions {
            command: "refresh",
            maintainers: self.policy(context).jobs,
            errand: Errand::Own,
            settings: Vec::new(),
            orphans: OrphanPolicy::Ends,
            echo: context.echo(),
        }
    }
}
