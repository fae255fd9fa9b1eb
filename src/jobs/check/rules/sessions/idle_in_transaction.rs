use super::lock_waits::{LONG_SECONDS, NOTED_SECONDS};
use super::{object_of, who};
use crate::facts::activity::ActiveSession;
use crate::facts::health::{Health, LockHolder, lock_holders};
use crate::findings::{Finding, Rule, Severity};
use crate::format::count;
use crate::jobs::check::rules::{Found, Judged, span};

pub const RULE: Rule = Rule::IDLE_IN_TRANSACTION;

const IDLE_SECONDS: f64 = 300.0;
const VERY_IDLE_SECONDS: f64 = 3600.0;

pub fn judge(health: &Health) -> Judged {
    let activity = health.sessions.activity.seen()?;
    let holders = lock_holders(activity);
    let idle = activity.sessions.iter().filter(|session| {
        let state = session.state.as_deref().unwrap_or_default();
        state.starts_with("idle in transaction")
    });
    let found = idle.filter_map(|session| {
        let held_up = holders
            .iter()
            .find(|holder| holder.session.pid == session.pid && holder.seconds() >= NOTED_SECONDS);
        finding(session, held_up)
    });
    Ok(found.collect::<Found>())
}

fn finding(session: &ActiveSession, held_up: Option<&LockHolder<'_>>) -> Option<Finding> {
    let idle = session.idle_seconds.unwrap_or(0.0);
    if idle < IDLE_SECONDS && held_up.is_none() {
        return None;
    }
    let waiting = held_up.map_or(0, |holder| holder.waiting);
    let queue = match waiting {
        0 => String::new(),
        _ => format!("; {} for it", count(waiting, "session waits", "sessions wait")),
    };
    let message =
        format!("it has been idle in its transaction for {}{}{queue}", span(idle), who(session));
    let severity = match held_up {
        Some(holder) if holder.seconds() >= LONG_SECONDS => Severity::Critical,
        Some(_) => Severity::Warning,
        None if idle >= VERY_IDLE_SECONDS => Severity::Warning,
        None => Severity::Info,
    };
    let finding = Finding::new(&RULE, None, message)
        .about(&object_of(session))
        .severity(severity)
        .help(
            "it keeps its locks and the rows that died since; idle_in_transaction_session_timeout of its role ends \
             such sessions",
        )
        .command(format!("pgtend activity --terminate {}", session.pid))
        .evidence("idle_seconds", idle)
        .evidence("transaction_seconds", session.transaction_seconds)
        .evidence("waiting_sessions", waiting);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::activity::Activity;
    use crate::facts::health::Sessions;

    fn of(idle_seconds: f64, waits_seconds: f64) -> Option<Severity> {
        let idle = ActiveSession {
            pid: 1,
            state: Some("idle in transaction (aborted)".to_owned()),
            idle_seconds: Some(idle_seconds),
            ..ActiveSession::default()
        };
        let waiter = ActiveSession {
            pid: 2,
            blocked_by: vec![1],
            waits_seconds: Some(waits_seconds),
            ..ActiveSession::default()
        };
        let activity = Activity { sessions: vec![idle, waiter], ..Activity::default() };
        let sessions = Sessions { activity: Known::Known(activity), ..Sessions::default() };
        let found = judge(&Health { sessions, ..Health::default() }).unwrap();
        found.findings.first().map(|finding| finding.severity)
    }

    #[test]
    fn it_is_worse_while_others_wait() {
        assert_eq!(of(60.0, 0.0), None);
        assert_eq!(of(600.0, 0.0), Some(Severity::Info));
        assert_eq!(of(6000.0, 0.0), Some(Severity::Warning));
        assert_eq!(of(60.0, 6.0), Some(Severity::Warning));
        assert_eq!(of(60.0, 61.0), Some(Severity::Critical));
    }
}
