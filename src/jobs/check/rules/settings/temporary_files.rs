use crate::facts::health::{Database, Health};
use crate::facts::measures::MeasureKind;
use crate::findings::{Finding, Rule};
use crate::format::bytes;
use crate::jobs::check::rules::{Counted, Judged, since_reset};

pub const RULE: Rule = Rule::TEMPORARY_FILES;

const MUCH_A_DAY: f64 = 10.0 * 1024.0 * 1024.0 * 1024.0;
/// Where it is not known since when.
const MUCH: f64 = 10.0 * MUCH_A_DAY;

pub fn judge(health: &Health) -> Judged {
    Counted::judge(health, MeasureKind::TempBytes, |database| database.temp_bytes, finding)
}

fn finding(database: &Database, written: Counted) -> Option<Finding> {
    let Counted { number, seconds, at_most_seconds } = written;
    // A day's work in an hour is no more than a day's.
    let days = at_most_seconds.map(|seconds| (seconds / 86_400.0).max(1.0));
    let limit = days.map_or(MUCH, |days| MUCH_A_DAY * days);
    if (number as f64) < limit {
        return None;
    }
    let message = format!(
        "statements have written {} into temporary files {}",
        bytes(number),
        since_reset(seconds)
    );
    let finding = Finding::new(&RULE, None, message)
        .about(&database.name)
        .help(
            "sorts and hashes did not fit into work_mem: see which statements write them; raise work_mem for these, or let an \
             index deliver the order",
        )
        .command("pgtend slow-queries --sort temp")
        .evidence("temp_bytes", number)
        .evidence("seconds", seconds);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lot_a_day_is_told() {
        let of = |gigabytes: i64, seconds| {
            let written = Counted::known(gigabytes << 30, seconds);
            finding(&Database::default(), written).is_some()
        };
        assert!(!of(9, Some(60.0)));
        assert!(of(11, Some(60.0)));
        assert!(!of(500, Some(86_400.0 * 365.0)));
        assert!(!of(50, None));
        assert!(of(200, None));
    }
}
