//! Which SQL files stand below the paths that the user named.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::declared::files::{self, unreadable};
use crate::failure::{Failure, Result};

/// A SQL file, and how the user came to name it.
#[derive(Debug, Clone)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// The folder it was found below; `None` where the user named the file itself.
    pub below: Option<PathBuf>,
    /// Which of the user's paths led to it.
    pub argument: usize,
}

impl Found {
    /// The file's name.
    pub fn name(&self) -> String {
        file_name(&self.path)
    }

    /// The name of the folder that the file stands in.
    pub fn folder_name(&self) -> String {
        let parent = self.path.parent().unwrap_or(Path::new(""));
        match parent.file_name() {
            Some(name) => name.to_string_lossy().into_owned(),
            // `up.sql` or `./up.sql`: only the file system knows what the folder is called.
            None => fs::canonicalize(&self.path)
                .ok()
                .and_then(|path| path.parent().map(file_name))
                .unwrap_or_default(),
        }
    }

    /// The path below the folder that the user named, or the file's own name.
    pub fn relative(&self) -> &Path {
        match &self.below {
            Some(folder) => self.path.strip_prefix(folder).unwrap_or(&self.path),
            None => self.path.file_name().map(Path::new).unwrap_or(&self.path),
        }
    }

    /// Whether it stands directly where the user pointed.
    pub fn is_direct(&self) -> bool {
        self.relative().components().count() == 1
    }
}

/// The file name as text.
pub fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Every SQL file that the paths name or hold, each once.
pub fn list<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for (argument, path) in paths.iter().enumerate() {
        find(path.as_ref(), argument, &mut found)?;
    }
    let mut seen = HashSet::new();
    found.retain(|one| {
        seen.insert(fs::canonicalize(&one.path).unwrap_or_else(|_| one.path.clone()))
    });
    if found.is_empty() {
        return Err(
            Failure::usage("no path is given").hint("name the migration folder or its files")
        );
    }
    Ok(found)
}

fn find(path: &Path, argument: usize, found: &mut Vec<Found>) -> Result<()> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_dir() {
        found.push(Found { path: path.to_path_buf(), below: None, argument });
        return Ok(());
    }
    let folder = migrations_folder(path);
    let mut files = Vec::new();
    files::find_below(&folder, &mut files)?;
    if files.is_empty() {
        return Err(Failure::usage(format!("{} holds no *.sql file", path.display()))
            .hint("name the migration folder or its files"));
    }
    let below = Some(folder);
    found.extend(files.into_iter().map(|path| Found { path, below: below.clone(), argument }));
    Ok(())
}

/// `prisma/` and `db/` often stand for the `migrations` folder in them.
pub fn migrations_folder(path: &Path) -> PathBuf {
    let inner = path.join("migrations");
    if inner.is_dir() && !holds_sql(path) { inner } else { path.to_path_buf() }
}

fn holds_sql(folder: &Path) -> bool {
    fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| {
        let path = entry.path();
        path.extension().is_some_and(|extension| extension == "sql") && path.is_file()
    })
}
