use crate::facts::RelationKind;
use crate::facts::health::{Health, Index, Table};
use crate::findings::{Finding, Rule, Severity};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::NO_PRIMARY_KEY;

const MANY_ROWS: f64 = 1_000.0;

pub fn judge(health: &Health) -> Judged {
    let indexes = health.indexes.seen()?;
    let tables = health.tables.seen()?.iter().filter(|table| {
        let is_user = matches!(table.kind, RelationKind::Table | RelationKind::PartitionedTable)
            && !table.is_catalog
            && !table.is_extension;
        let is_large = table.rows >= MANY_ROWS || table.inserted as f64 >= MANY_ROWS;
        let is_changed = table.updated + table.deleted > 0;
        is_user && !table.is_partition && !table.has_primary_key && is_large && is_changed
    });
    Ok(tables.map(|table| finding(table, indexes)).collect::<Found>())
}

fn finding(table: &Table, indexes: &[Index]) -> Finding {
    let unique = indexes.iter().find(|index| {
        index.table_oid == table.oid && index.is_unique && index.is_valid && !index.is_partial
    });
    let message =
        format!("the table of {} rows has no primary key", whole(table.rows.max(0.0) as i64));
    let found = Finding::new(&RULE, None, message).about(&table.object).severity(Severity::Info);
    match unique {
        Some(index) => found.help(format!(
            "{} is unique: if its columns are NOT NULL, it can become the key (ADD PRIMARY KEY USING INDEX)",
            index.object,
        )),
        None => found.help("rows cannot be named one by one: logical replication and many tools need that"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;

    #[test]
    fn what_is_only_filled_needs_no_key() {
        let found = |updated, has_primary_key| {
            let table = Table {
                kind: RelationKind::Table,
                rows: 5_000.0,
                updated,
                has_primary_key,
                ..Table::default()
            };
            let health = Health { tables: Known::Known(vec![table]), ..Health::default() };
            judge(&health).unwrap().findings.len()
        };
        assert_eq!([found(9, false), found(0, false), found(9, true)], [1, 0, 0]);
    }
}
