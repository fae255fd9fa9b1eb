//! Indexes that are not whole and that no file declares: apply does not touch them, but the reader should know.

use super::Filter;
use crate::facts::{Build, Facts, InvalidIndex};
use crate::warning::Warning;
use crate::work::plan::Plan;

/// A warning for each that is no step's affair and that nobody is building.
pub fn undeclared(facts: &Facts, plan: &Plan, filter: &Filter) -> Vec<Warning> {
    let is_built = |index| facts.builds.iter().any(|build| may_be_of(build, index));
    let invalid = facts.invalid_indexes.iter().filter(|it| filter.wants_schema_of(&it.name));
    let left = invalid.filter(|index| !is_in(plan, index) && !is_built(*index));
    left.map(warning).collect()
}

/// Whether a step has it as its object, or builds or drops it on the way.
fn is_in(plan: &Plan, index: &InvalidIndex) -> bool {
    plan.steps.iter().any(|step| {
        let mut statements = step.statements.iter();
        step.object == index.name
            || statements.any(|statement| statement.index() == Some(&index.name))
    })
}

/// Whoever may not see what a builder builds has to take any build for it; a rebuild has other numbers.
fn may_be_of(build: &Build, index: &InvalidIndex) -> bool {
    build.table.is_none_or(|table| table == index.table_oid)
}

fn warning(index: &InvalidIndex) -> Warning {
    let name = &index.name;
    let message = match index.is_partitioned {
        true => format!(
            "it is invalid and not declared: a partition of {} has no index that is attached to it",
            index.table
        ),
        false => format!(
            "it is invalid and not declared: queries on {} do not use it, and writes may still pay for \
             it; DROP INDEX CONCURRENTLY {name} removes it, REINDEX INDEX CONCURRENTLY {name} builds it anew",
            index.table
        ),
    };
    Warning { rule: "invalid-index", object: name.to_string(), message }
}
