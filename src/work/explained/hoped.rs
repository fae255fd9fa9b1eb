//! A plan that reads an index in the order that a LIMIT wants, and throws rows away on the way, costs
//! little as long as what it looks for is spread evenly. Where all of it stands at the far end, as the
//! rows of a customer who left do, nearly all of the index is read. PostgreSQL does not heed that: it takes
//! the share of the rows for that of the cost (`adjust_limit_rows_costs` in
//! `src/backend/optimizer/util/pathnode.c`).

use serde_json::Value;

use super::node::{PlanNode, roots};
use crate::pg::name::RelationName;

/// What a plan costs more than it says where the rows that a LIMIT wants stand at the far end of an
/// index. `rows`: how many a table has.
pub fn hoped_cost(plan: &Value, rows: impl Fn(&RelationName) -> Option<f64>) -> f64 {
    let roots = roots(plan);
    let nodes = roots.iter().flat_map(PlanNode::all);
    let limits = nodes.filter(|node| node.kind() == "Limit");
    let scans =
        limits.flat_map(|limit| limit.children.first().map(ended_early).unwrap_or_default());
    let far = scans.map(|scan| {
        let all = scan.relation().as_ref().and_then(&rows).unwrap_or(f64::INFINITY);
        let thrown_away = 1.0 - (scan.rows() / all.max(1.0)).min(1.0);
        thrown_away * (scan.number("Total Cost") - scan.number("Startup Cost"))
    });
    far.sum()
}

/// The scans whose rows are thrown away one by one until enough were found.
fn ended_early<'n, 'p>(node: &'n PlanNode<'p>) -> Vec<&'n PlanNode<'p>> {
    let first = || node.children.first().map(ended_early).unwrap_or_default();
    match node.kind() {
        "Index Scan" | "Index Only Scan" if node.has("Filter") => vec![node],
        "Nested Loop" | "Gather Merge" | "Gather" | "Result" | "Subquery Scan" | "LockRows"
        | "Incremental Sort" | "Unique" | "Group" => first(),
        "Append" | "Merge Append" => node.children.iter().flat_map(ended_early).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(kind: &str, below: &[Value]) -> Value {
        json!({"Node Type": kind, "Startup Cost": 0.0, "Total Cost": 50.0, "Plans": below})
    }

    /// Of 1,000 rows it leaves so many.
    fn scan(rows: u32, total: f64, condition: &str) -> Value {
        json!({
            "Node Type": "Index Scan", "Schema": "public", "Relation Name": "t",
            "Startup Cost": 0.0, "Total Cost": total, "Plan Rows": rows, condition: "(t.a = 1)"
        })
    }

    fn hoped(plan: &Value) -> f64 {
        hoped_cost(&json!([{ "Plan": plan }]), |_| Some(1000.0))
    }

    #[test]
    fn what_a_limit_ends_early_is_hoped_for_where_rows_are_thrown_away() {
        let limited = |below: &Value| hoped(&node("Limit", std::slice::from_ref(below)));
        let few = scan(100, 1000.0, "Filter");
        assert!((limited(&few) - 900.0).abs() < 1e-9);
        assert!((limited(&scan(990, 1000.0, "Filter")) - 10.0).abs() < 1e-9);
        assert!(hoped(&few) == 0.0, "nobody ends it early");
        assert!(limited(&scan(100, 1000.0, "Index Cond")) == 0.0);
        assert!(
            limited(&node("Sort", std::slice::from_ref(&few))) == 0.0,
            "all is read in any case"
        );
        let inner = scan(1, 1.0, "Filter");
        let joined = node("Nested Loop", &[few.clone(), inner]);
        assert!((limited(&joined) - 900.0).abs() < 1e-9);
        let parts = [few.clone(), scan(100, 500.0, "Index Cond"), few];
        assert!((limited(&node("Merge Append", &parts)) - 1800.0).abs() < 1e-9);
    }
}
