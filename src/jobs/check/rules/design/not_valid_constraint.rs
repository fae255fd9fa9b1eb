use std::time::Duration;

use crate::facts::health::{Health, NotValidConstraint, Trends};
use crate::facts::measures::MeasureKind;
use crate::findings::{Finding, Rule, Severity};
use crate::format;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::NOT_VALID_CONSTRAINT;

/// Longer than a deployment takes.
const LONG: Duration = Duration::from_secs(7 * 24 * 3600);

pub fn judge(health: &Health) -> Judged {
    let constraints = health.not_valid.seen()?.iter();
    let (trends, now) = (health.trends.known(), health.now_epoch().ok());
    let found =
        constraints.map(|constraint| finding(constraint, known_for(constraint, trends, now)));
    Ok(found.collect::<Found>())
}

/// The catalog does not say when it was made; snapshots know since when they have seen it.
fn known_for(
    constraint: &NotValidConstraint,
    trends: Option<&Trends>,
    now: Option<f64>,
) -> Option<Duration> {
    let measured = trends?.measure(MeasureKind::ConstraintNotValid, &constraint.object)?;
    format::seconds(now? - measured.since_epoch)
}

fn finding(constraint: &NotValidConstraint, age: Option<Duration>) -> Finding {
    let NotValidConstraint { object, name, table_object, .. } = constraint;
    let since =
        age.map_or_else(String::new, |age| format!(", for {} at least", format::nearest_span(age)));
    let is_forgotten = age.is_some_and(|age| age >= LONG);
    Finding::new(&RULE, None, format!("the constraint was never validated{since}: old rows may break it"))
        .about(object)
        .severity(if is_forgotten { Severity::Warning } else { Severity::Info })
        .help("the planner does not rely on it; validating reads the table and lets reads and writes go on")
        .command(format!("ALTER TABLE {table_object} VALIDATE CONSTRAINT {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_long() {
        let severity = |days: u64| {
            let age = Duration::from_secs(days * 86_400);
            finding(&NotValidConstraint::default(), Some(age)).severity
        };
        assert_eq!([severity(1), severity(8)], [Severity::Info, Severity::Warning]);
    }
}
