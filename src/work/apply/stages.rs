//! Which steps of apply run when.

use crate::work::engine::Stage;
use crate::work::plan::{Plan, Step, Subject, Verdict};

/// Builds first, then what was made as a part of them, views (their queries hold snapshots, for which builds would wait), then
/// builds on new views, comments, and at last maintenance, which is to see it all.
pub fn stages(plan: &Plan) -> Vec<Stage> {
    let to_do = |wanted: fn(&Plan, &Step) -> bool| {
        let steps = plan
            .steps
            .iter()
            .enumerate()
            .filter(|(_, step)| step.verdict == Verdict::ToDo && wanted(plan, step));
        steps.map(|(at, _)| at).collect::<Vec<_>>()
    };
    let mut builds =
        to_do(|plan, step| is_index(step) && step.part_of.is_none() && !is_on_new_view(plan, step));
    builds.sort_by_key(|at| build_order(&plan.steps[*at]));
    let mut maintenance = to_do(|_, step| matches!(step.subject, Subject::Maintenance(_)));
    maintenance.sort_by_key(|at| std::cmp::Reverse(plan.steps[*at].table_bytes));
    let views = to_do(|_, step| matches!(step.subject, Subject::View(_)));
    let view_builds = to_do(|plan, step| is_index(step) && is_on_new_view(plan, step));
    let parts = to_do(|_, step| step.part_of.is_some());
    let comments = to_do(|_, step| matches!(step.subject, Subject::Comment(_)));
    vec![
        Stage { steps: builds, one_by_one: false },
        Stage { steps: parts, one_by_one: false },
        Stage { steps: views, one_by_one: true },
        Stage { steps: view_builds, one_by_one: false },
        Stage { steps: comments, one_by_one: true },
        Stage { steps: maintenance, one_by_one: false },
    ]
}

/// Plain columns before expressions and predicates, for whose whole build the others would wait;
/// then the longest first, so that the last one to end is a short one.
fn build_order(step: &Step) -> (bool, std::cmp::Reverse<i64>) {
    let plain = matches!(&step.subject, Subject::Index(index) if index.plain);
    (!plain, std::cmp::Reverse(step.table_bytes))
}

fn is_index(step: &Step) -> bool {
    matches!(step.subject, Subject::Index(_))
}

fn is_on_new_view(plan: &Plan, step: &Step) -> bool {
    plan.steps.iter().any(|other| {
        matches!(other.subject, Subject::View(_))
            && other.verdict == Verdict::ToDo
            && step.on.as_ref() == Some(&other.object)
    })
}
