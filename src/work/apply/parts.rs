//! The steps of indexes that another step has made as its parts.

use std::collections::HashMap;

use super::replan::look_at;
use crate::work::Apply;
use crate::work::event::{Event, Outcome, Status, StepIndex};
use crate::work::plan::{Plan, Subject, Verdict};

/// Takes from the steps those of parts that are as declared by now, seen in one look at all of them,
/// and those that were left undone with their whole. What remains is worked on like any other.
pub async fn settle(
    apply: &Apply<'_>,
    plan: &Plan,
    steps: &mut Vec<StepIndex>,
    outcomes: &mut [Option<Outcome>],
) {
    let is_part = |at: &StepIndex| plan.steps[*at].part_of.is_some();
    let parts = steps.iter().copied().filter(is_part).collect::<Vec<_>>();
    if parts.is_empty() || apply.execution.not_started().is_some() {
        return;
    }
    let subjects = parts.iter().map(|at| &plan.steps[*at].subject);
    // What cannot be seen now is looked at again, each for itself.
    let seen = look_at(apply, subjects).await.map(|(_, steps)| steps).unwrap_or_default();
    let verdicts = parts.iter().zip(&seen).map(|(at, step)| (*at, step.verdict));
    let verdicts = verdicts.collect::<HashMap<_, _>>();
    let indexes = plan.steps.iter().enumerate();
    let indexes = indexes.filter(|(_, step)| matches!(step.subject, Subject::Index(_)));
    let places = indexes.map(|(at, step)| (&step.object, at)).collect::<HashMap<_, _>>();
    steps.retain(|at| {
        let step = &plan.steps[*at];
        let Some(whole) = &step.part_of else {
            return true;
        };
        let whole_came_to = places.get(whole).and_then(|at| outcomes[*at].as_ref());
        let outcome = match (verdicts.get(at), whole_came_to.map(|outcome| outcome.status)) {
            (Some(Verdict::AsDeclared), _) => {
                apply.remember_change(step);
                let reason = format!("done as a part of {whole}, and verified in the catalog");
                Outcome::new(Status::Done, reason)
            }
            (_, Some(status @ (Status::Failed | Status::Cancelled))) => {
                let reason =
                    format!("not done: {whole}, of which it is to be a part, was not done");
                Outcome::new(status, reason)
            }
            _ => return true,
        };
        apply.execution.events.emit(Event::Finished(*at, Box::new(outcome.clone())));
        outcomes[*at] = Some(outcome);
        false
    });
}
