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
/// Narrower ranges of numbers are no ids that grow, but years, months or marks.
const WIDE: i64 = 1_000;
/// Fewer partitions ahead are soon forgotten.
const AHEAD: f64 = 2.0;

pub fn judge(health: &Health) -> Judged {
    let now = health.now_epoch()?;
    let mut of_parent = BTreeMap::<&str, Vec<&Partition>>::new();
    for partition in health.partitions.seen()?.iter().filter(|partition| partition.strategy == "r")
    {
        of_parent.entry(&partition.parent_object).or_default().push(partition);
    }
    let is_hidden = of_parent.values().flatten().any(|partition| partition.bound.is_none());
    let findings = of_parent.into_iter().filter_map(|(parent, all)| {
        finding(parent, &all, now).or_else(|| of_numbers(parent, &all))
    });
    let unknown = || Unavailable::because("partitions are locked, and their bounds were not read");
    Ok(Found {
        findings: findings.collect(),
        unknown: is_hidden.then(unknown),
    })
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
        None => {
            format!("ended {} ago", format::span(format::seconds(-left).unwrap_or(Duration::ZERO)))
        }
    };
    let found = Finding::new(&RULE, None, format!("the last partition {when}, and {consequence}"))
        .about(&parent)
        .severity(severity)
        .help("create the next partitions, and let a job do it from now on")
        .evidence("left_seconds", left)
        .evidence("interval_seconds", interval);
    Some(found)
}

/// Ranges of numbers: the last one is in use. How fast it fills nobody knows.
fn of_numbers(parent: &str, partitions: &[&Partition]) -> Option<Finding> {
    let mut ends = partitions
        .iter()
        .filter(|it| matches!(it.key_type.as_deref(), Some("smallint" | "integer" | "bigint")))
        .filter_map(|it| Some((bound::upper_number(it.bound.as_deref()?)?, *it)))
        .collect::<Vec<_>>();
    ends.sort_by_key(|(end, _)| *end);
    let [.., (before, _), (end, last)] = ends[..] else {
        return None;
    };
    let has_default = partitions.iter().any(|partition| partition.is_default);
    // One that has no number for its end has none.
    let is_endless = partitions.len() > ends.len() + usize::from(has_default);
    let is_used = last.inserted > 0 || last.rows > 0.0;
    if is_endless || !is_used || end.checked_sub(before)? < WIDE {
        return None;
    }
    let (severity, consequence) = match has_default {
        true => (
            Severity::Info,
            "behind it rows go to the default partition, from which they are hard to move",
        ),
        false => (Severity::Warning, "behind it every INSERT fails"),
    };
    let message = format!(
        "the last partition, which ends at {}, has rows already; {consequence}",
        format::whole(end)
    );
    let found = Finding::new(&RULE, None, message)
        .about(&parent)
        .severity(severity)
        .help("create the next partitions, and let a job do it from now on")
        .evidence("end", end);
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
        let mut all =
            vec![partition("2026-01-01", "2026-01-02"), partition("2026-01-02", "2026-01-03")];
        if has_default {
            let bound = Some("DEFAULT".to_owned());
            all.push(Partition { is_default: true, bound, ..Partition::default() });
        }
        let end = bound::upper("TO ('2026-01-03')")
            .or_else(|| bound::upper(" TO ('2026-01-03')"))
            .unwrap();
        let all = all.iter().collect::<Vec<_>>();
        finding("t", &all, end - f64::from(days) * DAY).map(|finding| finding.severity)
    }

    #[test]
    fn the_last_range_of_numbers_is_not_to_be_used_yet() {
        let severity = |width: i64, rows: f64, other: &str| {
            let partition = |number: i64, rows| Partition {
                key_type: Some("bigint".to_owned()),
                bound: Some(format!(
                    "FOR VALUES FROM ('{}') TO ('{}')",
                    (number - 1) * width,
                    number * width
                )),
                rows,
                ..Partition::default()
            };
            let other = Partition {
                key_type: Some("bigint".to_owned()),
                bound: Some(other.to_owned()),
                is_default: other == "DEFAULT",
                ..Partition::default()
            };
            let all = [partition(1, 5.0), partition(2, rows), other];
            of_numbers("t", &all.iter().collect::<Vec<_>>()).map(|finding| finding.severity)
        };
        let third = "FOR VALUES FROM ('20000') TO ('30000')";
        assert_eq!(severity(10_000, 5.0, third), None, "one is left");
        let before = "FOR VALUES FROM (MINVALUE) TO ('0')";
        assert_eq!(severity(10_000, 5.0, before), Some(Severity::Warning));
        assert_eq!(severity(10_000, 5.0, "DEFAULT"), Some(Severity::Info));
        assert_eq!(severity(10_000, 0.0, before), None);
        assert_eq!(severity(1, 5.0, before), None, "months");
        let endless = "FOR VALUES FROM ('20000') TO (MAXVALUE)";
        assert_eq!(severity(10_000, 5.0, endless), None);
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
