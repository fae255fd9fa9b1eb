use std::collections::HashMap;

use super::rung::{Rung, unconfirmed};
use crate::facts::health::{Column, Health, Room, Table};
use crate::facts::{RelationKind, Unavailable};
use crate::findings::{Finding, Rule, Severity};
use crate::format::{bytes, count};
use crate::jobs::check::rules::{Found, Judged};
use crate::shell::pgtend;

pub const RULE: Rule = Rule::TABLE_BLOAT;

const TIMES: f64 = 2.0;
const WORTH_IT: f64 = 1024.0 * 1024.0 * 1024.0;
/// From here on it is worth knowing.
const WORTH_KNOWING: f64 = 100.0 * 1024.0 * 1024.0;
/// With more changes since the last ANALYZE the estimate is worth nothing.
const STALE: f64 = 0.1;

pub fn judge(health: &Health) -> Judged {
    let mut of_table = HashMap::<u32, Vec<&Column>>::new();
    for column in health.columns.seen()? {
        of_table.entry(column.table_oid).or_default().push(column);
    }
    let (mut found, mut withheld) = (Found::default(), Vec::new());
    for table in health.tables.seen()?.iter().filter(|table| is_large(table)) {
        let columns = of_table.get(&table.oid).map_or(&[][..], Vec::as_slice);
        if columns.iter().any(|column| !column.may_read) {
            found.unknown = Some(health.hidden_columns());
            continue;
        }
        let sizes = measured(health, table).or_else(|| estimated(table, columns));
        let bloated = sizes.and_then(|sizes| finding(table, sizes));
        match bloated {
            Some(finding) => found.findings.push(finding),
            // More rows may have gone than the statistics know.
            None if sizes.is_none_or(|sizes| sizes.rung == Rung::Estimated) && !is_fresh(table) => {
                withheld.push(table.object.as_str());
            }
            None => {}
        }
    }
    found.unknown = found
        .unknown
        .or_else(|| unconfirmed(health))
        .or_else(|| not_estimated(&withheld));
    Ok(found)
}

/// Of which no estimate can be trusted.
fn not_estimated(tables: &[&str]) -> Option<Unavailable> {
    let first = tables.first()?;
    let more = match tables.len() - 1 {
        0 => String::new(),
        more => format!(" (and of {} more)", count(more, "table", "tables")),
    };
    let why = format!("more than a tenth of {first}{more} has changed since it was analyzed");
    Some(Unavailable::because(why).help(pgtend("analyze", first)))
}

/// How large a table is, and how large it has to be.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    bytes: f64,
    expected: f64,
    rung: Rung,
}

fn measured(health: &Health, table: &Table) -> Option<Sizes> {
    let Room { bytes, free_bytes } = *health.confirmed.known()?.as_ref()?.tables.get(&table.oid)?;
    let expected = (bytes - free_bytes).max(0.0) * 100.0 / fill_percent(table);
    Some(Sizes { bytes, expected, rung: Rung::Measured })
}

fn estimated(table: &Table, columns: &[&Column]) -> Option<Sizes> {
    let expected = expected_bytes(table, columns)?;
    Some(Sizes {
        bytes: table.size_bytes() as f64,
        expected,
        rung: Rung::Estimated,
    })
}

fn fill_percent(table: &Table) -> f64 {
    table
        .option("fillfactor")
        .and_then(|fill| fill.parse::<f64>().ok())
        .unwrap_or(100.0)
}

fn is_large(table: &Table) -> bool {
    let has_rows = matches!(table.kind, RelationKind::Table | RelationKind::MaterializedView)
        && !table.is_catalog;
    has_rows && table.size_bytes() as f64 >= WORTH_KNOWING
}

/// Analyzed since it was changed much.
fn is_fresh(table: &Table) -> bool {
    (table.changed_since_analyze as f64) <= STALE * table.rows
}

/// So many it has at most: what has changed since it was analyzed may all be new.
fn most_rows(table: &Table) -> f64 {
    table.rows.max(0.0)
        + if is_fresh(table) {
            0.0
        } else {
            table.changed_since_analyze as f64
        }
}

