//! What `check` looks at: facts of the server and of one database, each known or with the reason why not.
//! One query a topic; a query that fails makes its topic unknown, and no other.

mod database;
mod index;
mod replication;
mod sessions;
mod settings;
mod table;

use tokio_postgres::types::{ToSql, Type};

pub use database::{Database, Glance};
pub use index::Index;
pub use replication::{
    Archiver, Conflicts, PublishedTable, Replication, Slot, Standby, Subscription,
    SubscriptionErrors,
};
pub use sessions::{Connections, LockHolder, LockTable, RoleConnections, Sessions, lock_holders};
pub use settings::Settings;
#[cfg(test)]
pub use settings::tests::settings;
pub use table::Table;

use super::columns::{FromRow, facts_of_columns};
use super::known::{Known, Unavailable};
use super::load::ask;
use super::{AutovacuumSettings, TableMaintenance, TableState, load_table_maintenance};
use super::{HorizonHolder, load_horizon};
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::name::quote_ident;
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// What is known of a server and its database.
#[derive(Debug, Clone, Default)]
pub struct Health {
    pub glance: Known<Vec<Glance>>,
    pub settings: Known<Settings>,
    pub databases: Known<Vec<Database>>,
    pub tables: Known<Vec<Table>>,
    pub indexes: Known<Vec<Index>>,
    /// The tables that are due for VACUUM or ANALYZE.
    pub due: Known<TableMaintenance>,
    /// Who keeps dead rows from being removed.
    pub horizon: Known<Vec<HorizonHolder>>,
    pub autovacuum: Known<Vec<AutovacuumWorker>>,
    pub replication: Replication,
    pub sessions: Sessions,
}

impl Health {
    /// Whether the server replays what another one has written.
    ///
    /// # Errors
    /// Where that could not be seen.
    pub fn is_standby(&self) -> std::result::Result<bool, &Unavailable> {
        Ok(self.glance.seen()?.first().is_some_and(|glance| glance.in_recovery))
    }
}

facts_of_columns! {
    /// An autovacuum worker of this moment.
    pub struct AutovacuumWorker {
        /// For how long it has been at its table.
        pub seconds: f64,
    }
}

/// Whether a table is kept because it is due, by the settings that hold for tables without their own.
pub type IsDue = fn(&AutovacuumSettings, &TableState) -> bool;

/// Looks at all of it, under short timeouts.
///
/// # Errors
/// `Connection` where the connection is lost. All else is a fact.
pub async fn load_health(session: &Session, server: &Server, is_due: IsDue) -> Result<Health> {
    session.execute_all(&SHORT).await.map_err(ServerError::into_failure)?;
    let health = Health {
        glance: rows(session, include_str!("../../../sql/check/glance.sql"), &[]).await,
        settings: settings::load(session).await,
        databases: rows(session, include_str!("../../../sql/check/databases.sql"), &[]).await,
        tables: rows(session, include_str!("../../../sql/check/tables.sql"), &[]).await,
        indexes: rows(session, include_str!("../../../sql/check/indexes.sql"), &[]).await,
        due: load_table_maintenance(session, server, Vec::new(), is_due).await.into(),
        horizon: load_horizon(session, server).await,
        autovacuum: of_others(
            session,
            server,
            include_str!("../../../sql/check/autovacuum_workers.sql"),
        )
        .await,
        replication: replication::load(session, server).await,
        sessions: sessions::load(session, server).await,
    };
    // A lost connection shows here, whatever query it was that met it.
    session.execute_all(&AS_BEFORE).await.map_err(ServerError::into_failure)?;
    Ok(health)
}

/// The comments that say what is not to be found, each with its object.
pub async fn load_ignore_comments(session: &Session) -> Result<Vec<(String, String)>> {
    let rows = ask(session, include_str!("../../../sql/check/ignore_comments.sql"), &[]).await?;
    Ok(rows.iter().map(|row| (row.get("object"), row.get("comment"))).collect())
}

/// A look is over soon, and waits behind nobody.
const SHORT: [&str; 2] = ["SET statement_timeout = '5s'", "SET lock_timeout = '100ms'"];
const AS_BEFORE: [&str; 2] = ["RESET statement_timeout", "RESET lock_timeout"];

/// The query's rows, where the role may see what others do: it would be none, else.
async fn of_others<T: FromRow>(session: &Session, server: &Server, sql: &str) -> Known<Vec<T>> {
    match server.sees_all_statistics {
        true => rows(session, sql, &[]).await,
        false => others_hidden(server).into(),
    }
}

fn others_hidden(server: &Server) -> Unavailable {
    Unavailable::because("this role may not see other roles' sessions")
        .help(format!("GRANT pg_read_all_stats TO {}", quote_ident(&server.role)))
}

/// The query's rows.
async fn rows<T: FromRow>(
    session: &Session,
    sql: &str,
    params: &[(&(dyn ToSql + Sync), Type)],
) -> Known<Vec<T>> {
    let rows = ask(session, sql, params).await;
    rows.map(|rows| rows.iter().map(T::from_row).collect()).into()
}
