use super::key::{duplicates, prefixes};
use crate::facts::Unavailable;
use crate::facts::health::{Health, Index};
use crate::findings::{Finding, Rule, Severity};
use crate::format::bytes;
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::UNUSED_INDEX;

/// A smaller one costs little.
const LARGE: i64 = 10 << 20;
/// What is needed once a month has had its turn.
const LONG_DAYS: f64 = 30.0;

pub fn judge(health: &Health) -> Judged {
    let indexes = health.indexes.seen()?;
    let superfluous = [duplicates(indexes), prefixes(indexes)].concat();
    let unused = indexes.iter().filter(|index| {
        index.scans == 0
            && index.size_bytes() >= LARGE
            && index.is_valid
            && !index.is_needed()
            && !index.is_toast
            && !superfluous.iter().any(|other| other.index.oid == index.oid)
    });
    let unused = unused.collect::<Vec<_>>();
    let days = counted_days(health)?;
    if !unused.is_empty() && days < LONG_DAYS {
        let why = format!(
            "{} without a scan, but scans have been counted for {days:.0} days only; {LONG_DAYS} are asked for",
            crate::format::count(unused.len(), "index is", "indexes are"),
        );
        return Err(Unavailable::because(why).into());
    }
    Ok(unused.into_iter().map(|index| finding(index, days)).collect::<Found>())
}

/// For how long scans have been counted: since the last reset, or at least since the server was started.
fn counted_days(health: &Health) -> Result<f64, Unavailable> {
    let databases = health.databases.seen()?;
    let current = databases.iter().find(|database| database.is_current);
    let uptime = health.glance.seen()?.first().map_or(0.0, |glance| glance.uptime_seconds);
    let seconds = current.and_then(|database| database.reset_seconds).unwrap_or(uptime);
    Ok(seconds / 86_400.0)
}

fn finding(index: &Index, days: f64) -> Finding {
    let size = index.size_bytes();
    let message = format!("no query has used the index of {} for {days:.0} days", bytes(size));
    Finding::new(&RULE, None, message)
        .about(&index.object)
        .severity(if size >= 100 * LARGE { Severity::Warning } else { Severity::Info })
        .help("ask who needs it once a year, and look at the standbys (--also URL), before it is dropped")
        .command(format!("DROP INDEX CONCURRENTLY {}", index.object))
        .evidence("size_bytes", size)
        .evidence("counted_days", days.floor())
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::btree;
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::{Database, Glance};

    fn judged(indexes: Vec<Index>, days: f64) -> Judged {
        let reset_seconds = Some(days * 86_400.0);
        let database = Database { is_current: true, reset_seconds, ..Database::default() };
        judge(&Health {
            indexes: Known::Known(indexes),
            databases: Known::Known(vec![database]),
            glance: Known::Known(vec![Glance::default()]),
            ..Health::default()
        })
    }

    #[test]
    fn a_month_has_to_pass_first() {
        let large = Index { pages: 2_000, ..btree("a", "1") };
        assert_eq!(judged(vec![large.clone()], 40.0).unwrap().findings.len(), 1);
        assert!(judged(vec![large.clone()], 3.0).is_err());
        let used = Index { scans: 1, ..large.clone() };
        let unique = Index { is_unique: true, ..large };
        let small = Index { pages: 9, ..btree("b", "2") };
        assert_eq!(judged(vec![used, unique, small], 3.0).unwrap().findings, []);
    }
}
