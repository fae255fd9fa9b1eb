use crate::facts::Unavailable;
use crate::facts::health::Health;
use crate::facts::measures::MeasureKind;
use crate::findings::{Finding, Rule, Severity};
use crate::format::count;
use crate::jobs::check::rules::{Counted, Found, Judged, span, unseen_history};

pub const RULE: Rule = Rule::AUTOVACUUM_STARVED;

const LONG_SECONDS: f64 = 600.0;
/// Of their time: whatever comes next waits.
const MOST: f64 = 0.8;
/// Less tells of a night with much work.
const A_DAY: f64 = 86_400.0;

pub fn judge(health: &Health) -> Judged {
    let workers = health.settings.seen()?.number("autovacuum_max_workers").unwrap_or(3.0);
    let due = health.due.seen()?.tables.iter().filter(|table| !table.is_catalog).count();
    let usually = by_time(health, workers, due)?;
    let (now, unknown) = match health.autovacuum.seen() {
        Ok(running) => {
            let long = running.iter().filter(|worker| worker.seconds >= LONG_SECONDS).count();
            let is_starved = due > 0 && long as f64 >= workers;
            let unknown = health.autovacuum_ms.seen()?.and_then(|_| unseen_history(health));
            (is_starved.then(|| at_this_moment(long, due)), unknown)
        }
        Err(why) => (None, Some(why.clone())),
    };
    Ok(Found { findings: now.or(usually).into_iter().collect(), unknown })
}

fn at_this_moment(long: usize, due: usize) -> Finding {
    let message = format!(
        "all {long} autovacuum workers have been busy for more than 10 minutes, and {} due",
        count(due, "table is", "tables are"),
    );
    finding(message, due).severity(Severity::Warning).evidence("workers", long)
}

/// By what the tables of this database have cost them; those of others come on top.
fn by_time(health: &Health, workers: f64, due: usize) -> Result<Option<Finding>, Unavailable> {
    let Some(total_ms) = *health.autovacuum_ms.seen()? else {
        return Ok(None);
    };
    let current = health.databases.seen()?.iter().find(|database| database.is_current);
    let spent = current.map(|it| Counted::of(health, MeasureKind::AutovacuumMs, it, total_ms));
    let spent = spent
        .and_then(|spent| Some((spent.number, spent.at_most_seconds.filter(|it| *it >= A_DAY)?)));
    Ok(spent.and_then(|(ms, seconds)| {
        let share = (ms as f64 / 1000.0 / seconds / workers).min(1.0);
        let message = format!(
            "autovacuum workers have spent {:.0} % of all their time in {} on tables of this database",
            share * 100.0,
            span(seconds),
        );
        (share >= MOST).then(|| {
            finding(message, due)
                .severity(if due > 0 { Severity::Warning } else { Severity::Info })
                .evidence("busy_share", share)
                .evidence("seconds", seconds)
        })
    }))
}

fn finding(message: String, due: usize) -> Finding {
    Finding::new(&RULE, None, message)
        .about(&"autovacuum_max_workers")
        .help("more workers share the same limit of I/O: raise autovacuum_vacuum_cost_limit with them")
        .command("pgtend vacuum --needed")
        .evidence("due_tables", due)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::health::{AutovacuumWorker, Database, settings};
    use crate::facts::{Heap, Known, TableMaintenance, TableState};

    const HOUR_MS: i64 = 3_600_000;

    fn found(worker_seconds: f64, autovacuum_ms: Option<i64>, due: usize) -> Vec<Finding> {
        let tables = vec![TableState::of_heap("t", Heap::default()); due];
        let database = Database {
            is_current: true,
            reset_seconds: Some(A_DAY),
            ..Database::default()
        };
        let worker = AutovacuumWorker { seconds: worker_seconds, ..AutovacuumWorker::default() };
        let health = Health {
            settings: settings(&[("autovacuum_max_workers", "1")]),
            autovacuum: Known::Known(vec![worker]),
            autovacuum_ms: Known::Known(autovacuum_ms),
            databases: Known::Known(vec![database]),
            due: Known::Known(TableMaintenance { tables, ..TableMaintenance::default() }),
            ..Health::default()
        };
        judge(&health).unwrap().findings
    }

    #[test]
    fn workers_that_nobody_waits_for_are_no_finding() {
        assert_eq!(found(700.0, None, 0), []);
        assert_eq!(found(10.0, None, 1), []);
        assert_eq!(found(700.0, None, 1).len(), 1);
    }

    #[test]
    fn workers_that_never_rest_are_found_by_their_time() {
        assert_eq!(found(10.0, Some(12 * HOUR_MS), 1), []);
        let always = found(10.0, Some(23 * HOUR_MS), 1);
        assert_eq!(always[0].severity, Severity::Warning);
        assert!(always[0].message.contains("96 % of all their time"), "{always:?}");
        assert_eq!(found(10.0, Some(23 * HOUR_MS), 0)[0].severity, Severity::Info);
        assert_eq!(found(700.0, Some(23 * HOUR_MS), 1).len(), 1, "it is told once");
    }
}
