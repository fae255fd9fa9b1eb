//! tern sends what stands above its line whole, in a transaction, or without one and cut into statements
//! where `---- tern: disable-tx ----` stands in it. After each migration it resets all settings.

use std::path::Path;

use super::{Between, Layout, Tool, ToolReader, Transactions, sure};
use crate::declared::migrations::order;
use crate::declared::migrations::pair::Pair;
use crate::declared::migrations::sections::lines;
use crate::declared::migrations::{Migration, Script, Wrapping, files, invalid_at};
use crate::failure::Result;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Tern,
    name: "tern",
    knows: |listing| {
        sure(listing.has_line(|line| line.contains(SEPARATOR) || line == WITHOUT_TRANSACTION))
    },
    order: |listing| order::each(listing, order::numbered),
    read,
    between: Between::ResetAll,
    transactions: Transactions::Each,
};

const SEPARATOR: &str = "---- create above / drop below ----";
const WITHOUT_TRANSACTION: &str = "---- tern: disable-tx ----";

fn read(pair: &Pair, _: &mut ToolReader<'_>) -> Result<Vec<Migration>> {
    let text = files::read_text(&pair.up)?;
    let Some(at) = text.find(SEPARATOR) else {
        let up = script(&pair.up, 1, &text)?;
        return Ok(vec![Migration { name: pair.name.clone(), up, down: None }]);
    };
    let below = at + SEPARATOR.len();
    let line = text[..at].matches('\n').count() + 1;
    let up = script(&pair.up, 1, &text[..at])?;
    let down = script(&pair.up, u32::try_from(line).unwrap_or(u32::MAX), &text[below..])?;
    let down = Some(down).filter(|down| !down.text.trim().is_empty());
    Ok(vec![Migration { name: pair.name.clone(), up, down }])
}

fn script(file: &Path, first_line: u32, text: &str) -> Result<Script> {
    if let Some(line) = lines(text).find(|line| line.text.contains("{{")) {
        let message = "tern fills in a template here";
        return Err(invalid_at(file, first_line + line.number - 1, message)
            .hint("verify the files that `tern print-migrations` or `tern gengen` write"));
    }
    let unwrapped = text.lines().any(|line| line == WITHOUT_TRANSACTION);
    let wrapping = if unwrapped {
        Wrapping::None
    } else {
        Wrapping::Transaction
    };
    Ok(Script::new(file, first_line, text, wrapping))
}
