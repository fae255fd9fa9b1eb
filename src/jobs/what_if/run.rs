//! Planning before and after the change.

use std::collections::BTreeSet;

use super::Args;
use super::plan::ComparedStatement;
use super::report::{TriedIndex, WhatIfReport};
use crate::app::Context;
use crate::app::planner_twin::{PreparedWorkload, warnings};
use crate::failure::{Failure, Result};
use crate::twin::workload::WorkloadStatement;
use crate::twin::{Candidate, Planned, Twin, Wish};
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
    let before = all(&twin, &statements, "before").await?;
    let (after, tried) = match args.pg {
        Some(major) if major != data.origin.major() => {
            twin.stop().await?;
            twin = args.twin.build(context, &data, Some(major)).await?;
            change(&mut twin, args, wishes, &statements).await?
        }
        _ => change(&mut twin, args, wishes, &statements).await?,
    };
    twin.stop().await?;
    let after = match args.changes_nothing() {
        true => None,
        false => Some(after),
    };
    let compared = statements.into_iter().enumerate().map(|(at, statement)| {
        let plan = after.as_ref().and_then(|plans| plans.get(at).cloned());
        ComparedStatement {
            uses: plan.as_ref().map(|plan| used(plan, &tried)).unwrap_or_default(),
            before: before.get(at).cloned().unwrap_or(Planned::Not("it was not planned".into())),
            after: plan,
            statement,
        }
    });
    Ok(WhatIfReport {
        statements: compared.collect(),
        tried,
        origin: data.origin.clone(),
        warnings: told,
    })
}

async fn change(
    twin: &mut Twin,
    args: &Args,
    wishes: &[Wish],
    statements: &[WorkloadStatement],
) -> Result<(Vec<Planned>, Vec<TriedIndex>)> {
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
    Ok((all(twin, statements, "after").await?, tried))
}

async fn all(twin: &Twin, statements: &[WorkloadStatement], name: &str) -> Result<Vec<Planned>> {
    let mut plans = Vec::new();
    for (at, statement) in statements.iter().enumerate() {
        plans.push(match twin.prepare(&format!("{name}_{at}"), &statement.text).await? {
            Ok(prepared) => twin.generic_plan(&prepared).await?,
            Err(reason) => Planned::Not(reason),
        });
    }
    Ok(plans)
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
