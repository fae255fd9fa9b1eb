//! What is to be done about a declared index.
//!
//! The statements of a step are what leads from the state of the catalog to the declared one.
//! Execution sends the first, reads the catalog and plans again: so each statement is verified by
//! the next plan, and a run that was interrupted anywhere is simply continued.

mod builds;
mod leftovers;
mod words;

use super::belongings::{Carried, beyond, can_be_replica_identity, carry};
use super::partitioned::Tree;
use super::planner::ApplyPlanner;
use super::size;
use crate::declared::DeclaredIndex;
use crate::facts::load::name_choices;
use crate::facts::{Canonical, Index, IndexShape, Relation, RelationKind};
use crate::pg::name::{RelationName, distinct_with_suffix, quote_ident};
use crate::work::apply::why::Why;
use crate::work::plan::{Action, Lock, Statement, Step, Subject, UNNAMED, Verdict, describe};
use crate::work::statement::{create, create_as, drop};
pub use words::describe_drift;
use words::{cannot_index, or_defaults};

/// The suffix of an index that is being built to take a drifted one's place.
const NEW_SUFFIX: &str = "_pgtend_new";
/// The suffix of a drifted index whose place has been taken.
const OLD_SUFFIX: &str = "_pgtend_old";
/// As the catalog query calls that pin.
const REPLICA_IDENTITY: &str = "replica identity";

/// Adds the index's step.
pub fn plan(planner: &mut ApplyPlanner<'_>, at: usize, declared: &DeclaredIndex) {
    let canonical = planner.canonical(at).clone();
    let Some(relation) = planner.relation(&declared.table).cloned() else {
        let step = on_missing_table(planner, declared, &canonical);
        planner.plan.steps.push(step);
        return;
    };
    if planner.facts.locked.contains(&relation.oid) {
        let mut step = blank(declared, &relation.name, declared.name.as_deref());
        step.verdict = Verdict::ToDo;
        step.reason = Why::TableLocked { table: relation.name.clone() }.into();
        planner.plan.steps.push(step);
        return;
    }
    if let Some(sql) = planner.also_in_sql.get(&at) {
        let mut step = blank(declared, &relation.name, declared.name.as_deref());
        let sql = &planner.declaration.indexes[*sql];
        let name = sql.name.as_deref().unwrap_or(UNNAMED).to_owned();
        step.verdict = Verdict::LeftOut;
        step.reason = Why::DeclaredInSql { name, source: sql.source.to_string() }.into();
        planner.plan.steps.push(step);
        return;
    }
    let mut step = IndexTarget { planner, relation: &relation, declared, canonical, at }.step();
    if step.verdict == Verdict::ToDo && step.action != Action::WatchBuild && !relation.owned {
        step.verdict = Verdict::Refused;
        step.reason = Why::NotOwner {
            what: step.reason.words,
            table: relation.name.clone(),
            owner: relation.owner.clone(),
        }
        .into();
    }
    if step.verdict == Verdict::ToDo
        && step.action != Action::WatchBuild
        && !relation.may_create_in_schema
    {
        let schema = relation.name.schema.as_deref().map(quote_ident).unwrap_or_default();
        step.verdict = Verdict::Refused;
        step.reason = Why::NoCreatePrivilege { what: step.reason.words, schema }.into();
    }
    planner.plan.steps.push(step);
}

