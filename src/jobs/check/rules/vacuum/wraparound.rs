//! What is the same of transaction ids and of multixact ids: both end at 2^31.

use crate::facts::health::{Database, Table};
use crate::facts::trend::Forecast;
use crate::findings::Severity;
use crate::jobs::check::rules::urgency;
use crate::shell::{pgtend, shell};

/// From here on VACUUM drops all its limits (`vacuum_failsafe_age`, `vacuum_multixact_failsafe_age`): not much is left.
const FAILSAFE_AGE: i32 = 1_600_000_000;

/// The server gives out no further id.
pub const LAST_AGE: i64 = 2_146_483_647;

/// Older than autovacuum's limit alone is its normal work.
pub fn is_late(age: i32, limit: f64) -> bool {
    f64::from(age) > 1.25 * limit
}

/// How bad such an age is; `forecast`: when it reaches the last one.
pub fn severity(age: i32, forecast: Option<&Forecast>) -> Severity {
    match age {
        FAILSAFE_AGE.. => Severity::Critical,
        _ => forecast.and_then(urgency::of).unwrap_or(Severity::Warning),
    }
}

/// The end of a sentence.
pub fn when(forecast: Option<&Forecast>) -> String {
    forecast.map_or_else(String::new, |it| format!("; it reaches the end {it}"))
}

/// What freezes the oldest; `oldest`: of this database.
pub fn freeze(oldest: Option<&Table>, database: &Database) -> String {
    match oldest {
        Some(table) => pgtend("vacuum --freeze", table.known_as()),
        None => format!("vacuumdb --freeze {}", shell(&database.name)),
    }
}
