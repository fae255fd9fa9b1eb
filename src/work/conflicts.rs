//! What to do about a session that stands in the way of a build, or that a build stands in the way
//! of. Pure: facts and policy in, response out.
//!
//! A session that waits for a table while holding a snapshot deadlocks with a concurrent build of
//! that table when the build, at its end, waits for old snapshots. The session looked for a
//! deadlock when it began to wait and found none; so it is the build that finds the deadlock, and
//! PostgreSQL ends the build, after all its work.

use super::plan::one_line;
use super::{DeadlockVictim, Policy, YieldToDdl};
use crate::facts::{Blocker, Waiter};
use crate::pg::comment::without_leading_comments;

/// How long somebody's DDL may wait behind a build before the build reacts; DDL with a short
/// lock_timeout of its own has given up by then.
const DDL_PATIENCE_SECONDS: f64 = 0.5;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// Nothing.
    Ignore,
    /// Say so.
    Warn(String),
    /// Cancel the other session's statement, and say so.
    CancelOther(String),
    /// Stop our own statement for this reason.
    StopOurs(String),
}

/// About a session that our statement waits for.
pub fn on_blocker(blocker: &Blocker, policy: &Policy) -> Response {
    if !blocker.waits_for_us {
        return Response::Ignore;
    }
    let who = describe(blocker, policy);
    let cheap = blocker.query.as_deref().is_some_and(is_cheaply_repeated);
    match policy.deadlock_victim {
        _ if cheap => Response::CancelOther(format!(
            "deadlock: cancels the statement of {who}, which can simply be repeated"
        )),
        DeadlockVictim::Other => {
            Response::CancelOther(format!("deadlock: cancels the statement of {who}"))
        }
        DeadlockVictim::OwnBuild => {
            Response::StopOurs(format!("gave way in a deadlock with {who}"))
        }
        DeadlockVictim::Postgres => Response::Warn(format!(
            "deadlock with {who}: PostgreSQL will end one of the two, probably this build; \
             --deadlock-victim chooses otherwise"
        )),
    }
}

/// About a session that waits for the table that our build holds.
pub fn on_waiter(waiter: &Waiter, policy: &Policy) -> Response {
    let who = describe(&waiter.session, policy);
    if waiter.mode == "AccessExclusiveLock" {
        let queue = match waiter.queued_behind {
            0 => String::new(),
            1 => ", and 1 session queues behind it".to_owned(),
            many => format!(", and {many} sessions queue behind it"),
        };
        let what = format!("{who} waits for this build to lock {}{queue}", waiter.relation);
        if waiter.waits_seconds < DDL_PATIENCE_SECONDS {
            return Response::Ignore;
        }
        return match policy.yield_to_ddl {
            YieldToDdl::Warn => Response::Warn(what),
            YieldToDdl::OwnBuild => Response::StopOurs(format!("gave way: {what}")),
            YieldToDdl::Waiter => Response::CancelOther(format!("cancels the waiter: {what}")),
        };
    }
    if waiter.has_snapshot {
        return Response::Warn(format!(
            "{who} waits for {} with a snapshot; it will deadlock with this build at its end",
            waiter.relation
        ));
    }
    Response::Ignore
}

/// ANALYZE and concurrent index statements: nothing is lost when they are sent again.
fn is_cheaply_repeated(query: &str) -> bool {
    let beginning = without_leading_comments(query).to_uppercase();
    let words = beginning.split_whitespace().take(6).collect::<Vec<_>>();
    match words.first().copied() {
        Some("ANALYZE" | "ANALYSE") => true,
        Some("CREATE" | "DROP" | "REINDEX") => words.contains(&"CONCURRENTLY"),
        _ => false,
    }
}

/// The session as a person looks for it: pid, application, user, state, age of its transaction,
/// statement.
pub fn describe(session: &Blocker, policy: &Policy) -> String {
    let name = match (&session.gid, session.pid) {
        (Some(gid), _) => format!("the prepared transaction {gid}"),
        (None, 0) => "a prepared transaction".to_owned(),
        (None, pid) => format!("pid {pid}"),
    };
    let mut known = [&session.application, &session.role, &session.state]
        .into_iter()
        .flatten()
        .filter(|text| !text.is_empty())
        .cloned()
        .collect::<Vec<_>>();
    if let Some(seconds) = session.xact_seconds {
        let age = std::time::Duration::from_secs(seconds.max(0.0) as u64);
        known.push(format!("transaction {} old", humantime::format_duration(age)));
    }
    let query = session.query.as_deref().filter(|query| !query.is_empty());
    if let Some(query) = query.filter(|_| policy.shows_query_text) {
        known.push(format!("statement: {}", one_line(query, QUERY_WIDTH)));
    }
    if known.is_empty() {
        name
    } else {
        format!("{name} ({})", known.join(", "))
    }
}

