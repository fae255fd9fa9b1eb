//! Dear statements that no index makes cheaper: what their plans show, and what would help instead.

use serde_json::Value;

use super::candidates::nodes;
use crate::facts::explain::TableFacts;
use crate::format;
use crate::pg::name::RelationName;
use crate::syntax::lexer::{TokenKind, tokens};
use crate::twin::workload::WorkloadStatement;
use crate::work::explained;

/// Why no index helps, and what would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoHelp {
    /// A code that stays.
    pub code: &'static str,
    pub message: String,
    pub help: String,
}

/// A node is what makes a plan dear that takes so much of its cost.
const MOST: f64 = 0.5;
/// So many rows are many to send to a client at once, or to pass over.
const MANY_ROWS: f64 = 10_000.0;
const MANY_SKIPPED: u64 = 1_000;

/// What a plan proves; nothing where it proves nothing.
pub fn reasons(
    statement: &WorkloadStatement,
    plan: &Value,
    facts: &TableFacts,
    has_trigrams: bool,
) -> Vec<NoHelp> {
    let mut reasons = Vec::new();
    reasons.extend(reads_most(plan, facts));
    reasons.extend(spills(plan, facts));
    reasons.extend(calls_function(plan));
    reasons.extend(skips_rows(&statement.text));
    reasons.extend(returns_many(statement, plan));
    if !has_trigrams {
        reasons.extend(searches_within(plan));
    }
    if reasons.is_empty() {
        reasons.extend(served_already(statement, plan));
    }
    reasons
}

fn cost(node: &Value) -> f64 {
    node["Total Cost"].as_f64().unwrap_or(0.0)
}

/// The nodes that take most of the cost.
fn dear(plan: &Value) -> Vec<&Value> {
    let all = nodes(plan);
    let whole = all.first().copied().map_or(0.0, cost);
    all.into_iter().filter(|node| cost(node) >= whole * MOST).collect()
}

fn rows(rows: f64) -> String {
    format::grouped(&format!("{rows:.0}"))
}

fn reads_most(plan: &Value, facts: &TableFacts) -> Option<NoHelp> {
    let dear = dear(plan);
    let scan = dear.iter().find(|node| node["Node Type"] == "Seq Scan")?;
    let name = RelationName {
        schema: scan["Schema"].as_str().map(str::to_owned),
        name: scan["Relation Name"].as_str()?.to_owned(),
    };
    let all = facts.tables.get(&name)?.rows?;
    let processes = match scan["Parallel Aware"] == true {
        true => {
            dear.iter()
                .filter_map(|node| node["Workers Planned"].as_f64())
                .fold(0.0, f64::max)
                + 1.0
        }
        false => 1.0,
    };
    let kept = (scan["Plan Rows"].as_f64()? * processes).min(all);
    if kept < all * MOST {
        return None;
    }
    let groups = dear.iter().any(|node| node["Node Type"] == "Aggregate");
    let help = match groups {
        true => "keep the result in a materialized view (pgtend refresh), or ask for fewer rows",
        false => "ask for fewer rows",
    };
    Some(NoHelp {
        code: "reads-most-rows",
        message: format!("it needs about {} of the {} rows of {name}", rows(kept), rows(all)),
        help: help.to_owned(),
    })
}

fn spills(plan: &Value, facts: &TableFacts) -> Option<NoHelp> {
    let remarks = explained::read(plan, facts).remarks;
    let spill = remarks.into_iter().find(|remark| remark.kind == "spill")?;
    Some(NoHelp {
        code: "spills",
        message: format!("it {}", spill.message),
        help: "pgtend what-if --set work_mem=SIZE shows what more memory would do".to_owned(),
    })
}

fn calls_function(plan: &Value) -> Option<NoHelp> {
    let node = dear(plan).into_iter().find(|node| node["Node Type"] == "Function Scan")?;
    Some(NoHelp {
        code: "calls-function",
        message: format!(
            "its rows come from the function {}, and a plan shows nothing of what that does",
            node["Function Name"].as_str()?
        ),
        help: "advise for the statements in it: pg_stat_statements.track = all counts them"
            .to_owned(),
    })
}

fn skips_rows(text: &str) -> Option<NoHelp> {
    let found = tokens(text).collect::<Vec<_>>();
    let skipped = found.windows(2).filter_map(|two| match two {
        [word, number] if word.is(text, "offset") && number.kind == TokenKind::Number => {
            number.text(text).parse::<u64>().ok()
        }
        _ => None,
    });
    let most = skipped.max().filter(|most| *most >= MANY_SKIPPED)?;
    Some(NoHelp {
        code: "skips-rows",
        message: format!("it makes {} rows to throw them away (OFFSET)", format::grouped(&most.to_string())),
        help: "ask for the rows behind the last one that was shown: WHERE (day, id) > (…) ORDER BY day, id"
            .to_owned(),
    })
}

