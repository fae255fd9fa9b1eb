//! The settings that a connection begins with. They stand in the start-up options, so that no SET
//! can leak to the next user of a pooled connection, and so that role and database settings
//! (`ALTER ROLE … SET statement_timeout`) do not apply.

use super::version::ServerVersion;

/// Reading the catalog takes milliseconds; a reader that takes this long is stuck.
pub const READ_STATEMENT_TIMEOUT: &str = "30s";

/// Catalog functions such as `pg_get_indexdef` take a lock on the relation for a moment; they must
/// not queue behind somebody's ALTER TABLE.
pub const READ_LOCK_TIMEOUT: &str = "1s";

/// How often a working backend looks whether its client is still there (14 and newer; by default
/// it never does, and a build without a client goes on for hours).
const ORPHAN_CHECK: &str = "2s";

/// What happens to a running statement when this process dies or its connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OrphanPolicy {
    /// The server notices within seconds and ends it.
    #[default]
    Ends,
    /// It goes on to its end; the next run finds it and watches it.
    Survives,
}

/// What a reader begins with: everything short and bounded.
pub fn read_settings() -> Vec<(&'static str, &'static str)> {
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
pub fn is_read_setting(complaint: &str) -> bool {
    read_settings().iter().any(|(name, _)| complaint.contains(&format!("\"{name}\"")))
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
    let check = match orphans {
        OrphanPolicy::Ends => ORPHAN_CHECK,
        OrphanPolicy::Survives => "0",
    };
    settings.push(("client_connection_check_interval", check.to_owned()));
    settings
}

/// The settings as the start-up parameter `options`, behind what the user's own says.
pub fn start_up_options(own: Option<&str>, settings: &[(&str, &str)]) -> String {
    let settings = settings.iter().map(|(name, value)| format!("-c {name}={}", escape(value)));
    own.map(str::to_owned).into_iter().chain(settings).collect::<Vec<_>>().join(" ")
}

/// White space and backslashes are escaped in start-up options (libpq, `options`).
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace(' ', "\\ ")
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
        let options = start_up_options(Some("-c a=b"), &[("work_mem", "1 GB"), ("x", "a\\b")]);
        assert_eq!(options, "-c a=b -c work_mem=1\\ GB -c x=a\\\\b");
    }
}
