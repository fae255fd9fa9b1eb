//! graphile-migrate sends the body of each committed file whole, in a transaction unless its first line
//! is `--! no-transaction`. It fills in placeholders that begin with a colon.

use super::{Between, Layout, Tool, ToolReader, Transactions, sure};
use crate::declared::migrations::listing::{FileListing, FoundFile};
use crate::declared::migrations::order::{self, CandidateFile, FileKey};
use crate::declared::migrations::pair::Pair;
use crate::declared::migrations::version::leading_number;
use crate::declared::migrations::{Migration, Script, Wrapping, files};
use crate::failure::Result;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::GraphileMigrate,
    name: "graphile-migrate",
    knows: |listing| sure(is_project(listing)),
    order: |listing| order::each(listing, candidate),
    read,
    between: Between::Nothing,
    transactions: Transactions::Each,
};

const HEADER: [&str; 2] = ["--! Previous: ", "--! Hash: "];

/// So many digits a committed file's name has at least.
const DIGITS: usize = 6;

fn is_project(listing: &FileListing) -> bool {
    listing.files.iter().any(|found| found.text().starts_with(HEADER[0]))
}

/// Committed files, and the one that is being written: `current.sql`, or those of `current/`.
fn candidate(found: &FoundFile) -> Option<CandidateFile> {
    let file = found.name();
    let digits = leading_number(&file).map_or(0, |(_, rest)| file.len() - rest.len());
    let folder = found.folder_name();
    let is_current = file == "current.sql" || folder == "current";
    let is_committed = digits >= DIGITS && folder != "current" && found.text().starts_with("--!");
    let key = FileKey::Name(found.argument, vec![(is_current, None, file.clone())]);
    (is_committed || is_current).then(|| CandidateFile::up(found, order::stem(&file), key))
}

fn read(pair: &Pair, reader: &mut ToolReader<'_>) -> Result<Vec<Migration>> {
    let text = files::read_text(&pair.up)?;
    let header = text
        .lines()
        .take_while(|line| HEADER.iter().any(|it| line.starts_with(it)))
        .map(|line| line.len() + 1)
        .sum::<usize>()
        .min(text.len());
    // An empty line ends the header.
    let body = text[header..].strip_prefix('\n').unwrap_or(&text[header..]);
    let first = body.lines().next().unwrap_or_default();
    let unwrapped = first
        .strip_prefix("--!")
        .is_some_and(|it| it.trim().starts_with("no-transaction"));
    let wrapping = if unwrapped {
        Wrapping::OneMessage
    } else {
        Wrapping::Transaction
    };
    let line = text[..text.len() - body.len()].matches('\n').count() + 1;
    let line = u32::try_from(line).unwrap_or(u32::MAX);
    let up = Script::new(&pair.up, line, filled(body, reader), wrapping);
    Ok(vec![Migration { name: pair.name.clone(), up, down: None }])
}

/// Its own placeholders, and those that are asked for.
fn filled(body: &str, reader: &ToolReader<'_>) -> String {
    let own = [("DATABASE_NAME", "verify"), ("DATABASE_OWNER", "postgres")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut filled = body.to_owned();
    for (name, value) in reader.asked.placeholders.iter().chain(&own) {
        let name = format!(":{}", name.trim_start_matches(':'));
        filled = replaced(&filled, &name, value);
    }
    filled
}

fn replaced(text: &str, name: &str, value: &str) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let after = &rest[at + name.len()..];
        let is_word = after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        filled.push_str(&rest[..at]);
        filled.push_str(if is_word { name } else { value });
        rest = after;
    }
    filled.push_str(rest);
    filled
}
