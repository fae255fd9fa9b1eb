use crate::facts::health::{Health, Partition};
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::DEFAULT_PARTITION_FILLING;

pub fn judge(health: &Health) -> Judged {
    let partitions = health.partitions.seen()?.iter().filter(|partition| {
        let is_filled = partition.rows > 0.0 || partition.rows < 0.0 && partition.inserted > 0;
        partition.is_default && is_filled && partition.partitions > 1
    });
    Ok(partitions.map(finding).collect::<Found>())
}

fn finding(partition: &Partition) -> Finding {
    let message = format!("the default partition of {} has rows", partition.parent_object);
    Finding::new(&RULE, None, message)
        .about(&partition.object)
        .severity(Severity::Warning)
        .help("a partition for them cannot be attached while they are here, and each ATTACH reads this one under a lock: move them")
        .evidence("rows", partition.rows.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;

    #[test]
    fn an_empty_one_is_what_it_is_for() {
        let found = |rows, inserted| {
            let partition = Partition {
                is_default: true,
                partitions: 3,
                rows,
                inserted,
                ..Partition::default()
            };
            let health = Health {
                partitions: Known::Known(vec![partition]),
                ..Health::default()
            };
            judge(&health).unwrap().findings.len()
        };
        assert_eq!([found(0.0, 5), found(-1.0, 0), found(5.0, 0), found(-1.0, 5)], [0, 0, 1, 1]);
    }
}