fn on_missing_table(
    planner: &mut ApplyPlanner<'_>,
    declared: &DeclaredIndex,
    canonical: &Canonical<IndexShape>,
) -> Step {
    let view = planner.view_to_come(&declared.table);
    let table = view.clone().unwrap_or_else(|| planner.with_default_schema(&declared.table));
    let chosen = canonical.known().map(|shape| shape.name.clone());
    let name = declared.name.clone().or(chosen);
    let mut step = blank(declared, &table, name.as_deref());
    step.verdict = Verdict::Refused;
    match (view, canonical) {
        (None, _) => step.reason = Why::NoTable { table }.into(),
        (Some(_), Canonical::Refused(error)) => {
            step.reason = Why::DefinitionRefused { error: error.to_string() }.into();
        }
        (Some(_), _) if name.is_none() => {
            step.reason = Why::NamelessOnNewView.into();
        }
        (Some(view), _) => {
            step.verdict = Verdict::ToDo;
            step.reason = Why::MissingUntilView { view: view.clone() }.into();
            step.lock = Lock::share_update_exclusive(&view);
            step.statements = vec![create(declared, &view, None, &step.object)];
        }
    }
    step
}

/// A step that says nothing yet.
fn blank(declared: &DeclaredIndex, table: &RelationName, name: Option<&str>) -> Step {
    let subject = DeclaredIndex {
        name: name.map(str::to_owned),
        table: table.clone(),
        ..declared.clone()
    };
    let object = table.sibling(name.unwrap_or(UNNAMED));
    Step {
        on: Some(table.clone()),
        ..Step::new(Action::BuildIndex, object, Subject::Index(subject))
    }
}

struct IndexTarget<'p, 'f> {
    planner: &'p mut ApplyPlanner<'f>,
    relation: &'p Relation,
    declared: &'p DeclaredIndex,
    canonical: Canonical<IndexShape>,
    /// Its place among the declared ones.
    at: usize,
}

impl IndexTarget<'_, '_> {
    fn step(mut self) -> Step {
        let existing = self.existing();
        let name = match (&self.declared.name, &existing) {
            (Some(name), _) => Some(name.clone()),
            (None, Some(index)) => Some(index.name.name.clone()),
            (None, None) => self.choose_name(),
        };
        let mut step = blank(self.declared, &self.relation.name, name.as_deref());
        step.table_bytes = self.relation.size_bytes;
        step.busy = self.build_on_table().cloned();
        let is_identity =
            existing.as_ref().is_some_and(|index| index.belongings.is_replica_identity);
        match existing {
            Some(index) if index.is_whole() || !self.is_partitioned() => {
                self.existing_step(&mut step, &index);
            }
            Some(index) => self.partitioned_step(&mut step, Some(&index)),
            None => self.missing_step(&mut step, name.is_none()),
        }
        if self.is_partitioned() {
            step.estimated_bytes = None;
        } else if step.verdict == Verdict::ToDo {
            step.lock = match is_identity && step.action == Action::ReplaceIndex {
                true => Lock::access_exclusive(&self.relation.name),
                false => Lock::share_update_exclusive(&self.relation.name),
            };
        } else {
            step.busy = None;
        }
        step
    }

    /// The index that bears the declared name on this table; for a declaration without a name,
    /// the one that has its shape, a whole one before a broken one. The names of a Prisma schema
    /// follow from a rule: there a whole one of its shape will do.
    fn existing(&self) -> Option<Index> {
        let equal = || {
            let shape = self.canonical.known()?;
            let defined = self.planner.indexes_defined(self.relation.oid, &shape.definition);
            Some(defined.filter(|index| index.shape.equals(shape)))
        };
        let whole = || equal()?.find(|index| index.is_whole());
        let found = match &self.declared.name {
            Some(name) => {
                let named = self.planner.index_named(self.relation.oid, name);
                named.or_else(|| whole().filter(|_| self.planner.is_of_prisma(self.at)))
            }
            None => whole().or_else(|| equal()?.next()),
        };
        found.cloned()
    }

    fn choose_name(&mut self) -> Option<String> {
        let shape = self.canonical.known()?;
        let free = name_choices(&shape.name).into_iter().find(|name| {
            let name = self.relation.name.sibling(name.as_str());
            !self.planner.facts.name_conflicts.contains_key(&name)
                && !self.planner.names_chosen.contains(&name)
        })?;
        self.planner.names_chosen.insert(self.relation.name.sibling(free.as_str()));
        Some(free)
    }

