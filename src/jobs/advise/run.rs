//! From statements to advice.

use std::collections::{BTreeSet, HashMap};

use super::Args;
use super::candidates::{Constants, TablesByName, candidates};
use super::elsewhere::Elsewhere;
use super::names::index_name;
use super::report::{Advice, AdviseReport, ServedStatement, Shown};
use super::search::{Choice, ChoiceLimits, Oracle, Weighed, choose};
use super::unneeded;
use super::writes::{WriteCost, write_cost};
use crate::app::Context;
use crate::app::planner_twin::{PreparedWorkload, warnings};
use crate::facts::health::Node;
use crate::failure::Result;
use crate::output::Outcome;
use crate::twin::data::{TwinData, TwinRelation};
use crate::twin::workload::WorkloadStatement;
use crate::twin::{Candidate, Planned, Twin, Wish};
use crate::work::explained;

type Table = (String, String);

/// The statements that can be planned, and where each stands in the workload.
struct JudgedStatements {
    places: Vec<usize>,
    weighed: Vec<Weighed>,
    tables: Vec<BTreeSet<Table>>,
    /// By place in the workload: why not.
    refused: HashMap<usize, String>,
    plans: Vec<Planned>,
}

impl JudgedStatements {
    /// Nobody measures how long PostgreSQL looks for the rows of a foreign key: it takes what the
    /// other statements take at its cost. Where none was measured, it counts as one of them.
    fn weigh_key_checks(&mut self, statements: &[WorkloadStatement]) {
        let of = |place: &usize| &statements[*place];
        let (mut ms, mut cost) = (0.0, 0.0);
        for (place, weighed) in self.places.iter().zip(&self.weighed) {
            if let Some(total_ms) = of(place).total_ms {
                ms += total_ms;
                cost += weighed.cost * of(place).calls;
            }
        }
        if cost <= 0.0 {
            return;
        }
        for (place, weighed) in self.places.iter().zip(&mut self.weighed) {
            if of(place).is_key_check {
                weighed.weight = ms / cost * weighed.cost * of(place).calls;
            }
        }
    }

    /// Which candidates concern which statement: those on its tables.
    fn relate(&mut self, tried: &[Candidate]) {
        for (weighed, tables) in self.weighed.iter_mut().zip(&self.tables) {
            let on_them = tried
                .iter()
                .enumerate()
                .filter(|(_, candidate)| tables.contains(&table_of(candidate)));
            weighed.relevant = on_them.map(|(at, _)| at).collect();
        }
    }
}

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
    let mut judged = context.unless_cancelled(judge(&twin, &statements)).await?;
    let tables = TablesByName::of(&data);
    let trying = try_out(&mut twin, &data, &judged, &tables);
    let tried = context.unless_cancelled(trying).await?;
    judged.relate(&tried);
    let writes = write_costs(&tried, &data, &statements);
    let is_timed = statements.iter().any(|statement| statement.total_ms.is_some());
    let charged = writes
        .iter()
        .map(|cost| if is_timed { cost.ms } else { 0.0 })
        .collect::<Vec<_>>();
    let mut oracle = Oracle::new(&twin, &tried, &judged.weighed);
    let limits = ChoiceLimits { bytes: args.budget, indexes: args.max_indexes };
    let choice = choose(&mut oracle, &charged, limits, &context.cancel).await?;
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
    twin.stop().await?;
    let mut report = AdviseReport {
        advice: Vec::new(),
        unneeded,
        statements: shown(&statements, &judged, &after, &tried, &choice),
        outcome: outcome(context, args, &choice),
        is_partial: choice.is_partial,
        is_timed,
        plans: plans_asked,
        tried: tried.len(),
        origin: data.origin.clone(),
        warnings: told,
    };
    let mut taken = data.indexes.iter().map(|index| index.name.clone()).collect::<Vec<_>>();
    for at in &choice.chosen {
        let candidate = tried[*at].clone();
        let name = index_name(&candidate.table.name, &candidate.definition, &taken);
        taken.push(name.clone());
        let serves = served(&report.statements, *at);
        report.advice.push(Advice { name, candidate, serves, writes: writes[*at] });
    }
    Ok(report)
}

fn outcome(context: &Context, args: &Args, choice: &Choice) -> Outcome {
    match context.cancel.signal() {
        Some(signal) if choice.is_partial => Outcome::Cancelled(signal),
        _ if choice.chosen.is_empty() => Outcome::NothingToDo,
        _ if args.check => Outcome::Findings,
        _ => Outcome::Done,
    }
}

fn table_of(candidate: &Candidate) -> Table {
    (candidate.table.schema.clone().unwrap_or_default(), candidate.table.name.clone())
}

/// What writing each of them costs.
fn write_costs(
    tried: &[Candidate],
    data: &TwinData,
    statements: &[WorkloadStatement],
) -> Vec<WriteCost> {
    let cost = |candidate: &Candidate| {
        let table = relation(data, candidate)?;
        Some(write_cost(candidate, table, statements))
    };
    tried.iter().map(|candidate| cost(candidate).unwrap_or_default()).collect()
}

fn relation<'d>(data: &'d TwinData, candidate: &Candidate) -> Option<&'d TwinRelation> {
    data.relations.iter().find(|relation| {
        candidate.table.schema.as_ref() == Some(&relation.schema)
            && relation.name == candidate.table.name
    })
}

