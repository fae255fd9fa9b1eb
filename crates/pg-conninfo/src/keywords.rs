//! libpq's keywords: the environment variable behind each, its default, and what becomes of
//! it here.
//!
//! Source: PostgreSQL documentation, libpq, "Parameter Key Words" and "Environment Variables".

/// What becomes of a parameter that is set.
pub(crate) enum Support {
    /// It takes effect.
    Used,
    /// Its absence changes nothing that matters here: who is connected to, or how safely.
    Ignored,
    /// It asks for a safety or a protocol that cannot be given; the reason is for the reader.
    Refused(&'static str),
    /// Like `Refused`, except for the values that ask for nothing.
    RefusedUnless(&'static [&'static str], &'static str),
}

/// One of libpq's keywords.
pub(crate) struct Keyword {
    pub(crate) name: &'static str,
    /// The environment variable that stands in, if any.
    pub(crate) variable: Option<&'static str>,
    /// The value if nobody says otherwise, if it is a constant.
    pub(crate) default: Option<&'static str>,
    pub(crate) support: Support,
}

const fn used(
    name: &'static str,
    variable: Option<&'static str>,
    default: Option<&'static str>,
) -> Keyword {
    Keyword { name, variable, default, support: Support::Used }
}

const fn ignored(name: &'static str, variable: Option<&'static str>) -> Keyword {
    Keyword { name, variable, default: None, support: Support::Ignored }
}

const fn refused(name: &'static str, variable: Option<&'static str>, why: &'static str) -> Keyword {
    Keyword {
        name,
        variable,
        default: None,
        support: Support::Refused(why),
    }
}

const fn refused_unless(
    name: &'static str,
    variable: Option<&'static str>,
    harmless: &'static [&'static str],
    why: &'static str,
) -> Keyword {
    Keyword {
        name,
        variable,
        default: None,
        support: Support::RefusedUnless(harmless, why),
    }
}

/// Those whose value nobody else may read.
pub(crate) const SECRETS: [&str; 5] = [
    "password",
    "sslpassword",
    "oauth_client_secret",
    "scram_client_key",
    "scram_server_key",
];

const NO_OAUTH: &str = "OAuth is not supported";
const NO_SCRAM_KEYS: &str = "SCRAM pass-through keys are not supported";

/// Every keyword of PostgreSQL 18, the service file's of 19 among them.
///
/// Some defaults are not libpq's. Without `connect_timeout` a dead host stops a run for minutes.
/// Without keepalives a firewall forgets a connection that waits for hours on one statement, and
/// neither side notices. With these a dead link is noticed after 22 seconds; so long is
/// `tcp_user_timeout`, too, where nobody gives it.
pub(crate) const KEYWORDS: &[Keyword] = &[
    used("service", Some("PGSERVICE"), None),
    used("servicefile", Some("PGSERVICEFILE"), None),
    used("host", Some("PGHOST"), None),
    used("hostaddr", Some("PGHOSTADDR"), None),
    used("port", Some("PGPORT"), Some("5432")),
    used("dbname", Some("PGDATABASE"), None),
    used("user", Some("PGUSER"), None),
    used("password", Some("PGPASSWORD"), None),
    used("passfile", Some("PGPASSFILE"), None),
    used("options", Some("PGOPTIONS"), None),
    used("connect_timeout", Some("PGCONNECT_TIMEOUT"), Some("10")),
    used("keepalives", None, Some("1")),
    used("keepalives_idle", None, Some("10")),
    used("keepalives_interval", None, Some("4")),
    used("keepalives_count", None, Some("3")),
    used("tcp_user_timeout", None, None),
    used("target_session_attrs", Some("PGTARGETSESSIONATTRS"), Some("any")),
    used("load_balance_hosts", Some("PGLOADBALANCEHOSTS"), Some("disable")),
    used("channel_binding", Some("PGCHANNELBINDING"), Some("prefer")),
    used("sslmode", Some("PGSSLMODE"), Some("prefer")),
    used("sslnegotiation", Some("PGSSLNEGOTIATION"), Some("postgres")),
    used("sslrootcert", Some("PGSSLROOTCERT"), None),
    used("sslcrl", Some("PGSSLCRL"), None),
    used("sslcert", Some("PGSSLCERT"), None),
    used("sslkey", Some("PGSSLKEY"), None),
    used("sslcertmode", Some("PGSSLCERTMODE"), Some("allow")),
    used("sslsni", Some("PGSSLSNI"), Some("1")),
    used("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION"), Some("TLSv1.2")),
    used("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION"), None),
    // The program sets its own, and the driver speaks UTF-8 only.
    ignored("application_name", Some("PGAPPNAME")),
    ignored("fallback_application_name", None),
    ignored("client_encoding", Some("PGCLIENTENCODING")),
    // Compression and key logging are off whatever is asked, which is the safe side.
    ignored("sslcompression", Some("PGSSLCOMPRESSION")),
    ignored("sslkeylogfile", None),
    // Of use to GSSAPI and Kerberos only; a server that demands them is told that by the driver.
    ignored("krbsrvname", Some("PGKRBSRVNAME")),
    ignored("gsslib", Some("PGGSSLIB")),
    ignored("gssdelegation", Some("PGGSSDELEGATION")),
    ignored("max_protocol_version", Some("PGMAXPROTOCOLVERSION")),
    refused_unless(
        "min_protocol_version",
        Some("PGMINPROTOCOLVERSION"),
        &["3.0"],
        "only protocol 3.0 is supported",
    ),
    refused_unless(
        "gssencmode",
        Some("PGGSSENCMODE"),
        &["disable", "prefer"],
        "GSSAPI encryption is not supported; use TLS by sslmode",
    ),
    refused_unless(
        "replication",
        None,
        &["false", "off", "no", "0"],
        "replication connections are not supported",
    ),
    refused("sslpassword", None, "encrypted client keys are not supported"),
    refused(
        "sslcrldir",
        Some("PGSSLCRLDIR"),
        "a directory of revocation lists is not supported; use sslcrl with a file",
    ),
    refused(
        "require_auth",
        Some("PGREQUIREAUTH"),
        "the method of authentication cannot be restricted",
    ),
    refused(
        "requirepeer",
        Some("PGREQUIREPEER"),
        "the owner of the server process cannot be checked",
    ),
    refused("scram_client_key", None, NO_SCRAM_KEYS),
    refused("scram_server_key", None, NO_SCRAM_KEYS),
    refused("oauth_issuer", None, NO_OAUTH),
    refused("oauth_client_id", None, NO_OAUTH),
    refused("oauth_client_secret", None, NO_OAUTH),
    refused("oauth_scope", None, NO_OAUTH),
];

/// The keyword of that name.
pub(crate) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

/// The keyword and value that are meant: `requiressl` of old is a way to say `sslmode`.
pub(crate) fn translate(name: &str, value: String) -> Option<(&'static Keyword, String)> {
    if name == "requiressl" {
        let mode = if value.starts_with('1') { "require" } else { "prefer" };
        return Some((find("sslmode")?, mode.to_owned()));
    }
    Some((find(name)?, value))
}

/// The keyword that a mistyped one is most alike, if any is.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    const ALIKE: f64 = 0.85;
    let lower = name.to_lowercase();
    let known = KEYWORDS
        .iter()
        .map(|keyword| (strsim::jaro_winkler(&lower, keyword.name), keyword.name));
    let near = known.filter(|(alike, _)| *alike >= ALIKE);
    near.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, name)| name)
}
