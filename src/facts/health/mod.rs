//! What `check` looks at: facts of the server and of one database, each known or with the reason why not.
//! One query a topic; a query that fails makes its topic unknown, and no other.

mod budget;
mod column;
mod confirmed;
mod database;
mod elsewhere;
mod files;
mod foreign_key;
mod index;
mod index_methods;
mod io;
mod partition;
mod replication;
mod security;
mod sequence;
mod sessions;
mod settings;
mod table;
mod trends;
mod verified;
mod versions;

pub use column::{Column, ExpressionIndex, RegrettedColumns, UnfilledStatistics};
pub use confirmed::{Confirmed, Room, load_confirmed};
pub use database::{Database, Glance};
pub use elsewhere::{Counted, Node, load_counted};
pub use files::{Files, LargeObjects, MOST_LARGE_OBJECTS};
#[cfg(test)]
pub use files::{MultixactFiles, WalFiles};
pub use foreign_key::{DisabledTrigger, ForeignKey, NotValidConstraint};
pub use index::Index;
pub use index_methods::{BrinKey, GinList, IndexMethods};
pub use io::{Checkpoints, Evictions, FileError, Io, Wal};
pub use partition::{Partition, RefreshInterval, View};
pub use replication::{
    Archiver, Conflicts, PublishedTable, Replication, Slot, Standby, Subscription,
    SubscriptionErrors,
};
pub use security::{
    DefinerFunction, HbaRule, PublicSchema, RoleName, RowSecurity, RowSecurityView, Security,
    Unencrypted,
};
pub use sequence::{SequenceColumn, Sequences};
pub use sessions::{Connections, LockHolder, LockTable, RoleConnections, Sessions, lock_holders};
#[cfg(test)]
pub use settings::tests::settings;
pub use settings::{RoleSetting, Setting, Settings, means_off, means_on};
pub use table::Table;
pub use trends::Trends;
pub use verified::{CorruptIndex, Verified, load_verified};
pub use versions::{Collation, Extension, IndexClass, Versions, load_collations};

use super::columns::{FromRow, facts_of_columns};
use super::index_bloat::{IndexBloat, IndexesWanted, load_index_bloat};
use super::known::{Known, Unavailable};
use super::load::ask;
use super::measures::load_autovacuum_ms;
use super::{AutovacuumSettings, TableMaintenance, TableState, load_table_maintenance};
use super::{HorizonHolder, load_horizon};
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::name::quote_ident;
use crate::pg::row::Row;
use crate::pg::server_error::{INSUFFICIENT_PRIVILEGE, ServerError};
use crate::pg::session::Session;

/// What is known of a server and its database.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// The role that looks, as the server quotes it.
    pub role: String,
    pub glance: Known<Vec<Glance>>,
    pub settings: Known<Settings>,
    pub role_settings: Known<Vec<RoleSetting>>,
    pub databases: Known<Vec<Database>>,
    pub tables: Known<Vec<Table>>,
    pub indexes: Known<Vec<Index>>,
    /// The tables that are due for VACUUM or ANALYZE.
    pub due: Known<TableMaintenance>,
    /// Who keeps dead rows from being removed.
    pub horizon: Known<Vec<HorizonHolder>>,
    pub autovacuum: Known<Vec<AutovacuumWorker>>,
    /// What autovacuum has spent on the tables of this database; `None` before 18, which does not count it.
    pub autovacuum_ms: Known<Option<i64>>,
    pub replication: Replication,
    pub sessions: Sessions,
    pub foreign_keys: Known<Vec<ForeignKey>>,
    pub not_valid: Known<Vec<NotValidConstraint>>,
    pub disabled_triggers: Known<Vec<DisabledTrigger>>,
    pub sequences: Known<Sequences>,
    /// Of large tables.
    pub columns: Known<Vec<Column>>,
    /// Indexes on expressions without statistics.
    pub expression_indexes: Known<Vec<ExpressionIndex>>,
    /// `None` before 15, where the catalog does not tell them from others.
    pub unfilled_statistics: Known<Option<Vec<UnfilledStatistics>>>,
    pub regretted_columns: Known<Vec<RegrettedColumns>>,
    pub partitions: Known<Vec<Partition>>,
    pub views: Known<Vec<View>>,
    pub files: Files,
    pub index_methods: IndexMethods,
    /// Of 1 MiB and more.
    pub index_bloat: Known<Vec<IndexBloat>>,
    /// What snapshots and history tell.
    pub trends: Known<Trends>,
    pub io: Io,
    pub versions: Versions,
    pub security: Security,
    /// What was read as a whole; `None`: that was not asked for.
    pub verified: Known<Option<Verified>>,
    /// What was counted of bloated tables and indexes; `None`: that was not asked for.
    pub confirmed: Known<Option<Confirmed>>,
    /// Other servers of the same data, whose scans are among those of `indexes` and `tables`.
    pub nodes: Vec<Node>,
}

