//! What a person sees in a plan that EXPLAIN printed: the tree, what is slow about it, and which
//! declared index would help. All figures are the planner's estimates.

mod compared;
mod condition;
mod hoped;
mod node;
mod nulls;
mod remarks;
mod served;
pub mod terms;
mod tree;
mod uses;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::facts::explain::TableFacts;
use crate::pg::name::RelationName;

pub use compared::{bare, compared};
pub use hoped::hoped_cost;
pub use nulls::{Nulls, nulls};
pub use served::served_by;
pub use uses::{Use, deciding_parameters, uses};

/// A plan as people read it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanReading {
    /// The plan as indented lines, much as psql shows it.
    pub tree: Vec<String>,
    /// What is slow about it.
    pub remarks: Vec<Remark>,
    /// The tables that it reads or writes.
    pub relations: Vec<RelationName>,
    /// The indexes that it uses.
    pub indexes: Vec<RelationName>,
    /// Of the tables that are partitions, the topmost table that each is part of.
    pub partition_of: BTreeMap<RelationName, RelationName>,
}

/// Something that makes a plan slow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// A stable name for scripts: `seq_scan`, `repeated_seq_scan`, `late_filter`, `spill`.
    pub kind: &'static str,
    /// The table that it is about; of several partitions, the table that they are part of.
    pub relation: Option<RelationName>,
    /// What there is to know.
    pub message: String,
}

/// The tables in a plan, whose sizes [`read`] wants to know.
pub fn relations(plan: &Value) -> Vec<RelationName> {
    let roots = node::roots(plan);
    let nodes = roots.iter().flat_map(|root| root.all());
    distinct(nodes.filter_map(|node| node.relation()))
}

/// The indexes that a plan uses.
pub fn indexes(plan: &Value) -> Vec<RelationName> {
    let roots = node::roots(plan);
    let nodes = roots.iter().flat_map(|root| root.all());
    distinct(nodes.filter_map(|node| node.index()))
}

/// A condition of a plan.
pub struct Condition<'p> {
    /// The tables of the plan by the names that conditions call them by.
    pub aliases: &'p BTreeMap<&'p str, RelationName>,
    pub text: &'p str,
}

/// Shows each condition of a plan.
pub fn each_condition(plan: &Value, mut see: impl FnMut(Condition<'_>)) {
    const KEYS: [&str; 8] = [
        "Index Cond",
        "Recheck Cond",
        "Filter",
        "Join Filter",
        "Hash Cond",
        "Merge Cond",
        "TID Cond",
        "Order By",
    ];
    let roots = node::roots(plan);
    let nodes = roots.iter().flat_map(|root| root.all()).collect::<Vec<_>>();
    let named = nodes.iter().filter_map(|node| Some((node.alias()?, node.relation()?)));
    let aliases = named.collect::<BTreeMap<_, _>>();
    for node in &nodes {
        for text in KEYS.iter().filter_map(|key| node.text(key)) {
            see(Condition { aliases: &aliases, text });
        }
    }
}

/// Whether it writes to a table.
pub fn writes(plan: &Value) -> bool {
    let roots = node::roots(plan);
    roots
        .iter()
        .flat_map(|root| root.all())
        .any(|node| node.kind() == "ModifyTable")
}

/// Reads a plan: the document that `EXPLAIN (FORMAT JSON, VERBOSE)` prints, or a node of it.
pub fn read(plan: &Value, facts: &TableFacts) -> PlanReading {
    let roots = node::roots(plan);
    let relations = relations(plan);
    let partition_of = relations.iter().filter_map(|relation| {
        let root = facts.tables.get(relation)?.partition_of.clone()?;
        Some((relation.clone(), root))
    });
    PlanReading {
        tree: tree::lines(&roots),
        remarks: remarks::find(&roots, facts),
        indexes: indexes(plan),
        partition_of: partition_of.collect(),
        relations,
    }
}

/// Each once, in the order of their first appearance.
fn distinct(names: impl Iterator<Item = RelationName>) -> Vec<RelationName> {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(name.clone())).collect()
}

#[cfg(test)]
mod tests;
