//! golang-migrate sends each file whole, on one connection.

use super::{Between, Layout, Sign, Tool, Transactions, all};
use crate::declared::migrations::Wrapping;
use crate::declared::migrations::listing::{FileListing, FoundFile};
use crate::declared::migrations::order::{self, CandidateFile};
use crate::declared::migrations::version::versioned;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::GolangMigrate,
    name: "golang-migrate",
    knows,
    order: |listing| order::each(listing, candidate),
    read: |pair, _| all(pair, Wrapping::OneMessage),
    between: Between::Nothing,
    transactions: Transactions::Each,
};

fn knows(listing: &FileListing) -> Option<Sign> {
    let named =
        |found: &FoundFile| versioned(&found.name()).is_some() && is_reversible(&found.name());
    let sign = if listing.project_file("go.mod").is_some() {
        Sign::Sure
    } else {
        Sign::Likely
    };
    listing.direct().any(named).then_some(sign)
}

fn candidate(found: &FoundFile) -> Option<CandidateFile> {
    is_reversible(&found.name()).then(|| order::directed_number(found)).flatten()
}

pub(super) fn is_reversible(name: &str) -> bool {
    name.ends_with(".up.sql") || name.ends_with(".down.sql")
}
