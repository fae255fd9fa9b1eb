//! Which SQL files stand below the paths that the user named.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::code;
use crate::declared::files::{self, unreadable};
use crate::failure::{Failure, Result};

/// A SQL file, and how the user came to name it.
#[derive(Debug, Clone)]
pub struct FoundFile {
    pub path: PathBuf,
    /// The folder it was found below; `None` where the user named the file itself.
    pub below: Option<PathBuf>,
    /// Which of the user's paths led to it.
    pub argument: usize,
    text: OnceCell<String>,
}

/// All that is there to tell the tool by.
#[derive(Debug)]
pub struct FileListing {
    /// The SQL files, each once.
    pub files: Vec<FoundFile>,
    /// The folders that the user named, or the one with migrations in it, or that of a named file.
    pub folders: Vec<PathBuf>,
    found_in: Option<PathBuf>,
}

/// Where projects keep their migrations, from the project's folder.
const USUAL: [&str; 12] = [
    "supabase/migrations",
    "prisma/migrations",
    "db/migrations",
    "database/migrations",
    "sql/migrations",
    "drizzle",
    "src/main/resources/db/migration",
    "src/main/resources/db/migrations",
    "src/main/resources/db/changelog",
    "hasura/migrations",
    "migrations",
    "db/migrate",
];

/// So many folders above the migrations are searched for the project's files.
const PROJECT_DEPTH: usize = 6;

impl FoundFile {
    fn new(path: PathBuf, below: Option<PathBuf>, argument: usize) -> Self {
        FoundFile { path, below, argument, text: OnceCell::new() }
    }

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

    /// What stands in it, to tell the tool by; nothing where it cannot be read.
    pub fn text(&self) -> &str {
        self.text.get_or_init(|| {
            let bytes = if self.path.is_file() {
                fs::read(&self.path).ok()
            } else {
                None
            };
            let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
            text.trim_start_matches('\u{feff}').to_owned()
        })
    }
}

impl FileListing {
    /// Every SQL file that the paths name or hold, each once.
    ///
    /// # Errors
    /// `Usage` where a path is missing or holds none.
    pub fn of<P: AsRef<Path>>(paths: &[P]) -> Result<Self> {
        let mut listing = FileListing { files: Vec::new(), folders: Vec::new(), found_in: None };
        for (argument, path) in paths.iter().enumerate() {
            listing.find(path.as_ref(), argument)?;
        }
        let mut seen = HashSet::new();
        listing.files.retain(|one| {
            seen.insert(fs::canonicalize(&one.path).unwrap_or_else(|_| one.path.clone()))
        });
        if listing.files.is_empty() {
            return Err(
                Failure::usage("no path is given").hint("name the migration folder or its files")
            );
        }
        Ok(listing)
    }

    /// Where migrations were found further down than the user named.
    pub fn found_in(&self) -> Option<&Path> {
        self.found_in.as_deref()
    }

    /// The files that stand directly where the user pointed.
    pub fn direct(&self) -> impl Iterator<Item = &FoundFile> + Clone {
        self.files.iter().filter(|found| found.is_direct())
    }

    /// Whether a line of those files is one of the kind.
    pub fn has_line(&self, is_it: impl Fn(&str) -> bool) -> bool {
        self.direct().any(|found| found.text().lines().any(&is_it))
    }

    /// Whether all names are of the kind, and there is one.
    pub fn all_direct(&self, is_it: impl Fn(&str) -> bool) -> bool {
        self.direct().next().is_some() && self.direct().all(|found| is_it(&found.name()))
    }

    /// Whether one of the folders has that in it.
    pub fn has_beside(&self, name: &str) -> bool {
        self.folders.iter().any(|folder| folder.join(name).exists())
    }

    /// The folders of the project, from the migrations' own upwards.
    pub fn project(&self) -> Vec<PathBuf> {
        self.folders.first().map(|folder| project(folder)).unwrap_or_default()
    }

    /// The project's nearest file of that name.
    pub fn project_file(&self, name: &str) -> Option<PathBuf> {
        self.project()
            .into_iter()
            .map(|folder| folder.join(name))
            .find(|path| path.is_file())
    }

    /// Whether a file of that name in the project has the word in it.
    pub fn project_says(&self, name: &str, word: &str) -> bool {
        let files = self.project().into_iter().map(|folder| folder.join(name));
        files
            .filter_map(|path| fs::read_to_string(path).ok())
            .any(|text| text.contains(word))
    }

    fn find(&mut self, path: &Path, argument: usize) -> Result<()> {
        let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
        if !metadata.is_dir() {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            self.folders.push(folder.unwrap_or(Path::new(".")).to_path_buf());
            self.files.push(FoundFile::new(path.to_path_buf(), None, argument));
            return Ok(());
        }
        let folder = self.migrations_folder(path)?;
        let mut files = Vec::new();
        files::find_below(&folder, &mut files)?;
        if files.is_empty() {
            return Err(nothing_in(path, &folder));
        }
        let below = Some(folder.clone());
        self.folders.push(folder);
        self.files
            .extend(files.into_iter().map(|path| FoundFile::new(path, below.clone(), argument)));
        Ok(())
    }

    /// `prisma/` and `db/` often stand for the `migrations` folder in them, and a project's folder for
    /// the place where its tool keeps them.
    fn migrations_folder(&mut self, path: &Path) -> Result<PathBuf> {
        if holds_sql(path) || code::is_tools_folder(path) {
            return Ok(path.to_path_buf());
        }
        let usual = USUAL.iter().map(|name| path.join(name));
        let found = usual.filter(|folder| folder.is_dir() && has_sql_below(folder));
        match found.collect::<Vec<_>>().as_slice() {
            [] => Ok(path.to_path_buf()),
            [only] => {
                self.found_in = Some(only.clone());
                Ok(only.clone())
            }
            several => {
                let names = several
                    .iter()
                    .map(|one| one.display().to_string())
                    .collect::<Vec<_>>()
                    .join(", ");
                let message =
                    format!("{} holds several migration folders: {names}", path.display());
                Err(Failure::usage(message).hint("name the one that is meant"))
            }
        }
    }
}

/// The file name as text.
pub fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// The folder and those above it, up to the root of its repository.
fn project(folder: &Path) -> Vec<PathBuf> {
    let Ok(folder) = fs::canonicalize(folder) else {
        return Vec::new();
    };
    let mut folders = Vec::new();
    for folder in folder.ancestors().take(PROJECT_DEPTH) {
        folders.push(folder.to_path_buf());
        if folder.join(".git").exists() {
            break;
        }
    }
    folders
}

fn holds_sql(folder: &Path) -> bool {
    fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| {
        let path = entry.path();
        path.extension().is_some_and(|extension| extension == "sql") && path.is_file()
    })
}

fn has_sql_below(folder: &Path) -> bool {
    let mut files = Vec::new();
    files::find_below(folder, &mut files).is_ok() && !files.is_empty()
}

fn nothing_in(path: &Path, folder: &Path) -> Failure {
    if let Some(failure) = code::instead_of_sql(path) {
        return failure;
    }
    let usual = USUAL.iter().map(|name| path.join(name)).filter(|folder| folder.is_dir());
    if let Some(failure) = usual.filter_map(|folder| code::instead_of_sql(&folder)).next() {
        return failure;
    }
    Failure::usage(format!("{} holds no *.sql file", folder.display()))
        .hint("name the migration folder or its files")
}