    fn missing_step(&mut self, step: &mut Step, is_nameless: bool) {
        if let Some(reason) = self.cannot_build(step, is_nameless) {
            step.verdict = Verdict::Refused;
            step.reason = reason.into();
            return;
        }
        step.verdict = Verdict::ToDo;
        step.reason = Why::Missing.into();
        step.estimated_bytes = size::estimate(self.declared, self.relation, self.planner.facts);
        if self.is_partitioned() {
            self.partitioned_step(step, None);
        } else {
            step.statements = vec![self.create(&step.object)];
        }
        if let Some(part) = self.attached_twin() {
            step.verdict = Verdict::LeftOut;
            step.reason = Why::RedundantPart { part }.into();
            step.statements.clear();
        }
        if let Some(duplicate_of) = self.duplicate_of(step) {
            self.planner.warn(
                "redundant_index",
                &step.object,
                format!("{} does all that it would do ({})", duplicate_of, self.declared.source),
            );
            if self.planner.options.skip_redundant {
                step.verdict = Verdict::LeftOut;
                step.reason = Why::Redundant { other: duplicate_of }.into();
                step.statements.clear();
            }
        }
        if let Canonical::NotCompared(reason) = &self.canonical {
            let message = format!("its definition cannot be compared: {reason}");
            self.planner.warn("not_compared", &step.object, message);
        }
    }

    fn cannot_build(&self, step: &Step, is_nameless: bool) -> Option<Why> {
        if let Some(reason) = cannot_index(self.relation) {
            return Some(reason);
        }
        if is_nameless {
            return Some(match &self.canonical {
                Canonical::NotCompared(why) => Why::NamelessNotCompared { why: why.clone() },
                Canonical::Refused(error) => Why::DefinitionRefused { error: error.to_string() },
                Canonical::Known(_) => Why::NoFreeName,
            });
        }
        if let Some(conflict) = self.planner.facts.name_conflicts.get(&step.object) {
            return Some(match &conflict.table {
                Some(table) => Why::NameOfIndex { table: table.clone() },
                None => Why::NameOf { kind: conflict.kind.with_article() },
            });
        }
        match &self.canonical {
            Canonical::Refused(error) => Some(Why::DefinitionRefused { error: error.to_string() }),
            _ => None,
        }
    }

    /// The equal index that the partition has as its part of its parent's.
    fn attached_twin(&self) -> Option<RelationName> {
        let shape = self.canonical.known()?;
        let mut equal = self.planner.indexes_defined(self.relation.oid, &shape.definition);
        let is_part = |index: &&Index| index.parent.is_some() && index.constraint.is_none();
        let part =
            equal.find(|index| is_part(index) && index.is_whole() && index.shape.equals(shape))?;
        Some(part.name.clone())
    }

    /// What makes the index superfluous: an index, existing or planned before it, that has the
    /// same entries and is unique where this one is.
    fn duplicate_of(&self, step: &Step) -> Option<String> {
        let shape = self.canonical.known()?;
        let covers = |other: &IndexShape| other.unique || !shape.unique;
        let table = self.relation.oid;
        let mut existing = self.planner.indexes_defined(table, &shape.definition);
        if let Some(index) = existing.find(|index| index.is_whole() && covers(&index.shape)) {
            return Some(match &index.constraint {
                Some(constraint) => format!("the constraint {}", quote_ident(constraint)),
                None => format!("the index {}", index.name),
            });
        }
        let mut earlier = self
            .planner
            .declared_with(table, &shape.definition)
            .iter()
            .take_while(|other| **other < self.at)
            .filter(|other| self.planner.canonical(**other).known().is_some_and(covers));
        earlier.next().map(|other| {
            let other = &self.planner.declaration.indexes[*other];
            let name = other.name.as_deref().unwrap_or("an unnamed index");
            format!("the index {} of {}", step.object.sibling(name), other.source)
        })
    }

