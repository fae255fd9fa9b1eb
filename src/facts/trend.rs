//! How fast values move, and when they reach a limit.

use std::fmt;
use std::time::Duration;

use crate::format;

/// Two moments that are closer tell nothing of how it goes on.
const SHORTEST: Duration = Duration::from_secs(60);
/// What is further away is as good as never: 100 years.
const FARTHEST_SECONDS: f64 = 100.0 * 365.25 * 24.0 * 3600.0;

/// A value at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// In seconds since 1970.
    pub epoch: f64,
    pub value: i64,
}

/// How fast a value moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    pub per_second: f64,
    /// The span in which it was measured.
    pub over: Duration,
}

/// What a value must not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    AtMost(i64),
    AtLeast(i64),
}

/// When a value reaches a limit, if it goes on like that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    pub reaches: Reaches,
    /// The span in which the rate was measured.
    pub over: Duration,
}

/// When a limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaches {
    Already,
    In(Duration),
    /// The value stands still, moves away from the limit, or needs more than a hundred years.
    Never,
}

impl Rate {
    /// The rate between two moments; `None` where they are too close, or no moments.
    pub fn between(first: Point, last: Point) -> Option<Rate> {
        let over = format::seconds(last.epoch - first.epoch)?;
        if over < SHORTEST {
            return None;
        }
        let moved = i128::from(last.value) - i128::from(first.value);
        Some(Rate { per_second: moved as f64 / over.as_secs_f64(), over })
    }

    /// How fast the distance from another value grows: that of the WAL from a slot, for example.
    #[must_use]
    pub fn less(self, other: Rate) -> Rate {
        Rate {
            per_second: self.per_second - other.per_second,
            over: self.over.min(other.over),
        }
    }

    /// When a value that stands here now reaches the limit.
    pub fn until(self, now: i64, limit: Limit) -> Forecast {
        let (room, speed) = match limit {
            Limit::AtMost(most) => (i128::from(most) - i128::from(now), self.per_second),
            Limit::AtLeast(least) => (i128::from(now) - i128::from(least), -self.per_second),
        };
        let seconds = room as f64 / speed;
        let reaches = match () {
            () if room <= 0 => Reaches::Already,
            () if speed > 0.0 && seconds <= FARTHEST_SECONDS => {
                Reaches::In(Duration::from_secs_f64(seconds))
            }
            () => Reaches::Never,
        };
        Forecast { reaches, over: self.over }
    }
}

impl Forecast {
    /// How long there is; `None` where there is no end.
    pub fn left(&self) -> Option<Duration> {
        match self.reaches {
            Reaches::Already => Some(Duration::ZERO),
            Reaches::In(left) => Some(left),
            Reaches::Never => None,
        }
    }
}

/// `in 41 days, at the rate of the last 7 days`: it follows a verb.
impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reaches {
            Reaches::Already => return f.write_str("already"),
            Reaches::In(left) => write!(f, "in {}", format::span(left))?,
            Reaches::Never => f.write_str("never")?,
        }
        write!(f, ", at the rate of the last {}", format::nearest_span(self.over))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: f64 = 86_400.0;
    const HOUR: Duration = Duration::from_secs(3600);

    fn point(days: f64, value: i64) -> Point {
        Point { epoch: 1.7e9 + days * DAY, value }
    }

    fn a_week(from: i64, to: i64) -> Rate {
        Rate::between(point(0.0, from), point(7.0, to)).unwrap()
    }

    #[test]
    fn a_rate_is_what_was_moved_by_the_time_it_took() {
        let rate = a_week(1000, 1000 + 7 * 86_400 * 2);
        assert_eq!((rate.per_second, rate.over), (2.0, 168 * HOUR));
        assert_eq!(a_week(5, 5).per_second, 0.0);
        assert_eq!(a_week(604_800, 0).per_second, -1.0);
        // More than a bigint holds.
        assert!(a_week(i64::MIN, i64::MAX).per_second > 3e13);
    }

    #[test]
    fn there_is_no_rate_where_the_moments_tell_none() {
        let now = point(1.0, 7);
        for other in [point(1.0, 3), point(2.0, 3), point(1.0 - 50.0 / DAY, 3)] {
            assert_eq!(Rate::between(other, now), None, "{other:?}");
        }
        for epoch in [f64::NAN, f64::NEG_INFINITY, f64::INFINITY] {
            assert_eq!(Rate::between(Point { epoch, value: 3 }, now), None, "{epoch}");
            assert_eq!(Rate::between(now, Point { epoch, value: 3 }), None, "{epoch}");
        }
    }

    #[test]
    fn a_limit_is_reached_already_or_some_time_or_never() {
        let rising = a_week(0, 604_800);
        let most = Limit::AtMost(1000);
        assert_eq!(rising.until(1000, most).reaches, Reaches::Already);
        assert_eq!(rising.until(1001, most).reaches, Reaches::Already);
        assert_eq!(rising.until(400, most).reaches, Reaches::In(Duration::from_secs(600)));
        assert_eq!(a_week(5, 5).until(999, most).reaches, Reaches::Never);
        assert_eq!(a_week(9, 5).until(999, most).reaches, Reaches::Never);
        assert_eq!(rising.until(0, Limit::AtMost(i64::MAX)).reaches, Reaches::Never);
        // A sequence that counts downwards.
        let falling = a_week(604_800, 0);
        let least = Limit::AtLeast(-1000);
        assert_eq!(falling.until(-400, least).reaches, Reaches::In(Duration::from_secs(600)));
        assert_eq!(falling.until(-1000, least).reaches, Reaches::Already);
        assert_eq!(rising.until(-400, least).reaches, Reaches::Never);
        assert_eq!(
            falling.until(i64::MAX, Limit::AtLeast(i64::MIN)).reaches,
            Reaches::Never,
            "no overflow"
        );
    }

    #[test]
    fn how_long_there_is_ranks_findings() {
        let rate = a_week(0, 604_800);
        assert_eq!(rate.until(0, Limit::AtMost(60)).left(), Some(Duration::from_secs(60)));
        assert_eq!(rate.until(70, Limit::AtMost(60)).left(), Some(Duration::ZERO));
        assert_eq!(a_week(0, 0).until(0, Limit::AtMost(60)).left(), None);
    }

    #[test]
    fn what_a_slot_holds_back_grows_by_the_difference() {
        let wal = a_week(0, 3 * 604_800);
        let slot = Rate { per_second: 1.0, over: HOUR };
        let held = wal.less(slot);
        assert_eq!((held.per_second, held.over), (2.0, HOUR));
        assert_eq!(wal.less(wal).until(5, Limit::AtMost(10)).reaches, Reaches::Never);
    }

    #[test]
    fn a_forecast_says_on_what_it_rests() {
        let told = |reaches, over| Forecast { reaches, over }.to_string();
        // The first of hourly snapshots is somewhat younger than the span.
        let week = HOUR * 167;
        let days = |days: u32| Reaches::In(HOUR * 24 * days);
        assert_eq!(told(days(41), week), "in 41 days, at the rate of the last 7 days");
        assert_eq!(told(Reaches::In(HOUR * 6), HOUR * 5), "in 6 h, at the rate of the last 5 h");
        assert_eq!(told(Reaches::Never, week), "never, at the rate of the last 7 days");
        assert_eq!(told(Reaches::Already, week), "already");
    }
}
