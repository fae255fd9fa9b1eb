//! The bounds of partitions as the server prints them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The upper bound of a range of days or moments, in seconds since 1970, UTC. The server prints it in ISO form.
/// `None` where there is none, or it is of another type.
pub fn upper(bound: &str) -> Option<f64> {
    let (_, upper) = bound.rsplit_once(" TO ('")?;
    let text = upper.split('\'').next()?;
    // Behind the seconds stand fractions and a zone; a few hours do not matter.
    let text = text.get(..19).or_else(|| text.get(..10))?;
    let moment = match text.len() {
        10 => format!("{text} 00:00:00").parse::<DateTime>(),
        _ => text.parse::<DateTime>(),
    };
    Some(TimeZone::UTC.to_timestamp(moment.ok()?).ok()?.as_second() as f64)
}

/// The upper bound of a range of whole numbers; `None` where there is none, or it is of another type.
pub fn upper_number(bound: &str) -> Option<i64> {
    let (_, upper) = bound.rsplit_once(" TO (")?;
    upper.trim_end_matches(')').trim_matches('\'').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_and_nothing_else() {
        assert_eq!(upper_number("FOR VALUES FROM (1) TO (500)"), Some(500));
        assert_eq!(upper_number("FOR VALUES FROM ('-9') TO ('-5')"), Some(-5));
        for other in
            ["DEFAULT", "FOR VALUES FROM (1) TO (MAXVALUE)", "FOR VALUES FROM ('a') TO ('b')"]
        {
            assert_eq!(upper_number(other), None, "{other}");
        }
    }

    #[test]
    fn days_and_moments_are_read_and_nothing_else() {
        let day = "FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')";
        assert_eq!(upper(day), Some(1_769_904_000.0));
        let moment = "FOR VALUES FROM (MINVALUE) TO ('2026-02-01 00:00:00+00')";
        assert_eq!(upper(moment), upper(day));
        for other in [
            "DEFAULT",
            "FOR VALUES FROM (1) TO (5)",
            "FOR VALUES FROM ('2026-01-01') TO (MAXVALUE)",
            "FOR VALUES IN ('a')",
            "FOR VALUES FROM ('a') TO ('bbbbbbbbbb')",
        ] {
            assert_eq!(upper(other), None, "{other}");
        }
    }
}
