//! Drizzle sends what stands between two `--> statement-breakpoint` as one message, all pending files in
//! one transaction, in the order of its journal.

use std::path::{Path, PathBuf};

use super::{Between, Layout, Tool, ToolReader, Transactions, sure};
use crate::declared::migrations::listing::FileListing;
use crate::declared::migrations::order::{self, CandidateFile, Direction, FileKey};
use crate::declared::migrations::pair::Pair;
use crate::declared::migrations::{Migration, Pieces, Script, Wrapping, files, invalid};
use crate::failure::Result;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Drizzle,
    name: "Drizzle",
    knows: |listing| {
        sure(journal(listing).is_some() || listing.has_line(|line| line.contains(BREAKPOINT)))
    },
    order,
    read,
    between: Between::Nothing,
    transactions: Transactions::OneForAll,
};

const BREAKPOINT: &str = "--> statement-breakpoint";

const HINT: &str = "put `--> statement-breakpoint` between two statements, and nowhere else";

fn journal(listing: &FileListing) -> Option<PathBuf> {
    let journals = listing.folders.iter().map(|folder| folder.join("meta/_journal.json"));
    journals.into_iter().find(|path| path.is_file())
}

fn order(listing: &FileListing) -> Result<Vec<CandidateFile>> {
    let Some(journal) = journal(listing) else {
        return order::each(listing, order::by_text);
    };
    let tags = tags(&journal)?;
    let whole_folder = listing.files.iter().all(|found| found.below.is_some());
    let mut candidates = Vec::new();
    for (at, tag) in tags.iter().enumerate() {
        let name = format!("{tag}.sql");
        match listing.direct().find(|found| found.name() == name) {
            Some(found) => candidates.push(CandidateFile {
                path: found.path.clone(),
                name: tag.clone(),
                key: FileKey::Listed(at),
                direction: Direction::Up,
            }),
            None if whole_folder => {
                let message = format!("{name} is missing, which stands in the journal");
                return Err(
                    invalid(&journal, message).hint("restore it, or run `drizzle-kit drop`")
                );
            }
            None => {}
        }
    }
    Ok(candidates)
}

fn tags(journal: &Path) -> Result<Vec<String>> {
    let text = files::read_text(journal)?;
    let json = serde_json::from_str::<serde_json::Value>(&text)
        .map_err(|error| invalid(journal, error))?;
    let entries = json.get("entries").and_then(|entries| entries.as_array());
    let tags = entries.into_iter().flatten().filter_map(|entry| entry.get("tag")?.as_str());
    Ok(tags.map(str::to_owned).collect())
}

fn read(pair: &Pair, _: &mut ToolReader<'_>) -> Result<Vec<Migration>> {
    let text = files::read_text(&pair.up)?;
    let mut ranges = Vec::new();
    let mut at = 0;
    for part in text.split(BREAKPOINT) {
        if !part.trim().is_empty() {
            ranges.push(at..at + part.len());
        }
        at += part.len() + BREAKPOINT.len();
    }
    let whole = Script::new(&pair.up, 1, text, Wrapping::Transaction);
    let up = Script { pieces: Some(Pieces { ranges, hint: HINT }), ..whole };
    Ok(vec![Migration { name: pair.name.clone(), up, down: None }])
}
