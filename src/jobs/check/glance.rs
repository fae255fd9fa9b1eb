//! The server at a glance: what a DBA looks at first.

use serde::Serialize;

use super::rules::{latest_release, span};
use crate::facts::activity::ActiveSession;
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
    /// Of the same major version, as far as this pgtend knows; `None`: there is none.
    pub newer_release: Option<String>,
    /// Sessions of all databases that run a statement.
    pub active_sessions: Option<usize>,
    /// Of them, those that wait for a lock.
    pub waiting_sessions: Option<usize>,
    /// In the mean since the last reset.
    pub transactions_per_second: Option<f64>,
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
            newer_release: latest_release(server.version)
                .filter(|latest| server.version < *latest)
                .map(|latest| latest.to_string()),
            active_sessions: at_work(health, |_| true),
            waiting_sessions: at_work(health, |session| !session.blocked_by.is_empty()),
            transactions_per_second: here.and_then(|it| {
                let seconds = it.reset_seconds.filter(|seconds| *seconds >= 1.0)?;
                Some((it.commits + it.rollbacks) as f64 / seconds)
            }),
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
        let mut lines =
            vec![("server", format!("PostgreSQL {}{}{role}{up}", self.server_version, self.age()))];
        if let Some(size) = self.size_bytes {
            let cached = self.cache_hit_share.map_or_else(String::new, |it| {
                format!(", {:.1} % of reads from memory", it * 100.0)
            });
            lines.push(("database", format!("{}{cached}", bytes(size))));
        }
        if let Some((sessions, limit)) = self.sessions.zip(self.connection_limit) {
            lines.push(("connections", format!("{sessions} of {limit}")));
        }
        lines.extend(self.load().map(|words| ("load", words)));
        if let Some(age) = self.xid_age {
            let share = f64::from(age) / XID_LIMIT as f64 * 100.0;
            let (age, limit) = (whole(i64::from(age)), whole(XID_LIMIT));
            lines.push(("xid age", format!("{age} of {limit} ({share:.1} %)")));
        }
        lines.extend(self.replication().map(|words| ("replication", words)));
        lines
    }

    /// How old the version is.
    fn age(&self) -> String {
        let newer = self.newer_release.as_ref();
        newer.map_or_else(String::new, |newer| format!(" ({newer} is out)"))
    }

    fn load(&self) -> Option<String> {
        let (active, waiting) = (self.active_sessions?, self.waiting_sessions?);
        let queue = match waiting {
            0 => String::new(),
            _ => format!(", {} for a lock", count(waiting, "waits", "wait")),
        };
        let rate = self.transactions_per_second.map_or_else(String::new, |it| {
            format!(", {it:.1} transactions a second since the last reset")
        });
        Some(format!("{} at work{queue}{rate}", count(active, "session", "sessions")))
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

/// Sessions that run a statement; `None` where those of others are not to be seen.
fn at_work(health: &Health, is_one: fn(&ActiveSession) -> bool) -> Option<usize> {
    let sessions = &health.sessions.activity.known()?.sessions;
    let active = sessions.iter().filter(|session| {
        session.state.as_deref() == Some("active")
            && session.backend_type.as_deref() == Some("client backend")
    });
    Some(active.filter(|session| is_one(session)).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_and_age_are_seen_at_a_glance() {
        let glance = Glance {
            server_version: "15.18".to_owned(),
            newer_release: Some("15.20".to_owned()),
            active_sessions: Some(3),
            waiting_sessions: Some(1),
            transactions_per_second: Some(12.34),
            ..Glance::default()
        };
        assert_eq!(
            glance.lines(),
            [
                ("server", "PostgreSQL 15.18 (15.20 is out)".to_owned()),
                (
                    "load",
                    "3 sessions at work, 1 waits for a lock, 12.3 transactions a second since the last reset".to_owned()
                ),
            ]
        );
        let unseen = Glance { active_sessions: None, ..glance };
        assert_eq!(unseen.load(), None);
    }
}
