//! Relations that one migration drops and creates again under their name.

use crate::facts::observed::ObservedRelation;
use crate::facts::{Oid, RelationKind};
use crate::findings::{Finding, Place, Rule};
use crate::jobs::verify::plan::relations::{RelationStep, Relations, keyword};
use crate::pg::name::RelationName;

#[derive(Debug)]
struct Dropped {
    relation: ObservedRelation,
    /// An index's table, a partition's parent.
    of: Option<RelationName>,
    place: Place,
    transaction: usize,
    again: Option<Again>,
}

#[derive(Debug)]
struct Again {
    oid: Oid,
    line: u32,
    is_unique: bool,
    transaction: usize,
}

/// What a migration has dropped so far.
#[derive(Debug, Default)]
pub struct Replaced {
    dropped: Vec<Dropped>,
}

impl Replaced {
    /// Takes in what a statement has dropped, before `relations` does. Nobody misses what the
    /// migration itself has made, which is newer than `before`.
    pub fn drop(&mut self, step: &RelationStep, relations: &Relations, before: Oid) {
        let gone = step
            .changes
            .dropped
            .iter()
            .filter(|oid| **oid <= before)
            .filter_map(|oid| relations.get(*oid));
        // What belongs to something else goes with it, and comes back with it.
        let is_part =
            |one: &ObservedRelation| one.of.is_some_and(|of| step.changes.dropped.contains(&of));
        let lasting = gone.filter(|one| !(one.is_temporary || one.is_constraint || is_part(one)));
        self.dropped.extend(lasting.map(|relation| Dropped {
            relation: relation.clone(),
            of: relation.of.and_then(|of| relations.get(of)).map(ObservedRelation::qualified),
            place: step.place.clone(),
            transaction: step.transaction,
            again: None,
        }));
    }

    /// Takes in what a statement has made, after `relations` has. What comes back as it was is rolled
    /// back; what one statement drops and makes it builds anew, as ALTER TABLE does with indexes.
    pub fn make(&mut self, step: &RelationStep, relations: &Relations) {
        for made in &step.changes.made {
            let all = self.dropped.len();
            self.dropped.retain(|dropped| dropped.relation.oid != made.oid);
            if self.dropped.len() < all {
                continue;
            }
            let of = made.of.and_then(|of| relations.get(of)).map(ObservedRelation::qualified);
            let is_same = |one: &Dropped| {
                one.again.is_none()
                    && keyword(one.relation.kind) == keyword(made.kind)
                    && one.relation.qualified() == made.qualified()
                    && (keyword(made.kind) != "INDEX" || one.of == of)
            };
            let Some(at) = self.dropped.iter().rposition(is_same) else {
                continue;
            };
            if self.dropped[at].place == step.place {
                self.dropped.remove(at);
                continue;
            }
            self.dropped[at].again = Some(Again {
                oid: made.oid,
                line: step.place.at.line,
                is_unique: made.is_unique,
                transaction: step.transaction,
            });
        }
    }

    /// What the migration did so. Privileges that are given again are not lost.
    pub fn end(self, relations: &Relations) -> Vec<Finding> {
        let findings = self.dropped.iter().filter_map(|one| finding(one, relations));
        findings.collect()
    }
}

fn finding(dropped: &Dropped, relations: &Relations) -> Option<Finding> {
    let Dropped { relation, place, again, .. } = dropped;
    let again = again.as_ref()?;
    let is_granted = relations.get(again.oid).is_some_and(|one| one.has_privileges);
    // Else others see what each statement did.
    let is_at_once = dropped.transaction == again.transaction;
    let consequence = match (relation.kind, is_at_once) {
        (RelationKind::View, true) if is_granted => return None,
        (RelationKind::View, true) => "the privileges on it are lost",
        (RelationKind::View, false) if is_granted => "until then every query that reads it fails",
        (RelationKind::View, false) => {
            "until then every query that reads it fails, and the privileges on it are lost"
        }
        (RelationKind::MaterializedView, true) => {
            "who reads it waits until it is filled, and its indexes and privileges are lost"
        }
        (RelationKind::MaterializedView, false) => {
            "until it is filled every query that reads it fails, and its indexes and privileges are \
             lost"
        }
        (RelationKind::Index | RelationKind::PartitionedIndex, true) => {
            "its table is locked, also for reading, until the new index is built"
        }
        (RelationKind::Index | RelationKind::PartitionedIndex, false) if again.is_unique => {
            "until it is built queries go without it, and nothing keeps duplicates out"
        }
        (RelationKind::Index | RelationKind::PartitionedIndex, false) => {
            "until it is built queries go without it"
        }
        (RelationKind::Table | RelationKind::PartitionedTable, _) => {
            "its rows, indexes and privileges are lost"
        }
        (RelationKind::ForeignTable, _) => "the privileges on it are lost",
        (
            RelationKind::Sequence
            | RelationKind::CompositeType
            | RelationKind::Toast
            | RelationKind::Other,
            _,
        ) => {
            return None;
        }
    };
    let name = relation.qualified();
    let message =
        format!("{name} is dropped and created again in line {}: {consequence}", again.line);
    let finding = Finding::new(&Rule::DROP_AND_CREATE, Some(place.clone()), message);
    Some(finding.help(instead(relation.kind, &name)))
}

fn instead(kind: RelationKind, name: &RelationName) -> String {
    match kind {
        RelationKind::Index | RelationKind::PartitionedIndex => format!(
            "create the new index under another name, drop this one, then ALTER INDEX … RENAME; to \
             build the same index anew: REINDEX INDEX CONCURRENTLY {name}"
        ),
        RelationKind::View => format!(
            "CREATE OR REPLACE VIEW {name}, which may add columns at the end; where that is not \
             enough, drop, create and GRANT in one transaction"
        ),
        _ => format!(
            "make the new one under another name, with its indexes and privileges, and change the \
             names in one transaction: ALTER {} … RENAME",
            keyword(kind)
        ),
    }
}
