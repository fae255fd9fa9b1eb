//! The checks of the finished schema.

use std::time::Instant;

use super::plan::declared::{InForce, in_force};
use super::plan::observed::{Observed, Origins};
use super::plan::schema::{self, FinishedSchema};
use super::plan::{CheckName, VerifyResults};
use super::run::{Healed, broken_functions, converge, explain_workload, heal, refresh};
use super::{Args, Context};
use crate::facts::{self, migrated};
use crate::failure::Result;
use crate::findings::Finding;
use crate::format;
use crate::pg::database::{Database, Workers};

const CHECKS: [CheckName; 4] =
    [CheckName::Indexes, CheckName::Converge, CheckName::Heal, CheckName::Views];

/// Skips them all.
pub fn skip(judgement: &mut VerifyResults) {
    for check in CHECKS {
        judgement.skip(check, "not every migration was applied");
    }
}

/// The finished schema, and what it came of.
pub struct Finished<'a> {
    /// Of the command.
    pub context: &'a Context,
    /// Of the command.
    pub args: &'a Args,
    /// The database that has the schema.
    pub database: &'a Database,
}

impl Finished<'_> {
    /// Makes all the checks. Those that change something come last.
    ///
    /// # Errors
    /// `Usage` where the workload cannot be read; those of the server.
    pub async fn judge(&self, observed: &Observed, judgement: &mut VerifyResults) -> Result<()> {
        let origins = &observed.origins;
        let started = Instant::now();
        let findings = self.indexes(origins).await?;
        judgement.indexes(findings, started.elapsed());
        let held = self.converged(in_force(observed), judgement).await?;
        self.healed(&held, judgement).await?;
        self.views(origins, judgement).await
    }

    /// What there is to say against the indexes, the keys and the functions that are there.
    async fn indexes(&self, origins: &Origins) -> Result<Vec<Finding>> {
        let session = self.database.maintainer(Workers::AsConfigured).await?;
        let schema = FinishedSchema {
            invalid: facts::load_invalid_indexes(&self.database.reader().await?).await?,
            indexes: migrated::load_schema_indexes(&session).await?,
            foreign_keys: migrated::load_foreign_keys(&session).await?,
        };
        let mut findings = schema::judge(&schema, origins);
        let broken = broken_functions(&session).await?;
        findings.extend(schema::broken_functions(&broken, origins));
        if let Some(folder) = &self.args.workload {
            let explained = explain_workload(&session, folder, &schema.indexes).await?;
            findings.extend(schema::unused(&explained, &schema, origins));
        }
        Ok(findings)
    }

    /// Returns what is in force and held by the database.
    async fn converged(&self, in_force: InForce, judgement: &mut VerifyResults) -> Result<InForce> {
        if in_force.indexes.is_empty() && in_force.views.is_empty() {
            judgement.skip(CheckName::Converge, "no index and no materialized view is declared");
            return Ok(in_force);
        }
        let cancel = &self.context.cancel;
        let converged = converge(self.database, in_force, cancel).await?;
        let held = converged.held;
        let count = held.indexes.len() + held.views.len();
        let reason = format!("{} as declared", format::count(count, "object", "objects"));
        judgement.add(CheckName::Converge, converged.took, converged.findings, &reason);
        Ok(held)
    }

    async fn healed(&self, held: &InForce, judgement: &mut VerifyResults) -> Result<()> {
        let cancel = &self.context.cancel;
        match heal(self.database, held, cancel).await? {
            Healed::Untried(reason) => judgement.skip(CheckName::Heal, &reason),
            Healed::Tried { index, findings, took } => {
                let reason = format!("{index} was made invalid on purpose and repaired");
                judgement.add(CheckName::Heal, took, findings, &reason);
            }
        }
        Ok(())
    }

    async fn views(&self, origins: &Origins, judgement: &mut VerifyResults) -> Result<()> {
        let refreshed = refresh(self.database, origins).await?;
        if refreshed.views == 0 {
            judgement.skip(CheckName::Views, "the migrations make no materialized view");
            return Ok(());
        }
        let count = format::count(refreshed.views, "view", "views");
        let reason = format!("{count} refreshed concurrently");
        judgement.add(CheckName::Views, refreshed.took, refreshed.findings, &reason);
        if refreshed.unknown_nulls > 0 {
            let columns = format::count(refreshed.unknown_nulls, "key column", "key columns");
            judgement.append(&format!("PostgreSQL cannot tell whether {columns} may be NULL"));
        }
        Ok(())
    }
}
