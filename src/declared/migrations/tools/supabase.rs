//! Supabase sends the statements of a file in one pipeline, on one connection, and resets all settings
//! before each file.

use super::{Between, Layout, Tool, Transactions, all, sure};
use crate::declared::migrations::Wrapping;
use crate::declared::migrations::listing::{FileListing, FoundFile};
use crate::declared::migrations::order::{self, CandidateFile, FileKey};
use crate::declared::migrations::version::versioned;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Supabase,
    name: "Supabase",
    knows: |listing| {
        sure(is_project(listing) && listing.direct().any(|it| candidate(it).is_some()))
    },
    order: |listing| order::each(listing, candidate),
    read: |pair, _| all(pair, Wrapping::Pipeline),
    between: Between::ResetAll,
    transactions: Transactions::Each,
};

fn is_project(listing: &FileListing) -> bool {
    let below = listing.folders.iter().any(|folder| {
        let whole = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        whole.ends_with("supabase/migrations")
    });
    below
        || listing.folders.iter().any(|folder| folder.join("../config.toml").is_file())
            && listing.project_says("config.toml", "project_id")
}

/// `NUMBER_name.sql`, in the order of the names.
fn candidate(found: &FoundFile) -> Option<CandidateFile> {
    let file = found.name();
    versioned(&file)?;
    found
        .is_direct()
        .then(|| CandidateFile::up(found, order::stem(&file), FileKey::Text(file.clone())))
}
