//! Time for queries that are sent one after the other.

use std::time::{Duration, Instant};

use tokio_postgres::types::Type;

use crate::facts::{Oid, Unavailable};
use crate::failure::Result;
use crate::format::count;
use crate::pg::row::Row;
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// Each query may take what is left of the time.
pub struct Budget {
    until: Instant,
    /// Of how many objects nothing is known.
    left: usize,
    /// What the server said of one of them.
    refused: Option<String>,
}

impl Budget {
    pub fn new(time: Duration) -> Self {
        Budget { until: Instant::now() + time, left: 0, refused: None }
    }

    /// What the server answers for this object; `None`: the time is spent.
    ///
    /// # Errors
    /// `Connection` where the connection is lost.
    pub async fn ask(
        &mut self,
        session: &Session,
        sql: &str,
        object: Oid,
    ) -> Result<Option<std::result::Result<Vec<Row>, ServerError>>> {
        let time = self.until.saturating_duration_since(Instant::now());
        if time.is_zero() {
            self.left += 1;
            return Ok(None);
        }
        let limit = format!("SET statement_timeout = {}", time.as_millis().max(1));
        session.execute_all(&[&limit]).await.map_err(ServerError::into_failure)?;
        match session.query(sql, &[(&object, Type::OID)]).await {
            Err(error) if error.is_connection_lost() => Err(error.into_failure()),
            answer => Ok(Some(answer)),
        }
    }

    /// The server would not say it of this object.
    pub fn refused(&mut self, object: &str, error: &ServerError) {
        self.left += 1;
        self.refused = Some(format!("{object}: {}", error.message));
    }

    /// Why some were not read: `2 indexes were not read: the time of --deep was spent`.
    pub fn unread(self, one: &str, more: &str, option: &str) -> Option<Unavailable> {
        let words = format!("{} not read", count(self.left, one, more));
        let why = self.refused.unwrap_or_else(|| format!("the time of {option} was spent"));
        (self.left > 0).then(|| Unavailable::because(format!("{words}: {why}")))
    }
}
