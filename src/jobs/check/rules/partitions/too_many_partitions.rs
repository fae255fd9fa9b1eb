use std::collections::BTreeMap;

use crate::facts::health::Health;
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::TOO_MANY_PARTITIONS;

const MANY: i64 = 1_000;

pub fn judge(health: &Health) -> Judged {
    let partitions = health.partitions.seen()?.iter();
    let parents = partitions
        .map(|it| (&it.parent_object, it.partitions))
        .collect::<BTreeMap<_, _>>();
    let many = parents.into_iter().filter(|(_, partitions)| *partitions > MANY);
    let found = many.map(|(parent, partitions)| {
        Finding::new(&RULE, None, format!("the table has {partitions} partitions"))
            .about(parent)
            .severity(Severity::Info)
            .help("a statement that does not name the key is planned, and locks, for each of them")
            .evidence("partitions", partitions)
    });
    Ok(found.collect::<Found>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Partition;

    #[test]
    fn a_parent_is_told_once() {
        let partition = Partition { partitions: 1_001, ..Partition::default() };
        let partitions = Known::Known(vec![partition.clone(), partition]);
        let health = Health { partitions, ..Health::default() };
        assert_eq!(judge(&health).unwrap().findings.len(), 1);
    }
}
