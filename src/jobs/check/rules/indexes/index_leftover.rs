use crate::facts::health::{Health, Index};
use crate::findings::{Finding, Rule};
use crate::format::bytes;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::INDEX_LEFTOVER;

pub fn judge(health: &Health) -> Judged {
    let indexes = health.indexes.seen()?.iter();
    let left = indexes.filter(|index| is_leftover(index) && !index.is_worked_on);
    Ok(left.map(finding).collect::<Found>())
}

/// An invalid index with the name that REINDEX CONCURRENTLY gives its copy.
pub fn is_leftover(index: &Index) -> bool {
    let stem = index.name.trim_end_matches(|char: char| char.is_ascii_digit());
    !index.is_valid && (stem.ends_with("_ccnew") || stem.ends_with("_ccold"))
}

fn finding(index: &Index) -> Finding {
    let message = format!(
        "a REINDEX CONCURRENTLY on {} broke off and left this index of {} behind",
        index.table_object,
        bytes(index.size_bytes()),
    );
    Finding::new(&RULE, None, message)
        .about(&index.object)
        .help("nobody builds it now; no query uses it, and writes may still maintain it")
        .command(format!("DROP INDEX CONCURRENTLY {}", index.object))
        .evidence("size_bytes", index.size_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::btree;
    use super::*;

    #[test]
    fn leftovers_are_known_by_name_and_state() {
        let named = |name: &str, is_valid| is_leftover(&Index { is_valid, ..btree(name, "1") });
        assert!(named("a_ccnew", false) && named("a_ccold12", false));
        assert!(!named("a_ccnew", true) && !named("a_ccnewest", false) && !named("a1", false));
    }
}
