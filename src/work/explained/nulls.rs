//! What the plan for the rows with NULL in a column tells of the column.

use serde_json::Value;

use super::condition::{ConditionColumn, PlanCondition};
use super::node::{self, PlanNode};
use crate::facts::TableColumn;

/// Whether a query's column may be NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// The server proves that there are none.
    Never,
    /// It is a table's column that may be NULL, or to which the query adds NULLs.
    Possible,
    /// It is an expression, or the server cannot tell.
    Unknown,
}

/// Reads the plan. `origin`: the table's column that the query returns as such.
pub fn nulls(plan: &Value, origin: Option<&TableColumn>) -> Nulls {
    let roots = node::roots(plan);
    if !roots.is_empty() && roots.iter().all(returns_nothing) {
        return Nulls::Never;
    }
    let Some(origin) = origin else {
        return Nulls::Unknown;
    };
    let nodes = roots.iter().flat_map(|root| root.all()).collect::<Vec<_>>();
    let column = NullableColumn { origin, nodes: &nodes };
    if column.is_added() || (!origin.is_not_null && !column.is_joined_by()) {
        Nulls::Possible
    } else {
        Nulls::Unknown
    }
}

/// The planner puts a `Result` that is never true in place of what it proves to be empty.
fn returns_nothing(node: &PlanNode<'_>) -> bool {
    if node.kind() == "Result" && node.text("One-Time Filter") == Some("false") {
        return true;
    }
    // Without a key there is a row for no rows as well, and so it is for some grouping sets.
    let is_row_for_none =
        node.kind() == "Aggregate" && (!node.has("Group Key") || node.has("Grouping Sets"));
    let is_fed = |child: &&PlanNode<'_>| !matches!(child.place(), "InitPlan" | "SubPlan");
    let mut fed = node.children.iter().filter(is_fed).peekable();
    !is_row_for_none && fed.peek().is_some() && fed.all(returns_nothing)
}

struct NullableColumn<'n, 'p> {
    origin: &'n TableColumn,
    nodes: &'n [&'n PlanNode<'p>],
}

impl NullableColumn<'_, '_> {
    /// The column is on the far side of an outer join, or left out of some grouping sets.
    fn is_added(&self) -> bool {
        let is_outer = |node: &PlanNode<'_>| match node.text("Join Type").unwrap_or_default() {
            "Left" | "Right" | "Full" => self.is_asked(node, &["Filter"]),
            // Where the join itself looks for the rows that match none.
            "Anti" | "Right Anti" => self.is_asked(node, &JOINED_BY),
            _ => node.has("Grouping Sets"),
        };
        self.nodes.iter().any(|node| is_outer(node))
    }

    /// An inner join finds its rows by the column, so that NULL falls away.
    fn is_joined_by(&self) -> bool {
        let is_inner =
            |node: &PlanNode<'_>| matches!(node.text("Join Type"), Some("Inner" | "Semi"));
        self.nodes.iter().any(|node| is_inner(node) && self.is_asked(node, &JOINED_BY))
    }

    fn is_asked(&self, node: &PlanNode<'_>, keys: &[&str]) -> bool {
        let table = Some(&self.origin.table);
        let scans = self.nodes.iter().filter(|node| node.relation().as_ref() == table);
        let name = self.origin.name.as_str();
        let columns = scans
            .map(|scan| ConditionColumn { alias: scan.alias(), name })
            .collect::<Vec<_>>();
        let conditions = keys.iter().filter_map(|key| node.text(key)).map(PlanCondition::read);
        let mut found = conditions.flat_map(|condition| {
            columns.iter().map(move |column| condition.is_found_by(*column, any))
        });
        found.any(|is_found| is_found)
    }
}

const JOINED_BY: [&str; 3] = ["Hash Cond", "Merge Cond", "Join Filter"];

fn any(_: &str) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pg::name::RelationName;

    fn column(is_not_null: bool) -> TableColumn {
        let table = RelationName::qualified("public", "s");
        TableColumn { table, name: "area".to_owned(), is_not_null }
    }

    fn scan() -> Value {
        json!({ "Node Type": "Seq Scan", "Parent Relationship": "Outer", "Schema": "public",
            "Relation Name": "s", "Alias": "s", "Filter": "(s.area IS NULL)" })
    }

    fn of(node: &Value, origin: Option<&TableColumn>) -> Nulls {
        nulls(&json!([{ "Plan": node }]), origin)
    }

    fn above(fields: Value, below: &Value) -> Value {
        let mut node = fields;
        node["Plans"] = json!([below]);
        node
    }

    #[test]
    fn what_the_planner_proves_to_be_empty_holds_no_null() {
        let empty = json!({ "Node Type": "Result", "Parent Relationship": "Outer",
            "One-Time Filter": "false" });
        let never = |node: &Value| of(node, None) == Nulls::Never;
        assert!(never(&empty));
        let grouped = json!({ "Node Type": "Aggregate", "Group Key": ["s.id"] });
        assert!(never(&above(grouped, &empty)));
        assert!(!never(&above(json!({ "Node Type": "Aggregate" }), &empty)));
        let sets = json!({ "Node Type": "Aggregate", "Group Key": ["s.id"], "Grouping Sets": [] });
        assert!(!never(&above(sets, &empty)));
        assert!(!never(&json!({ "Node Type": "Append", "Plans": [empty, scan()] })));
        assert!(!never(&json!({ "Node Type": "Result", "One-Time Filter": "($0 IS NULL)" })));
        assert!(!never(&scan()));
    }

    #[test]
    fn a_column_of_a_table_may_be_null_where_nothing_leaves_such_rows_out() {
        assert_eq!(of(&scan(), Some(&column(false))), Nulls::Possible);
        assert_eq!(of(&scan(), None), Nulls::Unknown);
        assert_eq!(of(&scan(), Some(&column(true))), Nulls::Unknown);
        let inner = json!({ "Node Type": "Hash Join", "Join Type": "Inner",
            "Hash Cond": "(s.area = c.name)" });
        assert_eq!(of(&above(inner, &scan()), Some(&column(false))), Nulls::Unknown);
        let other = json!({ "Node Type": "Hash Join", "Join Type": "Inner",
            "Hash Cond": "(s.id = c.name)" });
        assert_eq!(of(&above(other, &scan()), Some(&column(false))), Nulls::Possible);
    }

    #[test]
    fn outer_joins_and_grouping_sets_add_nulls() {
        for join in [
            json!({ "Node Type": "Hash Join", "Join Type": "Anti", "Hash Cond": "(c.id = s.area)" }),
            json!({ "Node Type": "Hash Join", "Join Type": "Full", "Hash Cond": "(c.id = s.area)",
                "Filter": "(s.area IS NULL)" }),
            json!({ "Node Type": "Aggregate", "Grouping Sets": [] }),
        ] {
            assert_eq!(of(&above(join, &scan()), Some(&column(true))), Nulls::Possible);
        }
        let elsewhere = json!({ "Node Type": "Hash Join", "Join Type": "Left",
            "Hash Cond": "(c.id = s.id)", "Filter": "(c.x IS NULL)" });
        assert_eq!(of(&above(elsewhere, &scan()), Some(&column(true))), Nulls::Unknown);
    }
}
