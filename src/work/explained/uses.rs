//! What the parameters of a statement are compared with, by its plan.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::terms::{Term, parameters, terms_of_parameters};
use super::{Condition, each_condition};
use crate::pg::name::RelationName;

/// Where a parameter is compared with a column or an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    pub table: RelationName,
    pub term: Term,
}

/// Each parameter with all that it is compared with.
pub fn uses(plan: &Value) -> BTreeMap<u32, Vec<Use>> {
    let mut uses: BTreeMap<u32, Vec<Use>> = BTreeMap::new();
    each_condition(plan, |Condition { aliases, text }| {
        for term in terms_of_parameters(text) {
            let Some(table) = aliases.get(term.alias.as_str()) else {
                continue;
            };
            for number in term.parameters.clone() {
                let found = Use { table: table.clone(), term: term.clone() };
                uses.entry(number).or_default().push(found);
            }
        }
    });
    uses
}

/// The parameters on which it depends which rows are found, and so the plan: those that stand anywhere
/// but in what is returned.
pub fn deciding_parameters(plan: &Value) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    decide(plan, &mut found);
    found
}

fn decide(value: &Value, found: &mut BTreeSet<u32>) {
    match value {
        Value::String(text) => found.extend(parameters(text)),
        Value::Array(all) => all.iter().for_each(|one| decide(one, found)),
        Value::Object(fields) => {
            let others = fields.iter().filter(|(key, _)| *key != "Output");
            others.for_each(|(_, below)| decide(below, found));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_looked_for_in_all_conditions() {
        let plan = serde_json::json!([{"Plan": {
            "Node Type": "Seq Scan", "Schema": "public", "Relation Name": "sales", "Alias": "s",
            "Filter": "((s.amount > $2) AND (s.day = $1))"
        }}]);
        let uses = uses(&plan);
        assert_eq!(uses[&1][0].term.column.as_deref(), Some("day"));
        assert_eq!(uses[&2][0].table, RelationName::qualified("public", "sales"));
    }

    #[test]
    fn a_parameter_that_is_only_returned_decides_nothing() {
        let plan = serde_json::json!([{"Plan": {
            "Node Type": "Result", "Output": ["$1"], "One-Time Filter": "($3 = 1)",
            "Plans": [{"Node Type": "Seq Scan", "Filter": "(a = ANY (ARRAY[$2, $4]))"}]
        }}]);
        assert_eq!(deciding_parameters(&plan), BTreeSet::from([2, 3, 4]));
    }
}
