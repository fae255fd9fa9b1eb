//! The server at a glance: what a DBA looks at first.

use serde::Serialize;

use super::rules::span;
use crate::facts::health::Health;
use crate::format::{bytes, count, whole};
use crate::pg::database::Server;

/// From here on the server refuses writes: 2^31 less 3 million and what is reserved.
pub const XID_LIMIT: i64 = 2_147_483_647 - 3_000_000;

/// What is seen at a glance; `None` is what could not be seen.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Glance {
    pub server_version: String,
    pub in_recovery: bool,
    pub uptime_seconds: Option<f64>,
    pub size_bytes: Option<i64>,
    pub sessions: Option<i64>,
    pub connection_limit: Option<i64>,
    /// Of the oldest database.
    pub xid_age: Option<i32>,
    pub standbys: Option<i64>,
    pub slots: Option<i64>,
    pub replay_lag_bytes: Option<i64>,
    /// The share of block reads that found the block in shared buffers, since the last reset.
    pub cache_hit_share: Option<f64>,
    /// Since the last reset.
    pub transactions: Option<i64>,
}

impl Glance {
    pub fn new(health: &Health, server: &Server) -> Self {
        let seen = health.glance.known().and_then(|rows| rows.first());
        let databases = health.databases.known();
        let here = databases.and_then(|all| all.iter().find(|database| database.is_current));
        Glance {
            server_version: server.version.to_string(),
            in_recovery: server.in_recovery,
            uptime_seconds: seen.map(|it| it.uptime_seconds),
            size_bytes: seen.and_then(|it| it.size_bytes),
            sessions: seen.map(|it| it.sessions),
            connection_limit: seen.map(|it| it.connection_limit),
            xid_age: databases.and_then(|all| all.iter().map(|it| it.xid_age).max()),
            standbys: seen.map(|it| it.standbys),
            slots: seen.map(|it| it.slots),
            replay_lag_bytes: seen.and_then(|it| it.replay_lag_bytes),
            cache_hit_share: here.and_then(|it| {
                let read = it.blocks_hit + it.blocks_read;
                (read > 0).then(|| it.blocks_hit as f64 / read as f64)
            }),
            transactions: here.map(|it| it.commits + it.rollbacks),
        }
    }

    /// A line for each thing that is known.
    pub fn block(&self) -> String {
        let lines = self.lines().into_iter();
        lines.map(|(name, value)| format!(" {name:<12} {value}\n")).collect()
    }

    /// What is known, each with its name.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let up = self.uptime_seconds.map_or_else(String::new, |it| format!(", up {}", span(it)));
        let role = if self.in_recovery { ", standby" } else { "" };
        let mut lines = vec![("server", format!("PostgreSQL {}{role}{up}", self.server_version))];
        if let Some(size) = self.size_bytes {
            let cached = self.cache_hit_share;
            let cached = cached.map_or_else(String::new, |it| {
                format!(", {:.1} % of reads from memory", it * 100.0)
            });
            lines.push(("database", format!("{}{cached}", bytes(size))));
        }
        if let Some((sessions, limit)) = self.sessions.zip(self.connection_limit) {
            lines.push(("connections", format!("{sessions} of {limit}")));
        }
        if let Some(age) = self.xid_age {
            let share = f64::from(age) / XID_LIMIT as f64 * 100.0;
            let (age, limit) = (whole(i64::from(age)), whole(XID_LIMIT));
            lines.push(("xid age", format!("{age} of {limit} ({share:.1} %)")));
        }
        lines.extend(self.replication().map(|words| ("replication", words)));
        lines
    }

    fn replication(&self) -> Option<String> {
        if let Some(lag) = self.replay_lag_bytes {
            return Some(format!("{} received and not replayed", bytes(lag)));
        }
        let number = |number: i64| usize::try_from(number).unwrap_or_default();
        let (standbys, slots) = (number(self.standbys?), number(self.slots?));
        let words = [count(standbys, "standby", "standbys"), count(slots, "slot", "slots")];
        (standbys + slots > 0).then(|| words.join(", "))
    }
}
