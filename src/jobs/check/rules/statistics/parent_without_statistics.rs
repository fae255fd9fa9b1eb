use crate::facts::RelationKind;
use crate::facts::health::{Health, Table};
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};
use crate::shell::pgtend;

pub const RULE: Rule = Rule::PARENT_WITHOUT_STATISTICS;

pub fn judge(health: &Health) -> Judged {
    let tables = health.tables.seen()?;
    let has_rows = tables.iter().any(|table| table.is_partition && table.rows > 0.0);
    let parents = tables.iter().filter(|table| {
        // Its partitions belong to somebody; which of them have rows the catalog of partitions says.
        has_rows
            && table.kind == RelationKind::PartitionedTable
            && !table.is_partition
            && table.has_children
            && table.rows < 0.0
    });
    Ok(parents.map(finding).collect::<Found>())
}

fn finding(table: &Table) -> Finding {
    let message =
        "the partitioned table was never analyzed as a whole; autovacuum analyzes partitions only";
    Finding::new(&RULE, None, message)
        .about(&table.object)
        .severity(Severity::Info)
        .help("joins and groupings over several partitions are planned without statistics")
        .command(pgtend("analyze", &table.object))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;

    #[test]
    fn only_parents_of_filled_partitions_are_found() {
        let found = |partition_rows: f64, parent_rows: f64| {
            let parent = Table {
                kind: RelationKind::PartitionedTable,
                has_children: true,
                rows: parent_rows,
                ..Table::default()
            };
            let partition = Table { is_partition: true, rows: partition_rows, ..Table::default() };
            let health = Health {
                tables: Known::Known(vec![parent, partition]),
                ..Health::default()
            };
            judge(&health).unwrap().findings.len()
        };
        assert_eq!([found(5.0, -1.0), found(0.0, -1.0), found(5.0, 5.0)], [1, 0, 0]);
    }
}
