//! diesel wraps each file in a transaction, unless metadata.toml beside it says otherwise; then it
//! sends the file whole.

use std::path::Path;

use super::{Between, Layout, Tool, Transactions, sure, whole};
use crate::declared::migrations::listing::FoundFile;
use crate::declared::migrations::order::{self, FileKey};
use crate::declared::migrations::version::{self, leading_number};
use crate::declared::migrations::{Script, Wrapping, files, invalid};
use crate::failure::Result;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Diesel,
    name: "diesel",
    knows: |listing| sure(listing.files.iter().any(is_its)),
    order: |listing| {
        order::each(listing, |found| {
            order::in_folder(found, "up.sql", |folder| FileKey::Text(version::diesel(folder)))
        })
    },
    read: |pair, _| whole(pair, |file, text| Ok(Script::new(file, 1, text, wrapping(file)?))),
    between: Between::Nothing,
    transactions: Transactions::Each,
};

fn is_its(found: &FoundFile) -> bool {
    found.name() == "up.sql"
        && (!found.is_direct() || leading_number(&found.folder_name()).is_some())
}

fn wrapping(file: &Path) -> Result<Wrapping> {
    let metadata = file.with_file_name("metadata.toml");
    if !metadata.is_file() {
        return Ok(Wrapping::Transaction);
    }
    let text = files::read_text(&metadata)?;
    let table = text.parse::<toml::Table>().map_err(|error| invalid(&metadata, error))?;
    let wrapped = table.get("run_in_transaction").and_then(toml::Value::as_bool);
    Ok(if wrapped.unwrap_or(true) {
        Wrapping::Transaction
    } else {
        Wrapping::OneMessage
    })
}
