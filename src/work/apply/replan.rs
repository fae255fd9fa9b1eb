//! One object, looked at afresh: the facts about it, and what is to be done.

use super::plan as planner;
use crate::declared::Declaration;
use crate::facts::{self, Build, Facts, Oid};
use crate::failure::{Failure, Kind, Result};
use crate::pg::name::RelationName;
use crate::pg::server_error::LOCK_NOT_AVAILABLE;
use crate::work::Apply;
use crate::work::plan::{Plan, Step, Subject};

/// What the catalog says of one object now.
pub struct SeenObject {
    pub step: Step,
    /// The table, where it is there.
    pub table: Option<TableNow>,
    /// The index, where it is there under its name.
    pub index: Option<Oid>,
    pub size_bytes: Option<i64>,
    /// Rows that it holds.
    pub rows: Option<i64>,
    /// The builds under way in the database, by anyone.
    pub builds: Vec<Build>,
}

/// A table by its oid, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableNow {
    pub oid: Oid,
    pub name: RelationName,
}

/// Reads the facts about one declared object and plans it.
pub async fn replan(apply: &Apply<'_>, subject: &Subject) -> Result<SeenObject> {
    let (facts, steps) = look_at(apply, [subject]).await?;
    if !facts.locked.is_empty() {
        return Err(Failure::new(Kind::Server, "the table is locked by another session")
            .sqlstate(Some(LOCK_NOT_AVAILABLE.to_owned())));
    }
    let step = steps
        .into_iter()
        .next()
        .ok_or_else(|| Failure::new(Kind::Server, "the object was not planned"))?;
    let index = facts.indexes.values().flatten().find(|index| index.name == step.object);
    let table = facts.relations.values().next();
    Ok(SeenObject {
        table: table.map(|table| TableNow { oid: table.oid, name: table.name.clone() }),
        index: index.map(|index| index.oid),
        size_bytes: index.map(|index| index.size_bytes),
        rows: index.map(|index| index.rows).filter(|rows| *rows >= 0),
        step,
        builds: facts.builds,
    })
}

/// Reads the facts about declared objects of one kind and plans them, in their order.
pub async fn look_at<'s>(
    apply: &Apply<'_>,
    subjects: impl IntoIterator<Item = &'s Subject>,
) -> Result<(Facts, Vec<Step>)> {
    let mut declaration = Declaration::default();
    for subject in subjects {
        match subject.clone() {
            Subject::Index(index) => declaration.indexes.push(index),
            Subject::View(view) => declaration.views.push(view),
            Subject::Comment(comment) => declaration.comments.push(comment),
            Subject::Maintenance(maintenance) => declaration.maintenance.push(maintenance),
            // They are not declared, and have their own way of looking.
            Subject::Refresh(_) | Subject::TableMaintenance(_) | Subject::Rebuild(_) => {}
        }
    }
    let database = apply.execution.database;
    let session = database.reader().await?;
    let questions = planner::questions(&declaration);
    let facts = facts::load(&session, &database.server, &questions).await?;
    let options =
        planner::ApplyOptions { filter: planner::Filter::default(), ..apply.options.clone() };
    let Plan { steps, .. } = planner::plan(&declaration, &facts, &options)?;
    Ok((facts, steps))
}
