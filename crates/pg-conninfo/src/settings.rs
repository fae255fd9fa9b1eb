//! From the parameters' text to their types.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::{
    ChannelBinding, LoadBalanceHosts, SslNegotiation, TargetSessionAttrs,
};

use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::values::Values;

/// How much TLS is wanted, libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    /// Never.
    Disable,
    /// If the server offers it, whoever the server is. `allow` is read as this: it differs only in
    /// trying without TLS first.
    Prefer,
    /// Always; the chain is verified only if there is a root certificate file.
    Require,
    /// Always, and a trusted authority has signed the server's certificate.
    VerifyCa,
    /// Always, and the certificate is made out to the host that was asked for.
    VerifyFull,
}

/// Whom to trust, libpq's `sslrootcert`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootCertificates {
    /// `~/.postgresql/root.crt`, if it exists.
    Default,
    /// Those that the operating system trusts.
    System,
    /// Those in this file.
    File(PathBuf),
}

/// A version of TLS that can be a limit; older ones are never spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

/// Everything about TLS that the parameters say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// How much TLS is wanted.
    pub mode: SslMode,
    /// Whether the handshake comes first (`sslnegotiation=direct`, PostgreSQL 17 and newer).
    pub negotiation: SslNegotiation,
    /// Whom to trust.
    pub root_certificates: RootCertificates,
    /// Certificate revocation list, `sslcrl`.
    pub revocation_list: Option<PathBuf>,
    /// Client certificate, `sslcert`.
    pub certificate: Option<PathBuf>,
    /// Its private key, `sslkey`.
    pub key: Option<PathBuf>,
    /// Whether to offer a client certificate at all, `sslcertmode`.
    pub offers_certificate: bool,
    /// Whether to tell the host name to the server in clear, `sslsni`.
    pub sends_server_name: bool,
    /// Oldest version to speak.
    pub oldest_version: TlsVersion,
    /// Newest version to speak.
    pub newest_version: TlsVersion,
}

/// One server to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// A name, an address, or the directory of a socket.
    pub(crate) host: String,
    /// Where to connect instead of looking the name up.
    pub(crate) address: Option<IpAddr>,
    pub(crate) port: u16,
}

impl Endpoint {
    pub(crate) fn is_socket(&self) -> bool {
        self.host.starts_with('/') && self.address.is_none()
    }
}

/// How soon either side notices that the link has gone dead. What is `None` is the system's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Whether a silent connection is probed.
    pub keepalives: bool,
    /// After so much silence.
    pub idle: Option<Duration>,
    /// So long after the last probe.
    pub interval: Option<Duration>,
    /// So many lost probes end it.
    pub count: Option<u32>,
    /// For so long what was sent may stay unacknowledged.
    pub user_timeout: Option<Duration>,
}

