//! `pgtend demo`: the whole tour on a throwaway server, with the example application.

mod advice;
pub mod report;

use crate::app::choice::Whole;
use crate::app::command::{Command, Connects};
use crate::app::manual::Example;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::app::Context;
use crate::work::apply::load::load_plan;
use pg_sandbox::{Kept, Sandbox};

use crate::declared::{self, Declaration, Others, SqlFile};
use crate::failure::Result;
use crate::format;
use crate::jobs::load::{Statement, median_ms};
use crate::jobs::plan_and_apply::plan_report::PlanReport;
use crate::output;
use crate::output::{Format, Outcome, Report};
use crate::pg::advisory::{ExclusiveJob, RunLock};
use crate::pg::database::{ConnectOptions, Database, Errand, OrphanPolicy, Workers};
use crate::pg::server_error::ServerError;
use crate::sandbox;
use crate::work::apply::plan::ApplyOptions;
use crate::work::event::Executed;
use crate::work::plan::Plan;
use crate::work::{Apply, Execution, Policy};
use report::{DemoReport, QueryDocument};

/// Show what pgtend does on a throwaway server
///
/// Starts a PostgreSQL server of its own in a temporary folder, fills it with generated data of
/// Nova CRM, a real-estate CRM, and times the application's hot queries. It lets `advise` look for the
/// indexes that they lack and `prove` measure these on a copy, plans and applies the indexes and the view
/// that the application's developers declared, and times the queries again. It does not use the database that -d, --target or
/// $DATABASE_URL names. At the end it stops and removes the server, unless you give --keep.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Number of customers; the CRM has twice as many sales [default: 100000]
    #[arg(long, value_name = "N", value_parser = Whole::<u32>::new(1, 100_000_000))]
    pub scale: Option<u32>,

    /// Keep the server running, and print how to connect to it and how to stop it
    #[arg(long)]
    pub keep: bool,

    /// Folder with initdb, postgres and pg_ctl [default: $PGTEND_PG_BIN, else the newest found]
    #[arg(long, value_name = "FOLDER")]
    pub pg_bin: Option<PathBuf>,
}

/// A file of the example application.
struct ExampleFile {
    name: &'static str,
    sql: &'static str,
}

macro_rules! example {
    ($path:literal) => {
        ExampleFile { name: $path, sql: include_str!(concat!("../../", $path)) }
    };
}

const DATABASE: &str = "nova";
const SCHEMA: ExampleFile = example!("sql/nova-crm/schema.sql");
const DATA: ExampleFile = example!("sql/nova-crm/data.sql");
const DECLARED: [ExampleFile; 3] = [
    example!("sql/nova-crm/declared/indexes.sql"),
    example!("sql/nova-crm/declared/views.sql"),
    example!("sql/nova-crm/declared/maintenance.sql"),
];
static WORKLOAD: [ExampleFile; 9] = [
    example!("sql/nova-crm/workload/customers_page.sql"),
    example!("sql/nova-crm/workload/customers_count.sql"),
    example!("sql/nova-crm/workload/customer_search.sql"),
    example!("sql/nova-crm/workload/customer_batch_status.sql"),
    example!("sql/nova-crm/workload/dashboard_customers_count.sql"),
    example!("sql/nova-crm/workload/dashboard_sales_totals.sql"),
    example!("sql/nova-crm/workload/dashboard_recent_sales.sql"),
    example!("sql/nova-crm/workload/dashboard_upcoming_appointments.sql"),
    example!("sql/nova-crm/workload/daily_summary.sql"),
];
/// How the application answered before it had what the declaration adds, where that differs.
static WORKLOAD_BEFORE: [ExampleFile; 1] =
    [example!("sql/nova-crm/workload-before/daily_summary.sql")];

impl Command for Args {
    const NAME: &'static str = "demo";
    const EXAMPLES: &'static [Example] = &[
        ("pgtend demo", "Show it all, in a minute or two"),
        ("pgtend demo --scale 1000000", "Use ten times as much data"),
        ("pgtend demo --keep", "Keep the server, to try the commands"),
    ];
    const SEE_ALSO: &'static [&'static str] = &["plan", "apply"];
    const CONNECTS: Connects = Connects::No;

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let sandbox = context.start_sandbox(sandbox::SEARCH.find(self.pg_bin.as_deref())?).await?;
        let database = fill(context, self, &sandbox).await?;
        let queries = workload(&WORKLOAD_BEFORE);
        let before = time_workload(context, &database, &queries).await?;
        let advised = advice::advised(context, self, &sandbox.url(DATABASE), &queries).await?;
        report::show_advice(context, &advised)?;
        let declaration = declared::understand(&DECLARED.each_ref().map(sql_file), Others::Refuse)?;
        let done = apply(context, &database, &declaration).await?;
        refresh(context, &database, &declaration).await?;
        let after = time_workload(context, &database, &workload(&[])).await?;
        drop(database);
        let kept = finish(self, sandbox)?;
        let queries = compare(&before, &after);
        Ok(Box::new(DemoReport { done, advised, queries, kept }))
    }
}

