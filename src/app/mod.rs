//! The commands: each file one, its `Args` the manual, its `run` the table of contents.

pub mod choice;
pub mod command;
pub mod custom_plans;
pub mod execute;
pub mod fleet;
pub mod hours;
pub mod manual;
pub mod notify;
pub mod others;
pub mod planner_twin;

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pg_sandbox::{Binaries, Sandbox};

use crate::cancel::{Cancel, Signal};
use crate::config::{Config, MOST_JOBS};
use crate::failure::{Failure, Kind, Result};
use crate::output::inflight::Inflight;
use crate::output::keys::Keys;
use crate::output::{Console, Format, Origin, Outcome, Page, Report};
use crate::pg::advisory::{ExclusiveJob, RunLock};
use crate::pg::conninfo::{Conninfo, Environment};
use crate::pg::database::{ConnectOptions, Database, Errand, OrphanPolicy, Server};
use crate::pg::row::Fault;
use crate::pg::session::Echo;
use crate::sandbox;

/// What every command is given.
pub struct Context {
    /// What the user says about where to connect, if anything.
    pub url: Option<String>,
    /// The database, where it is not that of the URL.
    pub database: Option<String>,
    /// The targets, where one run is about all that were named.
    pub choice: Option<fleet::TargetChoice>,
    /// The schema, where one run is for each of several.
    pub scope: Option<fleet::Scope>,
    /// Every statement is to be shown.
    pub echoes: bool,
    /// The configuration.
    pub config: Config,
    /// Environment variables and home directory.
    pub environment: Environment,
    /// Where to write.
    pub console: Console,
    /// Which command this is, and on which database it works.
    pub origin: Arc<Origin>,
    /// Asks to stop.
    pub cancel: Cancel,
    /// What is being built, for the second Ctrl-C.
    pub inflight: Inflight,
    /// The command line, as clap knows it.
    pub parser: fn() -> clap::Command,
    /// What servers have sent that no PostgreSQL sends.
    pub faults: Mutex<Vec<Fault>>,
}

/// The passwords of [`command::Command::other_urls`], in their order: a JSON list.
pub const OTHER_PASSWORDS: &str = "PGTEND_OTHER_PASSWORDS";

/// How many things at once.
pub fn jobs() -> choice::Whole<u16> {
    choice::Whole::new(1, MOST_JOBS as u64)
}

/// Where a database is: as the text says, or else the environment; with a name, another one of that server.
///
/// # Errors
/// As [`Conninfo::resolve`].
pub fn conninfo(
    url: Option<&str>,
    database: Option<&str>,
    environment: &Environment,
) -> Result<Conninfo> {
    let resolved = Conninfo::resolve(url, environment)?;
    Ok(match database {
        Some(name) => resolved.with_database(name),
        None => resolved,
    })
}

