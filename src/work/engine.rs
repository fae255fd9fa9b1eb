//! Executing a plan: which steps run when, what is said of them, what is tried again, and what is
//! remembered. What only one job knows is behind [`Job`].

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::Execution;
use super::event::{Event, Skipped, Status, StepIndex, StepOutcome};
use super::plan::{Plan, Step, Verdict};
use super::reason::Why;
use super::retry::with_jitter;
use crate::pg::name::RelationName;

/// Between the end of a stage and another try of what was locked.
const BETWEEN_TRIES: Duration = Duration::from_secs(3);

/// What a job knows that the engine does not.
pub trait Job {
    fn execution(&self) -> &Execution<'_>;

    /// The steps there is work on, in stages: one ends before the next begins.
    fn stages(&self, plan: &Plan) -> Vec<Stage>;

    /// What has to have ended before the step begins.
    fn needs<'p>(&self, _step: &'p Step) -> &'p [RelationName] {
        &[]
    }

    /// How often a step whose object is locked is tried again at the end of its stage.
    fn tries_at_the_end(&self) -> u32 {
        0
    }

    /// Of the steps of a stage those that came about with others, and how they ended.
    async fn settled_by_others(
        &self,
        _plan: &Plan,
        _stage: &Stage,
        _outcomes: &[Option<StepOutcome>],
    ) -> Vec<(StepIndex, StepOutcome)> {
        Vec::new()
    }

    /// Why the step is not begun.
    async fn not_to_start(&self, _step: &Step) -> Option<StepOutcome> {
        None
    }

    /// Works on a step.
    async fn work(&self, at: StepIndex, step: &Step) -> Tried;

    /// Keeps in mind how a step ended, also of those that there was no work on.
    fn keep(&self, _step: &Step, _outcome: &StepOutcome) {}

    /// A step is over and remembered.
    async fn release(&self, _step: &Step) {}

    /// The steps that are to be done again, because the server that answers since a connection was
    /// lost does not have what they did.
    async fn lost(&self, _plan: &Plan, _outcomes: &mut [StepOutcome]) -> Vec<StepIndex> {
        Vec::new()
    }

    /// All steps are over; what is only to be seen now is added to the outcomes.
    async fn finish(&self, _plan: &Plan, _outcomes: &mut [StepOutcome]) {}

    /// Whether the history waits for [`Job::finish`].
    fn is_remembered_at_the_end(&self) -> bool {
        false
    }
}

/// How a try ended.
pub enum Tried {
    /// For good.
    Settled(StepOutcome),
    /// Somebody holds the lock.
    Locked(StepOutcome),
}

impl From<StepOutcome> for Tried {
    fn from(outcome: StepOutcome) -> Self {
        Tried::Settled(outcome)
    }
}

/// Steps that may run side by side, one at a time for each table: two concurrent builds on one table end
/// in a deadlock.
#[derive(Debug, Default)]
pub struct Stage {
    /// In the order in which they are begun.
    pub steps: Vec<StepIndex>,
    /// Not even on different tables.
    pub one_by_one: bool,
}

impl Stage {
    /// All steps there is work on, side by side.
    pub fn of_all(plan: &Plan) -> Vec<Stage> {
        let steps = plan.steps.iter().enumerate();
        let to_do = steps.filter(|(_, step)| step.verdict == Verdict::ToDo).map(|(at, _)| at);
        vec![Stage { steps: to_do.collect(), one_by_one: false }]
    }
}

/// Executes the plan. Returns what each step came to, in the order of the plan; a failed step stops no
/// other.
pub async fn run<J: Job>(job: &J, plan: &Plan) -> Vec<StepOutcome> {
    let run = JobRun {
        job,
        plan,
        places: plan.steps.iter().enumerate().map(|(at, step)| (&step.object, at)).collect(),
    };
    // Boxed: what a step awaits lies deep, and the compiler reckons with the size of it all.
    job.execution().watched(plan, Box::pin(run.all())).await
}

