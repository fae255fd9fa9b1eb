//! Finding and reading the declared files.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use anyhow::Context;

use crate::failure::{Failure, Kind, Result};

/// A file's name as the user knows it, and its text.
#[derive(Debug, Clone)]
pub struct SqlFile {
    /// The path as given or found below a given folder.
    pub name: Arc<str>,
    /// The text, without a byte order mark.
    pub text: String,
}

/// Reads every path once, folders in sorted order; `-` is standard input.
pub fn read<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<SqlFile>> {
    let mut found = Vec::new();
    for path in paths {
        find(path.as_ref(), &mut found)?;
    }
    let mut seen = HashSet::new();
    found.retain(|path| seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
    found.iter().map(|path| read_one(path)).collect()
}

fn find(path: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if path == Path::new("-") {
        found.push(path.to_path_buf());
        return Ok(());
    }
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_dir() {
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
pub fn find_below(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(|error| unreadable(folder, &error))?;
    paths.sort();
    for path in paths.into_iter().filter(|path| !is_hidden(path)) {
        if path.is_dir() {
            find_below(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "sql") {
            found.push(path);
        }
    }
    Ok(())
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn read_one(path: &Path) -> Result<SqlFile> {
    let (name, bytes) = if path == Path::new("-") {
        ("<stdin>".to_owned(), read_stdin()?)
    } else {
        let bytes = fs::read(path).map_err(|error| unreadable(path, &error))?;
        (path.display().to_string(), bytes)
    };
    let text = decode(&name, bytes)?;
    Ok(SqlFile { name: name.into(), text })
}

/// The file's text, without a byte order mark.
pub fn read_text(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(|error| unreadable(path, &error))?;
    decode(&path.display().to_string(), bytes)
}

fn decode(name: &str, bytes: Vec<u8>) -> Result<String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count() + 1;
        let message = format!("{name}:{line}: the file is not UTF-8 (byte {good})");
        Failure::new(Kind::Declaration, message).hint("convert it, for example with iconv -t UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn read_stdin() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin()
        .read_to_end(&mut bytes)
        .context("reading standard input")
        .map_err(|error| Failure::from_error(Kind::Io, error))?;
    Ok(bytes)
}

/// The failure that a file or folder cannot be read.
pub fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("cannot read {}: {error}", path.display()))
}
