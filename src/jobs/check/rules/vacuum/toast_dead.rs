use crate::facts::health::{Health, Table};
use crate::findings::{Finding, Rule, Severity};
use crate::format::{bytes, whole};
use crate::jobs::check::rules::{Found, Judged};
use crate::shell::pgtend;

pub const RULE: Rule = Rule::TOAST_DEAD;

const LARGE: i64 = 100 << 20;
/// Of all its rows.
const SHARE: f64 = 0.3;

pub fn judge(health: &Health) -> Judged {
    let tables = health.tables.seen()?.iter();
    let bad = tables.filter(|table| {
        let rows = (table.dead_rows + table.live_rows) as f64;
        let is_user = table.is_toast() && !table.is_catalog;
        is_user && table.size_bytes() >= LARGE && table.dead_rows as f64 > SHARE * rows
    });
    Ok(bad.map(finding).collect::<Found>())
}

fn finding(table: &Table) -> Finding {
    let message = format!(
        "its TOAST table of {} has {} dead rows beside {} live ones",
        bytes(table.size_bytes()),
        whole(table.dead_rows),
        whole(table.live_rows),
    );
    Finding::new(&RULE, None, message)
        .about(&table.known_as())
        .severity(Severity::Info)
        .help("large values are rewritten often; autovacuum counts a TOAST table by itself (toast.autovacuum_…)")
        .command(pgtend("vacuum", table.known_as()))
        .evidence("dead_rows", table.dead_rows)
        .evidence("size_bytes", table.size_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::RelationKind;

    #[test]
    fn a_third_of_dead_values_is_found() {
        let found = |dead_rows| {
            let table = Table {
                kind: RelationKind::Toast,
                main_object: Some("public.t".to_owned()),
                pages: 20_000,
                dead_rows,
                live_rows: 1_000,
                ..Table::default()
            };
            judge(&Health { tables: Known::Known(vec![table]), ..Health::default() })
        };
        assert_eq!(found(100).unwrap().findings, []);
        assert_eq!(found(900).unwrap().findings[0].object.as_deref(), Some("public.t"));
    }
}
