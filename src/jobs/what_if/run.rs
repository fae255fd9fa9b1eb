//! Planning before and after the change.

use std::collections::BTreeSet;

use super::Args;
use super::plan::ComparedStatement;
use super::report::{TriedIndex, WhatIfReport};
use crate::app::Context;
use crate::app::custom_plans::{CustomCosts, ExampleValues, example_values};
use crate::app::planner_twin::{PreparedWorkload, warnings};
use crate::failure::{Failure, Result};
use crate::twin::workload::WorkloadStatement;
use crate::twin::{Candidate, Planned, Twin, TwinStatement, TwinValues, Wish};
use crate::work::explained;

/// Plans all statements, today and with what is to change.
///
/// # Errors
/// `Usage` where a change cannot be made; `Sandbox` where no twin can be; those of its sessions.
pub(super) async fn plans(
    context: &Context,
    args: &Args,
    workload: PreparedWorkload,
    wishes: &[Wish],
) -> Result<WhatIfReport> {
    let PreparedWorkload { statements, data, warnings: mut told } = workload;
    let mut twin = args.twin.build(context, &data, None).await?;
    told.extend(warnings(&data, &twin));
    let known = TwinValues::of(&data);
    let before = before(&twin, &statements, &known).await?;
    let (after, tried) = match args.pg {
        Some(major) if major != data.origin.major() => {
            twin.stop().await?;
            twin = args.twin.build(context, &data, Some(major)).await?;
            change(&mut twin, args, wishes, &before).await?
        }
        _ => change(&mut twin, args, wishes, &before).await?,
    };
    twin.stop().await?;
    let mut after = after.into_iter();
    let compared = before
        .into_iter()
        .zip(statements)
        .map(|(before, statement)| compared(statement, before, after.next(), &tried));
    Ok(WhatIfReport {
        statements: compared.collect(),
        tried,
        origin: data.origin.clone(),
        warnings: told,
    })
}

/// The plans of a statement: for any value of its parameters, and for examples.
struct StatementPlans {
    /// As the twin can plan it. `Err`: why not.
    text: std::result::Result<String, String>,
    generic: Planned,
    examples: std::result::Result<Vec<ExampleValues>, String>,
    custom: Vec<Planned>,
}

fn compared(
    statement: WorkloadStatement,
    before: StatementPlans,
    after: Option<StatementPlans>,
    tried: &[TriedIndex],
) -> ComparedStatement {
    let mut uses: Vec<String> = Vec::new();
    for plan in after.iter().flat_map(|after| after.custom.iter().chain([&after.generic])) {
        for index in used(plan, tried) {
            if !uses.contains(&index) {
                uses.push(index);
            }
        }
    }
    let costs = |examples: Vec<ExampleValues>| {
        let costs = examples.iter().enumerate().map(|(at, example)| {
            let planned = |plans: &StatementPlans| match &plans.custom[at] {
                Planned::Plan(_, cost) => Ok(*cost),
                Planned::Not(reason) => Err(reason.clone()),
            };
            Ok(CustomCosts {
                value: example.value,
                before: planned(&before)?,
                after: after.as_ref().map(planned).transpose()?,
            })
        });
        costs.collect::<std::result::Result<Vec<_>, String>>()
    };
    ComparedStatement {
        uses,
        custom: before.examples.clone().and_then(costs),
        before: before.generic,
        after: after.map(|after| after.generic),
        statement,
    }
}

async fn change(
    twin: &mut Twin,
    args: &Args,
    wishes: &[Wish],
    before: &[StatementPlans],
) -> Result<(Vec<StatementPlans>, Vec<TriedIndex>)> {
    if args.changes_nothing() {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut hidden = BTreeSet::new();
    for name in args.hidden() {
        hidden.extend(twin.existing_index(&name).await?);
    }
    let added = twin.add_candidates(wishes).await?;
    let mut tried = Vec::new();
    for (wish, candidate) in wishes.iter().zip(added) {
        let candidate = candidate.map_err(|reason| {
            Failure::usage(format!(
                "--add: CREATE INDEX ON {} {}: {reason}",
                wish.table, wish.definition
            ))
        })?;
        tried.push(TriedIndex { wish: wish.clone(), candidate });
    }
    let shown = tried.iter().flat_map(|tried| tried.candidate.oids.iter().copied());
    twin.toggle(&hidden.into_iter().collect::<Vec<_>>(), &shown.collect::<Vec<_>>())
        .await?;
    for (name, value) in &args.set {
        twin.set(name, value).await?;
    }
    let mut after = Vec::new();
    for (at, plans) in before.iter().enumerate() {
        after.push(again(twin, plans, &format!("after_{at}")).await?);
    }
    Ok((after, tried))
}

async fn before(
    twin: &Twin,
    statements: &[WorkloadStatement],
    known: &TwinValues<'_>,
) -> Result<Vec<StatementPlans>> {
    let mut all = Vec::new();
    for (at, statement) in statements.iter().enumerate() {
        all.push(plan(twin, &format!("before_{at}"), &statement.text, known).await?);
    }
    Ok(all)
}

async fn plan(
    twin: &Twin,
    name: &str,
    text: &str,
    known: &TwinValues<'_>,
) -> Result<StatementPlans> {
    let prepared = match twin.prepare(name, text).await? {
        Ok(prepared) => prepared,
        Err(reason) => return Ok(StatementPlans::refused(reason)),
    };
    let generic = twin.generic_plan(&prepared).await?;
    let examples = match generic.plan() {
        Some(plan) => example_values(plan, &prepared.parameters, known),
        None => Ok(Vec::new()),
    };
    let text = Ok(text.to_owned());
    let custom = custom(twin, &prepared, &examples).await?;
    Ok(StatementPlans { text, generic, examples, custom })
}

/// The same statement with the same values.
async fn again(twin: &Twin, before: &StatementPlans, name: &str) -> Result<StatementPlans> {
    let prepared = match &before.text {
        Ok(text) => twin.prepare(name, text).await?,
        Err(reason) => Err(reason.clone()),
    };
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(reason) => {
            let custom = before.custom.iter().map(|_| Planned::Not(reason.clone())).collect();
            return Ok(StatementPlans { custom, ..StatementPlans::refused(reason) });
        }
    };
    Ok(StatementPlans {
        text: before.text.clone(),
        generic: twin.generic_plan(&prepared).await?,
        custom: custom(twin, &prepared, &before.examples).await?,
        examples: before.examples.clone(),
    })
}

async fn custom(
    twin: &Twin,
    prepared: &TwinStatement,
    examples: &std::result::Result<Vec<ExampleValues>, String>,
) -> Result<Vec<Planned>> {
    let mut plans = Vec::new();
    for example in examples.iter().flatten() {
        plans.push(twin.custom_plan(prepared, &example.values).await?);
    }
    Ok(plans)
}

impl StatementPlans {
    fn refused(reason: String) -> Self {
        StatementPlans {
            text: Err(reason.clone()),
            generic: Planned::Not(reason),
            examples: Ok(Vec::new()),
            custom: Vec::new(),
        }
    }
}

/// Which of the added indexes the plan reads.
fn used(planned: &Planned, tried: &[TriedIndex]) -> Vec<String> {
    let Some(plan) = planned.plan() else {
        return Vec::new();
    };
    let indexes = explained::indexes(plan);
    let is_used =
        |candidate: &Candidate| indexes.iter().any(|index| candidate.names.contains(&index.name));
    let used = tried.iter().filter(|tried| is_used(&tried.candidate));
    used.map(TriedIndex::statement).collect()
}
