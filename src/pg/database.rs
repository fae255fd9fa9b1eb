//! One database, readers whose statements are short and bounded, and maintainers whose statements may
//! run for hours.

use std::time::Duration;

use deadpool_postgres::{
    Connect as _, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use pg_conninfo::{Conninfo, Environment, tls};
use tokio::time::timeout;
use tokio_postgres::Config;
use tokio_postgres::types::{ToSql, Type};

use super::connect_failure::{NO_ANSWER, Pooler, explain, pooler, refuses_client_check, too_old};
use super::connections::Connections;
use super::connector::{Connector, Greeting, greet};
use super::name::quote_ident;
use super::row::{Fault, Row};
use super::search_path::{self, SearchPath};
use super::server_error::ServerError;
use super::session::{Echo, Session, Wire};
pub use super::settings::OrphanPolicy;
use super::settings::{
    ClientCheck, OWN_SETTINGS, READ_LOCK_TIMEOUT, READ_PATIENCE, READ_STATEMENT_TIMEOUT,
    link_settings, maintenance_settings, read_settings, start_up_options,
};
use super::version::ServerVersion;
use crate::failure::{Failure, Kind, Result};

/// How to open a database.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// The command, for `application_name`.
    pub command: &'static str,
    /// How many statements may run for long at once.
    pub maintainers: usize,
    /// Whose statements the maintainers run.
    pub errand: Errand,
    /// What else the maintainers begin with.
    pub settings: Vec<(String, String)>,
    /// What becomes of running statements when this process dies.
    pub orphans: OrphanPolicy,
    /// Hears every statement.
    pub echo: Echo,
}

/// Whose statements the maintainers run, which decides about the settings that they begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Errand {
    /// pgtend's, in an empty search path.
    #[default]
    Own,
    /// Another tool's: its sessions begin as the role and the database say.
    Migrations,
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
    pub version: ServerVersion,
    /// The database connected to.
    pub database: String,
    /// The role that pgtend acts as.
    pub role: String,
    /// What decides where a name without schema is looked for: the path that a session of the
    /// user's would have.
    pub search_path: SearchPath,
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

/// Clones share the connections; where names are looked for, each decides for itself.
#[derive(Clone)]
pub struct Database {
    readers: Lane,
    maintainers: Lane,
    lone_maintainers: Lane,
    dedicated: Lane,
    connector: Connector,
    place: String,
    is_local: bool,
    fault: Fault,
    /// What was found out on connecting.
    pub server: Server,
}

