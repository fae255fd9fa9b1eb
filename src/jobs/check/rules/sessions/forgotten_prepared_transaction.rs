use super::lock_waits::NOTED_SECONDS;
use super::{object_of, who};
use crate::facts::health::{Health, lock_holders};
use crate::findings::{Finding, Rule, Severity};
use crate::format::count;
use crate::jobs::check::rules::{Found, Judged, span};
use crate::pg::name::quote_literal;

pub const RULE: Rule = Rule::FORGOTTEN_PREPARED_TRANSACTION;

/// A transaction manager is done within seconds.
const OLD_SECONDS: f64 = 900.0;
const VERY_OLD_SECONDS: f64 = 86_400.0;

pub fn judge(health: &Health) -> Judged {
    let activity = health.sessions.activity.seen()?;
    let holders = lock_holders(activity);
    let found = activity.sessions.iter().filter_map(|session| {
        let gid = session.gid.as_deref()?;
        let age = session.transaction_seconds.unwrap_or(0.0);
        let held_up = holders.iter().find(|holder| {
            holder.session.gid.as_deref() == Some(gid) && holder.seconds() >= NOTED_SECONDS
        });
        let waiting = held_up.map_or(0, |holder| holder.waiting);
        if age < OLD_SECONDS && waiting == 0 {
            return None;
        }
        let queue = match waiting {
            0 => String::new(),
            _ => format!("; {} for it", count(waiting, "session waits", "sessions wait")),
        };
        let message = format!("it was prepared {} ago{}{queue}", span(age), who(session));
        let is_bad = age >= VERY_OLD_SECONDS || waiting > 0;
        let finding = Finding::new(&RULE, None, message)
            .about(&object_of(session))
            .severity(if is_bad { Severity::Critical } else { Severity::Warning })
            .help(
                "it survives restarts, keeps its locks, and VACUUM removes nothing that died since: ask its owner whether \
                 to commit it or roll it back, in its database",
            )
            .command(format!("ROLLBACK PREPARED {}", quote_literal(gid)))
            .evidence("prepared_seconds", age)
            .evidence("waiting_sessions", waiting);
        Some(finding)
    });
    Ok(found.collect::<Found>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::activity::{ActiveSession, Activity};
    use crate::facts::health::Sessions;

    #[test]
    fn a_day_or_a_queue_is_critical() {
        let of = |age, waits_seconds| {
            let prepared = ActiveSession {
                gid: Some("it's".to_owned()),
                transaction_seconds: Some(age),
                ..ActiveSession::default()
            };
            let waiter = ActiveSession {
                pid: 2,
                blocked_by: vec![0],
                blocked_by_gids: vec!["it's".to_owned()],
                waits_seconds: Some(waits_seconds),
                ..ActiveSession::default()
            };
            let activity = Activity { sessions: vec![prepared, waiter], ..Activity::default() };
            let sessions = Sessions { activity: Known::Known(activity), ..Sessions::default() };
            let found = judge(&Health { sessions, ..Health::default() }).unwrap();
            found.findings.first().map(|finding| finding.severity)
        };
        assert_eq!(of(60.0, 0.0), None);
        assert_eq!(of(1000.0, 0.0), Some(Severity::Warning));
        assert_eq!(of(100_000.0, 0.0), Some(Severity::Critical));
        assert_eq!(of(60.0, 9.0), Some(Severity::Critical));
    }
}
