use crate::facts::health::Health;
use crate::findings::{Finding, Rule};
use crate::format::whole;
use crate::jobs::check::rules::vacuum::wraparound;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::MULTIXACT_WRAPAROUND;

pub fn judge(health: &Health) -> Judged {
    let settings = health.settings.seen()?;
    let limit = settings.number("autovacuum_multixact_freeze_max_age").unwrap_or(4e8);
    let oldest = health.tables.seen()?.iter().max_by_key(|table| table.mxid_age);
    let databases = health.databases.seen()?.iter();
    let old = databases.filter(|database| wraparound::is_late(database.mxid_age, limit));
    let trends = health.trends.known();
    let findings = old.map(|database| {
        let age = database.mxid_age;
        let forecast =
            trends.and_then(|trends| trends.mxid_age_reaches(database, wraparound::LAST_AGE));
        let message = format!(
            "the oldest multixact id of the database is {} ids old; autovacuum was due at {}{}",
            whole(i64::from(age)),
            whole(limit as i64),
            wraparound::when(forecast.as_ref()),
        );
        Finding::new(&RULE, None, message)
            .about(&database.name)
            .severity(wraparound::severity(age, forecast.as_ref()))
            .help("at about 2.1 billion the server refuses row locks; they come from foreign keys and SELECT … FOR SHARE")
            .evidence("mxid_age", age)
            .evidence("autovacuum_multixact_freeze_max_age", limit)
            .command(wraparound::freeze(oldest.filter(|_| database.is_current), database))
    });
    Ok(findings.collect::<Found>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::{Database, Trends, settings};
    use crate::facts::measures::{MeasureKind, Measured};
    use crate::findings::Severity;

    #[test]
    fn the_pace_decides_how_urgent_it_is() {
        let severity = |a_day: i64| {
            let measures = vec![
                Measured::moved(MeasureKind::NextMultixact, "server", (0, a_day), 86_400.0),
                Measured::moved(MeasureKind::DatabaseMinMultixact, "shop", (0, 0), 86_400.0),
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
