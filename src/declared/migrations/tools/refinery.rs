//! refinery names its files as Flyway does. Its drivers wrap every migration in a transaction and send
//! it whole; there is no way out of that.

use super::{Between, Layout, Tool, Transactions, all, sure};
use crate::declared::migrations::Wrapping;
use crate::declared::migrations::listing::{FileListing, FoundFile};
use crate::declared::migrations::order::{self, CandidateFile, FileKey};
use crate::declared::migrations::version::leading_number;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Refinery,
    name: "refinery",
    knows: |listing| {
        sure(is_project(listing) && listing.files.iter().any(|it| candidate(it).is_some()))
    },
    order: |listing| order::each(listing, candidate),
    read: |pair, _| all(pair, Wrapping::Transaction),
    between: Between::Nothing,
    transactions: Transactions::Each,
};

fn is_project(listing: &FileListing) -> bool {
    listing.project_file("refinery.toml").is_some()
        || listing.project_says("Cargo.toml", "refinery")
}

/// `V1__name.sql`, and `U1__name.sql`, which may come late but takes nothing back: the number is one.
fn candidate(found: &FoundFile) -> Option<CandidateFile> {
    let file = found.name();
    let (version, _) = file.strip_prefix(['V', 'U'])?.split_once("__")?;
    let (number, rest) = leading_number(version)?;
    let name = order::stem(&file);
    rest.is_empty()
        .then(|| CandidateFile::up(found, name, FileKey::Version(vec![number])))
}
