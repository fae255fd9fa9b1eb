//! What the parameters of a statement are compared with, by its plan.

use std::collections::BTreeMap;

use serde_json::Value;

use super::terms::{Term, terms_of_parameters};
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
}
