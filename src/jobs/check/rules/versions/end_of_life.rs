use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};

use super::releases::{major_of, running};
use crate::facts::Unavailable;
use crate::facts::health::Health;
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};
use crate::pg::version::ServerVersion;

pub const RULE: Rule = Rule::END_OF_LIFE;

/// An upgrade wants to be planned.
const SOON_DAYS: i32 = 180;

pub fn judge(health: &Health) -> Judged {
    let release = running(health)?;
    let today = today(health)?;
    let ends = major_of(release)?.ends;
    let days = today.until(ends).map_or(i32::MAX, |span| span.get_days());
    Ok((days <= SOON_DAYS)
        .then(|| finding(release, ends, days))
        .into_iter()
        .collect::<Found>())
}

/// By the server's clock.
fn today(health: &Health) -> Result<Date, Unavailable> {
    let glance = health.glance.seen()?.first();
    let now = glance
        .map(|glance| glance.started_epoch + glance.uptime_seconds)
        .and_then(|epoch| Timestamp::from_second(epoch as i64).ok())
        .ok_or_else(|| Unavailable::because("the server does not say what time it is"))?;
    Ok(now.to_zoned_datetime(TimeZone::UTC).date())
}

fn finding(release: ServerVersion, ends: Date, days: i32) -> Finding {
    let major = release.major();
    let (severity, message) = match days {
        ..0 => (
            Severity::Warning,
            format!("PostgreSQL {major} has had no fixes since {ends}, and will have none"),
        ),
        _ => (
            Severity::Info,
            format!("PostgreSQL {major} has no fixes any more from {ends} on"),
        ),
    };
    Finding::new(&RULE, None, message)
        .about(&"PostgreSQL")
        .severity(severity)
        .help("what is found from then on, intruders may use: plan the upgrade to a newer major version (pg_upgrade)")
        .evidence("server_version", release.to_string())
        .evidence("end_of_life", ends.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::releases::of_version;
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Glance;

    #[test]
    fn the_end_is_told_half_a_year_before() {
        let of = |started_epoch: f64| {
            let glance = Glance { started_epoch, uptime_seconds: 5.0, ..Glance::default() };
            let glance = Known::Known(vec![glance]);
            let health = Health { settings: of_version("140024"), glance, ..Health::default() };
            judge(&health).unwrap().findings.first().map(|finding| finding.severity)
        };
        // 2026-01-01, 2026-07-01 and 2026-12-01.
        assert_eq!(of(1_767_225_600.0), None);
        assert_eq!(of(1_782_864_000.0), Some(Severity::Info));
        assert_eq!(of(1_796_083_200.0), Some(Severity::Warning));
    }
}
