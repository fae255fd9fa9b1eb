use super::column;
use crate::facts::health::{Column, Health, Index};
use crate::findings::{Finding, Rule, Severity};
use crate::format::bytes;
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::MOSTLY_NULL_INDEX;

const MOSTLY: f64 = 0.5;

pub fn judge(health: &Health) -> Judged {
    column::judge(health, finding)
}

fn finding(index: &Index, column: &Column) -> Option<Finding> {
    let share = column.null_share.filter(|share| *share >= MOSTLY)?;
    let size = index.size_bytes();
    let message = format!("{:.0} % of the index of {} are NULLs", share * 100.0, bytes(size));
    let found = Finding::new(&RULE, None, message)
        .about(&index.object)
        .severity(Severity::Info)
        .help("unless a query looks for NULL, an index with WHERE … IS NOT NULL serves as well")
        .evidence("size_bytes", size)
        .evidence("null_share", share);
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::btree;
    use super::*;

    #[test]
    fn a_half_is_mostly() {
        let found = |null_share| {
            let column = Column { null_share: Some(null_share), ..Column::default() };
            finding(&btree("a", "1"), &column).is_some()
        };
        assert!(found(0.6) && !found(0.2));
    }
}
