//! How frameworks and drivers write a connection URL: the schemes they give it, and the parameters
//! that are theirs and not libpq's.
//!
//! Sources: the manuals of Prisma (connection URLs), SQLAlchemy with psycopg and asyncpg,
//! dj-database-url and django-environ, Rails' database configuration, Ecto and Postgrex, Doctrine,
//! TypeORM, Sequelize and Knex over node-postgres, postgres.js, pgJDBC and R2DBC, pgx, lib/pq and
//! golang-migrate, sqlx, crystal-pg, Supabase.

use crate::error::Error;

/// What a parameter that libpq does not have means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The same as this keyword of libpq's.
    Keyword(&'static str),
    /// Whether TLS is wanted, in many spellings.
    Tls,
    /// The name of one schema, which is the search path.
    Schema,
    /// A search path as `SET search_path` takes it.
    SearchPath,
    /// It concerns the driver, its pool or its ORM.
    Ignored,
    /// The same, and it asks for a check of the server's certificate or brings a certificate.
    IgnoredTls,
}

/// The other names of libpq's keywords, and what has an equivalent.
const EQUIVALENT: &[(&str, Meaning)] = &[
    ("schema", Meaning::Schema),
    ("currentschema", Meaning::SearchPath),
    ("search_path", Meaning::SearchPath),
    ("searchpath", Meaning::SearchPath),
    ("schema_search_path", Meaning::SearchPath),
    ("ssl", Meaning::Tls),
    ("ssl-mode", Meaning::Keyword("sslmode")),
    ("ssl-root-cert", Meaning::Keyword("sslrootcert")),
    ("ssl-ca", Meaning::Keyword("sslrootcert")),
    ("ssl-cert", Meaning::Keyword("sslcert")),
    ("ssl-key", Meaning::Keyword("sslkey")),
    ("channelbinding", Meaning::Keyword("channel_binding")),
    ("username", Meaning::Keyword("user")),
    ("database", Meaning::Keyword("dbname")),
    ("sslaccept", Meaning::IgnoredTls),
    ("sslidentity", Meaning::IgnoredTls),
    ("sslpassword", Meaning::IgnoredTls),
    ("sslfactory", Meaning::IgnoredTls),
    ("sslfactoryarg", Meaning::IgnoredTls),
    ("sslhostnameverifier", Meaning::IgnoredTls),
    ("sslpasswordcallback", Meaning::IgnoredTls),
    ("ssl_require", Meaning::IgnoredTls),
];

