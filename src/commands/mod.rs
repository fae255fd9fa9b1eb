//! The commands: each file one, its `Args` the manual, its `run` the table of contents.

pub mod apply;
pub mod completions;
pub mod demo;
pub mod man;
pub mod plan;

use std::future::Future;

use crate::cancel::{Cancel, Signal};
use crate::cli::{Cli, Command, Shared};
use crate::config::Config;
use crate::failure::{Failure, Kind, Result};
use crate::pg::conninfo::{Conninfo, Environment};
use crate::pg::database::{Database, Opening};
use crate::pg::session::Echo;
use crate::report::Console;
use crate::report::inflight::Inflight;

/// What every command is given.
pub struct Context {
    /// The shared options.
    pub shared: Shared,
    /// The configuration.
    pub config: Config,
    /// Environment variables and home directory.
    pub environment: Environment,
    /// Where to write.
    pub console: Console,
    /// Asks to stop.
    pub cancel: Cancel,
    /// What is being built, for the second Ctrl-C.
    pub inflight: Inflight,
}

/// Runs the command. Returns the exit code.
///
/// # Errors
/// Whatever keeps the command from doing its job; the failure's kind decides the exit code.
pub async fn run(cli: Cli, console: Console, cancel: Cancel, inflight: Inflight) -> Result<u8> {
    let config = Config::load(cli.shared.config.as_deref())?;
    let environment = Environment::process();
    let context = Context { shared: cli.shared, config, environment, console, cancel, inflight };
    match cli.command {
        Command::Plan(args) => context.unless_cancelled(plan::run(&context, &args)).await,
        Command::Apply(args) => apply::run(&context, &args).await,
        Command::Demo(args) => context.unless_cancelled(demo::run(&context, &args)).await,
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}

/// What the command line says about where to connect, if anything.
///
/// # Errors
/// `Usage` or `Config` for a target that is not there.
pub fn explicit_url(shared: &Shared, config: &Config) -> Result<Option<String>> {
    if let Some(name) = &shared.target {
        return Ok(Some(config.target(name)?.url.clone()));
    }
    let variable = || std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
    Ok(shared.database_url.clone().or_else(variable))
}

impl Context {
    /// Connects as the options, the configuration and the environment say.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open(&self, opening: &Opening) -> Result<Database> {
        let url = explicit_url(&self.shared, &self.config)?;
        let conninfo = Conninfo::resolve(url.as_deref(), &self.environment)?;
        for warning in &conninfo.warnings {
            self.console.warn(warning);
        }
        let database = Database::open(&conninfo, &self.environment, opening).await?;
        self.console.set_server(&database.server);
        Ok(database)
    }

    /// Hears every statement if `--echo` was given.
    pub fn echo(&self) -> Echo {
        if self.shared.echo { self.console.echo() } else { Echo::silent() }
    }

    /// Runs something that leaves nothing behind when it is dropped, until a signal comes.
    ///
    /// # Errors
    /// `Interrupted` or `Terminated`; otherwise those of the work.
    pub async fn unless_cancelled<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            result = work => result,
            signal = self.cancel.wait() => Err(cancelled(signal)),
        }
    }
}

fn cancelled(signal: Signal) -> Failure {
    let kind = match signal {
        Signal::Interrupt => Kind::Interrupted,
        Signal::Terminate => Kind::Terminated,
    };
    Failure::new(kind, format!("cancelled by {}", signal.name()))
}
