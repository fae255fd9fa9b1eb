//! Where PostgreSQL's server programs are: a directory that holds `initdb`, `postgres` and `pg_ctl`
//! of one installation. Finding never installs or downloads anything.

use std::collections::HashSet;
use std::env;
use std::ffi::OsStr;
use std::path::{self, Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Error, ErrorKind, Result};

/// The oldest major version whose `initdb` takes the options that are used here.
const OLDEST_MAJOR: u32 = 14;

const PROGRAMS: [&str; 3] = ["initdb", "postgres", "pg_ctl"];

/// Where packages put the server when they do not put it on PATH: Debian and Ubuntu, the
/// PostgreSQL project's RPMs, Alpine, Homebrew on Apple silicon, on Intel and on Linux.
const PACKAGE_DIRECTORIES: [&str; 7] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/opt/homebrew/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
];

const WHAT_TO_NAME: &str =
    "name the directory that holds initdb, postgres and pg_ctl, such as /usr/lib/postgresql/17/bin";

/// One installation of the PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// Absolute path of the directory that holds `initdb`, `postgres` and `pg_ctl`.
    pub dir: PathBuf,
    /// As `postgres --version` prints it: `15.18`, `19devel`.
    pub version: String,
    /// The number before the dot of the version.
    pub major: u32,
}

impl Binaries {
    /// The path of one of the programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Orders by age: `14.9` before `14.10` before `15.0`.
    fn age(&self) -> (u32, u32) {
        let minor = self.version.split_once('.').map_or("", |(_, minor)| minor);
        (self.major, leading_number(minor).unwrap_or(0))
    }
}

/// How the server programs are looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Search {
    /// An environment variable that names the directory where the caller's user does not.
    pub variable: Option<&'static str>,
}

impl Search {
    /// Finds the server programs: in `explicit`, else where the variable says, else the newest of
    /// PATH, `pg_config --bindir` and the directories that packages use.
    ///
    /// # Errors
    /// A directory that was named must be usable: otherwise the error says what is wrong with it
    /// ([`ErrorKind::UnusablePrograms`]) and no other is tried. [`ErrorKind::NoPrograms`] where none
    /// was named and none is found.
    pub fn find(&self, explicit: Option<&Path>) -> Result<Binaries> {
        match (explicit.map(named), self.by_variable()) {
            (Some(named), _) | (None, Some(named)) => named,
            (None, None) => newest(&candidates()),
        }
    }

    /// The installations to use one after the other: of each of `majors` the newest; without majors
    /// those in `folders`, and without these the one that [`Search::find`] finds. Majors are looked
    /// for in `folders`, else where [`Search::find`] looks.
    ///
    /// # Errors
    /// As [`Search::find`], and [`ErrorKind::NoSuchMajor`].
    pub fn find_all(&self, folders: &[PathBuf], majors: &[u32]) -> Result<Vec<Binaries>> {
        if folders.is_empty() && majors.is_empty() {
            return Ok(vec![self.find(None)?]);
        }
        let there = match folders {
            [] => self.everywhere()?,
            folders => each_once(folders).map(|dir| named(dir)).collect::<Result<_>>()?,
        };
        if majors.is_empty() {
            return Ok(there);
        }
        let mut seen = HashSet::new();
        let distinct = majors.iter().filter(|major| seen.insert(**major));
        distinct.map(|major| of_major(*major, &there, folders)).collect()
    }

    /// Every usable installation, the one that the environment names first.
    fn everywhere(&self) -> Result<Vec<Binaries>> {
        let first = self.by_variable().transpose()?;
        let others = candidates();
        let working = others.iter().filter_map(|dir| probe(dir).ok());
        Ok(first.into_iter().chain(working).collect())
    }

    fn by_variable(&self) -> Option<Result<Binaries>> {
        let variable = self.variable?;
        let dir = env::var_os(variable).filter(|dir| !dir.is_empty())?;
        Some(named(Path::new(&dir)).map_err(|error| error.context(variable)))
    }
}

fn each_once(folders: &[PathBuf]) -> impl Iterator<Item = &PathBuf> {
    let mut seen = HashSet::new();
    folders
        .iter()
        .filter(move |dir| seen.insert(dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf())))
}

