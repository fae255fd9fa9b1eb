//! The files that a tool would take for migrations, in its order.

use std::path::PathBuf;

use super::invalid;
use super::listing::{FileListing, FoundFile};
use super::tools::Tool;
use super::version::{self, Number};
use crate::failure::{Failure, Result};

/// What orders migrations. The variants' order matters: Flyway runs repeatable ones last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKey {
    /// By version; the tool wants each once.
    Version(Vec<Number>),
    /// By a version that is text; the tool wants each once.
    Text(String),
    /// Flyway's repeatable migrations, by description.
    Repeatable(String),
    /// By argument, then by the path's parts; the file's name is the identity.
    Name(usize, Vec<(bool, Option<Number>, String)>),
    /// As the tool has written down.
    Listed(usize),
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
pub struct CandidateFile {
    pub path: PathBuf,
    pub name: String,
    /// Its place in the order.
    pub key: FileKey,
    /// Which way it leads.
    pub direction: Direction,
}

impl CandidateFile {
    /// A file that applies.
    pub fn up(found: &FoundFile, name: impl Into<String>, key: FileKey) -> Self {
        let (path, name) = (found.path.clone(), name.into());
        CandidateFile { path, name, key, direction: Direction::Up }
    }
}

/// The migrations' files in the tool's order; files that the tool would pass over are left out.
///
/// # Errors
/// `Declaration` where the user has named a file that the tool would pass over; `Usage` where there is
/// no migration.
pub fn checked(listing: &FileListing, tool: &Tool) -> Result<Vec<CandidateFile>> {
    let mut candidates = (tool.order)(listing)?;
    let is_taken = |found: &&FoundFile| candidates.iter().any(|one| one.path == found.path);
    let named = || listing.files.iter().filter(|found| found.below.is_none());
    if let Some(found) = named().find(|found| !is_taken(found)) {
        return Err(foreign(found, tool.name));
    }
    if candidates.is_empty() {
        let place = listing
            .folders
            .first()
            .map(|folder| folder.display().to_string())
            .unwrap_or_default();
        return Err(Failure::usage(format!("{place} holds no migration of {}", tool.name))
            .hint("name the migration folder itself, or another layout with --layout"));
    }
    // Stable: of two equal names the first given is the first run.
    candidates.sort_by(|a, b| (&a.key, a.direction).cmp(&(&b.key, b.direction)));
    Ok(candidates)
}

/// The files that are one of the tool's, each judged by itself.
pub fn each(
    listing: &FileListing,
    one: fn(&FoundFile) -> Option<CandidateFile>,
) -> Result<Vec<CandidateFile>> {
    Ok(listing.files.iter().filter_map(one).collect())
}

fn foreign(found: &FoundFile, tool: &str) -> Failure {
    let message = format!("the file is not named as {tool} names a migration");
    invalid(&found.path, message).hint("rename it, or choose another layout with --layout")
}

/// A folder's file of that name applies the migration whose name the folder has; down.sql takes it
/// back.
pub fn in_folder(found: &FoundFile, up: &str, key: fn(&str) -> FileKey) -> Option<CandidateFile> {
    let direction = match found.name().as_str() {
        name if name == up => Direction::Up,
        "down.sql" => Direction::Down,
        _ => return None,
    };
    let name = found.folder_name();
    let key = key(&name);
    Some(CandidateFile { direction, ..CandidateFile::up(found, name, key) })
}

/// A direct file `NUMBER_…`, in whose name nothing tells the direction.
pub fn numbered(found: &FoundFile) -> Option<CandidateFile> {
    let file = found.name();
    let key = FileKey::Version(vec![version::versioned(&file)?]);
    found.is_direct().then(|| CandidateFile::up(found, stem(&file), key))
}

/// A direct file `NUMBER_….up.sql` or `NUMBER_….down.sql`, or without a direction.
pub fn directed_number(found: &FoundFile) -> Option<CandidateFile> {
    let file = found.name();
    let (name, direction) = directed(&file)?;
    let candidate = numbered(found)?;
    Some(CandidateFile { name: name.to_owned(), direction, ..candidate })
}

/// A direct file, sorted as text.
pub fn by_text(found: &FoundFile) -> Option<CandidateFile> {
    let file = found.name();
    found
        .is_direct()
        .then(|| CandidateFile::up(found, stem(&file), FileKey::Text(file.clone())))
}

/// Any file: one that the user named keeps the place of its argument; those of a folder sort by number.
pub fn natural(found: &FoundFile) -> Option<CandidateFile> {
    let file = found.name();
    let (name, direction) = directed(&file).unwrap_or((&file, Direction::Up));
    let key = name_key(found, format!("{name}.sql"));
    Some(CandidateFile { direction, ..CandidateFile::up(found, name, key) })
}

/// The key of a file that is known by its name.
pub fn name_key(found: &FoundFile, name: String) -> FileKey {
    let parts = found
        .relative()
        .parent()
        .into_iter()
        .flat_map(|parent| parent.components())
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .chain([name])
        .map(|part| version::natural(&part))
        .collect();
    FileKey::Name(found.argument, parts)
}

/// What the name says of the direction.
pub fn directed(file: &str) -> Option<(&str, Direction)> {
    let stem = file.strip_suffix(".sql")?;
    Some(match (stem.strip_suffix(".up"), stem.strip_suffix(".down")) {
        (Some(name), _) => (name, Direction::Up),
        (_, Some(name)) => (name, Direction::Down),
        _ => (stem, Direction::Up),
    })
}

/// The name without `.sql`.
pub fn stem(file: &str) -> &str {
    file.strip_suffix(".sql").unwrap_or(file)
}

/// Whether the tool knows a migration by its file's name, so that a number may stand twice.
pub fn wanted_once(key: &FileKey) -> bool {
    !matches!(key, FileKey::Name(..) | FileKey::Listed(_))
}
