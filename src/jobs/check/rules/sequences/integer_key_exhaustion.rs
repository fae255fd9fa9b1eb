use crate::facts::Unavailable;
use crate::facts::health::{Column, Health, Index, Table};
use crate::findings::{Finding, Rule, Severity};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged};
use crate::shell::pgtend;

pub const RULE: Rule = Rule::INTEGER_KEY_EXHAUSTION;

/// So large are the tables whose columns are looked at.
const MANY_PAGES: i64 = 12_800;
const MANY_ROWS: i64 = 100_000;

const FULL: f64 = 0.75;
const ALMOST: f64 = 0.95;

pub fn judge(health: &Health) -> Judged {
    let indexes = health.indexes.seen()?;
    let sequences = health.sequences.seen()?;
    // Those that count by a sequence are found by its value, which is exact.
    let counted = |column: &Column| {
        let mut all = sequences.all.iter();
        all.any(|it| it.column_object.as_deref() == Some(&column.object))
    };
    let is_judged = |column: &&Column| {
        most(&column.data_type).is_some() && is_key(column, indexes) && !counted(column)
    };
    let keys = health.columns.seen()?.iter().filter(is_judged).collect::<Vec<_>>();
    let is_hidden = keys.iter().any(|column| !column.may_read);
    let findings = keys.into_iter().filter_map(finding).collect();
    let hidden = is_hidden.then(|| health.hidden_columns());
    Ok(Found {
        findings,
        unknown: hidden.or_else(|| never_analyzed(health.tables.known()?)),
    })
}

/// Of large tables without statistics nobody knows how far their keys have come.
fn never_analyzed(tables: &[Table]) -> Option<Unavailable> {
    let mut large = tables.iter().filter(|table| {
        let is_large = table.pages >= MANY_PAGES || table.inserted - table.deleted >= MANY_ROWS;
        table.is_ordinary() && table.rows < 0.0 && is_large
    });
    let Table { object, .. } = large.next()?;
    Some(
        Unavailable::because(format!("{object} was never analyzed"))
            .help(pgtend("analyze", object)),
    )
}

fn most(data_type: &str) -> Option<i64> {
    match data_type {
        "smallint" => Some(i16::MAX.into()),
        "integer" => Some(i32::MAX.into()),
        _ => None,
    }
}

/// The only column of a unique index.
fn is_key(column: &Column, indexes: &[Index]) -> bool {
    let number = column.number.to_string();
    indexes.iter().any(|index| {
        index.table_oid == column.table_oid
            && index.is_unique
            && index.key_columns == 1
            && index.columns.split(' ').next() == Some(&number)
    })
}

fn finding(column: &Column) -> Option<Finding> {
    let (highest, most) = (column.highest?, most(&column.data_type)?);
    let share = highest as f64 / most as f64;
    let severity = match share {
        share if share >= ALMOST => Severity::Critical,
        share if share >= FULL => Severity::Warning,
        _ => return None,
    };
    let message = format!(
        "the key of type {} was at {} of {} at the last ANALYZE",
        column.data_type,
        whole(highest),
        whole(most),
    );
    let found = Finding::new(&RULE, None, message)
        .about(&column.object)
        .severity(severity)
        .help("at the end every INSERT fails; changing the type to bigint rewrites the table, so begin early")
        .evidence("highest", highest)
        .evidence("used_share", share);
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::RelationKind;

    #[test]
    fn without_statistics_it_is_unknown() {
        let of = |rows, inserted| {
            let table = Table {
                kind: RelationKind::Table,
                rows,
                inserted,
                ..Table::default()
            };
            never_analyzed(&[table]).is_some()
        };
        assert!(of(-1.0, 200_000));
        assert!(!of(-1.0, 50_000) && !of(200_000.0, 200_000));
    }

    #[test]
    fn three_quarters_are_a_warning() {
        let severity = |data_type: &str, highest| {
            let column = Column {
                data_type: data_type.to_owned(),
                highest: Some(highest),
                ..Column::default()
            };
            finding(&column).map(|finding| finding.severity)
        };
        assert_eq!(severity("integer", 1_000_000_000), None);
        assert_eq!(severity("integer", 1_700_000_000), Some(Severity::Warning));
        assert_eq!(severity("smallint", 32_000), Some(Severity::Critical));
        assert_eq!(severity("bigint", i64::MAX), None);
    }
}
