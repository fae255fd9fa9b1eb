//! What an interrupted replacement or rebuild has left.

use super::IndexTarget;
use crate::facts::Index;
use crate::pg::name::{distinct_with_suffix, rebuild_leftover_names};

impl IndexTarget<'_, '_> {
    /// What REINDEX CONCURRENTLY of the index has left when it broke off: nobody is at work on it.
    pub(super) fn rebuild_leftovers(&self, index: &Index) -> Vec<Index> {
        let table = self.relation.oid;
        let equal = self.planner.indexes_defined(table, &index.shape.definition);
        let mut left = equal
            .filter(|other| !other.is_whole() && other.pinned_by.is_none())
            .filter(|other| other.oid != index.oid)
            .cloned()
            .collect::<Vec<_>>();
        if left.is_empty() {
            return left;
        }
        let mut builds = self.planner.facts.builds.iter();
        if builds.any(|build| build.table.is_none_or(|built| built == table)) {
            return Vec::new();
        }
        let names = rebuild_leftover_names(&index.name.name);
        left.retain(|other| other.shape.equals(&index.shape) && names.contains(&other.name.name));
        left
    }

    pub(super) fn leftover(&self, index: &Index, suffix: &str) -> Option<Index> {
        let name = distinct_with_suffix(&index.name.name, suffix);
        let found = self.planner.index_named(self.relation.oid, &name);
        found
            .filter(|other| other.oid != index.oid && other.pinned_by.is_none())
            .cloned()
    }
}