impl Health {
    /// Whether the server replays what another one has written.
    ///
    /// # Errors
    /// Where that could not be seen.
    pub fn is_standby(&self) -> std::result::Result<bool, &Unavailable> {
        Ok(self.glance.seen()?.first().is_some_and(|glance| glance.in_recovery))
    }

    /// What is not known of columns that the role may not read.
    pub fn hidden_columns(&self) -> Unavailable {
        Unavailable::because("this role may not see the statistics of all columns")
            .help(format!("GRANT pg_read_all_data TO {}", self.role))
    }

    /// The database that is connected to, as the server quotes it.
    ///
    /// # Errors
    /// Where the databases could not be seen.
    pub fn database_name(&self) -> std::result::Result<String, &Unavailable> {
        let current = self.databases.seen()?.iter().find(|database| database.is_current);
        Ok(current.map_or_else(String::new, |database| quote_ident(&database.name)))
    }

    /// The server's clock, in seconds since 1970.
    pub fn now_epoch(&self) -> std::result::Result<f64, Unavailable> {
        let glance = self.glance.seen()?.first();
        Ok(glance.map_or(0.0, |glance| glance.started_epoch + glance.uptime_seconds))
    }

    /// How old the cluster is: no counter counts for longer. `None` where that is not known.
    pub fn cluster_seconds(&self) -> Option<f64> {
        let glance = self.glance.known()?.first()?;
        let now = glance.started_epoch + glance.uptime_seconds;
        glance.made_epoch.map(|made| now - made).filter(|seconds| *seconds > 0.0)
    }

    /// Of which nothing could be seen.
    #[cfg(test)]
    pub fn blind() -> Health {
        let why = || Unavailable::because("it is a test");
        Health {
            role: String::new(),
            glance: why().into(),
            settings: why().into(),
            role_settings: why().into(),
            databases: why().into(),
            tables: why().into(),
            indexes: why().into(),
            due: why().into(),
            horizon: why().into(),
            autovacuum: why().into(),
            autovacuum_ms: why().into(),
            foreign_keys: why().into(),
            not_valid: why().into(),
            disabled_triggers: why().into(),
            sequences: why().into(),
            columns: why().into(),
            expression_indexes: why().into(),
            unfilled_statistics: why().into(),
            regretted_columns: why().into(),
            partitions: why().into(),
            views: why().into(),
            files: Files::unseen(&why()),
            index_methods: IndexMethods::unseen(&why()),
            index_bloat: why().into(),
            replication: Replication::unseen(&why()),
            sessions: Sessions::unseen(&why()),
            trends: why().into(),
            io: Io::unseen(&why()),
            versions: Versions::unseen(&why()),
            security: Security::unseen(&why()),
            verified: why().into(),
            confirmed: why().into(),
            nodes: Vec::new(),
        }
    }
}

facts_of_columns! {
    /// An autovacuum worker of this moment.
    pub struct AutovacuumWorker {
        /// For how long it has been at its table.
        pub seconds: f64,
        /// It sleeps now, because of its limit of cost.
        pub is_held_back: bool,
        /// The table of this database that it reads, as the server quotes it.
        pub table_object: Option<String>,
        pub read_bytes: Option<i64>,
        pub table_bytes: Option<i64>,
    }
}

/// Whether a table is kept because it is due, by the settings that hold for tables without their own.
pub type IsDue = fn(&AutovacuumSettings, &TableState) -> bool;

/// Looks at all of it, under short timeouts.
///
/// # Errors
/// `Connection` where the connection is lost. All else is a fact.
pub async fn load_health(
    session: &Session,
    server: &Server,
    history_owner: Option<&str>,
    is_due: IsDue,
) -> Result<Health> {
    briefly(session, look(session, server, history_owner, is_due)).await
}