async fn fill(context: &Context, args: &Args, sandbox: &Sandbox) -> Result<Database> {
    let scale = args.scale.unwrap_or(context.config.demo.scale);
    let maintenance = open(context, &sandbox.url("postgres")).await?;
    send(&maintenance, &format!("CREATE DATABASE {DATABASE}")).await?;
    let database = open(context, &sandbox.url(DATABASE)).await?;
    context.origin.connected_to(&database.server);
    context
        .console
        .narrate(&format!("Filling it with Nova CRM: {scale} customers …"));
    let started = Instant::now();
    send(&database, SCHEMA.sql).await?;
    // One message is one transaction, so the setting is gone when the data is there.
    let data = format!("BEGIN; SET LOCAL nova.customers = '{scale}';\n{}\n; COMMIT", DATA.sql);
    send(&database, &data).await?;
    // As autovacuum would have done by now.
    send(&database, "ANALYZE").await?;
    context
        .console
        .narrate(&format!("Filled in {}.", format::duration(started.elapsed())));
    Ok(database)
}

async fn open(context: &Context, url: &str) -> Result<Database> {
    let connect_options = ConnectOptions {
        command: "demo",
        maintainers: context.config.apply.jobs,
        errand: Errand::Own,
        settings: Vec::new(),
        orphans: OrphanPolicy::Ends,
        echo: context.echo(),
    };
    sandbox::open(url, &connect_options).await
}

async fn send(database: &Database, sql: &str) -> Result<()> {
    let session = database.maintainer(Workers::AsConfigured).await?;
    session
        .enter(&database.server.search_path)
        .await
        .map_err(ServerError::into_failure)?;
    let sent = session.execute_script(sql).await;
    sent.map_err(|error| error.into_failure().context("preparing the demo"))
}

/// The queries of the workload, with these in place of those of the same name.
fn workload(instead: &'static [ExampleFile]) -> Vec<&'static ExampleFile> {
    let chosen = WORKLOAD.iter().map(|example| {
        let other = instead.iter().find(|other| query_name(other) == query_name(example));
        other.unwrap_or(example)
    });
    chosen.collect()
}

/// The median time of each query, in milliseconds.
async fn time_workload(
    context: &Context,
    database: &Database,
    queries: &[&ExampleFile],
) -> Result<Vec<f64>> {
    context.console.narrate("Timing the application's hot queries …");
    let mut times = Vec::new();
    for query in queries {
        times.push(time_query(context, database, query).await?);
    }
    Ok(times)
}

/// Each is sent for so long, and once at least.
const LONG_ENOUGH: Duration = Duration::from_millis(700);

async fn time_query(context: &Context, database: &Database, query: &ExampleFile) -> Result<f64> {
    let statement = Statement { name: query.name.to_owned(), text: query.sql.to_owned() };
    median_ms(&context.cancel, database, statement, LONG_ENOUGH).await
}

async fn apply(
    context: &Context,
    database: &Database,
    declaration: &Declaration,
) -> Result<Executed> {
    let options = ApplyOptions::default();
    let mut plan = load_plan(database, declaration, &options).await?;
    if context.console.options().format == Format::Table {
        context.console.narrate("");
        context.console.narrate("The plan (pgtend plan sql/nova-crm/declared):");
        plan = show_plan(context, plan)?;
        context.console.narrate("");
        context.console.narrate("Applying it (pgtend apply sql/nova-crm/declared):");
    }
    let configured = &context.config.apply;
    let policy = Policy { jobs: configured.jobs, ..Policy::default() };
    let lock = RunLock::take(database, ExclusiveJob::Apply, Duration::ZERO).await?;
    let events = output::progress::follow(&context.console, &plan, &context.inflight);
    let execution = Execution::new(database, policy, context.cancel.clone(), events);
    let started = Instant::now();
    let outcomes = Apply::new(execution, &lock, &options).run(&plan).await;
    let took = format::duration(started.elapsed());
    context.console.narrate(&format!("Applied in {took}."));
    Ok(Executed::new(plan, outcomes))
}

async fn refresh(context: &Context, database: &Database, declaration: &Declaration) -> Result<()> {
    for view in &declaration.views {
        let started = Instant::now();
        send(database, &format!("REFRESH MATERIALIZED VIEW CONCURRENTLY {}", view.name)).await?;
        let took = format::duration(started.elapsed());
        context
            .console
            .narrate(&format!("Refreshed {} concurrently in {took}.", view.name));
    }
    Ok(())
}

fn compare(before: &[f64], after: &[f64]) -> Vec<QueryDocument> {
    let times = WORKLOAD.iter().zip(before).zip(after);
    let queries = times.map(|((example, before), after)| QueryDocument {
        query: query_name(example).to_owned(),
        before_ms: *before,
        after_ms: *after,
        times_faster: before / after.max(0.001),
    });
    queries.collect()
}

fn show_plan(context: &Context, plan: Plan) -> Result<Plan> {
    let report = PlanReport {
        plan,
        outcome: Outcome::Planned,
        undeclared: None,
        schema: None,
    };
    context.show(&report)?;
    Ok(report.plan)
}

fn finish(args: &Args, sandbox: Sandbox) -> Result<Option<Kept>> {
    Ok(match args.keep {
        true => Some(sandbox.keep(DATABASE)?),
        false => {
            sandbox.stop()?;
            None
        }
    })
}

fn sql_file(example: &ExampleFile) -> SqlFile {
    SqlFile { name: example.name.into(), text: example.sql.to_owned() }
}

fn query_name(example: &ExampleFile) -> &str {
    let file = example.name.rsplit('/').next().unwrap_or(example.name);
    file.strip_suffix(".sql").unwrap_or(file)
}
