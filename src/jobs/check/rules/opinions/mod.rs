//! Matters of taste in the design of tables.

use super::judges;
use crate::facts::health::Health;
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};

judges! { timestamp_without_zone, money_column, char_column, json_column, serial_column }

/// The tables with such columns.
fn tables_with(health: &Health, rule: &Rule, what: &str, message: &str, help: &str) -> Judged {
    let regretted = health.regretted_columns.seen()?.iter().filter(|it| it.what == what);
    let found = regretted.map(|it| {
        Finding::new(rule, None, format!("{message}: {}", it.columns))
            .about(&it.table_object)
            .severity(Severity::Info)
            .help(help)
    });
    Ok(found.collect::<Found>())
}
