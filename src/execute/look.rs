//! One object, looked at afresh: the facts about it, and what is to be done.

use super::Execution;
use crate::catalog::{self, Build, load::LOCK_NOT_AVAILABLE};
use crate::declared::Declaration;
use crate::failure::{Failure, Kind, Result};
use crate::plan::{Plan, Step, Subject, apply};

/// What the catalog says of one object now.
pub struct Seen {
    pub step: Step,
    pub size_bytes: Option<i64>,
    /// The builds under way in the database, by anyone.
    pub builds: Vec<Build>,
}

/// Reads the facts about one declared object and plans it.
pub async fn look(execution: &Execution<'_>, subject: &Subject) -> Result<Seen> {
    let mut declaration = Declaration::default();
    match subject.clone() {
        Subject::Index(index) => declaration.indexes.push(index),
        Subject::View(view) => declaration.views.push(view),
        Subject::Comment(comment) => declaration.comments.push(comment),
        Subject::Maintenance(maintenance) => declaration.maintenance.push(maintenance),
    }
    let session = execution.database.reader().await?;
    let questions = apply::questions(&declaration);
    let facts = catalog::load(&session, &execution.database.server, &questions).await?;
    if !facts.locked.is_empty() {
        return Err(Failure::new(Kind::Server, "the table is locked by another session")
            .sqlstate(Some(LOCK_NOT_AVAILABLE.to_owned())));
    }
    let options = apply::Options { filter: apply::Filter::default(), ..execution.options.clone() };
    let Plan { steps, .. } = apply::plan(&declaration, &facts, &options);
    let step = steps.into_iter().next();
    let step = step.ok_or_else(|| Failure::new(Kind::Server, "the object was not planned"))?;
    let index = facts.indexes.values().flatten().find(|index| index.name == step.object);
    Ok(Seen { size_bytes: index.map(|index| index.size_bytes), step, builds: facts.builds })
}
