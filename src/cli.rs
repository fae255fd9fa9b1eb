//! The command line: shared options, the list of commands, and which of them runs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::app::fleet::{self, Choice, is_pattern};
use crate::app::{Context, EXIT_CODES};
use crate::cancel::Cancel;
use crate::config::{Config, MOST_JOBS};
use crate::demo;
use crate::failure::{Failure, Result};
use crate::jobs::maintenance::{analyze, vacuum};
use crate::jobs::plan_and_apply::{apply, plan};
use crate::jobs::{
    activity, completions, explain, history, init, man, refresh, slow_queries, snapshot, verify,
};
use crate::output::inflight::Inflight;
use crate::output::report_file::ReportFile;
use crate::output::{
    Color, Console, FleetReport, Format, Origin, OutputOptions, Report, Verbosity,
};
use crate::pg::conninfo::{Conninfo, Environment};

/// Keeps a PostgreSQL database fast without getting in the way of the application
///
/// pgtend makes a live database match the indexes and materialized views that your SQL files
/// declare: `pgtend plan` shows what is to be done, `pgtend apply` does it. Indexes are built online
/// while the application reads and writes, and broken builds of earlier attempts are mended.
/// `pgtend refresh` refreshes materialized views. `pgtend vacuum` and `pgtend analyze` do what
/// autovacuum has left. `pgtend slow-queries` shows where the time goes, `pgtend activity` what runs
/// now and who waits for whom. `pgtend verify` is for CI: it applies migrations to a throwaway server
/// and judges them.
#[derive(Debug, Parser)]
#[command(
    name = "pgtend",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = EXIT_CODES
)]
pub struct Cli {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Clone, Args)]
#[command(next_help_heading = "Shared options")]
struct Shared {
    /// Configuration file [default: $PGTEND_CONFIG, else the first that exists of ./pgtend.toml,
    /// ~/.config/pgtend/config.toml, /etc/pgtend/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Where to connect: postgres://…, "host=… dbname=…", or a database name
    /// [default: $DATABASE_URL, else $PGHOST, $PGDATABASE … as for psql]
    #[arg(
        short,
        long,
        global = true,
        value_name = "URL",
        conflicts_with = "target"
    )]
    pub database_url: Option<String>,

    /// Connect to the database that the configuration file calls [targets.NAME]; a pattern, or
    /// several, is one run over all of them [default: $PGTEND_TARGET]
    #[arg(long, global = true, value_name = "NAME|GLOB")]
    pub target: Vec<String>,

    /// Work on all targets of the configuration file
    #[arg(long, global = true, conflicts_with_all = ["target", "database_url"])]
    pub all_targets: bool,

    /// How many targets are worked on at once
    #[arg(long, global = true, value_name = "N", default_value_t = 4,
        value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST_JOBS)))]
    pub parallel_targets: u16,

    /// Begin no other target after so many have failed
    #[arg(long, global = true, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..))]
    pub stop_after: Option<u32>,

    /// How to write the result [default: table; of verify in GitHub Actions: github]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,

    /// Say nothing when all is well; warnings and failures are still shown
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Also show what is as declared; plan also shows the statements
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// Show every statement that is sent to the server, on standard error
    #[arg(long, global = true)]
    pub echo: bool,

    /// Write progress as lines instead of drawing bars
    #[arg(long, global = true)]
    pub no_progress: bool,

    /// Use colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
}

impl std::fmt::Debug for Shared {
    /// The URL may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("config", &self.config)
            .field("target", &self.target)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

impl Cli {
    /// Runs the command. Returns the exit code.
    ///
    /// # Errors
    /// Whatever keeps the command from doing its job; the failure's kind decides the exit code.
    pub async fn run(
        self,
        console: Console,
        origin: Arc<Origin>,
        cancel: Cancel,
        inflight: Inflight,
    ) -> Result<u8> {
        self.require_format()?;
        let config = Config::load(self.shared.config.as_deref())?;
        for (file, why) in &config.passed_over {
            let file = file.display();
            console.warn(&format!("{file} is not read, because {why}; --config {file} reads it"));
        }
        let several = match self.command.connects() {
            true => self.shared.several(&config)?,
            false => None,
        };
        let context = Context {
            url: match self.command {
                _ if several.is_some() => None,
                // What it needs is a scratch database, not the application's.
                Command::Verify(_) => self.shared.given_url(&config)?,
                _ => self.shared.url(&config)?,
            },
            database: None,
            echoes: self.shared.echo,
            config: match self.shared.targets().as_slice() {
                [name] if several.is_none() => config.of_target(name)?,
                _ => config,
            },
            environment: Environment::process(),
            console,
            origin,
            cancel,
            inflight,
            faults: Mutex::default(),
        };
        let report: Box<dyn Report> = match several {
            Some(choice) => Box::new(self.run_on_each(&context, &choice).await?),
            None => self.command.run_soundly(&context).await?,
        };
        context.show(report.as_ref())?;
        Ok(report.exit_code())
    }

