//! Which files have changed since a commit, as git knows it.

use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::migrations::Migration;
use crate::failure::{Failure, Result};

/// What has changed since a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    since: String,
    /// The files that are known to be as they were.
    unchanged: HashSet<PathBuf>,
}

/// In a git hook these are about the repository that the hook runs for.
const OF_THE_CALLER: [&str; 6] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
];

impl Changed {
    /// What has changed in the repositories of these paths: since their history and that of the
    /// commit parted, committed or not.
    ///
    /// # Errors
    /// `Usage` where there is no git, no repository or no such commit, or no common history.
    pub fn since<P: AsRef<Path>>(commit: &str, paths: &[P]) -> Result<Changed> {
        let roots =
            paths.iter().map(|path| root(path.as_ref())).collect::<Result<BTreeSet<_>>>()?;
        let mut unchanged = HashSet::new();
        for root in &roots {
            let base = merge_base(root, &resolved(root, commit)?, commit)?;
            let differing = ["diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", &base];
            let differing = files(root, &[&differing[..], &["--"]].concat())?;
            let tracked = files(root, &["ls-files", "-z"])?;
            unchanged.extend(tracked.difference(&differing).map(|file| root.join(file)));
        }
        Ok(Changed { since: commit.to_owned(), unchanged })
    }

    /// What the user calls the commit.
    pub fn commit(&self) -> &str {
        &self.since
    }

    /// Whether the file has changed, or git does not know it. A link has changed with the file that
    /// it leads to.
    pub fn holds(&self, file: &Path) -> bool {
        let Ok(target) = file.canonicalize() else {
            return true;
        };
        let followed = file.parent().zip(file.file_name()).and_then(|(parent, name)| {
            let parent = if parent.as_os_str().is_empty() {
                Path::new(".")
            } else {
                parent
            };
            Some(parent.canonicalize().ok()?.join(name))
        });
        let link = followed.as_ref().unwrap_or(&target);
        !(self.unchanged.contains(&target) && self.unchanged.contains(link))
    }

    /// Which of the migrations have changed, on the way up or down; by their place in the list.
    pub fn of(&self, migrations: &[Migration]) -> Vec<usize> {
        let is_changed = |migration: &Migration| {
            let scripts = [Some(&migration.up), migration.down.as_ref()];
            scripts.into_iter().flatten().any(|script| self.holds(&script.file))
        };
        let numbered = migrations.iter().enumerate();
        numbered.filter(|(_, one)| is_changed(one)).map(|(at, _)| at).collect()
    }
}

/// The folder of the repository that the path stands in.
fn root(path: &Path) -> Result<PathBuf> {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let within = folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let answer = git(within, &["rev-parse", "--show-toplevel"])?;
    let mut root = answer.map_err(|error| unknown_repository(path, &error))?;
    if root.last() == Some(&b'\n') {
        root.pop();
    }
    Ok(PathBuf::from(OsString::from_vec(root)))
}

fn unknown_repository(path: &Path, error: &str) -> Failure {
    let shown = path.display();
    let failure = Failure::usage(format!("--since: no git repository around {shown}: {error}"));
    // Containers of CI systems often run as another user than the one that has checked out.
    if error.contains("dubious ownership") {
        return failure
            .hint("git config --global --add safe.directory, with the folder that git names");
    }
    failure
        .hint("--since needs the repository with its .git folder; leave it out to see everything")
}

/// The commit's id.
fn resolved(root: &Path, commit: &str) -> Result<String> {
    let unknown = || Failure::usage(format!("--since: git knows no commit {commit}"));
    // No name of a commit begins so, but options do.
    if commit.starts_with('-') {
        return Err(unknown());
    }
    let asked = ["rev-parse", "--verify", "--quiet", &format!("{commit}^{{commit}}")];
    match git(root, &asked)? {
        Ok(id) => Ok(String::from_utf8_lossy(&id).trim().to_owned()),
        Err(_) => Err(unknown().hint(way_out(
            root,
            "name a branch, a tag or a commit, for example origin/main; it may have to be fetched",
        )?)),
    }
}

fn merge_base(root: &Path, id: &str, commit: &str) -> Result<String> {
    match git(root, &["merge-base", id, "HEAD"])? {
        Ok(base) => Ok(String::from_utf8_lossy(&base).trim().to_owned()),
        Err(_) => {
            let message =
                format!("--since: {commit} and what is checked out have no common history");
            Err(Failure::usage(message).hint(way_out(root, "name another commit")?))
        }
    }
}

