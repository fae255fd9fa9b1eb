use crate::facts::Unavailable;
use crate::facts::health::{Health, UnfilledStatistics};
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged, NotJudged};
use crate::shell::pgtend;

pub const RULE: Rule = Rule::UNFILLED_STATISTICS;

/// Of a smaller table the planner's guess does no harm.
const MANY_ROWS: f64 = 10_000.0;

pub fn judge(health: &Health) -> Judged {
    let Some(objects) = health.unfilled_statistics.seen()? else {
        return Err(NotJudged::Skipped("before PostgreSQL 15 the catalog does not tell"));
    };
    let large = || objects.iter().filter(|object| object.rows >= MANY_ROWS);
    let findings = large().filter(|object| object.may_read).map(finding).collect();
    let is_hidden = large().any(|object| !object.may_read);
    let hidden =
        || Unavailable::because("only the owner of a table sees what its statistics objects hold");
    Ok(Found { findings, unknown: is_hidden.then(hidden) })
}

fn finding(object: &UnfilledStatistics) -> Finding {
    let UnfilledStatistics { object, table_object, rows, .. } = object;
    let message = format!(
        "nothing has filled it yet: {table_object} was not analyzed since CREATE STATISTICS, or pg_upgrade"
    );
    Finding::new(&RULE, None, message)
        .about(object)
        .severity(Severity::Info)
        .help("until then the planner takes the columns as independent of each other, as if it were not there")
        .command(pgtend("analyze", table_object))
        .evidence("rows", *rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;

    #[test]
    fn what_only_the_owner_sees_is_unknown_to_others() {
        let of = |rows, may_read| {
            let object = UnfilledStatistics { rows, may_read, ..UnfilledStatistics::default() };
            let unfilled_statistics = Known::Known(Some(vec![object]));
            judge(&Health { unfilled_statistics, ..Health::default() }).unwrap()
        };
        assert_eq!(of(100.0, true), Found::default());
        assert_eq!(of(50_000.0, true).findings.len(), 1);
        let unseen = of(50_000.0, false);
        assert!(unseen.findings.is_empty() && unseen.unknown.is_some());
    }
}