    fn existing_step(&mut self, step: &mut Step, index: &Index) {
        if !index.is_whole() {
            self.broken_step(step, index);
            return;
        }
        match self.canonical.clone() {
            Canonical::Known(shape) if index.shape.equals(&shape) => {
                self.equal_step(step, index, &shape);
            }
            Canonical::Known(shape) => self.drifted_step(step, index, &shape),
            Canonical::Refused(error) => {
                step.verdict = Verdict::Refused;
                step.reason = Why::ExistsAndRefused { error: error.to_string() }.into();
            }
            Canonical::NotCompared(reason) => {
                step.reason = Why::NotCompared.into();
                let message = format!("its definition cannot be compared: {reason}");
                self.planner.warn("not_compared", &step.object, message);
            }
        }
    }

    /// Not valid, not ready or not live: somebody is at work on it, or was and did not finish.
    fn broken_step(&mut self, step: &mut Step, index: &Index) {
        step.verdict = Verdict::ToDo;
        if let Some(build) = self.build_of(index) {
            step.action = Action::WatchBuild;
            step.reason = Why::BeingBuilt { who: describe(build) }.into();
            step.busy = Some(build.clone());
            return;
        }
        step.action = Action::HealIndex;
        step.estimated_bytes = size::estimate(self.declared, self.relation, self.planner.facts);
        let why = match (index.is_live, index.is_ready) {
            (false, _) => Why::DropInterrupted,
            (true, false) => Why::BrokenBeforeFilled,
            (true, true) => Why::BrokenBeforeValidated,
        };
        step.reason = why.into();
        let shape = self.canonical.known().cloned();
        let beyond = beyond(index, self.declared, shape.as_ref());
        let in_place = |why: String| {
            let leftovers =
                self.rebuild_leftovers(index).into_iter().map(|leftover| drop(&leftover.name));
            let rebuild = Statement::Alone(format!("REINDEX INDEX CONCURRENTLY {}", index.name));
            (leftovers.chain([rebuild]).collect::<Vec<_>>(), Some(why))
        };
        let (statements, how) = match (&index.pinned_by, &shape) {
            (Some(pin), _) if index.is_live => {
                in_place(format!("rebuilt in place because of {pin}"))
            }
            (_, Some(shape)) if index.is_live && !beyond.is_empty() => {
                match index.shape.equals(shape) {
                    true => in_place(format!("rebuilt in place to keep its {}", beyond.join(", "))),
                    false => (self.replacement(index, shape, &step.object), None),
                }
            }
            _ => {
                self.warn_of_loss(&step.object, &beyond);
                (vec![drop(&index.name), self.create(&step.object)], None)
            }
        };
        step.statements = statements;
        if let Some(how) = how {
            step.reason.add(how);
        }
    }

    fn warn_of_loss(&mut self, object: &RelationName, lost: &[String]) {
        if !lost.is_empty() {
            let message = format!("the new index does not get its {}", lost.join(", "));
            self.planner.warn("lost-with-index", object, message);
        }
    }

    fn equal_step(&mut self, step: &mut Step, index: &Index, shape: &IndexShape) {
        let why = match &self.declared.name {
            Some(name) if *name != index.name.name => {
                step.found_as = Some(index.name.clone());
                Why::FoundAs { name: quote_ident(&index.name.name) }
            }
            Some(_) => Why::AsDeclared,
            None => Why::FoundByDefinition,
        };
        step.reason = why.into();
        if index.shape.options != shape.options {
            let message = format!(
                "its storage parameters are{}, declared are{}; ALTER INDEX … SET changes them \
                 without a rebuild",
                or_defaults(&index.shape.options),
                or_defaults(&shape.options)
            );
            self.planner.warn("storage_parameters", &step.object, message);
        }
        let mut leftovers = [NEW_SUFFIX, OLD_SUFFIX]
            .map(|suffix| self.leftover(index, suffix))
            .into_iter()
            .flatten()
            .collect::<Vec<_>>();
        leftovers.extend(self.rebuild_leftovers(index));
        if !leftovers.is_empty() {
            step.action = Action::DropLeftover;
            step.verdict = Verdict::ToDo;
            step.reason = Why::Leftover.into();
            step.statements = leftovers.iter().map(|leftover| drop(&leftover.name)).collect();
        }
    }

