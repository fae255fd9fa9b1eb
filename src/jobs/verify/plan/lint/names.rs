//! The relations that the migrations have made so far, by their names: a guess that is given up
//! wherever something may have been dropped that cannot be seen.

use std::collections::{HashMap, HashSet};

use super::effects::{Created, Effect, IfTaken, RelationKind};
use super::settings::{Change, Holds};
use crate::pg::name::{RelationName, with_suffix};

/// A relation that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    pub kind: RelationKind,
    /// As it is written, however long.
    pub written: String,
    /// An index's table, a partition's parent.
    pub of: Option<RelationName>,
    /// `file:line` that made it.
    pub source: String,
    /// The number of the script that made it.
    pub script: usize,
}

/// The relations that are certainly there.
#[derive(Debug)]
pub struct Names {
    relations: HashMap<RelationName, Relation>,
    /// Tables of the session: they hide others of their name.
    temporary: HashSet<String>,
    /// Where names without a schema go; `None` where it is not known.
    schema: Option<String>,
    /// The schema of the session while a transaction has another one.
    outside: Option<Option<String>>,
}

const PUBLIC: &str = "public";

impl Default for Names {
    fn default() -> Self {
        Names {
            relations: HashMap::new(),
            temporary: HashSet::new(),
            schema: Some(PUBLIC.to_owned()),
            outside: None,
        }
    }
}

impl Names {
    /// The relation of that name.
    pub fn get(&self, name: &RelationName) -> Option<&Relation> {
        self.relations.get(&self.resolve(name)?)
    }

    /// With the schema, and cut as the server cuts it; `None` where the schema is not known or the
    /// relation is temporary.
    pub fn resolve(&self, name: &RelationName) -> Option<RelationName> {
        let schema = match &name.schema {
            Some(schema) => schema,
            None if self.temporary.contains(&name.name) => return None,
            None => self.schema.as_ref()?,
        };
        Some(RelationName::qualified(schema, with_suffix(&name.name, "")))
    }

    /// Whether the index or the relation is of a temporary table.
    pub fn is_temporary(&self, created: &Created) -> bool {
        let of = created.of.as_ref();
        created.temporary
            || of.is_some_and(|of| of.schema.is_none() && self.temporary.contains(&of.name))
    }

    /// Takes in what a statement did.
    pub fn apply(&mut self, effect: &Effect, script: usize, source: &str) {
        match effect {
            Effect::Create(created) => self.create(created, script, source),
            Effect::Drop { name, .. } => self.drop(name),
            Effect::Rename(from, to) => self.rename(from, to),
            Effect::Move(name, schema) => self.transfer(name, schema),
            Effect::Belong(name, of) => self.belong(name, of.as_ref()),
            Effect::Doubt(name) => self.doubt(name),
            Effect::DoubtAll => self.forget(),
        }
    }

    /// Takes in what a statement did to the search path.
    pub fn set(&mut self, change: &Change) {
        let is_path = change.setting.as_deref().is_none_or(|setting| setting == "search_path");
        if !is_path || change.holds == Holds::LaterSessions {
            return;
        }
        let schema = match change.value.as_deref() {
            None | Some("\"$user\", public" | "$user, public" | "public") => {
                Some(PUBLIC.to_owned())
            }
            Some(_) => None,
        };
        match change.holds {
            Holds::Transaction => {
                self.outside.get_or_insert_with(|| self.schema.clone());
            }
            _ => self.outside = None,
        }
        self.schema = schema;
    }

    /// A script or its transaction has ended.
    pub fn end(&mut self) {
        if let Some(schema) = self.outside.take() {
            self.schema = schema;
        }
    }

    /// Anything may be there or not.
    pub fn forget(&mut self) {
        self.relations.clear();
    }

    /// The session's settings are those that it began with.
    pub fn discard(&mut self) {
        *self = Names {
            relations: std::mem::take(&mut self.relations),
            ..Names::default()
        };
    }

    fn create(&mut self, created: &Created, script: usize, source: &str) {
        if self.is_temporary(created) {
            self.temporary.insert(created.name.name.clone());
            return;
        }
        let Some(name) = self.resolve(&created.name) else {
            return;
        };
        let of = created.of.as_ref().and_then(|of| self.resolve(of));
        if created.taken != IfTaken::Refuse && self.relations.contains_key(&name) {
            return;
        }
        let written = created.name.name.clone();
        let source = source.to_owned();
        let relation = Relation { kind: created.kind, written, of, source, script };
        self.relations.insert(name, relation);
    }

    fn drop(&mut self, name: &RelationName) {
        if name.schema.is_none() && self.temporary.remove(&name.name) {
            return;
        }
        match self.resolve(name) {
            Some(name) => self.remove(&name),
            None => self.relations.retain(|other, _| other.name != name.name),
        }
    }

    fn remove(&mut self, name: &RelationName) {
        self.relations.remove(name);
        for part in self.parts(name) {
            self.remove(&part);
        }
    }

    fn parts(&self, name: &RelationName) -> Vec<RelationName> {
        let parts = self.relations.iter().filter(|(_, part)| part.of.as_ref() == Some(name));
        parts.map(|(name, _)| name.clone()).collect()
    }

    fn rename(&mut self, from: &RelationName, to: &RelationName) {
        let (Some(from), Some(to)) = (self.resolve(from), self.resolve(to)) else {
            return self.forget();
        };
        self.put(&from, to);
    }

    fn transfer(&mut self, name: &RelationName, schema: &str) {
        let Some(from) = self.resolve(name) else {
            return self.forget();
        };
        for part in self.parts(&from) {
            // A partition stays where it is.
            if self.relations.get(&part).is_some_and(|part| part.kind == RelationKind::Index) {
                let to = RelationName::qualified(schema, part.name.clone());
                self.put(&part, to);
            }
        }
        let to = RelationName::qualified(schema, from.name.clone());
        self.put(&from, to);
    }

    fn put(&mut self, from: &RelationName, to: RelationName) {
        for part in self.parts(from) {
            if let Some(part) = self.relations.get_mut(&part) {
                part.of = Some(to.clone());
            }
        }
        if let Some(relation) = self.relations.remove(from) {
            let written = to.name.clone();
            self.relations.insert(to, Relation { written, ..relation });
        }
    }

    fn belong(&mut self, name: &RelationName, of: Option<&RelationName>) {
        let of = of.and_then(|of| self.resolve(of));
        let name = self.resolve(name);
        if let Some(relation) = name.and_then(|name| self.relations.get_mut(&name)) {
            relation.of = of;
        }
    }

    /// A table is there for certain; only its indexes may be gone.
    fn doubt(&mut self, name: &RelationName) {
        let Some(name) = self.resolve(name) else {
            return self.forget();
        };
        if self.relations.get(&name).is_none_or(|one| one.kind != RelationKind::Table) {
            self.relations.remove(&name);
        }
        for part in self.parts(&name) {
            self.relations.remove(&part);
        }
    }
}