struct JobRun<'r, J> {
    job: &'r J,
    plan: &'r Plan,
    places: HashMap<&'r RelationName, StepIndex>,
}

type Outcomes = Vec<Option<StepOutcome>>;

impl<J: Job> JobRun<'_, J> {
    async fn all(&self) -> Vec<StepOutcome> {
        let mut outcomes = self.begin();
        for mut stage in self.job.stages(self.plan) {
            let by_others = self.job.settled_by_others(self.plan, &stage, &outcomes).await;
            for (at, outcome) in by_others {
                stage.steps.retain(|step| *step != at);
                outcomes[at] = Some(self.end(at, outcome).await);
            }
            self.stage(stage, &mut outcomes).await;
        }
        let mut outcomes = reached(outcomes);
        self.again_after_losses(&mut outcomes).await;
        self.job.finish(self.plan, &mut outcomes).await;
        if self.job.is_remembered_at_the_end() {
            self.job.execution().remember(self.plan.steps.iter().zip(&outcomes)).await;
        }
        outcomes
    }

    /// What needs no work has its outcome already.
    fn begin(&self) -> Outcomes {
        let outcomes = self.plan.steps.iter().map(settled).collect::<Vec<_>>();
        for (step, outcome) in self.plan.steps.iter().zip(&outcomes) {
            match outcome {
                Some(outcome) => self.job.keep(step, outcome),
                None => self.job.execution().progress_estimate.expect(step),
            }
        }
        outcomes
    }

    /// Runs a stage; what is locked is tried again at its end.
    async fn stage(&self, mut stage: Stage, outcomes: &mut Outcomes) {
        for tries_left in (0..=self.job.tries_at_the_end()).rev() {
            let locked = self.round(&stage, outcomes, tries_left).await;
            if locked.is_empty() {
                return;
            }
            stage.steps = locked;
            // Where it is interrupted, no step begins any more.
            self.job.execution().pause(with_jitter(BETWEEN_TRIES)).await;
        }
    }

    /// Works on all steps of a stage. Returns those whose object was locked.
    async fn round(
        &self,
        stage: &Stage,
        outcomes: &mut Outcomes,
        tries_left: u32,
    ) -> Vec<StepIndex> {
        let execution = self.job.execution();
        let jobs = if stage.one_by_one { 1 } else { execution.policy.jobs };
        let mut waiting = stage.steps.clone();
        let mut left = Left::new(self.plan, &waiting);
        let (mut running, mut busy, mut locked) =
            (FuturesUnordered::new(), HashSet::new(), Vec::new());
        loop {
            while running.len() < jobs {
                let may_begin = |at: &StepIndex| {
                    !busy.contains(table(&self.plan.steps[*at])) && self.has_all(*at, outcomes)
                };
                let Some(next) = waiting.iter().position(may_begin) else {
                    break;
                };
                let at = waiting.remove(next);
                busy.insert(table(&self.plan.steps[at]));
                execution.tables_left.store(left.tables(), Ordering::Relaxed);
                running.push(async move { (at, self.step(at, tries_left).await) });
            }
            let Some((at, tried)) = running.next().await else {
                return locked;
            };
            busy.remove(table(&self.plan.steps[at]));
            left.done(table(&self.plan.steps[at]));
            outcomes[at] = Some(match tried {
                Tried::Settled(outcome) => outcome,
                Tried::Locked(outcome) => {
                    locked.push(at);
                    outcome
                }
            });
        }
    }

    fn has_all(&self, at: StepIndex, outcomes: &Outcomes) -> bool {
        let needs = self.job.needs(&self.plan.steps[at]).iter();
        needs
            .filter_map(|name| self.places.get(name))
            .all(|need| outcomes[*need].is_some())
    }

    async fn step(&self, at: StepIndex, tries_left: u32) -> Tried {
        let (execution, step) = (self.job.execution(), &self.plan.steps[at]);
        let not_started = match execution.not_started() {
            Some(outcome) => Some(outcome),
            None => self.job.not_to_start(step).await,
        };
        if let Some(outcome) = not_started {
            return self.end(at, outcome).await.into();
        }
        execution.events.emit(Event::Started(at));
        let started = Instant::now();
        let tried = self.job.work(at, step).await;
        let is_locked = matches!(tried, Tried::Locked(_));
        let (Tried::Settled(outcome) | Tried::Locked(outcome)) = tried;
        let outcome = StepOutcome {
            started: Some(started),
            duration: started.elapsed(),
            ..outcome
        };
        if is_locked && tries_left > 0 {
            let told = StepOutcome::new(Status::Skipped, Why::Locked);
            execution.events.emit(Event::Finished(at, Box::new(told)));
            return Tried::Locked(outcome);
        }
        self.end(at, outcome).await.into()
    }

    /// A step is over.
    async fn end(&self, at: StepIndex, outcome: StepOutcome) -> StepOutcome {
        let (execution, step) = (self.job.execution(), &self.plan.steps[at]);
        self.job.keep(step, &outcome);
        if !self.job.is_remembered_at_the_end() {
            execution.remember(std::iter::once((step, &outcome))).await;
        }
        self.job.release(step).await;
        execution.events.emit(Event::Finished(at, Box::new(outcome.clone())));
        let total = execution.progress_estimate.settle(step, &outcome, execution.policy.jobs);
        execution.events.emit(Event::Advanced(total));
        outcome
    }

    /// A connection was lost, so the server may be another one by now: a standby that was behind, and
    /// lacks what was done before. That is done again; what is lost meanwhile, once more.
    async fn again_after_losses(&self, outcomes: &mut [StepOutcome]) {
        let connections = self.job.execution().database.connections();
        let mut seen = 0;
        for _ in 0..2 {
            if connections.losses() == seen {
                break;
            }
            seen = connections.losses();
            for at in self.job.lost(self.plan, outcomes).await {
                let (Tried::Settled(again) | Tried::Locked(again)) = self.step(at, 0).await;
                let before = outcomes[at].clone();
                outcomes[at] = StepOutcome {
                    started: before.started,
                    duration: before.duration + again.duration,
                    waited: before.waited + again.waited,
                    sent: [before.sent, again.sent].concat(),
                    ..again
                };
            }
        }
    }
}

