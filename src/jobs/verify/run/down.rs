//! Up, down, and up again.

use tokio_postgres::types::Type;

use super::apply::{lost, run};
use super::between::Beginning;
use super::end;
use crate::declared::migrations::{Layout, Migration, Script, without_cluster_objects};
use crate::facts::{Fingerprint, load_fingerprint};
use crate::failure::Result;
use crate::jobs::verify::plan::Refused;
use crate::jobs::verify::plan::down::{RoundTrip, differences};
use crate::pg::database::{Database, Workers};
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// A database in which migrations are applied one after the other, on one connection.
pub struct RoundTripDatabase {
    database: Database,
    session: Session,
    beginning: Beginning,
}

/// What was set in a session.
pub type Settings = Vec<(String, String)>;

/// What there is before or after a migration.
#[derive(Debug, Clone)]
pub struct DownState {
    fingerprint: Fingerprint,
    settings: Settings,
}

impl RoundTripDatabase {
    /// Begins to work in the database, which takes two maintainers, as that tool does.
    ///
    /// # Errors
    /// Those of the connection, and of the server where a setting cannot be made.
    pub async fn new(
        database: Database,
        settings: &Settings,
        layout: Layout,
    ) -> Result<RoundTripDatabase> {
        let session = database.maintainer(Workers::AsConfigured).await?;
        let beginning = Beginning::of(&session, layout.between()).await?;
        set(&session, settings).await?;
        Ok(RoundTripDatabase { database, session, beginning })
    }

    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Applies a migration.
    ///
    /// # Errors
    /// `Connection` where the server went away. Its refusal is an answer.
    pub async fn up(&self, migration: &Migration) -> Result<std::result::Result<(), Refused>> {
        self.beginning.restore(&self.session).await;
        let answer = run(&self.session, &without_cluster_objects(&migration.up)).await;
        let answer = unless_lost(answer)?;
        // What it left open would keep its locks from the way back, which has a connection of its own.
        let _ = self.session.execute("COMMIT").await;
        Ok(answer)
    }

    /// Takes the migration, which is applied, back and applies it again, on a session like the first
    /// time. `before` is what was there before it.
    pub async fn round_trip(
        &self,
        migration: &Migration,
        down: &Script,
        before: &DownState,
    ) -> Result<RoundTrip> {
        let back = self.database.maintainer(Workers::AsConfigured).await?;
        let down = unless_lost(run(&back, &without_cluster_objects(down)).await)?;
        end(back).await;
        if let Err(refused) = down {
            return Ok(RoundTrip::DownRefused(refused));
        }
        let differences = differences(&before.fingerprint, &self.fingerprint().await?);
        if !differences.is_empty() {
            return Ok(RoundTrip::NotRestored(differences));
        }
        self.reset(&before.settings).await?;
        Ok(match self.up(migration).await? {
            Ok(()) => RoundTrip::Whole,
            Err(refused) => RoundTrip::UpRefused(refused),
        })
    }

    /// What there is now.
    pub async fn state(&self) -> Result<DownState> {
        Ok(DownState {
            fingerprint: self.fingerprint().await?,
            settings: self.settings().await?,
        })
    }

    /// Whether the schema is still as it was after a migration whose way back failed: it was refused
    /// as a whole, or does nothing. The session then is made so too.
    pub async fn is_still(&self, after: &DownState) -> Result<bool> {
        if self.session.is_closed() || self.fingerprint().await? != after.fingerprint {
            return Ok(false);
        }
        self.reset(&after.settings).await?;
        Ok(true)
    }

    async fn reset(&self, settings: &Settings) -> Result<()> {
        self.session.execute("DISCARD ALL").await.map_err(ServerError::into_failure)?;
        set(&self.session, settings).await
    }

    async fn fingerprint(&self) -> Result<Fingerprint> {
        load_fingerprint(&self.database.reader().await?).await
    }

    /// What the migrations have set in the session, for those that come after them.
    pub async fn settings(&self) -> Result<Settings> {
        let sql = include_str!("../../../../sql/catalog/session_settings.sql");
        let rows = self.session.query(sql, &[]).await.map_err(ServerError::into_failure)?;
        Ok(rows.iter().map(|row| (row.get("name"), row.get("setting"))).collect())
    }
}

/// A server that went away says nothing about the script.
fn unless_lost(
    answer: std::result::Result<(), Refused>,
) -> Result<std::result::Result<(), Refused>> {
    match answer {
        Err(refused) if refused.error.is_connection_lost() => Err(lost(refused)),
        answer => Ok(answer),
    }
}

async fn set(session: &Session, settings: &Settings) -> Result<()> {
    for (name, value) in settings {
        let sql = "SELECT pg_catalog.set_config($1, $2, false)";
        let set = session.query(sql, &[(name, Type::TEXT), (value, Type::TEXT)]).await;
        set.map_err(ServerError::into_failure)?;
    }
    Ok(())
}
