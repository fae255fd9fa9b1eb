use crate::facts::health::{Health, Settings};
use crate::findings::{Finding, Rule};
use crate::format::bytes;
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::AUTOVACUUM_THROTTLED;

/// With the limits of a new server VACUUM goes slower than this database grows.
const LARGE: i64 = 200 << 30;
/// Cost of a page that is read and one that is made dirty, by default.
const PAGE_COST: f64 = 22.0;

pub fn judge(health: &Health) -> Judged {
    let pace = bytes_a_second(health.settings.seen()?);
    let size = health.glance.seen()?.first().and_then(|glance| glance.size_bytes).unwrap_or(0);
    let Some(pace) = pace.filter(|pace| size >= LARGE && size as f64 / pace > 86_400.0) else {
        return Ok(Vec::new().into());
    };
    let message = format!(
        "all autovacuum workers together write {} a second at most; the database has {}",
        bytes(pace as i64),
        bytes(size),
    );
    let found = Finding::new(&RULE, None, message)
        .about(&"autovacuum_vacuum_cost_limit")
        .help("the limit is that of disks of long ago, and all workers share it")
        .command("ALTER SYSTEM SET autovacuum_vacuum_cost_limit = 2000")
        .evidence("bytes_per_second", pace)
        .evidence("database_bytes", size);
    Ok(vec![found].into())
}

/// `None` where nothing holds it back.
fn bytes_a_second(settings: &Settings) -> Option<f64> {
    let own = |name: &str, of_vacuum: &str| {
        settings.number(name).filter(|own| *own >= 0.0).or_else(|| settings.number(of_vacuum))
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
}
