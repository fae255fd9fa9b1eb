//! The relations of the database while the migrations are applied, put together from what the session
//! tells after each statement.

use std::collections::{HashMap, HashSet};

use crate::facts::observed::{Observation, ObservedRelation};
use crate::facts::{Oid, RelationKind};
use crate::findings::Place;
use crate::pg::name::{RelationName, with_suffix};
use crate::pg::session::Notice;

/// All relations at a moment, but for toast tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relations {
    by_oid: HashMap<Oid, ObservedRelation>,
    by_name: HashMap<RelationName, Oid>,
}

/// How the relations differ from what was known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    pub made: Vec<ObservedRelation>,
    /// As they are now: renamed, moved, attached, granted.
    pub changed: Vec<ObservedRelation>,
    pub dropped: Vec<Oid>,
}

/// A statement that the server has run and that concerns relations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationStep {
    pub place: Place,
    pub text: String,
    /// Its migration, from 0.
    pub migration: usize,
    /// Statements of one number are of one transaction.
    pub transaction: usize,
    pub changes: Changes,
    /// What the server said by the way.
    pub notices: Vec<Notice>,
    pub names: Names,
}

/// What names without a schema mean when a statement is run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// As the setting holds it.
    pub search_path: Option<String>,
    /// Where relations are made.
    pub schema: Option<String>,
    /// Where relations are looked for.
    pub schemas: Vec<String>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.made.is_empty() && self.changed.is_empty() && self.dropped.is_empty()
    }
}

impl Names {
    pub fn of(observation: &Observation) -> Names {
        Names {
            search_path: observation.settings.get("search_path").cloned().flatten(),
            schema: observation.schema.clone(),
            schemas: observation.schemas.clone(),
        }
    }

    /// The name of a relation that is made, as the catalog holds it.
    pub fn made(&self, name: &RelationName) -> Option<RelationName> {
        let schema = name.schema.as_ref().or(self.schema.as_ref())?;
        Some(RelationName::qualified(schema, with_suffix(&name.name, "")))
    }
}

impl Relations {
    pub fn get(&self, oid: Oid) -> Option<&ObservedRelation> {
        self.by_oid.get(&oid)
    }

    /// The relation of that schema and name.
    pub fn named(&self, name: &RelationName) -> Option<&ObservedRelation> {
        self.get(*self.by_name.get(name)?)
    }

    /// The relation that the name means there.
    pub fn found(&self, name: &RelationName, names: &Names) -> Option<&ObservedRelation> {
        let cut = with_suffix(&name.name, "");
        let schemas = match &name.schema {
            Some(schema) => std::slice::from_ref(schema),
            None => names.schemas.as_slice(),
        };
        schemas
            .iter()
            .find_map(|schema| self.named(&RelationName::qualified(schema, cut.clone())))
    }

    /// What an observation changes.
    pub fn differ(&self, seen: &Observation) -> Changes {
        let told = seen
            .relations
            .iter()
            .filter(|one| !one.schema.starts_with("pg_toast"))
            .filter(|one| self.get(one.oid) != Some(*one))
            .cloned();
        let (changed, made) = told.partition(|one| self.by_oid.contains_key(&one.oid));
        let dropped = seen.present.as_ref().map(|present| self.without(present));
        Changes { made, changed, dropped: dropped.unwrap_or_default() }
    }

    /// What is otherwise where all relations are told.
    pub fn differ_from_all(&self, seen: &Observation) -> Changes {
        let present = seen.relations.iter().map(|one| one.oid).collect::<HashSet<_>>();
        Changes { dropped: self.without(&present), ..self.differ(seen) }
    }

    fn without(&self, present: &HashSet<Oid>) -> Vec<Oid> {
        let mut gone = self.by_oid.keys().copied().collect::<Vec<_>>();
        gone.retain(|oid| !present.contains(oid));
        gone.sort_unstable();
        gone
    }

    /// Takes in what has changed. Names may have been exchanged.
    pub fn apply(&mut self, changes: &Changes) {
        let now = changes.made.iter().chain(&changes.changed);
        for oid in changes.dropped.iter().copied().chain(now.clone().map(|one| one.oid)) {
            if let Some(before) = self.by_oid.remove(&oid) {
                self.by_name.remove(&before.qualified());
            }
        }
        for relation in now {
            self.by_name.insert(relation.qualified(), relation.oid);
            self.by_oid.insert(relation.oid, relation.clone());
        }
    }
}

/// As in CREATE and DROP, which do not tell an index of a partitioned table from another.
pub fn keyword(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Table | RelationKind::PartitionedTable => "TABLE",
        RelationKind::MaterializedView => "MATERIALIZED VIEW",
        RelationKind::Index | RelationKind::PartitionedIndex => "INDEX",
        RelationKind::View => "VIEW",
        RelationKind::Sequence => "SEQUENCE",
        RelationKind::ForeignTable => "FOREIGN TABLE",
        RelationKind::CompositeType => "TYPE",
        RelationKind::Toast | RelationKind::Other => "RELATION",
    }
}
