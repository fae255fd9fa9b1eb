//! Finding and reading the declared files.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};

use anyhow::Context;

use crate::failure::{Failure, Kind, Result};

/// Files that are as large or larger are refused: no declaration is.
const LARGEST: u64 = 256_000_000;

/// What the name of a Prisma schema ends in.
const PRISMA: &str = "prisma";

/// A file's name as the user knows it, and its text.
#[derive(Debug, Clone)]
pub struct SqlFile {
    /// The path as given or found below a given folder.
    pub name: Arc<str>,
    /// The text, without a byte order mark.
    pub text: String,
}

/// The files that the paths name or hold, each once, those of folders in sorted order; `-` is
/// standard input.
///
/// # Errors
/// `Usage` where a path is missing or a folder holds no SQL.
pub fn find_all<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        find(path.as_ref(), &mut found)?;
    }
    let mut seen = HashSet::new();
    found.retain(|path| seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
    Ok(found)
}

fn find(path: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if path == Path::new("-") {
        found.push(path.to_path_buf());
        return Ok(());
    }
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_dir() {
        require_regular(path)?;
        found.push(path.to_path_buf());
        return Ok(());
    }
    let before = found.len();
    find_below(path, found)?;
    if found.len() == before {
        return Err(Failure::usage(format!("{} holds no *.sql file", path.display()))
            .hint("name the files or the folder that declare the indexes and views"));
    }
    Ok(())
}

/// Adds every `*.sql` below the folder, sorted by path; what is hidden is passed over.
///
/// # Errors
/// `Usage` where a folder cannot be read, or a pipe or a device bears such a name.
pub fn find_below(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    find_in(folder, "sql", &mut HashSet::new(), found)
}

/// The Prisma schemas that the path names or holds; no SQL is among them.
///
/// # Errors
/// As [`find_below`].
pub fn find_prisma(path: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if path.is_dir() {
        find_in(path, PRISMA, &mut HashSet::new(), &mut found)?;
    } else if path.extension().is_some_and(|extension| extension == PRISMA) {
        found.push(path.to_path_buf());
    }
    Ok(found)
}

/// Links may lead into a circle.
fn find_in(
    folder: &Path,
    extension: &str,
    seen: &mut HashSet<PathBuf>,
    found: &mut Vec<PathBuf>,
) -> Result<()> {
    if !seen.insert(fs::canonicalize(folder).map_err(|error| unreadable(folder, &error))?) {
        return Ok(());
    }
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(|error| unreadable(folder, &error))?;
    paths.sort();
    for path in paths.into_iter().filter(|path| !is_hidden(path)) {
        if path.is_dir() {
            find_in(&path, extension, seen, found)?;
        } else if path.extension().is_some_and(|its| its == extension) {
            require_regular(&path)?;
            found.push(path);
        }
    }
    Ok(())
}

/// A pipe would be waited for, and a device has no end.
fn require_regular(path: &Path) -> Result<fs::Metadata> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        return Err(Failure::usage(format!("{} is a folder", path.display())));
    }
    if !metadata.is_file() {
        let message = format!("{} is no regular file but a pipe or a device", path.display());
        return Err(Failure::usage(message).hint("give what a program writes on standard input: -"));
    }
    Ok(metadata)
}

/// Whether files that are named one by one are migrations of a tool: a section marker or a name
/// says so.
pub fn look_like_migrations(files: &[PathBuf]) -> Result<bool> {
    const MARKS: [&str; 11] = [
        "-- +goose",
        "-- +migrate",
        "-- +micrate",
        "-- migrate:",
        "--migrate:",
        "-- rambler",
        "---- create above",
        "-- up migration",
        "-- down migration",
        "--liquibase",
        "-- ====",
    ];
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".up.sql") || name.ends_with(".down.sql") || name == "down.sql" {
            return Ok(true);
        }
        let text = read_text(file)?;
        let is_mark = |line: &str| {
            let bytes = line.trim_start().as_bytes();
            let begins = |mark: &&str| {
                bytes
                    .get(..mark.len())
                    .is_some_and(|begin| begin.eq_ignore_ascii_case(mark.as_bytes()))
            };
            MARKS.iter().any(begins)
        };
        if text.lines().any(is_mark) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Reads the file; `-` is standard input.
///
/// # Errors
/// `Usage` where it cannot be read, is no regular file or too large; `Declaration` with the line
/// where it is not text in UTF-8.
pub fn read_one(path: &Path) -> Result<SqlFile> {
    let (name, bytes) = if path == Path::new("-") {
        ("<stdin>".to_owned(), read_stdin()?)
    } else {
        (path.display().to_string(), read_bytes(path)?)
    };
    let text = decode(&name, bytes)?;
    Ok(SqlFile { name: name.into(), text })
}

/// The file's text, without a byte order mark.
pub fn read_text(path: &Path) -> Result<String> {
    decode(&path.display().to_string(), read_bytes(path)?)
}

fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let metadata = require_regular(path)?;
    if metadata.len() >= LARGEST {
        return Err(too_large(&path.display().to_string()));
    }
    let file = fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    file.take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(path, &error))?;
    Ok(bytes)
}

fn too_large(name: &str) -> Failure {
    let largest = LARGEST / 1_000_000;
    Failure::usage(format!("{name} is too large: pgtend reads files below {largest} MB"))
        .hint("give a dump of the schema alone, as pg_dump --schema-only writes it")
}

fn decode(name: &str, bytes: Vec<u8>) -> Result<String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(not_text(name, 1, "the file is UTF-16, not UTF-8")
            .hint("convert it: iconv -f UTF-16 -t UTF-8"));
    }
    let line = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    if let Some(nul) = bytes.iter().position(|byte| *byte == 0) {
        let message = format!("a NUL byte stands there (byte {nul}); PostgreSQL takes none");
        return Err(not_text(name, line(&bytes[..nul]), &message)
            .hint("this is no SQL file, or a broken one; UTF-16 has to be converted to UTF-8"));
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = line(&error.as_bytes()[..good]);
        not_text(name, line, &format!("the file is not UTF-8 (byte {good})"))
            .hint("convert it, for example with iconv -t UTF-8")
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

fn not_text(name: &str, line: usize, message: &str) -> Failure {
    Failure::new(Kind::Declaration, format!("{name}:{line}: {message}"))
}

/// Standard input, which can be read once, for each of several targets.
fn read_stdin() -> Result<Vec<u8>> {
    static READ: Mutex<Option<Vec<u8>>> = Mutex::new(None);
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if read.is_none() {
        *read = Some(read_all_of_stdin()?);
    }
    Ok(read.clone().unwrap_or_default())
}

fn read_all_of_stdin() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin()
        .take(LARGEST)
        .read_to_end(&mut bytes)
        .context("reading standard input")
        .map_err(|error| Failure::from_error(Kind::Io, error))?;
    if bytes.len() as u64 == LARGEST {
        return Err(too_large("standard input"));
    }
    if bytes.is_empty() {
        let empty = "standard input is empty: the command before the pipe has written nothing";
        return Err(Failure::usage(empty)
            .hint("see whether it failed; `set -o pipefail` lets the shell tell"));
    }
    Ok(bytes)
}

/// The failure that a file or folder cannot be read.
pub fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot read {}: {error}", path.display()))
}
