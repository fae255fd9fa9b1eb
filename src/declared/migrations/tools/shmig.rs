//! shmig gives a section to psql, in a session of its own and in no transaction.

use super::{Between, Layout, Tool, ToolReader, Transactions, sure};
use crate::declared::migrations::listing::FoundFile;
use crate::declared::migrations::order::{self, CandidateFile, Direction, FileKey};
use crate::declared::migrations::pair::Pair;
use crate::declared::migrations::sections::{script as of_sections, sections, without_marker};
use crate::declared::migrations::version::leading_number;
use crate::declared::migrations::{Migration, Wrapping, files, psql};
use crate::failure::Result;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Shmig,
    name: "shmig",
    knows: |listing| sure(listing.has_line(|line| marker(line).is_some())),
    order: |listing| order::each(listing, candidate),
    read,
    between: Between::NewSession,
    transactions: Transactions::Each,
};

fn marker(line: &str) -> Option<(Direction, String)> {
    match line {
        "-- ====  UP  ====" => Some((Direction::Up, String::new())),
        "-- ==== DOWN ====" => Some((Direction::Down, String::new())),
        _ => None,
    }
}

fn candidate(found: &FoundFile) -> Option<CandidateFile> {
    let file = found.name();
    let (number, rest) = leading_number(&file)?;
    let is_its = found.is_direct() && rest.starts_with('-');
    is_its.then(|| CandidateFile::up(found, order::stem(&file), FileKey::Version(vec![number])))
}

fn read(pair: &Pair, _: &mut ToolReader<'_>) -> Result<Vec<Migration>> {
    let text = files::read_text(&pair.up)?;
    let (_, sections) = sections(&text, marker);
    let script = |direction| {
        let script = of_sections(&pair.up, &text, &sections, direction, Wrapping::None, None)?;
        Some(psql::from(script))
    };
    let up = script(Direction::Up).ok_or_else(|| {
        without_marker(&pair.up, &text, "the section marker `-- ====  UP  ====` is missing")
            .hint("add the line, or choose another layout with --layout")
    })?;
    Ok(vec![Migration { name: pair.name.clone(), up, down: script(Direction::Down) }])
}
