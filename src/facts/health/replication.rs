//! Slots, standbys, archiving, publications and subscriptions.

use super::{of_others, rows};
use crate::facts::columns::facts_of_columns;
use crate::facts::known::Known;
use crate::pg::database::Server;
use crate::pg::session::Session;

/// What goes to other servers, and comes from them.
#[derive(Debug, Clone, Default)]
pub struct Replication {
    pub slots: Known<Vec<Slot>>,
    pub standbys: Known<Vec<Standby>>,
    pub archiver: Known<Vec<Archiver>>,
    pub published: Known<Vec<PublishedTable>>,
    pub subscriptions: Known<Vec<Subscription>>,
    /// None before PostgreSQL 15, which does not count them.
    pub subscription_errors: Known<Option<Vec<SubscriptionErrors>>>,
    pub conflicts: Known<Vec<Conflicts>>,
}

facts_of_columns! {
    /// A replication slot.
    pub struct Slot {
        pub name: String,
        /// `physical` or `logical`.
        pub kind: String,
        pub is_active: bool,
        pub is_temporary: bool,
        /// A standby's copy of a slot of its primary.
        pub is_synced: bool,
        /// `reserved`, `extended`, `unreserved`, `lost`.
        pub wal_status: Option<String>,
        /// WAL that it keeps.
        pub retained_bytes: Option<i64>,
        /// WAL that may still be written before it is lost; `None`: there is no limit.
        pub safe_bytes: Option<i64>,
        /// `None` also where the server does not say (before 17).
        pub inactive_seconds: Option<f64>,
        /// `None` also where the server does not say (before 17).
        pub invalidation_reason: Option<String>,
    }
}

impl Slot {
    /// What it stood for is gone: its reader cannot go on.
    pub fn is_lost(&self) -> bool {
        self.wal_status.as_deref() == Some("lost") || self.invalidation_reason.is_some()
    }
}

facts_of_columns! {
    /// A standby or subscriber that is attached.
    pub struct Standby {
        pub name: String,
        pub is_streaming: bool,
        /// Commits may wait for it.
        pub is_synchronous: bool,
        /// `None`: it replays nothing.
        pub behind_bytes: Option<i64>,
        /// `None`: there is nothing to replay.
        pub behind_seconds: Option<f64>,
    }
}

facts_of_columns! {
    /// How archiving goes, since the last reset of the counters.
    pub struct Archiver {
        pub failures: i64,
        /// Since a file was archived; `None`: never.
        pub archived_seconds: Option<f64>,
        /// Since that failed; `None`: never.
        pub failed_seconds: Option<f64>,
    }
}

facts_of_columns! {
    /// A published table whose UPDATE or DELETE fails: no key says which row it is.
    pub struct PublishedTable {
        /// As the server quotes it.
        pub object: String,
        /// As the server quotes them.
        pub publications: String,
        /// Rows since the last reset of the counters.
        pub updated: i64,
        pub deleted: i64,
    }
}

facts_of_columns! {
    /// A subscription of this database.
    pub struct Subscription {
        /// As the server quotes it.
        pub name: String,
        pub is_enabled: bool,
    }
}

facts_of_columns! {
    /// The errors of a subscription since the last reset of the counters.
    pub struct SubscriptionErrors {
        /// As the server quotes it.
        pub name: String,
        pub is_enabled: bool,
        /// Its worker is there now.
        pub is_running: bool,
        pub apply_errors: i64,
        /// Of copying tables at the beginning.
        pub sync_errors: i64,
        /// Changes that found no row; `None` before 18, which does not count them.
        pub missing_rows: Option<i64>,
        /// `None`: never.
        pub reset_seconds: Option<f64>,
    }
}

facts_of_columns! {
    /// The queries that a standby has cancelled in this database.
    pub struct Conflicts {
        pub cancelled: i64,
        /// Since the last reset of the counters; `None`: never.
        pub reset_seconds: Option<f64>,
    }
}

/// From here on tables can be published by their schema, and errors of subscriptions are counted.
const BY_SCHEMA: u32 = 15;

pub(super) async fn load(session: &Session, server: &Server) -> Replication {
    let is_old = server.version.major() < BY_SCHEMA;
    let published = match is_old {
        true => include_str!("../../../sql/check/published_tables.sql"),
        false => include_str!("../../../sql/check/published_tables_15.sql"),
    };
    let subscriptions = include_str!("../../../sql/check/subscriptions.sql");
    let errors = include_str!("../../../sql/check/subscription_errors_15.sql");
    Replication {
        slots: rows(session, include_str!("../../../sql/check/slots.sql")).await,
        standbys: of_others(session, server, include_str!("../../../sql/check/standbys.sql")).await,
        archiver: rows(session, include_str!("../../../sql/check/archiver.sql")).await,
        published: rows(session, published).await,
        subscriptions: rows(session, subscriptions).await,
        subscription_errors: match is_old {
            true => Known::Known(None),
            false => rows(session, errors).await.map(Some),
        },
        conflicts: rows(session, include_str!("../../../sql/check/conflicts.sql")).await,
    }
}

#[cfg(test)]
impl Replication {
    /// Nothing of it could be seen.
    pub fn unseen(why: &crate::facts::Unavailable) -> Self {
        Replication {
            slots: why.clone().into(),
            standbys: why.clone().into(),
            archiver: why.clone().into(),
            published: why.clone().into(),
            subscriptions: why.clone().into(),
            subscription_errors: why.clone().into(),
            conflicts: why.clone().into(),
        }
    }
}
