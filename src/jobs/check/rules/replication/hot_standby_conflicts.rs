use crate::facts::health::{Conflicts, Health};
use crate::findings::{Finding, Rule};
use crate::format::count;
use crate::jobs::check::rules::{Found, Judged, NotJudged, since_reset};

pub const RULE: Rule = Rule::HOT_STANDBY_CONFLICTS;

pub fn judge(health: &Health) -> Judged {
    if !health.is_standby()? {
        return Err(NotJudged::Skipped("the server is no standby"));
    }
    let conflicts = health.replication.conflicts.seen()?.iter();
    Ok(conflicts.filter(|it| it.cancelled > 0).map(finding).collect::<Found>())
}

fn finding(Conflicts { cancelled, reset_seconds }: &Conflicts) -> Finding {
    let queries = count(usize::try_from(*cancelled).unwrap_or(usize::MAX), "query", "queries");
    let message = format!("replay has cancelled {queries} {}", since_reset(*reset_seconds));
    Finding::new(&RULE, None, message)
        .about(&"this standby")
        .help(
            "max_standby_streaming_delay says for how long replay waits for queries; hot_standby_feedback makes the \
             primary keep the rows, at the price of bloat there",
        )
        .evidence("cancelled_queries", *cancelled)
        .evidence("reset_seconds", *reset_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::{Glance, Replication};

    #[test]
    fn only_a_standby_has_them() {
        let of = |in_recovery, cancelled| {
            let conflicts = Conflicts { cancelled, reset_seconds: None };
            let health = Health {
                glance: Known::Known(vec![Glance { in_recovery, ..Glance::default() }]),
                replication: Replication {
                    conflicts: Known::Known(vec![conflicts]),
                    ..Replication::default()
                },
                ..Health::default()
            };
            judge(&health).map(|found| found.findings.len())
        };
        assert!(of(false, 5).is_err());
        assert_eq!([of(true, 0), of(true, 5)], [Ok(0), Ok(1)]);
    }
}
