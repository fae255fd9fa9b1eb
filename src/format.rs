//! Figures as people read them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Bytes with a binary unit: `12 MiB`.
pub fn bytes(bytes: i64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 10.0 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// A duration with two or three digits: `850 ms`, `1.2 s`, `3 min 20 s`, `2 h 5 min`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let whole = duration.as_secs();
    if seconds < 0.001 {
        format!("{:.2} ms", seconds * 1e3)
    } else if seconds < 1.0 {
        let millis = seconds * 1e3;
        if millis < 10.0 {
            format!("{millis:.1} ms")
        } else {
            format!("{millis:.0} ms")
        }
    } else if whole < 60 {
        format!("{seconds:.1} s")
    } else if whole < 3600 {
        format!("{} min {} s", whole / 60, whole % 60)
    } else {
        format!("{} h {} min", whole / 3600, whole % 3600 / 60)
    }
}

/// A span in its greatest unit, as people reckon with it: `41 days`, `6 h`, `12 min`. It is never longer than
/// what it stands for, because it may be a deadline.
pub fn span(span: Duration) -> String {
    const HOUR: u64 = 3600;
    const DAY: u64 = 24 * HOUR;
    const YEAR: u64 = 365 * DAY;
    match span.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds if seconds < 2 * HOUR => format!("{} min", seconds / 60),
        seconds if seconds < 2 * DAY => format!("{} h", seconds / HOUR),
        seconds if seconds < 2 * YEAR => format!("{} days", seconds / DAY),
        seconds => format!("{} years", seconds / YEAR),
    }
}

/// The same of what has passed, rounded: `7 days` of 6 days and 23 hours.
pub fn nearest_span(passed: Duration) -> String {
    let seconds = passed.as_secs();
    let half = match seconds {
        0..7200 => 30,
        7200..172_800 => 1800,
        _ => 43_200,
    };
    span(Duration::from_secs(seconds.saturating_add(half)))
}

/// A moment as RFC 3339 has it, UTC.
pub fn moment(epoch: f64) -> String {
    let timestamp = Timestamp::from_microsecond((epoch * 1e6) as i64);
    timestamp.map(|timestamp| timestamp.to_string()).unwrap_or_default()
}

/// The same of what is never negative.
pub fn size(bytes: u64) -> String {
    self::bytes(i64::try_from(bytes).unwrap_or(i64::MAX))
}

/// `1 index`, `2,000 indexes`.
pub fn count(number: usize, one: &str, many: &str) -> String {
    let unit = if number == 1 { one } else { many };
    format!("{} {unit}", self::number(number))
}

/// A number of things with commas: `300,000`.
pub fn number(number: usize) -> String {
    grouped(&number.to_string())
}

/// The digits of a whole number with commas: `300,000`.
pub fn grouped(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A whole number with commas: `300,000`, `-4,000`.
pub fn whole(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(&number.unsigned_abs().to_string()))
}

/// `02:25 UTC`, with the date where that is another day than `today`: as people read it.
pub fn clock(epoch: f64, today: f64) -> String {
    let civil = |epoch: f64| {
        let moment = Timestamp::from_microsecond((epoch * 1e6) as i64).ok()?;
        Some(moment.to_zoned_datetime(TimeZone::UTC))
    };
    let (Some(then), Some(now)) = (civil(epoch), civil(today)) else {
        return moment(epoch);
    };
    let is_today = then.date() == now.date();
    let shape = if is_today { "%H:%M UTC" } else { "%Y-%m-%d %H:%M UTC" };
    then.strftime(shape).to_string()
}

/// No duration that is measured is longer, and sums and products of such never overflow: 300 years.
const LONGEST_SECONDS: f64 = 1e10;

/// Seconds as data says them: below zero is zero, and what is no number or beyond all bounds is none at
/// all.
pub fn seconds(seconds: f64) -> Option<Duration> {
    let is_possible = seconds <= LONGEST_SECONDS;
    is_possible.then(|| Duration::from_secs_f64(seconds.max(0.0)))
}

/// Whole milliseconds.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_two_or_three_digits() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(8192), "8.0 KiB");
        assert_eq!(bytes(12 * 1024 * 1024), "12 MiB");
        assert_eq!(duration(Duration::from_micros(130)), "0.13 ms");
        assert_eq!(duration(Duration::from_millis(850)), "850 ms");
        assert_eq!(duration(Duration::from_millis(1234)), "1.2 s");
        assert_eq!(duration(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(duration(Duration::from_secs(7500)), "2 h 5 min");
        assert_eq!(count(1, "index", "indexes"), "1 index");
        assert_eq!(count(0, "index", "indexes"), "0 indexes");
    }

    #[test]
    fn seconds_that_cannot_be_are_none() {
        assert_eq!(seconds(1.5), Some(Duration::from_millis(1500)));
        assert_eq!(seconds(-1.0), Some(Duration::ZERO));
        assert_eq!(seconds(f64::NEG_INFINITY), Some(Duration::ZERO));
        for impossible in [f64::NAN, f64::INFINITY, f64::MAX, 1e19] {
            assert_eq!(seconds(impossible), None, "{impossible}");
        }
    }

    #[test]
    fn spans_have_one_unit() {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let told = [0, 1, 2, 47, 48, 24 * 729, 24 * 730].map(|number| span(hours(number)));
        assert_eq!(told, ["0 s", "60 min", "2 h", "47 h", "2 days", "729 days", "2 years"]);
        assert_eq!(span(Duration::from_secs(7199)), "119 min");
        assert_eq!(span(Duration::MAX), "584942417355 years");
        assert_eq!(nearest_span(hours(167)), "7 days");
        assert_eq!(nearest_span(hours(181)), "8 days");
        assert_eq!(nearest_span(Duration::from_secs(5 * 3600 + 1700)), "5 h");
        assert_eq!(nearest_span(Duration::from_secs(700)), "12 min");
        assert_eq!(nearest_span(Duration::MAX), "584942417355 years");
    }
}