fn of_major(major: u32, there: &[Binaries], folders: &[PathBuf]) -> Result<Binaries> {
    let of_it = there.iter().filter(|binaries| binaries.major == major);
    newest_of(of_it.cloned()).ok_or_else(|| no_major(major, there, folders))
}

fn no_major(major: u32, there: &[Binaries], folders: &[PathBuf]) -> Error {
    let searched = match folders {
        [] => format!("PATH, pg_config --bindir, {}", PACKAGE_DIRECTORIES.join(", ")),
        folders => list(folders.iter().map(|dir| dir.display().to_string())),
    };
    let found = there.iter().map(|one| format!("{} in {}", one.version, one.dir.display()));
    let found = match there {
        [] => "nothing".to_owned(),
        _ => list(found),
    };
    let message = format!(
        "no server programs of PostgreSQL {major} found; searched: {searched}; found: {found}"
    );
    Error::new(ErrorKind::NoSuchMajor, message)
        .with_hint(format!("install the server package of {major}"))
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

fn named(dir: &Path) -> Result<Binaries> {
    probe(dir).map_err(|why| {
        let message = format!("no usable PostgreSQL server programs in {}: {why}", dir.display());
        Error::new(ErrorKind::UnusablePrograms, message).with_hint(WHAT_TO_NAME)
    })
}

/// The newest usable one; the first of equals, so that PATH decides between two builds.
fn newest(candidates: &[PathBuf]) -> Result<Binaries> {
    newest_of(candidates.iter().filter_map(|dir| probe(dir).ok())).ok_or_else(not_found)
}

fn newest_of(found: impl Iterator<Item = Binaries>) -> Option<Binaries> {
    found.reduce(|best, next| if next.age() > best.age() { next } else { best })
}

fn not_found() -> Error {
    let message =
        format!("no PostgreSQL server programs, version {OLDEST_MAJOR} or newer, found here");
    Error::new(ErrorKind::NoPrograms, message)
        .with_hint("install the server package (postgresql, postgresql-server)")
}

/// Every directory that holds an installation, each installation once, PATH first.
fn candidates() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = env::split_paths(&path).collect();
    dirs.extend(pg_config_bindir());
    for pattern in PACKAGE_DIRECTORIES {
        dirs.extend(glob::glob(pattern).into_iter().flatten().flatten());
    }
    distinct(dirs)
}

/// Those of `dirs` that hold a server, links to the same one left out.
fn distinct(mut dirs: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    dirs.retain(|dir| dir.join("postgres").canonicalize().is_ok_and(|real| seen.insert(real)));
    dirs
}

fn pg_config_bindir() -> Option<PathBuf> {
    let dir = output_of(OsStr::new("pg_config"), "--bindir").ok()?;
    (!dir.is_empty()).then(|| PathBuf::from(dir))
}

/// What `dir` holds, or in plain words why it cannot be used.
fn probe(dir: &Path) -> std::result::Result<Binaries, String> {
    // Absolute, because the programs are run from another directory.
    let dir = path::absolute(dir).map_err(|error| error.to_string())?;
    if let Some(missing) = PROGRAMS.iter().find(|name| !dir.join(name).is_file()) {
        return Err(format!("{missing} is missing"));
    }
    let line = output_of(dir.join("postgres").as_os_str(), "--version")?;
    let (version, major) =
        parse_version(&line).ok_or_else(|| format!("postgres --version says {line:?}"))?;
    if major < OLDEST_MAJOR {
        return Err(format!("PostgreSQL {version} is older than {OLDEST_MAJOR}"));
    }
    Ok(Binaries { dir, version, major })
}

/// What `program argument` prints, trimmed.
fn output_of(program: &OsStr, argument: &str) -> std::result::Result<String, String> {
    let name = Path::new(program).file_name().unwrap_or(program).display();
    let output = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{name} cannot be run: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name} {argument} failed ({}): {}", output.status, said.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// `("15.18", 15)` from `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn parse_version(line: &str) -> Option<(String, u32)> {
    let version = line.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?;
    Some((version.to_owned(), leading_number(version)?))
}

