//! What indexes that `apply` built have done in production: their statements before and after, by the
//! snapshots.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::Args;
use super::plan::{ProofVerdict, Side, verdict};
use super::report::{MeasuredStatement, Proof, ProofRung, ProveReport};
use crate::app::Context;
use crate::app::planner_twin::{Named, find, programs};
use crate::facts::history::{self, PastRun, RunFilter};
use crate::facts::statements::{
    Counter, Counters, PointInTime, Snapshot, SpanEnd, StatementHistory, load_extension,
    load_snapshots,
};
use crate::failure::Result;
use crate::pg::database::{ConnectOptions, Database, Errand};
use crate::pg::name::RelationName;
use crate::pg::session::Session;
use crate::twin::data::{TwinData, TwinIndex};
use crate::twin::workload::{self, WorkloadStatement};
use crate::twin::{self, ExportRequest, Planned, Twin, TwinStatement, Values};
use crate::warning::Warning;

/// A mean of fewer executions says nothing.
const FEWEST_CALLS: f64 = 5.0;
/// So many steps of the history are looked at.
const MOST_RUNS: u32 = 1000;

/// What `apply` calls building an index.
const BUILDS: [&str; 4] = ["build_index", "heal_index", "replace_index", "watch_build"];

type Sides = BTreeMap<i64, Side>;

/// Compares, for each index that was built within this time.
///
/// # Errors
/// `Unsupported` where there is no history or no snapshot; those of the connection and of the twin.
pub(super) async fn after(context: &Context, args: &Args, within: Duration) -> Result<ProveReport> {
    let options = ConnectOptions {
        errand: Errand::Migrations,
        ..context.connect_options(context.origin.command())
    };
    let database = context.open(&options).await?;
    let session = database.reader().await?;
    let owner = context.config.history.owner.as_deref();
    history::load_schema(&session, owner)
        .await?
        .require_usable(history::HistoryPart::Statements)?;
    // Both say how long ago something was: they are asked at the same moment.
    let built = built(&session, within).await?;
    let mut snapshots = load_snapshots(&session).await?;
    snapshots.retain(|snapshot| snapshot.counted.is_some());
    let mut report = ProveReport {
        proofs: Vec::new(),
        copied: None,
        checks: args.check,
        warnings: Vec::new(),
    };
    if built.is_empty() {
        return Ok(report);
    }
    let counted =
        workload::StatementsWanted { limit: args.limit, ..workload::StatementsWanted::default() };
    let named = Named { counted, ..Named::default() };
    let (statements, warnings) = find(&database, named).await?;
    report.warnings = warnings;
    let data = Arc::new(export(&database, args, &statements).await?);
    let binaries = programs(&args.pg_bin, data.origin.major())?;
    context
        .console
        .narrate(&format!("Planning on a throwaway PostgreSQL {} …", binaries.version));
    let twin = Twin::build(data.clone(), binaries, &options).await?;
    let prepared = prepared(&twin, &statements).await?;
    let extension = load_extension(&session).await?;
    let history = StatementHistory {
        session: &session,
        extension: &extension,
        database: Some(extension.dbid),
        history_owner: owner,
        schema: OnceCell::new(),
    };
    for run in &built {
        let mut proof = Proof::of_built(&run.run.object);
        proof.built = Some(Duration::from_secs_f64((run.run.duration_ms / 1e3).clamp(0.0, 1e9)));
        match index_of(&data, run) {
            None => proof.reason = Some(GONE.to_owned()),
            Some(index) => {
                let served = served(&twin, index, &prepared).await?;
                judge(&mut proof, index, &history, &snapshots, run, &served).await?;
            }
        }
        report.proofs.push(proof);
    }
    twin.stop().await?;
    report.warnings.extend(unplanned(&data));
    Ok(report)
}

