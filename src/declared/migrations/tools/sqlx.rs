//! sqlx wraps each file in a transaction, unless it begins with `-- no-transaction`; it sends the file
//! whole either way, on one connection.

use super::{Between, Layout, Sign, Tool, Transactions, golang_migrate, whole};
use crate::declared::migrations::listing::{FileListing, FoundFile};
use crate::declared::migrations::order;
use crate::declared::migrations::version::{leading_number, versioned};
use crate::declared::migrations::{Script, Wrapping};

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Sqlx,
    name: "sqlx",
    knows,
    order: |listing| order::each(listing, order::directed_number),
    read: |pair, _| {
        whole(pair, |file, text| {
            // It looks at the very first characters.
            let unwrapped = text.starts_with("-- no-transaction");
            let wrapping = if unwrapped {
                Wrapping::OneMessage
            } else {
                Wrapping::Transaction
            };
            Ok(Script::new(file, 1, text, wrapping))
        })
    },
    between: Between::Nothing,
    transactions: Transactions::Each,
};

const TIMESTAMP_DIGITS: usize = 14;

/// What `sqlx migrate add` writes, and its own switch.
const FIRST_LINES: [&str; 4] = [
    "-- no-transaction",
    "-- Add migration script",
    "-- Add up migration script",
    "-- Add down migration script",
];

/// sqlx and golang-migrate name reversible migrations alike, and sqlx and hand-numbered files the
/// others; the project's manifest and sqlx's own first lines tell.
fn knows(listing: &FileListing) -> Option<Sign> {
    let numbered = listing
        .direct()
        .filter(|found| versioned(&found.name()).is_some())
        .collect::<Vec<_>>();
    if numbered.is_empty() {
        return None;
    }
    let begins = |found: &&FoundFile| FIRST_LINES.iter().any(|line| found.text().starts_with(line));
    if numbered.iter().any(begins) {
        return Some(Sign::Sure);
    }
    let is_reversible = numbered.iter().any(|found| golang_migrate::is_reversible(&found.name()));
    let manifest = listing.project().into_iter().find_map(|folder| {
        match (folder.join("go.mod").is_file(), folder.join("Cargo.toml").is_file()) {
            (true, _) => Some(false),
            (false, true) => Some(listing.project_says("Cargo.toml", "sqlx")),
            (false, false) => None,
        }
    });
    match manifest {
        Some(true) => Some(Sign::Sure),
        _ if is_reversible => None,
        _ => numbered
            .iter()
            .all(|found| has_timestamp(&found.name()))
            .then_some(Sign::Likely),
    }
}

fn has_timestamp(name: &str) -> bool {
    leading_number(name).is_some_and(|(_, rest)| name.len() - rest.len() == TIMESTAMP_DIGITS)
}
