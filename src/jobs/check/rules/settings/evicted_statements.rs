use crate::facts::health::{Evictions, Health};
use crate::findings::{Finding, Rule};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged, NotJudged, since_reset};

pub const RULE: Rule = Rule::EVICTED_STATEMENTS;

/// Fewer may be of one deployment.
const MANY: i64 = 10;
/// Each of them sorts all statements while nobody can be counted.
const MANY_AN_HOUR: f64 = 1.0;

pub fn judge(health: &Health) -> Judged {
    let Some(evictions) = health.io.evictions.seen()? else {
        return Err(NotJudged::Skipped(
            "pg_stat_statements is not installed in this database, or not loaded",
        ));
    };
    Ok(finding(evictions).into_iter().collect::<Found>())
}

fn finding(evictions: &Evictions) -> Option<Finding> {
    let Evictions { times, reset_seconds, places } = *evictions;
    let hours = reset_seconds.map(|seconds| (seconds / 3600.0).max(1.0));
    if times < MANY || hours.is_none_or(|hours| times as f64 <= MANY_AN_HOUR * hours) {
        return None;
    }
    let message = format!(
        "the server counts {} statements, and {} times {} it has forgotten the rarest for others",
        whole(places),
        whole(times),
        since_reset(reset_seconds),
    );
    let finding = Finding::new(&RULE, None, message)
        .about(&"pg_stat_statements.max")
        .help(
            "what runs rarely is missing in every list of statements. Look first for texts that differ each time (names of \
             temporary tables, lists of IN before 18); a larger number takes a restart",
        )
        .command(format!("ALTER SYSTEM SET pg_stat_statements.max = {}", places.saturating_mul(2)))
        .evidence("evictions", times)
        .evidence("reset_seconds", reset_seconds)
        .evidence("statements", places);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_an_hour_is_often() {
        let of = |times, reset_seconds| {
            finding(&Evictions { times, reset_seconds, places: 5000 }).is_some()
        };
        assert!(!of(9, Some(60.0)));
        assert!(of(10, Some(60.0)));
        assert!(!of(20, Some(86_400.0)));
        assert!(of(30, Some(86_400.0)));
        assert!(!of(30, None), "nobody knows in what time");
    }
}
