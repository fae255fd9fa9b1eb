use crate::facts::health::{Database, Health};
use crate::findings::{Finding, Rule};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged, since_reset};

pub const RULE: Rule = Rule::DEADLOCKS;

/// Fewer may be of one bad day.
const MANY: i64 = 10;
const A_DAY: f64 = 1.0;

pub fn judge(health: &Health) -> Judged {
    let databases = health.databases.seen()?.iter();
    Ok(databases.filter_map(finding).collect::<Found>())
}

/// More than one a day, where it is known for how long they have been counted.
fn finding(database: &Database) -> Option<Finding> {
    let Database { name, deadlocks, reset_seconds, .. } = database;
    let days = reset_seconds.map(|seconds| seconds / 86_400.0);
    if *deadlocks < MANY || days.is_some_and(|days| *deadlocks as f64 <= A_DAY * days) {
        return None;
    }
    let message = format!("{} deadlocks {}", whole(*deadlocks), since_reset(*reset_seconds));
    let finding = Finding::new(&RULE, None, message)
        .about(name)
        .help(
            "each has cancelled a transaction, after deadlock_timeout; the server log has both statements. Let all of \
             the application lock rows in the same order",
        )
        .evidence("deadlocks", *deadlocks)
        .evidence("reset_seconds", *reset_seconds);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_day_is_many() {
        let of = |deadlocks, reset_seconds| {
            finding(&Database { deadlocks, reset_seconds, ..Database::default() }).is_some()
        };
        assert!(!of(9, Some(60.0)));
        assert!(!of(20, Some(86_400.0 * 365.0)));
        assert!(of(20, Some(86_400.0 * 3.0)));
        assert!(of(20, None));
    }
}
