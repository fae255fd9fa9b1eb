//! Which missing index would help a plan. Whether the planner would take it only the server can
//! tell, once the index is there.

use serde_json::Value;

use super::PlanReading;
use super::condition::{ConditionColumn, PlanCondition};
use super::node::{PlanNode, roots};
use crate::declared::DeclaredIndex;
use crate::pg::name::RelationName;

/// A join looks rows up by an index where this many times more would be read otherwise.
const LOOK_UP_SHARE: f64 = 10.0;
/// So many rows are worth reading in the order of an index to sort none.
const SORTED_ROWS: f64 = 1000.0;

/// Which of the missing indexes would serve a sequential scan or a sort of this plan, and how: the
/// index is on the scanned table (or on the one whose partition it is), and its first column is
/// what the filter or the join compares, or what many rows are sorted by of which a LIMIT takes
/// the first. An index whose first column is an expression is left out: its text says nothing for
/// certain.
pub fn served_by<'d>(
    reading: &PlanReading,
    plan: &Value,
    missing: &'d [DeclaredIndex],
) -> Vec<(&'d DeclaredIndex, String)> {
    let mut scans = Vec::new();
    for root in &roots(plan) {
        collect(root, &PlanContext::default(), &mut scans);
    }
    let served = |index: &'d DeclaredIndex| {
        let reason = scans
            .iter()
            .find_map(|scan| scan.served_by(index, scan.table(index, reading)?))?;
        let limit = if is_partial(index) {
            ", where the index's predicate holds"
        } else {
            ""
        };
        Some((index, format!("{reason}{limit}")))
    };
    missing.iter().filter_map(served).collect()
}

/// A sequential scan, and what is asked of its rows.
struct Scan<'p> {
    relation: RelationName,
    alias: &'p str,
    filter: Option<&'p str>,
    context: PlanContext<'p>,
}

/// What the nodes above a scan want.
#[derive(Clone, Default)]
struct PlanContext<'p> {
    /// Conditions of joins by which few rows of the scan would be looked up.
    joins: Vec<&'p str>,
    /// The first sort key of a sort of just these rows of which a LIMIT takes the first.
    sort_key: Option<&'p str>,
    /// There is a LIMIT to what a sort would return.
    is_limited: bool,
}

fn collect<'p>(node: &PlanNode<'p>, context: &PlanContext<'p>, scans: &mut Vec<Scan<'p>>) {
    if let ("Seq Scan", Some(relation), Some(alias)) = (node.kind(), node.relation(), node.alias())
    {
        let (filter, context) = (node.text("Filter"), context.clone());
        scans.push(Scan { relation, alias, filter, context });
    }
    for child in &node.children {
        collect(child, &context.below(node, child), scans);
    }
}

impl<'p> PlanContext<'p> {
    fn below(&self, node: &PlanNode<'p>, child: &PlanNode<'p>) -> PlanContext<'p> {
        if matches!(child.place(), "SubPlan" | "InitPlan") {
            return PlanContext::default();
        }
        let mut context = self.clone();
        match node.kind() {
            "Limit" => context.is_limited = true,
            "Sort" => {
                let is_worth = context.is_limited && node.rows() >= SORTED_ROWS;
                context.sort_key = node.first("Sort Key").filter(|_| is_worth);
            }
            "Append" | "Gather" | "Gather Merge" | "Hash" | "LockRows" | "Materialize"
            | "Merge Append" | "Result" => {}
            "Nested Loop" => {
                (context.sort_key, context.is_limited) = (None, false);
                let condition = node.text("Join Filter").filter(|_| child.place() == "Inner");
                context.joins.extend(condition);
            }
            "Hash Join" => {
                (context.sort_key, context.is_limited) = (None, false);
                let other = node.children.iter().find(|other| other.place() != child.place());
                let few = |other: &PlanNode<'_>| other.rows() * LOOK_UP_SHARE <= child.rows();
                if other.is_some_and(few) {
                    context.joins.extend(node.text("Hash Cond"));
                }
            }
            _ => context = PlanContext::default(),
        }
        context
    }
}

impl Scan<'_> {
    /// The table that the index is declared on, where this is a scan of it or of its partition.
    fn table<'r>(
        &'r self,
        index: &DeclaredIndex,
        reading: &'r PlanReading,
    ) -> Option<&'r RelationName> {
        let is = |relation: &RelationName| {
            let schema = index.table.schema.as_ref();
            relation.name == index.table.name
                && schema.is_none_or(|schema| relation.schema.as_ref() == Some(schema))
        };
        let whole = reading.partition_of.get(&self.relation);
        [Some(&self.relation), whole]
            .into_iter()
            .flatten()
            .find(|relation| is(relation))
    }

    fn served_by(&self, index: &DeclaredIndex, table: &RelationName) -> Option<String> {
        let name = index.columns.first()?.as_deref()?;
        let finds = operators(index);
        let holds = |text: &&str| {
            let condition = PlanCondition::read(text);
            let mut aliases = self.aliases().into_iter();
            aliases.any(|alias| {
                condition.is_found_by(ConditionColumn { alias: Some(alias), name }, finds)
            })
        };
        if let Some(filter) = self.filter.filter(holds) {
            return Some(format!("the sequential scan of {table} filters by {name}: {filter}"));
        }
        if let Some(join) = self.context.joins.iter().copied().find(holds) {
            return Some(format!("{table} is read sequentially to join by {name}: {join}"));
        }
        let sort_key = self.context.sort_key.filter(|_| is_ordered(index))?;
        let is_sorted =
            PlanCondition::read(sort_key).is_column(ConditionColumn { alias: None, name });
        is_sorted.then(|| format!("the rows of {table} are sorted by {sort_key}"))
    }

    /// A partition's alias is the whole table's with a number; joins name the whole table.
    fn aliases(&self) -> Vec<&str> {
        let (base, number) = self.alias.rsplit_once('_').unwrap_or((self.alias, ""));
        let is_numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        if is_numbered {
            vec![self.alias, base]
        } else {
            vec![self.alias]
        }
    }
}

/// By which operators an index of this method finds rows. Those of the methods for other kinds of
/// questions depend on the operator class.
fn operators(index: &DeclaredIndex) -> fn(&str) -> bool {
    match method(index) {
        "btree" | "brin" => |operator| matches!(operator, "=" | "<" | "<=" | ">" | ">="),
        "hash" => |operator| operator == "=",
        _ => |operator| !matches!(operator, "," | "[" | "]" | "<>"),
    }
}

fn method(index: &DeclaredIndex) -> &str {
    index.method.as_deref().unwrap_or("btree")
}

fn is_ordered(index: &DeclaredIndex) -> bool {
    method(index) == "btree"
}

/// Not plain, although only columns are indexed: there is a predicate.
fn is_partial(index: &DeclaredIndex) -> bool {
    !index.plain && index.columns.iter().all(Option::is_some)
}
