//! How a connection to PostgreSQL is described: the connection string, the service file, the
//! environment and the password file, merged as libpq merges them, for `tokio-postgres`.
//!
//! The driver has a parser of its own, which knows neither services nor password files nor the
//! environment, reads some keywords differently, and repeats what it cannot read. So all of it is
//! read here, and the driver is handed the result. Nothing here connects.
//!
//! ```no_run
//! # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
//! use pg_conninfo::{Conninfo, Environment, tls};
//!
//! let environment = Environment::process();
//! let conninfo = Conninfo::resolve(std::env::args().nth(1).as_deref(), &environment)?;
//! let tls = tls::connector(&conninfo.tls(), &environment)?;
//! println!("connecting to {}", conninfo.display());
//! let (client, connection) = conninfo.driver_config()?.connect(tls).await?;
//! # drop((client, connection));
//! # Ok(())
//! # }
//! ```
//!
//! Source: PostgreSQL documentation, libpq, "Database Connection Control Functions".

#![warn(missing_docs)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod dialects;
mod environment;
mod error;
mod keywords;
mod parse;
mod passfile;
mod service;
mod settings;
pub mod tls;
mod values;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;

use tokio_postgres::config::SslMode as DriverSslMode;

pub use environment::Environment;
pub use error::{Error, ErrorKind, Result};
pub use parse::Harmless;
pub use settings::{Link, RootCertificates, SslMode, TlsSettings, TlsVersion};

use passfile::{Passfile, Wanted};
use settings::Endpoint;
use values::{Origin, Values};

/// The parameters of one connection, complete and checked. Neither `Debug` nor any failure shows
/// the password.
#[derive(Clone)]
pub struct Conninfo {
    values: Values,
    endpoints: Vec<Endpoint>,
    tls: TlsSettings,
    /// What the reader should know although it stops nothing, such as a password file that is
    /// ignored because others can read it.
    pub warnings: Vec<String>,
}

impl Conninfo {
    /// The parameters that `explicit` and `env` make together. `explicit` is the connection text that
    /// the user gave: a `postgres://` URL, also as frameworks write it, key=value pairs, or a
    /// database name.
    ///
    /// In libpq's order: explicit, service file, environment, defaults; the password file last.
    ///
    /// # Errors
    /// Fails with [`ErrorKind::Text`] for what `explicit` says, and with
    /// [`ErrorKind::Surroundings`] for the rest: malformed text, unknown or unsupported parameters, values out of range, an unknown service. No
    /// failure repeats a value.
    pub fn resolve(explicit: Option<&str>, env: &Environment) -> Result<Conninfo> {
        let mut warnings = Vec::new();
        let mut values = Values::merge(explicit, env, &mut warnings)?;
        let endpoints = values.endpoints(env)?;
        add_user_and_dbname(&mut values, env)?;
        add_password(&mut values, &endpoints, env, &mut warnings)?;
        let hosts: Vec<_> = endpoints.iter().map(|endpoint| endpoint.host.as_str()).collect();
        values.offer("host", hosts.join(","), Origin::Default);
        let mut tls = values.tls()?;
        if endpoints.iter().all(Endpoint::is_socket) {
            // No server speaks TLS on a socket. libpq does not even ask for the files then.
            tls.mode = SslMode::Disable;
        }
        let conninfo = Conninfo { values, endpoints, tls, warnings };
        // So that a wrong number is found here and not when somebody connects.
        conninfo.driver_config()?;
        Ok(conninfo)
    }

    /// The value of one of libpq's keywords, be it given or by default.
    pub fn get(&self, keyword: &str) -> Option<&str> {
        self.values.get(keyword)
    }

    /// The same server and role, and another database.
    #[must_use]
    pub fn with_database(mut self, name: &str) -> Self {
        self.values.replace("dbname", name.to_owned());
        self
    }

    /// What the driver needs to connect. `options` is the user's; the caller appends its own and
    /// sets `application_name`.
    ///
    /// In a list that mixes sockets and names, `sslmode=require` and stronger pass the sockets over,
    /// and the limit on the time to connect is for the socket alone, not for what the server takes
    /// to answer.
    ///
    /// # Errors
    /// Fails if a value is out of range; [`Conninfo::resolve`] has found all of those.
    pub fn driver_config(&self) -> Result<tokio_postgres::Config> {
        let mut config = tokio_postgres::Config::new();
        self.add_who(&mut config);
        self.add_where(&mut config);
        self.add_patience(&mut config)?;
        config
            .ssl_mode(self.driver_ssl_mode())
            .ssl_negotiation(self.tls.negotiation)
            .channel_binding(self.values.channel_binding()?)
            .target_session_attrs(self.values.target_session_attrs()?)
            .load_balance_hosts(self.values.load_balance_hosts()?);
        Ok(config)
    }

    /// How soon a dead link is noticed.
    ///
    /// # Errors
    /// Fails on what is no number.
    pub fn link(&self) -> Result<Link> {
        self.values.link()
    }

