use std::collections::HashSet;

use crate::facts::health::Health;
use crate::facts::reindex::Density;
use crate::facts::{IndexBloat, Known, Unavailable};
use crate::findings::{Finding, Rule, Severity};
use crate::format::{count, size};
use crate::jobs::check::rules::{Found, Judged};
use crate::shell::pgtend;

use super::rung::{Rung, unconfirmed};

pub const RULE: Rule = Rule::INDEX_BLOAT;

/// As `reindex --needed` has them.
const TIMES: f64 = 1.6;
const WORTH_IT: u64 = 100 << 20;
/// From here on it is worth knowing.
const WORTH_KNOWING: u64 = 10 << 20;

pub fn judge(health: &Health) -> Judged {
    let indexes = health
        .indexes
        .seen()?
        .iter()
        .filter(|index| index.method == "btree" && index.is_valid);
    let btrees = indexes.map(|index| index.oid).collect::<HashSet<_>>();
    let is_large =
        |index: &&IndexBloat| btrees.contains(&index.oid) && index.bytes >= WORTH_KNOWING;
    let large = health.index_bloat.seen()?.iter().filter(is_large).collect::<Vec<_>>();
    let confirmed = health.confirmed.known().and_then(Option::as_ref);
    let measured =
        |index: &IndexBloat| confirmed.and_then(|it| it.indexes.get(&index.oid)).copied();
    let found = large.iter().filter_map(|index| match measured(index) {
        Some(density) => finding(&as_measured(index, density), Rung::Measured),
        None => finding(index, Rung::Estimated),
    });
    Ok(Found {
        findings: found.collect(),
        unknown: unknown(&large).or_else(|| unconfirmed(health)),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bytes of an index"
)]
fn as_measured(index: &IndexBloat, density: Density) -> IndexBloat {
    IndexBloat {
        bytes: density.bytes as u64,
        fresh_bytes: Known::Known(density.fresh_bytes() as u64),
        ..index.clone()
    }
}

fn finding(index: &IndexBloat, rung: Rung) -> Option<Finding> {
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
        .severity(if saved >= WORTH_IT {
            Severity::Warning
        } else {
            Severity::Info
        })
        .help(format!(
            "every scan reads more pages, and the cache holds less; {}",
            rung.words("pgstatindex")
        ))
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
    let unknown = Unavailable::because(format!(
        "the size of a fresh one is not known{more}: {}",
        first.why()
    ));
    Some(match first.remedy() {
        Some(remedy) => unknown.help(remedy),
        None => unknown,
    })
}
