//! The command line: shared options, the list of commands, and which of them runs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::app::choice;
use crate::app::command::{Command, Connects, OnSignal, Targets};
use crate::app::fleet::{self, Schemas, Spread, TargetChoice, is_pattern};
use crate::app::manual::Example;
use crate::app::{Context, manual, notify};
use crate::cancel::Cancel;
use crate::config::Config;
use crate::demo;
use crate::failure::{Failure, Result};
use crate::jobs::maintenance::{analyze, vacuum};
use crate::jobs::plan_and_apply::{apply, plan};
use crate::jobs::{
    activity, adopt, advise, check, completions, history, init, load, man, prove, refresh, reindex,
    rules, slow_queries, snapshot, verify, what_if,
};
use crate::output::inflight::Inflight;
use crate::output::report_file::{self, ReportFile};
use crate::output::{
    Color, Console, FleetReport, Format, Origin, OutputOptions, Report, Verbosity,
};
use crate::pg::conninfo::{Conninfo, Environment};
use crate::serve;

/// Where to begin.
const EXAMPLES: &[Example] = &[
    ("pgtend demo", "Show it all on a throwaway server; nothing else is touched"),
    (
        "pgtend check -d postgres://app@db1/shop",
        "Say what is wrong with a database, and the command that helps",
    ),
    (
        "pgtend plan -d postgres://app@db1/shop db/indexes.sql",
        "Show what differs from the SQL file",
    ),
    (
        "pgtend apply db/indexes.sql",
        "Build it online, in the database of $DATABASE_URL or $PGDATABASE",
    ),
];

/// Keeps a PostgreSQL database fast without getting in the way of the application
///
/// To know: `pgtend check` says what is wrong, `slow-queries` where the time goes, `activity` what
/// runs now and who waits for whom; `advise` which indexes the workload lacks, `what-if` and `prove`
/// what one would do. `serve` shows it all as a page.
///
/// To do, while the application reads and writes: `pgtend plan` shows what your SQL files declare and
/// the database lacks, `apply` builds it; `refresh` refreshes materialized views, `vacuum` and
/// `analyze` do what autovacuum has left, `reindex` rebuilds bloated indexes.
///
/// In CI: `pgtend verify` applies migrations to a throwaway server and judges them.
#[derive(Debug, Parser)]
#[command(
    name = "pgtend",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = manual::long(EXAMPLES, &[])
)]
pub struct Cli {
    #[command(flatten)]
    shared: SharedOptions,
    #[command(subcommand)]
    command: Given,
}

/// Options of every command.
#[derive(Clone, Args)]
#[command(next_help_heading = "Shared options")]
struct SharedOptions {
    /// Configuration file [default: $PGTEND_CONFIG, else the first that exists of ./pgtend.toml,
    /// ~/.config/pgtend/config.toml, /etc/pgtend/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Database to connect to: postgres://…, "host=… dbname=…", or a database name
    /// [default: $DATABASE_URL, else $PGHOST, $PGDATABASE … as for psql]
    #[arg(
        short,
        long,
        global = true,
        value_name = "URL",
        conflicts_with = "target"
    )]
    pub database_url: Option<String>,

    /// Database that the configuration file calls [targets.NAME]; a pattern, or several names, work
    /// on all of them [default: $PGTEND_TARGET]
    #[arg(long, global = true, value_name = "NAME|GLOB")]
    pub target: Vec<String>,

    /// Work on all targets of the configuration file
    #[arg(long, global = true, conflicts_with_all = ["target", "database_url"])]
    pub all_targets: bool,

    /// Targets to work on at once, four per host at most
    #[arg(long, global = true, value_name = "N", default_value_t = 4,
        value_parser = crate::app::jobs())]
    pub parallel_targets: u16,

    /// Start no further target after this many have failed
    #[arg(long, global = true, value_name = "N",
        value_parser = choice::Whole::<u32>::new(1, u64::MAX))]
    pub stop_after: Option<u32>,

    /// Format of the result [default: table; of verify in GitHub Actions: github]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,

    /// Print nothing when all is well
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Show more: what needs nothing done, and the statements
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// Print every statement sent to the server to standard error
    #[arg(long, global = true)]
    pub echo: bool,

    /// Write progress as lines, without bars
    #[arg(long, global = true)]
    pub no_progress: bool,

    /// Use colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
}