impl Context {
    /// Connects as the options, the configuration and the environment say.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open(&self, connect_options: &ConnectOptions) -> Result<Database> {
        let Some(scope) = &self.scope else {
            let database = self.connect(connect_options).await?;
            self.note(&database);
            return Ok(database);
        };
        let mut database = scope.database(self.connect(connect_options)).await?;
        self.note(&database);
        database.look_first_in(&scope.schema).await?;
        Ok(database)
    }

    /// Where the database is.
    ///
    /// # Errors
    /// As [`Conninfo::resolve`].
    pub fn conninfo(&self) -> Result<Conninfo> {
        conninfo(self.url.as_deref(), self.database.as_deref(), &self.environment)
    }

    async fn connect(&self, connect_options: &ConnectOptions) -> Result<Database> {
        let conninfo = self.conninfo()?;
        self.console.warn_of_connection(&conninfo, &self.origin);
        let database = Database::open(&conninfo, &self.environment, connect_options).await?;
        let Server { database: name, version, role, .. } = &database.server;
        let hosts = conninfo.hosts();
        self.console
            .narrate(&format!("{name} on {hosts} (PostgreSQL {version}) as {role}"));
        Ok(database)
    }

    fn note(&self, database: &Database) {
        self.origin.connected_to(&database.server);
        if let Ok(mut faults) = self.faults.lock() {
            faults.push(database.fault());
        }
    }

    /// When the work began, for a time limit.
    pub fn began(&self) -> Instant {
        self.scope.as_ref().map_or_else(Instant::now, fleet::Scope::began)
    }

    /// The schema that the run is for, where it is for each of several.
    pub fn schema(&self) -> Option<&str> {
        self.scope.as_ref().map(|scope| scope.schema.as_str())
    }

    /// Takes the lock by which a job runs once at a time in a database.
    ///
    /// # Errors
    /// `Busy`, naming who holds it.
    pub async fn run_lock(
        &self,
        database: &Database,
        job: ExclusiveJob,
        wait: Duration,
    ) -> Result<Arc<RunLock>> {
        match &self.scope {
            Some(scope) => scope.run_lock(database, job, wait).await,
            None => RunLock::take(database, job, wait).await.map(Arc::new),
        }
    }

    /// The same for what goes on by itself.
    #[must_use]
    pub fn of_itself(&self) -> Context {
        Context {
            url: self.url.clone(),
            database: self.database.clone(),
            choice: None,
            scope: self.scope.clone(),
            echoes: self.echoes,
            config: self.config.clone(),
            environment: self.environment.clone(),
            console: self.console.clone(),
            origin: Arc::clone(&self.origin),
            cancel: self.cancel.clone(),
            inflight: self.inflight.clone(),
            parser: self.parser,
            faults: Mutex::default(),
        }
    }

    /// Where a command connects besides: the URL at this place of [`command::Command::other_urls`].
    ///
    /// # Errors
    /// `Usage` where it says nothing.
    pub fn other(&self, at: usize, url: &str) -> Result<Conninfo> {
        let passwords = self.environment.variable(OTHER_PASSWORDS)?.unwrap_or_default();
        let passwords = serde_json::from_str::<Vec<Option<String>>>(passwords).unwrap_or_default();
        let conninfo = match passwords.into_iter().nth(at).flatten() {
            Some(password) => {
                let own = self.environment.clone().with_variable("PGPASSWORD", password);
                Conninfo::resolve(Some(url), &own)?
            }
            None => Conninfo::resolve(Some(url), &self.environment)?,
        };
        self.console.warn_of_connection(&conninfo, &self.origin);
        Ok(conninfo)
    }

    /// Refuses a result that rests on what a server has sent that no PostgreSQL sends.
    ///
    /// # Errors
    /// `Server`, saying what it was.
    pub fn require_sound(&self) -> Result<()> {
        let faults = self.faults.lock().map(|faults| faults.clone()).unwrap_or_default();
        let error = faults.iter().find_map(Fault::error);
        error.map_or(Ok(()), |error| Err(error.into_failure()))
    }

    /// The command line, as clap knows it.
    pub fn parser(&self) -> clap::Command {
        (self.parser)()
    }

    /// Starts a throwaway server.
    ///
    /// # Errors
    /// `Sandbox` where none can be made.
    pub async fn start_sandbox(&self, binaries: Binaries) -> Result<Sandbox> {
        self.console
            .narrate(&format!("Starting a throwaway PostgreSQL {} …", binaries.version));
        sandbox::start(sandbox::options(binaries)).await
    }

    /// How a command connects that asks for nothing in particular.
    pub fn connect_options(&self, command: &'static str) -> ConnectOptions {
        ConnectOptions {
            command,
            maintainers: 1,
            errand: Errand::Own,
            settings: Vec::new(),
            orphans: OrphanPolicy::Ends,
            echo: self.echo(),
        }
    }

    /// Hears every statement if `--echo` was given.
    pub fn echo(&self) -> Echo {
        if self.echoes {
            self.console.echo()
        } else {
            Echo::silent()
        }
    }

    /// Shows a report before the command's last one. Returns whether anybody reads it.
    ///
    /// # Errors
    /// As [`Console::show`].
    pub fn show(&self, report: &dyn Report) -> Result<bool> {
        self.console.show(report, &self.origin)
    }

    /// Watches until it ends by itself, by `q` or by a signal, which is no failure of what has no other end.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn watch(&self, work: impl Future<Output = Result<Page>>) -> Result<Page> {
        let mut keys = Keys::listen();
        let page = tokio::select! {
            biased;
            page = work => return page,
            () = keys.quit() => Page::default(),
            signal = self.cancel.wait() => match self.console.options().format {
                // Programs are told by a last document.
                Format::Json => return Err(cancelled(signal)),
                _ => Page { outcome: Outcome::Cancelled(signal), ..Page::default() },
            },
        };
        Ok(page)
    }

    /// Runs something that leaves nothing behind when it is dropped, until a signal comes.
    ///
    /// # Errors
    /// `HungUp`, `Interrupted` or `Terminated`; otherwise those of the work.
    pub async fn unless_cancelled<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            // What hears the signal itself has the first word.
            biased;
            result = work => result,
            signal = self.cancel.wait() => Err(cancelled(signal)),
        }
    }

    /// Whether somebody at the terminal says yes; where nobody sits there, the call itself is the answer. Who
    /// thinks it over can still press Ctrl-C.
    ///
    /// # Errors
    /// A signal.
    pub async fn confirms(&self, question: String) -> Result<bool> {
        let console = self.console.clone();
        let asked = tokio::task::spawn_blocking(move || console.confirms(&question));
        let answer = self.unless_cancelled(async { Ok(asked.await.unwrap_or(false)) }).await;
        if answer.is_err() {
            // The thread that listens to the terminal goes on listening.
            self.cancel.forsake();
        }
        answer
    }
}

fn cancelled(signal: Signal) -> Failure {
    let kind = match signal {
        Signal::Hangup => Kind::HungUp,
        Signal::Interrupt => Kind::Interrupted,
        Signal::Terminate => Kind::Terminated,
    };
    Failure::new(kind, format!("cancelled by {}", signal.name()))
}
