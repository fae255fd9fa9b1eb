//! What makes a plan slow, as far as its estimates tell.

use super::Remark;
use super::node::PlanNode;
use crate::facts::explain::{TableFacts, TableSize};
use crate::format;
use crate::format::grouped;
use crate::pg::name::RelationName;

/// From here on PostgreSQL thinks of several processes to read a table
/// (`min_parallel_table_scan_size`).
const LARGE_BYTES: i64 = 8 << 20;
/// A table of which only the rows are known is large from here on; and so many rows are many to
/// look at in a loop.
const MANY_ROWS: f64 = 100_000.0;
/// A filter is worth a remark where so many rows are fetched for it …
const FETCHED_ROWS: f64 = 1000.0;
/// … and at most one of so many is kept.
const FEW_OF: f64 = 10.0;
/// A row in a sort or hash table: header and alignment (`relation_byte_size` in costsize.c).
const ROW_OVERHEAD_BYTES: f64 = 24.0;

/// All remarks: sequential scans first, the rest from the top of the plan.
pub fn find(roots: &[PlanNode<'_>], facts: &TableFacts) -> Vec<Remark> {
    let mut finder = RemarkFinder { facts, roots, scans: Vec::new(), remarks: Vec::new() };
    for root in roots {
        finder.visit(root, Above { processes: 1.0, is_limited: false, is_bounded: false });
    }
    let mut remarks = finder.seq_scans();
    remarks.extend(finder.remarks);
    remarks
}

/// What is above a node.
#[derive(Clone, Copy)]
struct Above {
    /// By how many the rows of a parallel node are divided.
    processes: f64,
    /// A LIMIT further up can end it early.
    is_limited: bool,
    /// A LIMIT further up tells it how many rows are wanted: a sort keeps no more than those. How
    /// many that are, the parameter says.
    is_bounded: bool,
}

/// A sequential scan.
struct SeqScan {
    relation: RelationName,
    size: TableSize,
    filter: Option<String>,
    kept_rows: f64,
    is_limited: bool,
}

struct RemarkFinder<'a, 'p> {
    facts: &'a TableFacts,
    roots: &'a [PlanNode<'p>],
    scans: Vec<SeqScan>,
    remarks: Vec<Remark>,
}

