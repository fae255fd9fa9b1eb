//! Prisma sends each file whole, on one connection.

use super::{Between, Layout, Tool, Transactions, all, sure};
use crate::declared::migrations::Wrapping;
use crate::declared::migrations::listing::FoundFile;
use crate::declared::migrations::order::{self, FileKey};
use crate::declared::migrations::version::leading_number;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Prisma,
    name: "Prisma",
    knows: |listing| sure(listing.files.iter().any(is_its)),
    order: |listing| order::each(listing, |found| order::in_folder(found, "migration.sql", key)),
    read: |pair, _| all(pair, Wrapping::OneMessage),
    between: Between::Nothing,
    transactions: Transactions::Each,
};

/// It keeps its lock file beside the folders; the number before a folder's name is the other sign,
/// because a plain file may be called so too.
fn is_its(found: &FoundFile) -> bool {
    let lock = found.path.parent().map(|folder| folder.with_file_name("migration_lock.toml"));
    found.name() == "migration.sql"
        && (leading_number(&found.folder_name()).is_some()
            || lock.is_some_and(|lock| lock.is_file()))
}

fn key(folder: &str) -> FileKey {
    FileKey::Name(0, vec![(false, None, folder.to_owned())])
}
