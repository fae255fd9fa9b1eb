//! What a tool does to its session before each migration.

use tokio_postgres::types::Type;

use crate::declared::migrations::Between;
use crate::failure::Result;
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// What there was when the session began.
pub struct Beginning {
    between: Between,
    search_path: String,
}

impl Beginning {
    /// Of a session in which nothing has run.
    pub async fn of(session: &Session, between: Between) -> Result<Self> {
        let search_path = match between {
            Between::RoleAndPath => {
                let sql = "SELECT pg_catalog.current_setting('search_path')";
                let rows = session.query(sql, &[]).await.map_err(ServerError::into_failure)?;
                rows.first().map(|row| row.get(0)).unwrap_or_default()
            }
            _ => String::new(),
        };
        Ok(Beginning { between, search_path })
    }

    /// Whether a transaction that a migration has left open ends before the next one.
    pub fn ends_transaction(&self) -> bool {
        self.between == Between::NewSession
    }

    /// Makes the session as the tool makes it. Where a migration has left a transaction that is aborted,
    /// the server will say so of the next statement.
    pub async fn restore(&self, session: &Session) {
        let sent: &[&str] = match self.between {
            Between::Nothing => &[],
            Between::RoleAndPath => &["RESET ROLE"],
            Between::ResetAll => &["RESET ALL"],
            Between::NewSession => &["ROLLBACK", "DISCARD ALL"],
        };
        for sql in sent {
            let _ = session.execute(sql).await;
        }
        if self.between == Between::RoleAndPath {
            let sql = "SELECT pg_catalog.set_config('search_path', $1, false)";
            let _ = session.query(sql, &[(&self.search_path, Type::TEXT)]).await;
        }
    }
}
