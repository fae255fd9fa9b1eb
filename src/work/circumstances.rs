//! What holds of the server before indexes are built on it.

use super::Policy;
use crate::facts::{self, Known};
use crate::failure::{Failure, Kind, Result};
use crate::format;
use crate::pg::database::Database;
use crate::warning::Warning;

/// What must be true before indexes are built concurrently.
///
/// # Errors
/// `Unsupported` where it is not.
pub fn require_sound(database: &Database) -> Result<()> {
    database.require_writable()?;
    if database.server.version.corrupts_concurrent_builds() {
        return Err(Failure::new(
            Kind::Unsupported,
            format!(
                "PostgreSQL {} has a bug that corrupts indexes built concurrently",
                database.server.version
            ),
        )
        .hint("update to 14.4 or later first (release notes of 14.4, bug 17485)"));
    }
    Ok(())
}

/// What about the server the reader should know before builds begin.
///
/// # Errors
/// Those of the connection and of the queries.
pub async fn circumstances(database: &Database, policy: &Policy) -> Result<Vec<Warning>> {
    let mut warnings = Vec::new();
    let mut warn = |rule, object: &str, message: String| {
        warnings.push(Warning { rule, object: object.to_owned(), message });
    };
    if !database.server.sees_all_statistics {
        let message = format!(
            "{} may not see what other roles do (GRANT pg_read_all_stats), so pgtend cannot always say whom a \
             build waits for",
            database.server.role
        );
        warn("limited_view", &database.server.database, message);
    }
    let session = database.reader().await?;
    let replication = facts::load_replication(&session, &database.server).await?;
    for (standby, lag) in replication.standbys.iter().filter(|_| policy.max_replica_lag.is_some()) {
        if let Known::Unavailable(why) = lag {
            let message =
                format!("the lag of this standby is unknown, so no build waits for it: {why}");
            warn("replica-lag-unknown", standby, message);
        }
    }
    for (slot, bytes) in replication.inactive_slots {
        let held = format::bytes(bytes);
        let message =
            format!("inactive replication slot retains {held} of WAL; index builds will add more");
        warn("inactive_slot", &slot, message);
    }
    Ok(warnings)
}
