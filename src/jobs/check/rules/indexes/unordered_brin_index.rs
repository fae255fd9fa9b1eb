use std::collections::BTreeMap;

use crate::facts::health::{BrinKey, Health};
use crate::findings::{Finding, Rule};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::UNORDERED_BRIN_INDEX;

/// A smaller table is read fast anyway.
const LARGE_ROWS: f64 = 100_000.0;
/// Nearer to 0 each range of pages has values of nearly everywhere.
const ORDERED: f64 = 0.5;

pub fn judge(health: &Health) -> Judged {
    let keys = health.index_methods.brin_keys.seen()?.iter();
    let mut indexes = BTreeMap::<&str, Vec<&BrinKey>>::new();
    for key in keys.filter(|key| key.table_rows >= LARGE_ROWS) {
        indexes.entry(&key.object).or_default().push(key);
    }
    let is_hidden = indexes.values().flatten().any(|key| !key.may_read);
    Ok(Found {
        findings: indexes.values().filter_map(|keys| finding(keys)).collect(),
        unknown: is_hidden.then(|| health.hidden_columns()),
    })
}

/// One key that helps is enough.
fn finding(keys: &[&BrinKey]) -> Option<Finding> {
    let first = keys.first()?;
    let lies = keys.iter().map(|key| key.correlation.map(f64::abs));
    let best = lies.collect::<Option<Vec<_>>>()?.into_iter().fold(0.0, f64::max);
    if keys.len() != usize::try_from(first.keys).ok()? || best >= ORDERED {
        return None;
    }
    let columns = keys.iter().map(|key| key.column_name.as_str()).collect::<Vec<_>>().join(", ");
    let message = format!(
        "the values of {columns} lie in no order in the {} rows of {} (correlation {best:.2}), so the BRIN index \
         leaves hardly a page out",
        whole(first.table_rows as i64),
        first.table_object,
    );
    let finding = Finding::new(&RULE, None, message)
        .about(&first.object)
        .help("a B-tree finds what lies anywhere. BRIN is for what is written in its order, as times in a log")
        .command("pgtend advise")
        .evidence("correlation", best);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(correlation: Option<f64>, keys: i32) -> BrinKey {
        BrinKey { correlation, keys, may_read: true, ..BrinKey::default() }
    }

    #[test]
    fn one_key_in_order_is_enough() {
        let is_found = |keys: &[BrinKey]| finding(&keys.iter().collect::<Vec<_>>()).is_some();
        assert!(is_found(&[key(Some(-0.1), 1)]));
        assert!(!is_found(&[key(Some(-0.9), 1)]));
        assert!(!is_found(&[key(Some(0.1), 2), key(Some(0.8), 2)]));
        assert!(!is_found(&[key(None, 1)]), "there are no statistics");
        assert!(!is_found(&[key(Some(0.1), 2)]), "the other key is an expression");
    }
}
