//! Columns that most rows have one value of: an index helps the other values, and need not hold that one.

use serde_json::Value;

use crate::pg::name::{RelationName, quote_ident, quote_literal};
use crate::syntax::lexer::tokens;
use crate::twin::{Candidate, TwinValues, Wish};
use crate::work::explained::terms::Comparator;
use crate::work::explained::uses;

/// A parameter is compared with a column that has a value of so many rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SkewedColumn {
    pub table: RelationName,
    pub column: String,
    pub common: String,
}

/// Less is not worth a condition.
const MOST: f64 = 0.5;

/// Those of a generic plan.
pub fn skewed_columns(plan: &Value, known: &TwinValues<'_>) -> Vec<SkewedColumn> {
    let mut found = Vec::new();
    for usage in uses(plan).into_values().flatten() {
        let (Comparator::Equal, Some(column)) = (&usage.term.comparison, &usage.term.column) else {
            continue;
        };
        let schema = usage.table.schema.as_deref().unwrap_or_default();
        let values = known.of_column(schema, &usage.table.name, column).unwrap_or_default();
        if let Some((common, _)) = values.common.first().filter(|(_, share)| *share >= MOST) {
            let (column, common) = (column.clone(), common.clone());
            found.push(SkewedColumn { table: usage.table, column, common });
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The same index without the common value of one of its columns; `None` where it has no such
/// column, or a condition of its own.
pub fn but_for_common(candidate: &Candidate, skewed: &SkewedColumn) -> Option<Wish> {
    let definition = &candidate.definition;
    let column = quote_ident(&skewed.column);
    let words = tokens(definition).map(|token| token.text(definition)).collect::<Vec<_>>();
    let is_plain = definition.starts_with('(') && !candidate.is_unique && !words.contains(&"WHERE");
    if !is_plain || !words.contains(&column.as_str()) {
        return None;
    }
    let condition = format!("{column} <> {}", quote_literal(&skewed.common));
    Some(Wish {
        table: candidate.table.to_string(),
        is_unique: false,
        definition: format!("{definition} WHERE {condition}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_made_without_the_common_value() {
        let candidate = |definition: &str| Candidate {
            definition: definition.to_owned(),
            ..Candidate::on(RelationName::qualified("public", "Sales"))
        };
        let skewed = SkewedColumn {
            table: RelationName::qualified("public", "Sales"),
            column: "status".to_owned(),
            common: "it's".to_owned(),
        };
        let made = |definition: &str| but_for_common(&candidate(definition), &skewed);
        let wish = made("(status, id)").unwrap();
        assert_eq!(wish.definition, "(status, id) WHERE status <> 'it''s'");
        assert_eq!(wish.table, "public.\"Sales\"");
        for other in ["(id)", "gin (status)", "(status) WHERE (id > 3)"] {
            assert_eq!(made(other), None, "{other}");
        }
    }
}
