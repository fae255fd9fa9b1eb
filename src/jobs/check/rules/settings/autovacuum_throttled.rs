use crate::facts::health::{AutovacuumWorker, Health, Settings};
use crate::findings::{Finding, Rule, Severity};
use crate::format::bytes;
use crate::jobs::check::rules::{Found, Judged, span};

pub const RULE: Rule = Rule::AUTOVACUUM_THROTTLED;

/// With the limits of a new server VACUUM goes slower than this database grows.
const LARGE: i64 = 200 << 30;
/// Cost of a page that is read and one that is made dirty, by default.
const PAGE_COST: f64 = 22.0;
const DAY_SECONDS: f64 = 86_400.0;
/// Before that nobody knows how fast it is.
const MEASURED_SECONDS: f64 = 10.0;
const RAISE: &str = "ALTER SYSTEM SET autovacuum_vacuum_cost_limit = 2000";

pub fn judge(health: &Health) -> Judged {
    let settings = health.settings.seen()?;
    for name in ["vacuum_cost_limit", "vacuum_cost_delay"] {
        settings.of_others(name)?;
    }
    let pace = bytes_a_second(settings);
    let size = health.glance.seen()?.first().and_then(|glance| glance.size_bytes).unwrap_or(0);
    let by_settings = pace.filter(|pace| size >= LARGE && size as f64 / pace > DAY_SECONDS);
    let findings = by_settings.map(|pace| too_slow(pace, size)).into_iter();
    Ok(match health.autovacuum.seen() {
        Ok(workers) => findings.chain(workers.iter().filter_map(crawling)).collect::<Found>(),
        Err(why) => Found { findings: findings.collect(), unknown: Some(why.clone()) },
    })
}

fn too_slow(pace: f64, size: i64) -> Finding {
    let message = format!(
        "all autovacuum workers together write {} a second at most; the database has {}",
        bytes(pace as i64),
        bytes(size),
    );
    Finding::new(&RULE, None, message)
        .about(&"autovacuum_vacuum_cost_limit")
        .help("the limit is that of disks of long ago, and all workers share it")
        .command(RAISE)
        .evidence("bytes_per_second", pace)
        .evidence("database_bytes", size)
}

/// What a worker does in fact, at its table.
fn crawling(worker: &AutovacuumWorker) -> Option<Finding> {
    let (read, size) = worker.read_bytes.filter(|read| *read > 0).zip(worker.table_bytes)?;
    let pace = read as f64 / worker.seconds;
    let whole = size as f64 / pace;
    if !worker.is_held_back || worker.seconds < MEASURED_SECONDS || whole < DAY_SECONDS {
        return None;
    }
    let message = format!(
        "the autovacuum worker reads {} a second, and needs {} for the table of {}: its limit of cost makes it sleep",
        bytes(pace as i64),
        span(whole),
        bytes(size),
    );
    let finding = Finding::new(&RULE, None, message)
        .about(worker.table_object.as_ref()?)
        .severity(Severity::Warning)
        .help("all workers share autovacuum_vacuum_cost_limit, but for tables with a limit of their own")
        .command(RAISE)
        .evidence("seconds", worker.seconds)
        .evidence("read_bytes", read)
        .evidence("table_bytes", size);
    Some(finding)
}

/// `None` where nothing holds it back.
fn bytes_a_second(settings: &Settings) -> Option<f64> {
    let own = |name: &str, of_vacuum: &str| {
        settings
            .number(name)
            .filter(|own| *own >= 0.0)
            .or_else(|| settings.number(of_vacuum))
    };
    let limit = own("autovacuum_vacuum_cost_limit", "vacuum_cost_limit")?;
    let delay_ms = own("autovacuum_vacuum_cost_delay", "vacuum_cost_delay")?;
    (delay_ms > 0.0).then(|| limit / PAGE_COST * 8192.0 * 1000.0 / delay_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::{Glance, settings};

    fn found(size_bytes: i64, limit: &str) -> usize {
        let glance = Glance { size_bytes: Some(size_bytes), ..Glance::default() };
        let health = Health {
            glance: Known::Known(vec![glance]),
            settings: settings(&[
                ("autovacuum_vacuum_cost_limit", limit),
                ("vacuum_cost_limit", "200"),
                ("autovacuum_vacuum_cost_delay", "2"),
            ]),
            ..Health::default()
        };
        judge(&health).unwrap().findings.len()
    }

    #[test]
    fn a_terabyte_wants_more_than_the_default() {
        assert_eq!(found(10 << 40, "-1"), 1);
        assert_eq!(found(10 << 40, "10000"), 0);
        assert_eq!(found(1 << 30, "-1"), 0);
    }

    #[test]
    fn a_worker_that_needs_days_for_a_table_is_found() {
        let worker = |seconds, is_held_back| AutovacuumWorker {
            seconds,
            is_held_back,
            table_object: Some("public.t".to_owned()),
            read_bytes: Some(1 << 30),
            table_bytes: Some(100 << 30),
        };
        let found = crawling(&worker(3600.0, true)).unwrap();
        assert_eq!(
            found.message,
            "the autovacuum worker reads 291 KiB a second, and needs 4 days for the table of 100 GiB: its limit of cost \
             makes it sleep"
        );
        assert_eq!(crawling(&worker(60.0, true)), None, "it is fast");
        assert_eq!(crawling(&worker(3600.0, false)), None, "the disk is slow");
        let new = AutovacuumWorker { read_bytes: Some(1), ..worker(1.0, true) };
        assert_eq!(crawling(&new), None, "it has begun a moment ago");
    }
}
