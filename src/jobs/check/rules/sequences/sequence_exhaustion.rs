use crate::facts::health::{Health, SequenceColumn, Trends};
use crate::facts::measures::MeasureKind;
use crate::facts::trend::{Forecast, Limit};
use crate::findings::{Finding, Rule, Severity};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged, unseen_history, urgency};

pub const RULE: Rule = Rule::SEQUENCE_EXHAUSTION;

/// Used up to this share it is worth knowing, however slow it is.
const FULL: f64 = 0.75;
/// So little is left that nobody should wait for a rate.
const ALMOST: f64 = 0.95;

pub fn judge(health: &Health) -> Judged {
    let sequences = health.sequences.seen()?;
    let trends = health.trends.known();
    let found = sequences.all.iter().filter(|sequence| !sequence.cycles).filter_map(|sequence| {
        let value = *sequences.values.get(&sequence.oid)?;
        finding(sequence, value, trends)
    });
    let unknown = sequences.hidden.clone().or_else(|| unseen_history(health));
    Ok(Found { findings: found.collect(), unknown })
}

fn finding(sequence: &SequenceColumn, value: i64, trends: Option<&Trends>) -> Option<Finding> {
    let limit = limit(sequence);
    let share = used(sequence, value, limit);
    let rate = trends.and_then(|it| it.rate(MeasureKind::SequenceValue, &sequence.object));
    let forecast = rate.map(|rate| rate.until(value, limit));
    let urgent = forecast.as_ref().and_then(urgency::of);
    let by_share = match share {
        share if share >= ALMOST => Some(Severity::Critical),
        share if share >= FULL => Some(Severity::Warning),
        _ => None,
    };
    // A rate that is known says more than a share: one may count for years yet.
    let severity = match (&forecast, urgent) {
        (_, Some(urgent)) => urgent,
        (Some(_), None) if share >= FULL => Severity::Info,
        _ => by_share?,
    };
    Some(
        described(sequence, value, limit, forecast.as_ref())
            .severity(severity)
            .evidence("used_share", share),
    )
}

/// What its own end and the type of its column let it count to.
fn limit(sequence: &SequenceColumn) -> Limit {
    let (least, greatest) = match sequence.column_type.as_deref() {
        Some("smallint") => (i64::from(i16::MIN), i64::from(i16::MAX)),
        Some("integer") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    match sequence.step {
        ..0 => Limit::AtLeast(sequence.least.max(least)),
        _ => Limit::AtMost(sequence.greatest.min(greatest)),
    }
}

fn used(sequence: &SequenceColumn, value: i64, limit: Limit) -> f64 {
    let (Limit::AtMost(end) | Limit::AtLeast(end)) = limit;
    let way = end as f64 - sequence.starts_at as f64;
    if way == 0.0 {
        1.0
    } else {
        (value as f64 - sequence.starts_at as f64) / way
    }
}

fn described(
    sequence: &SequenceColumn,
    value: i64,
    limit: Limit,
    forecast: Option<&Forecast>,
) -> Finding {
    let (Limit::AtMost(end) | Limit::AtLeast(end)) = limit;
    let column = sequence.column_object.as_deref();
    let of_column = column.map_or_else(String::new, |column| format!(" of {column}"));
    let when = forecast.map_or_else(String::new, |it| format!("; it gets there {it}"));
    let message = format!("the sequence{of_column} is at {} of {}{when}", whole(value), whole(end));
    let found = Finding::new(&RULE, None, message)
        .about(&sequence.object)
        .help("at the end every INSERT fails; changing the type rewrites the table, so begin early")
        .evidence("last_value", value)
        .evidence("limit", end);
    let left = forecast.and_then(Forecast::left);
    match left {
        Some(left) => found.evidence("left_seconds", left.as_secs()),
        None => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::measures::Measured;

    fn severity(column_type: Option<&str>, greatest: i64, value: i64) -> Option<Severity> {
        let sequence = SequenceColumn {
            least: 1,
            greatest,
            starts_at: 1,
            step: 1,
            column_type: column_type.map(str::to_owned),
            ..SequenceColumn::default()
        };
        finding(&sequence, value, None).map(|finding| finding.severity)
    }

    #[test]
    fn the_type_of_the_column_counts() {
        assert_eq!(severity(None, i64::MAX, 2_000_000_000), None);
        assert_eq!(severity(Some("integer"), i64::MAX, 1_800_000_000), Some(Severity::Warning));
        assert_eq!(severity(Some("integer"), i64::MAX, 2_140_000_000), Some(Severity::Critical));
        assert_eq!(severity(Some("bigint"), 1000, 800), Some(Severity::Warning));
    }

    #[test]
    fn one_that_counts_down_ends_at_its_least() {
        let down = SequenceColumn {
            least: -100,
            greatest: -1,
            starts_at: -1,
            step: -1,
            ..SequenceColumn::default()
        };
        assert!(finding(&down, -10, None).is_none());
        assert_eq!(finding(&down, -99, None).unwrap().severity, Severity::Critical);
    }

    #[test]
    fn a_rate_says_more_than_a_share() {
        let measured = |from: i64, to: i64| {
            Measured::moved(MeasureKind::SequenceValue, "s", (from, to), 7.0 * 86_400.0)
        };
        let judged = |from: i64, to: i64| {
            let sequence = SequenceColumn {
                object: "s".to_owned(),
                greatest: 1_000,
                step: 1,
                ..SequenceColumn::default()
            };
            let trends = Trends::new(vec![measured(from, to)], Vec::new());
            finding(&sequence, to, Some(&trends)).map(|finding| (finding.severity, finding.message))
        };
        // 10 a day.
        assert_eq!(judged(430, 500).unwrap().0, Severity::Warning);
        let (severity, message) = judged(910, 980).unwrap();
        assert_eq!(severity, Severity::Critical);
        assert_eq!(
            message,
            "the sequence is at 980 of 1,000; it gets there in 2 days, at the rate of the last 7 days"
        );
        // Nearly full, and it stands still.
        assert_eq!(judged(980, 980).unwrap().0, Severity::Info);
        assert_eq!(judged(100, 100), None);
    }
}
