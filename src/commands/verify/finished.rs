//! The checks of the finished schema.

use std::time::Instant;

use super::Context;
use crate::catalog;
use crate::declared::migrations::Migration;
use crate::declared::{InForce, in_force};
use crate::execute::verify::{Healed, converge, heal, refresh};
use crate::failure::Result;
use crate::figures;
use crate::pg::database::Database;
use crate::plan::verify::views::Created;
use crate::plan::verify::{CheckName, Judgement};

const CHECKS: [CheckName; 4] =
    [CheckName::Indexes, CheckName::Converge, CheckName::Heal, CheckName::Views];

/// Skips them all.
pub fn skip(judgement: &mut Judgement) {
    for check in CHECKS {
        judgement.skip(check, "not every migration was applied");
    }
}

/// Makes them all.
pub async fn judge(
    context: &Context,
    database: &Database,
    migrations: &[Migration],
    judgement: &mut Judgement,
) -> Result<()> {
    indexes(database, judgement).await?;
    let in_force = in_force(migrations);
    let created = in_force.created.clone();
    let held = converged(context, database, in_force, migrations, judgement).await?;
    healed(context, database, &held, migrations, judgement).await?;
    views(database, &Created { migrations, views: &created }, judgement).await
}

async fn indexes(database: &Database, judgement: &mut Judgement) -> Result<()> {
    let started = Instant::now();
    let invalid = catalog::load_invalid_indexes(&database.reader().await?).await?;
    judgement.indexes(&invalid, started.elapsed());
    Ok(())
}

/// Returns what is in force and held by the database.
async fn converged(
    context: &Context,
    database: &Database,
    in_force: InForce,
    migrations: &[Migration],
    judgement: &mut Judgement,
) -> Result<InForce> {
    if in_force.indexes.is_empty() && in_force.views.is_empty() {
        judgement.skip(CheckName::Converge, "no index and no materialized view is declared");
        return Ok(in_force);
    }
    let converged = converge(database, in_force, migrations, &context.cancel).await?;
    let held = converged.held;
    let count = held.indexes.len() + held.views.len();
    let reason = format!("{} as declared", figures::count(count, "object", "objects"));
    judgement.add(CheckName::Converge, converged.took, converged.findings, &reason);
    Ok(held)
}

async fn healed(
    context: &Context,
    database: &Database,
    held: &InForce,
    migrations: &[Migration],
    judgement: &mut Judgement,
) -> Result<()> {
    match heal(database, held, migrations, &context.cancel).await? {
        Healed::Untried(reason) => judgement.skip(CheckName::Heal, &reason),
        Healed::Tried { index, finding, took } => {
            let findings = finding.into_iter().collect();
            let reason = format!("{index} was broken and mended");
            judgement.add(CheckName::Heal, took, findings, &reason);
        }
    }
    Ok(())
}

async fn views(
    database: &Database,
    created: &Created<'_>,
    judgement: &mut Judgement,
) -> Result<()> {
    let refreshed = refresh(database, created).await?;
    if refreshed.views == 0 {
        judgement.skip(CheckName::Views, "no materialized view");
        return Ok(());
    }
    let count = figures::count(refreshed.views, "view", "views");
    let reason = format!("{count} refreshed concurrently");
    judgement.add(CheckName::Views, refreshed.took, refreshed.findings, &reason);
    Ok(())
}