/// So much of a statement tells which one it is.
const QUERY_WIDTH: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn session(query: &str) -> Blocker {
        Blocker {
            pid: 4711,
            gid: None,
            application: Some("app".to_owned()),
            role: Some("bob".to_owned()),
            state: Some("active".to_owned()),
            query: Some(query.to_owned()),
            xact_seconds: Some(61.5),
            waits_for_us: true,
        }
    }

    fn waiter(mode: &str, has_snapshot: bool) -> Waiter {
        Waiter {
            our_pid: 1,
            session: session("ALTER TABLE t ADD x int"),
            relation: "t".to_owned(),
            mode: mode.to_owned(),
            has_snapshot,
            waits_seconds: 1.0,
            queued_behind: 3,
        }
    }

    fn policy(deadlock_victim: DeadlockVictim, yield_to_ddl: YieldToDdl) -> Policy {
        Policy { deadlock_victim, yield_to_ddl, ..Policy::default() }
    }

    #[test]
    fn only_a_blocker_that_waits_for_us_is_a_deadlock() {
        let idle = Blocker { waits_for_us: false, ..session("ANALYZE t") };
        assert_eq!(on_blocker(&idle, &Policy::default()), Response::Ignore);
    }

    #[test]
    fn what_can_be_repeated_is_the_victim_whatever_the_policy_says() {
        for query in [
            "ANALYZE t",
            "analyze verbose t",
            "/* cron */ -- nightly\n ANALYZE",
            "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)",
            "drop index concurrently i",
            "REINDEX (VERBOSE) INDEX CONCURRENTLY i",
        ] {
            let own = policy(DeadlockVictim::OwnBuild, YieldToDdl::Warn);
            let response = on_blocker(&session(query), &own);
            assert!(matches!(response, Response::CancelOther(_)), "{query}: {response:?}");
        }
    }

    #[test]
    fn anything_else_is_the_victim_only_by_flag() {
        let alter = session("ALTER TABLE t ADD x int");
        let respond = |victim| on_blocker(&alter, &policy(victim, YieldToDdl::Warn));
        assert!(matches!(respond(DeadlockVictim::Postgres), Response::Warn(_)));
        assert!(matches!(respond(DeadlockVictim::Other), Response::CancelOther(_)));
        assert!(matches!(respond(DeadlockVictim::OwnBuild), Response::StopOurs(_)));
    }

    #[test]
    fn ddl_behind_a_build_is_told_with_the_length_of_its_queue() {
        let ddl = waiter("AccessExclusiveLock", true);
        let Response::Warn(text) = on_waiter(&ddl, &Policy::default()) else {
            panic!()
        };
        assert!(
            text.contains("pid 4711 (app, bob, active, transaction 1m 1s old, statement: ALTER"),
            "{text}"
        );
        assert!(text.contains("3 sessions queue behind it"), "{text}");
        let own = policy(DeadlockVictim::Postgres, YieldToDdl::OwnBuild);
        assert!(matches!(on_waiter(&ddl, &own), Response::StopOurs(_)));
        let young = Waiter { waits_seconds: 0.1, ..ddl };
        assert_eq!(on_waiter(&young, &own), Response::Ignore);
    }

    #[test]
    fn a_deadlock_to_come_is_told_early() {
        let coming = on_waiter(&waiter("ShareUpdateExclusiveLock", true), &Policy::default());
        assert!(matches!(coming, Response::Warn(text) if text.contains("will deadlock")));
        let escape_control =
            on_waiter(&waiter("ShareUpdateExclusiveLock", false), &Policy::default());
        assert_eq!(escape_control, Response::Ignore);
    }

    #[test]
    fn query_text_can_be_kept_out() {
        let hidden = Policy { shows_query_text: false, ..Policy::default() };
        assert!(!describe(&session("SELECT 'secret'"), &hidden).contains("secret"));
        assert!(
            describe(&session("SELECT 1"), &Policy::default()).ends_with("statement: SELECT 1)")
        );
    }
}
