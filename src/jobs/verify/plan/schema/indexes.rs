//! Indexes that another one makes superfluous.

use crate::facts::migrated::SchemaIndex;
use crate::findings::{Finding, Rule};
use crate::jobs::verify::plan::observed::Origins;
use crate::pg::name::quote_ident;

/// What one index is to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IndexRelationship {
    /// It has the same keys, and is needed for nothing else.
    Duplicate,
    /// The other begins with its keys.
    Prefix,
}

/// One finding for each index that another one of its table makes superfluous, if the migrations
/// made one of the two.
pub fn superfluous(indexes: &[SchemaIndex], origins: &Origins) -> Vec<Finding> {
    let mut findings = Vec::new();
    for index in indexes {
        let others = indexes
            .iter()
            .filter(|other| other.table_oid == index.table_oid && other.oid != index.oid)
            .filter(|other| origins.is_new(index.oid) || origins.is_new(other.oid));
        let mut found = others.filter_map(|other| Some((relation(index, other)?, other)));
        // Of several the first one tells enough.
        if let Some((relation, other)) = found.next() {
            findings.push(finding(index, relation, other, origins));
        }
    }
    findings
}

/// What makes the first superfluous in the face of the second, if anything.
fn relation(index: &SchemaIndex, other: &SchemaIndex) -> Option<IndexRelationship> {
    let same_rows = index.method == other.method && index.predicate == other.predicate;
    if !same_rows || is_needed(index) {
        return None;
    }
    let includes = |column: &String| {
        other.included.contains(column)
            || other.keys.iter().any(|key| key.starts_with(&format!("{column} ")))
    };
    let included = index.included.iter().all(includes);
    if index.keys == other.keys && included && enforces(index, other) {
        // Of two that are alike the later one is superfluous, unless only it could go.
        let alike = index.included.len() == other.included.len() && enforces(other, index);
        let is_spared = alike && !is_needed(other) && rank(index) < rank(other);
        return (!is_spared).then_some(IndexRelationship::Duplicate);
    }
    let begins = index.keys.len() < other.keys.len() && other.keys.starts_with(&index.keys);
    (index.method == "btree" && !index.is_unique && begins && included)
        .then_some(IndexRelationship::Prefix)
}

/// Something else than queries uses it.
fn is_needed(index: &SchemaIndex) -> bool {
    index.is_primary
        || index.is_exclusion
        || index.is_replica_identity
        || index.foreign_key.is_some()
}

/// Which of two stays: a constraint says more than an index.
fn rank(index: &SchemaIndex) -> (bool, u32) {
    (index.constraint.is_none(), index.oid)
}

/// Whether the other one refuses all rows that this one refuses.
fn enforces(index: &SchemaIndex, other: &SchemaIndex) -> bool {
    !index.is_unique
        || (other.is_unique && (other.takes_nulls_as_equal || !index.takes_nulls_as_equal))
}

fn finding(
    index: &SchemaIndex,
    relation: IndexRelationship,
    other: &SchemaIndex,
    origins: &Origins,
) -> Finding {
    let this = described(index);
    let that = described(other);
    let place = origins.place(index.oid).or_else(|| origins.place(other.oid));
    let table = &index.table;
    let help = format!("leave it out, or {}", drop(index));
    match relation {
        IndexRelationship::Duplicate => {
            let message = format!(
                "{this} on {table} has the same keys as {that}: it is written and never needed"
            );
            Finding::new(&Rule::DUPLICATE_INDEX, place, message)
                .about(&index.name)
                .help(help)
        }
        IndexRelationship::Prefix => {
            let message = format!(
                "{this} on {table} is the beginning of {that}, which serves its queries too"
            );
            Finding::new(&Rule::REDUNDANT_INDEX, place, message)
                .about(&index.name)
                .help(format!("{help}; keep it only if it is much smaller and much used"))
        }
    }
}

fn described(index: &SchemaIndex) -> String {
    match &index.constraint {
        Some(name) if index.is_primary => format!("the primary key {}", quote_ident(name)),
        Some(name) => format!("the constraint {}", quote_ident(name)),
        None => format!("the index {}", index.name),
    }
}

fn drop(index: &SchemaIndex) -> String {
    match &index.constraint {
        Some(name) => format!("ALTER TABLE {} DROP CONSTRAINT {}", index.table, quote_ident(name)),
        None => format!("DROP INDEX CONCURRENTLY {}", index.name),
    }
}