impl std::fmt::Debug for SharedOptions {
    /// The URL may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("config", &self.config)
            .field("target", &self.target)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

/// The command line as clap knows it, with what a value may be: shells offer it.
pub fn parser() -> clap::Command {
    let mut parser = Cli::command();
    let format = parser.get_arguments().find(|it| it.get_id() == "format").cloned();
    for (name, formats) in Given::FORMATS {
        parser = parser.mut_subcommand(name, |command| {
            let known = [&[Format::Table, Format::Json], *formats].concat();
            let own = format.clone().map(|it| it.value_parser(choice::OneOf::new(&known)));
            command.args(own).mut_args(choice::hinted)
        });
    }
    let names = Given::FORMATS.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    parser
        .mut_args(choice::hinted)
        .mut_subcommand("man", |man| man.mut_arg("command", |it| choice::offering(it, &names)))
}

impl Cli {
    /// What the command line says; where it cannot be understood, or asks for help, that is told and
    /// the program ends.
    pub fn of_process() -> Self {
        let matches = parser().get_matches();
        Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

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
        let told = (config.clone(), console.clone(), Arc::clone(&origin));
        let result = self.run_with(config, console, origin, cancel, inflight).await;
        let (config, console, origin) = told;
        let heard = result.as_ref().map(AsRef::as_ref);
        notify::tell(&config, heard, &console, &origin).await;
        Ok(result?.exit_code())
    }

    /// Runs the command with this configuration, and shows its report.
    async fn run_with(
        &self,
        config: Config,
        console: Console,
        origin: Arc<Origin>,
        cancel: Cancel,
        inflight: Inflight,
    ) -> Result<Box<dyn Report>> {
        let connects = self.command.connects();
        let is_together = self.command.targets() == Targets::Together;
        let several = match connects {
            Connects::No => None,
            _ if is_together => self.shared.named(&config)?,
            _ => self.shared.several(&config)?,
        };
        let context = Context {
            url: match connects {
                _ if several.is_some() => None,
                Connects::IfNamed => self.shared.given_url(&config)?,
                _ => self.shared.url(&config)?,
            },
            database: None,
            choice: several.clone().filter(|_| is_together),
            scope: None,
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
            parser,
            faults: Mutex::default(),
        };
        let spread = Spread {
            targets: several.filter(|_| !is_together),
            name: self.shared.targets().into_iter().next(),
            schemas: Schemas::new(self.command.for_schemas())?,
        };
        let report: Box<dyn Report> = match spread.targets.is_some() || spread.schemas.is_some() {
            true => Box::new(self.run_on_each(&context, &spread).await?),
            false => self.command.run_soundly(&context).await?,
        };
        context.show(report.as_ref())?;
        Ok(report)
    }

    async fn run_on_each(&self, context: &Context, spread: &Spread) -> Result<FleetReport> {
        let events = self.command.wants_events().then_some("--events");
        let refused = match self.command.targets() {
            Targets::One => Some(self.command.name()),
            Targets::Together => None,
            Targets::Several => self.command.for_one_target_only().or(events),
        };
        if let Some(what) = refused {
            return Err(fleet::refuse(what));
        }
        if !matches!(self.format(), Format::Table | Format::Json) {
            return Err(fleet::refuse(&format!("--format {}", self.format().name())));
        }
        let of_one = |file: &&ReportFile| !matches!(file.format, Format::Table | Format::Json);
        if let Some(file) = self.command.report_files().iter().find(of_one) {
            return Err(fleet::refuse(&format!("--report {}", file.format.name())));
        }
        let options = fleet::FleetOptions {
            parallel: self.shared.parallel_targets.into(),
            stop_after: self.shared.stop_after.map(|most| most as usize),
        };
        let run_on = |target: Context| async move { self.command.run_soundly(&target).await };
        fleet::run(context, self.command.name(), spread, options, run_on).await
    }

