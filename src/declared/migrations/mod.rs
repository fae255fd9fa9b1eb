//! The migration folders of the common tools: which files are migrations, in which order their
//! tool would run them, and how it would send them.
//!
//! Only files are read here. What a script does to a database is for its reader to find out.

mod code;
mod extensions;
mod lines;
mod listing;
mod order;
mod own_tables;
mod pair;
mod psql;
mod role;
mod rows;
mod scan;
mod script;
mod sections;
mod split;
mod statements;
mod tools;
mod unknown;
mod version;

use std::path::{Path, PathBuf};

use super::files;
use crate::failure::{Failure, Kind, Result};

pub use extensions::about_extensions;
pub use lines::{Lines, excerpt};
pub use role::{Reach, Role};
pub use script::{Pieces, Rows, Script, Wrapping};
pub use statements::{MigrationStatement, parse, scanned, statements, without_cluster_objects};
pub use tools::{Between, Layout, Transactions};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// What the tool's users call it: the name of the file or of the folder that it stands in.
    pub name: String,
    /// What applies it.
    pub up: Script,
    /// What takes it back, where the tool knows such scripts and there is one.
    pub down: Option<Script>,
}

/// What is asked for besides the paths.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The layout; without it the files tell.
    pub layout: Option<Layout>,
    /// What stands for the placeholders of tools that have them.
    pub placeholders: Vec<(String, String)>,
    /// The variables of the environment that tools take their placeholders from.
    pub variables: Vec<(String, String)>,
}

/// The migrations of a folder.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// How they are laid out.
    pub layout: Layout,
    /// Nothing in the folder says for sure that this is the layout.
    pub is_guessed: bool,
    /// In the order in which the tool would run them.
    pub migrations: Vec<Migration>,
    /// Where they were found, where the user has named a folder further up.
    pub found_in: Option<PathBuf>,
    /// What the tool would do that is not done here, and what it would pass over.
    pub warnings: Vec<String>,
}

/// Reads the migrations in the order in which their tool would run them. The layout is recognised
/// by the names and contents of the files unless it is asked for.
///
/// # Errors
/// `Usage` where a path is missing or holds no migration, or several layouts are possible;
/// `Declaration`, naming the file, where one is not UTF-8, or as its tool would refuse it.
pub fn load<P: AsRef<Path>>(paths: &[P], asked: &Asked) -> Result<Loaded> {
    let listing = listing::FileListing::of(paths)?;
    let (tool, is_guessed) = tools::of(&listing, asked.layout)?;
    let candidates = order::checked(&listing, tool)?;
    let (pairs, mut warnings) = pair::pairs(candidates, tool.name)?;
    let mut reader = tools::ToolReader { asked, warnings: Vec::new() };
    let mut migrations = Vec::new();
    for pair in &pairs {
        migrations.extend((tool.read)(pair, &mut reader)?);
    }
    warnings.append(&mut reader.warnings);
    warnings.extend(code::beside(&listing, tool.layout));
    let found_in = listing.found_in().map(Path::to_path_buf);
    Ok(Loaded {
        layout: tool.layout,
        is_guessed,
        migrations,
        found_in,
        warnings,
    })
}

fn invalid(file: &Path, message: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Declaration, format!("{}: {message}", file.display()))
}

fn invalid_at(file: &Path, line: u32, message: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Declaration, format!("{}:{line}: {message}", file.display()))
}

#[cfg(test)]
mod tests;
