//! Which statement locked which table that was there before, for how long, and what it did meanwhile.

use std::collections::HashMap;
use std::time::Duration;

use super::observed::{Observed, SeenRelation, SeenStatement};
use crate::facts::Oid;
use crate::findings::{Finding, Place, Rule};
use crate::format;
use crate::pg::name::RelationName;
use crate::work::plan::LockMode;

/// Which tables were there before, and hold data in production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExistingTables {
    /// Those that an earlier migration made: each is deployed by itself.
    BeforeEach,
    /// Those that were there before this migration, from 0: it and what follows is deployed at once.
    Before(usize),
}

/// A lock that a statement took on a table that was there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLock {
    /// The statement.
    pub place: Place,
    /// The table or materialized view.
    pub relation: RelationName,
    /// The mode; `None` where the statement committed before it could be seen.
    pub mode: Option<LockMode>,
    /// From the statement's beginning to its transaction's end.
    pub held: Duration,
    /// The statement wrote the whole table anew.
    pub is_rewritten: bool,
    /// The statement read the whole table.
    pub is_scanned: bool,
}

/// From this mode on the application's writes wait.
const BLOCKS_WRITES: LockMode = LockMode::Share;

/// Weaker ones are those of reading.
const RECORDED: LockMode = LockMode::RowExclusive;

/// The locks in the order of their statements, and what there is to say against them.
pub fn judge(observed: &Observed, existing: ExistingTables) -> (Vec<HeldLock>, Vec<Finding>) {
    let mut locks = Vec::new();
    let mut findings = Vec::new();
    for transaction in observed.statements.chunk_by(|a, b| a.transaction == b.transaction) {
        let mut held: HashMap<Oid, EarlierLock<'_>> = HashMap::new();
        let ended = transaction.last().map_or(Duration::ZERO, |last| last.ended);
        for seen in transaction {
            let there = |relation: &&SeenRelation| was_there(observed, existing, seen, relation);
            let relations = seen.relations.iter().filter(there).collect::<Vec<_>>();
            findings.extend(against(seen, &relations, &held));
            for relation in relations {
                let is_stronger = took(relation, &held);
                if relation.is_rewritten || is_stronger && is_worth_telling(relation) {
                    locks.push(lock(seen, relation, ended));
                }
                if is_stronger {
                    let earlier = EarlierLock { mode: relation.lock, name: &relation.name, seen };
                    held.insert(relation.oid, earlier);
                }
            }
        }
    }
    (locks, findings)
}

/// What only reads is not; what was gone before it could be seen is.
fn is_worth_telling(relation: &SeenRelation) -> bool {
    relation.lock.is_none_or(|mode| mode >= RECORDED)
}

/// A lock that an earlier statement of the transaction took.
struct EarlierLock<'a> {
    mode: Option<LockMode>,
    name: &'a RelationName,
    seen: &'a SeenStatement,
}

/// Whether the statement itself took the lock, or made it stronger.
fn took(relation: &SeenRelation, held: &HashMap<Oid, EarlierLock<'_>>) -> bool {
    held.get(&relation.oid).is_none_or(|earlier| earlier.mode < relation.lock)
}

fn was_there(
    observed: &Observed,
    existing: ExistingTables,
    seen: &SeenStatement,
    relation: &SeenRelation,
) -> bool {
    let migration = match existing {
        // The tool's own table, which is all that is there before the first.
        ExistingTables::BeforeEach if !observed.origins.is_new(relation.oid) => return false,
        ExistingTables::BeforeEach => seen.migration,
        ExistingTables::Before(first) if seen.migration < first => return false,
        ExistingTables::Before(first) => first,
    };
    observed
        .newest_before
        .get(migration)
        .is_some_and(|newest| relation.oid <= *newest)
}

fn lock(seen: &SeenStatement, relation: &SeenRelation, ended: Duration) -> HeldLock {
    HeldLock {
        place: seen.place.clone(),
        relation: relation.name.clone(),
        mode: relation.lock,
        held: ended.saturating_sub(seen.began),
        is_rewritten: relation.is_rewritten,
        is_scanned: relation.is_scanned,
    }
}

fn against(
    seen: &SeenStatement,
    relations: &[&SeenRelation],
    held: &HashMap<Oid, EarlierLock<'_>>,
) -> Vec<Finding> {
    let blocking =
        |relation: &&&SeenRelation| relation.lock.is_none_or(|mode| mode >= BLOCKS_WRITES);
    let rewritten = relations.iter().filter(|it| it.is_rewritten).copied().collect::<Vec<_>>();
    let scanned = relations
        .iter()
        .filter(|it| it.is_scanned && !it.is_rewritten)
        .filter(blocking)
        .filter(|it| took(it, held))
        .copied()
        .collect::<Vec<_>>();
    let works = relations.iter().any(|it| it.is_rewritten || it.is_scanned);
    let blamed = [rewritten.as_slice(), &scanned].concat();
    let others = held.iter().filter(|(oid, earlier)| {
        earlier.mode >= Some(BLOCKS_WRITES) && blamed.iter().all(|it| it.oid != **oid)
    });
    // The one that is held for longest.
    let waiting = others
        .min_by_key(|(oid, earlier)| (earlier.seen.began, **oid))
        .filter(|_| works)
        .map(|(_, earlier)| held_meanwhile(seen, earlier));
    [rewrite(seen, &rewritten), scan(seen, &scanned), waiting]
        .into_iter()
        .flatten()
        .collect()
}

