//! What rules are about.

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub enum Group {
    /// Migrations and declarations (verify)
    Migrations,
    /// Transaction ids, VACUUM and autovacuum
    Vacuum,
    /// What the planner knows of the tables
    Statistics,
    /// Bloat, leftovers, temporary files and WAL
    Space,
    /// Invalid, superfluous, unused and missing indexes
    Indexes,
    /// Sequences and integer keys that run out
    Sequences,
    /// Standbys, slots, archiving and subscriptions
    Replication,
    /// Connections, transactions and locks of this moment
    Sessions,
    /// Settings, checkpoints and I/O
    Settings,
    /// Versions, extensions and collations
    Versions,
    /// Privileges, passwords and row security
    Security,
    /// Keys and constraints of tables
    Design,
    /// Partitions and materialized views
    Partitions,
    /// Matters of taste in the design of tables
    Opinions,
    /// Findings that are suppressed
    Ignores,
}

impl Group {
    /// Those that `check` looks at, in the order in which it tells them.
    pub const OF_CHECK: [Group; 13] = [
        Group::Vacuum,
        Group::Statistics,
        Group::Space,
        Group::Indexes,
        Group::Sequences,
        Group::Replication,
        Group::Sessions,
        Group::Settings,
        Group::Versions,
        Group::Security,
        Group::Design,
        Group::Partitions,
        Group::Opinions,
    ];

    /// The name in all formats.
    pub fn name(self) -> &'static str {
        match self {
            Group::Migrations => "migrations",
            Group::Vacuum => "vacuum",
            Group::Statistics => "statistics",
            Group::Space => "space",
            Group::Indexes => "indexes",
            Group::Sequences => "sequences",
            Group::Replication => "replication",
            Group::Sessions => "sessions",
            Group::Settings => "settings",
            Group::Versions => "versions",
            Group::Security => "security",
            Group::Design => "design",
            Group::Partitions => "partitions",
            Group::Opinions => "opinions",
            Group::Ignores => "ignores",
        }
    }

    /// The group of that name that `check` looks at.
    pub fn named(name: &str) -> Option<Group> {
        Group::OF_CHECK.into_iter().find(|group| group.name() == name)
    }

    /// Whether `check` looks at it only where it is asked to.
    pub fn is_opt_in(self) -> bool {
        matches!(self, Group::Security | Group::Opinions)
    }
}