    /// Refuses a format that the command does not know, and events where they would be mixed with what
    /// people read.
    fn require_format(&self) -> Result<()> {
        let known = [&[Format::Table, Format::Json], self.command.formats()].concat();
        let files = self.command.report_files();
        let unknown = files.iter().find(|file| !known.contains(&file.format));
        if known.contains(&self.format()) && unknown.is_none() {
            report_file::check(files)?;
            return match self.command.wants_events() && self.format() != Format::Json {
                true => Err(Failure::usage("--events goes with --format json")),
                false => Ok(()),
            };
        }
        let names = known.iter().map(|format| format.name()).collect::<Vec<_>>();
        // Table and JSON are always there.
        let (last, others) = names.split_last().unwrap_or((&"", &[]));
        let known = format!("{} and {last}", others.join(", "));
        let option = unknown.map_or("--format", |_| "--report");
        Err(Failure::usage(format!("{} knows {option} {known} only", self.command.name())))
    }

    /// The product's format.
    fn format(&self) -> Format {
        let in_github = || std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
        let shows_github = || self.command.formats().contains(&Format::Github);
        match self.shared.format {
            Some(format) => format,
            None if shows_github() && in_github() => Format::Github,
            None => Format::Table,
        }
    }

    /// The console that the options ask for.
    pub fn console(&self) -> Console {
        Console::new(self.options(), self.command.report_files())
    }

    /// Of which command the reports are.
    pub fn origin(&self) -> Origin {
        Origin::new(self.command.name())
    }

    /// Where to connect, if the command line says so; it may hold a password.
    pub fn database_url(&self) -> Option<&str> {
        self.shared.database_url.as_deref()
    }

    /// Where the command connects besides; they may hold passwords, too.
    pub fn other_urls(&self) -> &[String] {
        self.command.other_urls()
    }

    /// How the user wants to be spoken to.
    fn options(&self) -> OutputOptions {
        let shared = &self.shared;
        OutputOptions {
            format: self.format(),
            verbosity: match (shared.quiet, shared.verbose) {
                (true, _) => Verbosity::Quiet,
                (_, true) => Verbosity::Verbose,
                _ => Verbosity::Normal,
            },
            color: shared.color,
            no_progress: shared.no_progress,
            events: self.command.wants_events() && self.format() == Format::Json,
        }
    }
}

impl SharedOptions {
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

    /// The choice, where targets are named at all.
    fn named(&self, config: &Config) -> Result<Option<TargetChoice>> {
        let names = self.targets();
        match self.all_targets {
            true => Ok(Some(TargetChoice::all())),
            false if names.is_empty() => Ok(None),
            false if names.iter().any(|name| Conninfo::is_url(name)) => {
                self.given_url(config).map(|_| None)
            }
            false => TargetChoice::new(&names).map(Some),
        }
    }

    /// The choice, where it may be of several targets.
    fn several(&self, config: &Config) -> Result<Option<TargetChoice>> {
        if self.all_targets {
            return Ok(Some(TargetChoice::all()));
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
            TargetChoice::new(&names).map(Some)
        }
    }
}

/// Lists the commands, and asks the one that was given.
macro_rules! commands {
    ($($name:ident($args:ty),)+) => {
        /// The commands.
        #[derive(Debug, Subcommand)]
        enum Given {
            // No doc comments here: they would replace those of the Args in the help.
            $(#[command(
                name = <$args>::NAME,
                aliases = <$args>::ALIASES,
                after_help = manual::short(<$args>::EXAMPLES),
                after_long_help = manual::long(<$args>::EXAMPLES, <$args>::SEE_ALSO)
            )] $name($args),)+
        }

        impl Given {
            /// What each command can be written in besides table and JSON.
            const FORMATS: &'static [(&'static str, &'static [Format])] =
                &[$((<$args>::NAME, <$args>::FORMATS),)+];

            fn name(&self) -> &'static str {
                match self { $(Given::$name(_) => <$args>::NAME,)+ }
            }

