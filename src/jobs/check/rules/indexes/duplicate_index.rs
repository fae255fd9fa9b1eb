use super::key::{Superfluous, are_hidden, duplicates};
use crate::facts::health::Health;
use crate::findings::{Finding, Rule, Severity};
use crate::format::bytes;
use crate::jobs::check::rules::{Found, Judged, hidden_by_locks};

pub const RULE: Rule = Rule::DUPLICATE_INDEX;

/// A smaller one costs little.
const LARGE: i64 = 1 << 20;

pub fn judge(health: &Health) -> Judged {
    let indexes = health.indexes.seen()?;
    let findings = duplicates(indexes).iter().map(finding).collect();
    Ok(Found { findings, unknown: are_hidden(indexes).then(hidden_by_locks) })
}

fn finding(Superfluous { index, because_of }: &Superfluous<'_>) -> Finding {
    let message = format!(
        "the index has the keys of {}; it takes {} and every write maintains both",
        because_of.object,
        bytes(index.size_bytes()),
    );
    Finding::new(&RULE, None, message)
        .about(&index.object)
        .severity(if index.size_bytes() >= LARGE {
            Severity::Warning
        } else {
            Severity::Info
        })
        .help("nothing needs this one of the two")
        .command(format!("DROP INDEX CONCURRENTLY {}", index.object))
        .evidence("size_bytes", index.size_bytes())
        .evidence("scans", index.scans)
}
