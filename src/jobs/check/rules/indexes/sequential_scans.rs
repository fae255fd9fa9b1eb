use crate::facts::health::{Health, Table};
use crate::findings::{Finding, Rule, Severity};
use crate::format::{bytes, whole};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::SEQUENTIAL_SCANS;

const LARGE: i64 = 100 << 20;
/// Dumps, refreshes and reports read whole tables, and not so often.
const MANY_SCANS: i64 = 1_000;
const MANY_ROWS: i64 = 100_000;

pub fn judge(health: &Health) -> Judged {
    let tables = health.tables.seen()?.iter().filter(|table| {
        let rows = table.sequential_rows / table.sequential_scans.max(1);
        let is_large = table.is_ordinary() && table.size_bytes() >= LARGE;
        is_large && table.sequential_scans >= MANY_SCANS && rows >= MANY_ROWS
    });
    Ok(tables.map(finding).collect::<Found>())
}

fn finding(table: &Table) -> Finding {
    let Table { object, sequential_scans: scans, sequential_rows: rows, .. } = table;
    let message = format!(
        "the table of {} was read from beginning to end {} times, {} rows each",
        bytes(table.size_bytes()),
        whole(*scans),
        whole(rows / scans),
    );
    Finding::new(&RULE, None, message)
        .about(object)
        .severity(Severity::Info)
        .help("an index may be missing; advise tries which, with the statements that ran")
        .command("pgtend advise")
        .evidence("scans", *scans)
        .evidence("rows_read", *rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::RelationKind;

    #[test]
    fn a_dump_now_and_then_is_no_finding() {
        let found = |sequential_scans| {
            let table = Table {
                kind: RelationKind::Table,
                pages: 100_000,
                sequential_scans,
                sequential_rows: sequential_scans * 1_000_000,
                ..Table::default()
            };
            judge(&Health { tables: Known::Known(vec![table]), ..Health::default() })
        };
        assert_eq!(found(30).unwrap().findings, []);
        assert_eq!(found(5_000).unwrap().findings.len(), 1);
    }
}
