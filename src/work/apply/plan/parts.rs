//! Declared indexes that are parts of other declared ones: pg_dump writes the index of a partitioned
//! table alone (`ON ONLY`), one on each partition, and attaches them. They are made in one step, that
//! of the topmost, under the names and with the storage that each declares.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::partitioned::Tree;
use super::planner::ApplyPlanner;
use crate::declared::DeclaredIndex;
use crate::facts::{Index, IndexShape, Oid, PartitionMember};
use crate::work::plan::{Action, Step, Subject, Verdict};

/// The declared index that each is a part of, by their places in the declaration.
type Wholes = HashMap<usize, usize>;

/// Leaves the parts to the steps of what they are parts of. All indexes must be planned.
pub fn join(planner: &mut ApplyPlanner<'_>) {
    let wholes = Finder::new(planner).find();
    let mut parts: HashMap<usize, Vec<usize>> = HashMap::new();
    for part in wholes.keys() {
        for whole in above(&wholes, *part) {
            parts.entry(whole).or_default().push(*part);
        }
    }
    for (whole, parts) in parts {
        fill(planner, whole, &parts);
    }
    for part in wholes.keys() {
        // Only the topmost that this run makes sees all that belongs together.
        let whole = above(&wholes, *part).filter(|whole| makes(planner, *whole, *part)).last();
        if let Some(whole) = whole {
            let whole = step(planner, whole).object.clone();
            let first = planner.declaration.views.len();
            let step = &mut planner.plan.steps[first + part];
            step.reason.add(format!("it is made as a part of {whole}"));
            step.statements.clear();
            step.busy = None;
            step.lock = None;
            step.part_of = Some(whole);
        }
    }
}

/// What it is a part of, from the nearest up.
fn above(wholes: &Wholes, part: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(wholes.get(&part).copied(), |whole| wholes.get(whole).copied())
}

fn step<'s>(planner: &'s ApplyPlanner<'_>, at: usize) -> &'s Step {
    // Views are planned first.
    &planner.plan.steps[planner.declaration.views.len() + at]
}

fn declared(step: &Step) -> Option<&DeclaredIndex> {
    match &step.subject {
        Subject::Index(index) => Some(index),
        _ => None,
    }
}

/// Whether this run makes the part in the step of the whole.
fn makes(planner: &ApplyPlanner<'_>, whole: usize, part: usize) -> bool {
    let is_to_do = |step: &Step| {
        step.verdict == Verdict::ToDo
            && matches!(step.action, Action::BuildIndex | Action::HealIndex)
    };
    let (whole, part) = (step(planner, whole), step(planner, part));
    is_to_do(whole) && is_to_do(part) && planner.options.filter.lets_through(whole)
}

/// Plans the whole anew, with its parts as they are declared.
fn fill(planner: &mut ApplyPlanner<'_>, whole: usize, parts: &[usize]) {
    let facts = planner.facts;
    let own = parts
        .iter()
        .filter_map(|part| declared(step(planner, *part)))
        .map(|part| DeclaredIndex { parts: Vec::new(), ..part.clone() })
        .collect::<Vec<_>>();
    let old = step(planner, whole);
    let Some(relation) = old.on.as_ref().and_then(|table| planner.relation_named(table)) else {
        return;
    };
    let index = planner.index_named(relation.oid, &old.object.name);
    if old.verdict != Verdict::ToDo || index.is_some_and(Index::is_whole) {
        return;
    }
    let Some(declared) = declared(old) else {
        return;
    };
    let declared = DeclaredIndex { parts: own, ..declared.clone() };
    let shape = planner.canonical(whole).known();
    let name = old.object.clone();
    let first = planner.declaration.views.len();
    let step = &mut planner.plan.steps[first + whole];
    Tree::new(facts, &declared, shape, relation, name).fill(step, index);
    step.subject = Subject::Index(declared);
}

struct Finder<'p, 'f> {
    planner: &'p ApplyPlanner<'f>,
    /// What each existing index is a part of.
    attached: HashMap<Oid, Oid>,
    wholes: Wholes,
}

impl<'p, 'f> Finder<'p, 'f> {
    fn new(planner: &'p ApplyPlanner<'f>) -> Self {
        let indexes = planner.facts.indexes.values().flatten();
        let attached = indexes.filter_map(|index| Some((index.oid, index.parent?))).collect();
        Finder { planner, attached, wholes: Wholes::new() }
    }

    fn find(mut self) -> Wholes {
        let planner = self.planner;
        let members = |at: usize| {
            let relation = planner.relation_named(step(planner, at).on.as_ref()?)?;
            Some((relation.oid, planner.facts.partitions.get(&relation.oid)?))
        };
        let mut trees = (0..planner.declaration.indexes.len())
            .filter_map(|at| {
                let (table, members) = members(at)?;
                let shape = planner.canonical(at).known()?;
                Some((at, table, members, shape))
            })
            .collect::<Vec<_>>();
        // Whoever has a part in its tree has more members than that part.
        trees.sort_by_key(|(at, _, members, _)| (Reverse(members.len()), *at));
        for (whole, table, members, shape) in trees {
            let mut children: HashMap<Oid, Vec<&PartitionMember>> = HashMap::new();
            for member in members {
                if let Some(parent) = member.parent {
                    children.entry(parent).or_default().push(member);
                }
            }
            let mut open = vec![table];
            while let Some(table) = open.pop() {
                for child in children.get(&table).into_iter().flatten() {
                    match self.best(whole, child, shape) {
                        // What is below it are its own parts.
                        Some(part) => _ = self.wholes.insert(part, whole),
                        None => open.push(child.oid),
                    }
                }
            }
        }
        self.wholes
    }

    /// Of equal ones first the one that is attached already, then one that exists.
    fn best(&self, whole: usize, child: &PartitionMember, shape: &IndexShape) -> Option<usize> {
        let declared = self.planner.declared_with(child.oid, &shape.definition).iter().copied();
        let free = declared.filter(|part| !self.wholes.contains_key(part));
        let fit = free.filter_map(|part| Some((self.rank(whole, part, child, shape)?, part)));
        fit.min().map(|(_, part)| part)
    }

    fn rank(
        &self,
        whole: usize,
        part: usize,
        child: &PartitionMember,
        shape: &IndexShape,
    ) -> Option<u8> {
        let planner = self.planner;
        if !planner.canonical(part).known()?.equals(shape) {
            return None;
        }
        let (whole, part) = (step(planner, whole), step(planner, part));
        match planner.index_named(child.oid, &part.object.name) {
            Some(index) if !index.shape.equals(shape) => None,
            Some(index) if index.parent.is_some() => {
                let table = planner.relation_named(whole.on.as_ref()?)?;
                let top = planner.index_named(table.oid, &whole.object.name)?;
                let up = |oid: &Oid| self.attached.get(oid).copied();
                let mut above = std::iter::successors(index.parent, up);
                above.any(|oid| oid == top.oid).then_some(0)
            }
            Some(_) => Some(1),
            None => (part.verdict != Verdict::Refused).then_some(2),
        }
    }
}
