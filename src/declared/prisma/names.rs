//! The names that Prisma gives to what has none.

use crate::pg::name::{RelationName, with_suffix};

/// `Table_column_column_idx`, cut before the suffix. PostgreSQL's own default names are cut in the
/// middle. Source: `constraint_names.rs` of prisma-engines.
pub fn default_name(table: &RelationName, columns: &[&str], suffix: &str) -> String {
    let mut stem = table.name.clone();
    for column in columns {
        stem.push('_');
        stem.push_str(column);
    }
    with_suffix(&stem, suffix)
}
