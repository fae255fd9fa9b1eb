use crate::facts::health::{Health, Table};
use crate::findings::{Finding, Rule, Severity};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::FEW_HOT_UPDATES;

const MANY: i64 = 100_000;

pub fn judge(health: &Health) -> Judged {
    let tables = health.tables.seen()?.iter();
    let bad = tables.filter(|table| {
        table.is_ordinary() && table.updated >= MANY && table.hot_updated * 2 < table.updated
    });
    Ok(bad.map(finding).collect::<Found>())
}

fn finding(table: &Table) -> Finding {
    let Table { object, updated, hot_updated, .. } = table;
    let message = format!(
        "of {} updates only {} were heap-only; the others wrote every index",
        whole(*updated),
        whole(*hot_updated),
    );
    let has_fill_factor = table.option("fillfactor").is_some();
    let found = Finding::new(&RULE, None, message)
        .about(object)
        .severity(Severity::Info)
        .help("drop indexes on columns that change, or leave room in the pages with a fillfactor")
        .evidence("updates", *updated)
        .evidence("hot_updates", *hot_updated);
    match has_fill_factor {
        true => found,
        false => found.command(format!("ALTER TABLE {object} SET (fillfactor = 90)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::RelationKind;

    #[test]
    fn a_half_is_enough() {
        let found = |hot_updated| {
            let table = Table {
                kind: RelationKind::Table,
                updated: 200_000,
                hot_updated,
                ..Table::default()
            };
            judge(&Health { tables: Known::Known(vec![table]), ..Health::default() })
        };
        assert_eq!(found(150_000).unwrap().findings, []);
        assert_eq!(found(50_000).unwrap().findings.len(), 1);
    }
}
