//! The plan as lines, much as EXPLAIN's own text.

use super::node::PlanNode;
use crate::pg::name::quote_ident;

/// What is shown below a node, in this order.
const DETAILS: [&str; 17] = [
    "Workers Planned",
    "Planned Partitions",
    "Subplans Removed",
    "Group Key",
    "Sort Key",
    "Presorted Key",
    "Cache Key",
    "Index Cond",
    "Recheck Cond",
    "TID Cond",
    "Order By",
    "Hash Cond",
    "Merge Cond",
    "Join Filter",
    "Filter",
    "One-Time Filter",
    "Remote SQL",
];

/// The lines of all plans.
pub fn lines(roots: &[PlanNode<'_>]) -> Vec<String> {
    let mut lines = Vec::new();
    for root in roots {
        add(root, 0, &mut lines);
    }
    lines
}

fn add(node: &PlanNode<'_>, depth: usize, lines: &mut Vec<String>) {
    // As EXPLAIN indents: an arrow before all but the topmost node, details further in.
    let indent = depth.saturating_sub(1) * 6 + if depth > 0 { 2 } else { 0 };
    if let Some(name) = node.text("Subplan Name") {
        lines.push(format!("{:indent$}{name}", ""));
    }
    let arrow = if depth > 0 { "->  " } else { "" };
    lines.push(format!("{:indent$}{arrow}{}", "", header(node)));
    let details = DETAILS.iter().filter_map(|key| Some((key, detail(node, key)?)));
    for (key, value) in details {
        lines.push(format!("{:width$}{key}: {value}", "", width = depth * 6 + 2));
    }
    for child in &node.children {
        add(child, depth + 1, lines);
    }
}

fn detail(node: &PlanNode<'_>, key: &str) -> Option<String> {
    let count = node.number(key);
    let count = (count > 0.0).then(|| format!("{count:.0}"));
    node.list(key).filter(|text| !text.is_empty()).or(count)
}

fn header(node: &PlanNode<'_>) -> String {
    format!(
        "{}{}  (cost={:.2}..{:.2} rows={:.0} width={:.0})",
        action(node),
        object(node),
        node.number("Startup Cost"),
        node.number("Total Cost"),
        node.rows(),
        node.number("Plan Width"),
    )
}

/// What it does, in the words of EXPLAIN's text, which JSON spreads over several properties.
fn action(node: &PlanNode<'_>) -> String {
    let kind = node.kind();
    let words = match (kind, node.text("Strategy"), node.text("Join Type"), node.text("Operation"))
    {
        ("Aggregate", Some("Hashed"), ..) => "HashAggregate".to_owned(),
        ("Aggregate", Some("Sorted"), ..) => "GroupAggregate".to_owned(),
        ("Aggregate", Some("Mixed"), ..) => "MixedAggregate".to_owned(),
        ("SetOp", Some("Hashed"), ..) => "HashSetOp".to_owned(),
        ("ModifyTable", _, _, Some(operation)) => operation.to_owned(),
        (_, _, Some("Inner") | None, _) => kind.to_owned(),
        ("Nested Loop", _, Some(join), _) => format!("{kind} {join} Join"),
        (_, _, Some(join), _) => match kind.strip_suffix(" Join") {
            Some(method) => format!("{method} {join} Join"),
            None => kind.to_owned(),
        },
    };
    let partial = match node.text("Partial Mode") {
        Some(mode @ ("Partial" | "Finalize")) => format!("{mode} "),
        _ => String::new(),
    };
    let parallel = if node.is("Parallel Aware") { "Parallel " } else { "" };
    let backward = match node.text("Scan Direction") {
        Some("Backward") => " Backward",
        _ => "",
    };
    format!("{partial}{parallel}{words}{backward}")
}

/// The index and the table or whatever else it reads.
fn object(node: &PlanNode<'_>) -> String {
    let relation = node.relation();
    let index = match (node.index(), &relation) {
        (Some(index), Some(_)) => format!(" using {}", quote_ident(&index.name)),
        (Some(index), None) => format!(" on {}", quote_ident(&index.name)),
        (None, _) => String::new(),
    };
    let others = ["CTE Name", "Function Name", "Table Function Name", "Tuplestore Name"];
    let (alias, other) = (node.text("Alias"), others.iter().find_map(|key| node.text(key)));
    let own = node.text("Relation Name").or(other).or(alias);
    let on = relation
        .map(|relation| relation.to_string())
        .or(own.map(str::to_owned))
        .map(|on| format!(" on {on}"))
        .unwrap_or_default();
    let other_name = alias
        .filter(|alias| own != Some(*alias))
        .map(|alias| format!(" {}", quote_ident(alias)))
        .unwrap_or_default();
    format!("{index}{on}{other_name}")
}