/// What its rows take at most when they are packed; `None` where a column has no statistics.
fn expected_bytes(table: &Table, columns: &[&Column]) -> Option<f64> {
    let rows = most_rows(table);
    if rows == 0.0 && table.rows == 0.0 {
        return Some(0.0);
    }
    let mut columns = columns.to_vec();
    columns.sort_by_key(|column| column.number);
    let bitmap = (columns.len() as f64 / 8.0).ceil();
    let mut row = aligned(23.0 + bitmap, 8.0);
    for column in &columns {
        let width = f64::from(column.width_bytes?);
        let filled = 1.0 - column.null_share?;
        // What stands before it is filled up; NULL takes nothing.
        row = aligned(
            row,
            if filled > 0.5 {
                alignment(&column.data_type, width)
            } else {
                1.0
            },
        );
        row += width * filled;
    }
    let room = (8192.0 - 24.0) * fill_percent(table) / 100.0;
    let rows_a_page = (room / (aligned(row, 8.0) + 4.0)).floor().max(1.0);
    (!columns.is_empty()).then_some((rows / rows_a_page).ceil() * 8192.0)
}

fn aligned(at: f64, to: f64) -> f64 {
    (at / to).ceil() * to
}

/// As in pg_type; short texts are not aligned.
fn alignment(data_type: &str, width: f64) -> f64 {
    match data_type {
        "bigint" | "double precision" | "interval" => 8.0,
        name if name.starts_with("timestamp") || name.starts_with("time ") => 8.0,
        "integer" | "real" | "date" | "oid" => 4.0,
        "smallint" => 2.0,
        _ if width >= 127.0 => 4.0,
        _ => 1.0,
    }
}

fn finding(table: &Table, sizes: Sizes) -> Option<Finding> {
    let Sizes { bytes: size, expected, rung } = sizes;
    let waste = size - expected;
    if size < TIMES * expected || waste < WORTH_KNOWING {
        return None;
    }
    let message = format!(
        "the table of {} has rows for about {}; {} are free or dead",
        bytes(size as i64),
        bytes(expected as i64),
        bytes(waste as i64),
    );
    let found = Finding::new(&RULE, None, message)
        .about(&table.object)
        .severity(if waste >= WORTH_IT { Severity::Warning } else { Severity::Info })
        .help(format!(
            "free room is used again by new rows; only VACUUM FULL, pg_repack or pg_squeeze give it back, and VACUUM FULL locks out readers; {}",
            rung.words("pgstattuple_approx"),
        ))
        .evidence("size_bytes", size)
        .evidence("expected_bytes", expected);
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;

    fn column(number: i32, data_type: &str, width: i32) -> Column {
        Column {
            number,
            data_type: data_type.to_owned(),
            width_bytes: Some(width),
            null_share: Some(0.0),
            ..Column::default()
        }
    }

    #[test]
    fn rows_are_packed_as_the_server_packs_them() {
        // 1,000,000 rows of (int, bigint, text of 10): 24 + 4 + 4 + 8 + 10 → 56 + 4, 136 a page.
        let columns = [column(1, "integer", 4), column(2, "bigint", 8), column(3, "text", 10)];
        let table = Table { rows: 1e6, ..Table::default() };
        let expected = expected_bytes(&table, &columns.each_ref()).unwrap();
        assert_eq!(expected / 8192.0, (1e6_f64 / 136.0).ceil());
    }

    fn judged(rows: f64, changed_since_analyze: i64) -> Found {
        let table = Table {
            oid: 7,
            object: "public.t".to_owned(),
            kind: RelationKind::Table,
            pages: 100_000,
            rows,
            changed_since_analyze,
            ..Table::default()
        };
        let column = Column { table_oid: 7, may_read: true, ..column(1, "integer", 4) };
        let health = Health {
            tables: Known::Known(vec![table]),
            columns: Known::Known(vec![column]),
            ..Health::default()
        };
        judge(&health).unwrap()
    }

    #[test]
    fn what_has_changed_since_is_no_excuse_for_a_queue_and_else_unknown() {
        let told = |rows, changed| {
            let found = judged(rows, changed);
            (found.findings.len(), found.unknown.is_some())
        };
        assert_eq!(told(20e6, 0), (0, false), "it is full");
        assert_eq!(told(5e6, 0), (1, false));
        assert_eq!(told(1000.0, 5000), (1, false), "it is empty whatever has happened");
        assert_eq!(told(0.0, 0), (1, false));
        assert_eq!(told(20e6, 5_000_000), (0, true));
        assert_eq!(told(-1.0, 20_000_000), (0, true), "it was never analyzed");
    }

    #[test]
    fn half_of_a_large_table_is_worth_knowing() {
        let severity = |pages| {
            let table = Table { pages, ..Table::default() };
            let bytes = table.size_bytes() as f64;
            let sizes = Sizes {
                bytes,
                expected: 100.0 * 1024.0 * 1024.0,
                rung: Rung::Estimated,
            };
            finding(&table, sizes).map(|finding| finding.severity)
        };
        assert_eq!(severity(20_000), None);
        assert_eq!(severity(30_000), Some(Severity::Info));
        assert_eq!(severity(300_000), Some(Severity::Warning));
    }
}