/// What changes nothing here, in small letters: everybody writes these names as they like.
const IGNORED: &[&str] = &[
    // Prisma and Supabase.
    "connection_limit",
    "pgbouncer",
    "pool_timeout",
    "socket_timeout",
    "statement_cache_size",
    "single_use_connections",
    "supa",
    "workaround",
    // SQLAlchemy, psycopg, asyncpg, pg8000.
    "pool_size",
    "max_overflow",
    "pool_recycle",
    "pool_pre_ping",
    "isolation_level",
    "autocommit",
    "async_fallback",
    "prepared_statement_cache_size",
    "prepared_statement_name_func",
    "prepare_threshold",
    "command_timeout",
    "max_cached_statement_lifetime",
    "max_cacheable_statement_size",
    "server_settings",
    "direct_tls",
    "executemany_mode",
    "executemany_batch_page_size",
    "executemany_values_page_size",
    "use_native_hstore",
    "timeout",
    "tcp_keepalive",
    "min_size",
    "max_size",
    // Django.
    "conn_max_age",
    "conn_health_checks",
    "atomic_requests",
    "disable_server_side_cursors",
    // Rails.
    "adapter",
    "encoding",
    "pool",
    "reconnect",
    "prepared_statements",
    "statement_limit",
    "advisory_locks",
    "checkout_timeout",
    "idle_timeout",
    "reaping_frequency",
    "min_messages",
    "variables",
    "insert_returning",
    "keepalive",
    "max_age",
    "max_connections",
    "min_connections",
    // Ecto and Postgrex.
    "queue_target",
    "queue_interval",
    "prepare",
    "ownership_timeout",
    "socket_options",
    "show_sensitive_data_on_connection_error",
    "parameters",
    "pool_count",
    // Doctrine and Laravel.
    "serverversion",
    "server_version",
    "charset",
    "driver",
    "persistent",
    "default_dbname",
    "gssencryption",
    "prefix",
    // node-postgres, postgres.js and what stands on them.
    "max",
    "min",
    "max_lifetime",
    "fetch_types",
    "idletimeoutmillis",
    "connectiontimeoutmillis",
    "keepalives_initial_delay",
    "keepalive_initial_delay_millis",
    "query_timeout",
    "dialect",
    "logging",
    "synchronize",
    "extra",
    "uselibpqcompat",
    "allowexitonidle",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "connectionlimit",
    "connect_retries",
    // pgJDBC and R2DBC.
    "applicationname",
    "loggerlevel",
    "loggerfile",
    "rewritebatchedinserts",
    "preparethreshold",
    "preparedstatementcachequeries",
    "preparedstatementcachesizemib",
    "defaultrowfetchsize",
    "logintimeout",
    "connecttimeout",
    "sockettimeout",
    "cancelsignaltimeout",
    "tcpkeepalive",
    "tcpnodelay",
    "targetservertype",
    "loadbalancehosts",
    "hostrecheckseconds",
    "autosave",
    "cleanupsavepoints",
    "stringtype",
    "binarytransfer",
    "binarytransferenable",
    "binarytransferdisable",
    "unknownlength",
    "logunclosedconnections",
    "disablecolumnsanitiser",
    "assumeminserverversion",
    "allowencodingchanges",
    "readonly",
    "readonlymode",
    "gssresponsetimeout",
    "sslresponsetimeout",
    "jaasapplicationname",
    "jaaslogin",
    "kerberosservername",
    "usespnego",
    "sspiserviceclass",
    "protocolversion",
    "preferquerymode",
    "escapesyntaxcallmode",
    "maxresultbuffer",
    "databasemetadatacachefields",
    "databasemetadatacachefieldsmib",
    "adaptivefetch",
    "adaptivefetchminimum",
    "adaptivefetchmaximum",
    "sendbuffersize",
    "receivebuffersize",
    "maxsendbuffersize",
    "quotereturningidentifiers",
    "hideunprivilegedobjects",
    "logservererrordetail",
    "xmlfactoryfactory",
    "localsocketaddress",
    "packetsize",
    "locktimeout",
    "statementtimeout",
    "forcebinary",
    "autodetectextensions",
    "compatibilitymode",
    "extensions",
    "errorresponseloglevel",
    "noticeloglevel",
    "preparedstatementcachequerieslimit",
    "fetchsize",
    "tcpkeepalives",
    // pgx, lib/pq, Bun, GORM.
    "default_query_exec_mode",
    "statement_cache_capacity",
    "description_cache_capacity",
    "statement-cache-capacity",
    "binary_parameters",
    "disable_prepared_binary_result",
    "timezone",
    "pool_max_conns",
    "pool_min_conns",
    "pool_min_idle_conns",
    "pool_max_conn_lifetime",
    "pool_max_conn_lifetime_jitter",
    "pool_max_conn_idle_time",
    "pool_health_check_period",
    "dial_timeout",
    "read_timeout",
    "write_timeout",
    "pool_max_idle_conns",
    // crystal-pg.
    "initial_pool_size",
    "max_pool_size",
    "max_idle_pool_size",
    "retry_attempts",
    "retry_delay",
    "auth_methods",
];

/// What the parameter means, if a framework or driver has it. Called for what libpq does not know.
pub(crate) fn meaning(name: &str) -> Option<Meaning> {
    let lowered = name.to_ascii_lowercase();
    let equivalent = EQUIVALENT.iter().find(|(known, _)| *known == lowered);
    // golang-migrate's all begin like that.
    let is_ignored = || IGNORED.contains(&lowered.as_str()) || lowered.starts_with("x-");
    equivalent
        .map(|(_, meaning)| *meaning)
        .or_else(|| is_ignored().then_some(Meaning::Ignored))
}

/// The value of `sslmode` that a driver's value of `ssl` stands for; `None` if it says nothing about
/// it, as a piece of JSON, or asks for no TLS, which is no reason to do without.
pub(crate) fn ssl_mode(value: &str) -> Option<&'static str> {
    const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | NO_VERIFY => Some("require"),
        value => MODES.into_iter().find(|mode| *mode == value),
    }
}

/// node-postgres' `sslmode` for encryption, whoever the server is.
pub(crate) const NO_VERIFY: &str = "no-verify";