impl<'p> RemarkFinder<'_, 'p> {
    fn visit(&mut self, node: &PlanNode<'p>, above: Above) {
        match node.kind() {
            "Seq Scan" => self.seq_scan(node, above),
            "Sort" => self.sort(node, above),
            "Hash" => self.hash(node),
            "Aggregate" => self.aggregate(node),
            "Nested Loop" => self.nested_loop(node),
            "Index Scan" | "Index Only Scan" => {
                self.late_filter(node, node.index(), self.fetched_at_least(node));
            }
            "Bitmap Heap Scan" => {
                let found = node.children.first();
                let index = found.and_then(PlanNode::index);
                self.late_filter(node, index, found.map_or(0.0, PlanNode::rows));
            }
            _ => {}
        }
        for child in &node.children {
            if child.place() == "SubPlan" {
                self.subplan(node, child);
            }
            self.visit(child, above.below(node, child));
        }
    }

    fn size(&self, relation: &RelationName) -> TableSize {
        self.facts.tables.get(relation).cloned().unwrap_or_default()
    }

    fn add(&mut self, kind: &'static str, relation: Option<RelationName>, message: String) {
        self.remarks.push(Remark { kind, relation, message });
    }

    fn seq_scan(&mut self, node: &PlanNode<'p>, above: Above) {
        let Some(relation) = node.relation() else {
            return;
        };
        let processes = if node.is("Parallel Aware") {
            above.processes
        } else {
            1.0
        };
        self.scans.push(SeqScan {
            size: self.size(&relation),
            relation,
            filter: node.text("Filter").map(str::to_owned),
            kept_rows: node.rows() * processes,
            is_limited: above.is_limited,
        });
    }

    /// The remarks about sequential scans, those of one table's partitions in one.
    fn seq_scans(&self) -> Vec<Remark> {
        let mut groups: Vec<(Option<&RelationName>, Vec<&SeqScan>)> = Vec::new();
        for scan in &self.scans {
            let whole = scan.size.partition_of.as_ref();
            match groups.iter_mut().find(|group| whole.is_some() && group.0 == whole) {
                Some((_, scans)) => scans.push(scan),
                None => groups.push((whole, vec![scan])),
            }
        }
        groups
            .into_iter()
            .filter_map(|(whole, scans)| seq_scan_remark(whole, &scans))
            .collect()
    }

    fn sort(&mut self, node: &PlanNode<'p>, above: Above) {
        let bytes = stored_bytes(node);
        let work_mem = self.facts.work_mem_bytes;
        if above.is_bounded || work_mem <= 0 || bytes <= work_mem {
            return;
        }
        let (bytes, work_mem) = (format::bytes(bytes), format::bytes(work_mem));
        let keys = node.list("Sort Key").unwrap_or_default();
        let message = format!("sorts about {bytes} by {keys}: more than work_mem ({work_mem})");
        self.add("spill", None, format!("{message}, so on disk"));
    }

    fn hash(&mut self, node: &PlanNode<'p>) {
        let bytes = stored_bytes(node);
        let hash_mem = self.facts.hash_mem_bytes;
        if hash_mem <= 0 || bytes <= hash_mem {
            return;
        }
        let (bytes, hash_mem) = (format::bytes(bytes), format::bytes(hash_mem));
        let message = format!(
            "hashes about {bytes}: more than work_mem times hash_mem_multiplier ({hash_mem}), \
             so in batches on disk"
        );
        let relation = node.children.first().and_then(PlanNode::relation);
        self.add("spill", relation, message);
    }

    /// Here the planner says itself that it expects to run out of memory.
    fn aggregate(&mut self, node: &PlanNode<'p>) {
        let partitions = node.number("Planned Partitions");
        if partitions > 0.0 {
            let keys = node.list("Group Key").unwrap_or_default();
            let groups = count(node.rows());
            let message = format!("about {groups} groups by {keys} are too many for memory");
            self.add("spill", None, format!("{message}, so on disk"));
        }
    }

    fn nested_loop(&mut self, node: &PlanNode<'p>) {
        let side = |place| node.children.iter().find(|child| child.place() == place);
        let (Some(outer), Some(inner)) = (side("Outer"), side("Inner")) else {
            return;
        };
        let condition = node.text("Join Filter");
        let kept = if inner.kind() == "Materialize" {
            "kept in memory and "
        } else {
            ""
        };
        let how = format!("{kept}gone through for each of about {} rows", count(outer.rows()));
        self.repeated(inner, outer.rows(), &how, condition);
    }

    fn subplan(&mut self, node: &PlanNode<'p>, subplan: &PlanNode<'p>) {
        let name = subplan.text("Subplan Name").unwrap_or("SubPlan");
        if self.is_hashed(name) {
            return;
        }
        let in_filter = node.text("Filter").is_some_and(|filter| filter.contains(name));
        let table_rows = node.relation().and_then(|relation| self.size(&relation).rows);
        let times = table_rows.filter(|_| in_filter).unwrap_or_else(|| node.rows());
        let how = format!("gone through by {name} for each of about {} rows", count(times));
        let condition = sequential(subplan).first().and_then(|scan| scan.text("Filter"));
        self.repeated(subplan, times, &how, condition);
    }

    /// Whether the subplan is run once, and its rows are looked up.
    fn is_hashed(&self, name: &str) -> bool {
        let mention = format!("hashed {name})");
        let nodes = self.roots.iter().flat_map(|root| root.all());
        nodes.into_iter().any(|node| {
            let keys = ["Filter", "Join Filter", "One-Time Filter", "Output"];
            keys.iter().filter_map(|key| node.list(key)).any(|text| text.contains(&mention))
        })
    }

    fn repeated(&mut self, below: &PlanNode<'p>, times: f64, how: &str, condition: Option<&str>) {
        let scans = sequential(below);
        let rows = scans.iter().map(|scan| {
            let known = scan.relation().and_then(|relation| self.size(&relation).rows);
            known.unwrap_or_else(|| scan.rows())
        });
        if times < 2.0 || times * rows.sum::<f64>() < MANY_ROWS {
            return;
        }
        let suffix = condition.map(|condition| format!(": {condition}")).unwrap_or_default();
        let relation = scans.first().and_then(|scan| scan.relation());
        let whole = relation.as_ref().and_then(|relation| self.size(relation).partition_of);
        let relation = whole.filter(|_| scans.len() > 1).or(relation);
        self.add("repeated_seq_scan", relation, format!("{how}{suffix}"));
    }

    /// A plan does not say how many rows an index scan fetches before its filter. So many it must
    /// be by its cost, if each costs a page of the index and a page of the table.
    fn fetched_at_least(&self, node: &PlanNode<'p>) -> f64 {
        let page = self.facts.random_page_cost;
        let cost = node.number("Total Cost") - node.number("Startup Cost");
        if page > 0.0 { cost / (2.0 * page) } else { 0.0 }
    }

    fn late_filter(&mut self, node: &PlanNode<'p>, index: Option<RelationName>, fetched: f64) {
        let Some(filter) = node.text("Filter") else {
            return;
        };
        if fetched < FETCHED_ROWS || node.rows() * FEW_OF > fetched {
            return;
        }
        let through = index.map(|index| format!(" through {index}")).unwrap_or_default();
        let message = format!(
            "fetches about {} rows or more{through} to keep about {}: {filter}",
            count(fetched),
            count(node.rows())
        );
        self.add("late_filter", node.relation(), message);
    }
}

