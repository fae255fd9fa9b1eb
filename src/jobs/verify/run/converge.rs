//! Does `apply` find the migrated database as declared, and nothing to do the second time?

use std::time::{Duration, Instant};

use crate::cancel::Cancel;
use crate::facts::{self, Facts};
use crate::failure::Result;
use crate::findings::Finding;
use crate::jobs::verify::plan::converge::{self as judge, Said};
use crate::jobs::verify::plan::declared::InForce;
use crate::pg::advisory::{ExclusiveJob, RunLock};
use crate::pg::database::Database;
use crate::work::apply::plan as planner;
use crate::work::apply::plan::ApplyOptions;
use crate::work::event::{Events, Executed, ExecutedStep};
use crate::work::plan::Plan;
use crate::work::{Apply, Execution, Policy};

/// Nobody else is at work on the database, so there is hardly anything to wait for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of it.
#[derive(Debug)]
pub struct Converged {
    /// What is in force and held by the database.
    pub held: InForce,
    pub findings: Vec<Finding>,
    /// How long it took.
    pub took: Duration,
}

/// Compares what is in force with the database, applies it twice and finds what had no effect and
/// what is never done.
pub async fn converge(
    database: &Database,
    in_force: InForce,
    cancel: &Cancel,
) -> Result<Converged> {
    let started = Instant::now();
    let (facts, plan) = look(database, &in_force).await?;
    let (held, mut findings) = judge::held(in_force, &facts, &plan);
    if !plan.has_work() {
        // The first apply sends nothing, so the second finds what the first did.
        return Ok(Converged { held, findings, took: started.elapsed() });
    }
    let (_, plan) = look(database, &held).await?;
    let said = run(database, plan, cancel).await?;
    let (_, plan) = look(database, &held).await?;
    findings.extend(judge::unsettled(&held, &plan, &said));
    Ok(Converged { held, findings, took: started.elapsed() })
}

/// Reads the facts and makes the plan of `apply`.
pub(super) async fn look(database: &Database, in_force: &InForce) -> Result<(Facts, Plan)> {
    let declaration = judge::declaration(in_force);
    let session = database.reader().await?;
    let questions = planner::questions(&declaration);
    let facts = facts::load(&session, &database.server, &questions).await?;
    let plan = planner::plan(&declaration, &facts, &ApplyOptions::default())?;
    Ok((facts, plan))
}

/// Runs `apply`. Returns what it says of each step.
pub(super) async fn run(database: &Database, plan: Plan, cancel: &Cancel) -> Result<Said> {
    let lock = RunLock::take(database, ExclusiveJob::Apply, PATIENCE).await?;
    let policy = Policy { max_wait: PATIENCE, ..Policy::default() };
    let events = Events::new(|_| ());
    let options = ApplyOptions::default();
    let execution = Execution::new(database, policy, cancel.clone(), events);
    let outcomes = Apply::new(execution, &lock, &options).run(&plan).await;
    let steps = Executed::new(plan, outcomes).steps.into_iter();
    let said = steps.filter_map(|ExecutedStep { step, outcome }| {
        Some((step.source()?.clone(), outcome.reason.words))
    });
    Ok(said.collect())
}
