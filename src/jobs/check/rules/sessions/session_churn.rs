use std::time::Duration;

use crate::facts::health::{Database, Health};
use crate::facts::measures::MeasureKind;
use crate::findings::{Finding, Rule};
use crate::format::{self, whole};
use crate::jobs::check::rules::{Counted, Judged, since_reset};

pub const RULE: Rule = Rule::SESSION_CHURN;

/// Fewer say nothing.
const MANY: i64 = 1_000;
/// A pool that begins anew makes so many for a moment, and an application without one all day.
const MANY_A_SECOND: f64 = 5.0;

pub fn judge(health: &Health) -> Judged {
    Counted::judge(health, MeasureKind::Sessions, |database| database.new_sessions, finding)
}

/// So many in the mean of the whole time.
fn finding(database: &Database, begun: Counted) -> Option<Finding> {
    let Counted { number, seconds, at_most_seconds } = begun;
    let per_second = number as f64 / at_most_seconds?.max(1.0);
    if number < MANY || per_second < MANY_A_SECOND {
        return None;
    }
    let lasted = Duration::from_secs_f64(lasted_seconds(database));
    let message = format!(
        "{} sessions have begun {}, {per_second:.0} a second; they last {} in the mean",
        whole(number),
        since_reset(seconds),
        format::duration(lasted),
    );
    let finding = Finding::new(&RULE, None, message)
        .about(&database.name)
        .help(
            "each is a process that is started, authenticated and reads the catalog before its first statement: let the \
             application, or a pooler, keep its connections",
        )
        .evidence("sessions", number)
        .evidence("sessions_per_second", per_second)
        .evidence("seconds", seconds);
    Some(finding)
}

/// In the mean of all that have ever begun.
fn lasted_seconds(database: &Database) -> f64 {
    (database.session_ms / 1000.0 / database.new_sessions.max(1) as f64).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_a_second_all_day_are_many() {
        let of = |number, seconds| {
            finding(&Database::default(), Counted::known(number, seconds)).is_some()
        };
        assert!(!of(999, Some(10.0)), "an application starts");
        assert!(!of(86_400, Some(86_400.0)), "a job each second");
        assert!(of(864_000, Some(86_400.0)));
        assert!(!of(864_000, None), "nobody knows in what time");
    }

    #[test]
    fn how_long_they_last_is_told() {
        let database = Database {
            new_sessions: 1000,
            session_ms: 250_000.0,
            ..Database::default()
        };
        let found = finding(&database, Counted::known(1_000_000, Some(86_400.0))).unwrap();
        assert_eq!(
            found.message,
            "1,000,000 sessions have begun in 24 h 0 min, 12 a second; they last 250 ms in the mean"
        );
    }
}