/// A pool, and what its sessions are to be like.
#[derive(Clone)]
struct Lane {
    pool: Pool,
    errand: Errand,
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
        connect_options: &ConnectOptions,
    ) -> Result<Database> {
        let tls = tls::connector(&conninfo.tls(), environment)?;
        let place = conninfo.display();
        let connections = Connections::default();
        let link = conninfo.link()?;
        let echo = connect_options.echo.clone();
        let connector = Connector { tls, connections, echo };
        let pool = |check, errand, settings: &[(&str, &str)], size| {
            let config =
                configured(conninfo, connect_options, &link_settings(&link, check), settings)?;
            make_pool(config, connector.clone(), size).map(|pool| Lane { pool, errand })
        };
        let fault = Fault::default();
        let meet = async |check| {
            let readers = pool(check, Errand::Own, &read_settings(), READERS)?;
            let plain = configured(conninfo, connect_options, &link_settings(&link, check), &[])?;
            let server = first_contact(&readers.pool, &connector, &plain, &place, &fault).await?;
            Ok::<_, Failure>((readers, server))
        };
        let mut check = ClientCheck::Possible;
        let mut met = meet(check).await;
        if met.as_ref().is_err_and(refuses_client_check) {
            check = ClientCheck::Refused;
            met = meet(check).await;
        }
        let (readers, server) = met?;
        let maintenance = maintenance_settings(server.version, connect_options.orphans);
        let settings = maintenance.iter().map(|(name, value)| (*name, value.as_str()));
        let own = settings.clone().chain(OWN_SETTINGS).collect::<Vec<_>>();
        let settings = match connect_options.errand {
            Errand::Own => own.clone(),
            Errand::Migrations => settings.collect(),
        };
        let wanted = connect_options
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let settings = settings.into_iter().chain(wanted).collect::<Vec<_>>();
        let alone = [settings.as_slice(), &[("max_parallel_maintenance_workers", "0")]].concat();
        let maintainers =
            pool(check, connect_options.errand, &settings, connect_options.maintainers.max(1))?;
        let lone_maintainers =
            pool(check, connect_options.errand, &alone, connect_options.maintainers.max(1))?;
        // The lock's connection, and a second one to replace it when it is lost.
        let dedicated = pool(check, Errand::Own, &own, 2)?;
        Ok(Database {
            readers,
            maintainers,
            lone_maintainers,
            dedicated,
            connector,
            place,
            is_local: conninfo.is_local(),
            fault,
            server,
        })
    }

    /// A connection for reading the catalog, under short timeouts.
    pub async fn reader(&self) -> Result<Session> {
        self.check_out(&self.readers, Some(READ_PATIENCE)).await
    }

    /// A connection whose statements nothing interrupts but us.
    pub async fn maintainer(&self, workers: Workers) -> Result<Session> {
        let pool = match workers {
            Workers::AsConfigured => &self.maintainers,
            Workers::None => &self.lone_maintainers,
        };
        self.check_out(pool, None).await
    }

    /// How many sessions [`Database::maintainer`] has at once; whoever wants one more waits for one.
    pub fn maintainers(&self) -> usize {
        self.maintainers.pool.status().max_size
    }

    /// The one connection that is kept for the run lock.
    pub async fn dedicated(&self) -> Result<Session> {
        self.check_out(&self.dedicated, Some(READ_PATIENCE)).await
    }

    /// What is known of the connections as such.
    pub fn connections(&self) -> &Connections {
        &self.connector.connections
    }

    /// The path that a maintainer has to [`Session::enter`] for a statement that the user wrote; `None`
    /// where it has that of the user already.
    pub fn users_path(&self) -> Option<&SearchPath> {
        (self.maintainers.errand == Errand::Own).then_some(&self.server.search_path)
    }

    /// From now on names without schema mean what they mean under this path, written as `SET
    /// search_path` takes it, instead of that of the user.
    pub async fn look_in(&mut self, path: &str) -> Result<()> {
        let names = search_path::names(path);
        let asked: [(&(dyn ToSql + Sync), Type); 1] = [(&names, Type::TEXT_ARRAY)];
        let rows = self
            .reader()
            .await?
            .query(SERVER, &asked)
            .await
            .map_err(ServerError::into_failure)?;
        let schemas = rows.first().map(|row| row.get("schemas")).unwrap_or_default();
        self.server.search_path = SearchPath { text: path.to_owned(), schemas };
        Ok(())
    }

    /// From now on names without schema are looked for in this schema first, and then where the path of
    /// the user leads.
    ///
    /// # Errors
    /// `Privilege` where the schema cannot be looked into.
    pub async fn look_first_in(&mut self, schema: &str) -> Result<()> {
        let (first, users) = (quote_ident(schema), &self.server.search_path.text);
        let path = match users.as_str() {
            "" => first.clone(),
            users => format!("{first}, {users}"),
        };
        self.look_in(&path).await?;
        if self.server.search_path.current_schema() == Some(schema) {
            return Ok(());
        }
        // PostgreSQL reads it as the name of the role, in quotes, too.
        let why = match schema {
            "$user" => "no search_path can name it; give it another name".to_owned(),
            _ => format!("it is gone, or {} may not use it", self.server.role),
        };
        Err(Failure::new(
            Kind::Privilege,
            format!("schema {first} cannot be looked into: {why}"),
        ))
    }

    /// The failure of a command that a server has answered with what no PostgreSQL sends.
    pub fn fault(&self) -> Fault {
        self.fault.clone()
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

    /// A connection of the lane that answers. One that has lain idle may have died meanwhile, and one
    /// whose search path is not as it was to begin with was left so when a statement of the user's was
    /// broken off; another takes its place then. `patience`: how long each of its statements may take.
    async fn check_out(&self, lane: &Lane, patience: Option<Duration>) -> Result<Session> {
        let Connector { tls, connections, echo } = &self.connector;
        let mut others = lane.pool.status().max_size;
        loop {
            connections.require_hope()?;
            let client =
                lane.pool.get().await.map_err(|error| pool_failure(&error, &self.place))?;
            let greeting = timeout(CHECK_OUT_PATIENCE, greet(&client, echo)).await;
            let is_left = |greeting: &Greeting| {
                lane.errand == Errand::Own && !greeting.search_path.is_empty()
            };
            if let Ok(Ok(greeting)) = &greeting
                && !is_left(greeting)
            {
                connections.hear();
                let (line, pid) = (connections.of(greeting.pid), greeting.pid);
                let wire = Wire {
                    line,
                    connections: connections.clone(),
                    patience,
                    fault: self.fault.clone(),
                };
                return Ok(Session::new(client, pid, wire, echo.clone(), tls.clone()));
            }
            if others == 0 {
                return Err(match greeting {
                    Ok(Err(error)) => explain(&error, &self.place),
                    _ => no_answer(&self.place),
                });
            }
            others -= 1;
            drop(Object::take(client));
        }
    }
}

const SERVER: &str = include_str!("../../sql/catalog/server.sql");

/// A connection that is only to say who it is, and takes so long, leads nowhere.
const CHECK_OUT_PATIENCE: Duration = Duration::from_secs(10);

