//! Which index is broken for a try, and what it means when it is not mended.

use super::converge::{existing, steps};
use super::declared::{InForce, Standing};
use crate::declared::DeclaredIndex;
use crate::facts::{Facts, Index, RelationKind};
use crate::findings::{Finding, Rule};
use crate::pg::name::RelationName;
use crate::work::plan::{Plan, Verdict};
use crate::work::statement::create;

/// An index to be broken.
#[derive(Debug, Clone)]
pub struct Patient {
    /// As it is declared.
    pub standing: Standing<DeclaredIndex>,
    /// As it is.
    pub index: Index,
    pub table: RelationName,
    /// What builds it again, as `apply` would.
    pub build: String,
}

/// So many are looked at, because each has to be compared.
const MOST: usize = 20;

/// Those of which one may be broken. Those whose entries are computed come first: more can keep them
/// from being built again.
pub fn candidates(in_force: &InForce) -> InForce {
    let mut indexes = in_force.indexes.clone();
    indexes.sort_by_key(|index| index.declared.plain);
    indexes.truncate(MOST);
    InForce { indexes, ..InForce::default() }
}

/// The index to break: of a plain table, as declared, and nothing else needs it.
pub fn choose(candidates: &InForce, facts: &Facts, plan: &Plan) -> Option<Patient> {
    let steps = steps(plan);
    candidates.indexes.iter().find_map(|standing| {
        let step = steps.get(&standing.declared.source)?;
        let on = step.on.as_ref().filter(|_| step.verdict == Verdict::AsDeclared)?;
        let table = facts.relations.values().find(|table| table.name == *on)?;
        let index = existing(facts, step)?;
        let is_free = index.pinned_by.is_none() && index.parent.is_none();
        (table.kind == RelationKind::Table && is_free).then(|| Patient {
            standing: standing.clone(),
            index: index.clone(),
            table: table.name.clone(),
            build: create(&standing.declared, &table.name, Some(table.oid), &index.name)
                .texts()
                .concat(),
        })
    })
}

/// That it was not mended: what `apply` said, and how the index is now, if it is.
pub fn unmended(patient: &Patient, said: &str, now: Option<&str>) -> Finding {
    let state = now.map_or(String::new(), |definition| format!("; now it is {definition}"));
    let message = format!(
        "apply does not repair {} after an interrupted concurrent build: {said}{state}",
        patient.index.name
    );
    let place = patient.standing.place.clone();
    Finding::new(&Rule::NOT_HEALED, Some(place), message)
        .about(&patient.index.name)
        .help("change the index so that it can be rebuilt on the existing data")
}
