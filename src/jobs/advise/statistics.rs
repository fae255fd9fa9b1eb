//! Where ANALYZE or extended statistics would do more than an index.

use std::collections::BTreeSet;

use serde_json::Value;

use super::candidates::SMALL_PAGES;
use super::statements::Table;
use crate::format;
use crate::pg::name::{RelationName, quote_ident, with_suffix};
use crate::syntax::lexer::tokens;
use crate::twin::data::{TwinData, TwinRelation};
use crate::work::explained::terms::{Comparator, terms};

/// A table whose statistics say little of what it holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleTable {
    pub table: RelationName,
    pub why: Staleness,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Staleness {
    NeverAnalyzed,
    /// A partitioned table has statistics of its own, which autovacuum does not make.
    NeverAsAWhole,
    Changed {
        changed: i64,
        rows: i64,
        since: Option<String>,
    },
}

/// So many rows, and this share of the table.
const MANY_CHANGES: i64 = 1_000;
const STALE_SHARE: f64 = 0.2;

impl StaleTable {
    /// A code that stays.
    pub fn code(&self) -> &'static str {
        match self.why {
            Staleness::NeverAnalyzed => "never-analyzed",
            Staleness::NeverAsAWhole => "parent-never-analyzed",
            Staleness::Changed { .. } => "changed-since-analyze",
        }
    }

    pub fn message(&self) -> String {
        match &self.why {
            Staleness::NeverAnalyzed => "it was never analyzed".to_owned(),
            Staleness::NeverAsAWhole => {
                "it was never analyzed as a whole; autovacuum analyzes its partitions only"
                    .to_owned()
            }
            Staleness::Changed { changed, rows, since } => {
                let (changed, rows) = (format::whole(*changed), format::whole(*rows));
                let since = since.as_deref().unwrap_or("the last ANALYZE");
                format!("{changed} of {rows} rows changed since {since}")
            }
        }
    }

    /// The command that helps.
    pub fn command(&self) -> String {
        crate::shell::pgtend("analyze", &self.table.to_string())
    }
}

/// Those of the workload's tables, by name.
pub fn stale_tables<'t>(
    data: &TwinData,
    tables: impl Iterator<Item = &'t BTreeSet<Table>>,
) -> Vec<StaleTable> {
    let wanted = tables.flatten().collect::<BTreeSet<_>>();
    let named = wanted.into_iter().filter_map(|(schema, name)| {
        let known = data.relations.iter();
        known.into_iter().find(|one| one.schema == *schema && one.name == *name)
    });
    let stale = named.filter_map(|relation| {
        let table = RelationName::qualified(relation.schema.clone(), relation.name.clone());
        Some(StaleTable { table, why: staleness(data, relation)? })
    });
    stale.collect()
}

fn staleness(data: &TwinData, relation: &TwinRelation) -> Option<Staleness> {
    if !relation.may_read || !relation.is_table() || relation.columns.is_empty() {
        return None;
    }
    let is_whole = relation.kind == "p";
    let mut statistics = data.column_statistics.iter();
    let has_some = statistics.any(|row| {
        row.schema == relation.schema
            && row.relation == relation.name
            && (row.inherited || !is_whole)
    });
    if is_whole {
        let has_rows = |part: &TwinRelation| {
            let is_part = part
                .parents
                .iter()
                .any(|parent| parent.schema == relation.schema && parent.name == relation.name);
            is_part && part.pages.is_some_and(|pages| pages > SMALL_PAGES)
        };
        let is_missing = !has_some && data.relations.iter().any(has_rows);
        return is_missing.then_some(Staleness::NeverAsAWhole);
    }
    if relation.pages.is_none_or(|pages| pages <= SMALL_PAGES) {
        return None;
    }
    if !has_some {
        return Some(Staleness::NeverAnalyzed);
    }
    let changed = relation.changed_since_analyze?;
    let rows = relation.rows().max(0.0);
    let is_stale = changed >= MANY_CHANGES && changed as f64 >= rows * STALE_SHARE;
    is_stale.then(|| Staleness::Changed {
        changed,
        rows: rows as i64,
        since: relation.analyzed_at.clone(),
    })
}

