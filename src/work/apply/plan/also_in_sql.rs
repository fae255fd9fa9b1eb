//! Indexes that a Prisma schema and a SQL file both declare: they are one, and the SQL file's name wins.

use std::collections::HashMap;

use super::planner::ApplyPlanner;
use crate::declared::{DeclarationLanguage, DeclaredIndex};
use crate::failure::{Failure, Kind, Result};
use crate::pg::name::quote_ident;

/// The SQL file's index that each of these of the Prisma schema is, by their places.
///
/// # Errors
/// `Declaration` where both declare different indexes under one name.
pub fn find(planner: &ApplyPlanner<'_>) -> Result<HashMap<usize, usize>> {
    let indexes = &planner.declaration.indexes;
    let of = |origin: DeclarationLanguage| {
        (0..indexes.len()).filter(move |at| indexes[*at].origin == origin)
    };
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for at in of(DeclarationLanguage::Sql) {
        if let Some(name) = &indexes[at].name {
            by_name.entry(name).or_default().push(at);
        }
    }
    let mut found = HashMap::new();
    for at in of(DeclarationLanguage::Prisma) {
        let name = indexes[at].name.as_deref().unwrap_or_default();
        let named = by_name
            .get(name)
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .copied()
            .find(|sql| is_in_same_schema(planner, *sql, at));
        let same = match named {
            Some(sql) if is_other(planner, sql, at) => {
                return Err(conflict(&indexes[sql], &indexes[at]));
            }
            Some(sql) => Some(sql),
            None => equal(planner, at),
        };
        found.extend(same.map(|sql| (at, sql)));
    }
    Ok(found)
}

fn is_in_same_schema(planner: &ApplyPlanner<'_>, one: usize, other: usize) -> bool {
    let schema = |at: usize| {
        let table = &planner.declaration.indexes[at].table;
        let relation = planner.relation(table).map(|relation| relation.name.clone());
        relation.unwrap_or_else(|| planner.with_default_schema(table)).schema
    };
    schema(one) == schema(other)
}

/// Whether they are surely not the same.
fn is_other(planner: &ApplyPlanner<'_>, sql: usize, prisma: usize) -> bool {
    let table = |at: usize| planner.relation(&planner.declaration.indexes[at].table);
    if let (Some(one), Some(other)) = (table(sql), table(prisma))
        && one.oid != other.oid
    {
        return true;
    }
    match (planner.canonical(sql).known(), planner.canonical(prisma).known()) {
        (Some(one), Some(other)) => !one.equals(other),
        _ => false,
    }
}

fn equal(planner: &ApplyPlanner<'_>, at: usize) -> Option<usize> {
    let relation = planner.relation(&planner.declaration.indexes[at].table)?;
    let shape = planner.canonical(at).known()?;
    let mut alike = planner.declared_with(relation.oid, &shape.definition).iter().copied();
    alike.find(|other| {
        planner.declaration.indexes[*other].origin == DeclarationLanguage::Sql
            && planner.canonical(*other).known().is_some_and(|it| it.equals(shape))
    })
}

fn conflict(sql: &DeclaredIndex, prisma: &DeclaredIndex) -> Failure {
    let name = quote_ident(sql.name.as_deref().unwrap_or_default());
    let message = format!(
        "{}: the Prisma schema declares another index {name} than {}",
        prisma.source, sql.source
    );
    Failure::new(Kind::Declaration, message)
        .hint("one name can have one definition; remove or rename one of the two")
}
