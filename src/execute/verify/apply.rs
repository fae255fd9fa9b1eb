//! Applying migrations as their tool would.

use std::time::Instant;

use super::sender::Sender;
use crate::declared::migrations::{Migration, Script};
use crate::failure::{Failure, Kind, Result};
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;
use crate::plan::verify::{Applied, Place, Refused};

/// Applies the migrations in their order until one is refused. All are sent on one connection, as
/// tools do: what one of them sets the next one finds. After each statement the session looks at
/// what it holds.
///
/// # Errors
/// `Connection` where the server went away.
pub async fn apply(session: &Session, migrations: &[Migration]) -> Result<Applied> {
    let started = Instant::now();
    let mut sender = Sender::observing(session);
    let mut applied = 0;
    let mut refused = None;
    for migration in migrations {
        sender.begin_migration().await;
        match sender.run(&migration.up).await {
            Ok(()) => applied += 1,
            Err(refusal) => {
                refused = Some(refusal);
                break;
            }
        }
    }
    if let Some(refused) = refused.take_if(|refused| refused.error.is_connection_lost()) {
        return Err(lost(refused));
    }
    let observed = sender.finish();
    Ok(Applied { migrations: applied, refused, took: started.elapsed(), observed })
}

/// Applies one script, and looks at nothing.
///
/// # Errors
/// The statement that the server refused, or at which it went away.
pub async fn run(session: &Session, script: &Script) -> std::result::Result<(), Refused> {
    Sender::plain(session).run(script).await
}

/// Applies a dump, whose settings are gone afterwards.
///
/// # Errors
/// `Declaration` where the server refuses it; `Connection` where it went away.
pub async fn load_base(session: &Session, base: &Script) -> Result<()> {
    run(session, base).await.map_err(|refused| {
        if refused.error.is_connection_lost() {
            return lost(refused);
        }
        let Place { file, line, .. } = &refused.place;
        let message = format!("{}:{line}: {}", file.display(), refused.error);
        Failure::new(Kind::Declaration, message).sqlstate(refused.error.sqlstate).hint(
            "make it with pg_dump --schema-only --no-owner --no-privileges, and with --inserts if \
             it has to hold data",
        )
    })?;
    session.execute("DISCARD ALL").await.map_err(ServerError::into_failure)
}

/// The failure of a run whose server went away at that statement.
pub(super) fn lost(refused: Refused) -> Failure {
    let Place { file, line, .. } = refused.place;
    refused.error.into_failure().context(format!("{}:{line}", file.display()))
}
