//! One database, two pools: readers whose statements are short and bounded, and maintainers whose
//! statements may run for hours.

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connect_failure::{NO_ANSWER, Pooler, explain, pooler, too_old};
use super::connector::{Connector, backend_pid};
use super::conninfo::{Conninfo, Environment};
use super::notice::Inboxes;
use super::session::{Echo, Session};
pub use super::settings::OrphanPolicy;
use super::settings::{
    READ_LOCK_TIMEOUT, READ_STATEMENT_TIMEOUT, maintenance_settings, read_settings,
    start_up_options,
};
use super::tls;
use super::version::ServerVersion;
use crate::failure::{Failure, Kind, Result};

/// How to open a database.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The command, for `application_name`.
    pub command: &'static str,
    /// How many statements may run for long at once.
    pub maintainers: usize,
    /// What else the maintainers begin with.
    pub settings: Vec<(String, String)>,
    /// What becomes of running statements when this process dies.
    pub orphans: OrphanPolicy,
    /// Hears every statement.
    pub echo: Echo,
}

/// Whether a maintenance statement may be helped by parallel workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// As many as the server's `max_parallel_maintenance_workers` allows.
    AsConfigured,
    /// None: one statement, one core.
    None,
}

/// What kind of server and session this is.
#[derive(Debug, Clone)]
pub struct Server {
    /// The version.
    pub version: ServerVersion,
    /// The database connected to.
    pub database: String,
    /// The role that pgtend acts as.
    pub role: String,
    /// Where an unqualified new relation would go; `None` with an empty search path.
    pub current_schema: Option<String>,
    /// A standby.
    pub in_recovery: bool,
    /// Transactions are read-only by default.
    pub read_only: bool,
    /// Bytes of a page.
    pub block_size_bytes: i64,
    /// TEMP privilege on the database.
    pub may_create_temp: bool,
    /// Other roles' activity is visible.
    pub sees_all_statistics: bool,
    /// How long PostgreSQL waits for a lock before it looks for a deadlock.
    pub deadlock_timeout: Duration,
}