    async fn run_on_each(&self, context: &Context, choice: &Choice) -> Result<FleetReport> {
        self.command.require_for_several()?;
        if !matches!(self.format(), Format::Table | Format::Json) {
            return Err(fleet::refuse(&format!("--format {}", self.format().name())));
        }
        let options = fleet::Options {
            parallel: self.shared.parallel_targets.into(),
            stop_after: self.shared.stop_after.map(|most| most as usize),
        };
        let run_on = |target: Context| async move { self.command.run_soundly(&target).await };
        fleet::run(context, self.command.name(), choice, options, run_on).await
    }

    /// Refuses a format that the command does not know.
    fn require_format(&self) -> Result<()> {
        let known = match (self.format(), &self.command) {
            (Format::Table | Format::Json, _) => return Ok(()),
            (Format::Csv | Format::Markdown, Command::SlowQueries(_))
            | (
                Format::Github | Format::Sarif | Format::Junit | Format::Gitlab | Format::Markdown,
                Command::Verify(_),
            ) => return Ok(()),
            (_, Command::SlowQueries(_)) => "table, json, csv and markdown",
            (_, Command::Verify(_)) => "table, json, github, sarif, junit, gitlab and markdown",
            _ => "table and json",
        };
        Err(Failure::usage(format!("{} knows --format {known} only", self.command.name())))
    }

    /// The product's format.
    fn format(&self) -> Format {
        let in_github = || std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
        match (self.shared.format, &self.command) {
            (Some(format), _) => format,
            (None, Command::Verify(_)) if in_github() => Format::Github,
            (None, _) => Format::Table,
        }
    }

    /// The console that the options ask for.
    pub fn console(&self) -> Console {
        Console::new(self.options(), self.reports())
    }

    /// Of which command the reports are.
    pub fn origin(&self) -> Origin {
        Origin::new(self.command.name())
    }

    /// Where to connect, if the command line says so; it may hold a password.
    pub fn database_url(&self) -> Option<&str> {
        self.shared.database_url.as_deref()
    }

    /// The files that are to be written besides the product.
    fn reports(&self) -> &[ReportFile] {
        match &self.command {
            Command::Verify(args) => &args.report,
            _ => &[],
        }
    }

    /// How the user wants to be spoken to.
    fn options(&self) -> OutputOptions {
        let shared = &self.shared;
        let wants_events = match &self.command {
            Command::Apply(args) => args.events,
            Command::Refresh(args) => args.events,
            Command::Vacuum(args) => args.shared.events,
            Command::Analyze(args) => args.shared.events,
            _ => false,
        };
        OutputOptions {
            format: self.format(),
            verbosity: match (shared.quiet, shared.verbose) {
                (true, _) => Verbosity::Quiet,
                (_, true) => Verbosity::Verbose,
                _ => Verbosity::Normal,
            },
            color: shared.color,
            no_progress: shared.no_progress,
            events: wants_events && self.format() == Format::Json,
        }
    }
}

impl Shared {
    /// What the user says about where to connect, if anything.
    fn url(&self, config: &Config) -> Result<Option<String>> {
        let variable = || std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
        Ok(self.given_url(config)?.or_else(variable))
    }

    /// What the user says on the command line about where to connect, if anything.
    fn given_url(&self, config: &Config) -> Result<Option<String>> {
        match self.targets().as_slice() {
            [name] if Conninfo::is_url(name) => {
                Err(Failure::usage("a connection URL stands where the name of a target should")
                    .hint("say where to connect with -d URL"))
            }
            [name] => Ok(Some(config.target(name)?.url(name)?)),
            _ => Ok(self.database_url.clone()),
        }
    }

    /// The targets that the user names. What the command line says counts more than the environment.
    fn targets(&self) -> Vec<String> {
        let by_environment = || std::env::var("PGTEND_TARGET").ok().filter(|name| !name.is_empty());
        match self.target.is_empty() && self.database_url.is_none() && !self.all_targets {
            true => by_environment().into_iter().collect(),
            false => self.target.clone(),
        }
    }

