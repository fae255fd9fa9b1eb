//! Which tables statements read, and which of those may be copied.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::pg::name::RelationName;
use crate::syntax::names_in;
use crate::twin::data::{TwinData, TwinRelation};
use crate::work::explained;

pub(super) struct Tables<'d> {
    data: &'d TwinData,
    by_name: BTreeMap<RelationName, &'d TwinRelation>,
    /// Of a table, its partitions and children.
    below: BTreeMap<RelationName, Vec<RelationName>>,
}

impl<'d> Tables<'d> {
    pub fn of(data: &'d TwinData) -> Self {
        let name = |relation: &TwinRelation| {
            RelationName::qualified(relation.schema.clone(), relation.name.clone())
        };
        let mut below: BTreeMap<RelationName, Vec<RelationName>> = BTreeMap::new();
        for relation in &data.relations {
            for parent in &relation.parents {
                let parent = RelationName::qualified(parent.schema.clone(), parent.name.clone());
                below.entry(parent).or_default().push(name(relation));
            }
        }
        let by_name = data.relations.iter().map(|relation| (name(relation), relation)).collect();
        Tables { data, by_name, below }
    }

    /// The tables with rows that a plan reads or writes, with all partitions.
    pub fn of_plan(&self, plan: &Value) -> BTreeSet<RelationName> {
        self.with_parts(explained::relations(plan))
    }

    /// What functions of the database name, which no plan shows.
    pub fn of_functions(&self) -> BTreeSet<RelationName> {
        let functions = self.data.functions.iter();
        let words = functions
            .flat_map(|function| names_in(&function.source))
            .collect::<BTreeSet<_>>();
        let named = self.by_name.keys().filter(|name| words.contains(&name.name));
        self.with_parts(named.cloned().collect())
    }

    pub fn with_parts(&self, mut left: Vec<RelationName>) -> BTreeSet<RelationName> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        while let Some(name) = left.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            left.extend(self.below.get(&name).into_iter().flatten().cloned());
            let known = self.by_name.get(&name);
            if known.is_some_and(|relation| matches!(relation.kind.as_str(), "r" | "m")) {
                found.insert(name);
            }
        }
        found
    }

    pub fn get(&self, name: &RelationName) -> Option<&'d TwinRelation> {
        self.by_name.get(name).copied()
    }

    /// Why these cannot be copied; `None`: they can be.
    pub fn refusal(&self, tables: &BTreeSet<RelationName>) -> Option<String> {
        tables.iter().find_map(|name| {
            let relation = self.get(name)?;
            if relation.access_method.as_deref() != Some("heap") {
                return Some(format!("{name} is no table of PostgreSQL's own kind"));
            }
            (!relation.may_read).then(|| {
                format!(
                    "{name} may not be read, or only through policies (GRANT SELECT ON {name} or \
                     pg_read_all_data)"
                )
            })
        })
    }
}
