//! The server at a glance, and its databases.

use crate::facts::columns::facts_of_columns;

facts_of_columns! {
    /// The server at a glance.
    pub struct Glance {
        /// When it was started, in seconds since 1970.
        pub started_epoch: f64,
        pub uptime_seconds: f64,
        /// Of this database; `None` without the privilege CONNECT.
        pub size_bytes: Option<i64>,
        /// Client backends, of all databases.
        pub sessions: i64,
        /// `max_connections` without those that are reserved.
        pub connection_limit: i64,
        /// That are attached.
        pub standbys: i64,
        /// Replication slots.
        pub slots: i64,
        pub in_recovery: bool,
        /// What a standby has received and not replayed.
        pub replay_lag_bytes: Option<i64>,
        /// The age of the last transaction that a standby has replayed.
        pub replay_seconds: Option<f64>,
        /// When the cluster was made, in seconds since 1970.
        pub made_epoch: Option<f64>,
    }
}

facts_of_columns! {
    /// A database of the server, with counters since its last reset.
    pub struct Database {
        pub name: String,
        /// The one that is connected to.
        pub is_current: bool,
        pub allows_connections: bool,
        pub is_template: bool,
        /// Transactions since the oldest unfrozen one.
        pub xid_age: i32,
        /// Multixacts since the oldest unfrozen one.
        pub mxid_age: i32,
        /// `ALTER DATABASE … CONNECTION LIMIT`; -1: none.
        pub connection_limit: i32,
        /// Its sessions of this moment.
        pub sessions: i32,
        pub deadlocks: i64,
        pub temp_files: i64,
        pub temp_bytes: i64,
        pub blocks_hit: i64,
        pub blocks_read: i64,
        pub commits: i64,
        pub rollbacks: i64,
        /// Sessions that have begun.
        pub new_sessions: i64,
        /// For how long all of them have been there, in ms.
        pub session_ms: f64,
        /// `None` where checksums are off.
        pub checksum_failures: Option<i64>,
        /// Since the last reset of the counters; `None`: never.
        pub reset_seconds: Option<f64>,
    }
}