async fn look(
    session: &Session,
    server: &Server,
    history_owner: Option<&str>,
    is_due: IsDue,
) -> Health {
    let bloated = IndexesWanted { oids: &[], least_bytes: 1 << 20 };
    Health {
        role: quote_ident(&server.role),
        glance: rows(session, include_str!("../../../sql/check/glance.sql")).await,
        settings: settings::load(session).await,
        role_settings: rows(session, include_str!("../../../sql/check/role_settings.sql")).await,
        databases: rows(session, include_str!("../../../sql/check/databases.sql")).await,
        tables: rows(session, include_str!("../../../sql/check/tables.sql")).await,
        indexes: rows(session, include_str!("../../../sql/check/indexes.sql")).await,
        due: load_table_maintenance(session, server, Vec::new(), is_due).await.into(),
        horizon: load_horizon(session, server).await,
        autovacuum: of_others(
            session,
            server,
            include_str!("../../../sql/check/autovacuum_workers.sql"),
        )
        .await,
        autovacuum_ms: load_autovacuum_ms(session, server.version).await.into(),
        replication: replication::load(session, server).await,
        sessions: sessions::load(session, server).await,
        foreign_keys: rows(session, include_str!("../../../sql/check/foreign_keys.sql")).await,
        not_valid: rows(session, include_str!("../../../sql/check/not_valid_constraints.sql"))
            .await,
        disabled_triggers: rows(session, include_str!("../../../sql/check/disabled_triggers.sql"))
            .await,
        sequences: sequence::load(session, server).await,
        columns: column::load(session).await,
        expression_indexes: rows(
            session,
            include_str!("../../../sql/check/expression_indexes.sql"),
        )
        .await,
        unfilled_statistics: column::load_unfilled(session, server).await,
        regretted_columns: rows(session, include_str!("../../../sql/check/column_types.sql")).await,
        partitions: rows(session, include_str!("../../../sql/check/partitions.sql")).await,
        views: rows(session, include_str!("../../../sql/check/views.sql")).await,
        files: files::load(session, server).await,
        index_methods: index_methods::load(session, server).await,
        index_bloat: load_index_bloat(session, server, bloated).await.into(),
        trends: trends::load(session, history_owner).await,
        io: io::load(session, server).await,
        versions: versions::load(session, server).await,
        security: security::load(session, server).await,
        verified: Known::default(),
        confirmed: Known::default(),
        nodes: Vec::new(),
    }
}

/// The comments that say what is not to be found, each with its object.
pub async fn load_ignore_comments(session: &Session) -> Result<Vec<(String, String)>> {
    let rows = ask(session, include_str!("../../../sql/check/ignore_comments.sql"), &[]).await?;
    Ok(rows.iter().map(|row| (row.get("object"), row.get("comment"))).collect())
}

/// Bytes of a page, but for servers that somebody has compiled otherwise.
const PAGE_BYTES: i64 = 8192;

/// A look is over soon, and waits behind nobody.
const SHORT: [&str; 4] = [
    "SET statement_timeout = '5s'",
    "SET lock_timeout = '100ms'",
    // Bounds of partitions are read as text.
    "SET DateStyle = 'ISO'",
    "SET TimeZone = 'UTC'",
];
const AS_BEFORE: [&str; 4] = [
    "RESET statement_timeout",
    "RESET lock_timeout",
    "RESET DateStyle",
    "RESET TimeZone",
];

/// Looks under short timeouts.
///
/// # Errors
/// `Connection` where the connection is lost.
async fn briefly<T>(session: &Session, look: impl Future<Output = T>) -> Result<T> {
    session.execute_all(&SHORT).await.map_err(ServerError::into_failure)?;
    let seen = look.await;
    // A lost connection shows here, whatever query it was that met it.
    session.execute_all(&AS_BEFORE).await.map_err(ServerError::into_failure)?;
    Ok(seen)
}

/// The query's rows, where the role may see what others do: it would be none, else.
async fn of_others<T: FromRow>(session: &Session, server: &Server, sql: &str) -> Known<Vec<T>> {
    match server.sees_all_statistics {
        true => rows(session, sql).await,
        false => others_hidden(server).into(),
    }
}

fn others_hidden(server: &Server) -> Unavailable {
    Unavailable::because("this role may not see other roles' sessions")
        .help(format!("GRANT pg_read_all_stats TO {}", quote_ident(&server.role)))
}

/// The query's rows.
async fn rows<T: FromRow>(session: &Session, sql: &str) -> Known<Vec<T>> {
    ask(session, sql, &[]).await.map(|rows| read(&rows)).into()
}

/// The rows of a query that calls this function of pg_catalog, which superusers may and others by a GRANT.
async fn of_function<T: FromRow>(
    session: &Session,
    server: &Server,
    sql: &str,
    function: &str,
) -> Known<Vec<T>> {
    let role = quote_ident(&server.role);
    let denied = Unavailable::because(format!("this role may not call {function}"))
        .help(format!("GRANT EXECUTE ON FUNCTION pg_catalog.{function} TO {role}"));
    rows_unless_denied(session, sql, denied).await
}

/// The query's rows; where the role lacks the privilege, why they are not to be had.
async fn rows_unless_denied<T: FromRow>(
    session: &Session,
    sql: &str,
    denied: Unavailable,
) -> Known<Vec<T>> {
    match ask(session, sql, &[]).await {
        Err(failure) if failure.sqlstate.as_deref() == Some(INSUFFICIENT_PRIVILEGE) => {
            denied.into()
        }
        rows => rows.map(|rows| read(&rows)).into(),
    }
}

fn read<T: FromRow>(rows: &[Row]) -> Vec<T> {
    rows.iter().map(T::from_row).collect()
}
