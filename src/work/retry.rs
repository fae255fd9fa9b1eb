//! How often, and after which pauses, what failed in a passing way is tried again.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often a statement that failed in a passing way is tried again.
pub const RETRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How long to wait before the next try, after so many.
pub fn pause(retries: u32) -> Duration {
    with_jitter(FIRST_PAUSE * 4_u32.pow(retries))
}

/// Between half of the pause and all of it, so that two who collided do not collide again.
pub fn with_jitter(pause: Duration) -> Duration {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
    pause / 2 + (pause / 2).mul_f64(f64::from(nanos % 1_000_000) / 1e6)
}
