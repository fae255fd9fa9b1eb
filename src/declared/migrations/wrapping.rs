//! How a tool sends a file that has no sections.

use std::path::Path;

use super::discover::file_name;
use super::{Layout, Script, Wrapping, invalid, statements};
use crate::declared::files;
use crate::failure::Result;

/// How the tool sends the file, by its own rules and by the marker that switches them off.
pub fn of_file(file: &Path, text: &str, layout: Layout) -> Result<Wrapping> {
    match layout {
        Layout::Prisma | Layout::GolangMigrate => Ok(Wrapping::OneMessage),
        // sqlx looks at the very first characters and sends the file whole either way.
        Layout::Sqlx if text.starts_with("-- no-transaction") => Ok(Wrapping::OneMessage),
        Layout::Diesel => diesel(file),
        Layout::Flyway => flyway(file, text),
        Layout::Plain => Ok(Wrapping::None),
        _ => Ok(Wrapping::Transaction),
    }
}

fn diesel(file: &Path) -> Result<Wrapping> {
    let metadata = file.with_file_name("metadata.toml");
    if !metadata.is_file() {
        return Ok(Wrapping::Transaction);
    }
    let text = files::read_text(&metadata)?;
    let table = text.parse::<toml::Table>().map_err(|error| invalid(&metadata, error))?;
    let wrapped = table.get("run_in_transaction").and_then(toml::Value::as_bool);
    Ok(if wrapped.unwrap_or(true) { Wrapping::Transaction } else { Wrapping::OneMessage })
}

/// Flyway asks the file beside the script, else looks at the statements: it leaves the
/// transaction out where all of them refuse one.
fn flyway(file: &Path, text: &str) -> Result<Wrapping> {
    let beside = file.with_file_name(format!("{}.conf", file_name(file)));
    let wrapped = match beside.is_file() {
        true => execute_in_transaction(&files::read_text(&beside)?),
        false => None,
    };
    let wrapped = wrapped.unwrap_or_else(|| !refuses_transaction(file, text));
    Ok(if wrapped { Wrapping::Transaction } else { Wrapping::None })
}

fn execute_in_transaction(conf: &str) -> Option<bool> {
    conf.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "executeInTransaction").then(|| value.trim() != "false")
    })
}

fn refuses_transaction(file: &Path, text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let words = ["CONCURRENTLY", "VACUUM", "REINDEX", "DATABASE", "TABLESPACE", "SYSTEM"];
    if !words.iter().any(|word| upper.contains(word)) {
        return false;
    }
    let script = Script {
        file: file.to_path_buf(),
        first_line: 1,
        text: text.to_owned(),
        wrapping: Wrapping::None,
    };
    statements(&script).is_ok_and(|statements| {
        !statements.is_empty() && statements.iter().all(|one| runs_alone(&one.text))
    })
}

fn runs_alone(statement: &str) -> bool {
    let upper = statement.to_ascii_uppercase();
    let words = upper.split_whitespace().take(4).collect::<Vec<_>>();
    matches!(
        words.as_slice(),
        ["VACUUM" | "REINDEX", ..]
            | ["ALTER", "SYSTEM", ..]
            | ["CREATE" | "DROP", "DATABASE" | "TABLESPACE", ..]
            | ["CREATE" | "DROP", "INDEX", "CONCURRENTLY", ..]
            | ["CREATE", "UNIQUE", "INDEX", "CONCURRENTLY"]
    )
}
