//! One database, two pools: readers whose statements are short and bounded, and maintainers whose
//! statements may run for hours. Every setting is in the start-up options of its pool, so that no
//! SET can leak to the next user of a connection, and so that role and database settings
//! (`ALTER ROLE … SET statement_timeout`) do not apply.

use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connect_failure::{NO_ANSWER, explain};
use super::connector::{Connector, Inboxes, backend_pid};
use super::conninfo::{Conninfo, Environment};
use super::session::{Echo, Session};
use super::tls;
use super::version::ServerVersion;
use crate::failure::{Failure, Kind, Result};

/// Reading the catalog takes milliseconds; a reader that takes this long is stuck.
const READ_STATEMENT_TIMEOUT: &str = "30s";

/// Catalog functions such as `pg_get_indexdef` take a lock on the relation for a moment; they must
/// not queue behind somebody's ALTER TABLE.
const READ_LOCK_TIMEOUT: &str = "1s";

/// How to open a database.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The command, for `application_name`.
    pub command: &'static str,
    /// How many statements may run for long at once.
    pub maintainers: usize,
    /// `maintenance_work_mem` for the maintainers, where the user set one.
    pub maintenance_work_mem: Option<String>,
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

/// What happens to a running statement when this process dies or its connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OrphanPolicy {
    /// The server notices within seconds and ends it.
    #[default]
    Ends,
    /// It goes on to its end; the next run finds it and watches it.
    Survives,
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
        let settings = maintenance_settings(server.version, opening);
        let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
        let settings = settings.collect::<Vec<_>>();
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

    /// The database as messages name it: `user@host:port/database`.
    pub fn place(&self) -> &str {
        &self.place
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

/// How often a working backend looks whether its client is still there (14 and newer; by default
/// it never does, and a build without a client goes on for hours).
const ORPHAN_CHECK: &str = "2s";

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
    let options = settings.iter().map(|(name, value)| format!("-c {name}={}", escape(value)));
    let options = config.get_options().map(str::to_owned).into_iter().chain(options);
    config.options(options.collect::<Vec<_>>().join(" "));
    let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_connect(config, connector, manager_config);
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .create_timeout(timeout)
        .build()
        .map_err(|error| Failure::from_error(Kind::Connection, error))
}

/// White space and backslashes are escaped in start-up options (libpq, `options`).
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace(' ', "\\ ")
}

fn read_settings() -> Vec<(&'static str, &'static str)> {
    vec![
        ("statement_timeout", READ_STATEMENT_TIMEOUT),
        ("lock_timeout", READ_LOCK_TIMEOUT),
        ("idle_in_transaction_session_timeout", "60s"),
        // Compiling a catalog query takes longer than running it.
        ("jit", "off"),
    ]
}

/// Whether the server complains about one of the settings that the very first connection has. The
/// youngest of them came with PostgreSQL 11.
pub(super) fn is_read_setting(complaint: &str) -> bool {
    read_settings().iter().any(|(name, _)| complaint.contains(&format!("\"{name}\"")))
}

/// `lock_timeout` governs every wait inside a concurrent build, `statement_timeout` the whole of
/// it, and either leaves an invalid index behind. So all are off, and pgtend bounds the waits.
fn maintenance_settings(version: ServerVersion, opening: &Opening) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("statement_timeout", "0".to_owned()),
        ("lock_timeout", "0".to_owned()),
        ("idle_in_transaction_session_timeout", "0".to_owned()),
        ("idle_session_timeout", "0".to_owned()),
    ];
    if version.has_transaction_timeout() {
        settings.push(("transaction_timeout", "0".to_owned()));
    }
    let check = match opening.orphans {
        OrphanPolicy::Ends => ORPHAN_CHECK,
        OrphanPolicy::Survives => "0",
    };
    settings.push(("client_connection_check_interval", check.to_owned()));
    if let Some(memory) = &opening.maintenance_work_mem {
        settings.push(("maintenance_work_mem", memory.clone()));
    }
    settings
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
    if row.get::<_, i32>("pid") == other || !row.get::<_, bool>("settings_taken") {
        return Err(pooler(place));
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

pub(super) fn too_old(version: &str, place: &str) -> Failure {
    Failure::new(
        Kind::Unsupported,
        format!(
            "{place} is PostgreSQL {version}; pgtend needs {} or newer",
            super::version::OLDEST_SUPPORTED
        ),
    )
    .hint("PostgreSQL 13 and older get no fixes any more; upgrade the server")
}

/// What to say when something between us and the server shares its connections.
pub fn pooler(place: &str) -> Failure {
    Failure::new(
        Kind::Unsupported,
        format!("{place} is a connection pooler (PgBouncer?) that does not keep one server process per connection"),
    )
    .hint("locks and settings would belong to whoever comes next; connect to PostgreSQL directly \
           (usually port 5432 instead of 6432)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening() -> Opening {
        Opening {
            command: "apply",
            maintainers: 1,
            maintenance_work_mem: Some("1 GB".to_owned()),
            orphans: OrphanPolicy::Ends,
            echo: Echo::silent(),
        }
    }

    #[test]
    fn every_timeout_of_a_maintainer_is_off_as_far_as_the_version_knows_it() {
        let names = |version| {
            maintenance_settings(ServerVersion(version), &opening())
                .into_iter()
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        };
        assert!(!names(160_000).contains(&"transaction_timeout"));
        assert!(names(170_000).contains(&"transaction_timeout"));
        assert!(names(140_000).contains(&"lock_timeout"));
    }

    #[test]
    fn spaces_in_start_up_options_are_escaped() {
        assert_eq!(escape("1 GB"), "1\\ GB");
        assert_eq!(escape("a\\b"), "a\\\\b");
    }
}
