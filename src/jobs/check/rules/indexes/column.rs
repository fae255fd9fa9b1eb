//! Large indexes on one column, with what the statistics say of it.

use std::collections::HashMap;

use crate::facts::health::{Column, Health, Index};
use crate::findings::Finding;
use crate::jobs::check::rules::{Found, Judged};

/// A smaller one costs little.
const LARGE: i64 = 10 << 20;

/// What is found of the large, valid and whole B-trees on one column that nothing but queries needs.
pub fn judge(health: &Health, finding: fn(&Index, &Column) -> Option<Finding>) -> Judged {
    let columns = health
        .columns
        .seen()?
        .iter()
        .map(|column| ((column.table_oid, column.number), column))
        .collect::<HashMap<_, _>>();
    let mut found = Found::default();
    for index in health.indexes.seen()?.iter().filter(|index| is_large(index)) {
        let Some(column) = index
            .columns
            .parse()
            .ok()
            .and_then(|number| columns.get(&(index.table_oid, number)))
        else {
            continue;
        };
        match column.may_read {
            true => found.findings.extend(finding(index, column)),
            false => found.unknown = Some(health.hidden_columns()),
        }
    }
    Ok(found)
}

fn is_large(index: &Index) -> bool {
    let is_plain = index.method == "btree" && index.is_valid && !index.is_partial;
    is_plain && !index.is_needed() && index.size_bytes() >= LARGE
}