/// One for facts, one for watching, one to spare.
const READERS: usize = 3;

/// The driver's `connect_timeout` ends when the socket is open, and counts for each host; a server
/// that accepts and then says nothing must not hold us up for ever.
const WHOLE_CONNECT_FACTOR: u32 = 3;

fn whole_timeout(config: &Config) -> Option<Duration> {
    config.get_connect_timeout().map(|timeout| *timeout * WHOLE_CONNECT_FACTOR)
}

/// The connection with these settings behind the user's own options, so that ours count.
fn configured(
    conninfo: &Conninfo,
    connect_options: &ConnectOptions,
    link: &[(&str, String)],
    settings: &[(&str, &str)],
) -> Result<Config> {
    let mut config = conninfo.driver_config()?;
    config.application_name(format!("pgtend/{}", connect_options.command));
    let options = start_up_options(link, config.get_options(), settings);
    config.options(options);
    Ok(config)
}

fn make_pool(config: Config, connector: Connector, size: usize) -> Result<Pool> {
    let timeout = whole_timeout(&config);
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
/// same process, and settings and locks of one would be the other's. The second is one that the
/// user would make; it is asked for its search path, and ends.
async fn first_contact(
    readers: &Pool,
    connector: &Connector,
    plain: &Config,
    place: &str,
    fault: &Fault,
) -> Result<Server> {
    let echo = &connector.echo;
    let first = readers.get().await.map_err(|error| pool_failure(&error, place))?;
    let users = greet_plainly(connector, plain, place).await?;
    let ours = greet(&first, echo).await.map_err(|error| explain(&error, place))?;
    if ours.pid == users.pid {
        return Err(pooler(place, Pooler::SharesProcesses));
    }
    if !is_of_reader(&ours) {
        return Err(pooler(place, Pooler::DropsSettings));
    }
    let sql = SERVER;
    echo.hear(sql);
    let names = search_path::names(&users.search_path);
    let asked: [(&(dyn ToSql + Sync), Type); 1] = [(&names, Type::TEXT_ARRAY)];
    let rows = first
        .query_typed(sql, &asked)
        .await
        .map_err(|error| too_old_or(&error, place))?;
    let Some(row) = rows.into_iter().next().map(|row| Row::new(row, fault.clone())) else {
        return Err(Failure::new(Kind::Connection, format!("{place} answered nothing")));
    };
    let version = ServerVersion(row.get::<_, i32>("server_version_num").unsigned_abs());
    if !version.is_supported() {
        return Err(too_old(&version.to_string(), place));
    }
    let server = Server {
        version,
        database: row.get("database"),
        role: row.get("role"),
        search_path: SearchPath { text: users.search_path, schemas: row.get("schemas") },
        in_recovery: row.get("in_recovery"),
        read_only: row.get("read_only"),
        block_size_bytes: row.get("block_size_bytes"),
        may_create_temp: row.get("may_create_temp"),
        sees_all_statistics: row.get("sees_all_statistics"),
        deadlock_timeout: Duration::from_millis(
            row.get::<_, i64>("deadlock_timeout_ms").unsigned_abs(),
        ),
    };
    fault.error().map_or(Ok(server), |error| Err(error.into_failure()))
}

/// Whether the start-up options arrived: a pooler may drop them without a word.
fn is_of_reader(greeting: &Greeting) -> bool {
    greeting.search_path.is_empty()
        && greeting.timeouts == [READ_STATEMENT_TIMEOUT, READ_LOCK_TIMEOUT]
}

async fn greet_plainly(connector: &Connector, plain: &Config, place: &str) -> Result<Greeting> {
    let greeted = async {
        let (client, _) = connector.connect(plain).await?;
        greet(&client, &connector.echo).await
    };
    let greeted = match whole_timeout(plain) {
        Some(limit) => tokio::time::timeout(limit, greeted).await,
        None => Ok(greeted.await),
    };
    greeted.map_err(|_| no_answer(place))?.map_err(|error| explain(&error, place))
}

fn pool_failure(error: &PoolError, place: &str) -> Failure {
    match error {
        PoolError::Backend(error) => explain(error, place),
        PoolError::Timeout(_) => no_answer(place),
        other => Failure::new(Kind::Connection, format!("cannot connect to {place}: {other}")),
    }
}

fn no_answer(place: &str) -> Failure {
    Failure::new(Kind::Connection, format!("cannot connect to {place}: timed out")).hint(NO_ANSWER)
}

/// A server before 10 lacks a role that the first question names.
fn too_old_or(error: &tokio_postgres::Error, place: &str) -> Failure {
    match error.code().map(|code| code.code()) {
        Some("42704" | "42883") => too_old("older than 10", place),
        _ => explain(error, place),
    }
}