fn rewrite(seen: &SeenStatement, relations: &[&SeenRelation]) -> Option<Finding> {
    let (first, names) = named(relations)?;
    let verb = verb(seen);
    let message = match first.lock {
        Some(mode) => {
            format!("{verb} takes {mode} on {names} and rewrites it: {} meanwhile", waits(mode))
        }
        None => format!("{verb} rewrites {names}"),
    };
    let help = match verb.split(' ').next().unwrap_or_default() {
        "REFRESH" => "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index",
        "VACUUM" | "CLUSTER" => {
            "leave it out of migrations; autovacuum keeps the space for new rows"
        }
        _ => {
            "add a column of the new kind, fill it in batches, and let it take the old one's place; \
             a change that only widens (varchar to text) rewrites nothing"
        }
    };
    let finding = Finding::new(&Rule::TABLE_REWRITE, Some(seen.place.clone()), message);
    Some(finding.about(&first.name).help(help))
}

fn scan(seen: &SeenStatement, relations: &[&SeenRelation]) -> Option<Finding> {
    let (first, names) = named(relations)?;
    let mode = first.lock?;
    let message = format!(
        "{} takes {mode} on {names} and reads it from end to end: {} meanwhile",
        verb(seen),
        waits(mode)
    );
    let finding = Finding::new(&Rule::TABLE_SCAN, Some(seen.place.clone()), message);
    Some(finding.about(&first.name).help(instead_of_scan(seen)))
}

fn instead_of_scan(seen: &SeenStatement) -> &'static str {
    let upper = seen.text.to_ascii_uppercase();
    let words = upper.split_whitespace().collect::<Vec<_>>();
    let says = |word: &str| words.iter().any(|one| one.starts_with(word));
    if words.first() == Some(&"CREATE") && says("INDEX") {
        "CREATE INDEX CONCURRENTLY, in a migration of its own outside any transaction"
    } else if says("UNIQUE") || says("PRIMARY") {
        "CREATE UNIQUE INDEX CONCURRENTLY first, then ADD CONSTRAINT … USING INDEX"
    } else if says("SET") && says("NOT") {
        "ADD CONSTRAINT … CHECK (… IS NOT NULL) NOT VALID, VALIDATE CONSTRAINT in a later migration, \
         then SET NOT NULL, which reads nothing any more"
    } else if says("ADD") {
        "ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT in a later migration"
    } else {
        "put it where the application does not wait for it"
    }
}

fn held_meanwhile(seen: &SeenStatement, earlier: &EarlierLock<'_>) -> Finding {
    let mode = earlier.mode.unwrap_or(BLOCKS_WRITES);
    let message = format!(
        "{} reads or writes a whole table while its transaction holds {mode} on {}, which line {} \
         took: {} until it ends",
        verb(seen),
        earlier.name,
        earlier.seen.place.at.line,
        waits(mode)
    );
    Finding::new(&Rule::LOCK_HELD, Some(seen.place.clone()), message)
        .help("put it in a migration of its own, so that the lock is given back before")
}

/// The first, and the names of them all.
fn named<'a>(relations: &[&'a SeenRelation]) -> Option<(&'a SeenRelation, String)> {
    let first = *relations.first()?;
    let more = relations.len() - 1;
    let names = match more {
        0 => first.name.to_string(),
        _ => format!("{} and {}", first.name, format::count(more, "other", "others")),
    };
    Some((first, names))
}

fn waits(mode: LockMode) -> &'static str {
    if mode == LockMode::AccessExclusive {
        "all reads and writes wait"
    } else {
        "all writes wait"
    }
}

/// The statement's first keywords: `ALTER TABLE`.
fn verb(seen: &SeenStatement) -> String {
    const SECOND: [&str; 7] =
        ["TABLE", "INDEX", "UNIQUE", "MATERIALIZED", "VIEW", "FULL", "TRIGGER"];
    let mut words = seen.text.split_whitespace().map(str::to_ascii_uppercase);
    let first = words.next().unwrap_or_default();
    let more = words.take(2).take_while(|word| SECOND.contains(&word.as_str()));
    [first].into_iter().chain(more).collect::<Vec<_>>().join(" ")
}
