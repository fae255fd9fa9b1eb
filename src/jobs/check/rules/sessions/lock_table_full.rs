use crate::facts::health::{Health, LockTable, Settings};
use crate::findings::{Finding, Rule, Severity};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::LOCK_TABLE_FULL;

const MUCH: f64 = 0.5;
const NEARLY_FULL: f64 = 0.8;

/// Each of these has its share of the table.
const SHARES: [&str; 4] = [
    "max_connections",
    "max_worker_processes",
    "max_wal_senders",
    "max_prepared_transactions",
];

pub fn judge(health: &Health) -> Judged {
    let capacity = capacity(health.settings.seen()?);
    let tables = health.sessions.lock_table.seen()?.iter();
    let found = tables.filter_map(|table| {
        let share = table.locks as f64 / capacity;
        (share >= MUCH).then(|| finding(table, capacity, share))
    });
    Ok(found.collect::<Found>())
}

/// Objects that can be locked at the same time.
fn capacity(settings: &Settings) -> f64 {
    let number = |name: &str| settings.number(name).unwrap_or(0.0);
    let workers = settings
        .number("autovacuum_worker_slots")
        .unwrap_or_else(|| number("autovacuum_max_workers"));
    let sessions = SHARES.iter().map(|name| number(name)).sum::<f64>() + workers + 1.0;
    settings.number("max_locks_per_transaction").unwrap_or(64.0) * sessions
}

fn finding(&LockTable { locks }: &LockTable, capacity: f64, share: f64) -> Finding {
    let message = format!(
        "{} objects are locked, and the table of locks has room for {}",
        whole(locks),
        whole(capacity as i64),
    );
    Finding::new(&RULE, None, message)
        .about(&"max_locks_per_transaction")
        .severity(if share >= NEARLY_FULL { Severity::Critical } else { Severity::Warning })
        .help(
            "when it is full, statements fail with “out of shared memory”; a dump, or a statement on very many \
             partitions, locks so much. A larger value takes a restart",
        )
        .command("pgtend activity --all-databases")
        .evidence("locks", locks)
        .evidence("capacity_locks", capacity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::{Sessions, settings};

    #[test]
    fn half_full_is_a_warning() {
        let of = |locks| {
            let lock_table = Known::Known(vec![LockTable { locks }]);
            let health = Health {
                settings: settings(&[
                    ("max_locks_per_transaction", "64"),
                    ("max_connections", "96"),
                    ("autovacuum_max_workers", "3"),
                ]),
                sessions: Sessions { lock_table, ..Sessions::default() },
                ..Health::default()
            };
            judge(&health).unwrap().findings.first().map(|finding| finding.severity)
        };
        assert_eq!(of(3_000), None);
        assert_eq!(of(3_300), Some(Severity::Warning));
        assert_eq!(of(6_000), Some(Severity::Critical));
    }
}
