//! Names that another relation bears already.

use super::effects::{Created, IfTaken, RelationKind};
use super::names::{Names, Relation};
use crate::findings::{Finding, Place, Rule};
use crate::pg::name::NAME_MAX_BYTES;

/// What comes of it where the name is taken by something else. Where the server refuses it, it has
/// said so itself if it came that far.
pub fn check(names: &Names, created: &Created, place: Place, reached: Reached) -> Option<Finding> {
    if created.taken == IfTaken::Replace || names.is_temporary(created) {
        return None;
    }
    let name = names.resolve(&created.name)?;
    let other = names.get(&name)?;
    if created.taken == IfTaken::Skip && is_meant(names, created, other) {
        return None;
    }
    let message = match (created.taken, reached) {
        (IfTaken::Refuse, Reached::ByTheServer) => return None,
        (IfTaken::Refuse, Reached::Never) => format!(
            "the server refuses it: {name} is {} already (made at {})",
            whose(other),
            other.source
        ),
        _ => format!(
            "nothing is created: {name} is {} already (made at {}), and IF NOT EXISTS hides it",
            whose(other),
            other.source
        ),
    };
    let finding = Finding::new(&Rule::NAME_COLLISION, Some(place), message);
    Some(finding.help(
        "choose another name: tables, views, sequences and indexes of a schema share their names, \
         and only the first 63 bytes of a name count",
    ))
}

/// Whether the server has run the statement, or refused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// It has.
    ByTheServer,
    /// It stopped before.
    Never,
}

/// IF NOT EXISTS is for what is there by another way: the same kind of relation, of the same table,
/// and not one whose long name only ends otherwise.
fn is_meant(names: &Names, created: &Created, other: &Relation) -> bool {
    let is_cut = created.name.name.len() > NAME_MAX_BYTES;
    if other.kind != created.kind || (is_cut && other.written != created.name.name) {
        return false;
    }
    let of = created.of.as_ref().and_then(|of| names.resolve(of));
    other.of.is_none() || other.of == of || created.kind != RelationKind::Index
}

fn whose(other: &Relation) -> String {
    match &other.of {
        Some(table) if other.kind == RelationKind::Index => format!("an index on {table}"),
        _ => other.kind.with_article().to_owned(),
    }
}
