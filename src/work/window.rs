//! A span of the day in which work may go on: `23:00-05:00`, in some time zone.

use std::fmt;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{ToSpan, ZonedDateTime};

/// A daily window; it may reach over midnight.
#[derive(Debug, Clone)]
pub struct Window {
    opens: Time,
    closes: Time,
}

/// Where a moment stands to a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// Inside; it closes in so long.
    Open(Duration),
    /// Outside; it opens in so long.
    Closed(Duration),
}

impl Window {
    /// Reads `HH:MM-HH:MM`.
    pub fn parse(text: &str) -> Result<Window, String> {
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).ok();
        let ends = text.split_once('-').map(|(opens, closes)| (time(opens), time(closes)));
        match ends {
            Some((Some(opens), Some(closes))) if opens == closes => {
                Err("it opens and closes at the same time".to_owned())
            }
            Some((Some(opens), Some(closes))) => Ok(Window { opens, closes }),
            _ => Err("write it as 23:00-05:00".to_owned()),
        }
    }

    /// Where this moment stands, by the clock of its time zone.
    pub fn at(&self, now: &ZonedDateTime) -> Moment {
        let time = now.time();
        let is_open = if self.opens < self.closes {
            self.opens <= time && time < self.closes
        } else {
            self.opens <= time || time < self.closes
        };
        if is_open {
            Moment::Open(until(now, self.closes))
        } else {
            Moment::Closed(until(now, self.opens))
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.opens.strftime("%H:%M"), self.closes.strftime("%H:%M"))
    }
}

/// How long it is until the clock next shows this time. Where a change of the clock leaves the time
/// out, it is the moment to which the clock is put forward.
fn until(now: &ZonedDateTime, time: Time) -> Duration {
    let today = now.date().to_datetime(time).to_zoned_datetime(now.time_zone().clone());
    let next = match today {
        Ok(today) if today > *now => Ok(today),
        _ => now
            .date()
            .saturating_add(1.day())
            .to_datetime(time)
            .to_zoned_datetime(now.time_zone().clone()),
    };
    let begin = next.unwrap_or_else(|_| now.clone());
    now.duration_until(&begin).try_into().unwrap_or_default()
}

/// The time zone of that name, or that of this machine.
///
/// # Errors
/// Says that there is none of that name.
pub fn time_zone(name: Option<&str>) -> Result<TimeZone, String> {
    match name {
        None => Ok(TimeZone::system()),
        Some(name) => TimeZone::get(name)
            .map_err(|_| format!("there is no time zone {name}; write it as Europe/Paris or UTC")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(window: &str, now: &str) -> Moment {
        Window::parse(window).unwrap().at(&now.parse::<ZonedDateTime>().unwrap())
    }

    fn hours(hours: f64) -> Duration {
        Duration::from_secs_f64(hours * 3600.0)
    }

    #[test]
    fn a_window_may_reach_over_midnight() {
        let night = "23:00-05:00";
        assert_eq!(at(night, "2026-11-23T22:30[UTC]"), Moment::Closed(hours(0.5)));
        assert_eq!(at(night, "2026-11-23T23:00[UTC]"), Moment::Open(hours(6.0)));
        assert_eq!(at(night, "2026-11-24T04:30[UTC]"), Moment::Open(hours(0.5)));
        assert_eq!(at(night, "2026-11-24T05:00[UTC]"), Moment::Closed(hours(18.0)));
        assert_eq!(at("01:00-02:30", "2026-11-23T02:00[UTC]"), Moment::Open(hours(0.5)));
        assert_eq!(at("01:00-02:30", "2026-11-23T03:00[UTC]"), Moment::Closed(hours(22.0)));
    }

    #[test]
    fn the_clock_may_be_put_forward_or_back() {
        // 02:00 to 03:00 does not exist on this day.
        let forward = "2026-03-29T01:30[Europe/Paris]";
        assert_eq!(at("23:00-05:00", forward), Moment::Open(hours(2.5)));
        assert_eq!(at("02:30-04:00", forward), Moment::Closed(hours(1.0)));
        let back = "2026-10-25T01:30[Europe/Paris]";
        assert_eq!(at("23:00-05:00", back), Moment::Open(hours(4.5)));
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for wrong in ["", "23:00", "23-5", "25:00-05:00", "5:00-5:00"] {
            assert!(Window::parse(wrong).is_err(), "{wrong}");
        }
        assert!(time_zone(Some("Mars/Olympus")).is_err());
        assert!(time_zone(Some("UTC")).is_ok());
    }
}
