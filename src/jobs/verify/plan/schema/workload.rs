//! Indexes that no query of a workload would use.

use std::collections::HashSet;

use super::FinishedSchema;
use super::foreign_keys::is_served;
use crate::findings::{Finding, Place, Rule};
use crate::format;
use crate::jobs::verify::plan::observed::Origins;
use crate::pg::name::RelationName;

/// What came of explaining a workload.
#[derive(Debug, Clone, Default)]
pub struct ExplainedWorkload {
    /// How many queries were explained.
    pub queries: usize,
    /// The indexes that a plan uses or that would serve a scan.
    pub used: HashSet<RelationName>,
    /// What could not be explained, and why.
    pub not: Vec<(Place, String)>,
}

/// A finding for each index that serves no query and no foreign key and guards nothing, and for each query that could
/// not be explained.
pub fn unused(
    explained: &ExplainedWorkload,
    schema: &FinishedSchema,
    origins: &Origins,
) -> Vec<Finding> {
    let queries = format::count(explained.queries, "query", "queries");
    let not = explained.not.iter().map(|(place, reason)| {
        let message = format!("the query cannot be explained: {reason}");
        Finding::new(&Rule::WORKLOAD_NOT_EXPLAINED, Some(place.clone()), message)
    });
    let without_use = schema.indexes.iter().filter(|index| {
        let is_used =
            index.parts.iter().chain([&index.name]).any(|one| explained.used.contains(one));
        // Without partitions no plan reads anything of a partitioned table.
        let is_judged = !index.is_unique && index.constraint.is_none() && !index.parts.is_empty();
        let has_key = schema.foreign_keys.iter().any(|key| is_served(key, index));
        is_judged && !is_used && !has_key && origins.is_new(index.oid)
    });
    let unused = without_use.map(|index| {
        let message = format!(
            "the index {} on {} serves none of {queries} of the workload",
            index.name, index.table
        );
        Finding::new(&Rule::UNUSED_INDEX, origins.place(index.oid), message)
            .about(&index.name)
            .help("leave it out, or add the query that needs it to the workload")
    });
    not.chain(unused).collect()
}
