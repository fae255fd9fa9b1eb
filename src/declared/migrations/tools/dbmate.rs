//! dbmate sends each up section whole, in a transaction unless its marker says `transaction:false`; then
//! the server makes one of it after all. A file may have several pairs of sections.

use std::path::Path;

use super::{Between, Layout, Tool, ToolReader, Transactions, sure};
use crate::declared::migrations::listing::FoundFile;
use crate::declared::migrations::order::{self, CandidateFile, Direction, FileKey};
use crate::declared::migrations::pair::Pair;
use crate::declared::migrations::sections::{
    FileSection, comment_words, first_statement, sections, without_marker,
};
use crate::declared::migrations::version::leading_number;
use crate::declared::migrations::{Migration, Script, Wrapping, files, invalid_at};
use crate::failure::Result;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Dbmate,
    name: "dbmate",
    knows: |listing| sure(listing.has_line(|line| marker(line).is_some())),
    order: |listing| order::each(listing, candidate),
    read,
    between: Between::Nothing,
    transactions: Transactions::Each,
};

fn marker(line: &str) -> Option<(Direction, String)> {
    let words = comment_words(line)?;
    let direction = match words.first()?.strip_prefix("migrate:")? {
        "up" => Direction::Up,
        "down" => Direction::Down,
        _ => return None,
    };
    Some((direction, words[1..].join(" ")))
}

fn candidate(found: &FoundFile) -> Option<CandidateFile> {
    let file = found.name();
    let (_, rest) = leading_number(&file)?;
    // It knows a migration by its digits as they are written, and sorts by file name, where the
    // underscore after the digits counts: 10_b runs before 1_a.
    let digits = &file[..file.len() - rest.len()];
    let key = FileKey::Text(format!("{digits}_"));
    found.is_direct().then(|| CandidateFile::up(found, order::stem(&file), key))
}

fn read(pair: &Pair, _: &mut ToolReader<'_>) -> Result<Vec<Migration>> {
    let text = files::read_text(&pair.up)?;
    let (before, sections) = sections(&text, marker);
    if sections.is_empty() {
        return Err(without_marker(
            &pair.up,
            &text,
            "the section marker `-- migrate:up` is missing",
        )
        .hint("add the line, or choose another layout with --layout"));
    }
    if let Some(line) = first_statement(&text[before]) {
        let message = "statements stand before the first section marker";
        return Err(invalid_at(&pair.up, line, message)
            .hint("no tool runs them; move them below the marker"));
    }
    check(&pair.up, &sections)?;
    let script = |section: &FileSection| {
        let unwrapped = section.options.split_whitespace().any(|it| it == "transaction:false");
        let wrapping = if unwrapped {
            Wrapping::OneMessage
        } else {
            Wrapping::Transaction
        };
        Script::new(&pair.up, section.first_line, &text[section.bytes.clone()], wrapping)
    };
    let pairs = sections.chunks(2).zip(1..);
    Ok(pairs
        .map(|(sections, number)| Migration {
            name: if number == 1 {
                pair.name.clone()
            } else {
                format!("{} ({number})", pair.name)
            },
            up: script(&sections[0]),
            down: sections.get(1).map(script),
        })
        .collect())
}

/// It wants an up section and its down section by turns.
fn check(file: &Path, sections: &[FileSection]) -> Result<()> {
    let wanted = [Direction::Up, Direction::Down].into_iter().cycle();
    for (section, wanted) in sections.iter().zip(wanted) {
        if section.direction != wanted {
            let (is, before) = match wanted {
                Direction::Up => ("down", "up"),
                Direction::Down => ("up", "down"),
            };
            let message = format!(
                "dbmate refuses this {is} section: the {before} section before it is missing"
            );
            return Err(invalid_at(file, section.first_line - 1, message).hint(
                "each `-- migrate:up` needs a `-- migrate:down` below it, which may be empty",
            ));
        }
    }
    if let [.., last] = sections
        && sections.len() % 2 == 1
    {
        let message =
            "dbmate refuses this up section: the section marker `-- migrate:down` is missing";
        return Err(invalid_at(file, last.first_line - 1, message)
            .hint("add the line at the end; nothing need stand below it"));
    }
    Ok(())
}