/// Columns of one table that depend on each other, by what a statement has returned.
#[derive(Debug, Clone, PartialEq)]
pub struct MissingStatistics {
    pub table: RelationName,
    pub columns: Vec<String>,
    /// Rows a call: as the planner expects with any of its plans, and as counted.
    pub expected: f64,
    pub returned: f64,
    /// The statement that shows it.
    pub statement: String,
}

/// The planner is wrong by so much, and not about a few rows.
const WRONG_BY: f64 = 10.0;
const SOME_ROWS: f64 = 100.0;
/// PostgreSQL takes no more columns.
const MOST_COLUMNS: usize = 8;

impl MissingStatistics {
    pub fn name(&self) -> String {
        let columns = self.columns.join("_");
        with_suffix(&format!("stat_{}_{columns}", self.table.name), "")
    }

    pub fn sql(&self) -> String {
        let columns = self.columns.iter().map(|column| quote_ident(column)).collect::<Vec<_>>();
        let name = RelationName { schema: self.table.schema.clone(), name: self.name() };
        format!("CREATE STATISTICS {name} ON {} FROM {};", columns.join(", "), self.table)
    }

    pub fn message(&self) -> String {
        let rows = |rows: f64| format::grouped(&format!("{rows:.0}"));
        format!(
            "{} returns {} rows a call, and the planner expects {} at most: {} seem to depend on each \
             other",
            self.statement,
            rows(self.returned),
            rows(self.expected),
            self.columns.join(" and ")
        )
    }
}

/// What a statement's plans prove: it returned far more rows than any of them expects, and two or more
/// columns of its only table are compared for equality.
pub fn missing_statistics<'p>(
    data: &TwinData,
    statement: &str,
    rows_per_call: f64,
    plans: impl Iterator<Item = &'p Value> + Clone,
) -> Option<MissingStatistics> {
    let scans = plans.clone().map(only_scan).collect::<Option<Vec<_>>>()?;
    let expected = plans.filter_map(|plan| plan.pointer("/0/Plan/Plan Rows")?.as_f64());
    let expected = expected.reduce(f64::max)?;
    if rows_per_call < SOME_ROWS || rows_per_call < expected * WRONG_BY {
        return None;
    }
    let scan = scans.first()?;
    let table = RelationName::qualified(scan["Schema"].as_str()?, scan["Relation Name"].as_str()?);
    let mut columns = BTreeSet::new();
    for key in ["Filter", "Index Cond", "Recheck Cond"] {
        let below = scan["Plans"].as_array().into_iter().flatten();
        let nodes = std::iter::once(*scan).chain(below);
        for term in nodes.filter_map(|node| node[key].as_str()).flat_map(terms) {
            if term.comparison == Comparator::Equal && term.other.is_none() {
                columns.extend(term.column);
            }
        }
    }
    let columns = columns.into_iter().take(MOST_COLUMNS).collect::<Vec<_>>();
    let is_worth = columns.len() > 1 && !is_covered(data, &table, &columns);
    is_worth.then(|| MissingStatistics {
        table,
        columns,
        expected,
        returned: rows_per_call,
        statement: statement.to_owned(),
    })
}

/// The scan below nodes that hand on each row, where there is no other.
fn only_scan(plan: &Value) -> Option<&Value> {
    let mut node = plan.pointer("/0/Plan")?;
    while matches!(
        node["Node Type"].as_str()?,
        "Sort" | "Incremental Sort" | "Gather" | "Gather Merge"
    ) {
        node = node.pointer("/Plans/0")?;
    }
    let kind = node["Node Type"].as_str()?;
    let is_scan =
        matches!(kind, "Seq Scan" | "Index Scan" | "Index Only Scan" | "Bitmap Heap Scan");
    is_scan.then_some(node)
}

