//! The plans of the workload with production's statistics, before and after each statement of the
//! migrations, on a saved twin.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::plan::{CheckName, VerifyResults};
use super::{Args, Context};
use crate::app::planner_twin;
use crate::declared::migrations::{self, Migration};
use crate::failure::Result;
use crate::findings::{Finding, Place, Rule};
use crate::format;
use crate::twin::workload::{self, WorkloadStatement};
use crate::twin::{self, Migrated, Planned, Twin};

/// Statements that would put the twin's empty tables in place of its statistics.
const LEFT_OUT: [&str; 7] =
    ["analyze", "cluster", "copy", "refresh", "reindex", "truncate", "vacuum"];

/// Plans the workload before the migrations and after each of their statements.
///
/// # Errors
/// `Usage` where the twin or the workload cannot be read; `Sandbox` where no server can be made; those of
/// its sessions.
pub(super) async fn judge(
    context: &Context,
    args: &Args,
    file: &Path,
    migrations: &[Migration],
    judgement: &mut VerifyResults,
) -> Result<()> {
    let started = Instant::now();
    let data = Arc::new(twin::load(file)?);
    let mut queries = Vec::new();
    if let Some(folder) = &args.workload {
        queries = workload::of_files(folder)?;
    }
    let mut twin = planner_twin::build(context, &data, data.origin.major(), &[]).await?;
    let mut costs = Vec::new();
    for (at, query) in queries.iter().enumerate() {
        costs.push(cost(&twin, at, query).await?);
    }
    let planned = costs.iter().flatten().count();
    let mut findings = Vec::new();
    for migration in migrations {
        let Ok(statements) = migrations::parse(&migration.up) else {
            continue;
        };
        for statement in statements.iter().filter(|statement| may_run(&statement.text)) {
            if twin.migrate(&statement.text).await? != Migrated::Done {
                continue;
            }
            let place = Place::new(&migration.up, statement.line, statement.column);
            let compared = ComparedQuery { place, limit: args.max_regression };
            for (at, query) in queries.iter().enumerate() {
                let now = cost(&twin, at, query).await?;
                findings.extend(compared.finding(query, costs[at], now));
                costs[at] = now;
            }
        }
    }
    twin.stop().await?;
    let reason = format!(
        "{} planned with the statistics of {} as of {}",
        format::count(planned, "query", "queries"),
        data.origin.database,
        data.origin.taken_at
    );
    judgement.add(CheckName::Plans, started.elapsed(), findings, &reason);
    Ok(())
}

fn may_run(statement: &str) -> bool {
    let first = statement.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    !LEFT_OUT.contains(&first.as_str())
}

/// Prepared anew each time: what it names may have changed.
async fn cost(twin: &Twin, at: usize, query: &WorkloadStatement) -> Result<Option<f64>> {
    let planned = match twin.prepare(&format!("q{at}"), &query.text).await? {
        Ok(prepared) => {
            let planned = twin.generic_plan(&prepared).await?;
            twin.forget(&prepared).await?;
            planned
        }
        Err(reason) => Planned::Not(reason),
    };
    Ok(planned.cost())
}

struct ComparedQuery {
    place: Place,
    limit: f64,
}

impl ComparedQuery {
    fn finding(
        &self,
        query: &WorkloadStatement,
        before: Option<f64>,
        after: Option<f64>,
    ) -> Option<Finding> {
        let before = before?;
        let message = match after {
            None => format!("the query at {} cannot be planned any more", query.name),
            Some(after) if after > before * self.limit => format!(
                "with production's statistics the query at {} costs {after:.0} instead of \
                 {before:.0} from here on",
                query.name
            ),
            Some(_) => return None,
        };
        let finding = Finding::new(&Rule::PLAN_REGRESSION, Some(self.place.clone()), message);
        Some(finding.help("pgtend what-if --twin FILE shows its plan"))
    }
}
