use crate::facts::health::{Database, Health, Table};
use crate::findings::{Finding, Rule, Severity};
use crate::format::whole;
use crate::jobs::check::command::{pgtend, shell};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::XID_WRAPAROUND;

/// From here on VACUUM drops all its limits (`vacuum_failsafe_age`): not much is left.
const FAILSAFE_AGE: i32 = 1_600_000_000;

/// Older than `autovacuum_freeze_max_age` alone is the normal work of autovacuum.
const LATE: f64 = 1.25;

pub fn judge(health: &Health) -> Judged {
    let limit = health.settings.seen()?.number("autovacuum_freeze_max_age").unwrap_or(2e8);
    let tables = health.tables.seen()?;
    let databases = health.databases.seen()?.iter();
    let old = databases.filter(|database| f64::from(database.xid_age) > LATE * limit);
    Ok(old.map(|database| finding(database, tables, limit)).collect::<Found>())
}

fn finding(database: &Database, tables: &[Table], limit: f64) -> Finding {
    let Database { name, xid_age: age, .. } = database;
    let oldest = tables.iter().filter(|_| database.is_current).max_by_key(|table| table.xid_age);
    let of_table = oldest.map_or_else(String::new, |table| format!(", in {}", table.known_as()));
    let message = format!(
        "the oldest transaction id of the database is {} transactions old{of_table}; autovacuum was due at {}",
        whole(i64::from(*age)),
        whole(limit as i64),
    );
    Finding::new(&RULE, None, message)
        .about(name)
        .severity(if *age >= FAILSAFE_AGE { Severity::Critical } else { Severity::Warning })
        .help("at 2,146,483,647 the server refuses every write; see what keeps VACUUM from freezing (vacuum-blocked)")
        .evidence("xid_age", *age)
        .evidence("autovacuum_freeze_max_age", limit)
        .command(match oldest {
            Some(table) => pgtend("vacuum --freeze", table.known_as()),
            None => format!("vacuumdb --freeze {}", shell(name)),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::settings;

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
    fn what_autovacuum_is_at_is_no_finding() {
        assert_eq!(of_age(240_000_000), []);
        assert_eq!(of_age(300_000_000)[0].severity, Severity::Warning);
        assert_eq!(of_age(1_700_000_000)[0].severity, Severity::Critical);
    }
}
