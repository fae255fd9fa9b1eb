//! Durations as the user writes them.

use std::time::Duration;

/// Longer than any run and any history. Moments are reckoned as now and a duration, and a sum
/// beyond what the clock can hold ends the program.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Reads `90s`, `1h 30min`, `35days`.
///
/// # Errors
/// Says what is wrong with it, and how one is written.
pub fn parse(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        Ok(_) | Err(humantime::DurationError::NumberOverflow) => {
            Err("at most 100 years (\"36500days\")".to_owned())
        }
        Err(_) => Err("expected a duration such as \"90s\", \"30min\" or \"7days\"".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_can_always_be_added_to_now() {
        assert_eq!(parse("1h 30min"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse("36500days"), Ok(LONGEST));
        for text in ["36501days", "584942417355years", "18446744073709551616s"] {
            assert_eq!(parse(text), Err("at most 100 years (\"36500days\")".to_owned()), "{text}");
        }
        for text in ["soon", "10", "-1s", "1e3s", ""] {
            assert!(parse(text).unwrap_err().contains("\"30min\""), "{text}");
        }
    }
}
