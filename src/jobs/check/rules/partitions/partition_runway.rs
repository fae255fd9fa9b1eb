use std::collections::BTreeMap;
use std::time::Duration;

use super::bound;
use crate::facts::Unavailable;
use crate::facts::health::{Health, Partition};
use crate::findings::{Finding, Rule, Severity};
use crate::format;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::PARTITION_RUNWAY;

const DAY: f64 = 86_400.0;
/// Fewer partitions ahead are soon forgotten.
const AHEAD: f64 = 2.0;

pub fn judge(health: &Health) -> Judged {
    let now = health.now_epoch()?;
    let mut of_parent = BTreeMap::<&str, Vec<&Partition>>::new();
    for partition in health.partitions.seen()?.iter().filter(|partition| partition.strategy == "r") {
        of_parent.entry(&partition.parent_object).or_default().push(partition);
    }
    let is_hidden = of_parent.values().flatten().any(|partition| partition.bound.is_none());
    let findings = of_parent.into_iter().filter_map(|(parent, all)| finding(parent, &all, now));
    let unknown = || Unavailable::because("partitions are locked, and their bounds were not read");
    Ok(Found { findings: findings.collect(), unknown: is_hidden.then(unknown) })
}

fn finding(parent: &str, partitions: &[&Partition], now: f64) -> Option<Finding> {
    let mut ends = partitions
        .iter()
        .filter_map(|partition| bound::upper(partition.bound.as_deref()?))
        .collect::<Vec<_>>();
    ends.sort_by(f64::total_cmp);
    let [.., before, last] = ends[..] else {
        return None;
    };
    let (interval, left) = (last - before, last - now);
    let is_abandoned = left < 0.0 && partitions.iter().all(|partition| partition.inserted == 0);
    if left >= AHEAD * interval || left >= 90.0 * DAY || is_abandoned {
        return None;
    }
    let has_default = partitions.iter().any(|partition| partition.is_default);
    let severity = match (left, has_default) {
        (left, false) if left < 7.0 * DAY => Severity::Critical,
        _ => Severity::Warning,
    };
    let consequence = match has_default {
        true => "then rows go to the default partition, from which they are hard to move",
        false => "then every INSERT fails",
    };
    let when = match format::seconds(left).filter(|_| left > 0.0) {
        Some(left) => format!("ends in {}", format::span(left)),
        None => format!("ended {} ago", format::span(format::seconds(-left).unwrap_or(Duration::ZERO))),
    };
    let found = Finding::new(&RULE, None, format!("the last partition {when}, and {consequence}"))
        .about(&parent)
        .severity(severity)
        .help("create the next partitions, and let a job do it from now on")
        .evidence("left_seconds", left)
        .evidence("interval_seconds", interval);
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With partitions of a day until so many days from now.
    fn severity(days: i32, has_default: bool, inserted: i64) -> Option<Severity> {
        let partition = |day: &str, next: &str| Partition {
            bound: Some(format!("FOR VALUES FROM ('{day}') TO ('{next}')")),
            inserted,
            ..Partition::default()
        };
        let mut all = vec![partition("2026-01-01", "2026-01-02"), partition("2026-01-02", "2026-01-03")];
        if has_default {
            let bound = Some("DEFAULT".to_owned());
            all.push(Partition { is_default: true, bound, ..Partition::default() });
        }
        let end = bound::upper("TO ('2026-01-03')").or_else(|| bound::upper(" TO ('2026-01-03')")).unwrap();
        let all = all.iter().collect::<Vec<_>>();
        finding("t", &all, end - f64::from(days) * DAY).map(|finding| finding.severity)
    }

    #[test]
    fn two_partitions_ahead_are_enough() {
        assert_eq!(severity(3, false, 1), None);
        assert_eq!(severity(1, false, 1), Some(Severity::Critical));
        assert_eq!(severity(1, true, 1), Some(Severity::Warning));
        assert_eq!(severity(-5, false, 1), Some(Severity::Critical));
        assert_eq!(severity(-5, false, 0), None);
    }
}
