//! Is the database as the migrations' own statements declare it, and does `apply` find nothing to do?

use std::collections::HashMap;

use super::declared::{InForce, Standing};
use crate::declared::{Declaration, DeclaredIndex, DeclaredView, Source};
use crate::facts::{Facts, Index, RelationKind};
use crate::findings::{Finding, Place, Rule};
use crate::work::apply::plan::index::describe_drift;
use crate::work::apply::plan::{index_question, view_question};
use crate::work::plan::{Plan, Step, Verdict};

/// What is in force, as `apply` takes it. The steps of a plan of it are found by where it is declared.
pub fn declaration(in_force: &InForce) -> Declaration {
    let InForce { indexes, views, .. } = in_force;
    Declaration {
        indexes: indexes.iter().map(|index| index.declared.clone()).collect(),
        views: views.iter().map(|view| view.declared.clone()).collect(),
        ..Declaration::default()
    }
}

/// Keeps of what is in force what the database holds, and finds what had no effect. What is missing
/// or was changed in a way that the statements do not tell is left out.
pub fn held(in_force: InForce, facts: &Facts, plan: &Plan) -> (InForce, Vec<Finding>) {
    let InForce { indexes, views, .. } = in_force;
    let steps = steps(plan);
    let mut findings = Vec::new();
    let mut held = InForce::default();
    for view in views {
        let Some(step) = steps.get(&view.declared.source) else {
            continue;
        };
        if step.verdict.is_settled() {
            held.views.push(view);
        } else if let Some(message) = other_view(&view, step, facts) {
            findings.push((view.at, without_effect(view.place, message)));
        }
    }
    for index in indexes {
        let Some(step) = steps.get(&index.declared.source) else {
            continue;
        };
        let existing = existing(facts, step);
        if step.verdict.is_settled() || step.verdict == Verdict::ToDo && existing.is_some() {
            held.indexes.push(index);
        } else if let Some(message) = other_index(&index, step, existing, facts) {
            findings.push((index.at, without_effect(index.place, message)));
        }
    }
    findings.sort_by_key(|(at, _)| *at);
    (held, findings.into_iter().map(|(_, finding)| finding).collect())
}

/// The steps by where they are declared.
pub fn steps(plan: &Plan) -> HashMap<&Source, &Step> {
    let declared = plan.steps.iter().filter_map(|step| Some((step.source()?, step)));
    declared.collect()
}

/// What `apply` has said of each step, by where it is declared.
pub type Said = HashMap<Source, String>;

/// What is still not as declared after `apply`.
pub fn unsettled(in_force: &InForce, plan: &Plan, said: &Said) -> Vec<Finding> {
    let steps = steps(plan);
    let views = in_force.views.iter().map(|view| (&view.declared.source, &view.place));
    let indexes = in_force.indexes.iter().map(|index| (&index.declared.source, &index.place));
    let all = views.chain(indexes);
    let planned = all.filter_map(|(source, place)| Some((*steps.get(source)?, source, place)));
    let open = planned.filter(|(step, ..)| !step.verdict.is_settled());
    open.map(|(step, source, place)| {
        let Step { action, object, reason, .. } = step;
        let words = said.get(source).map_or("nothing", String::as_str);
        let message = format!(
            "a second apply still has to {} {object} ({reason}); the first said: {words}",
            action.words()
        );
        Finding::new(&Rule::NOT_CONVERGED, Some(place.clone()), message)
            .about(object)
            .help("correct the statement, so that apply can run it")
    })
    .collect()
}

/// The index that bears the step's name.
pub fn existing<'f>(facts: &'f Facts, step: &Step) -> Option<&'f Index> {
    facts.indexes.values().flatten().find(|index| index.name == step.object)
}

fn without_effect(place: Place, message: String) -> Finding {
    Finding::new(&Rule::NOT_AS_DECLARED, Some(place), message).help(
        "IF NOT EXISTS looks at the name alone: drop what bears it first, or choose another name",
    )
}

fn other_view(view: &Standing<DeclaredView>, step: &Step, facts: &Facts) -> Option<String> {
    let name = &step.object;
    let relation = facts
        .relations
        .values()
        .find(|relation| relation.name == *name)
        .filter(|_| view.had_no_effect)?;
    if relation.kind != RelationKind::MaterializedView {
        let kind = relation.kind.with_article();
        return Some(format!("this statement has no effect: {name} is {kind}"));
    }
    let shape = facts.canonical_view(&view_question(&view.declared)).known()?;
    (shape.existing != shape.declared).then(|| {
        format!("this statement has no effect: {name} is there already, with another query")
    })
}

fn other_index(
    index: &Standing<DeclaredIndex>,
    step: &Step,
    existing: Option<&Index>,
    facts: &Facts,
) -> Option<String> {
    if !index.had_no_effect {
        return None;
    }
    let name = &step.object;
    if let Some(existing) = existing {
        let shape = facts
            .canonical_index(&index_question(&index.declared))
            .known()
            .filter(|shape| !existing.shape.equals(shape))?;
        let drift = describe_drift(&existing.shape, shape);
        return Some(format!("this statement has no effect: {name} is there already, and {drift}"));
    }
    let conflict = facts.name_conflicts.get(name)?;
    let conflict = match &conflict.table {
        Some(table) => format!("an index on {table}"),
        None => conflict.kind.with_article().to_owned(),
    };
    Some(format!("this statement has no effect: {name} is {conflict}"))
}
