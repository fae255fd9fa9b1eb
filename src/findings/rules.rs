//! The rules that are ours, by what they are about.

use super::{Group, Rule, Severity};

macro_rules! rules {
    ($($group:ident { $($(#[$doc:meta])* $constant:ident = $severity:ident $name:literal;)* })*) => {
        impl Rule {
            $($($(#[$doc])*
            pub const $constant: Rule = Rule {
                name: $name,
                group: Group::$group,
                severity: Severity::$severity,
                page: include_str!(concat!("../../docs/rules/", $name, ".md")),
            };)*)*

            /// Every rule.
            pub const ALL: &[Rule] = &[$($(Rule::$constant),*),*];
        }
    };
}

rules! {
    Migrations {
        /// A file is not SQL.
        SYNTAX = Error "syntax";
        /// The server refuses a statement.
        NOT_APPLIED = Error "not-applied";
        /// The server refuses a statement because it stands in a transaction.
        IN_TRANSACTION = Error "in-transaction";
        /// An extension is not installed on the server.
        MISSING_EXTENSION = Error "missing-extension";
        /// A function on which an index or a view relies fails with a restricted search path.
        SEARCH_PATH_FUNCTION = Warning "search-path-function";
        /// A query of the workload cannot be explained.
        WORKLOAD_NOT_EXPLAINED = Warning "workload-not-explained";
        /// With production's statistics a migration makes a query more expensive.
        PLAN_REGRESSION = Warning "plan-regression";
        /// CONCURRENTLY on a partitioned table.
        CONCURRENTLY_ON_PARTITIONED = Error "concurrently-on-partitioned";
        /// A table that was there before is written anew under a lock.
        TABLE_REWRITE = Warning "table-rewrite";
        /// A table that was there before is read whole while nobody may write it.
        TABLE_SCAN = Warning "table-scan";
        /// A lock is held while something else takes its time.
        LOCK_HELD = Warning "lock-held";
        /// A concurrent statement stands in a message with others.
        CONCURRENT_IN_ONE_MESSAGE = Error "concurrent-in-one-message";
        /// A timeout is in force when a concurrent statement is sent.
        TIMEOUT_BEFORE_CONCURRENT = Warning "timeout-before-concurrent";
        /// A relation is dropped and created again.
        DROP_AND_CREATE = Warning "drop-and-create";
        /// A name is another relation's already.
        NAME_COLLISION = Warning "name-collision";
        /// An index has no name.
        UNNAMED_INDEX = Warning "unnamed-index";
        /// The server cuts off an index's name.
        LONG_INDEX_NAME = Warning "long-index-name";
        /// A statement with IF NOT EXISTS had no effect, because the name means something else.
        NOT_AS_DECLARED = Error "not-as-declared";
        /// `apply` does not come to an end.
        NOT_CONVERGED = Error "not-converged";
        /// `apply` does not mend an index whose build broke off.
        NOT_HEALED = Error "not-healed";
        /// A materialized view cannot be refreshed while it is read.
        VIEW_NOT_CONCURRENT = Warning "view-not-concurrent";
        /// A column by which a concurrent refresh matches rows may be NULL.
        NULLABLE_VIEW_KEY = Warning "nullable-view-key";
        /// The server refuses a statement of a down script.
        DOWN_NOT_APPLIED = Error "down-not-applied";
        /// A down script does not restore the schema.
        DOWN_NOT_RESTORED = Error "down-not-restored";
        /// A migration cannot be applied again after its down script.
        UP_AFTER_DOWN = Error "up-after-down";
        /// A migration has no down script, and others have.
        NO_DOWN = Warning "no-down";
    }
    Vacuum {
        XID_WRAPAROUND = Critical "xid-wraparound";
        MULTIXACT_WRAPAROUND = Critical "multixact-wraparound";
        MULTIXACT_MEMBERS = Critical "multixact-members";
        VACUUM_BLOCKED = Critical "vacuum-blocked";
        AUTOVACUUM_OFF = Critical "autovacuum-off";
        AUTOVACUUM_BEHIND = Warning "autovacuum-behind";
        AUTOVACUUM_STARVED = Warning "autovacuum-starved";
        VACUUM_SCALE = Info "vacuum-scale";
        FREEZE_DEBT = Warning "freeze-debt";
        TOAST_DEAD = Info "toast-dead";
        FEW_HOT_UPDATES = Info "few-hot-updates";
    }
    Statistics {
        NEVER_ANALYZED = Warning "never-analyzed";
        ANALYZE_STALE = Warning "analyze-stale";
        PARENT_WITHOUT_STATISTICS = Info "parent-without-statistics";
        IMPOSSIBLE_ROW_COUNT = Warning "impossible-row-count";
        EXPRESSION_WITHOUT_STATISTICS = Info "expression-without-statistics";
        VIEW_WITHOUT_STATISTICS = Info "view-without-statistics";
        UNFILLED_STATISTICS = Info "unfilled-statistics";
    }
    Space {
        INDEX_BLOAT = Warning "index-bloat";
        TABLE_BLOAT = Warning "table-bloat";
        INDEX_LARGER_THAN_TABLE = Info "index-larger-than-table";
        CATALOG_BLOAT = Info "catalog-bloat";
        UNLOGGED_TABLE = Info "unlogged-table";
        WAL_KEPT = Warning "wal-kept";
        ORPHANED_LARGE_OBJECTS = Info "orphaned-large-objects";
    }
    Indexes {
        CORRUPT_INDEX = Critical "corrupt-index";
        INDEX_LEFTOVER = Warning "index-leftover";
        /// An index is invalid afterwards.
        INVALID_INDEX = Error "invalid-index";
        /// An index has the keys of another.
        DUPLICATE_INDEX = Warning "duplicate-index";
        /// An index is the beginning of another.
        REDUNDANT_INDEX = Warning "redundant-index";
        /// No index begins with a foreign key's columns.
        UNINDEXED_FOREIGN_KEY = Warning "unindexed-foreign-key";
        /// An index serves no query of the workload.
        UNUSED_INDEX = Warning "unused-index";
        LOW_CARDINALITY_INDEX = Info "low-cardinality-index";
        MOSTLY_NULL_INDEX = Info "mostly-null-index";
        ARRAY_INDEX = Info "array-index";
        SEQUENTIAL_SCANS = Info "sequential-scans";
        GIN_PENDING_LIST = Info "gin-pending-list";
        UNORDERED_BRIN_INDEX = Info "unordered-brin-index";
    }
    Sequences {
        SEQUENCE_EXHAUSTION = Critical "sequence-exhaustion";
        INTEGER_KEY_EXHAUSTION = Critical "integer-key-exhaustion";
        FOREIGN_KEY_TYPE = Warning "foreign-key-type";
    }
    Replication {
        CHECKSUM_FAILURES = Critical "checksum-failures";
        SYNC_STANDBY_MISSING = Critical "sync-standby-missing";
        ARCHIVER_FAILING = Critical "archiver-failing";
        INACTIVE_SLOT = Critical "inactive-slot";
        LOST_SLOT = Warning "lost-slot";
        STANDBY_LAG = Warning "standby-lag";
        PUBLICATION_WITHOUT_IDENTITY = Critical "publication-without-identity";
        SUBSCRIPTION_ERRORS = Critical "subscription-errors";
        SUBSCRIPTION_CONFLICTS = Warning "subscription-conflicts";
        SUBSCRIPTION_DISABLED = Warning "subscription-disabled";
        HOT_STANDBY_CONFLICTS = Info "hot-standby-conflicts";
    }
    Sessions {
        CONNECTIONS_EXHAUSTED = Critical "connections-exhausted";
        ROLE_CONNECTION_LIMIT = Warning "role-connection-limit";
        DATABASE_CONNECTION_LIMIT = Warning "database-connection-limit";
        LOCK_WAITS = Critical "lock-waits";
        IDLE_IN_TRANSACTION = Warning "idle-in-transaction";
        LONG_TRANSACTION = Warning "long-transaction";
        FORGOTTEN_PREPARED_TRANSACTION = Critical "forgotten-prepared-transaction";
        LOCK_TABLE_FULL = Critical "lock-table-full";
        DEADLOCKS = Info "deadlocks";
        SESSION_CHURN = Info "session-churn";
        MANY_CONNECTIONS_ALLOWED = Info "many-connections-allowed";
    }
    Settings {
        DATA_LOSING_SETTING = Critical "data-losing-setting";
        PENDING_RESTART = Warning "pending-restart";
        PLANNER_METHOD_OFF = Warning "planner-method-off";
        SMALL_CACHE_SIZE = Info "small-cache-size";
        DEFAULT_SHARED_BUFFERS = Info "default-shared-buffers";
        HUGE_STATISTICS_TARGET = Info "huge-statistics-target";
        QUIET_LOG = Info "quiet-log";
        NO_STATEMENT_STATISTICS = Info "no-statement-statistics";
        EVICTED_STATEMENTS = Info "evicted-statements";
        CHECKSUMS_OFF = Info "checksums-off";
        ASYNCHRONOUS_COMMIT = Info "asynchronous-commit";
        AUTOVACUUM_THROTTLED = Info "autovacuum-throttled";
        CONFIGURATION_ERROR = Warning "configuration-error";
        FORCED_CHECKPOINTS = Info "forced-checkpoints";
        BACKEND_FSYNC = Info "backend-fsync";
        TEMPORARY_FILES = Info "temporary-files";
        FULL_PAGE_IMAGES = Info "full-page-images";
    }
    Versions {
        OUTDATED_MINOR = Warning "outdated-minor";
        END_OF_LIFE = Warning "end-of-life";
        SUSPECT_INDEX = Warning "suspect-index";
        COLLATION_MISMATCH = Critical "collation-mismatch";
        OUTDATED_EXTENSION = Info "outdated-extension";
        EXTENSION_WITHOUT_FILES = Warning "extension-without-files";
    }
    Security {
        PUBLIC_CREATE = Critical "public-create";
        SUPERUSER_FUNCTION_SEARCH_PATH = Critical "superuser-function-search-path";
        DEFINER_FUNCTION_SEARCH_PATH = Warning "definer-function-search-path";
        REMOTE_TRUST = Critical "remote-trust";
        MD5_PASSWORD = Warning "md5-password";
        SUPERUSER_LOGIN = Info "superuser-login";
        ROW_SECURITY_WITHOUT_POLICY = Info "row-security-without-policy";
        POLICY_WITHOUT_ROW_SECURITY = Warning "policy-without-row-security";
        VIEW_AROUND_ROW_SECURITY = Warning "view-around-row-security";
        UNENCRYPTED_SESSIONS = Warning "unencrypted-sessions";
    }
    Design {
        NO_PRIMARY_KEY = Info "no-primary-key";
        DUPLICATE_FOREIGN_KEY = Warning "duplicate-foreign-key";
        NOT_VALID_CONSTRAINT = Warning "not-valid-constraint";
        DISABLED_TRIGGER = Warning "disabled-trigger";
        CONSTANT_COLUMN = Info "constant-column";
    }
    Partitions {
        PARTITION_RUNWAY = Critical "partition-runway";
        DEFAULT_PARTITION_FILLING = Warning "default-partition-filling";
        TOO_MANY_PARTITIONS = Info "too-many-partitions";
        VIEW_NOT_POPULATED = Warning "view-not-populated";
        VIEW_WITHOUT_KEY = Info "view-without-key";
        VIEW_STALE = Warning "view-stale";
        VIEW_SLOW_REFRESH = Info "view-slow-refresh";
    }
    Opinions {
        TIMESTAMP_WITHOUT_ZONE = Info "timestamp-without-zone";
        MONEY_COLUMN = Info "money-column";
        CHAR_COLUMN = Info "char-column";
        JSON_COLUMN = Info "json-column";
        SERIAL_COLUMN = Info "serial-column";
    }
    Ignores {
        /// A comment suppresses findings and does not say why.
        IGNORE_WITHOUT_REASON = Warning "ignore-without-reason";
        /// A rule is to be suppressed that there is not.
        UNKNOWN_IGNORE = Warning "unknown-ignore";
        /// A rule is suppressed where it finds nothing.
        UNUSED_IGNORE = Warning "unused-ignore";
        /// A finding was to be suppressed until a day that has passed.
        EXPIRED_IGNORE = Warning "expired-ignore";
    }
}
