//! Reasons in words.

use crate::facts::{IndexShape, Relation, RelationKind};
use crate::pg::name::RelationName;

pub fn cannot_index(relation: &Relation) -> Option<String> {
    match relation.kind {
        RelationKind::Table | RelationKind::PartitionedTable | RelationKind::MaterializedView => {
            None
        }
        kind => Some(format!("{} is {}, which has no indexes", relation.name, kind.with_article())),
    }
}

/// Why there is something to do, of an index that is made in the step of another.
pub fn describe_part(reason: &str, whole: &RelationName) -> String {
    format!("{reason}; it is made as a part of {whole}")
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
