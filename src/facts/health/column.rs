//! Columns of large tables and what the statistics say of them.

use tokio_postgres::types::{ToSql, Type};

use super::{ask, read, rows};
use crate::facts::columns::facts_of_columns;
use crate::facts::known::Known;
use crate::pg::database::Server;
use crate::pg::session::Session;

/// Of tables that are smaller by both, the columns are not looked at.
const LARGE_ROWS: f64 = 100_000.0;
const LARGE_PAGES: i32 = 12_800;

facts_of_columns! {
    /// A column of a large table.
    pub struct Column {
        /// As the server quotes it, with schema and table.
        pub object: String,
        pub table_oid: u32,
        pub table_object: String,
        /// In the table.
        pub number: i32,
        pub data_type: String,
        pub is_not_null: bool,
        /// Of the table, as of the last VACUUM or ANALYZE.
        pub rows: f64,
        /// As in pg_stats: negative is a share of the rows. `None`: no statistics, or not to be seen.
        pub distinct_values: Option<f64>,
        pub null_share: Option<f64>,
        /// Of a value on average.
        pub width_bytes: Option<i32>,
        /// The greatest value that the statistics hold, of an int2 or int4.
        pub highest: Option<i64>,
        /// The role may see its statistics.
        pub may_read: bool,
    }
}

facts_of_columns! {
    /// An index on expressions that have no statistics.
    pub struct ExpressionIndex {
        pub object: String,
        pub table_object: String,
        /// Of the table.
        pub rows: f64,
        /// The role could see them if there were some.
        pub may_read: bool,
    }
}

facts_of_columns! {
    /// A statistics object that holds nothing.
    pub struct UnfilledStatistics {
        pub object: String,
        pub table_object: String,
        /// Of the table.
        pub rows: f64,
        /// The role could see what it holds.
        pub may_read: bool,
    }
}

facts_of_columns! {
    /// Columns of a table whose type people regret.
    pub struct RegrettedColumns {
        pub table_object: String,
        /// `timestamp`, `money`, `char`, `json`, `serial`.
        pub what: String,
        /// As the server quotes them.
        pub columns: String,
    }
}

pub(super) async fn load(session: &Session) -> Known<Vec<Column>> {
    let sql = include_str!("../../../sql/check/columns.sql");
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&LARGE_ROWS, Type::FLOAT8), (&LARGE_PAGES, Type::INT4)];
    let large = ask(session, sql, &params).await;
    large.map(|rows| read(&rows)).into()
}

/// Before, CREATE STATISTICS made what looks like statistics at once.
const CATALOG_TELLS: u32 = 15;

pub(super) async fn load_unfilled(
    session: &Session,
    server: &Server,
) -> Known<Option<Vec<UnfilledStatistics>>> {
    match server.version.major() < CATALOG_TELLS {
        true => Known::Known(None),
        false => {
            let sql = include_str!("../../../sql/check/unfilled_statistics_15.sql");
            rows(session, sql).await.map(Some)
        }
    }
}
