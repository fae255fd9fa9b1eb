//! What is to be done about a declared materialized view.

use super::planner::ApplyPlanner;
use super::view_question;
use crate::declared::DeclaredView;
use crate::facts::{Canonical, Relation, RelationKind, ViewShape};
use crate::pg::name::RelationName;
use crate::work::apply::why::Why;
use crate::work::plan::{Action, Lock, LockMode, Statement, Step, Subject, Verdict};

/// Adds the view's step.
pub fn plan(planner: &mut ApplyPlanner<'_>, declared: &DeclaredView) {
    let canonical = planner.facts.canonical_view(&view_question(declared)).clone();
    let step = match planner.relation(&declared.name).cloned() {
        Some(relation) => existing(planner, declared, &relation, &canonical),
        None => missing(planner, declared, &canonical),
    };
    planner.plan.steps.push(step);
}

fn blank(declared: &DeclaredView, name: &RelationName) -> Step {
    Step::new(
        Action::CreateView,
        name.clone(),
        Subject::View(DeclaredView { name: name.clone(), ..declared.clone() }),
    )
}

fn missing(
    planner: &mut ApplyPlanner<'_>,
    declared: &DeclaredView,
    canonical: &Canonical<ViewShape>,
) -> Step {
    let name = planner.with_default_schema(&declared.name);
    let mut step = blank(declared, &name);
    match canonical {
        Canonical::Refused(error) => {
            step.verdict = Verdict::Refused;
            step.reason = Why::QueryRefused { error: error.to_string() }.into();
        }
        _ => {
            step.verdict = Verdict::ToDo;
            step.reason = Why::Missing.into();
            step.lock = Some(Lock {
                mode: LockMode::AccessShare,
                on: "the tables it reads".to_owned(),
            });
            step.statements = vec![create(declared, &name)];
        }
    }
    step
}

fn existing(
    planner: &mut ApplyPlanner<'_>,
    declared: &DeclaredView,
    relation: &Relation,
    canonical: &Canonical<ViewShape>,
) -> Step {
    let mut step = blank(declared, &relation.name);
    if relation.kind != RelationKind::MaterializedView {
        step.verdict = Verdict::Refused;
        step.reason = Why::NameOf { kind: relation.kind.with_article() }.into();
        return step;
    }
    if declared.with_data && !relation.is_populated {
        let message = "it has never been filled, so queries on it fail; REFRESH MATERIALIZED VIEW \
                       fills it";
        planner.warn("not_populated", &relation.name, message.to_owned());
    }
    match canonical {
        Canonical::Known(shape) if shape.existing == shape.declared => {
            step.reason = Why::AsDeclared.into();
        }
        Canonical::Known(_) => {
            step.verdict = Verdict::Refused;
            step.reason = Why::ViewDrifted { view: relation.name.clone() }.into();
        }
        Canonical::Refused(error) => {
            step.verdict = Verdict::Refused;
            step.reason = Why::ViewExistsAndRefused { error: error.to_string() }.into();
        }
        Canonical::NotCompared(reason) => {
            step.reason = Why::QueryNotCompared.into();
            let message = format!("its query cannot be compared: {reason}");
            planner.warn("not_compared", &relation.name, message);
        }
    }
    step
}

fn create(declared: &DeclaredView, name: &RelationName) -> Statement {
    let DeclaredView { columns, storage, query, .. } = declared;
    let clauses = [columns.as_str(), storage.as_str()]
        .iter()
        .filter(|clause| !clause.is_empty())
        .map(|clause| format!(" {clause}"))
        .collect::<String>();
    let data = if declared.with_data { "" } else { "\nWITH NO DATA" };
    Statement::Alone(format!("CREATE MATERIALIZED VIEW {name}{clauses} AS\n{query}{data}"))
}
