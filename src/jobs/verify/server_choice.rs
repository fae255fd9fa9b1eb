//! The server or the database that the migrations are applied to.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::scratch_database::{self, Scratch};
use super::{Args, Context};
use pg_sandbox::{Binaries, Sandbox};

use super::plan::VerifiedOn;
use crate::failure::{Failure, Kind, Result};
use crate::pg::conninfo::Conninfo;
use crate::pg::database::{ConnectOptions, Database, Errand, Workers};
use crate::pg::server_error::ServerError;
use crate::pg::session::{Answer, Session};
use crate::sandbox;

/// A server to verify on.
pub enum ServerChoice {
    /// The one that the user named.
    Given,
    /// One of our own, of this installation.
    Own(Binaries),
}

/// The servers to verify on, one after the other.
///
/// # Errors
/// `Usage` where majors are asked for and a server is named; `Sandbox` where one is not found.
pub fn server_choices(context: &Context, args: &Args) -> Result<Vec<ServerChoice>> {
    if context.url.is_none() {
        let found = sandbox::SEARCH.find_all(&args.pg_bin, &args.pg)?;
        return Ok(found.into_iter().map(ServerChoice::Own).collect());
    }
    if !args.pg.is_empty() {
        return Err(Failure::usage("--pg is for throwaway servers, and a server is named")
            .hint("leave out one of the two"));
    }
    Ok(vec![ServerChoice::Given])
}

/// Where the migrations are applied.
pub struct VerifyServer {
    pub(super) server: ChosenServer,
    /// The databases that were made besides, for good or for a while.
    pub(super) extra_databases: Mutex<ExtraDatabases>,
    /// With which settings sessions for the migrations begin.
    set: Vec<(String, String)>,
}

/// Whose it is.
pub(super) enum ChosenServer {
    /// A server of our own.
    Throwaway(Throwaway),
    /// A database of our own on a server that was given.
    Scratch(Scratch),
}

/// The databases besides. Known before they are made, so that none remains if the run is cancelled meanwhile.
#[derive(Default)]
pub(super) struct ExtraDatabases {
    pub(super) made: usize,
    pub(super) names: Vec<String>,
}

/// A server that is stopped and removed at the end.
pub(super) struct Throwaway {
    sandbox: Sandbox,
    folder: PathBuf,
    start_up: Duration,
}

/// On the throwaway server: not `postgres`, so that nobody's migration finds anything there.
const DATABASE: &str = "verify";

/// A session breaks off before its server has written why.
const LAST_WORDS: Duration = Duration::from_millis(300);

impl VerifyServer {
    /// Makes it: in a database of its own.
    ///
    /// # Errors
    /// `Sandbox` where no server can be made; those of the server.
    pub async fn make(
        context: &Context,
        choice: ServerChoice,
        set: &[(String, String)],
    ) -> Result<VerifyServer> {
        let server = match choice {
            ServerChoice::Own(binaries) => {
                let made = VerifyServer::throwaway(context, binaries);
                ChosenServer::Throwaway(context.unless_cancelled(made).await?)
            }
            ServerChoice::Given => {
                let connect_options = context.connect_options("verify");
                let beside = context.unless_cancelled(context.open(&connect_options)).await?;
                beside.require_writable()?;
                scratch_database::sweep(context, &beside).await?;
                // Not to be cancelled: what we do not know of we could not drop.
                ChosenServer::Scratch(Scratch::create(beside).await?)
            }
        };
        Ok(VerifyServer { server, extra_databases: Mutex::default(), set: set.to_vec() })
    }

    async fn throwaway(context: &Context, binaries: Binaries) -> Result<Throwaway> {
        let (started, folder) = (Instant::now(), binaries.dir.clone());
        let sandbox = context.start_sandbox(binaries).await?;
        let database =
            sandbox::open(&sandbox.url("postgres"), &context.connect_options("verify")).await?;
        let session = database.maintainer(Workers::AsConfigured).await?;
        create(&session, DATABASE, TEMPLATE).await.map_err(ServerError::into_failure)?;
        Ok(Throwaway { sandbox, folder, start_up: started.elapsed() })
    }

