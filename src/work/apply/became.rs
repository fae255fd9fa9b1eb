//! What has become of a table and its index while the index was built. Names can change hands
//! meanwhile: what was built is known by its oid.

use super::replan::TableNow;
use super::why::Why;
use crate::facts::{Oid, load_present_names};
use crate::failure::Result;
use crate::pg::name::RelationName;
use crate::work::Execution;
use crate::work::event::{Status, StepOutcome};
use crate::work::plan;
use crate::work::reason::{self, Reason};

/// An outcome where the table is not any more what it was called, or the index not what it was to be
/// called; `None` where both are.
pub async fn of(
    execution: &Execution<'_>,
    table: &TableNow,
    index: Option<Oid>,
    name: &RelationName,
) -> Result<Option<StepOutcome>> {
    let session = execution.database.reader().await?;
    let (table_now, index_now) = load_present_names(&session, table.oid, index).await?;
    let reason = match (table_now, index_now) {
        (None, _) => Reason::from(reason::Why::DroppedMeanwhile { what: table.name.to_string() }),
        (Some(now), _) if now != table.name => {
            let what = renamed(&table.name, &now);
            let more = index.map(|_| format!(", and the index with it: {name}"));
            let how = format!("{what}{}", more.unwrap_or_default());
            reason::Why::RenamedMeanwhile { how }.into()
        }
        (_, None) if index.is_some() => Why::BuiltThenDropped.into(),
        (_, Some(now)) if now != *name => Why::BuiltThenRenamed { how: renamed(name, &now) }.into(),
        _ => return Ok(None),
    };
    Ok(Some(StepOutcome::new(Status::Failed, reason)))
}

/// Adds to the outcome what a build has left on a table that is not any more what it was called.
pub async fn tell_leftover(
    execution: &Execution<'_>,
    table: &TableNow,
    index: Oid,
    outcome: &mut StepOutcome,
) -> Result<()> {
    let session = execution.database.reader().await?;
    let (table_now, index_now) = load_present_names(&session, table.oid, Some(index)).await?;
    if let (Some(now), Some(index)) = (table_now, index_now) {
        let what = renamed(&table.name, &now);
        outcome.reason.add(format!("{what}, with an index that is not valid"));
        outcome.cleanup = Some(format!("{};", plan::drop(&index).texts().concat()));
    }
    Ok(())
}

fn renamed(before: &RelationName, now: &RelationName) -> String {
    let verb = if before.name == now.name { "moved" } else { "renamed" };
    format!("{before} was {verb} meanwhile: it is {now} now")
}
