//! node-pg-migrate sends the up part of a file as one message, all pending files in one transaction.

use super::golang_migrate::is_reversible;
use super::{Between, Layout, Sign, Tool, ToolReader, Transactions, sure};
use crate::declared::migrations::listing::{FileListing, FoundFile};
use crate::declared::migrations::order::{self, CandidateFile, Direction, FileKey};
use crate::declared::migrations::pair::Pair;
use crate::declared::migrations::sections::{SectionLine, lines};
use crate::declared::migrations::version::leading_number;
use crate::declared::migrations::{Migration, Script, Wrapping, files, invalid_at};
use crate::failure::Result;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::NodePgMigrate,
    name: "node-pg-migrate",
    knows,
    order: |listing| order::each(listing, candidate),
    read,
    between: Between::Nothing,
    transactions: Transactions::OneForAll,
};

/// Its numbers are milliseconds since 1970, or a date with them.
const DIGITS: [usize; 2] = [13, 17];

fn knows(listing: &FileListing) -> Option<Sign> {
    if listing.direct().any(|found| is_reversible(&found.name())) {
        return None;
    }
    let has = |wanted| listing.has_line(|line| marker(line) == Some(wanted));
    let is_numbered = listing.all_direct(|name| {
        leading_number(name).is_some_and(|(_, rest)| DIGITS.contains(&(name.len() - rest.len())))
    });
    let is_project = listing.project_says("package.json", "\"node-pg-migrate\"");
    let is_its = has(Direction::Down) || (has(Direction::Up) && is_numbered) || is_project;
    sure(is_its)
}

/// `-- Up Migration`, with any dashes and blanks before it, in any case.
fn marker(line: &str) -> Option<Direction> {
    let rest = line
        .trim_start()
        .strip_prefix("--")?
        .trim_start_matches(|c: char| c == '-' || c.is_whitespace())
        .to_ascii_lowercase();
    let (direction, rest) = match rest.strip_prefix("up") {
        Some(rest) => (Direction::Up, rest),
        None => (Direction::Down, rest.strip_prefix("down")?),
    };
    let is_its =
        rest.starts_with(char::is_whitespace) && rest.trim_start().starts_with("migration");
    is_its.then_some(direction)
}

fn candidate(found: &FoundFile) -> Option<CandidateFile> {
    let file = found.name();
    let (number, _) = leading_number(&file)?;
    let key = FileKey::Name(found.argument, vec![(false, Some(number), file.clone())]);
    found.is_direct().then(|| CandidateFile::up(found, order::stem(&file), key))
}

fn read(pair: &Pair, _: &mut ToolReader<'_>) -> Result<Vec<Migration>> {
    let text = files::read_text(&pair.up)?;
    let first = |wanted| lines(&text).find(|line| marker(line.text) == Some(wanted));
    let (up, down) = (first(Direction::Up), first(Direction::Down));
    // A part begins with its marker and ends with the other one, where that comes later.
    let part = |own: SectionLine<'_>, other: Option<SectionLine<'_>>| {
        let end = other.map(|line| line.start).filter(|end| *end > own.start);
        let text = &text[own.start..end.unwrap_or(text.len())];
        Script::new(&pair.up, own.number, text, Wrapping::Transaction)
    };
    if let (None, Some(down)) = (up, down) {
        let message =
            "`-- Up Migration` is missing, so node-pg-migrate would run the down part, too";
        return Err(invalid_at(&pair.up, down.number, message)
            .hint("put `-- Up Migration` above the statements that apply"));
    }
    let whole = || Script::new(&pair.up, 1, text.as_str(), Wrapping::Transaction);
    Ok(vec![Migration {
        name: pair.name.clone(),
        up: up.map_or_else(whole, |own| part(own, down)),
        down: down.map(|own| part(own, up)),
    }])
}