const SSL_MODES: &[(&str, SslMode)] = &[
    ("disable", SslMode::Disable),
    ("allow", SslMode::Prefer),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

/// What the driver can ask of a session. It asks whether the session is read-only, and a standby's
/// is; a primary whose default is read-only is not taken for `primary`.
const SESSION_ATTRIBUTES: &[(&str, TargetSessionAttrs)] = &[
    ("any", TargetSessionAttrs::Any),
    ("read-write", TargetSessionAttrs::ReadWrite),
    ("read-only", TargetSessionAttrs::ReadOnly),
    ("primary", TargetSessionAttrs::ReadWrite),
];

// Older limits are no looser than what is spoken anyway.
const OLDEST_VERSIONS: &[(&str, TlsVersion)] = &[
    ("TLSv1", TlsVersion::V1_2),
    ("TLSv1.1", TlsVersion::V1_2),
    ("TLSv1.2", TlsVersion::V1_2),
    ("TLSv1.3", TlsVersion::V1_3),
];

const NEWEST_VERSIONS: &[(&str, TlsVersion)] =
    &[("TLSv1.2", TlsVersion::V1_2), ("TLSv1.3", TlsVersion::V1_3)];

impl Values {
    /// The value as one of `choices`.
    fn choice<T: Copy>(&self, keyword: &'static str, choices: &[(&str, T)]) -> Result<T> {
        let text = self.get(keyword).unwrap_or_default();
        let found = choices.iter().find(|(name, _)| *name == text);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            self.invalid(keyword, format!("must be one of {}", names.join(", ")))
        })
    }

    /// The value as a whole number; `None` if it is not set.
    fn number(&self, keyword: &'static str) -> Result<Option<i32>> {
        let Some(text) = self.get(keyword) else {
            return Ok(None);
        };
        let number = text.trim().parse();
        number.map(Some).map_err(|_| self.invalid(keyword, "must be a whole number"))
    }

    /// The value as a duration in seconds; none, zero and less mean no limit.
    fn seconds(&self, keyword: &'static str) -> Result<Option<Duration>> {
        let seconds = self.number(keyword)?.unwrap_or_default();
        Ok(u64::try_from(seconds)
            .ok()
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs))
    }

    pub(crate) fn connect_timeout(&self) -> Result<Option<Duration>> {
        self.seconds("connect_timeout")
    }

    pub(crate) fn link(&self) -> Result<Link> {
        let count = self.number("keepalives_count")?.unwrap_or_default();
        let link = Link {
            keepalives: self.number("keepalives")?.unwrap_or_default() != 0,
            idle: self.seconds("keepalives_idle")?,
            interval: self.seconds("keepalives_interval")?,
            count: u32::try_from(count).ok().filter(|count| *count > 0),
            user_timeout: None,
        };
        Ok(Link { user_timeout: self.user_timeout(&link)?, ..link })
    }

    /// In milliseconds, unlike the driver's own reading of this keyword. Where nobody gives it, as
    /// long as the probes of a silent connection take: a longer one would keep it open while
    /// something is under way, a shorter one would cut the probes short (Linux, tcp(7)).
    fn user_timeout(&self, link: &Link) -> Result<Option<Duration>> {
        if self.is_default("tcp_user_timeout") {
            let (Some(idle), Some(interval), Some(count)) = (link.idle, link.interval, link.count)
            else {
                return Ok(None);
            };
            return Ok(Some(idle.saturating_add(interval.saturating_mul(count))));
        }
        let millis = self.number("tcp_user_timeout")?.unwrap_or_default();
        Ok(u64::try_from(millis)
            .ok()
            .filter(|millis| *millis > 0)
            .map(Duration::from_millis))
    }

    pub(crate) fn target_session_attrs(&self) -> Result<TargetSessionAttrs> {
        self.choice("target_session_attrs", SESSION_ATTRIBUTES)
    }

    pub(crate) fn channel_binding(&self) -> Result<ChannelBinding> {
        self.choice(
            "channel_binding",
            &[
                ("disable", ChannelBinding::Disable),
                ("prefer", ChannelBinding::Prefer),
                ("require", ChannelBinding::Require),
            ],
        )
    }

    pub(crate) fn load_balance_hosts(&self) -> Result<LoadBalanceHosts> {
        self.choice(
            "load_balance_hosts",
            &[("disable", LoadBalanceHosts::Disable), ("random", LoadBalanceHosts::Random)],
        )
    }

    /// What the parameters say about TLS.
    ///
    /// # Errors
    /// Fails on unknown values and on the pairs that libpq refuses as weak.
    pub(crate) fn tls(&self) -> Result<TlsSettings> {
        let path = |keyword| self.get(keyword).map(PathBuf::from);
        let settings = TlsSettings {
            mode: self.ssl_mode()?,
            negotiation: self.choice(
                "sslnegotiation",
                &[("postgres", SslNegotiation::Postgres), ("direct", SslNegotiation::Direct)],
            )?,
            root_certificates: match self.get("sslrootcert") {
                None => RootCertificates::Default,
                Some("system") => RootCertificates::System,
                Some(file) => RootCertificates::File(file.into()),
            },
            revocation_list: path("sslcrl"),
            certificate: path("sslcert"),
            key: path("sslkey"),
            offers_certificate: self
                .choice("sslcertmode", &[("disable", false), ("allow", true)])?,
            sends_server_name: self.choice("sslsni", &[("0", false), ("1", true)])?,
            oldest_version: self.choice("ssl_min_protocol_version", OLDEST_VERSIONS)?,
            newest_version: self.newest_version()?,
        };
        self.refuse_weak(&settings)?;
        Ok(settings)
    }

    /// `sslrootcert=system` turns the default mode into the only one that it allows.
    fn ssl_mode(&self) -> Result<SslMode> {
        if self.is_default("sslmode") && self.get("sslrootcert") == Some("system") {
            return Ok(SslMode::VerifyFull);
        }
        self.choice("sslmode", SSL_MODES)
    }

    fn newest_version(&self) -> Result<TlsVersion> {
        match self.get("ssl_max_protocol_version") {
            None => Ok(TlsVersion::V1_3),
            Some(_) => self.choice("ssl_max_protocol_version", NEWEST_VERSIONS),
        }
    }

    fn refuse_weak(&self, settings: &TlsSettings) -> Result<()> {
        let is_weak = matches!(settings.mode, SslMode::Disable | SslMode::Prefer);
        if settings.negotiation == SslNegotiation::Direct && is_weak {
            let must = "must be require, verify-ca or verify-full with sslnegotiation=direct";
            return Err(self.invalid("sslmode", must));
        }
        if settings.root_certificates == RootCertificates::System
            && settings.mode != SslMode::VerifyFull
        {
            return Err(self.invalid("sslmode", "must be verify-full with sslrootcert=system"));
        }
        if settings.newest_version < settings.oldest_version {
            let must = "must not be older than ssl_min_protocol_version";
            return Err(self.invalid("ssl_max_protocol_version", must));
        }
        Ok(())
    }

    /// The servers to try, in order: `hostaddr` or else `host` says how many.
    ///
    /// # Errors
    /// Fails if the lists do not fit each other, or a port or address is none.
    pub(crate) fn endpoints(&self, env: &Environment) -> Result<Vec<Endpoint>> {
        let addresses = self.list("hostaddr");
        let hosts = self.list("host");
        let count = if addresses.is_empty() {
            hosts.len().max(1)
        } else {
            addresses.len()
        };
        if !addresses.is_empty() && !hosts.is_empty() && hosts.len() != count {
            return Err(self.invalid("host", "must name as many hosts as hostaddr has addresses"));
        }
        let ports = self.ports(count)?;
        let endpoint = |(index, port)| {
            let host = hosts.get(index).copied().unwrap_or_default();
            let address = addresses.get(index).copied().unwrap_or_default();
            self.endpoint(host, address, port, env)
        };
        let endpoints = ports.into_iter().enumerate().map(endpoint).collect::<Result<Vec<_>>>()?;
        self.refuse_partial_addresses(&endpoints)?;
        Ok(endpoints)
    }

    fn list(&self, keyword: &str) -> Vec<&str> {
        self.get(keyword)
            .map(|list| list.split(',').map(str::trim).collect())
            .unwrap_or_default()
    }

    /// One port a host; a single one is for all of them.
    fn ports(&self, count: usize) -> Result<Vec<u16>> {
        let texts = self.list("port");
        let ports = texts
            .iter()
            .map(|text| match *text {
                "" => Ok(5432),
                text => text
                    .parse()
                    .ok()
                    .filter(|port| *port > 0)
                    .ok_or_else(|| self.invalid("port", "must be a number from 1 to 65535")),
            })
            .collect::<Result<Vec<u16>>>()?;
        match ports.as_slice() {
            [port] => Ok(vec![*port; count]),
            ports if ports.len() == count => Ok(ports.to_vec()),
            _ => Err(self.invalid("port", "must hold one port, or as many as there are hosts")),
        }
    }

    fn endpoint(
        &self,
        host: &str,
        address: &str,
        port: u16,
        env: &Environment,
    ) -> Result<Endpoint> {
        if host.contains('@') {
            // An abstract socket, which the driver cannot open, or a piece of a password.
            return Err(self.invalid("host", "must not contain \"@\""));
        }
        let address = Some(address)
            .filter(|text| !text.is_empty())
            .map(str::parse::<IpAddr>)
            .transpose()
            .map_err(|_| self.invalid("hostaddr", "must be an IP address"))?;
        let host = match (host, address) {
            ("", None) => default_host(port, env),
            // TLS then verifies the address, as in libpq.
            ("", Some(address)) => address.to_string(),
            (host, _) => host.to_owned(),
        };
        Ok(Endpoint { host, address, port })
    }

    /// The driver takes addresses for all hosts or for none.
    fn refuse_partial_addresses(&self, endpoints: &[Endpoint]) -> Result<()> {
        let with_address = endpoints.iter().filter(|endpoint| endpoint.address.is_some()).count();
        if with_address == 0 || with_address == endpoints.len() {
            return Ok(());
        }
        Err(self.invalid("hostaddr", "must give an address for every host or for none"))
    }
}

/// The first directory with a server's socket for this port, else `localhost`.
fn default_host(port: u16, env: &Environment) -> String {
    let socket = format!(".s.PGSQL.{port}");
    let directory = env.socket_directories().iter().find(|dir| dir.join(&socket).exists());
    directory.map_or_else(|| "localhost".to_owned(), |dir| dir.to_string_lossy().into_owned())
}

impl Endpoint {
    /// `host:port`, an IPv6 address in brackets.
    pub(crate) fn display(&self) -> String {
        let Endpoint { host, port, .. } = self;
        if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        }
    }
}

/// The one password for all of `found`, one a host.
///
/// # Errors
/// Fails if the hosts have different passwords: the driver sends one to whichever answers.
pub(crate) fn same_password(found: Vec<Option<String>>) -> Result<Option<String>> {
    let mut passwords: Vec<String> = found.into_iter().flatten().collect();
    passwords.dedup();
    if passwords.len() > 1 {
        return Err(Error::surroundings(
            "the password file has different passwords for the hosts of the list",
        )
        .with_hint("name a single host, or give the password by PGPASSWORD"));
    }
    Ok(passwords.pop())
}