async fn built(session: &Session, within: Duration) -> Result<Vec<PastRun>> {
    let filter = RunFilter {
        since: Some(within),
        command: Some("apply".to_owned()),
        limit: MOST_RUNS,
        ..RunFilter::default()
    };
    let mut built = history::load_runs(session, &filter).await?;
    built.retain(|past| past.run.outcome == "done" && BUILDS.contains(&past.run.action.as_str()));
    // The last build of an index is the one that counts.
    let mut seen = std::collections::BTreeSet::new();
    built.retain(|past| seen.insert(past.run.object.clone()));
    Ok(built)
}

async fn export(
    database: &Database,
    args: &Args,
    statements: &[WorkloadStatement],
) -> Result<TwinData> {
    let texts = statements.iter().map(|statement| statement.text.clone()).collect::<Vec<_>>();
    let wanted = ExportRequest {
        texts: &texts,
        role: args.role.as_deref(),
        values: Values::Included,
    };
    twin::export(database, &wanted).await
}

/// Of an index that is not found.
const GONE: &str =
    "it is not there any more, or no statement of pg_stat_statements reads its table";

/// What stands in the history is compared with names of the catalog, and never used as SQL.
fn index_of<'d>(data: &'d TwinData, run: &PastRun) -> Option<&'d TwinIndex> {
    data.indexes.iter().find(|index| name_of(index).to_string() == run.run.object)
}

fn name_of(index: &TwinIndex) -> RelationName {
    RelationName::qualified(index.schema.clone(), index.name.clone())
}

/// The statements whose plans change without the index.
async fn served<'s>(
    twin: &Twin,
    index: &TwinIndex,
    statements: &[(&'s WorkloadStatement, TwinStatement)],
) -> Result<Vec<&'s WorkloadStatement>> {
    let oids = twin.existing_index(&name_of(index)).await?;
    let mut served = Vec::new();
    for (statement, prepared) in statements {
        let with = twin.generic_plan(prepared).await?;
        twin.toggle(&oids, &[]).await?;
        let without = twin.generic_plan(prepared).await?;
        twin.toggle(&[], &oids).await?;
        if matches!(with, Planned::Plan(..)) && with != without {
            served.push(*statement);
        }
    }
    Ok(served)
}

async fn prepared<'s>(
    twin: &Twin,
    statements: &'s [WorkloadStatement],
) -> Result<Vec<(&'s WorkloadStatement, TwinStatement)>> {
    let mut all = Vec::new();
    for (at, statement) in statements.iter().enumerate() {
        if let Ok(prepared) = twin.prepare(&format!("s{at}"), &statement.text).await? {
            all.push((statement, prepared));
        }
    }
    Ok(all)
}

async fn judge(
    proof: &mut Proof,
    index: &TwinIndex,
    history: &StatementHistory<'_>,
    snapshots: &[Snapshot],
    run: &PastRun,
    served: &[&WorkloadStatement],
) -> Result<()> {
    proof.name = Some(index.name.clone());
    proof.table = RelationName::qualified(index.schema.clone(), index.table.clone());
    proof.sql.clone_from(&index.definition);
    proof.rung = ProofRung::Production;
    proof.bytes = index.pages.map(|pages| pages * 8192);
    proof.undo = Some(format!("DROP INDEX CONCURRENTLY {}", name_of(index)));
    if served.is_empty() {
        proof.verdict = ProofVerdict::NoEffect;
        proof.reason = Some("no statement of pg_stat_statements is planned with it".to_owned());
        return Ok(());
    }
    let moments = match moments(snapshots, run) {
        Ok(moments) => moments,
        Err(why) => {
            proof.reason = Some(why);
            return Ok(());
        }
    };
    let [first, last, next] = moments.map(PointInTime::Snapshot);
    let before = sides(history, &first, &SpanEnd::PointInTime(last)).await?;
    let after = sides(history, &next, &SpanEnd::Now).await?;
    for statement in served {
        let mut measured = MeasuredStatement::of(statement);
        let side = |sides: &Sides| sides.get(&statement.queryid.unwrap_or(0)).copied();
        (measured.before, measured.after) = (side(&before), side(&after));
        match measured.before.zip(measured.after) {
            Some((before, after)) => measured.verdict = verdict(&before, &after),
            None => {
                measured.reason = Some(format!(
                    "it was executed fewer than {FEWEST_CALLS} times before or after the build"
                ));
            }
        }
        proof.statements.push(measured);
    }
    proof.judge();
    Ok(())
}

