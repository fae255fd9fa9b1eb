//! What takes long and says how far it is, by anybody.

use super::columns::{FromRow, facts_of_columns};
use super::load::ask;
use crate::failure::Result;
use crate::pg::session::Session;

facts_of_columns! {
    /// A statement that says how far it is.
    pub struct Progress {
        pub pid: i32,
        /// `CREATE INDEX CONCURRENTLY`, `VACUUM` …
        pub command: String,
        /// As the server quotes it; `None` where the role may not see it, or nothing tells.
        pub object: Option<String>,
        pub phase: Option<String>,
        /// In units of the phase.
        pub done: Option<i64>,
        /// `None` where the phase does not count.
        pub total: Option<i64>,
        /// Since the statement began.
        pub seconds: Option<f64>,
        pub application: Option<String>,
        pub role: Option<String>,
        /// For whom a build waits.
        pub blocker_pid: Option<i32>,
    }
}

impl Progress {
    /// How much of its phase is done.
    pub fn share(&self) -> Option<f64> {
        let total = self.total.filter(|total| *total > 0)?;
        Some((self.done? as f64 / total as f64).clamp(0.0, 1.0))
    }
}

/// All that is under way in this database.
pub async fn load_all_progress(session: &Session) -> Result<Vec<Progress>> {
    let rows = ask(session, include_str!("../../sql/catalog/progress.sql"), &[]).await?;
    Ok(rows.iter().map(Progress::from_row).collect())
}
