//! The server's version, and what depends on it.

use std::fmt;

/// The oldest major version that pgtend works with.
pub const OLDEST_SUPPORTED: u32 = 14;

/// A server version as `server_version_num` gives it: 150018 is 15.18.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerVersion(pub u32);

impl ServerVersion {
    /// The major version: 15.
    pub fn major(self) -> u32 {
        self.0 / 10_000
    }

    /// Whether pgtend works with this server.
    pub fn is_supported(self) -> bool {
        self.major() >= OLDEST_SUPPORTED
    }

    /// Whether `transaction_timeout` exists (since 17).
    pub fn has_transaction_timeout(self) -> bool {
        self.major() >= 17
    }

    /// Whether a session can be made to hand on its statistics at once (since 15).
    pub fn can_flush_statistics(self) -> bool {
        self.major() >= 15
    }

    /// Whether VACUUM can be told to leave the database's own statistics alone, to leave the table
    /// alone and do its TOAST table only, and how many buffers to use (since 16).
    pub fn has_vacuum_options_of_16(self) -> bool {
        self.major() >= 16
    }

    /// Whether VACUUM and ANALYZE of a parent go on to its children unless told ONLY, and
    /// `pg_class` counts frozen pages (since 18).
    pub fn counts_frozen_pages(self) -> bool {
        self.major() >= 18
    }

    /// Whether checkpoints are counted in a view of their own (since 17).
    pub fn has_checkpointer_view(self) -> bool {
        self.major() >= 17
    }

    /// Whether it is counted for how long autovacuum was at a table (since 18).
    pub fn has_autovacuum_times(self) -> bool {
        self.major() >= 18
    }

    /// Whether concurrent index builds can silently leave rows out of the index: 14.0 to 14.3
    /// (release notes of 14.4, bug 17485).
    pub fn corrupts_concurrent_builds(self) -> bool {
        (140_000..140_004).contains(&self.0)
    }

    /// Whether amcheck runs functions of expressions with the rights of who calls it: 14.0 to 14.2
    /// (CVE-2022-1552).
    pub fn runs_owners_code_in_amcheck(self) -> bool {
        (140_000..140_003).contains(&self.0)
    }

    /// Whether REINDEX CONCURRENTLY of a deferrable unique index checks rows at once meanwhile, which
    /// raises duplicate-key errors that are false (release notes of 14.24, 15.19, 16.15, 17.11, 18.6).
    pub fn rebuilds_deferrable_wrongly(self) -> bool {
        let fixed_in = match self.major() {
            14 => 24,
            15 => 19,
            16 => 15,
            17 => 11,
            18 => 6,
            _ => 0,
        };
        self.0 % 10_000 < fixed_in
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= 100_000 {
            write!(f, "{}.{}", self.major(), self.0 % 10_000)
        } else {
            write!(f, "{}.{}.{}", self.0 / 10_000, self.0 / 100 % 100, self.0 % 100)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_print_as_people_write_them() {
        assert_eq!(ServerVersion(150_018).to_string(), "15.18");
        assert_eq!(ServerVersion(90_624).to_string(), "9.6.24");
        assert_eq!(ServerVersion(90_624).major(), 9);
    }

    #[test]
    fn gates_open_at_the_right_version() {
        assert!(!ServerVersion(130_023).is_supported());
        assert!(ServerVersion(140_000).is_supported());
        assert!(ServerVersion(140_003).corrupts_concurrent_builds());
        assert!(!ServerVersion(140_004).corrupts_concurrent_builds());
        assert!(ServerVersion(140_002).runs_owners_code_in_amcheck());
        assert!(!ServerVersion(140_003).runs_owners_code_in_amcheck());
        assert!(!ServerVersion(160_014).has_transaction_timeout());
        assert!(ServerVersion(170_000).has_transaction_timeout());
        assert!(ServerVersion(150_018).rebuilds_deferrable_wrongly());
        assert!(!ServerVersion(150_019).rebuilds_deferrable_wrongly());
        assert!(!ServerVersion(190_000).rebuilds_deferrable_wrongly());
    }
}
