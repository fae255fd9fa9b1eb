use crate::facts::health::{Health, Table};
use crate::findings::{Finding, Rule, Severity};
use crate::format::{bytes, whole};
use crate::jobs::check::rules::{Found, Judged};
use crate::shell::pgtend;

pub const RULE: Rule = Rule::FREEZE_DEBT;

/// A smaller table is read in minutes.
const LARGE: i64 = 10 << 30;
/// The share of the age at which VACUUM has to read all pages that are not all-visible.
const NEAR: f64 = 0.5;

pub fn judge(health: &Health) -> Judged {
    let limit = health.settings.seen()?.number("autovacuum_freeze_max_age").unwrap_or(2e8);
    let tables = health.tables.seen()?.iter();
    let found = tables.filter_map(|table| {
        let age = table.xid_age.filter(|age| f64::from(*age) > NEAR * limit)?;
        let unread = (table.pages - table.all_visible_pages) * 8192;
        (unread >= LARGE).then(|| finding(table, age, unread))
    });
    Ok(found.collect::<Found>())
}

fn finding(table: &Table, age: i32, unread: i64) -> Finding {
    let message = format!(
        "the next VACUUM against wraparound will read {} at once; the oldest id is {} transactions old",
        bytes(unread),
        whole(i64::from(age)),
    );
    Finding::new(&RULE, None, message)
        .about(&table.known_as())
        .severity(Severity::Warning)
        .help("do it at an hour of your choice, before autovacuum does, which then gives way to nobody")
        .command(pgtend("vacuum --freeze --window 22:00-05:00", table.known_as()))
        .evidence("unfrozen_bytes", unread)
        .evidence("xid_age", age)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::settings;

    #[test]
    fn only_large_and_old_tables_are_found() {
        let found = |pages, xid_age| {
            let table = Table { pages, xid_age: Some(xid_age), ..Table::default() };
            let health = Health {
                settings: settings(&[("autovacuum_freeze_max_age", "200000000")]),
                tables: Known::Known(vec![table]),
                ..Health::default()
            };
            judge(&health).unwrap().findings.len()
        };
        assert_eq!(found(2_000_000, 150_000_000), 1);
        assert_eq!(found(2_000_000, 50_000_000), 0);
        assert_eq!(found(1_000, 150_000_000), 0);
    }
}
