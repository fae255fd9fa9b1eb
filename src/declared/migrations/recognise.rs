//! Which tool a folder belongs to.

use std::fs;
use std::path::Path;

use super::Layout;
use super::discover::Found;
use super::sections::marker_of;
use super::version::{flyway, leading_number, versioned};
use crate::declared::files::unreadable;
use crate::failure::Result;

/// So many folders above the migrations are searched for the project's manifest.
const MANIFEST_DEPTH: usize = 5;

/// sqlx and supabase number their files by timestamps of so many digits.
const TIMESTAMP_DIGITS: usize = 14;

/// The layout of the files: by their names where these say it, else by the section markers, else
/// by the project around them.
pub fn layout(listing: &[Found]) -> Result<Layout> {
    if listing.iter().any(is_prisma) {
        return Ok(Layout::Prisma);
    }
    if listing.iter().any(is_diesel) {
        return Ok(Layout::Diesel);
    }
    if listing.iter().any(|found| flyway(&found.name()).is_some()) {
        return Ok(Layout::Flyway);
    }
    let direct = listing.iter().filter(|found| found.is_direct()).collect::<Vec<_>>();
    if let Some(layout) = by_marker(&direct)? {
        return Ok(layout);
    }
    Ok(by_number(&direct))
}

/// Prisma keeps its lock file beside the folders; the number before a folder's name is the other
/// sign, because a plain file may be called so too.
fn is_prisma(found: &Found) -> bool {
    let lock = found.path.parent().map(|folder| folder.with_file_name("migration_lock.toml"));
    found.name() == "migration.sql"
        && (has_numbered_folder(found) || lock.is_some_and(|lock| lock.is_file()))
}

fn is_diesel(found: &Found) -> bool {
    found.name() == "up.sql" && (!found.is_direct() || has_numbered_folder(found))
}

fn has_numbered_folder(found: &Found) -> bool {
    leading_number(&found.folder_name()).is_some()
}

fn by_marker(direct: &[&Found]) -> Result<Option<Layout>> {
    for found in direct {
        let bytes = fs::read(&found.path).map_err(|error| unreadable(&found.path, &error))?;
        let text = String::from_utf8_lossy(&bytes);
        if let Some(layout) = text.lines().find_map(marker_of) {
            return Ok(Some(layout));
        }
    }
    Ok(None)
}

/// sqlx and golang-migrate name reversible migrations alike, and sqlx and hand-numbered files the
/// others; the project's manifest and sqlx's own first lines tell.
fn by_number(direct: &[&Found]) -> Layout {
    let numbered = direct.iter().copied().filter(|found| versioned(&found.name()).is_some());
    let numbered = numbered.collect::<Vec<_>>();
    let Some(first) = numbered.first() else { return Layout::Plain };
    let reversible = numbered.iter().any(|found| is_reversible(&found.name()));
    if numbered.iter().any(|found| has_sqlx_line(&found.path)) {
        return Layout::Sqlx;
    }
    match (manifest_tool(&first.path), reversible) {
        (Some(layout), true) => layout,
        (None, true) => Layout::GolangMigrate,
        (Some(Layout::Sqlx), false) => Layout::Sqlx,
        _ if numbered.iter().all(|found| has_timestamp(&found.name())) => Layout::Sqlx,
        _ => Layout::Plain,
    }
}

fn is_reversible(name: &str) -> bool {
    name.ends_with(".up.sql") || name.ends_with(".down.sql")
}

fn has_timestamp(name: &str) -> bool {
    leading_number(name).is_some_and(|(_, rest)| name.len() - rest.len() == TIMESTAMP_DIGITS)
}

fn has_sqlx_line(path: &Path) -> bool {
    let bytes = fs::read(path).unwrap_or_default();
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first = String::from_utf8_lossy(first).trim_start_matches('\u{feff}').to_owned();
    first.starts_with("-- no-transaction")
        || ["-- Add migration script", "-- Add up migration script", "-- Add down migration script"]
            .iter()
            .any(|line| first.starts_with(line))
}

fn manifest_tool(path: &Path) -> Option<Layout> {
    let path = fs::canonicalize(path).ok()?;
    for folder in path.ancestors().skip(1).take(MANIFEST_DEPTH) {
        if folder.join("go.mod").is_file() {
            return Some(Layout::GolangMigrate);
        }
        if let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml"))
            && manifest.contains("sqlx")
        {
            return Some(Layout::Sqlx);
        }
        if folder.join(".git").exists() {
            return None;
        }
    }
    None
}
