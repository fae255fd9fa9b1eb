use super::key::{duplicates, oids, prefixes};
use crate::facts::Unavailable;
use crate::facts::health::{Health, Index, Node};
use crate::findings::{Finding, Rule, Severity};
use crate::format::{bytes, count};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::UNUSED_INDEX;

/// A smaller one costs little.
const LARGE: i64 = 10 << 20;
/// What is needed once a month has had its turn.
const LONG_DAYS: f64 = 30.0;
const DAY_SECONDS: f64 = 86_400.0;

pub fn judge(health: &Health) -> Judged {
    let indexes = health.indexes.seen()?;
    let superfluous = oids(&[duplicates(indexes), prefixes(indexes)].concat());
    let is_unused = |index: &&Index| {
        index.scans == 0
            && index.size_bytes() >= LARGE
            && index.is_valid
            && !index.is_needed()
            && !index.is_toast
            && !superfluous.contains(&index.oid)
    };
    let unused = indexes.iter().filter(is_unused).collect::<Vec<_>>();
    let days = health.counted_seconds()? / DAY_SECONDS;
    if !unused.is_empty() && days < LONG_DAYS {
        let why = format!(
            "{}, but scans have been counted for {days:.0} days only; {LONG_DAYS} are asked for",
            without_a_scan(unused.len()),
        );
        return Err(Unavailable::because(why).into());
    }
    for node in &health.nodes {
        require_long(node, unused.len())?;
    }
    let found = unused.into_iter().map(|index| finding(index, days, health.nodes.len()));
    Ok(found.collect::<Found>())
}

fn without_a_scan(indexes: usize) -> String {
    format!("{} without a scan", count(indexes, "index is", "indexes are"))
}

/// What is said of unused indexes rests on all servers.
fn require_long(node: &Node, unused: usize) -> Result<(), Unavailable> {
    let unknown = |why: &str| Unavailable::because(format!("{} (--also): {why}", node.name));
    let counted = node.counted.seen().map_err(|why| unknown(&why.to_string()))?;
    let days = counted.seconds / DAY_SECONDS;
    if unused > 0 && days < LONG_DAYS {
        let why = format!("{}, but it has counted for {days:.0} days only", without_a_scan(unused));
        return Err(unknown(&why));
    }
    Ok(())
}

fn finding(index: &Index, days: f64, nodes: usize) -> Finding {
    let size = index.size_bytes();
    let nowhere = match nodes {
        0 => String::new(),
        others => {
            format!(", neither here nor on {}", count(others, "other server", "other servers"))
        }
    };
    let message =
        format!("no query has used the index of {} for {days:.0} days{nowhere}", bytes(size));
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
    use crate::facts::health::{Counted, Database, Glance};

    fn counted_for(indexes: Vec<Index>, days: f64) -> Health {
        let reset_seconds = Some(days * 86_400.0);
        let database = Database { is_current: true, reset_seconds, ..Database::default() };
        Health {
            indexes: Known::Known(indexes),
            databases: Known::Known(vec![database]),
            glance: Known::Known(vec![Glance::default()]),
            ..Health::default()
        }
    }

    fn judged(indexes: Vec<Index>, days: f64) -> Judged {
        judge(&counted_for(indexes, days))
    }

    #[test]
    fn unused_is_what_no_server_uses() {
        let judged = |indexes: Vec<Index>, elsewhere: &[Option<f64>]| {
            let node = |days: &Option<f64>| Node {
                name: "standby".to_owned(),
                counted: match days {
                    Some(days) => {
                        Known::Known(Counted { seconds: days * 86_400.0, ..Counted::default() })
                    }
                    None => Unavailable::because("it is down").into(),
                },
            };
            let nodes = elsewhere.iter().map(node).collect();
            judge(&Health { nodes, ..counted_for(indexes, 40.0) })
        };
        let large = || vec![Index { pages: 2_000, ..btree("a", "1") }];
        let told = judged(large(), &[Some(40.0)]).unwrap().findings.remove(0).message;
        assert!(told.ends_with(" for 40 days, neither here nor on 1 other server"), "{told}");
        assert!(judged(large(), &[Some(40.0), None]).is_err());
        assert!(judged(large(), &[Some(2.0)]).is_err());
        assert!(judged(Vec::new(), &[Some(2.0)]).is_ok());
        assert!(judged(Vec::new(), &[None]).is_err());
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
