//! What the migrations' own statements declare of the indexes and materialized views that are there
//! afterwards. What became of each is told by the server; only what its statement says is read.

use std::collections::HashMap;

use super::meant::Meant;
use super::observed::Observed;
use super::relations::{RelationStep, Relations, keyword};
use crate::declared::{Declared, DeclaredIndex, DeclaredView, declared};
use crate::facts::Oid;
use crate::facts::observed::ObservedRelation;
use crate::findings::Place;
use crate::pg::name::RelationName;

/// What is in force, in the order of the statements.
#[derive(Debug, Clone, Default)]
pub struct InForce {
    /// CREATE INDEX.
    pub indexes: Vec<Standing<DeclaredIndex>>,
    /// CREATE MATERIALIZED VIEW.
    pub views: Vec<Standing<DeclaredView>>,
}

/// Something declared, and where.
#[derive(Debug, Clone)]
pub struct Standing<T> {
    pub declared: T,
    pub place: Place,
    /// The number of its statement.
    pub at: usize,
    /// IF NOT EXISTS: something bore the name already.
    pub had_no_effect: bool,
}

/// What is in force after the last migration. Of several declarations of a name the last one is.
pub fn in_force(observed: &Observed) -> InForce {
    let mut relations = observed.before.clone();
    let (mut indexes, mut views) = (HashMap::new(), HashMap::new());
    for (at, step) in observed.steps.iter().enumerate() {
        relations.apply(&step.changes);
        let reading = StatementReading { observed, relations: &relations, step, at };
        for declared in reading.statement() {
            match declared {
                Declared::Index(index) => indexes.extend(reading.index(index)),
                Declared::View(view) => views.extend(reading.view(view)),
                Declared::Comment(_) | Declared::Maintenance(_) => {}
            }
        }
    }
    InForce { indexes: in_order(indexes), views: in_order(views) }
}

fn in_order<T>(by_name: HashMap<RelationName, Standing<T>>) -> Vec<Standing<T>> {
    let mut standing = by_name.into_values().collect::<Vec<_>>();
    standing.sort_by_key(|one| one.at);
    standing
}

/// A statement, and the relations after it.
struct StatementReading<'a> {
    observed: &'a Observed,
    relations: &'a Relations,
    step: &'a RelationStep,
    at: usize,
}

/// What bears the name, now and in the end.
struct Bearer<'a> {
    relation: &'a ObservedRelation,
    had_no_effect: bool,
}

impl StatementReading<'_> {
    /// What it declares, where it made such a thing or nothing.
    fn statement(&self) -> Vec<Declared> {
        let made = &self.step.changes.made;
        let kinds = ["INDEX", "MATERIALIZED VIEW"];
        let is_such =
            |one: &ObservedRelation| kinds.contains(&keyword(one.kind)) && !one.is_constraint;
        if self.step.text.is_empty() || !made.is_empty() && !made.iter().any(is_such) {
            return Vec::new();
        }
        declared(&self.step.text, &self.step.place.at).unwrap_or_default()
    }

    fn index(&self, index: DeclaredIndex) -> Option<(RelationName, Standing<DeclaredIndex>)> {
        let bearer = self.bearer("INDEX")?;
        let table = self.relations.found(&index.table, &self.step.names)?;
        let table = self.observed.after.get(table.oid)?.qualified();
        if bearer.had_no_effect && !index.plain && !self.is_in_usual_path() {
            return None;
        }
        let name = index.name.as_ref().map(|_| bearer.relation.name.clone());
        let declared = DeclaredIndex { name, table, ..index };
        Some((bearer.relation.qualified(), self.standing(declared, &bearer)))
    }

    fn view(&self, view: DeclaredView) -> Option<(RelationName, Standing<DeclaredView>)> {
        let bearer = self.bearer("MATERIALIZED VIEW")?;
        if bearer.had_no_effect && !self.is_in_usual_path() {
            return None;
        }
        let name = bearer.relation.qualified();
        let declared = DeclaredView { name: name.clone(), ..view };
        Some((name, self.standing(declared, &bearer)))
    }

    fn standing<T>(&self, declared: T, bearer: &Bearer<'_>) -> Standing<T> {
        let (place, at) = (self.step.place.clone(), self.at);
        Standing { declared, place, at, had_no_effect: bearer.had_no_effect }
    }

    /// What the statement has made, else what it met; `None` where that is gone, the session's, or a
    /// constraint's. The index of a partitioned table is older than those of its partitions.
    fn bearer(&self, kind: &str) -> Option<Bearer<'_>> {
        let made = self
            .step
            .changes
            .made
            .iter()
            .filter(|one| keyword(one.kind) == kind)
            .map(|one| one.oid)
            .min();
        let oid = made.or_else(|| self.met())?;
        let relation = self.observed.after.get(oid)?;
        let is_its_own = !relation.is_temporary && !relation.is_constraint;
        is_its_own.then_some(Bearer { relation, had_no_effect: made.is_none() })
    }

    fn met(&self) -> Option<Oid> {
        let meant = Meant::read(&self.step.text)?;
        meant.met(self.relations, self.step).map(|relation| relation.oid)
    }

    /// Whether other names mean what they mean to a session that begins.
    fn is_in_usual_path(&self) -> bool {
        self.step.names.search_path == self.observed.search_path
    }
}
