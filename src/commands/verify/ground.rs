//! The server or the database that the migrations are applied to.

use std::sync::{Mutex, PoisonError};

use super::{Args, Context};
use crate::failure::{Failure, Kind, Result};
use crate::pg::conninfo::Conninfo;
use crate::pg::database::{Database, Opening, Workers};
use crate::pg::server_error::ServerError;
use crate::pg::session::{Answer, Session};
use crate::sandbox::Sandbox;

/// Where the migrations are applied.
pub struct Ground {
    server: Server,
    /// The databases that were made besides, for good or for a while.
    others: Mutex<Others>,
}

enum Server {
    /// A server of our own.
    Throwaway(Sandbox),
    /// A database of our own on a server that was given.
    Scratch(Scratch),
}

/// Known before they are made, so that none remains if the run is cancelled meanwhile.
#[derive(Default)]
struct Others {
    made: usize,
    names: Vec<String>,
}

/// A database that is dropped at the end.
pub struct Scratch {
    name: String,
    /// For creating and dropping it.
    beside: Database,
}

/// On the throwaway server: not `postgres`, so that nobody's migration finds anything there.
const DATABASE: &str = "verify";

/// `duplicate_database`
const IN_USE: &str = "42P04";

/// Containers often give all their jobs the same process id.
const ATTEMPTS: u32 = 100;

impl Ground {
    /// Makes it: in a database of its own.
    ///
    /// # Errors
    /// `Sandbox` where no server can be made; those of the server.
    pub async fn make(context: &Context, args: &Args) -> Result<Ground> {
        if context.url.is_none() {
            let made = Ground::throwaway(context, args);
            return Ok(Ground::new(Server::Throwaway(context.unless_cancelled(made).await?)));
        }
        let beside = context.unless_cancelled(context.open(&context.opening("verify"))).await?;
        beside.require_writable()?;
        // Not to be cancelled: what we do not know of we could not drop.
        Ok(Ground::new(Server::Scratch(Scratch::create(beside).await?)))
    }

    fn new(server: Server) -> Ground {
        Ground { server, others: Mutex::default() }
    }

    async fn throwaway(context: &Context, args: &Args) -> Result<Sandbox> {
        let sandbox = context.start_sandbox(args.pg_bin.as_deref()).await?;
        let database =
            context.open_sandbox(&sandbox.url("postgres"), &context.opening("verify")).await?;
        let session = database.maintainer(Workers::AsConfigured).await?;
        create(&session, DATABASE, TEMPLATE).await.map_err(ServerError::into_failure)?;
        Ok(sandbox)
    }

