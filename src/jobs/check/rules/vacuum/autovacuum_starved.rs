use crate::facts::health::Health;
use crate::findings::{Finding, Rule, Severity};
use crate::format::count;
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::AUTOVACUUM_STARVED;

pub fn judge(health: &Health) -> Judged {
    let workers = health.settings.seen()?.number("autovacuum_max_workers").unwrap_or(3.0);
    let running = health.autovacuum.seen()?;
    let due = health.due.seen()?.tables.iter().filter(|table| !table.is_catalog).count();
    let long = running.iter().filter(|worker| worker.seconds >= LONG_SECONDS).count();
    if due == 0 || (long as f64) < workers {
        return Ok(Vec::new().into());
    }
    let message = format!(
        "all {} autovacuum workers have been busy for more than 10 minutes, and {} due",
        long,
        count(due, "table is", "tables are"),
    );
    let found = Finding::new(&RULE, None, message)
        .about(&"autovacuum_max_workers")
        .severity(Severity::Warning)
        .help("more workers share the same limit of I/O: raise autovacuum_vacuum_cost_limit with them")
        .command("pgtend vacuum --needed")
        .evidence("workers", long)
        .evidence("due_tables", due);
    Ok(vec![found].into())
}

const LONG_SECONDS: f64 = 600.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::health::{AutovacuumWorker, settings};
    use crate::facts::{Known, TableMaintenance};

    #[test]
    fn workers_that_are_done_soon_are_no_finding() {
        let health = Health {
            settings: settings(&[("autovacuum_max_workers", "1")]),
            autovacuum: Known::Known(vec![AutovacuumWorker {
                seconds: 700.0,
                ..AutovacuumWorker::default()
            }]),
            due: Known::Known(TableMaintenance::default()),
            ..Health::default()
        };
        assert_eq!(judge(&health).unwrap().findings, []);
    }
}
