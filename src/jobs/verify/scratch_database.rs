//! A database of our own on a server that was given, and those that killed runs have left there.

use tokio_postgres::types::Type;

use super::Context;
use super::server_choice::{TEMPLATE, create};
use crate::failure::{Failure, Kind, Result};
use crate::pg::advisory::{Alive, SCRATCH_KEY_SPACE};
use crate::pg::database::{Database, Workers};
use crate::pg::name::{quote_ident, quote_literal};
use crate::pg::server_error::ServerError;
use crate::pg::session::{Answer, Session};

/// What the comment on each of our databases begins with; the run's number follows.
const MARK: &str = "scratch database of pgtend verify, to be dropped after run ";

/// `duplicate_database`
const IN_USE: &str = "42P04";

/// Containers often give all their jobs the same process id.
const ATTEMPTS: u32 = 100;

/// A database that is dropped at the end.
pub(super) struct Scratch {
    pub(super) name: String,
    /// For creating and dropping it.
    pub(super) beside: Database,
    /// As long as it is held, no other run takes the database for left over.
    alive: Alive,
}

impl Scratch {
    pub(super) async fn create(beside: Database) -> Result<Scratch> {
        let alive = Alive::announce(&beside).await?;
        let session = beside.maintainer(Workers::AsConfigured).await?;
        let first = format!("pgtend_verify_{}", std::process::id());
        let mut name = first.clone();
        for attempt in 2..=ATTEMPTS {
            match create(&session, &name, TEMPLATE).await {
                Ok(()) => {
                    drop(session);
                    return Scratch { name, beside, alive }.marked().await;
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

    async fn marked(self) -> Result<Scratch> {
        let session = self.beside.maintainer(Workers::AsConfigured).await?;
        let marked = self.mark(&session, &self.name).await.map_err(ServerError::into_failure);
        drop(session);
        match marked {
            Ok(()) => Ok(self),
            // The failure counts; if the database stays, the failure to drop it names it.
            Err(failure) => Err(match self.drop().await {
                Ok(()) => failure,
                Err(left) => left,
            }),
        }
    }

    /// Says of a database that it is this run's.
    pub(super) async fn mark(&self, session: &Session, name: &str) -> Answer<()> {
        let comment = quote_literal(&format!("{MARK}{}", self.alive.run()));
        session
            .execute(&format!("COMMENT ON DATABASE {} IS {comment}", quote_ident(name)))
            .await
    }

    /// Not IF EXISTS: that it is gone would be news. FORCE ends sessions that a cancelled run left.
    pub(super) fn drop_sql(&self) -> String {
        format!("DROP DATABASE {} WITH (FORCE)", self.name)
    }

    pub(super) async fn drop(self) -> Result<()> {
        let sql = self.drop_sql();
        let dropped = match self.beside.maintainer(Workers::AsConfigured).await {
            Ok(session) => session.execute(&sql).await.map_err(ServerError::into_failure),
            Err(failure) => Err(failure),
        };
        dropped.map_err(|failure| {
            failure.context(format!("the scratch database stays; drop it with {sql}"))
        })
    }
}

/// Drops what killed runs have left on the server: databases of this very role that bear the mark of a
/// run that is gone, and in which nobody works. What cannot be dropped is named.
///
/// # Errors
/// Those of the connection.
pub(super) async fn sweep(context: &Context, beside: &Database) -> Result<()> {
    let session = beside.maintainer(Workers::AsConfigured).await?;
    let sql = include_str!("../../../sql/catalog/scratch_databases.sql");
    let rows = session
        .query(sql, &[(&SCRATCH_KEY_SPACE, Type::INT4), (&MARK, Type::TEXT)])
        .await
        .map_err(|error| error.into_failure().context("looking for left scratch databases"))?;
    for row in rows {
        let name = quote_ident(row.get("name"));
        // Without FORCE: whoever has connected meanwhile is not to be thrown out.
        let sql = format!("DROP DATABASE {name}");
        let told = match session.execute(&sql).await {
            Ok(()) => format!("dropped the database {name}, which a killed run of verify had left"),
            Err(error) => format!(
                "a killed run of verify has left the database {name}, and it cannot be dropped: \
                 {error}; later: {sql}"
            ),
        };
        context.console.warn(&told);
    }
    Ok(())
}

fn refused(error: ServerError) -> Failure {
    let failure = error.into_failure().context("creating the scratch database failed");
    if failure.kind == Kind::Privilege {
        return failure
            .hint("give the role CREATEDB, or leave out -d: a throwaway server is used then");
    }
    failure
}
