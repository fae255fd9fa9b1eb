//! The steps of indexes that another step has made as its parts.

use std::collections::HashMap;

use super::replan::look_at;
use super::why::Why;
use crate::work::Apply;
use crate::work::event::{Status, StepIndex, StepOutcome};
use crate::work::plan::{Plan, Subject, Verdict};

/// Of the steps those of parts that are as declared by now, seen in one look at all of them, and those
/// that were left undone with their whole; and how they ended.
pub async fn settled(
    apply: &Apply<'_>,
    plan: &Plan,
    steps: &[StepIndex],
    outcomes: &[Option<StepOutcome>],
) -> Vec<(StepIndex, StepOutcome)> {
    let is_part = |at: &StepIndex| plan.steps[*at].part_of.is_some();
    let parts = steps.iter().copied().filter(is_part).collect::<Vec<_>>();
    if parts.is_empty() || apply.execution.not_started().is_some() {
        return Vec::new();
    }
    let subjects = parts.iter().map(|at| &plan.steps[*at].subject);
    // What cannot be seen now is looked at again, each for itself.
    let seen = look_at(apply, subjects)
        .await
        .map(|(_, steps)| steps)
        .unwrap_or_default()
        .into_iter()
        .map(|step| (step.object, step.verdict))
        .collect::<HashMap<_, _>>();
    let indexes = plan
        .steps
        .iter()
        .enumerate()
        .filter(|(_, step)| matches!(step.subject, Subject::Index(_)));
    let places = indexes.map(|(at, step)| (&step.object, at)).collect::<HashMap<_, _>>();
    let settled = parts.into_iter().filter_map(|at| {
        let step = &plan.steps[at];
        let whole = step.part_of.as_ref()?;
        let whole_came_to = places.get(whole).and_then(|at| outcomes[*at].as_ref());
        let outcome = match (seen.get(&step.object), whole_came_to.map(|outcome| outcome.status)) {
            (Some(Verdict::AsDeclared), _) => {
                StepOutcome::new(Status::Done, Why::PartVerified { whole: whole.clone() })
            }
            (_, Some(status @ (Status::Failed | Status::Cancelled))) => {
                StepOutcome::new(status, Why::WholeNotDone { whole: whole.clone() })
            }
            _ => return None,
        };
        Some((at, outcome))
    });
    settled.collect()
}
