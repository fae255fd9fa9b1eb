use crate::facts::health::{Health, Table};
use crate::findings::{Finding, Rule};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::VACUUM_SCALE;

/// So many dead rows before the first VACUUM make it a long one.
const MANY: f64 = 20_000_000.0;
/// A factor of its own by which most of such a table is dead before VACUUM comes.
const MOST: f64 = 0.5;
const MANY_ROWS: f64 = 1_000_000.0;
/// What a VACUUM should find at most.
const WANTED: f64 = 1_000_000.0;

pub fn judge(health: &Health) -> Judged {
    let settings = health.settings.seen()?;
    let of_server = settings.number("autovacuum_vacuum_scale_factor").unwrap_or(0.2);
    // From 18 on the server itself waits for so many at most.
    let most = settings.number("autovacuum_vacuum_max_threshold").filter(|most| *most >= 0.0);
    let tables = health.tables.seen()?.iter().filter(|table| table.is_ordinary());
    let found = tables.filter_map(|table| {
        let own = table.option("autovacuum_vacuum_scale_factor");
        let own = own.and_then(|own| own.parse::<f64>().ok());
        let is_odd = own.is_some_and(|own| own > MOST) && table.rows >= MANY_ROWS;
        let due_at = own.unwrap_or(of_server) * table.rows.max(0.0);
        let due_at = most.map_or(due_at, |most| due_at.min(most));
        let is_churned = table.updated + table.deleted > 0;
        ((due_at > MANY || is_odd) && is_churned).then(|| finding(table, due_at))
    });
    Ok(found.collect::<Found>())
}

fn finding(table: &Table, due_at: f64) -> Finding {
    let Table { object, rows, .. } = table;
    let factor = (WANTED / rows).max(0.000_1);
    let message = format!(
        "autovacuum waits for {} dead rows of {}, because of its scale factor",
        whole(due_at as i64),
        whole(*rows as i64),
    );
    Finding::new(&RULE, None, message)
        .about(object)
        .help("many short VACUUMs cost less than one that runs for hours")
        .command(format!(
            "ALTER TABLE {object} SET (autovacuum_vacuum_scale_factor = {factor:.4})"
        ))
        .evidence("rows", *rows)
        .evidence("due_at", due_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::RelationKind;
    use crate::facts::health::settings;

    #[test]
    fn a_huge_table_wants_a_factor_of_its_own() {
        let found = |rows: f64, options: &[&str]| {
            let table = Table {
                kind: RelationKind::Table,
                rows,
                deleted: 1,
                options: options.iter().map(ToString::to_string).collect(),
                ..Table::default()
            };
            let health = Health {
                settings: settings(&[("autovacuum_vacuum_scale_factor", "0.2")]),
                tables: Known::Known(vec![table]),
                ..Health::default()
            };
            judge(&health).unwrap().findings.len()
        };
        assert_eq!(found(5e8, &[]), 1);
        assert_eq!(found(5e7, &[]), 0);
        assert_eq!(found(5e8, &["autovacuum_vacuum_scale_factor=0.002"]), 0);
        assert_eq!(found(2e6, &["autovacuum_vacuum_scale_factor=0.9"]), 1);
        assert_eq!(found(2e5, &["autovacuum_vacuum_scale_factor=0.9"]), 0);
    }
}