    /// What the parameters say about TLS; off if there are sockets only.
    pub fn tls(&self) -> TlsSettings {
        self.tls.clone()
    }

    /// Whether every host is a socket of this machine.
    pub fn is_local(&self) -> bool {
        self.endpoints.iter().all(|endpoint| endpoint.host.starts_with(['/', '@']))
    }

    /// `user@host:port/dbname` for messages. Several hosts are joined by commas.
    pub fn display(&self) -> String {
        let user = self.get("user").unwrap_or_default();
        let dbname = self.get("dbname").unwrap_or_default();
        format!("{user}@{}/{dbname}", self.hosts())
    }

    /// `host:port`, or the folder of the socket. Several are joined by commas.
    pub fn hosts(&self) -> String {
        let hosts = self.endpoints.iter().map(Endpoint::display);
        hosts.collect::<Vec<_>>().join(",")
    }

    /// Whether `text` is meant as a connection URL, wherever it was given. It must not be shown then,
    /// for it may hold a password.
    pub fn is_url(text: &str) -> bool {
        parse::is_url(text)
    }

    /// The text of a connection without its password and other secrets; `None` if it holds none or is
    /// malformed. For a process that starts itself anew so that its arguments, which everybody can
    /// read, hold no password.
    ///
    /// A password in `PGPASSWORD` gives way to one in the service file, unlike one in the text.
    pub fn without_secrets(text: &str) -> Option<Harmless> {
        parse::without_secrets(text)
    }

    fn add_who(&self, config: &mut tokio_postgres::Config) {
        if let Some(user) = self.get("user") {
            config.user(user);
        }
        if let Some(dbname) = self.get("dbname") {
            config.dbname(dbname);
        }
        if let Some(password) = self.get("password") {
            config.password(password);
        }
        if let Some(options) = self.get("options") {
            config.options(options);
        }
    }

    fn add_where(&self, config: &mut tokio_postgres::Config) {
        for Endpoint { host, address, port } in &self.endpoints {
            // TLS verifies the host even if the address says where to connect.
            config.host(host).port(*port);
            if let Some(address) = address {
                config.hostaddr(*address);
            }
        }
    }

    fn add_patience(&self, config: &mut tokio_postgres::Config) -> Result<()> {
        if let Some(timeout) = self.values.connect_timeout()? {
            config.connect_timeout(timeout);
        }
        let link = self.link()?;
        if let Some(timeout) = link.user_timeout {
            config.tcp_user_timeout(timeout);
        }
        config.keepalives(link.keepalives);
        if let Some(idle) = link.idle {
            config.keepalives_idle(idle);
        }
        if let Some(interval) = link.interval {
            config.keepalives_interval(interval);
        }
        if let Some(count) = link.count {
            config.keepalives_retries(count);
        }
        Ok(())
    }

    fn driver_ssl_mode(&self) -> DriverSslMode {
        match self.tls.mode {
            SslMode::Disable => DriverSslMode::Disable,
            SslMode::Prefer => DriverSslMode::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => DriverSslMode::Require,
        }
    }
}

/// One setting as an item of the start-up parameter `options`, in which white space and backslashes
/// are escaped.
pub fn start_up_option(name: &str, value: &str) -> String {
    let is_special = |char: char| char == '\\' || char.is_ascii_whitespace() || char == '\x0b';
    let escaped = |char| is_special(char).then_some('\\').into_iter().chain([char]);
    let value: String = value.chars().flat_map(escaped).collect();
    format!("-c {name}={value}")
}

impl fmt::Debug for Conninfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conninfo")
            .field("values", &self.values)
            .field("endpoints", &self.endpoints)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

fn add_user_and_dbname(values: &mut Values, env: &Environment) -> Result<()> {
    if values.get("user").is_none() {
        let user = env.user().ok_or_else(|| {
            Error::surroundings("cannot tell which user to connect as")
                .with_hint("name one, by user= or PGUSER")
        })?;
        values.offer("user", user.to_owned(), Origin::Default);
    }
    let user = values.get("user").unwrap_or_default().to_owned();
    values.offer("dbname", user, Origin::Default);
    Ok(())
}

/// The password file is asked last, and only if nobody gave a password.
fn add_password(
    values: &mut Values,
    endpoints: &[Endpoint],
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<()> {
    let path = values.get("passfile").map(PathBuf::from).or_else(|| env.in_home(".pgpass"));
    let Some(path) = path.filter(|_| values.get("password").is_none()) else {
        return Ok(());
    };
    let Some(passfile) = Passfile::read(&path, warnings) else {
        return Ok(());
    };
    let dbname = values.get("dbname").unwrap_or_default();
    let user = values.get("user").unwrap_or_default();
    let find = |endpoint| passfile.find(&Wanted { endpoint, dbname, user }, env);
    let found = endpoints.iter().map(find).collect::<Result<Vec<_>>>()?;
    if let Some(password) = settings::same_password(found)? {
        values.offer("password", password, Origin::Default);
    }
    Ok(())
}