    /// The choice, where it may be of several targets.
    fn several(&self, config: &Config) -> Result<Option<Choice>> {
        if self.all_targets {
            return Ok(Some(Choice::all()));
        }
        let names = self.targets();
        let stands_for_several =
            |name: &String| config.targets.get(name).is_some_and(|it| !it.databases.is_empty());
        let is_one = match names.as_slice() {
            [] => true,
            [name] => Conninfo::is_url(name) || !is_pattern(name) && !stands_for_several(name),
            _ => false,
        };
        if is_one {
            Ok(None)
        } else {
            Choice::new(&names).map(Some)
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    // No doc comments here: they would replace those of the Args in the help.
    #[command(after_help = EXIT_CODES)]
    Plan(plan::Args),
    #[command(after_help = EXIT_CODES)]
    Apply(apply::Args),
    #[command(after_help = EXIT_CODES)]
    Refresh(refresh::Args),
    #[command(after_help = EXIT_CODES)]
    Vacuum(vacuum::Args),
    #[command(after_help = EXIT_CODES)]
    Analyze(analyze::Args),
    #[command(after_help = EXIT_CODES)]
    SlowQueries(slow_queries::Args),
    #[command(after_help = EXIT_CODES)]
    Snapshot(snapshot::Args),
    #[command(after_help = EXIT_CODES)]
    Init(init::Args),
    #[command(after_help = EXIT_CODES)]
    History(history::Args),
    #[command(after_help = EXIT_CODES)]
    Activity(activity::Args),
    #[command(after_help = EXIT_CODES)]
    Verify(verify::Args),
    #[command(after_help = EXIT_CODES)]
    Explain(explain::Args),
    #[command(after_help = EXIT_CODES)]
    Demo(demo::Args),
    #[command(after_help = EXIT_CODES)]
    Completions(completions::Args),
    #[command(after_help = EXIT_CODES)]
    Man(man::Args),
}

impl Command {
    /// Whether it works on a database that the user names.
    fn connects(&self) -> bool {
        !matches!(
            self,
            Command::Completions(_) | Command::Demo(_) | Command::Explain(_) | Command::Man(_)
        )
    }

    /// Refuses a result that rests on what no PostgreSQL sends.
    async fn run_soundly(&self, context: &Context) -> Result<Box<dyn Report>> {
        let report = self.run(context).await?;
        context.require_sound()?;
        Ok(report)
    }

    /// Refuses what cannot be done over several targets.
    fn require_for_several(&self) -> Result<()> {
        let refused = match self {
            Command::Plan(_) => None,
            Command::Apply(args) => args.events.then_some("--events"),
            Command::Refresh(args) => args.events.then_some("--events"),
            Command::Vacuum(args) => args.shared.events.then_some("--events"),
            Command::Analyze(args) => args.shared.events.then_some("--events"),
            Command::SlowQueries(args) => args.watch.then_some("--watch"),
            Command::Snapshot(args) => args.file.is_some().then_some("--file"),
            other => Some(other.name()),
        };
        refused.map_or(Ok(()), |what| Err(fleet::refuse(what)))
    }

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        match self {
            Command::Plan(args) => context.unless_cancelled(plan::run(context, args)).await,
            Command::Apply(args) => apply::run(context, args).await,
            Command::Refresh(args) => refresh::run(context, args).await,
            Command::Vacuum(args) => vacuum::run(context, args).await,
            Command::Analyze(args) => analyze::run(context, args).await,
            Command::SlowQueries(args) => {
                context.unless_cancelled(slow_queries::run(context, args)).await
            }
            Command::Snapshot(args) => context.unless_cancelled(snapshot::run(context, args)).await,
            Command::Init(args) => context.unless_cancelled(init::run(context, args)).await,
            Command::History(args) => context.unless_cancelled(history::run(context, args)).await,
            Command::Activity(args) => context.unless_cancelled(activity::run(context, args)).await,
            Command::Verify(args) => verify::run(context, args).await,
            Command::Explain(args) => explain::run(args),
            Command::Demo(args) => context.unless_cancelled(demo::run(context, args)).await,
            Command::Completions(args) => completions::run(args, &mut Cli::command()),
            Command::Man(args) => man::run(args, Cli::command()),
        }
    }

    /// The name, as in `application_name=pgtend/<name>` and in JSON documents.
    fn name(&self) -> &'static str {
        match self {
            Command::Plan(_) => "plan",
            Command::Apply(_) => "apply",
            Command::Refresh(_) => "refresh",
            Command::Vacuum(_) => "vacuum",
            Command::Analyze(_) => "analyze",
            Command::SlowQueries(_) => "slow-queries",
            Command::Snapshot(_) => "snapshot",
            Command::Init(_) => "init",
            Command::History(_) => "history",
            Command::Activity(_) => "activity",
            Command::Verify(_) => "verify",
            Command::Explain(_) => "explain",
            Command::Demo(_) => "demo",
            Command::Completions(_) => "completions",
            Command::Man(_) => "man",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_is_consistent() {
        Cli::command().debug_assert();
    }
}
