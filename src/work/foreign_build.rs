//! Builds of others on the table. A second one would wait for the first while holding a snapshot that
//! the first waits for.

use std::time::{Duration, Instant};

use super::event::{Event, Status, StepIndex, StepOutcome};
use super::reason::Why;
use super::{Execution, Interruption, plan, time};
use crate::facts::Build;

const POLL: Duration = Duration::from_millis(250);

/// Waits for a moment until nobody else builds on the table; without end where `patient`. An outcome
/// ends the step.
pub async fn wait_for(
    execution: &Execution<'_>,
    at: StepIndex,
    build: &Build,
    patient: bool,
    waited: &mut Duration,
) -> Option<StepOutcome> {
    let who = format!("the build by {}", plan::describe(build));
    execution.events.emit(Event::Waiting(at, build.pid, who.clone()));
    let since = Instant::now();
    match execution.pause(POLL).await {
        Some(Interruption::Cancelled) => {
            let why = Why::CancelledWaitingFor { who };
            return Some(StepOutcome::new(Status::Cancelled, why));
        }
        Some(time_is_up) => return Some(time::unbegun(time_is_up)),
        None => {}
    }
    *waited += since.elapsed();
    let is_patient = patient || *waited < execution.policy.max_wait;
    (!is_patient).then(|| StepOutcome::new(Status::Failed, Why::GaveUpAfter { who }))
}
