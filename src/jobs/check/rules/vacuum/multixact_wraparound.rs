use crate::facts::health::{Database, Health};
use crate::findings::{Finding, Rule, Severity};
use crate::format::whole;
use crate::jobs::check::command::{pgtend, shell};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::MULTIXACT_WRAPAROUND;

/// `vacuum_multixact_failsafe_age`.
const FAILSAFE_AGE: i32 = 1_600_000_000;

/// Older than `autovacuum_multixact_freeze_max_age` alone is the normal work of autovacuum.
const LATE: f64 = 1.25;

pub fn judge(health: &Health) -> Judged {
    let settings = health.settings.seen()?;
    let limit = settings.number("autovacuum_multixact_freeze_max_age").unwrap_or(4e8);
    let oldest = health.tables.seen()?.iter().max_by_key(|table| table.mxid_age);
    let databases = health.databases.seen()?.iter();
    let old = databases.filter(|database| f64::from(database.mxid_age) > LATE * limit);
    let findings = old.map(|Database { name, mxid_age: age, is_current, .. }| {
        let message = format!(
            "the oldest multixact id of the database is {} ids old; autovacuum was due at {}",
            whole(i64::from(*age)),
            whole(limit as i64),
        );
        let command = match oldest.filter(|_| *is_current) {
            Some(table) => pgtend("vacuum --freeze", table.known_as()),
            None => format!("vacuumdb --freeze {}", shell(name)),
        };
        Finding::new(&RULE, None, message)
            .about(name)
            .severity(if *age >= FAILSAFE_AGE { Severity::Critical } else { Severity::Warning })
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
    use crate::facts::health::settings;

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
