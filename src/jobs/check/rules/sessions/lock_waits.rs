use super::{object_of, who};
use crate::facts::health::{Health, LockHolder, lock_holders};
use crate::findings::{Finding, Rule, Severity};
use crate::format::count;
use crate::jobs::check::rules::{Found, Judged, span};

pub const RULE: Rule = Rule::LOCK_WAITS;

/// Shorter waits are everyday life.
pub const NOTED_SECONDS: f64 = 5.0;
pub const LONG_SECONDS: f64 = 60.0;
const VERY_LONG_SECONDS: f64 = 300.0;
/// So long a queue eats up the connections.
const LONG_QUEUE: usize = 10;

pub fn judge(health: &Health) -> Judged {
    let holders = lock_holders(health.sessions.activity.seen()?);
    let found = holders.iter().filter(|holder| holder.seconds() >= NOTED_SECONDS).map(finding);
    Ok(found.collect::<Found>())
}

fn finding(holder: &LockHolder<'_>) -> Finding {
    let seconds = holder.seconds();
    let lock = holder
        .longest
        .lock
        .as_ref()
        .map_or_else(String::new, |lock| format!(", for {lock}"));
    let state = holder.session.state.as_deref().unwrap_or("at work");
    let message = format!(
        "{} for it{}, which is {state}; the longest has for {}{lock}",
        count(holder.waiting, "session waits", "sessions wait"),
        who(holder.session),
        span(seconds),
    );
    let severity = match (seconds, holder.waiting) {
        (VERY_LONG_SECONDS.., _) | (LONG_SECONDS.., LONG_QUEUE..) => Severity::Critical,
        (LONG_SECONDS.., _) | (_, LONG_QUEUE..) => Severity::Warning,
        _ => Severity::Info,
    };
    Finding::new(&RULE, None, message)
        .about(&object_of(holder.session))
        .severity(severity)
        .help("see the whole queue, and whether the one at its end may be cancelled")
        .command("pgtend activity --all-databases")
        .evidence("waiting_sessions", holder.waiting)
        .evidence("longest_wait_seconds", seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::activity::{ActiveSession, Activity};
    use crate::facts::health::Sessions;

    fn of(seconds: f64, waiting: i32) -> Option<Severity> {
        let holder = ActiveSession { pid: 1, ..ActiveSession::default() };
        let waiters = (2..2 + waiting).map(|pid| ActiveSession {
            pid,
            blocked_by: vec![1],
            waits_seconds: Some(seconds),
            ..ActiveSession::default()
        });
        let sessions = std::iter::once(holder).chain(waiters).collect();
        let activity = Known::Known(Activity { sessions, ..Activity::default() });
        let sessions = Sessions { activity, ..Sessions::default() };
        let found = judge(&Health { sessions, ..Health::default() }).unwrap();
        found.findings.first().map(|finding| finding.severity)
    }

    #[test]
    fn long_waits_and_long_queues_are_worse() {
        assert_eq!(of(1.0, 3), None);
        assert_eq!(of(9.0, 3), Some(Severity::Info));
        assert_eq!(of(9.0, 30), Some(Severity::Warning));
        assert_eq!(of(90.0, 1), Some(Severity::Warning));
        assert_eq!(of(90.0, 30), Some(Severity::Critical));
        assert_eq!(of(900.0, 1), Some(Severity::Critical));
    }
}
