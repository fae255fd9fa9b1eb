use std::collections::{BTreeSet, HashMap};

use crate::facts::health::{ForeignKey, Health, Index};
use crate::findings::{Finding, Rule, Severity};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged, hidden_by_locks};

pub const RULE: Rule = Rule::UNINDEXED_FOREIGN_KEY;

/// Fewer rows are read in a moment.
const MANY_ROWS: f64 = 10_000.0;

pub fn judge(health: &Health) -> Judged {
    let mut of_table = HashMap::<u32, Vec<&Index>>::new();
    let indexes = health.indexes.seen()?;
    for index in indexes {
        of_table.entry(index.table_oid).or_default().push(index);
    }
    let keys = health.foreign_keys.seen()?.iter().filter(|key| key.rows >= MANY_ROWS);
    let bare = keys.filter(|key| {
        let own = of_table.get(&key.table_oid).map_or(&[][..], Vec::as_slice);
        !own.iter().any(|index| serves(index, key))
    });
    let findings = bare.map(finding).collect();
    let is_hidden = indexes.iter().any(|index| index.is_locked && index.is_partial);
    Ok(Found { findings, unknown: is_hidden.then(hidden_by_locks) })
}

/// Its first columns are those of the key, in whatever order.
fn serves(index: &Index, key: &ForeignKey) -> bool {
    let wanted = key.columns.split(' ').collect::<BTreeSet<_>>();
    let keys = usize::try_from(index.key_columns).unwrap_or_default();
    let first = index.columns.split(' ').take(keys).take(wanted.len()).collect::<BTreeSet<_>>();
    index.is_valid && index.method == "btree" && first == wanted && is_whole(index)
}

/// An index on the rows that have a value serves the check, which looks for a value.
fn is_whole(index: &Index) -> bool {
    let only_not_null = |predicate: &String| {
        let parts = predicate.trim_matches(['(', ')']);
        parts.ends_with(" IS NOT NULL") && !parts.contains(" AND ") && !parts.contains(" OR ")
    };
    !index.is_partial || index.predicate.as_ref().is_some_and(only_not_null)
}

fn finding(key: &ForeignKey) -> Finding {
    let ForeignKey { object, table_object, referenced_object, column_names, .. } = key;
    let is_used = key.removed > 0;
    let message = format!(
        "no index begins with {column_names}: each DELETE in {referenced_object} reads all {} rows of {table_object}",
        whole(key.rows as i64),
    );
    Finding::new(&RULE, None, message)
        .about(object)
        .severity(if is_used { Severity::Warning } else { Severity::Info })
        .help(match is_used {
            true => format!(
                "{} rows were deleted there since the counters were reset",
                whole(key.removed)
            ),
            false => "nothing was deleted there since the counters were reset".to_owned(),
        })
        .command(format!("CREATE INDEX CONCURRENTLY ON {table_object} ({column_names})"))
        .evidence("rows", key.rows)
        .evidence("deleted_rows", key.removed)
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::btree;
    use super::*;
    use crate::facts::Known;

    fn severity(rows: f64, removed: i64, index: Index) -> Option<Severity> {
        let columns = "1 2".to_owned();
        let key = ForeignKey { columns, rows, removed, ..ForeignKey::default() };
        let health = Health {
            foreign_keys: Known::Known(vec![key]),
            indexes: Known::Known(vec![index]),
            ..Health::default()
        };
        judge(&health).unwrap().findings.first().map(|finding| finding.severity)
    }

    #[test]
    fn the_order_of_the_columns_does_not_matter() {
        assert_eq!(severity(1e6, 5, btree("a", "3 1 2")), Some(Severity::Warning));
        assert_eq!(severity(1e6, 0, btree("a", "1")), Some(Severity::Info));
        assert_eq!(severity(100.0, 5, btree("a", "3")), None);
        assert_eq!(severity(1e6, 5, btree("a", "2 1 3")), None);
    }

    #[test]
    fn only_rows_with_a_value_are_enough() {
        let partial = |predicate: &str| Index {
            is_partial: true,
            predicate: Some(predicate.to_owned()),
            ..btree("a", "1 2")
        };
        assert_eq!(severity(1e6, 5, partial("(a IS NOT NULL)")), None);
        assert_eq!(severity(1e6, 5, partial("(a > 5)")), Some(Severity::Warning));
    }
}
