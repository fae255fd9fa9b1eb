use crate::facts::health::{Column, Health};
use crate::findings::{Finding, Rule, Severity};
use crate::format::{bytes, whole};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::CONSTANT_COLUMN;

const MANY_ROWS: f64 = 1_000_000.0;
/// Less room is not worth the work.
const LARGE: f64 = 100.0 * 1024.0 * 1024.0;

pub fn judge(health: &Health) -> Judged {
    let of_many_rows = health.columns.seen()?.iter().filter(|column| column.rows >= MANY_ROWS);
    let columns = of_many_rows.collect::<Vec<_>>();
    let is_hidden = columns.iter().any(|column| !column.may_read);
    let findings = columns.into_iter().filter_map(finding).collect();
    Ok(Found {
        findings,
        unknown: is_hidden.then(|| health.hidden_columns()),
    })
}

fn finding(column: &Column) -> Option<Finding> {
    let is_constant = column.distinct_values? == 1.0 && column.null_share? == 0.0;
    let taken = f64::from(column.width_bytes?) * column.rows;
    (is_constant && taken >= LARGE).then(|| {
        let message = format!(
            "all {} rows have the same value, as far as the statistics know; it takes {}",
            whole(column.rows as i64),
            bytes(taken as i64),
        );
        Finding::new(&RULE, None, message)
            .about(&column.object)
            .severity(Severity::Info)
            .help("a column that says nothing can go, or become a DEFAULT of the application")
            .evidence("taken_bytes", taken)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_to_take_room() {
        let found = |distinct_values, width_bytes| {
            let column = Column {
                rows: 1e7,
                distinct_values: Some(distinct_values),
                null_share: Some(0.0),
                width_bytes: Some(width_bytes),
                ..Column::default()
            };
            finding(&column).is_some()
        };
        assert!(found(1.0, 20));
        assert!(!found(1.0, 1) && !found(2.0, 20));
    }
}