/// What stands behind the scheme of a connection URL, if `text` is one. Besides libpq's schemes those
/// by which frameworks choose one of their drivers for PostgreSQL.
pub(crate) fn after_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    is_ours(&scheme.to_ascii_lowercase()).then_some(rest)
}

fn is_ours(scheme: &str) -> bool {
    const NAMES: [&str; 9] = [
        "postgresql",
        "postgres",
        "psql",
        "pgsql",
        "postgis",
        "ecto",
        "timescale",
        "timescaledb",
        "timescalegis",
    ];
    const GO_MIGRATE: [&str; 3] = ["pgx", "pgx4", "pgx5"];
    let scheme = ["jdbc:", "r2dbc:pool:", "r2dbc:"]
        .iter()
        .find_map(|prefix| scheme.strip_prefix(prefix))
        .unwrap_or(scheme);
    let (name, driver) = scheme.split_once('+').unwrap_or((scheme, "any"));
    let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
    (NAMES.contains(&name) && !driver.is_empty() && driver.chars().all(is_word))
        || GO_MIGRATE.contains(&scheme)
}

/// Refuses a URL with something round it, which libpq would take for a part of it, or not for a URL.
pub(crate) fn wrapped(text: &str) -> Option<Error> {
    let url = text.trim_matches(|char: char| char.is_whitespace() || "\"'`<>".contains(char));
    (url != text && after_scheme(url).is_some()).then(|| {
        let message = "the connection URL has a blank, a quotation mark or a bracket round it";
        Error::text(message)
            .with_hint("it begins with postgres:// and ends with its last parameter")
    })
}

/// Why a text that is neither a URL of ours nor key=value pairs cannot be a database name; `None` if
/// it can. A misread URL would be shown as a name, and its password with it. Nothing of it is
/// repeated.
pub(crate) fn misread(text: &str) -> Option<Error> {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("prisma://") || lower.starts_with("prisma+postgres://") {
        let message = "the URL names a proxy of Prisma's, not a PostgreSQL server";
        return Some(Error::text(message).with_hint("use the URL of the database itself"));
    }
    if text.starts_with('$') {
        let message = "the connection text begins with $: variables are not replaced here";
        return Some(Error::text(message).with_hint("let the shell put the value in its place"));
    }
    if lower.contains("://") {
        let message = "a connection URL must begin with postgres:// or postgresql://";
        return Some(Error::text(message));
    }
    let is_suspicious =
        |char: char| char.is_whitespace() || char.is_control() || "/:@?&%\\\"'`<>{}".contains(char);
    text.contains(is_suspicious).then(|| {
        let message = "the connection text is neither a URL that begins with postgres://, nor \
                       key=value pairs, nor a plain database name";
        Error::text(message).with_hint("a database with an unusual name is given as dbname='…'")
    })
}

/// A connection text of .NET or ODBC: libpq would read it as one long value, and show it.
pub(crate) fn with_semicolons() -> Error {
    Error::text("the connection text has semicolons, as Npgsql's and ODBC's have").with_hint(
        "write it as postgres://user@host:port/database, or as \"host=… dbname=… user=…\"",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_hold_small_letters_and_nothing_that_libpq_has() {
        let names = EQUIVALENT.iter().map(|(name, _)| *name).chain(IGNORED.iter().copied());
        let mut seen = std::collections::HashSet::new();
        for name in names {
            assert_eq!(name, name.to_ascii_lowercase());
            assert!(seen.insert(name), "{name} stands twice");
        }
    }

    #[test]
    fn schemes_of_frameworks_are_ours_and_others_are_not() {
        for scheme in [
            "postgres",
            "postgresql",
            "PostgreSQL",
            "postgresql+psycopg2",
            "postgresql+asyncpg",
            "postgres+asyncpg",
            "ecto",
            "postgis",
            "jdbc:postgresql",
            "r2dbc:pool:postgresql",
            "pgx5",
            "psql",
        ] {
            assert_eq!(after_scheme(&format!("{scheme}://h/d")), Some("h/d"), "{scheme}");
        }
        for scheme in ["mysql", "http", "postgres+", "+postgres", "prisma+postgres", "jdbc:mysql"] {
            assert_eq!(after_scheme(&format!("{scheme}://h/d")), None, "{scheme}");
        }
    }
}
