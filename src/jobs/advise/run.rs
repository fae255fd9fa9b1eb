//! From statements to advice.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Args;
use super::candidates::{Constants, TablesByName, candidates};
use super::chosen::Chosen;
use super::elsewhere::Elsewhere;
use super::existing::ExistingIndexes;
use super::oracle::Oracle;
use super::report::AdviseReport;
use super::search::{Choice, ChoiceLimits, Search, SearchedCandidate};
use super::shape::IndexShape;
use super::statements::{JudgedStatements, PlansNow, table_of};
use super::statistics::stale_tables;
use super::unneeded;
use super::widened::widened;
use super::writes::{WriteCost, changed_columns, write_cost};
use crate::app::Context;
use crate::app::planner_twin::{PreparedWorkload, warnings};
use crate::facts::health::Node;
use crate::failure::Result;
use crate::output::Outcome;
use crate::pg::name::RelationName;
use crate::twin::data::TwinData;
use crate::twin::workload::WorkloadStatement;
use crate::twin::{Candidate, Planned, Twin, TwinValues, Wish};

/// Plans, tries and chooses.
///
/// # Errors
/// `Sandbox` where no twin can be made; those of its sessions.
pub(super) async fn advise(
    context: &Context,
    args: &Args,
    workload: PreparedWorkload,
    nodes: Vec<Node>,
) -> Result<AdviseReport> {
    let PreparedWorkload { statements, data, warnings: mut told } = workload;
    let build = args.twin.build(context, &data, None);
    let mut twin = context.unless_cancelled(build).await?;
    told.extend(warnings(&data, &twin));
    let elsewhere = Elsewhere::of_same_data(nodes, &data);
    told.extend(elsewhere.warnings());
    let known = TwinValues::of(&data);
    let judging = JudgedStatements::judge(&twin, &statements, &known);
    let mut judged = context.unless_cancelled(judging).await?;
    let tables = TablesByName::of(&data);
    let tried = try_out(context, &mut twin, &data, &mut judged, &tables, &known).await?;
    let writes = write_costs(&tried, &data, &statements);
    let is_timed = statements.iter().any(|statement| statement.total_ms.is_some());
    let charged = |cost: &WriteCost| if is_timed { cost.ms } else { 0.0 };
    let charged = writes.iter().map(charged).collect::<Vec<_>>();
    let mut oracle = Oracle::new(&twin, &tried, &judged.weighed);
    let limits = ChoiceLimits { bytes: args.budget, indexes: args.max_indexes };
    let searched = judged.searched();
    let candidates = searched_candidates(&tried, &charged);
    let search = Search::new(&mut oracle, &searched, &candidates, limits);
    let choice = search.choose(&context.cancel).await?;
    let after = plans_after(&mut oracle, &choice).await?;
    let plans_asked = oracle.asked;
    // A signal has been obeyed by the choice, or is here.
    let unneeded = match context.cancel.signal() {
        Some(_) => Vec::new(),
        None => {
            let found = unneeded::find(&twin, &data, &judged.weighed, &judged.tables, &after);
            elsewhere.count(context.unless_cancelled(found).await?)
        }
    };
    let chosen = Chosen {
        data: &data,
        statements: &statements,
        judged: &judged,
        tried: &tried,
        writes: &writes,
        choice: &choice,
        after: &after,
        is_timed,
    };
    let no_help = match context.cancel.signal() {
        Some(_) => Vec::new(),
        None => context.unless_cancelled(chosen.no_help(&twin)).await?,
    };
    twin.stop().await?;
    let shown = chosen.shown(no_help);
    let advice = chosen.advice(&shown);
    Ok(AdviseReport {
        unneeded: chosen.covered(unneeded, &advice),
        advice,
        statements: shown,
        stale: stale_tables(&data, judged.tables.iter()),
        missing_statistics: chosen.missing_statistics(),
        outcome: outcome(context, args, &choice),
        is_partial: choice.is_partial,
        is_timed,
        plans: plans_asked,
        tried: tried.len(),
        origin: data.origin.clone(),
        warnings: told,
    })
}

fn outcome(context: &Context, args: &Args, choice: &Choice) -> Outcome {
    match context.cancel.signal() {
        Some(signal) if choice.is_partial => Outcome::Cancelled(signal),
        _ if choice.chosen.is_empty() => Outcome::NothingToDo,
        _ if args.check => Outcome::Findings,
        _ => Outcome::Done,
    }
}

