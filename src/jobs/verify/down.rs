//! `--down`: each migration up, down and up again, in databases of their own.

use std::time::Instant;

use super::Context;
use super::folder::Folder;
use super::plan::down::{self, RoundTrip};
use super::plan::{Applied, CheckName, Refused, VerifyResults};
use super::run::{RoundTripDatabase, Settings, load_base, make_own_tables};
use super::server_choice::VerifyServer;
use crate::failure::Result;
use crate::findings::Finding;
use crate::format;

/// Each costs a copy of the database.
const MOST_COPIES: usize = 50;

/// What the check works with.
pub struct Downs<'a> {
    /// Of the command.
    pub context: &'a Context,
    /// Where databases can be made.
    pub server: &'a VerifyServer,
    /// What is sent.
    pub folder: &'a Folder,
}

/// A database with the first migrations applied and nothing taken back, to be copied.
struct ModelDatabase {
    name: String,
    applied: usize,
    settings: Settings,
}

/// A migration that was applied before and is refused now.
type Answer<T> = std::result::Result<T, Refused>;

/// Makes the check.
///
/// # Errors
/// Those of the server.
pub async fn judge(
    work: &Downs<'_>,
    applied: &Applied,
    judgement: &mut VerifyResults,
) -> Result<()> {
    match applied.refused {
        None => work.judge(judgement).await,
        Some(_) => {
            judgement.skip(CheckName::Down, "not every migration was applied");
            Ok(())
        }
    }
}

impl Downs<'_> {
    async fn judge(&self, judgement: &mut VerifyResults) -> Result<()> {
        let downs = self
            .folder
            .migrations
            .iter()
            .filter(|migration| migration.down.is_some())
            .count();
        if downs == 0 {
            judgement.skip(CheckName::Down, "no migration has a down script");
            return Ok(());
        }
        let started = Instant::now();
        let mut findings = down::missing(&self.folder.migrations, self.folder.layout());
        let (tried, stopped) = self.try_all(&mut findings).await?;
        let count = format::count(downs, "down script", "down scripts");
        let reason = format!("{tried} of {count} tried");
        judgement.add(CheckName::Down, started.elapsed(), findings, &reason);
        if let Some(stopped) = stopped {
            judgement.remark(&format!("{reason}; {stopped}"));
        }
        Ok(())
    }

    /// Returns how many were tried, and why no more.
    async fn try_all(&self, findings: &mut Vec<Finding>) -> Result<(usize, Option<String>)> {
        let (mut tried, mut copies) = (0, 0);
        let mut model = None;
        let (mut name, mut choice) = self.begin().await?;
        let mut known = None;
        for (at, migration) in self.folder.migrations.iter().enumerate() {
            let before = match (&migration.down, known.take()) {
                (Some(_), None) => Some(choice.state().await?),
                (_, known) => known,
            };
            if let Err(refused) = choice.up(migration).await? {
                return Ok((tried, Some(refused_again(&refused))));
            }
            let (Some(down), Some(before)) = (&migration.down, before) else {
                continue;
            };
            let after = choice.state().await?;
            let trip = choice.round_trip(migration, down, &before).await?;
            tried += 1;
            let is_whole = matches!(trip, RoundTrip::Whole);
            findings.extend(down::judge(migration, down, trip));
            if is_whole || choice.is_still(&after).await? {
                known = Some(after);
                continue;
            }
            if at + 1 == self.folder.migrations.len() {
                break;
            }
            copies += 1;
            if copies > MOST_COPIES {
                let stopped = format!("stopped after {MOST_COPIES} that do not restore the schema");
                return Ok((tried, Some(stopped)));
            }
            drop(choice);
            self.server.drop_other(self.context, &name).await?;
            (name, choice) = match self.copy(&mut model, at + 1).await? {
                Ok(copy) => copy,
                Err(refused) => return Ok((tried, Some(refused_again(&refused)))),
            };
        }
        Ok((tried, None))
    }

    /// A new database with the base.
    async fn begin(&self) -> Result<(String, RoundTripDatabase)> {
        let name = self.server.create_other(self.context, None).await?;
        let choice = self.open(&name, &Settings::new()).await?;
        for base in self.folder.preset.iter().chain(&self.folder.base) {
            load_base(choice.session(), base).await?;
        }
        make_own_tables(choice.session(), self.folder.layout()).await?;
        Ok((name, choice))
    }

    /// A new database in which the first so many migrations are applied.
    async fn copy(
        &self,
        model: &mut Option<ModelDatabase>,
        migrations: usize,
    ) -> Result<Answer<(String, RoundTripDatabase)>> {
        let mut at = match model.take() {
            Some(model) => model,
            None => {
                let (name, _) = self.begin().await?;
                ModelDatabase { name, applied: 0, settings: Settings::new() }
            }
        };
        let choice = self.open(&at.name, &at.settings).await?;
        for migration in &self.folder.migrations[at.applied..migrations] {
            if let Err(refused) = choice.up(migration).await? {
                return Ok(Err(refused));
            }
        }
        at.settings = choice.settings().await?;
        at.applied = migrations;
        // A database to which somebody is connected cannot be copied.
        drop(choice);
        let name = self.server.create_other(self.context, Some(&at.name)).await?;
        let choice = self.open(&name, &at.settings).await?;
        *model = Some(at);
        Ok(Ok((name, choice)))
    }

    async fn open(&self, name: &str, settings: &Settings) -> Result<RoundTripDatabase> {
        let database = self.server.open_other(self.context, name).await?;
        RoundTripDatabase::new(database, settings, self.folder.layout()).await
    }
}

fn refused_again(refused: &Refused) -> String {
    let Refused { place, error, .. } = refused;
    format!("{} cannot be applied a second time on this server: {error}", place.at)
}
