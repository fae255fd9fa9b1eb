use super::key::{Superfluous, are_hidden, duplicates, oids, prefixes};
use crate::facts::btree_size::MUCH_WIDER;
use crate::facts::health::Health;
use crate::findings::{Finding, Rule, Severity};
use crate::format::bytes;
use crate::jobs::check::rules::{Found, Judged, hidden_by_locks};

pub const RULE: Rule = Rule::REDUNDANT_INDEX;

/// A smaller one costs little.
const LARGE: i64 = 10 << 20;

pub fn judge(health: &Health) -> Judged {
    let indexes = health.indexes.seen()?;
    let doubled = oids(&duplicates(indexes));
    let prefixes = prefixes(indexes).into_iter();
    let single = prefixes.filter(|it| !doubled.contains(&it.index.oid));
    let findings = single.map(|it| finding(&it)).collect();
    Ok(Found { findings, unknown: are_hidden(indexes).then(hidden_by_locks) })
}

fn finding(Superfluous { index, because_of }: &Superfluous<'_>) -> Finding {
    let (size, other) = (index.size_bytes(), because_of.size_bytes());
    let is_worth_it = size >= LARGE && other <= MUCH_WIDER.cast_signed() * size;
    let message = format!(
        "its keys are the first ones of {} ({}), which serves its queries, too; it takes {}",
        because_of.object,
        bytes(other),
        bytes(size),
    );
    Finding::new(&RULE, None, message)
        .about(&index.object)
        .severity(if is_worth_it { Severity::Warning } else { Severity::Info })
        .help("every write maintains both; scans of the longer one read a little more")
        .command(format!("DROP INDEX CONCURRENTLY {}", index.object))
        .evidence("size_bytes", size)
        .evidence("scans", index.scans)
}
