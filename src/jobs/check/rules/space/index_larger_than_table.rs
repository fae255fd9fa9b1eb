use crate::facts::health::{Health, Table};
use crate::findings::{Finding, Rule, Severity};
use crate::format::bytes;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::INDEX_LARGER_THAN_TABLE;

const LARGE: i64 = 1 << 30;
const TIMES: i64 = 2;

pub fn judge(health: &Health) -> Judged {
    let tables = health.tables.seen()?.iter().filter(|table| {
        table.is_ordinary()
            && table.index_bytes() >= LARGE
            && table.index_pages > TIMES * table.pages
    });
    Ok(tables.map(finding).collect::<Found>())
}

fn finding(table: &Table) -> Finding {
    let indexes = table.index_bytes();
    let message = format!(
        "its indexes have {}, the table itself {}",
        bytes(indexes),
        bytes(table.size_bytes()),
    );
    Finding::new(&RULE, None, message)
        .about(&table.object)
        .severity(Severity::Info)
        .help("see whether all are needed (duplicate-index, redundant-index, unused-index), or bloated (index-bloat)")
        .command("pgtend check indexes space")
        .evidence("index_bytes", indexes)
        .evidence("table_bytes", table.size_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::RelationKind;

    #[test]
    fn small_tables_may_have_many() {
        let found = |index_pages, pages| {
            let table = Table {
                kind: RelationKind::Table,
                index_pages,
                pages,
                ..Table::default()
            };
            judge(&Health { tables: Known::Known(vec![table]), ..Health::default() })
        };
        assert_eq!(found(500_000, 100_000).unwrap().findings.len(), 1);
        assert_eq!(found(500_000, 400_000).unwrap().findings, []);
        assert_eq!(found(500, 10).unwrap().findings, []);
    }
}
