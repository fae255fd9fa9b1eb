//! What the configuration says of `pgtend serve`.

use std::time::Duration;

use serde::Deserialize;

use super::duration;

/// How often each kind of facts is taken.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServeConfig {
    /// What runs, while somebody looks at a live page.
    #[serde(deserialize_with = "duration")]
    pub live: Duration,
    /// What runs, while nobody does.
    #[serde(deserialize_with = "duration")]
    pub activity: Duration,
    /// The checks, and with them tables, indexes and views.
    #[serde(deserialize_with = "duration")]
    pub check: Duration,
}

impl Default for ServeConfig {
    fn default() -> Self {
        ServeConfig {
            live: Duration::from_secs(2),
            activity: Duration::from_secs(30),
            check: Duration::from_secs(10 * 60),
        }
    }
}

/// Looks that follow each other without a pause would be a load.
pub const SHORTEST: Duration = Duration::from_millis(100);

impl ServeConfig {
    /// The name and value of each.
    pub fn ticks(&self) -> [(&'static str, Duration); 3] {
        [("live", self.live), ("activity", self.activity), ("check", self.check)]
    }
}