/// An open database.
pub struct Database {
    readers: Pool,
    maintainers: Pool,
    lone_maintainers: Pool,
    dedicated: Pool,
    inboxes: Inboxes,
    tls: MakeRustlsConnect,
    echo: Echo,
    place: String,
    is_local: bool,
    /// What was found out on connecting.
    pub server: Server,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Database {
    /// Connects and checks that pgtend can work there.
    ///
    /// # Errors
    /// `Connection` for everything between here and an accepting server, with what to do about
    /// it; `Unsupported` for a server that is too old and for a pooler in transaction mode.
    pub async fn open(
        conninfo: &Conninfo,
        environment: &Environment,
        opening: &Opening,
    ) -> Result<Database> {
        let tls = tls::connector(&conninfo.tls(), environment)?;
        let place = conninfo.display();
        let inboxes = Inboxes::default();
        let pool = |settings: &[(&str, &str)], size| {
            let (tls, inboxes) = (tls.clone(), inboxes.clone());
            let connector = Connector { tls, inboxes, echo: opening.echo.clone() };
            make_pool(conninfo, opening, connector, settings, size)
        };
        let readers = pool(&read_settings(), READERS)?;
        let server = first_contact(&readers, &place, &opening.echo).await?;
        let settings = maintenance_settings(server.version, opening.orphans);
        let ours = settings.iter().map(|(name, value)| (*name, value.as_str()));
        let wanted = opening.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let settings = ours.chain(wanted).collect::<Vec<_>>();
        let alone = [settings.as_slice(), &[("max_parallel_maintenance_workers", "0")]].concat();
        let maintainers = pool(&settings, opening.maintainers.max(1))?;
        let lone_maintainers = pool(&alone, opening.maintainers.max(1))?;
        // The lock's connection, and a second one to replace it when it is lost.
        let dedicated = pool(&settings, 2)?;
        Ok(Database {
            readers,
            maintainers,
            lone_maintainers,
            dedicated,
            inboxes,
            tls,
            echo: opening.echo.clone(),
            place,
            is_local: conninfo.is_local(),
            server,
        })
    }

    /// A connection for reading the catalog, under short timeouts.
    pub async fn reader(&self) -> Result<Session> {
        self.check_out(&self.readers).await
    }

    /// A connection whose statements nothing interrupts but us.
    pub async fn maintainer(&self, workers: Workers) -> Result<Session> {
        self.check_out(match workers {
            Workers::AsConfigured => &self.maintainers,
            Workers::None => &self.lone_maintainers,
        })
        .await
    }

    /// The one connection that is kept for the run lock.
    pub async fn dedicated(&self) -> Result<Session> {
        self.check_out(&self.dedicated).await
    }

    /// Whether the connection is a socket of this machine.
    pub fn is_local(&self) -> bool {
        self.is_local
    }

    /// Refuses a server that cannot be written to.
    ///
    /// # Errors
    /// `Unsupported` for a standby, `Privilege` for a role or database set to read-only.
    pub fn require_writable(&self) -> Result<()> {
        if self.server.in_recovery {
            return Err(Failure::new(
                Kind::Unsupported,
                format!("{} is a standby: it is read-only", self.place),
            )
            .hint("connect to the primary; target_session_attrs=read-write finds it among several hosts"));
        }
        if self.server.read_only {
            return Err(Failure::new(
                Kind::Privilege,
                format!("transactions on {} are read-only by default", self.place),
            )
            .hint(
                "default_transaction_read_only is on for this role, database or server; \
                   use a role that may write",
            ));
        }
        Ok(())
    }

    async fn check_out(&self, pool: &Pool) -> Result<Session> {
        let client = pool.get().await.map_err(|error| pool_failure(&error, &self.place))?;
        let pid = backend_pid(&client, &self.echo).await;
        let pid = pid.map_err(|error| explain(&error, &self.place))?;
        let inbox = self.inboxes.of(pid);
        Ok(Session::new(client, pid, inbox, self.echo.clone(), self.tls.clone()))
    }
}

/// One for facts, one for watching, one to spare.
const READERS: usize = 3;

/// The driver's `connect_timeout` ends when the socket is open, and counts for each host; a server
/// that accepts and then says nothing must not hold us up for ever.
const WHOLE_CONNECT_FACTOR: u32 = 3;

fn make_pool(
    conninfo: &Conninfo,
    opening: &Opening,
    connector: Connector,
    settings: &[(&str, &str)],
    size: usize,
) -> Result<Pool> {
    let mut config = conninfo.driver_config()?;
    let timeout = config.get_connect_timeout().map(|timeout| *timeout * WHOLE_CONNECT_FACTOR);
    config.application_name(format!("pgtend/{}", opening.command));
    let options = start_up_options(config.get_options(), settings);
    config.options(options);
    let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_connect(config, connector, manager_config);
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .create_timeout(timeout)
        .build()
        .map_err(|error| Failure::from_error(Kind::Connection, error))
}

/// Connects twice at once: behind a pooler in transaction mode both connections are served by the
/// same process, and settings and locks of one would be the other's.
async fn first_contact(readers: &Pool, place: &str, echo: &Echo) -> Result<Server> {
    let first = readers.get().await.map_err(|error| pool_failure(&error, place))?;
    let second = readers.get().await.map_err(|error| pool_failure(&error, place))?;
    let sql = include_str!("../../sql/catalog/server.sql");
    echo.hear(sql);
    let asked: [(&(dyn ToSql + Sync), Type); 2] =
        [(&READ_STATEMENT_TIMEOUT, Type::TEXT), (&READ_LOCK_TIMEOUT, Type::TEXT)];
    let rows = first.query_typed(sql, &asked).await.map_err(|error| too_old_or(&error, place))?;
    let other = backend_pid(&second, echo).await.map_err(|error| explain(&error, place))?;
    let Some(row) = rows.first() else {
        return Err(Failure::new(Kind::Connection, format!("{place} answered nothing")));
    };
    let version = ServerVersion(row.get::<_, i32>("server_version_num").unsigned_abs());
    if !version.is_supported() {
        return Err(too_old(&version.to_string(), place));
    }
    if row.get::<_, i32>("pid") == other {
        return Err(pooler(place, Pooler::SharesProcesses));
    }
    if !row.get::<_, bool>("settings_taken") {
        return Err(pooler(place, Pooler::DropsSettings));
    }
    Ok(Server {
        version,
        database: row.get("database"),
        role: row.get("role"),
        current_schema: row.get("current_schema"),
        in_recovery: row.get("in_recovery"),
        read_only: row.get("read_only"),
        block_size_bytes: row.get("block_size_bytes"),
        may_create_temp: row.get("may_create_temp"),
        sees_all_statistics: row.get("sees_all_statistics"),
        deadlock_timeout: Duration::from_millis(
            row.get::<_, i64>("deadlock_timeout_ms").unsigned_abs(),
        ),
    })
}

fn pool_failure(error: &PoolError, place: &str) -> Failure {
    match error {
        PoolError::Backend(error) => explain(error, place),
        PoolError::Timeout(_) => {
            Failure::new(Kind::Connection, format!("connecting to {place} failed: timed out"))
                .hint(NO_ANSWER)
        }
        other => Failure::new(Kind::Connection, format!("connecting to {place} failed: {other}")),
    }
}

/// A server before 10 lacks a role that the first question names.
fn too_old_or(error: &tokio_postgres::Error, place: &str) -> Failure {
    match error.code().map(|code| code.code()) {
        Some("42704" | "42883") => too_old("older than 10", place),
        _ => explain(error, place),
    }
}
