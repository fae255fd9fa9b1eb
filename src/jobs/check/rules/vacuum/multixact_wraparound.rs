use crate::facts::health::{Database, Health};
use crate::findings::{Finding, Rule, Severity};
use crate::format::whole;
use crate::jobs::check::command::{pgtend, shell};
use crate::jobs::check::rules::{Found, Judged, urgency};

pub const RULE: Rule = Rule::MULTIXACT_WRAPAROUND;

/// `vacuum_multixact_failsafe_age`.
const FAILSAFE_AGE: i32 = 1_600_000_000;

/// The server gives out no further id, and takes no such locks.
const LAST_AGE: i64 = 2_146_483_647;

/// Older than `autovacuum_multixact_freeze_max_age` alone is the normal work of autovacuum.
const LATE: f64 = 1.25;

pub fn judge(health: &Health) -> Judged {
    let settings = health.settings.seen()?;
    let limit = settings.number("autovacuum_multixact_freeze_max_age").unwrap_or(4e8);
    let oldest = health.tables.seen()?.iter().max_by_key(|table| table.mxid_age);
    let databases = health.databases.seen()?.iter();
    let old = databases.filter(|database| f64::from(database.mxid_age) > LATE * limit);
    let trends = health.trends.known();
    let findings = old.map(|database| {
        let Database { name, mxid_age: age, is_current, .. } = database;
        let forecast = trends.and_then(|trends| trends.mxid_age_reaches(database, LAST_AGE));
        let urgent = forecast.as_ref().and_then(urgency::of).unwrap_or(Severity::Warning);
        let when = forecast.map_or_else(String::new, |it| format!("; it reaches the end {it}"));
        let message = format!(
            "the oldest multixact id of the database is {} ids old; autovacuum was due at {}{when}",
            whole(i64::from(*age)),
            whole(limit as i64),
        );
        let command = match oldest.filter(|_| *is_current) {
            Some(table) => pgtend("vacuum --freeze", table.known_as()),
            None => format!("vacuumdb --freeze {}", shell(name)),
        };
        Finding::new(&RULE, None, message)
            .about(name)
            .severity(if *age >= FAILSAFE_AGE { Severity::Critical } else { urgent })
            .help("at about 2.1 billion the server refuses row locks; they come from foreign keys and SELECT … FOR SHARE")
            .evidence("mxid_age", *age)
            .evidence("autovacuum_multixact_freeze_max_age", limit)
            .command(command)
    });
    Ok(findings.collect::<Found>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::{Trends, settings};
    use crate::facts::measures::{MeasureKind, Measured};
    use crate::facts::trend::Point;

    #[test]
    fn the_pace_decides_how_urgent_it_is() {
        let measured = |kind, object: &str, value| Measured {
            kind,
            object: object.to_owned(),
            object_oid: None,
            first: Some(Point { epoch: 0.0, value: 0 }),
            last: Point { epoch: 86_400.0, value },
            changed_epoch: 0.0,
            since_epoch: 0.0,
        };
        let severity = |a_day: i64| {
            let measures = vec![
                measured(MeasureKind::NextMultixact, "server", a_day),
                measured(MeasureKind::DatabaseMinMultixact, "shop", 0),
            ];
            let database = Database {
                name: "shop".to_owned(),
                mxid_age: 1_000_000_000,
                ..Database::default()
            };
            let health = Health {
                databases: Known::Known(vec![database]),
                trends: Known::Known(Trends::new(measures, Vec::new())),
                ..Health::default()
            };
            judge(&health).unwrap().findings.remove(0).severity
        };
        assert_eq!(severity(500_000_000), Severity::Critical);
        assert_eq!(severity(50_000_000), Severity::Warning);
    }

    #[test]
    fn only_what_autovacuum_missed_is_found() {
        let of_age = |mxid_age| {
            let health = Health {
                settings: settings(&[("autovacuum_multixact_freeze_max_age", "400000000")]),
                databases: Known::Known(vec![Database { mxid_age, ..Database::default() }]),
                ..Health::default()
            };
            judge(&health).unwrap().findings.len()
        };
        assert_eq!([of_age(450_000_000), of_age(600_000_000)], [0, 1]);
    }
}