fn is_covered(data: &TwinData, table: &RelationName, columns: &[String]) -> bool {
    let on_it = data.extended_statistics.iter().filter(|statistics| {
        Some(&statistics.table_schema) == table.schema.as_ref() && statistics.table == table.name
    });
    on_it.into_iter().any(|statistics| {
        let definition = &statistics.definition;
        let words = tokens(definition).map(|token| token.text(definition)).collect::<Vec<_>>();
        columns.iter().all(|column| words.contains(&quote_ident(column).as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twin::data::{ColumnStatistics, ExtendedStatistics, TwinColumn};

    fn sales() -> TwinData {
        let table = TwinRelation {
            schema: "public".to_owned(),
            name: "sales".to_owned(),
            kind: "r".to_owned(),
            pages: Some(1_000),
            reltuples: "100000".to_owned(),
            may_read: true,
            columns: vec![TwinColumn::default()],
            changed_since_analyze: Some(19_000),
            analyzed_at: Some("2026-01-02 03:04 UTC".to_owned()),
            ..TwinRelation::default()
        };
        let row = ColumnStatistics {
            schema: "public".to_owned(),
            relation: "sales".to_owned(),
            ..ColumnStatistics::default()
        };
        TwinData {
            relations: vec![table],
            column_statistics: vec![row],
            ..TwinData::default()
        }
    }

    fn told(data: &TwinData) -> Vec<String> {
        let tables = BTreeSet::from([("public".to_owned(), "sales".to_owned())]);
        let stale = stale_tables(data, std::iter::once(&tables));
        stale
            .iter()
            .map(|table| format!("{}: {}", table.command(), table.message()))
            .collect()
    }

    #[test]
    fn a_table_is_stale_that_was_never_analyzed_or_has_changed_much() {
        let mut data = sales();
        assert!(told(&data).is_empty(), "a fifth of the rows is much, less is not");
        data.relations[0].changed_since_analyze = Some(30_000);
        assert_eq!(
            told(&data),
            [
                "pgtend analyze public.sales: 30,000 of 100,000 rows changed since 2026-01-02 03:04 UTC"
            ]
        );
        data.column_statistics.clear();
        assert_eq!(told(&data), ["pgtend analyze public.sales: it was never analyzed"]);
        data.relations[0].may_read = false;
        assert!(told(&data).is_empty(), "nothing is known of it");
    }

    fn found(data: &TwinData, filter: &str, rows: f64) -> Option<String> {
        let plan = serde_json::json!([{"Plan": {
            "Node Type": "Sort", "Plan Rows": 30,
            "Plans": [{
                "Node Type": "Seq Scan", "Schema": "public", "Relation Name": "sales", "Alias": "s",
                "Filter": filter
            }]
        }}]);
        let found = missing_statistics(data, "7", rows, std::iter::once(&plan));
        found.map(|found| found.sql())
    }

    #[test]
    fn extended_statistics_need_evidence() {
        let mut data = sales();
        let two = "((s.city = $1) AND (s.\"Zip\" = $2) AND (s.amount > 3))";
        assert_eq!(
            found(&data, two, 300.0).unwrap(),
            "CREATE STATISTICS public.\"stat_sales_Zip_city\" ON \"Zip\", city FROM public.sales;"
        );
        assert_eq!(found(&data, two, 299.0), None, "the planner is not far from it");
        assert_eq!(found(&data, "(s.city = $1)", 5_000.0), None, "of one column it knows all");
        data.extended_statistics.push(ExtendedStatistics {
            table_schema: "public".to_owned(),
            table: "sales".to_owned(),
            definition: "CREATE STATISTICS x ON city, \"Zip\" FROM public.sales".to_owned(),
            ..ExtendedStatistics::default()
        });
        assert_eq!(found(&data, two, 300.0), None);
    }
}
