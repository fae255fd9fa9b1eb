//! How bad it is by the time that is left.

use crate::facts::trend::Forecast;
use crate::findings::Severity;

const DAY: f64 = 86_400.0;

/// Critical within a week, a warning within three months; `None` later, or never.
pub fn of(forecast: &Forecast) -> Option<Severity> {
    let days = forecast.left()?.as_secs_f64() / DAY;
    match days {
        days if days < 7.0 => Some(Severity::Critical),
        days if days < 90.0 => Some(Severity::Warning),
        _ => None,
    }
}
