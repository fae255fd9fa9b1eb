//! What an index costs those who write. Estimated: by what was measured of PostgreSQL 15 and 18 on one
//! machine (docs/advise.md), and by how many rows the table's counters say were written.

use std::collections::BTreeSet;

use crate::pg::name::quote_ident;
use crate::syntax::lexer::{TokenKind, tokens};
use crate::twin::Candidate;
use crate::twin::data::TwinRelation;
use crate::twin::workload::WorkloadStatement;

/// One more entry in a B-tree.
const ENTRY_MS: f64 = 0.004;
/// An inverted index has an entry for each element.
const INVERTED: f64 = 4.0;
/// An update that is heap-only no more writes into every index of the table.
const LOST_HOT_MS: f64 = 0.02;

/// What writing takes more with an index.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct WriteCost {
    /// Rows that get an entry, since the counters were begun: of those that are written, as large a part as
    /// of those that are there.
    pub rows: f64,
    /// Heap-only updates that are none any more.
    pub lost_hot: f64,
    /// Milliseconds for all of it.
    pub ms: f64,
}

/// Of a candidate on this table, by its counters and the columns that the workload changes.
pub fn write_cost(
    candidate: &Candidate,
    table: &TwinRelation,
    changed: &BTreeSet<String>,
) -> WriteCost {
    let count = |value: Option<i64>| {
        value.and_then(|value| u32::try_from(value).ok()).map_or(0.0, f64::from)
    };
    let (inserted, updated) = (count(table.inserted), count(table.updated));
    let hot = count(table.hot_updated);
    let is_changed = names_any(candidate, changed);
    let is_brin = candidate.definition.starts_with("brin");
    let lost_hot = if is_changed && !is_brin { hot } else { 0.0 };
    let share = match candidate.table_rows > 0.0 {
        true => (candidate.rows / candidate.table_rows).min(1.0),
        false => 1.0,
    };
    let rows = (inserted + (updated - hot).max(0.0) + lost_hot) * share;
    let entry = match candidate.definition.starts_with("gin") {
        true => ENTRY_MS * INVERTED,
        false => ENTRY_MS,
    };
    WriteCost { rows, lost_hot, ms: rows * entry + lost_hot * LOST_HOT_MS }
}

/// The columns that the UPDATE statements of a workload set, as SQL.
pub fn changed_columns(statements: &[WorkloadStatement]) -> BTreeSet<String> {
    let changed = statements.iter().flat_map(|statement| set_columns(&statement.text));
    changed.map(|column| quote_ident(&column)).collect()
}

/// Whether the index names one of the columns anywhere: as a key, included, or in its condition.
fn names_any(candidate: &Candidate, columns: &BTreeSet<String>) -> bool {
    let definition = &candidate.definition;
    tokens(definition).any(|token| columns.contains(token.text(definition)))
}

/// The columns that an UPDATE sets.
fn set_columns(text: &str) -> Vec<String> {
    let found = tokens(text).collect::<Vec<_>>();
    if !found.first().is_some_and(|token| token.is(text, "update")) {
        return Vec::new();
    }
    let Some(start) = found.iter().position(|token| token.is(text, "set")) else {
        return Vec::new();
    };
    let mut columns = Vec::new();
    let mut depth = 0_usize;
    for pair in found[start..].windows(2) {
        let [token, next] = pair else { continue };
        match token.kind {
            TokenKind::Open(_) => depth += 1,
            TokenKind::Close(_) => depth = depth.saturating_sub(1),
            TokenKind::Word
                if ["where", "from", "returning"].iter().any(|word| token.is(text, word)) =>
            {
                break;
            }
            TokenKind::Word | TokenKind::QuotedName if depth == 0 && next.text(text) == "=" => {
                columns.push(token.text(text).trim_matches('"').to_owned());
            }
            _ => {}
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::name::RelationName;

    #[test]
    fn of_the_rows_written_as_many_need_an_entry_as_of_those_there() {
        let table = TwinRelation { inserted: Some(1000), ..TwinRelation::default() };
        let rows = |rows: f64| {
            let candidate = Candidate {
                rows,
                table_rows: 400.0,
                ..Candidate::on(RelationName::qualified("public", "t"))
            };
            write_cost(&candidate, &table, &BTreeSet::new()).rows
        };
        assert_eq!((rows(400.0), rows(40.0), rows(0.0)), (1000.0, 100.0, 0.0));
    }

    #[test]
    fn an_update_tells_what_it_sets() {
        let text = "UPDATE t SET a = $1, \"B\" = (SELECT c = 1), d = d + 1 WHERE e = 2";
        assert_eq!(set_columns(text), ["a", "B", "d"]);
        assert!(set_columns("SELECT a = 1").is_empty());
    }
}
