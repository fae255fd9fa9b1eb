use crate::facts::RelationKind;
use crate::facts::health::{Health, Table};
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};
use crate::shell::pgtend;

pub const RULE: Rule = Rule::IMPOSSIBLE_ROW_COUNT;

/// A page of 8 KiB has room for so many rows without columns.
const MOST_ROWS_A_PAGE: f64 = 291.0;

pub fn judge(health: &Health) -> Judged {
    let tables = health.tables.seen()?.iter().filter(|table| {
        matches!(
            table.kind,
            RelationKind::Table | RelationKind::MaterializedView | RelationKind::Toast
        ) && is_impossible(table)
    });
    Ok(tables.map(finding).collect::<Found>())
}

/// A table that has just been filled has rows by the counters and no pages in the catalog yet.
fn is_impossible(table: &Table) -> bool {
    !table.rows.is_finite() || table.rows > (table.pages.max(1) as f64) * MOST_ROWS_A_PAGE
}

fn finding(table: &Table) -> Finding {
    let message = format!(
        "the catalog says that the table has {:e} rows in {} pages, which cannot be",
        table.rows, table.pages,
    );
    Finding::new(&RULE, None, message)
        .about(&table.known_as())
        .severity(Severity::Warning)
        .help("autovacuum never comes again, because it waits for a share of the rows; 18.0 to 18.4 wrote such figures after parallel builds of GIN indexes")
        .command(pgtend("analyze", table.known_as()))
        .evidence("pages", table.pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_into_the_pages_is_possible() {
        let of = |rows, pages| is_impossible(&Table { rows, pages, ..Table::default() });
        assert!(of(f64::INFINITY, 1) && of(f64::NAN, 1) && of(1e30, 1000));
        assert!(!of(29_100.0, 100) && !of(-1.0, 0) && !of(0.0, 0));
    }
}
