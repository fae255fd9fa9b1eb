//! The settings that a connection begins with. They stand in the start-up options, so that no SET
//! can leak to the next user of a pooled connection, and so that role and database settings
//! (`ALTER ROLE … SET statement_timeout`) do not apply.

use std::time::Duration;

use pg_conninfo::{Link, start_up_option};

use super::version::ServerVersion;

/// Reading the catalog takes milliseconds; a reader that takes this long is stuck.
pub const READ_STATEMENT_TIMEOUT: &str = "30s";

/// An answer that has not come so long is lost, or the server is stuck: its own limit is ten seconds
/// shorter.
pub const READ_PATIENCE: Duration = Duration::from_secs(40);

/// Catalog functions such as `pg_get_indexdef` take a lock on the relation for a moment; they must
/// not queue behind somebody's ALTER TABLE.
pub const READ_LOCK_TIMEOUT: &str = "1s";

/// How often a working backend looks whether its client is still there (by default it never does, and
/// a build without a client goes on for hours). A server of 13 does not know it, and one whose system
/// cannot tell (Windows) refuses anything but 0.
pub const CLIENT_CHECK: &str = "client_connection_check_interval";
const CLIENT_CHECK_INTERVAL: &str = "2s";

/// Whether the server can look whether a client is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCheck {
    /// It can.
    Possible,
    /// It refuses.
    Refused,
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

/// What lets the server notice that the link to us has gone dead: while a backend waits for us, by
/// keepalives; while it works, by looking for us. Otherwise it keeps our sessions, and the run lock, for
/// minutes or hours. On a Unix socket PostgreSQL ignores all of it.
pub fn link_settings(link: &Link, check: ClientCheck) -> Vec<(&'static str, String)> {
    let mut settings = Vec::new();
    let seconds = |value: Duration| value.as_secs().to_string();
    if link.keepalives {
        let known = [
            ("tcp_keepalives_idle", link.idle.map(seconds)),
            ("tcp_keepalives_interval", link.interval.map(seconds)),
            ("tcp_keepalives_count", link.count.map(|count| count.to_string())),
        ];
        settings.extend(known.into_iter().filter_map(|(name, value)| Some((name, value?))));
    }
    if let Some(timeout) = link.user_timeout {
        settings.push(("tcp_user_timeout", timeout.as_millis().to_string()));
    }
    if check == ClientCheck::Possible {
        settings.push((CLIENT_CHECK, CLIENT_CHECK_INTERVAL.to_owned()));
    }
    settings
}

/// What every session of ours begins with. In an empty search path only `pg_catalog` is looked in,
/// so that nobody's operator or function is taken for the server's. What a text means and how it is
/// printed is fixed as far as it concerns where a string or a name ends: a role or a database may
/// have settings in which a string that our parser sees ends earlier for the server. The settings
/// that concern values (`DateStyle`, `TimeZone` …) stay the user's, for a declared predicate means
/// what it means to psql.
pub const OWN_SETTINGS: [(&str, &str); 8] = [
    ("search_path", ""),
    ("standard_conforming_strings", "on"),
    ("backslash_quote", "safe_encoding"),
    ("quote_all_identifiers", "off"),
    ("transform_null_equals", "off"),
    // A serializable deferrable transaction would wait for all others.
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_deferrable", "off"),
    // A table that VACUUM skips is a WARNING only.
    ("client_min_messages", "notice"),
];

/// What a reader begins with: everything short and bounded.
pub fn read_settings() -> Vec<(&'static str, &'static str)> {
    [
        ("statement_timeout", READ_STATEMENT_TIMEOUT),
        ("lock_timeout", READ_LOCK_TIMEOUT),
        ("idle_in_transaction_session_timeout", "60s"),
        // Compiling a catalog query takes longer than running it.
        ("jit", "off"),
    ]
    .into_iter()
    .chain(OWN_SETTINGS)
    .collect()
}

/// How old a server is that does not know one of the settings that every connection has, as far as
/// its complaint tells.
pub fn age_by_complaint(complaint: &str) -> Option<&'static str> {
    let is_about = |name: &str| complaint.contains(&format!("\"{name}\""));
    if read_settings().iter().any(|(name, _)| is_about(name)) {
        return Some("10 or older");
    }
    is_about("tcp_user_timeout").then_some("11 or older")
}

/// `lock_timeout` governs every wait inside a concurrent build, `statement_timeout` the whole of
/// it, and either leaves an invalid index behind. So all are off, and pgtend bounds the waits.
pub fn maintenance_settings(
    version: ServerVersion,
    orphans: OrphanPolicy,
) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("statement_timeout", "0".to_owned()),
        ("lock_timeout", "0".to_owned()),
        ("idle_in_transaction_session_timeout", "0".to_owned()),
        ("idle_session_timeout", "0".to_owned()),
    ];
    if version.has_transaction_timeout() {
        settings.push(("transaction_timeout", "0".to_owned()));
    }
    if orphans == OrphanPolicy::Survives {
        settings.push((CLIENT_CHECK, "0".to_owned()));
    }
    settings
}

/// The settings as the start-up parameter `options`. What comes later wins: the user's own says how long
/// a dead link may last, and pgtend everything else.
pub fn start_up_options(
    link: &[(&str, String)],
    own: Option<&str>,
    settings: &[(&str, &str)],
) -> String {
    let of_link = link.iter().map(|(name, value)| start_up_option(name, value));
    let others = settings.iter().map(|(name, value)| start_up_option(name, value));
    of_link
        .chain(own.map(str::to_owned))
        .chain(others)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_timeout_of_a_maintainer_is_off_as_far_as_the_version_knows_it() {
        let names = |version| {
            maintenance_settings(ServerVersion(version), OrphanPolicy::Ends)
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
        let link = [("tcp_user_timeout", "1".to_owned())];
        let settings = [("work_mem", "1 GB"), ("x", "a\\b")];
        let options = start_up_options(&link, Some("-c a=b"), &settings);
        assert_eq!(options, "-c tcp_user_timeout=1 -c a=b -c work_mem=1\\ GB -c x=a\\\\b");
    }

    #[test]
    fn the_server_is_as_patient_with_the_link_as_we_are() {
        let link = Link {
            keepalives: true,
            idle: Some(Duration::from_secs(60)),
            interval: None,
            count: Some(5),
            user_timeout: Some(Duration::from_millis(1500)),
        };
        let names = |link: &Link, check| {
            let settings = link_settings(link, check).into_iter();
            settings.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(
            names(&link, ClientCheck::Possible),
            [
                "tcp_keepalives_idle=60",
                "tcp_keepalives_count=5",
                "tcp_user_timeout=1500",
                "client_connection_check_interval=2s"
            ]
        );
        let off = Link { keepalives: false, user_timeout: None, ..link };
        assert!(names(&off, ClientCheck::Refused).is_empty());
    }
}