/// What to do where history is missing.
fn way_out(root: &Path, otherwise: &str) -> Result<String> {
    let shallow = git(root, &["rev-parse", "--is-shallow-repository"])?;
    Ok(match shallow.is_ok_and(|answer| answer.starts_with(b"true")) {
        true => "the clone is shallow: fetch the whole history (GitHub: fetch-depth: 0 of \
                 actions/checkout; GitLab: GIT_DEPTH: 0)"
            .to_owned(),
        false => otherwise.to_owned(),
    })
}

/// The files that git names, each with a zero behind it.
fn files(root: &Path, arguments: &[&str]) -> Result<HashSet<PathBuf>> {
    let answer = git(root, arguments)?.map_err(|error| {
        Failure::usage(format!("--since: git {} failed: {error}", arguments.join(" ")))
    })?;
    let names = answer.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| PathBuf::from(OsStr::from_bytes(name))).collect())
}

/// What git answers, or the first line of why it does not.
fn git(folder: &Path, arguments: &[&str]) -> Result<std::result::Result<Vec<u8>, String>> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments).stdin(Stdio::null());
    for name in OF_THE_CALLER {
        command.env_remove(name);
    }
    // It reads only; its words are compared.
    command.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
    let output = command.output().map_err(|error| unstarted(&error))?;
    if output.status.success() {
        return Ok(Ok(output.stdout));
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Ok(Err(words.lines().next().unwrap_or("it does not say why").to_owned()))
}

