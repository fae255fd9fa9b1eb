use crate::facts::RelationKind;
use crate::facts::health::{Health, Table};
use crate::findings::{Finding, Rule, Severity};
use crate::format::{bytes, whole};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::CATALOG_BLOAT;

const LARGE: i64 = 100 << 20;
/// Rows of catalogs have some hundred bytes.
const BYTES_A_ROW: f64 = 4_000.0;

pub fn judge(health: &Health) -> Judged {
    let catalogs = health.tables.seen()?.iter().filter(|table| {
        let is_large =
            table.is_catalog && table.kind == RelationKind::Table && table.size_bytes() >= LARGE;
        is_large
            && table.rows >= 0.0
            && table.size_bytes() as f64 > BYTES_A_ROW * table.rows.max(1.0)
    });
    Ok(catalogs.map(finding).collect::<Found>())
}

fn finding(table: &Table) -> Finding {
    let message = format!(
        "the system catalog has {} for {} rows",
        bytes(table.size_bytes()),
        whole(table.rows as i64),
    );
    Finding::new(&RULE, None, message)
        .about(&table.object)
        .severity(Severity::Info)
        .help("many temporary tables are the usual cause; planning gets slower. VACUUM FULL makes it small, and locks everybody out for its time")
        .evidence("size_bytes", table.size_bytes())
        .evidence("rows", table.rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;

    #[test]
    fn many_rows_may_take_much() {
        let found = |rows| {
            let table = Table {
                kind: RelationKind::Table,
                is_catalog: true,
                pages: 50_000,
                rows,
                ..Table::default()
            };
            judge(&Health { tables: Known::Known(vec![table]), ..Health::default() })
        };
        assert_eq!(found(2e6).unwrap().findings, []);
        assert_eq!(found(1e3).unwrap().findings.len(), 1);
    }
}