/// On how many steps there is work left, by table.
struct Left<'p>(HashMap<&'p RelationName, usize>);

impl<'p> Left<'p> {
    fn new(plan: &'p Plan, steps: &[StepIndex]) -> Self {
        let mut left = HashMap::new();
        for at in steps {
            *left.entry(table(&plan.steps[*at])).or_default() += 1;
        }
        Left(left)
    }

    fn tables(&self) -> usize {
        self.0.len()
    }

    fn done(&mut self, table: &RelationName) {
        if let Some(steps) = self.0.get_mut(table) {
            *steps -= 1;
            if *steps == 0 {
                self.0.remove(table);
            }
        }
    }
}

fn table(step: &Step) -> &RelationName {
    step.on.as_ref().unwrap_or(&step.object)
}

/// The outcome of a step that needs no work.
pub fn settled(step: &Step) -> Option<StepOutcome> {
    match step.verdict {
        Verdict::ToDo => None,
        Verdict::AsDeclared | Verdict::LeftOut => {
            Some(StepOutcome::skipped(Skipped::Fresh, step.reason.clone()))
        }
        Verdict::Refused => Some(StepOutcome::new(Status::Failed, step.reason.clone())),
    }
}

/// What every step came to; that one was never reached would be an error in here.
pub fn reached(outcomes: Outcomes) -> Vec<StepOutcome> {
    let unreached = || StepOutcome::new(Status::Failed, Why::NeverReached);
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unreached)).collect()
}
