//! Files with sections of a tool that is not known: to run both ways of them would verify nothing.

use super::invalid_at;
use super::listing::{FileListing, FoundFile};
use super::sections::lines;
use super::tools::{Layout, Tool};
use crate::failure::Result;

/// Words that say that what follows takes back.
const BACK: [&str; 13] = [
    "down",
    "downs",
    "undo",
    "undos",
    "rollback",
    "revert",
    "downgrade",
    "backward",
    "backwards",
    "reverse",
    "unapply",
    "unmigrate",
    "down-migration",
];

/// Words that may stand beside them in a marker.
const BESIDE: [&str; 20] = [
    "migration",
    "migrations",
    "migrate",
    "section",
    "script",
    "sql",
    "begin",
    "start",
    "end",
    "below",
    "above",
    "create",
    "up",
    "step",
    "part",
    "statement",
    "statements",
    "the",
    "this",
    "here",
];

/// Refuses files that look as if they held both ways, where the layout would run both.
///
/// # Errors
/// `Declaration` at the line of the marker.
pub fn refuse_sections(listing: &FileListing, tool: &Tool) -> Result<()> {
    let runs_all = matches!(
        tool.layout,
        Layout::Plain
            | Layout::Sqlx
            | Layout::GolangMigrate
            | Layout::Flyway
            | Layout::Refinery
            | Layout::Supabase
            | Layout::Diesel
            | Layout::Prisma
            | Layout::Hasura
    );
    if !runs_all {
        return Ok(());
    }
    listing
        .files
        .iter()
        .filter(|found| !takes_back(&found.name()))
        .try_for_each(refuse)
}

/// Files that lead back by their names may say so.
fn takes_back(name: &str) -> bool {
    name == "down.sql" || name.ends_with(".down.sql") || name.starts_with('U')
}

fn refuse(found: &FoundFile) -> Result<()> {
    let text = found.text();
    let Some(line) = lines(text).find(|line| is_marker(line.text)) else {
        return Ok(());
    };
    // Comments that only tell the way back are none of a tool's.
    if !text[line.end..].lines().any(is_statement) {
        return Ok(());
    }
    let marker = line.text.trim();
    let message = format!(
        "`{marker}` looks like the section marker of a tool that pgtend does not know; what stands below \
         would be run with the rest"
    );
    Err(invalid_at(&found.path, line.number, message).hint(
        "name the tool with --layout, or give files that hold the way up alone; --layout plain runs all of \
         the file",
    ))
}

fn is_statement(line: &str) -> bool {
    let trimmed = line.trim();
    !trimmed.is_empty() && !trimmed.starts_with("--")
}

/// A comment of a few words of which one says that it goes back, and no other says anything.
fn is_marker(line: &str) -> bool {
    let Some(comment) = line.strip_prefix("--").or_else(|| line.strip_prefix('#')) else {
        return false;
    };
    let is_odd = comment.contains(['+', '@', '!', '=', '[', '<', '#']) || comment.starts_with('-');
    let lowered = comment.to_ascii_lowercase();
    let words = lowered
        .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
        .map(|word| word.trim_matches('-'))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>();
    if words.is_empty() || words.len() > 6 || !words.iter().any(|word| BACK.contains(word)) {
        return false;
    }
    let known = |word: &&str| BACK.contains(word) || BESIDE.contains(word);
    // With signs that no sentence has, the tool's name may stand there, too.
    words.iter().filter(|word| !known(word)).count() <= usize::from(is_odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_told_from_words() {
        for marker in [
            "-- Down Migration",
            "-- +tool Down",
            "--// @UNDO",
            "-- //@UNDO",
            "# --- !Downs",
            "-- !Downs",
            "-- ==== DOWN ====",
            "-- rollback",
            "-- [down]",
            "-- migrate down",
            "--@down",
            "-- Revert:",
        ] {
            assert!(is_marker(marker), "{marker}");
        }
        for comment in [
            "-- drop the column that nobody reads",
            "-- Rollback is not possible because the rows are gone",
            "-- drop",
            "-- drop this migration",
            "SELECT 1; -- down",
            "-- tables",
            "-- up",
            "-- shut down connections first",
        ] {
            assert!(!is_marker(comment), "{comment}");
        }
    }
}