fn returns_many(statement: &WorkloadStatement, plan: &Value) -> Option<NoHelp> {
    let expected = plan.pointer("/0/Plan/Plan Rows")?.as_f64()?;
    let (returned, how) = match statement.rows_per_call() {
        Some(rows) => (rows, ""),
        None => (expected, "about "),
    };
    (returned >= MANY_ROWS).then(|| NoHelp {
        code: "returns-many-rows",
        message: format!("it returns {how}{} rows a call", rows(returned)),
        help: "ask for fewer rows (a condition, LIMIT), or for sums instead of rows".to_owned(),
    })
}

fn searches_within(plan: &Value) -> Option<NoHelp> {
    let dear = dear(plan);
    let filters = dear.iter().filter_map(|node| node["Filter"].as_str());
    let mut within = filters
        .filter(|filter| ["~~ '%", "~~* '%"].iter().any(|operator| filter.contains(operator)));
    Some(NoHelp {
        code: "leading-wildcard",
        message: format!("it looks for a pattern that begins with %: {}", within.next()?),
        help: "CREATE EXTENSION pg_trgm; advise then tries an index of trigrams".to_owned(),
    })
}

/// Where every table is read through an index.
fn served_already(statement: &WorkloadStatement, plan: &Value) -> Option<NoHelp> {
    let is_scan = |node: &&&Value| node["Relation Name"].is_string();
    let all = nodes(plan);
    let mut scans = all.iter().filter(is_scan).peekable();
    scans.peek()?;
    if statement.total_ms.is_none() || scans.any(|node| node["Node Type"] == "Seq Scan") {
        return None;
    }
    let names = explained::indexes(plan).into_iter().map(|index| index.name).collect::<Vec<_>>();
    (!names.is_empty()).then(|| NoHelp {
        code: "uses-indexes",
        message: format!("it finds its rows by {} already", names.join(", ")),
        help: format!("ask less often: {} calls", rows(statement.calls)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::explain::TableSize;

    fn codes(text: &str, node: &Value, rows: Option<f64>) -> Vec<&'static str> {
        let sales = RelationName::qualified("public", "sales");
        let size = TableSize { rows: Some(100_000.0), ..TableSize::default() };
        let facts = TableFacts {
            tables: [(sales, size)].into(),
            work_mem_bytes: 4 << 20,
            hash_mem_bytes: 8 << 20,
            random_page_cost: 4.0,
        };
        let statement = WorkloadStatement {
            text: text.to_owned(),
            calls: 1.0,
            total_ms: Some(1.0),
            rows,
            ..WorkloadStatement::default()
        };
        let plan = serde_json::json!([{ "Plan": node }]);
        reasons(&statement, &plan, &facts, false)
            .into_iter()
            .map(|reason| reason.code)
            .collect()
    }

    fn scan(rows: u32, filter: &str) -> Value {
        serde_json::json!({
            "Node Type": "Seq Scan", "Schema": "public", "Relation Name": "sales", "Alias": "s",
            "Total Cost": 100.0, "Plan Rows": rows, "Plan Width": 100, "Filter": filter
        })
    }

    #[test]
    fn a_plan_shows_why_no_index_helps() {
        assert_eq!(
            codes("SELECT", &scan(90_000, "(a > 1)"), None),
            ["reads-most-rows", "returns-many-rows"]
        );
        assert_eq!(codes("SELECT", &scan(10, "(a ~~ '%x%'::text)"), None), ["leading-wildcard"]);
        assert_eq!(codes("SELECT 1 OFFSET 5000", &scan(10, "(a = 1)"), None), ["skips-rows"]);
        assert_eq!(
            codes("SELECT 1 OFFSET 50", &scan(10, "(a = 1)"), Some(20_000.0)),
            ["returns-many-rows"]
        );
        assert!(codes("SELECT 1", &scan(10, "(a = 1)"), None).is_empty(), "nothing is proved");
        let sort = serde_json::json!({
            "Node Type": "Sort", "Total Cost": 150.0, "Plan Rows": 60_000, "Plan Width": 200,
            "Sort Key": ["s.a"], "Plans": [scan(40_000, "(a > 1)")]
        });
        assert_eq!(codes("SELECT", &sort, Some(5.0)), ["spills"]);
        let called = serde_json::json!({
            "Node Type": "Function Scan", "Function Name": "f", "Total Cost": 10.0, "Plan Rows": 5
        });
        assert_eq!(codes("SELECT", &called, None), ["calls-function"]);
        let found = serde_json::json!({
            "Node Type": "Index Scan", "Schema": "public", "Relation Name": "sales", "Total Cost": 8.0,
            "Plan Rows": 1, "Index Name": "sales_pkey"
        });
        assert_eq!(codes("SELECT", &found, None), ["uses-indexes"]);
    }
}
