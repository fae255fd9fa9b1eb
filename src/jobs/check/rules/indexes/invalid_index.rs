use super::index_leftover::is_leftover;
use crate::facts::health::{Health, Index};
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};
use crate::shell::pgtend;

pub const RULE: Rule = Rule::INVALID_INDEX;

pub fn judge(health: &Health) -> Judged {
    let indexes = health.indexes.seen()?.iter();
    // Who builds it holds a lock on its table.
    let bad = indexes.filter(|index| {
        let is_whole = index.is_valid && index.is_ready && index.is_live;
        !(is_whole || index.is_worked_on || is_leftover(index))
    });
    Ok(bad.map(finding).collect::<Found>())
}

fn finding(index: &Index) -> Finding {
    let (severity, what) = match index {
        Index { is_partitioned: true, .. } => (
            Severity::Warning,
            "the index is invalid: a partition has none that is attached to it",
        ),
        Index { is_ready: true, is_unique: true, .. } => (
            Severity::Critical,
            "the unique index is invalid: it rejects writes, and no query uses it",
        ),
        Index { is_ready: true, .. } => (
            Severity::Warning,
            "the index is invalid: every write maintains it, and no query uses it",
        ),
        _ => (
            Severity::Info,
            "the index is invalid: its build broke off early, and no query uses it",
        ),
    };
    let found = Finding::new(&RULE, None, what).about(&index.object).severity(severity);
    match index.is_partitioned {
        true => found.help(
            "create the index on the partition, and attach it with ALTER INDEX … ATTACH PARTITION",
        ),
        false => found
            .help("a CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY broke off")
            .command(pgtend("reindex", &index.object)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::btree;
    use super::*;
    use crate::facts::Known;

    #[test]
    fn how_bad_it_is_depends_on_what_writes_do() {
        let invalid =
            |is_unique, is_ready| Index { is_valid: false, is_unique, is_ready, ..btree("a", "1") };
        let being_built = Index { is_worked_on: true, ..invalid(false, false) };
        let all =
            vec![invalid(true, true), invalid(false, true), invalid(false, false), being_built];
        let health = Health { indexes: Known::Known(all), ..Health::default() };
        let found = judge(&health).unwrap().findings;
        let severities = found.iter().map(|finding| finding.severity).collect::<Vec<_>>();
        assert_eq!(severities, [Severity::Critical, Severity::Warning, Severity::Info]);
    }
}
