//! Further databases beside the one that the migrations are applied to, for the way back.

use std::sync::{MutexGuard, PoisonError};

use super::Context;
use super::server_choice::{ChosenServer, ExtraDatabases, TEMPLATE, VerifyServer, create};
use crate::failure::Result;
use crate::pg::database::{ConnectOptions, Database, Workers};
use crate::pg::server_error::ServerError;
use crate::pg::session::{Answer, Session};

impl VerifyServer {
    /// Makes one more database: empty, or a copy of another one of ours. Returns its name.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn create_other(&self, context: &Context, copied: Option<&str>) -> Result<String> {
        let name = {
            let mut extra_databases = self.extra_databases();
            extra_databases.made += 1;
            // Not like the scratch databases of other runs, which end in a number too.
            let name = format!("{}_down_{}", self.name(), extra_databases.made);
            extra_databases.names.push(name.clone());
            name
        };
        let made = self.beside(context, async |session| {
            create(session, &name, copied.unwrap_or(TEMPLATE)).await?;
            match &self.server {
                ChosenServer::Scratch(scratch) => scratch.mark(session, &name).await,
                ChosenServer::Throwaway(_) => Ok(()),
            }
        });
        if let Err(failure) = made.await {
            // It may be somebody else's.
            self.extra_databases().names.retain(|other| *other != name);
            return Err(failure.context("creating a database for the way back failed"));
        }
        Ok(name)
    }

    /// Opens one of them, for two connections that work in it.
    ///
    /// # Errors
    /// As [`Database::open`].
    pub async fn open_other(&self, context: &Context, name: &str) -> Result<Database> {
        let connect_options = ConnectOptions { maintainers: 2, ..self.connect_options(context) };
        self.connect(context, name, connect_options).await
    }

    /// Drops one of them.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn drop_other(&self, context: &Context, name: &str) -> Result<()> {
        let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        self.beside(context, async |session| session.execute(&sql).await).await?;
        self.extra_databases().names.retain(|other| other != name);
        Ok(())
    }

    fn extra_databases(&self) -> MutexGuard<'_, ExtraDatabases> {
        self.extra_databases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something on a connection to another database than ours.
    async fn beside(
        &self,
        context: &Context,
        work: impl AsyncFnOnce(&Session) -> Answer<()>,
    ) -> Result<()> {
        let made;
        let database = match &self.server {
            ChosenServer::Scratch(scratch) => &scratch.beside,
            ChosenServer::Throwaway(_) => {
                made = self.connect(context, "postgres", context.connect_options("verify")).await?;
                &made
            }
        };
        let session = database.maintainer(Workers::AsConfigured).await?;
        work(&session).await.map_err(ServerError::into_failure)
    }

    /// Drops them all.
    pub(super) async fn remove_others(&self, context: &Context) -> Result<()> {
        let names = self.extra_databases().names.clone();
        let mut left = Ok(());
        for name in names {
            let dropped = self.drop_other(context, &name).await;
            let told = dropped.map_err(|failure| failure.context(format!("{name} stays")));
            left = left.and(told);
        }
        left
    }
}