            fn formats(&self) -> &'static [Format] {
                match self { $(Given::$name(_) => <$args>::FORMATS,)+ }
            }

            fn connects(&self) -> Connects {
                match self { $(Given::$name(_) => <$args>::CONNECTS,)+ }
            }

            fn on_signal(&self) -> OnSignal {
                match self { $(Given::$name(_) => <$args>::ON_SIGNAL,)+ }
            }

            fn targets(&self) -> Targets {
                match self { $(Given::$name(_) => <$args>::TARGETS,)+ }
            }

            fn wants_events(&self) -> bool {
                match self { $(Given::$name(args) => args.wants_events(),)+ }
            }

            fn report_files(&self) -> &[ReportFile] {
                match self { $(Given::$name(args) => args.report_files(),)+ }
            }

            fn other_urls(&self) -> &[String] {
                match self { $(Given::$name(args) => args.other_urls(),)+ }
            }

            fn for_schemas(&self) -> &[String] {
                match self { $(Given::$name(args) => args.for_schemas(),)+ }
            }

            fn for_one_target_only(&self) -> Option<&'static str> {
                match self { $(Given::$name(args) => args.for_one_target_only(),)+ }
            }

            async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
                match self { $(Given::$name(args) => args.run(context).await,)+ }
            }
        }
    };
}

commands! {
    Check(check::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Adopt(adopt::Args),
    Refresh(refresh::Args),
    Vacuum(vacuum::Args),
    Analyze(analyze::Args),
    Reindex(reindex::Args),
    SlowQueries(slow_queries::Args),
    Snapshot(snapshot::Args),
    WhatIf(what_if::Args),
    Advise(advise::Args),
    Prove(prove::Args),
    Load(load::Args),
    Init(init::Args),
    History(history::Args),
    Activity(activity::Args),
    Serve(serve::Args),
    Verify(verify::Args),
    Rules(rules::Args),
    Demo(demo::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Given {
    /// Runs the command, and refuses a result that rests on what no PostgreSQL sends.
    async fn run_soundly(&self, context: &Context) -> Result<Box<dyn Report>> {
        let report = match self.on_signal() {
            OnSignal::IsDropped => context.unless_cancelled(self.run(context)).await?,
            OnSignal::CleansUp => self.run(context).await?,
        };
        context.require_sound()?;
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_is_consistent() {
        parser().debug_assert();
    }

    /// What the help of an option says is its default.
    fn told(command: &str, option: &str) -> String {
        let cli = Cli::command();
        let command = cli.find_subcommand(command).unwrap();
        let argument =
            command.get_arguments().find(|it| it.get_long() == Some(option)).expect(option);
        let help = argument.get_long_help().or(argument.get_help()).unwrap().to_string();
        let after = help.rsplit_once("[default: ").unwrap().1;
        after.split_once(']').unwrap().0.to_owned()
    }

    #[test]
    fn the_help_says_what_the_defaults_are() {
        let config = Config::default();
        let duration = |it| humantime::format_duration(it).to_string().replace("m", "min");
        let mode = format!("{:?}", config.refresh.mode).to_lowercase();
        let keep = config.snapshot.keep.as_secs() / (24 * 3600);
        let defaults = [
            ("apply", "jobs", config.apply.jobs.to_string()),
            ("apply", "max-wait", duration(config.apply.max_wait)),
            ("apply", "max-blocker-age", duration(config.apply.max_blocker_age)),
            ("apply", "wait", duration(config.apply.wait)),
            ("refresh", "jobs", config.refresh.jobs.to_string()),
            ("refresh", "wait", duration(config.refresh.wait)),
            ("refresh", "mode", mode),
            ("vacuum", "jobs", config.vacuum.jobs.to_string()),
            ("vacuum", "threshold", config.vacuum.threshold.to_string()),
            ("analyze", "jobs", config.analyze.jobs.to_string()),
            ("analyze", "threshold", config.analyze.threshold.to_string()),
            ("slow-queries", "limit", config.slow_queries.limit.to_string()),
            ("snapshot", "keep", format!("{keep}d")),
            ("verify", "fail-on", config.verify.fail_on.join(",")),
            ("demo", "scale", config.demo.scale.to_string()),
        ];
        for (command, option, default) in defaults {
            assert_eq!(told(command, option), default, "{command} --{option}");
        }
    }
}
