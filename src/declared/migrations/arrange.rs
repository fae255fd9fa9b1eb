//! The files that a tool would take for migrations, in its order.

use std::collections::HashSet;
use std::path::PathBuf;

use super::discover::Found;
use super::version::{self, FlywayKind, Number};
use super::{Layout, invalid};
use crate::failure::{Failure, Result};

/// What orders migrations. The variants' order matters: Flyway runs repeatable ones last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// By version; the tool wants each once.
    Version(Vec<Number>),
    /// By a version that is text; the tool wants each once.
    Text(String),
    /// Flyway's repeatable migrations, by description.
    Repeatable(String),
    /// By argument, then by the path's parts; the file's name is the identity.
    Name(usize, Vec<(bool, Option<Number>, String)>),
}

/// Which way a file leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// Applies.
    Up,
    /// Takes back.
    Down,
}

/// A file that the tool would take.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The file.
    pub path: PathBuf,
    /// The migration's name.
    pub name: String,
    /// Its place in the order.
    pub key: Key,
    /// Which way it leads.
    pub direction: Direction,
}

/// The migrations' files in the tool's order; files that the tool would pass over are left out.
pub fn ordered(listing: &[Found], layout: Layout) -> Result<Vec<Candidate>> {
    let mut candidates = Vec::new();
    for found in listing {
        match candidate(found, layout) {
            Some(candidate) => candidates.push(candidate),
            None if found.below.is_none() => return Err(foreign(found, layout)),
            None => {}
        }
    }
    if layout == Layout::Flyway {
        candidates = after_baseline(undo_of_versions(candidates));
    }
    let Some(first) = listing.first() else { return Ok(candidates) };
    if candidates.is_empty() {
        let place = first.below.as_ref().unwrap_or(&first.path).display();
        return Err(Failure::usage(format!("{place} holds no migration of {}", layout.tool()))
            .hint("name the migration folder itself, or another layout with --layout"));
    }
    // Stable: of two equal names the first given is the first run.
    candidates.sort_by(|a, b| (&a.key, a.direction).cmp(&(&b.key, b.direction)));
    Ok(candidates)
}

fn foreign(found: &Found, layout: Layout) -> Failure {
    let message = format!("the file is not named as {} names a migration", layout.tool());
    invalid(&found.path, message).hint("rename it, or choose another layout with --layout")
}

fn candidate(found: &Found, layout: Layout) -> Option<Candidate> {
    match layout {
        Layout::Prisma => in_folder(found, "migration.sql", layout),
        Layout::Diesel => in_folder(found, "up.sql", layout),
        Layout::Flyway => flyway(found),
        Layout::Plain => Some(plain(found)),
        _ if !found.is_direct() => None,
        Layout::SqlMigrate => Some(by_name(found, found.name(), Direction::Up)),
        Layout::Dbmate => dbmate(found),
        Layout::Sqlx | Layout::GolangMigrate | Layout::Goose => numbered(found, layout),
    }
}

fn in_folder(found: &Found, up: &str, layout: Layout) -> Option<Candidate> {
    let file = found.name();
    let direction = match file.as_str() {
        name if name == up => Direction::Up,
        "down.sql" => Direction::Down,
        _ => return None,
    };
    let name = found.folder_name();
    let key = match layout {
        Layout::Diesel => Key::Text(version::diesel(&name)),
        _ => Key::Name(0, vec![(false, None, name.clone())]),
    };
    Some(Candidate { path: found.path.clone(), name, key, direction })
}

fn flyway(found: &Found) -> Option<Candidate> {
    let file = found.name();
    let (kind, parts, description) = version::flyway(&file)?;
    let key = match kind {
        FlywayKind::Repeatable => Key::Repeatable(description.to_owned()),
        _ => Key::Version(parts),
    };
    let direction = if kind == FlywayKind::Undo { Direction::Down } else { Direction::Up };
    let name = stem(&file).to_owned();
    Some(Candidate { path: found.path.clone(), name, key, direction })
}

/// A U file without its V is no undo script but refinery's out-of-order migration.
fn undo_of_versions(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    let is_up = |candidate: &&Candidate| candidate.direction == Direction::Up;
    let versions =
        candidates.iter().filter(is_up).map(|one| one.key.clone()).collect::<HashSet<_>>();
    for candidate in &mut candidates {
        if candidate.direction == Direction::Down && !versions.contains(&candidate.key) {
            candidate.direction = Direction::Up;
        }
    }
    candidates
}

/// On an empty database Flyway runs the newest baseline instead of all versions up to it.
fn after_baseline(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let is_baseline = |candidate: &Candidate| candidate.name.starts_with('B');
    let newest = candidates.iter().filter(|one| is_baseline(one)).map(|one| one.key.clone()).max();
    let Some(newest) = newest else { return candidates };
    let kept = |one: &Candidate| one.key > newest || (is_baseline(one) && one.key == newest);
    candidates.into_iter().filter(kept).collect()
}

fn dbmate(found: &Found) -> Option<Candidate> {
    let file = found.name();
    let (_, rest) = version::leading_number(&file)?;
    // dbmate knows a migration by its digits as they are written, and sorts by file name, where
    // the underscore after the digits counts: 10_b runs before 1_a.
    let digits = &file[..file.len() - rest.len()];
    let name = stem(&file).to_owned();
    let key = Key::Text(format!("{digits}_"));
    Some(Candidate { path: found.path.clone(), name, key, direction: Direction::Up })
}

fn numbered(found: &Found, layout: Layout) -> Option<Candidate> {
    let file = found.name();
    let key = Key::Version(vec![version::versioned(&file)?]);
    let (name, direction) = match layout {
        Layout::Goose => (stem(&file), Direction::Up),
        _ => directed(&file)?,
    };
    if layout == Layout::GolangMigrate && name == stem(&file) {
        return None;
    }
    Some(Candidate { path: found.path.clone(), name: name.to_owned(), key, direction })
}

fn plain(found: &Found) -> Candidate {
    let file = found.name();
    let (name, direction) = directed(&file).unwrap_or((&file, Direction::Up));
    Candidate { name: name.to_owned(), ..by_name(found, format!("{name}.sql"), direction) }
}

/// A file that the user named keeps the place of its argument; those of a folder sort by number.
fn by_name(found: &Found, name: String, direction: Direction) -> Candidate {
    let parts = found.relative().parent().into_iter().flat_map(|parent| parent.components());
    let parts = parts.map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts = parts.chain([name.clone()]).map(|part| version::natural(&part)).collect();
    let key = Key::Name(found.argument, parts);
    Candidate { path: found.path.clone(), name, key, direction }
}

fn directed(file: &str) -> Option<(&str, Direction)> {
    let stem = file.strip_suffix(".sql")?;
    Some(match (stem.strip_suffix(".up"), stem.strip_suffix(".down")) {
        (Some(name), _) => (name, Direction::Up),
        (_, Some(name)) => (name, Direction::Down),
        _ => (stem, Direction::Up),
    })
}

fn stem(file: &str) -> &str {
    file.strip_suffix(".sql").unwrap_or(file)
}
