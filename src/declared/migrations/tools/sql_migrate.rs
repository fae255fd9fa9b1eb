//! sql-migrate cuts by lines and sends each piece by itself. A direction may have several sections: one
//! `notransaction` among them holds for all. What stands before the first one is not run.

use super::{Between, Layout, Tool, ToolReader, Transactions, sure};
use crate::declared::migrations::listing::FoundFile;
use crate::declared::migrations::order::{self, CandidateFile, Direction};
use crate::declared::migrations::pair::Pair;
use crate::declared::migrations::sections::{script as of_sections, without_marker};
use crate::declared::migrations::split::{Dialect, Unsplit};
use crate::declared::migrations::{Migration, Pieces, Script, Wrapping, files};
use crate::failure::Result;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::SqlMigrate,
    name: "sql-migrate",
    knows: |listing| sure(listing.has_line(|line| DIALECT.begins_section(line))),
    order: |listing| order::each(listing, candidate),
    read,
    between: Between::Nothing,
    transactions: Transactions::Each,
};

const DIALECT: Dialect = Dialect {
    tool: "sql-migrate",
    mark: "+migrate",
    any_case: false,
    leftover: Unsplit::Refused,
};

const HINT: &str = "sql-migrate ends a statement at each line that ends in a semicolon: put \
    `-- +migrate StatementBegin` and `-- +migrate StatementEnd` around this one";

fn candidate(found: &FoundFile) -> Option<CandidateFile> {
    let name = found.name();
    let key = order::name_key(found, name.clone());
    found.is_direct().then(|| CandidateFile::up(found, name, key))
}

fn read(pair: &Pair, _: &mut ToolReader<'_>) -> Result<Vec<Migration>> {
    let text = files::read_text(&pair.up)?;
    let split = DIALECT.split(&pair.up, &text)?;
    if split.sections.is_empty() {
        return Err(without_marker(
            &pair.up,
            &text,
            "the section marker `-- +migrate Up` is missing",
        )
        .hint("add the line, or choose another layout with --layout"));
    }
    let wrapping = |direction| {
        let own = split.sections.iter().filter(|section| section.direction == direction);
        let unwrapped = |options: &str| options.split_whitespace().any(|it| it == "notransaction");
        match own.clone().any(|section| unwrapped(&section.options)) {
            true => Wrapping::None,
            false => Wrapping::Transaction,
        }
    };
    let script = |direction, ranges| {
        let pieces = Pieces { ranges, hint: HINT };
        let wrapping = wrapping(direction);
        of_sections(&pair.up, &text, &split.sections, direction, wrapping, Some(pieces))
    };
    let up = script(Direction::Up, split.up.clone())
        .unwrap_or_else(|| Script::new(&pair.up, 1, "", Wrapping::Transaction));
    let down = script(Direction::Down, split.down.clone());
    Ok(vec![Migration { name: pair.name.clone(), up, down }])
}