    fn drifted_step(&mut self, step: &mut Step, index: &Index, shape: &IndexShape) {
        let drift = describe_drift(&index.shape, shape);
        step.action = Action::ReplaceIndex;
        step.verdict = Verdict::Refused;
        let moves = index.belongings.is_replica_identity && can_be_replica_identity(shape);
        match index.pinned_by.as_deref() {
            None => {}
            Some(REPLICA_IDENTITY) if moves => {}
            Some(pin) => {
                step.reason = Why::DriftedPinned { drift, pin: pin.to_owned() }.into();
                return;
            }
        }
        if self.is_partitioned() {
            step.reason = Why::DriftedPartitioned { drift }.into();
            return;
        }
        if !self.planner.options.replace {
            step.reason = Why::DriftedToReplace { drift }.into();
            return;
        }
        step.verdict = Verdict::ToDo;
        step.reason = Why::Drifted { drift }.into();
        step.estimated_bytes = size::estimate(self.declared, self.relation, self.planner.facts);
        step.statements = self.replacement(index, shape, &step.object);
    }

    /// Build under a new name, swap the names in one short transaction, drop the old one: there
    /// is never a moment without the index. What an earlier run got done is not done again.
    fn replacement(
        &mut self,
        index: &Index,
        shape: &IndexShape,
        object: &RelationName,
    ) -> Vec<Statement> {
        let table = (&self.relation.name, self.relation.kind);
        let carried = carry(index, self.declared, shape, table);
        self.warn_of_loss(object, &carried.lost);
        let new = index.name.sibling(distinct_with_suffix(&index.name.name, NEW_SUFFIX));
        let old = index.name.sibling(distinct_with_suffix(&index.name.name, OLD_SUFFIX));
        let mut statements = Vec::new();
        if let Some(leftover) = self.leftover(index, OLD_SUFFIX) {
            statements.push(drop(&leftover.name));
        }
        match self.leftover(index, NEW_SUFFIX) {
            Some(ready) if ready.is_whole() && ready.shape.equals(shape) => {}
            Some(leftover) => {
                statements.extend([drop(&leftover.name), self.create_with(&carried, &new)]);
            }
            None => statements.push(self.create_with(&carried, &new)),
        }
        let mut swap = vec![
            format!("ALTER INDEX {} RENAME TO {}", index.name, quote_ident(&old.name)),
            format!("ALTER INDEX {new} RENAME TO {}", quote_ident(&index.name.name)),
        ];
        swap.extend(carried.statements);
        statements.extend([Statement::Short(swap), drop(&old)]);
        statements
    }

    fn is_partitioned(&self) -> bool {
        self.relation.kind == RelationKind::PartitionedTable
    }

    fn partitioned_step(&self, step: &mut Step, index: Option<&Index>) {
        let shape = self.canonical.known();
        let name = step.object.clone();
        let tree = Tree::new(self.planner.facts, self.declared, shape, self.relation, name);
        tree.fill(step, index);
    }

    fn create(&self, name: &RelationName) -> Statement {
        create(self.declared, &self.relation.name, Some(self.relation.oid), name)
    }

    fn create_with(&self, carried: &Carried, name: &RelationName) -> Statement {
        match &carried.definition {
            Some(definition) => {
                let table = (&self.relation.name, Some(self.relation.oid));
                create_as(self.declared, definition, table, name)
            }
            None => self.create(name),
        }
    }
}
