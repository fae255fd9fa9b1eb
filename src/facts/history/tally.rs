//! What the history holds in all, and what came to it since somebody last looked.

use tokio_postgres::types::Type;

use crate::facts::columns::{FromRow, facts_of_columns};
use crate::facts::load::ask;
use crate::failure::Result;
use crate::pg::session::Session;

facts_of_columns! {
    /// The steps of a command that ended so.
    pub struct StepCount {
        pub command: String,
        pub outcome: String,
        pub steps: i64,
        pub last_id: i64,
        /// When the last of them began, in seconds since 1970; `None` where no clock says it.
        pub started_epoch: Option<f64>,
        pub duration_ms: Option<f64>,
    }
}

facts_of_columns! {
    /// The last refresh of a materialized view that ended so.
    pub struct ViewRefresh {
        pub object_oid: u32,
        pub outcome: String,
        /// When it began, in seconds since 1970.
        pub started_epoch: f64,
        pub duration_ms: f64,
        /// `None`: it is not known.
        pub rows_changed: Option<i64>,
        pub size_bytes: Option<i64>,
    }
}

/// How many steps ended how, of those that were written behind this one. Only to be asked for where the
/// schema can be used.
///
/// # Errors
/// Those of the connection and of the query.
pub async fn load_step_counts(session: &Session, after_id: i64) -> Result<Vec<StepCount>> {
    let sql = include_str!("../../../sql/history/step_counts.sql");
    let rows = ask(session, sql, &[(&after_id, Type::INT8)]).await?;
    Ok(rows.iter().map(StepCount::from_row).collect())
}

/// The last refreshes of each view, of those that were written behind this step. Only to be asked for where
/// the schema can be used.
///
/// # Errors
/// Those of the connection and of the query.
pub async fn load_view_refreshes(session: &Session, after_id: i64) -> Result<Vec<ViewRefresh>> {
    let sql = include_str!("../../../sql/history/view_refreshes.sql");
    let rows = ask(session, sql, &[(&after_id, Type::INT8)]).await?;
    Ok(rows.iter().map(ViewRefresh::from_row).collect())
}
