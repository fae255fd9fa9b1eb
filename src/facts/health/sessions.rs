//! Connections, sessions and locks of this moment.

use std::collections::HashSet;

use super::{of_others, others_hidden, rows};
use crate::facts::activity::{
    ActiveSession, Activity, SessionScope, WantedSessions, load_activity,
};
use crate::facts::columns::facts_of_columns;
use crate::facts::known::Known;
use crate::pg::database::Server;
use crate::pg::session::Session;

/// Who is connected, and what they do.
#[derive(Debug, Clone, Default)]
pub struct Sessions {
    /// Of all databases.
    pub activity: Known<Activity>,
    pub connections: Known<Vec<Connections>>,
    pub roles: Known<Vec<RoleConnections>>,
    pub lock_table: Known<Vec<LockTable>>,
}

facts_of_columns! {
    /// The connections that are in use.
    pub struct Connections {
        pub sessions: i64,
        pub idle: i64,
    }
}

facts_of_columns! {
    /// A role that may have so many connections only.
    pub struct RoleConnections {
        /// As the server quotes it.
        pub role: String,
        pub connection_limit: i32,
        pub sessions: i64,
    }
}

facts_of_columns! {
    /// How full the shared table of locks is.
    pub struct LockTable {
        /// Objects that are locked there.
        pub locks: i64,
    }
}

pub(super) async fn load(session: &Session, server: &Server) -> Sessions {
    let connections = include_str!("../../../sql/check/connections.sql");
    let roles = include_str!("../../../sql/check/role_connections.sql");
    let everywhere = WantedSessions {
        scope: SessionScope::AllDatabases,
        ..WantedSessions::default()
    };
    Sessions {
        activity: match server.sees_all_statistics {
            true => load_activity(session, &everywhere).await.into(),
            false => others_hidden(server).into(),
        },
        connections: of_others(session, server, connections).await,
        roles: of_others(session, server, roles).await,
        lock_table: rows(session, include_str!("../../../sql/check/lock_table.sql")).await,
    }
}

/// A session, or a prepared transaction, that others wait for and that waits for nobody.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LockHolder<'a> {
    pub session: &'a ActiveSession,
    /// How many wait for it, or for somebody who does.
    pub waiting: usize,
    /// The one of them that has waited longest.
    pub longest: &'a ActiveSession,
}

impl LockHolder<'_> {
    /// For how long somebody has waited.
    pub fn seconds(&self) -> f64 {
        self.longest.waits_seconds.unwrap_or(0.0)
    }
}

/// Those at whose ends the queues stand.
pub fn lock_holders(activity: &Activity) -> Vec<LockHolder<'_>> {
    let sessions = &activity.sessions;
    let free = sessions.iter().filter(|session| session.blocked_by.is_empty());
    let holders = free.filter_map(|session| {
        let waiting = waiting_for(session, sessions);
        let seconds = |waiter: &ActiveSession| waiter.waits_seconds.unwrap_or(0.0);
        let longest = waiting
            .iter()
            .copied()
            .max_by(|one, other| seconds(one).total_cmp(&seconds(other)))?;
        Some(LockHolder { session, waiting: waiting.len(), longest })
    });
    holders.collect()
}

/// All that wait for it, or for one another, in the end for it.
fn waiting_for<'a>(
    holder: &ActiveSession,
    sessions: &'a [ActiveSession],
) -> Vec<&'a ActiveSession> {
    let mut waiting: Vec<&ActiveSession> = Vec::new();
    let mut known = HashSet::new();
    let mut held_by = vec![holder];
    while let Some(one) = held_by.pop() {
        let next = sessions.iter().filter(|session| waits_for(session, one));
        for session in next.filter(|session| known.insert(session.pid)) {
            waiting.push(session);
            held_by.push(session);
        }
    }
    waiting
}

fn waits_for(session: &ActiveSession, other: &ActiveSession) -> bool {
    match &other.gid {
        Some(gid) => session.blocked_by_gids.contains(gid),
        None => session.blocked_by.contains(&other.pid),
    }
}

#[cfg(test)]
impl Sessions {
    /// Nothing of it could be seen.
    pub fn unseen(why: &crate::facts::Unavailable) -> Self {
        Sessions {
            activity: why.clone().into(),
            connections: why.clone().into(),
            roles: why.clone().into(),
            lock_table: why.clone().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(pid: i32, blocked_by: &[i32], waits_seconds: Option<f64>) -> ActiveSession {
        ActiveSession {
            pid,
            blocked_by: blocked_by.to_vec(),
            waits_seconds,
            ..ActiveSession::default()
        }
    }

    #[test]
    fn the_end_of_a_queue_is_who_waits_for_nobody() {
        let prepared = ActiveSession { gid: Some("g".to_owned()), ..session(0, &[], None) };
        let by_prepared = ActiveSession {
            blocked_by_gids: vec!["g".to_owned()],
            ..session(9, &[0], Some(1.0))
        };
        let sessions = vec![
            session(1, &[], None),
            session(2, &[1], Some(5.0)),
            session(3, &[2, 1], Some(4.0)),
            session(4, &[], None),
            session(5, &[6], Some(9.0)),
            session(6, &[5], Some(9.0)),
            prepared,
            by_prepared,
        ];
        let activity = Activity { sessions, ..Activity::default() };
        let holders = lock_holders(&activity);
        let told = holders.iter().map(|it| (it.session.pid, it.waiting, it.seconds()));
        assert_eq!(told.collect::<Vec<_>>(), [(1, 2, 5.0), (0, 1, 1.0)]);
    }
}
