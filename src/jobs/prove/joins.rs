//! Which tables the statements join, and by which columns.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::twin::copy::Join;
use crate::work::explained::terms::{Comparator, Term, terms};
use crate::work::explained::{Condition, each_condition};

/// The joins of a plan that compare columns for equality.
pub(super) fn joins(plan: &Value) -> Vec<Join> {
    let mut joins = Vec::new();
    each_condition(plan, |Condition { aliases, text }| {
        let mut pairs: BTreeMap<[String; 2], Vec<[String; 2]>> = BTreeMap::new();
        let mut left = terms(text).into_iter().peekable();
        while let Some(one) = left.next() {
            // A comparison of two tables is two terms, one after the other.
            let Some(other) = left.next_if(|other| are_one(&one, other)) else {
                continue;
            };
            if let Some((own, its)) = one.column.zip(other.column) {
                pairs.entry([one.alias, other.alias]).or_default().push([own, its]);
            }
        }
        joins.extend(pairs.into_iter().filter_map(|([one, other], columns)| {
            let (one, other) = (aliases.get(one.as_str())?, aliases.get(other.as_str())?);
            Some(Join { tables: [one.clone(), other.clone()], columns })
        }));
    });
    joins
}

fn are_one(one: &Term, other: &Term) -> bool {
    one.comparison == Comparator::Equal
        && other.comparison == Comparator::Equal
        && one.other.as_ref() == Some(&other.alias)
        && other.other.as_ref() == Some(&one.alias)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_are_compared_for_equality_are_a_join() {
        let scan = |name: &str, alias: &str| {
            serde_json::json!({
                "Node Type": "Seq Scan", "Schema": "s", "Relation Name": name, "Alias": alias,
                "Filter": format!("({alias}.day > 7)")
            })
        };
        let plan = serde_json::json!([{"Plan": {
            "Node Type": "Hash Join",
            "Hash Cond": "((l.order_id = o.id) AND ((l.region)::text = (o.region)::text))",
            "Join Filter": "(o.day < l.day)",
            "Plans": [scan("lines", "l"), scan("orders", "o")]
        }}]);
        let [join] = &joins(&plan)[..] else { panic!() };
        assert_eq!(join.tables.each_ref().map(|table| table.name.as_str()), ["lines", "orders"]);
        let columns = [["order_id", "id"], ["region", "region"]];
        assert_eq!(join.columns, columns.map(|pair| pair.map(str::to_owned)));
    }
}