/// The snapshots between which nothing had been built, and the first behind the build.
fn moments(snapshots: &[Snapshot], run: &PastRun) -> std::result::Result<[i64; 3], String> {
    let begun = run.run.started_ago_seconds;
    let ended = begun - run.run.duration_ms / 1e3;
    let ago = |snapshot: &&Snapshot| snapshot.ago.as_secs_f64();
    let earlier = snapshots
        .iter()
        .filter(|it| ago(it) > begun)
        .map(|it| it.id)
        .collect::<Vec<_>>();
    let next = snapshots.iter().rfind(|it| ago(it) < ended).map(|it| it.id);
    match (earlier.as_slice(), next) {
        ([last, .., first], Some(next)) => Ok([*first, *last, next]),
        (_, None) => {
            Err("no snapshot was taken since it was built: pgtend snapshot takes one".to_owned())
        }
        _ => {
            Err("fewer than two snapshots are older than it: pgtend snapshot takes them".to_owned())
        }
    }
}

/// What each statement took in a span of time.
async fn sides(
    history: &StatementHistory<'_>,
    since: &PointInTime,
    end: &SpanEnd,
) -> Result<Sides> {
    let mut sides = Sides::new();
    let mut calls: BTreeMap<i64, f64> = BTreeMap::new();
    // The role that executes a statement most stands for all.
    for counted in history.span(since, end).await?.counted() {
        let (id, of) = (counted.key.queryid, counted.counters.or_zero(Counter::Calls));
        if calls.get(&id).is_some_and(|known| *known >= of) {
            continue;
        }
        if let Some(side) = side(&counted.counters) {
            calls.insert(id, of);
            sides.insert(id, side);
        }
    }
    Ok(sides)
}

/// The mean, and twice its standard error.
fn side(counters: &Counters) -> Option<Side> {
    let calls = counters.get(Counter::Calls).filter(|calls| *calls >= FEWEST_CALLS)?;
    let pages = |counter| counters.per_call(counter).unwrap_or(0.0);
    Some(Side {
        ms: counters.mean()?,
        deviation_ms: 2.0 * counters.or_zero(Counter::Deviation) / calls.sqrt(),
        buffers: pages(Counter::SharedHit) + pages(Counter::SharedRead),
        ..Side::default()
    })
}

fn unplanned(data: &TwinData) -> Vec<Warning> {
    let warning = |message: &String| Warning {
        rule: "twin-inexact",
        object: data.origin.database.clone(),
        message: message.clone(),
    };
    data.unknown.iter().map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(id: i64, ago: u64) -> Snapshot {
        Snapshot {
            id,
            moment: Default::default(),
            shown_at: String::new(),
            ago: Duration::from_secs(ago),
            counted: None,
        }
    }

    #[test]
    fn the_spans_lie_before_and_behind_the_build() {
        let run = history::Run {
            started_ago_seconds: 1000.0,
            duration_ms: 100_000.0,
            ..history::Run::default()
        };
        let run = PastRun {
            id: 1,
            started_at: String::new(),
            shown_at: String::new(),
            pgtend_version: String::new(),
            run,
        };
        let of = |agos: &[(i64, u64)]| {
            let all = agos.iter().map(|(id, ago)| snapshot(*id, *ago)).collect::<Vec<_>>();
            moments(&all, &run)
        };
        let all = [(6, 10), (5, 800), (4, 950), (3, 1100), (2, 2000), (1, 3000)];
        assert_eq!(of(&all), Ok([1, 3, 5]));
        assert!(of(&all[2..]).is_err());
        assert!(of(&all[..4]).is_err());
    }
}
