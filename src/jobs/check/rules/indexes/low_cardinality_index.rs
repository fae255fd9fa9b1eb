use super::column;
use crate::facts::health::{Column, Health, Index};
use crate::findings::{Finding, Rule, Severity};
use crate::format::bytes;
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::LOW_CARDINALITY_INDEX;

const FEW: f64 = 3.0;

pub fn judge(health: &Health) -> Judged {
    column::judge(health, finding)
}

fn finding(index: &Index, column: &Column) -> Option<Finding> {
    let values = column.distinct_values.filter(|values| (0.5..=FEW).contains(values))?;
    let size = index.size_bytes();
    let message =
        format!("the index of {} is on a column with {values:.0} different values", bytes(size));
    let found = Finding::new(&RULE, None, message)
        .about(&index.object)
        .severity(Severity::Info)
        .help("it only helps to find a rare value: an index with WHERE for that one is smaller, and cheaper to write")
        .evidence("size_bytes", size)
        .evidence("scans", index.scans);
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::btree;
    use super::*;

    #[test]
    fn shares_of_the_rows_are_many_values() {
        let found = |distinct_values| {
            let column = Column { distinct_values: Some(distinct_values), ..Column::default() };
            finding(&btree("a", "1"), &column).is_some()
        };
        assert!(found(2.0));
        assert!(!found(-0.5) && !found(100.0));
    }
}
