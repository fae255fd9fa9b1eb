//! Builds that are under way, of whomever.

use super::IndexTarget;
use crate::facts::{Build, Index, Oid};

impl IndexTarget<'_, '_> {
    /// The build that this index belongs to. Whoever may not see what a builder builds has to
    /// take any build on the table for it.
    pub(super) fn build_of(&self, index: &Index) -> Option<&Build> {
        self.builds_on(self.relation.oid).find(|build| match build.index {
            Some(oid) => oid == index.oid || is_rebuild(build),
            None => true,
        })
    }

    pub(super) fn build_on_table(&self) -> Option<&Build> {
        self.builds_on(self.relation.oid).next()
    }

    pub(super) fn builds_on(&self, table: Oid) -> impl Iterator<Item = &Build> {
        self.planner.facts.builds.iter().filter(move |build| build.table == Some(table))
    }
}

fn is_rebuild(build: &Build) -> bool {
    build.command.as_deref().is_some_and(|command| command.starts_with("REINDEX"))
}
