//! What `demo` shows: each query before and after.

use super::document::QueryDocument;
use super::table::{cell, right, table, text};
use crate::figures;
/// The table of the workload's queries.
pub fn queries(queries: &[QueryDocument]) -> String {
    let mut table = table(&["query", "before", "after", "times faster"]);
    for query in queries {
        table.add_row(vec![
            cell(&query.query),
            right(millis(query.before_ms)),
            right(millis(query.after_ms)),
            right(format!("{:.1}", query.times_faster)),
        ]);
    }
    text(&table)
}

fn millis(millis: f64) -> String {
    figures::duration(figures::seconds(millis / 1e3).unwrap_or_default())
}