fn searched_candidates(tried: &[Candidate], writes: &[f64]) -> Vec<SearchedCandidate> {
    let shapes = tried.iter().map(|candidate| IndexShape::read(&candidate.definition));
    let shapes = shapes.collect::<Vec<_>>();
    let mut of_table: HashMap<&RelationName, Vec<usize>> = HashMap::new();
    for (at, candidate) in tried.iter().enumerate() {
        of_table.entry(&candidate.table).or_default().push(at);
    }
    let extends = |at: usize| {
        let others = of_table[&tried[at].table].iter();
        others.filter(|other| shapes[at].extends(&shapes[**other])).copied().collect()
    };
    // The first candidate on a table stands for it.
    let candidates = tried.iter().zip(writes).enumerate();
    candidates
        .map(|(at, (candidate, writes))| SearchedCandidate {
            table: of_table[&candidate.table][0],
            leading: shapes[at].leading().to_owned(),
            bytes: candidate.bytes,
            writes: *writes,
            extends: extends(at),
        })
        .collect()
}

/// What writing each of them costs.
fn write_costs(
    tried: &[Candidate],
    data: &TwinData,
    statements: &[WorkloadStatement],
) -> Vec<WriteCost> {
    let changed = changed_columns(statements);
    let relations = data.relations.iter();
    let relations = relations
        .map(|relation| ((relation.schema.as_str(), relation.name.as_str()), relation))
        .collect::<HashMap<_, _>>();
    let cost = |candidate: &Candidate| {
        let schema = candidate.table.schema.as_deref()?;
        let table = relations.get(&(schema, candidate.table.name.as_str()))?;
        Some(write_cost(candidate, table, &changed))
    };
    tried.iter().map(|candidate| cost(candidate).unwrap_or_default()).collect()
}

/// Makes the candidates of all statements, and those that what they cost with values asks for.
async fn try_out(
    context: &Context,
    twin: &mut Twin,
    data: &TwinData,
    judged: &mut JudgedStatements,
    tables: &TablesByName<'_>,
    known: &TwinValues<'_>,
) -> Result<Vec<Candidate>> {
    let plans = || judged.plans.iter().filter_map(Planned::plan);
    let constants = Constants::of(plans(), tables);
    let wishes = plans().map(|plan| candidates(plan, tables, &constants)).collect::<Vec<_>>();
    let wider = widened(&wishes);
    let mut tried = Vec::new();
    let first = wishes.iter().flatten().cloned().chain(wider).collect();
    let made = context.unless_cancelled(add(twin, data, &mut tried, first)).await?;
    let own =
        |wishes: &Vec<Wish>| wishes.iter().filter_map(|wish| made.get(wish).copied()).collect();
    judged.wish(&tried, wishes.iter().map(own));
    judged.relate(&tried);
    // From here on a signal ends with the best so far.
    let wishes = judged.compare_examples(twin, &tried, known, &context.cancel).await?;
    if context.cancel.signal().is_none() {
        add(twin, data, &mut tried, wishes).await?;
    }
    judged.relate(&tried);
    Ok(tried)
}

/// Makes candidates, and leaves out those that are there already. Which one each wish has become.
async fn add(
    twin: &mut Twin,
    data: &TwinData,
    tried: &mut Vec<Candidate>,
    wishes: Vec<Wish>,
) -> Result<HashMap<Wish, usize>> {
    let mut known = HashSet::new();
    let distinct = wishes.into_iter().filter(|wish| known.insert(wish.clone()));
    let distinct = distinct.collect::<Vec<_>>();
    if distinct.is_empty() {
        return Ok(HashMap::new());
    }
    let existing = ExistingIndexes::of(data);
    let definition = |candidate: &Candidate| (table_of(candidate), candidate.definition.clone());
    let mut places = tried.iter().map(definition).zip(0..).collect::<HashMap<_, usize>>();
    let made = twin.add_candidates(&distinct).await?;
    let mut places_of = HashMap::new();
    for (wish, candidate) in distinct.into_iter().zip(made) {
        let Some(candidate) = candidate.ok().filter(|candidate| !existing.serve(candidate)) else {
            continue;
        };
        let place = *places.entry(definition(&candidate)).or_insert(tried.len());
        if place == tried.len() {
            tried.push(candidate);
        }
        places_of.insert(wish, place);
    }
    Ok(places_of)
}

async fn plans_after(oracle: &mut Oracle<'_>, choice: &Choice) -> Result<Vec<PlansNow>> {
    let chosen = choice.chosen.iter().copied().collect::<BTreeSet<_>>();
    let mut plans = Vec::new();
    for statement in 0..oracle.statements.len() {
        plans.push(oracle.plans(statement, &chosen).await?);
    }
    Ok(plans)
}