    /// Connects to the database.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open(&self, context: &Context) -> Result<Database> {
        let opening = context.opening("verify");
        let database = self.connect(context, self.name(), &opening).await?;
        context.console.set_server(&database.server);
        Ok(database)
    }

    async fn connect(&self, context: &Context, name: &str, opening: &Opening) -> Result<Database> {
        match &self.server {
            Server::Throwaway(sandbox) => context.open_sandbox(&sandbox.url(name), opening).await,
            Server::Scratch(_) => {
                let conninfo = Conninfo::resolve(context.url.as_deref(), &context.environment)?;
                let conninfo = conninfo.with_database(name);
                Database::open(&conninfo, &context.environment, opening).await
            }
        }
    }

    fn name(&self) -> &str {
        match &self.server {
            Server::Throwaway(_) => DATABASE,
            Server::Scratch(scratch) => &scratch.name,
        }
    }

    /// Makes one more database: empty, or a copy of another one of ours. Returns its name.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn create_other(&self, context: &Context, copied: Option<&str>) -> Result<String> {
        let name = {
            let mut others = self.others();
            others.made += 1;
            // Not like the scratch databases of other runs, which end in a number too.
            let name = format!("{}_down_{}", self.name(), others.made);
            others.names.push(name.clone());
            name
        };
        let made = self.beside(context, async |session| {
            create(session, &name, copied.unwrap_or(TEMPLATE)).await
        });
        if let Err(failure) = made.await {
            // It may be somebody else's.
            self.others().names.retain(|other| *other != name);
            return Err(failure.context("creating a database for the way back failed"));
        }
        Ok(name)
    }

    /// Opens one of them, for two connections that work in it.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open_other(&self, context: &Context, name: &str) -> Result<Database> {
        let opening = Opening { maintainers: 2, ..context.opening("verify") };
        self.connect(context, name, &opening).await
    }

    /// Drops one of them.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn drop_other(&self, context: &Context, name: &str) -> Result<()> {
        let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        self.beside(context, async |session| session.execute(&sql).await).await?;
        self.others().names.retain(|other| other != name);
        Ok(())
    }

    fn others(&self) -> std::sync::MutexGuard<'_, Others> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something on a connection to another database than ours.
    async fn beside(
        &self,
        context: &Context,
        work: impl AsyncFnOnce(&Session) -> Answer<()>,
    ) -> Result<()> {
        let made;
        let database = match &self.server {
            Server::Scratch(scratch) => &scratch.beside,
            Server::Throwaway(_) => {
                made = self.connect(context, "postgres", &context.opening("verify")).await?;
                &made
            }
        };
        let session = database.maintainer(Workers::AsConfigured).await?;
        work(&session).await.map_err(ServerError::into_failure)
    }

    /// What goes wrong here changes nothing about the verdict, and is told.
    pub async fn remove(self, context: &Context) {
        let removed = match &self.server {
            Server::Throwaway(_) => Ok(()),
            Server::Scratch(_) => self.remove_others(context).await,
        };
        let removed = [
            removed,
            match self.server {
                Server::Throwaway(sandbox) => sandbox.stop(),
                Server::Scratch(scratch) => scratch.drop().await,
            },
        ];
        for failure in removed.into_iter().filter_map(Result::err) {
            context.console.warn(&failure.to_string());
        }
    }
}

impl Ground {
    async fn remove_others(&self, context: &Context) -> Result<()> {
        let names = self.others().names.clone();
        for name in names {
            let dropped = self.drop_other(context, &name).await;
            dropped.map_err(|failure| failure.context(format!("the database {name} stays")))?;
        }
        Ok(())
    }
}

impl Scratch {
    async fn create(beside: Database) -> Result<Scratch> {
        let session = beside.maintainer(Workers::AsConfigured).await?;
        let first = format!("pgtend_verify_{}", std::process::id());
        let mut name = first.clone();
        for attempt in 2..=ATTEMPTS {
            match create(&session, &name, TEMPLATE).await {
                Ok(()) => {
                    drop(session);
                    return Ok(Scratch { name, beside });
                }
                Err(error) if error.sqlstate.as_deref() == Some(IN_USE) => {
                    name = format!("{first}_{attempt}");
                }
                Err(error) => return Err(refused(error)),
            }
        }
        Err(Failure::new(Kind::Server, format!("{first} and many more exist already"))
            .hint("drop the databases that killed runs have left"))
    }

    async fn drop(self) -> Result<()> {
        // Not IF EXISTS: that it is gone would be news. FORCE ends sessions that a cancelled run left.
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let dropped = match self.beside.maintainer(Workers::AsConfigured).await {
            Ok(session) => session.execute(&sql).await.map_err(ServerError::into_failure),
            Err(failure) => Err(failure),
        };
        dropped.map_err(|failure| {
            failure.context(format!("the scratch database stays; drop it with {sql}"))
        })
    }
}

/// Nothing is there that a new server would not have.
const TEMPLATE: &str = "template0";

async fn create(session: &Session, name: &str, template: &str) -> Answer<()> {
    session.execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await
}

fn refused(error: ServerError) -> Failure {
    let failure = error.into_failure().context("creating the scratch database failed");
    if failure.kind == Kind::Privilege {
        return failure
            .hint("give the role CREATEDB, or leave out -d: a throwaway server is used then");
    }
    failure
}