async fn judge(twin: &Twin, statements: &[WorkloadStatement]) -> Result<JudgedStatements> {
    let mut judged = JudgedStatements {
        places: Vec::new(),
        weighed: Vec::new(),
        tables: Vec::new(),
        refused: HashMap::new(),
        plans: Vec::new(),
    };
    for (place, statement) in statements.iter().enumerate() {
        let planned = match twin.prepare(&format!("s{place}"), &statement.text).await? {
            Ok(prepared) => (twin.generic_plan(&prepared).await?, Some(prepared)),
            Err(reason) => (Planned::Not(reason), None),
        };
        match planned {
            (Planned::Plan(plan, cost), Some(prepared)) => {
                let tables = tables_of(&plan, twin);
                if tables.is_empty() {
                    judged.refused.insert(place, "it reads no table of this database".to_owned());
                    continue;
                }
                judged.places.push(place);
                judged.tables.push(tables);
                judged.weighed.push(Weighed {
                    prepared,
                    weight: statement.total_ms.unwrap_or(1.0),
                    cost,
                    relevant: BTreeSet::new(),
                });
                judged.plans.push(Planned::Plan(plan, cost));
            }
            (Planned::Not(reason), _) => {
                judged.refused.insert(place, reason);
            }
            (Planned::Plan(..), None) => {}
        }
    }
    judged.weigh_key_checks(statements);
    Ok(judged)
}

/// The tables of a plan, each with the partitioned table above it.
fn tables_of(plan: &serde_json::Value, twin: &Twin) -> BTreeSet<Table> {
    let relations = explained::relations(plan).into_iter();
    let names = relations.filter_map(|name| Some((name.schema?, name.name)));
    names.flat_map(|name| twin.with_parents(name)).collect()
}

/// Makes the candidates of all statements, and leaves out those that are there already.
async fn try_out(
    twin: &mut Twin,
    data: &TwinData,
    judged: &JudgedStatements,
    tables: &TablesByName<'_>,
) -> Result<Vec<Candidate>> {
    let mut wishes: Vec<Wish> = Vec::new();
    let plans = || judged.plans.iter().filter_map(Planned::plan);
    let constants = Constants::of(plans(), tables);
    for plan in plans() {
        for wish in candidates(plan, tables, &constants) {
            if !wishes.contains(&wish) {
                wishes.push(wish);
            }
        }
    }
    let known = data
        .indexes
        .iter()
        .map(|index| (index.schema.clone(), index.table.clone(), behind_using(&index.definition)))
        .collect::<BTreeSet<_>>();
    let mut seen = BTreeSet::new();
    let mut tried = Vec::new();
    for candidate in twin.add_candidates(&wishes).await?.into_iter().flatten() {
        let (schema, table) = table_of(&candidate);
        let key = (schema, table, candidate.definition.clone());
        if !known.contains(&key) && seen.insert(key) {
            tried.push(candidate);
        }
    }
    Ok(tried)
}

fn behind_using(definition: &str) -> String {
    let rest = definition.split_once(" USING ").map_or(definition, |(_, rest)| rest);
    rest.strip_prefix("btree ").unwrap_or(rest).to_owned()
}

async fn plans_after(oracle: &mut Oracle<'_>, choice: &Choice) -> Result<Vec<Planned>> {
    let chosen = choice.chosen.iter().copied().collect::<BTreeSet<_>>();
    let mut plans = Vec::new();
    for statement in 0..oracle.statements.len() {
        plans.push(oracle.plan(statement, chosen.clone()).await?);
    }
    Ok(plans)
}

fn shown(
    statements: &[WorkloadStatement],
    judged: &JudgedStatements,
    after: &[Planned],
    tried: &[Candidate],
    choice: &Choice,
) -> Vec<Shown> {
    let judged_at = judged
        .places
        .iter()
        .enumerate()
        .map(|(at, place)| (*place, at))
        .collect::<HashMap<_, _>>();
    let show = statements.iter().enumerate().map(|(place, statement)| {
        let at = judged_at.get(&place).copied();
        let uses = at.and_then(|at| after[at].plan()).map(|plan| {
            let indexes = explained::indexes(plan);
            let is_used =
                |at: &&usize| indexes.iter().any(|index| tried[**at].names.contains(&index.name));
            choice.chosen.iter().filter(is_used).copied().collect()
        });
        Shown {
            statement: statement.clone(),
            weight: at.map_or(0.0, |at| judged.weighed[at].weight),
            before: at.map(|at| judged.weighed[at].cost),
            after: at.and_then(|at| after[at].cost()),
            uses: uses.unwrap_or_default(),
            refused: judged.refused.get(&place).cloned(),
        }
    });
    show.collect()
}

fn served(statements: &[Shown], candidate: usize) -> Vec<ServedStatement> {
    let of = statements.iter().filter(|shown| shown.uses.contains(&candidate));
    let served = of.filter_map(|shown| {
        Some(ServedStatement {
            name: shown.statement.name.clone(),
            queryid: shown.statement.queryid,
            query: shown.statement.text.clone(),
            cost_before: shown.before?,
            cost_after: shown.after?,
            weight: shown.weight,
        })
    });
    served.collect()
}
