use crate::facts::health::{Database, Health};
use crate::facts::measures::MeasureKind;
use crate::findings::{Finding, Rule};
use crate::format::whole;
use crate::jobs::check::rules::{Counted, Judged, since_reset};

pub const RULE: Rule = Rule::DEADLOCKS;

/// Fewer may be of one bad day.
const MANY: i64 = 10;
const A_DAY: f64 = 1.0;

pub fn judge(health: &Health) -> Judged {
    Counted::judge(health, MeasureKind::Deadlocks, |database| database.deadlocks, finding)
}

/// More than one a day, where it is known for how long they have been counted.
fn finding(database: &Database, counted: Counted) -> Option<Finding> {
    let Counted { number, seconds, at_most_seconds } = counted;
    let days = at_most_seconds.map(|seconds| seconds / 86_400.0);
    if number < MANY || days.is_some_and(|days| number as f64 <= A_DAY * days) {
        return None;
    }
    let message = format!("{} deadlocks {}", whole(number), since_reset(seconds));
    let finding = Finding::new(&RULE, None, message)
        .about(&database.name)
        .help(
            "each has cancelled a transaction, after deadlock_timeout; the server log has both statements. Let all of \
             the application lock rows in the same order",
        )
        .evidence("deadlocks", number)
        .evidence("seconds", seconds);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_day_is_many() {
        let of = |number, seconds| {
            finding(&Database::default(), Counted::known(number, seconds)).is_some()
        };
        assert!(!of(9, Some(60.0)));
        assert!(!of(20, Some(86_400.0 * 365.0)));
        assert!(of(20, Some(86_400.0 * 3.0)));
        assert!(of(20, None));
    }
}
