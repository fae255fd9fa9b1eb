//! Flyway sends each statement by itself, wraps each file in a transaction unless all its statements
//! refuse one, and gives each the role and the search path that the first one had. It knows the rows of
//! COPY … FROM stdin, and fills in placeholders everywhere, also in strings and comments.

mod placeholders;

use std::collections::HashSet;
use std::path::Path;

use super::{Between, Layout, Tool, ToolReader, Transactions, sure, whole};
use crate::declared::migrations::listing::{FileListing, FoundFile, file_name};
use crate::declared::migrations::order::{self, CandidateFile, Direction, FileKey};
use crate::declared::migrations::version::{self, FlywayKind};
use crate::declared::migrations::{Script, Wrapping, files, rows, statements};
use crate::failure::Result;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Flyway,
    name: "Flyway",
    knows: |listing| sure(listing.files.iter().any(|it| version::flyway(&it.name()).is_some())),
    order,
    read: |pair, reader| whole(pair, |file, text| script(file, text, reader)),
    between: Between::RoleAndPath,
    transactions: Transactions::Each,
};

fn script(file: &Path, text: String, reader: &ToolReader<'_>) -> Result<Script> {
    let beside = ScriptConf::beside(file)?;
    let text = match beside.replaces {
        Some(false) => text,
        _ => placeholders::fill(file, &text, reader.asked)?,
    };
    let script = rows::apart(Script::new(file, 1, text, Wrapping::Transaction));
    let wrapped = beside.wrapped.unwrap_or_else(|| !refuses_transaction(&script));
    let wrapping = if wrapped { Wrapping::Transaction } else { Wrapping::None };
    Ok(Script { wrapping, ..script })
}

fn order(listing: &FileListing) -> Result<Vec<CandidateFile>> {
    Ok(after_baseline(undo_of_versions(order::each(listing, candidate)?)))
}

fn candidate(found: &FoundFile) -> Option<CandidateFile> {
    let file = found.name();
    let (kind, parts, description) = version::flyway(&file)?;
    let key = match kind {
        FlywayKind::Repeatable => FileKey::Repeatable(description.to_owned()),
        _ => FileKey::Version(parts),
    };
    let direction = if kind == FlywayKind::Undo {
        Direction::Down
    } else {
        Direction::Up
    };
    Some(CandidateFile {
        direction,
        ..CandidateFile::up(found, order::stem(&file), key)
    })
}

/// A U file without its V is no undo script but refinery's out-of-order migration.
fn undo_of_versions(mut candidates: Vec<CandidateFile>) -> Vec<CandidateFile> {
    let is_up = |candidate: &&CandidateFile| candidate.direction == Direction::Up;
    let versions = candidates
        .iter()
        .filter(is_up)
        .map(|one| one.key.clone())
        .collect::<HashSet<_>>();
    for candidate in &mut candidates {
        if candidate.direction == Direction::Down && !versions.contains(&candidate.key) {
            candidate.direction = Direction::Up;
        }
    }
    candidates
}

/// On an empty database Flyway runs the newest baseline instead of all versions up to it.
fn after_baseline(candidates: Vec<CandidateFile>) -> Vec<CandidateFile> {
    let is_baseline = |candidate: &CandidateFile| candidate.name.starts_with('B');
    let newest = candidates
        .iter()
        .filter(|one| is_baseline(one))
        .map(|one| one.key.clone())
        .max();
    let Some(newest) = newest else {
        return candidates;
    };
    let kept = |one: &CandidateFile| one.key > newest || (is_baseline(one) && one.key == newest);
    candidates.into_iter().filter(kept).collect()
}

/// What the file NAME.sql.conf beside a script says.
#[derive(Default)]
struct ScriptConf {
    wrapped: Option<bool>,
    replaces: Option<bool>,
}

impl ScriptConf {
    fn beside(file: &Path) -> Result<Self> {
        let path = file.with_file_name(format!("{}.conf", file_name(file)));
        if !path.is_file() {
            return Ok(ScriptConf::default());
        }
        let text = files::read_text(&path)?;
        let says = |key: &str| {
            text.lines().find_map(|line| {
                let (name, value) = line.split_once('=')?;
                (name.trim() == key).then(|| value.trim() != "false")
            })
        };
        Ok(ScriptConf {
            wrapped: says("executeInTransaction"),
            replaces: says("placeholderReplacement"),
        })
    }
}

/// It leaves the transaction out where all statements refuse one.
fn refuses_transaction(script: &Script) -> bool {
    let upper = script.text.to_ascii_uppercase();
    let words = ["CONCURRENTLY", "VACUUM", "REINDEX", "DATABASE", "TABLESPACE", "SYSTEM"];
    if !words.iter().any(|word| upper.contains(word)) {
        return false;
    }
    statements(script).is_ok_and(|statements| {
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
