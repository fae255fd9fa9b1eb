//! Files of nobody's, run as `psql -f` would.

use super::{Between, Layout, Sign, Tool, ToolReader, Transactions, whole};
use crate::declared::migrations::pair::Pair;
use crate::declared::migrations::{Migration, Script, order, psql};
use crate::failure::Result;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Plain,
    name: "plain files",
    knows: |_| Some(Sign::Likely),
    order: |listing| order::each(listing, order::natural),
    read,
    between: Between::Nothing,
    transactions: Transactions::Each,
};

/// What pg_dump begins with.
const DUMP: &str = "-- PostgreSQL database dump";

fn read(pair: &Pair, reader: &mut ToolReader<'_>) -> Result<Vec<Migration>> {
    let migrations = whole(pair, |file, text| psql::script(file, 1, text, reader))?;
    let is_dump = |script: &Script| script.text.lines().take(5).any(|line| line.starts_with(DUMP));
    if reader.asked.layout.is_none() && migrations.iter().any(|one| is_dump(&one.up)) {
        reader.warnings.push(format!(
            "{}: this is what pg_dump writes; what is there before the first migration is given with --base",
            pair.up.display()
        ));
    }
    Ok(migrations)
}
