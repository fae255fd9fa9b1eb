use crate::facts::health::{ExpressionIndex, Health};
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};
use crate::shell::pgtend;

pub const RULE: Rule = Rule::EXPRESSION_WITHOUT_STATISTICS;

/// Of a smaller table the planner's guess does no harm.
const MANY_ROWS: f64 = 10_000.0;

pub fn judge(health: &Health) -> Judged {
    let indexes = health.expression_indexes.seen()?;
    let large = || indexes.iter().filter(|index| index.rows >= MANY_ROWS);
    let findings = large().filter(|index| index.may_read).map(finding).collect();
    let is_hidden = large().any(|index| !index.may_read);
    Ok(Found {
        findings,
        unknown: is_hidden.then(|| health.hidden_columns()),
    })
}

fn finding(index: &ExpressionIndex) -> Finding {
    let message = "its expressions have no statistics: the index was built after the last ANALYZE of its table";
    Finding::new(&RULE, None, message)
        .about(&index.object)
        .severity(Severity::Info)
        .help(
            "until then the planner takes half a percent of the rows for what the expression finds",
        )
        .command(pgtend("analyze", &index.table_object))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;

    #[test]
    fn what_may_not_be_read_is_unknown() {
        let judged = |may_read, rows| {
            let index = ExpressionIndex { may_read, rows, ..ExpressionIndex::default() };
            let indexes = Known::Known(vec![index]);
            judge(&Health { expression_indexes: indexes, ..Health::default() }).unwrap()
        };
        assert_eq!(judged(true, 1e6).findings.len(), 1);
        assert_eq!(judged(true, 10.0), Found::default());
        assert!(judged(false, 1e6).unknown.is_some());
    }
}
