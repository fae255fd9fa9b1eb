//! The names that files have in their repository: CI systems know them by no others.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};
use std::{env, fs};

/// The repository that pgtend is called in.
#[derive(Debug, Clone)]
pub struct Repository {
    root: PathBuf,
    here: PathBuf,
    /// What the user has named first.
    subject: PathBuf,
}

impl Repository {
    /// The one around the current folder, else that folder itself. What stands in no file is said
    /// of `subject`.
    pub fn here(subject: &Path) -> Self {
        let here = env::current_dir().unwrap_or_default();
        let root = here
            .ancestors()
            .find(|folder| folder.join(".git").exists())
            .unwrap_or(&here)
            .to_path_buf();
        Repository { root, here, subject: subject.to_path_buf() }
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What a finding is said of that stands in no file.
    pub fn subject(&self) -> &Path {
        &self.subject
    }

    /// The file's name within the repository; `None` if it stands elsewhere.
    pub fn within(&self, file: &Path) -> Option<PathBuf> {
        let names = [self.absolute(file), self.here.join(file)];
        let name = names.iter().find_map(|name| {
            let within = name.strip_prefix(&self.root).ok()?;
            let parts = within.components().filter(|part| *part != Component::CurDir);
            Some(parts.collect::<PathBuf>())
        })?;
        let climbs = name.components().any(|part| part == Component::ParentDir);
        (!climbs && !name.as_os_str().is_empty()).then_some(name)
    }

    /// The name for those who read it: within the repository, else as the user knows it.
    pub fn name(&self, file: &Path) -> String {
        let named = file.strip_prefix("./").unwrap_or(file);
        let name = self.within(file).map_or(Cow::Borrowed(named), Cow::Owned);
        name.display().to_string()
    }

    /// The way to the file from the file system's root. A link's own name is kept.
    pub fn absolute(&self, file: &Path) -> PathBuf {
        let named = self.here.join(file);
        let (Some(parent), Some(name)) = (named.parent(), named.file_name()) else {
            return named;
        };
        fs::canonicalize(parent).map(|parent| parent.join(name)).unwrap_or(named)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A repository that need not be there.
    pub fn repository() -> Repository {
        Repository {
            root: "/repo".into(),
            here: "/repo/db".into(),
            subject: "migrations".into(),
        }
    }

    #[test]
    fn files_are_named_as_in_the_repository() {
        let name = |file: &str| repository().name(Path::new(file));
        assert_eq!(name("1.sql"), "db/1.sql");
        assert_eq!(name("./1.sql"), "db/1.sql");
        assert_eq!(name("/repo/1.sql"), "1.sql");
        // What is not there cannot be followed.
        assert_eq!(name("../1.sql"), "../1.sql");
        assert_eq!(name("/elsewhere/1.sql"), "/elsewhere/1.sql");
    }

    #[test]
    fn ways_up_are_followed_and_links_to_files_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(root.join("db/m")).unwrap();
        fs::write(root.join("db/1.sql"), "").unwrap();
        std::os::unix::fs::symlink(root.join("db/1.sql"), root.join("db/m/2.sql")).unwrap();
        let repository = Repository {
            here: root.join("db/m"),
            root,
            subject: PathBuf::from("migrations"),
        };
        assert_eq!(repository.name(Path::new("../1.sql")), "db/1.sql");
        assert_eq!(repository.name(Path::new("2.sql")), "db/m/2.sql");
    }
}