fn unstarted(error: &io::Error) -> Failure {
    Failure::usage(format!("--since: the program git cannot be started: {error}"))
        .hint("install git, or leave out --since")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::declared::migrations::{Asked, Layout, load};

    /// A repository with one commit.
    struct Checkout(tempfile::TempDir);

    impl Checkout {
        fn new(files: &[&str]) -> Checkout {
            let checkout = Checkout(tempfile::tempdir().unwrap());
            checkout.git(&["init", "--quiet", "--initial-branch", "main"]);
            files.iter().for_each(|file| checkout.write(file, "SELECT 1;"));
            checkout.commit();
            checkout
        }

        fn path(&self, file: &str) -> PathBuf {
            self.0.path().join(file)
        }

        fn write(&self, file: &str, text: &str) {
            fs::create_dir_all(self.path(file).parent().unwrap()).unwrap();
            fs::write(self.path(file), text).unwrap();
        }

        fn git(&self, arguments: &[&str]) {
            let mut command = Command::new("git");
            for name in OF_THE_CALLER {
                command.env_remove(name);
            }
            command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
            command.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]);
            let done = command.arg("-C").arg(self.0.path()).args(arguments).output().unwrap();
            assert!(done.status.success(), "{arguments:?}: {done:?}");
        }

        fn commit(&self) {
            self.git(&["add", "--all"]);
            self.git(&["commit", "--quiet", "--message", "change"]);
        }

        fn since(&self, commit: &str) -> Result<Changed> {
            Changed::since(commit, &[self.0.path()])
        }

        /// Which of the files have changed.
        fn changed(&self, commit: &str, files: &[&str]) -> Vec<bool> {
            let changed = self.since(commit).unwrap();
            files.iter().map(|file| changed.holds(&self.path(file))).collect()
        }
    }

    #[test]
    fn what_is_committed_staged_edited_and_new_has_changed() {
        let files = ["same", "committed", "staged", "edited", "moved"];
        let checkout = Checkout::new(&files);
        checkout.git(&["switch", "--quiet", "--create", "topic"]);
        checkout.write("committed", "SELECT 2;");
        checkout.commit();
        checkout.write("staged", "SELECT 2;");
        checkout.git(&["add", "staged"]);
        checkout.write("edited", "SELECT 2;");
        checkout.git(&["mv", "moved", "renamed"]);
        checkout.write(".gitignore", "ignored");
        checkout.write("ignored", "");
        checkout.write("untracked", "");
        let files = ["same", "committed", "staged", "edited", "renamed", "untracked", "ignored"];
        let changed = [false, true, true, true, true, true, true];
        assert_eq!(checkout.changed("main", &files), changed);
        assert_eq!(checkout.changed("HEAD", &files[..2]), [false, false]);
        // What is not in the repository is not known to be as it was.
        assert!(checkout.since("main").unwrap().holds(Path::new("/etc/passwd")));
    }

    #[test]
    fn what_has_changed_on_the_other_side_has_not_changed_here() {
        let checkout = Checkout::new(&["a", "b"]);
        checkout.git(&["switch", "--quiet", "--create", "topic"]);
        checkout.write("a", "SELECT 2;");
        checkout.commit();
        checkout.git(&["switch", "--quiet", "main"]);
        checkout.write("b", "SELECT 2;");
        checkout.commit();
        checkout.git(&["switch", "--quiet", "topic"]);
        assert_eq!(checkout.changed("main", &["a", "b"]), [true, false]);
    }

    #[test]
    fn names_may_hold_anything() {
        let names = ["a b.sql", "\"q'.sql", "ä.sql", "new\nline.sql", "-x.sql"];
        let checkout = Checkout::new(&names);
        assert_eq!(checkout.changed("HEAD", &names), [false; 5]);
        names.iter().for_each(|name| checkout.write(name, "SELECT 2;"));
        assert_eq!(checkout.changed("HEAD", &names), [true; 5]);
        let name = OsStr::from_bytes(b"\xff.sql");
        fs::write(checkout.0.path().join(name), "").unwrap();
        checkout.commit();
        assert!(!checkout.since("HEAD").unwrap().holds(&checkout.0.path().join(name)));
    }

    #[test]
    fn a_link_changes_with_what_it_leads_to() {
        let checkout = Checkout::new(&["shared/a.sql"]);
        let link = checkout.path("link.sql");
        std::os::unix::fs::symlink("shared/a.sql", &link).unwrap();
        assert_eq!(checkout.changed("HEAD", &["link.sql"]), [true]);
        checkout.commit();
        assert_eq!(checkout.changed("HEAD", &["link.sql"]), [false]);
        checkout.write("shared/a.sql", "SELECT 2;");
        assert_eq!(checkout.changed("HEAD", &["link.sql"]), [true]);
    }

    #[test]
    fn a_migration_has_changed_with_either_of_its_ways() {
        let files = ["1_a.up.sql", "1_a.down.sql", "2_b.up.sql", "3_c.up.sql"];
        let checkout = Checkout::new(&files);
        checkout.write("1_a.down.sql", "SELECT 2;");
        checkout.write("3_c.up.sql", "SELECT 2;");
        let paths = [checkout.0.path()];
        let asked = Asked { layout: Some(Layout::GolangMigrate), ..Asked::default() };
        let migrations = load(&paths, &asked).unwrap().migrations;
        assert_eq!(checkout.since("HEAD").unwrap().of(&migrations), [0, 2]);
    }

    #[test]
    fn each_path_has_a_repository_of_its_own() {
        let [one, other] = [Checkout::new(&["a.sql"]), Checkout::new(&["b.sql", "c.sql"])];
        other.write("b.sql", "SELECT 2;");
        let files = [one.path("a.sql"), other.path("b.sql"), other.path("c.sql")];
        let changed = Changed::since("main", &files).unwrap();
        assert_eq!(files.map(|file| changed.holds(&file)), [false, true, false]);
    }

    #[test]
    fn what_git_cannot_tell_is_wrong_usage_with_a_way_out() {
        let refused = |failure: Failure| (failure.to_string(), failure.hint.unwrap_or_default());
        let checkout = Checkout::new(&["a"]);
        let (message, hint) = refused(checkout.since("nonsense").unwrap_err());
        assert_eq!(message, "--since: git knows no commit nonsense");
        assert!(hint.contains("origin/main"), "{hint}");
        for option in ["--all", "-v", ""] {
            assert!(checkout.since(option).is_err(), "{option}");
        }
        checkout.git(&["switch", "--quiet", "--orphan", "other"]);
        checkout.write("a", "");
        checkout.commit();
        let (message, _) = refused(checkout.since("main").unwrap_err());
        assert!(message.ends_with("have no common history"), "{message}");

        let nothing = tempfile::tempdir().unwrap();
        let (message, hint) = refused(Changed::since("main", &[nothing.path()]).unwrap_err());
        assert!(message.contains("no git repository around"), "{message}");
        assert!(hint.contains(".git"), "{hint}");
    }

    #[test]
    fn a_shallow_clone_is_told_apart() {
        let origin = Checkout::new(&["a"]);
        origin.write("a", "SELECT 2;");
        origin.commit();
        let clone = Checkout(tempfile::tempdir().unwrap());
        let url = format!("file://{}", origin.0.path().display());
        clone.git(&["clone", "--quiet", "--depth", "1", &url, "."]);
        let hint = clone.since("HEAD~1").unwrap_err().hint.unwrap();
        assert!(hint.contains("fetch-depth: 0"), "{hint}");
        assert_eq!(clone.changed("HEAD", &["a"]), [false]);
    }
}
