use std::collections::HashSet;

use crate::facts::health::Health;
use crate::facts::{IndexBloat, Unavailable};
use crate::findings::{Finding, Rule, Severity};
use crate::format::{count, size};
use crate::jobs::check::command::pgtend;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::INDEX_BLOAT;

/// As `reindex --needed` has them.
const TIMES: f64 = 1.6;
const WORTH_IT: u64 = 100 << 20;
/// From here on it is worth knowing.
const WORTH_KNOWING: u64 = 10 << 20;

pub fn judge(health: &Health) -> Judged {
    let indexes = health.indexes.seen()?.iter().filter(|index| index.method == "btree" && index.is_valid);
    let btrees = indexes.map(|index| index.oid).collect::<HashSet<_>>();
    let large = health.index_bloat.seen()?.iter().filter(|index| {
        btrees.contains(&index.oid) && index.bytes >= WORTH_KNOWING
    });
    let large = large.collect::<Vec<_>>();
    let findings = large.iter().filter_map(|index| finding(index)).collect();
    Ok(Found { findings, unknown: unknown(&large) })
}

fn finding(index: &IndexBloat) -> Option<Finding> {
    let (times, saved) = (index.ratio()?, index.saved_bytes()?);
    let is_natural = index.bytes <= index.natural_bytes()?;
    if is_natural || times < TIMES || saved < WORTH_KNOWING {
        return None;
    }
    let message = format!(
        "the index of {} is {times:.1} times as large as a fresh one; a rebuild gives back about {}",
        size(index.bytes),
        size(saved),
    );
    let name = index.name.to_string();
    let found = Finding::new(&RULE, None, message)
        .about(&name)
        .severity(if saved >= WORTH_IT { Severity::Warning } else { Severity::Info })
        .help("every scan reads more pages, and the cache holds less; estimated from the statistics")
        .command(pgtend("reindex", &name))
        .evidence("size_bytes", index.bytes)
        .evidence("saved_bytes", saved);
    Some(found)
}

/// What is known of none of them, with the first reason.
fn unknown(large: &[&IndexBloat]) -> Option<Unavailable> {
    let mut reasons = large.iter().filter_map(|index| index.fresh_bytes.seen().err());
    let first = reasons.next()?;
    let more = match reasons.count() {
        0 => String::new(),
        more => format!(" (and of {} more)", count(more, "index", "indexes")),
    };
    let unknown = Unavailable::because(format!("the size of a fresh one is not known{more}: {}", first.why()));
    Some(match first.remedy() {
        Some(remedy) => unknown.help(remedy),
        None => unknown,
    })
}
