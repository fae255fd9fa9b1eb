//! What there is to say against the schema that the migrations leave.

mod foreign_keys;
mod functions;
mod indexes;
mod workload;

use super::observed::Origins;
use crate::facts::InvalidIndex;
use crate::facts::migrated::{MigratedForeignKey, SchemaIndex};
use crate::findings::{Finding, Rule};

pub use functions::{Broken, broken_functions};
pub use workload::{ExplainedWorkload, unused};

/// The indexes and keys of a finished schema.
#[derive(Debug, Clone, Default)]
pub struct FinishedSchema {
    /// Those that no query may use.
    pub invalid: Vec<InvalidIndex>,
    /// The others, the oldest first.
    pub indexes: Vec<SchemaIndex>,
    /// The oldest first.
    pub foreign_keys: Vec<MigratedForeignKey>,
}

/// The findings about what the migrations made, those that are errors first. What was there before
/// is not theirs.
pub fn judge(schema: &FinishedSchema, origins: &Origins) -> Vec<Finding> {
    let mut findings =
        schema.invalid.iter().map(|index| invalid(index, origins)).collect::<Vec<_>>();
    findings.extend(indexes::superfluous(&schema.indexes, origins));
    findings.extend(foreign_keys::without_index(schema, origins));
    findings
}

fn invalid(index: &InvalidIndex, origins: &Origins) -> Finding {
    let message = format!("the index {} on {} is invalid", index.name, index.table);
    let finding = Finding::new(&Rule::INVALID_INDEX, origins.place(index.oid), message);
    finding.about(&index.name).help(
        "build it whole; an index of a partitioned table that was made with ON ONLY is valid when an \
         index of each partition is attached to it",
    )
}

#[cfg(test)]
mod tests;