    /// Connects to the database. Sessions begin with the settings.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open(&self, context: &Context) -> Result<Database> {
        let database = self.connect(context, self.name(), self.connect_options(context)).await?;
        context.origin.connected_to(&database.server);
        Ok(database)
    }

    pub(super) fn connect_options(&self, context: &Context) -> ConnectOptions {
        let settings = self.set.clone();
        ConnectOptions {
            errand: Errand::Migrations,
            settings,
            ..context.connect_options("verify")
        }
    }

    pub(super) async fn connect(
        &self,
        context: &Context,
        name: &str,
        connect_options: ConnectOptions,
    ) -> Result<Database> {
        match &self.server {
            ChosenServer::Throwaway(Throwaway { sandbox, .. }) => {
                sandbox::open(&sandbox.url(name), &connect_options).await
            }
            ChosenServer::Scratch(_) => {
                let conninfo = Conninfo::resolve(context.url.as_deref(), &context.environment)?
                    .with_database(name);
                Database::open(&conninfo, &context.environment, &connect_options).await
            }
        }
    }

    /// The database's name.
    pub(super) fn name(&self) -> &str {
        match &self.server {
            ChosenServer::Throwaway(_) => DATABASE,
            ChosenServer::Scratch(scratch) => &scratch.name,
        }
    }

    /// How to remove it where that was not waited for.
    pub fn leftover(&self) -> String {
        match &self.server {
            ChosenServer::Throwaway(Throwaway { sandbox, .. }) => {
                format!("the next throwaway server does it, or: {}", sandbox.stop_command())
            }
            ChosenServer::Scratch(scratch) => format!(
                "drop the database: {};\nwith --down also those whose names begin with {}_down_",
                scratch.drop_sql(),
                scratch.name
            ),
        }
    }

    /// The failure of work that was under way here: where the server is gone, that is what it is.
    pub async fn explain(&self, failure: Failure) -> Failure {
        let is_gone = failure.sqlstate.as_deref().is_none_or(is_end_of_session);
        if failure.kind != Kind::Connection || !is_gone {
            return failure;
        }
        let failure =
            Failure { kind: Kind::ServerLost, ..failure }.context("the server was lost half-way");
        match &self.server {
            ChosenServer::Throwaway(Throwaway { sandbox, .. }) => {
                tokio::time::sleep(LAST_WORDS).await;
                failure.hint(format!("the server's last words: {}", sandbox.last_words()))
            }
            ChosenServer::Scratch(_) => failure.hint("the server's log says why"),
        }
    }

    /// What was found out here is about this server.
    pub fn verified_on(&self, database: &Database) -> VerifiedOn {
        let version = database.server.version.to_string();
        match &self.server {
            ChosenServer::Throwaway(Throwaway { folder, start_up, .. }) => VerifiedOn {
                version,
                folder: Some(folder.clone()),
                start_up: Some(*start_up),
            },
            ChosenServer::Scratch(_) => VerifiedOn { version, folder: None, start_up: None },
        }
    }

    /// What goes wrong here changes nothing about the verdict, and is told.
    pub async fn remove(self, context: &Context) {
        let extra_databases = match &self.server {
            ChosenServer::Throwaway(_) => Ok(()),
            ChosenServer::Scratch(_) => self.remove_others(context).await,
        };
        let removed = match self.server {
            ChosenServer::Throwaway(Throwaway { sandbox, .. }) => {
                sandbox.stop().map_err(Failure::from)
            }
            ChosenServer::Scratch(scratch) => scratch.drop().await,
        };
        for failure in [extra_databases, removed].into_iter().filter_map(Result::err) {
            context.console.warn(&failure.to_string());
        }
    }
}

/// Nothing is there that a new server would not have.
pub(super) const TEMPLATE: &str = "template0";

pub(super) async fn create(session: &Session, name: &str, template: &str) -> Answer<()> {
    session.execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await
}

/// An administrator, a crash or a shutdown ended the session (PostgreSQL documentation, appendix A).
fn is_end_of_session(sqlstate: &str) -> bool {
    ["57P01", "57P02", "57P03"].contains(&sqlstate)
}
