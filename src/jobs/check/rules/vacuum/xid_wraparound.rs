use crate::facts::health::{Database, Health, Table};
use crate::facts::trend::Forecast;
use crate::findings::{Finding, Rule};
use crate::format::whole;
use crate::jobs::check::rules::vacuum::wraparound;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::XID_WRAPAROUND;

pub fn judge(health: &Health) -> Judged {
    let limit = health.settings.seen()?.number("autovacuum_freeze_max_age").unwrap_or(2e8);
    let tables = health.tables.seen()?;
    let databases = health.databases.seen()?.iter();
    let old = databases.filter(|database| wraparound::is_late(database.xid_age, limit));
    let found = old.map(|database| {
        let trends = health.trends.known();
        // As fast as ids are given out and frozen now.
        let forecast =
            trends.and_then(|trends| trends.xid_age_reaches(database, wraparound::LAST_AGE));
        finding(database, tables, limit, forecast)
    });
    Ok(found.collect::<Found>())
}

fn finding(
    database: &Database,
    tables: &[Table],
    limit: f64,
    forecast: Option<Forecast>,
) -> Finding {
    let age = database.xid_age;
    let oldest = tables.iter().filter(|_| database.is_current).max_by_key(|table| table.xid_age);
    let of_table = oldest.map_or_else(String::new, |table| format!(", in {}", table.known_as()));
    let message = format!(
        "the oldest transaction id of the database is {} transactions old{of_table}; autovacuum was due at {}{}",
        whole(i64::from(age)),
        whole(limit as i64),
        wraparound::when(forecast.as_ref()),
    );
    Finding::new(&RULE, None, message)
        .about(&database.name)
        .severity(wraparound::severity(age, forecast.as_ref()))
        .help("at 2,146,483,647 the server refuses every write; see what keeps VACUUM from freezing (vacuum-blocked)")
        .evidence("xid_age", age)
        .evidence("autovacuum_freeze_max_age", limit)
        .command(wraparound::freeze(oldest, database))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::{Trends, settings};
    use crate::facts::measures::{MeasureKind, Measured};
    use crate::findings::Severity;

    fn of_age(xid_age: i32) -> Vec<Finding> {
        let database = Database { name: "shop".to_owned(), xid_age, ..Database::default() };
        let health = Health {
            settings: settings(&[("autovacuum_freeze_max_age", "200000000")]),
            databases: Known::Known(vec![database]),
            ..Health::default()
        };
        judge(&health).unwrap().findings
    }

    #[test]
    fn the_pace_decides_how_urgent_it_is() {
        let week = 7.0 * 86_400.0;
        let severity = |a_week: i64| {
            let measures = vec![
                Measured::moved(MeasureKind::NextXid, "server", (0, a_week), week),
                Measured::moved(MeasureKind::DatabaseFrozenXid, "shop", (0, 0), week),
            ];
            let database = Database {
                name: "shop".to_owned(),
                xid_age: 1_000_000_000,
                ..Database::default()
            };
            let health = Health {
                databases: Known::Known(vec![database]),
                trends: Known::Known(Trends::new(measures, Vec::new())),
                ..Health::default()
            };
            let found = judge(&health).unwrap().findings.remove(0);
            (found.severity, found.message.contains("it reaches the end in"))
        };
        assert_eq!(severity(2_000_000_000), (Severity::Critical, true));
        assert_eq!(severity(300_000_000), (Severity::Warning, true));
        assert_eq!(severity(0), (Severity::Warning, false));
    }

    #[test]
    fn what_autovacuum_is_at_is_no_finding() {
        assert_eq!(of_age(240_000_000), []);
        assert_eq!(of_age(300_000_000)[0].severity, Severity::Warning);
        assert_eq!(of_age(1_700_000_000)[0].severity, Severity::Critical);
    }
}