fn leading_number(text: &str) -> Option<u32> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A directory of scripts that say they are PostgreSQL `version`.
    fn pretend(version: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for program in PROGRAMS {
            let path = dir.path().join(program);
            fs::write(&path, format!("#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n"))
                .unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        dir
    }

    #[test]
    fn versions_are_read_from_releases_packages_and_development_builds() {
        let debian = parse_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)");
        assert_eq!(debian, Some(("15.18".to_owned(), 15)));
        assert_eq!(
            parse_version("postgres (PostgreSQL) 19devel"),
            Some(("19devel".to_owned(), 19))
        );
        assert_eq!(parse_version("command not found"), None);
    }

    #[test]
    fn the_newest_wins_by_number_not_by_letter() {
        let dirs = ["14.9", "14.10", "14.2"].map(pretend);
        let paths: Vec<PathBuf> = dirs.iter().map(|dir| dir.path().to_owned()).collect();
        assert_eq!(newest(&paths).unwrap().version, "14.10");
    }

    #[test]
    fn a_named_directory_without_the_programs_is_refused_by_name() {
        let empty = tempfile::tempdir().unwrap();
        let error = Search::default().find(Some(empty.path())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnusablePrograms);
        let path = empty.path().display();
        assert_eq!(
            error.to_string(),
            format!("no usable PostgreSQL server programs in {path}: initdb is missing")
        );
        assert!(error.hint().unwrap().contains("initdb, postgres and pg_ctl"));
    }

    #[test]
    fn a_named_directory_that_cannot_run_or_is_too_old_says_so() {
        let old = pretend("13.20");
        let error = Search::default().find(Some(old.path())).unwrap_err();
        assert!(error.to_string().ends_with("PostgreSQL 13.20 is older than 14"), "{error}");

        let dead = pretend("17.1");
        let postgres = dead.path().join("postgres");
        fs::set_permissions(&postgres, fs::Permissions::from_mode(0o644)).unwrap();
        let error = Search::default().find(Some(dead.path())).unwrap_err();
        assert!(error.to_string().contains("postgres cannot be run"), "{error}");
    }

    #[test]
    fn majors_are_found_in_their_order_the_newest_of_each() {
        let dirs = ["16.1", "14.9", "16.3", "15.2"].map(pretend);
        let folders: Vec<PathBuf> = dirs.iter().map(|dir| dir.path().to_owned()).collect();
        let versions = |majors: &[u32]| {
            let found = Search::default().find_all(&folders, majors).unwrap();
            found.into_iter().map(|binaries| binaries.version).collect::<Vec<_>>()
        };
        assert_eq!(versions(&[14, 16, 14]), ["14.9", "16.3"]);
        assert_eq!(versions(&[]), ["16.1", "14.9", "16.3", "15.2"]);
        let twice = [folders[0].clone(), folders[0].join(".")];
        assert_eq!(Search::default().find_all(&twice, &[]).unwrap().len(), 1);
    }

    #[test]
    fn a_major_that_is_not_there_is_named_with_what_is() {
        let dir = pretend("16.1");
        let error = Search::default().find_all(&[dir.path().to_owned()], &[16, 17]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchMajor);
        let path = dir.path().display();
        let wanted = format!(
            "no server programs of PostgreSQL 17 found; searched: {path}; found: 16.1 in {path}"
        );
        assert_eq!(error.to_string(), wanted);
        let nothing = no_major(17, &[], &[]).to_string();
        assert!(nothing.contains("/usr/lib/postgresql/*/bin"), "{nothing}");
        assert!(nothing.ends_with("found: nothing"), "{nothing}");
    }

    #[test]
    fn without_any_the_hint_names_the_way_out() {
        let error = newest(&[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoPrograms);
        assert!(error.hint().unwrap().contains("install"), "{error}");
    }

    #[test]
    fn links_to_one_installation_count_once() {
        let real = pretend("16.1");
        let elsewhere = tempfile::tempdir().unwrap();
        let link = elsewhere.path().join("link");
        std::os::unix::fs::symlink(real.path(), &link).unwrap();
        let nothing = elsewhere.path().to_owned();
        assert_eq!(distinct(vec![real.path().to_owned(), link, nothing]), [real.path()]);
    }
}
