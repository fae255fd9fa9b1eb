//! Reasons in words.

use crate::facts::{IndexShape, Relation, RelationKind};
use crate::work::apply::why::Why;

pub fn cannot_index(relation: &Relation) -> Option<Why> {
    match relation.kind {
        RelationKind::Table | RelationKind::PartitionedTable | RelationKind::MaterializedView => {
            None
        }
        kind => Some(Why::HasNoIndexes { table: relation.name.clone(), kind: kind.with_article() }),
    }
}

/// What the index is, and what is declared.
pub fn describe_drift(is: &IndexShape, declared: &IndexShape) -> String {
    match (is.unique, declared.unique) {
        (true, false) => "it is unique, declared is a plain one".to_owned(),
        (false, true) => "it is not unique, declared is a unique one".to_owned(),
        _ => format!("it is {}, declared is {}", is.definition, declared.definition),
    }
}

pub fn or_defaults(options: &str) -> &str {
    if options.is_empty() { " the defaults" } else { options }
}
