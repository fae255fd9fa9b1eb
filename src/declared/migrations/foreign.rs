//! Migrations that are programs: pgtend cannot run them, and the SQL that follows may need what
//! they create, so they have to be called by their names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::discover::{file_name, migrations_folder};
use super::version::{flyway, leading_number};
use crate::declared::files::unreadable;
use crate::failure::Result;

/// Languages that migration tools run.
const EXTENSIONS: [&str; 14] =
    ["go", "ts", "mts", "cts", "js", "mjs", "cjs", "py", "rb", "rs", "java", "kt", "php", "exs"];

/// The files directly in the given folders that are named as migrations are but written in a
/// programming language, sorted by path. Files among `paths` are passed over.
///
/// # Errors
/// `Usage` where a folder cannot be read.
pub fn code_migrations<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths.iter().map(AsRef::as_ref).filter(|path| path.is_dir()) {
        let folder = migrations_folder(path);
        let entries = fs::read_dir(&folder)
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
            .map_err(|error| unreadable(&folder, &error))?;
        found.extend(entries.iter().map(fs::DirEntry::path).filter(|path| is_code(path)));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn is_code(path: &Path) -> bool {
    let name = file_name(path);
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    // Tests and type declarations stand beside what they are about.
    let beside = stem.ends_with("_test") || stem.ends_with(".d") || stem.ends_with(".test");
    let numbered = leading_number(stem).is_some() || flyway(&format!("{stem}.sql")).is_some();
    EXTENSIONS.contains(&extension) && numbered && !beside && path.is_file()
}
