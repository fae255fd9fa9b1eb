//! What the configuration says of `pgtend serve`.

use std::path::PathBuf;
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
    /// The counters of statements, and what pgtend has done.
    #[serde(deserialize_with = "duration")]
    pub statements: Duration,
    /// The checks, and with them plans, tables, indexes and views.
    #[serde(deserialize_with = "duration")]
    pub check: Duration,
    /// What `pgtend advise --format json` has written, to be shown beside the rest.
    pub advice: Option<PathBuf>,
    /// So many statements, those that take the most time, have series of their own in /metrics.
    pub statement_metrics: usize,
}

impl Default for ServeConfig {
    fn default() -> Self {
        ServeConfig {
            live: Duration::from_secs(2),
            activity: Duration::from_secs(30),
            statements: Duration::from_secs(60),
            check: Duration::from_secs(10 * 60),
            advice: None,
            statement_metrics: 0,
        }
    }
}

/// Looks that follow each other without a pause would be a load.
pub const SHORTEST: Duration = Duration::from_millis(100);

/// Series of statements that come and go are what a Prometheus dies of.
pub const MOST_STATEMENT_METRICS: usize = 100;

impl ServeConfig {
    /// The name and value of each.
    pub fn ticks(&self) -> [(&'static str, Duration); 4] {
        [
            ("live", self.live),
            ("activity", self.activity),
            ("statements", self.statements),
            ("check", self.check),
        ]
    }
}
