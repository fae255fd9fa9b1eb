//! Foreign keys whose referring columns no index begins with.

use super::FinishedSchema;
use crate::facts::migrated::{MigratedForeignKey, SchemaIndex};
use crate::findings::{Finding, Rule};
use crate::jobs::verify::plan::observed::Origins;
use crate::pg::name::quote_ident;

/// One finding for each.
pub fn without_index(schema: &FinishedSchema, origins: &Origins) -> Vec<Finding> {
    let keys = schema.foreign_keys.iter().filter(|key| origins.is_new(key.oid));
    let lacking = keys.filter_map(|key| {
        let mut serving = schema.indexes.iter().filter(|index| is_served(key, index));
        if serving.clone().any(|index| index.predicate.is_none()) {
            return None;
        }
        Some(finding(key, serving.next(), origins))
    });
    lacking.collect()
}

/// Whether the index begins with the key's columns, in any order: a look-up compares all of them.
pub fn is_served(key: &MigratedForeignKey, index: &SchemaIndex) -> bool {
    let keys = index.columns.get(..index.keys.len().min(key.columns.len())).unwrap_or_default();
    matches!(index.method.as_str(), "btree" | "hash")
        && index.table_oid == key.table_oid
        && keys.len() == key.columns.len()
        && key.columns.iter().all(|column| keys.contains(column))
}

fn finding(key: &MigratedForeignKey, partial: Option<&SchemaIndex>, origins: &Origins) -> Finding {
    let place = origins.place(key.oid).or_else(|| origins.place(key.table_oid));
    let but = partial.map_or(String::new(), |index| format!(" but the partial one {}", index.name));
    let message = format!(
        "no index{but} on {} begins with the columns of the foreign key {}: each DELETE of a row of {} \
         reads the whole table",
        key.table,
        quote_ident(&key.name),
        key.referred
    );
    let columns = key.column_names.iter().map(|name| quote_ident(name)).collect::<Vec<_>>();
    let help = format!(
        "CREATE INDEX CONCURRENTLY ON {} ({}), unless rows of {} are never deleted nor their keys changed",
        key.table,
        columns.join(", "),
        key.referred
    );
    Finding::new(&Rule::UNINDEXED_FOREIGN_KEY, place, message)
        .about(&key.table)
        .help(help)
}