impl Above {
    fn below(self, node: &PlanNode<'_>, child: &PlanNode<'_>) -> Above {
        let kind = node.kind();
        let is_input = !matches!(child.place(), "SubPlan" | "InitPlan" | "Inner");
        // `ExecSetTupleBound` in execProcnode.c.
        let hands_bound_on = matches!(
            kind,
            "Append" | "Gather" | "Gather Merge" | "Merge Append" | "Result" | "Subquery Scan"
        );
        let hands_rows_on = matches!(kind, "Hash Join" | "LockRows" | "Nested Loop" | "ProjectSet")
            || hands_bound_on;
        let is_limit = kind == "Limit";
        let gathers = matches!(kind, "Gather" | "Gather Merge");
        Above {
            processes: if gathers { processes(node) } else { self.processes },
            is_limited: is_input && (is_limit || hands_rows_on && self.is_limited),
            is_bounded: is_input && (is_limit || hands_bound_on && self.is_bounded),
        }
    }
}

/// The leader helps less the more workers there are (`get_parallel_divisor` in costsize.c).
fn processes(gather: &PlanNode<'_>) -> f64 {
    let workers = gather.number("Workers Planned");
    workers + (1.0 - 0.3 * workers).max(0.0)
}

/// The sequential scans that this node goes through each time that it begins anew.
fn sequential<'a, 'p>(node: &'a PlanNode<'p>) -> Vec<&'a PlanNode<'p>> {
    match node.kind() {
        "Seq Scan" => vec![node],
        "Aggregate" | "Append" | "Gather" | "Limit" | "Materialize" | "ProjectSet" | "Result"
        | "Subquery Scan" => {
            let inputs = node
                .children
                .iter()
                .filter(|child| !matches!(child.place(), "SubPlan" | "InitPlan"));
            inputs.flat_map(sequential).collect()
        }
        _ => Vec::new(),
    }
}

fn seq_scan_remark(whole: Option<&RelationName>, scans: &[&SeqScan]) -> Option<Remark> {
    let first = scans.first()?;
    let rows = sum(scans.iter().map(|scan| scan.size.rows));
    let bytes = sum(scans.iter().map(|scan| scan.size.bytes.map(|bytes| bytes as f64)))
        .map(|bytes| bytes as i64);
    let is_large = match bytes {
        Some(bytes) => bytes >= LARGE_BYTES,
        None => rows.is_some_and(|rows| rows >= MANY_ROWS),
    };
    if !is_large || first.is_limited && first.filter.is_none() {
        return None;
    }
    let what = match scans.len() {
        1 => "all of it".to_owned(),
        many => format!("all of {many} partitions"),
    };
    let amount = [rows.map(|rows| format!("{} rows", count(rows))), bytes.map(format::bytes)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ");
    let purpose = match &first.filter {
        Some(filter) => {
            let kept = scans.iter().map(|scan| scan.kept_rows).sum::<f64>();
            let limit = if first.is_limited {
                ", until the LIMIT is reached"
            } else {
                ""
            };
            format!(" to keep about {}{limit}: {filter}", count(kept))
        }
        None => ", without a filter".to_owned(),
    };
    let relation = whole.filter(|_| scans.len() > 1).unwrap_or(&first.relation);
    let message = format!("reads {what} ({amount}){purpose}");
    Some(Remark { kind: "seq_scan", relation: Some(relation.clone()), message })
}

/// The sum of what is known, `None` where nothing is.
fn sum(parts: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    parts.flatten().reduce(|one, other| one + other)
}

fn stored_bytes(node: &PlanNode<'_>) -> i64 {
    let width = (node.number("Plan Width") / 8.0).ceil() * 8.0;
    (node.rows() * (width + ROW_OVERHEAD_BYTES)) as i64
}

/// A number of rows with three digits that count: `400,000`.
fn count(rows: f64) -> String {
    let step = 10_f64.powf((rows.max(1.0).log10().floor() - 2.0).max(0.0));
    let digits = format!("{:.0}", (rows / step).round() * step);
    grouped(&digits)
}
