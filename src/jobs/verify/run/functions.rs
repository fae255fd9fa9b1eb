//! Calling functions with the search path that PostgreSQL 17 and newer give to index builds and
//! refreshes (release notes of 17, E.1.2): whether they break is tried, not guessed.

use crate::facts::migrated::{ReliedFunction, load_relied_functions};
use crate::failure::Result;
use crate::jobs::verify::plan::schema::Broken;
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

const RESTRICTED: &str = "SET LOCAL search_path = pg_catalog, pg_temp";
const USUAL: &str = "SET LOCAL search_path TO DEFAULT";

/// The functions that indexes and materialized views rely on and that fail with the restricted
/// search path, but not with the usual one. What they did is rolled back.
pub async fn broken_functions(session: &Session) -> Result<Vec<Broken>> {
    for sql in ["BEGIN", "SET LOCAL statement_timeout = '5s'", RESTRICTED] {
        session.execute(sql).await.map_err(ServerError::into_failure)?;
    }
    let mut broken = Vec::new();
    for relied in load_relied_functions(session).await? {
        if let Some(error) = breaks(session, &relied).await? {
            broken.push(Broken { relied, error });
        }
    }
    session.execute("ROLLBACK").await.map_err(ServerError::into_failure)?;
    Ok(broken)
}

async fn breaks(session: &Session, relied: &ReliedFunction) -> Result<Option<String>> {
    let restricted = call(session, RESTRICTED, relied).await?;
    match restricted {
        Some(error) if call(session, USUAL, relied).await?.is_none() => Ok(Some(error)),
        _ => Ok(None),
    }
}

/// What the server has against the call, if anything.
async fn call(
    session: &Session,
    search_path: &str,
    relied: &ReliedFunction,
) -> Result<Option<String>> {
    let select = format!("SELECT {}", relied.call);
    let mut refused = None;
    for sql in ["SAVEPOINT pgtend", search_path, &select] {
        match session.execute(sql).await {
            Ok(()) => {}
            Err(error) if error.is_connection_lost() => return Err(error.into_failure()),
            Err(error) => refused = Some(error.message),
        }
    }
    let back = session.execute("ROLLBACK TO pgtend").await;
    back.map_err(ServerError::into_failure)?;
    Ok(refused)
}
