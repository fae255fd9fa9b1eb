//! Hasura sends each file whole to its run_sql, which runs it in one transaction.

use super::{Between, Layout, Tool, Transactions, all, sure};
use crate::declared::migrations::Wrapping;
use crate::declared::migrations::listing::FoundFile;
use crate::declared::migrations::order::{self, CandidateFile, FileKey};
use crate::declared::migrations::version::versioned;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Hasura,
    name: "Hasura",
    knows: |listing| {
        let is_diesel = listing.project_file("diesel.toml").is_some();
        sure(!is_diesel && listing.files.iter().any(has_folder))
    },
    order: |listing| order::each(listing, candidate),
    read: |pair, _| all(pair, Wrapping::Transaction),
    between: Between::Nothing,
    transactions: Transactions::Each,
};

/// Its folders begin with the milliseconds since 1970.
const DIGITS: usize = 13;

fn has_folder(found: &FoundFile) -> bool {
    let folder = found.folder_name();
    let digits = folder.find(|c: char| !c.is_ascii_digit()).unwrap_or(folder.len());
    found.name() == "up.sql" && digits == DIGITS
}

fn candidate(found: &FoundFile) -> Option<CandidateFile> {
    let folder = found.folder_name();
    let number = versioned(&folder)?;
    // One folder a database, each with versions of its own.
    let database = found
        .relative()
        .components()
        .rev()
        .nth(2)
        .map(|part| part.as_os_str().to_string_lossy().into_owned());
    let candidate = order::in_folder(found, "up.sql", |folder| FileKey::Text(folder.to_owned()))?;
    let parts = vec![(false, None, database.unwrap_or_default()), (false, Some(number), folder)];
    Some(CandidateFile { key: FileKey::Name(found.argument, parts), ..candidate })
}
