//! rambler sends each section as one message, in no transaction of its own. A direction may have several
//! sections; those that take back are sent in reverse.

use super::{Between, Layout, Tool, ToolReader, Transactions, sure};
use crate::declared::migrations::order::{self, Direction};
use crate::declared::migrations::pair::Pair;
use crate::declared::migrations::sections::{script as of_sections, sections};
use crate::declared::migrations::{Migration, Pieces, Script, Wrapping, files};
use crate::failure::Result;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Rambler,
    name: "rambler",
    knows: |listing| sure(listing.has_line(|line| marker(line).is_some())),
    order: |listing| order::each(listing, order::by_text),
    read,
    between: Between::Nothing,
    transactions: Transactions::Each,
};

const HINT: &str = "rambler sends all that stands below one marker as one message: give the statement a \
    `-- rambler up` of its own";

fn marker(line: &str) -> Option<(Direction, String)> {
    match line.strip_prefix("-- rambler")?.trim() {
        "up" => Some((Direction::Up, String::new())),
        "down" => Some((Direction::Down, String::new())),
        _ => None,
    }
}

fn read(pair: &Pair, _: &mut ToolReader<'_>) -> Result<Vec<Migration>> {
    let text = files::read_text(&pair.up)?;
    let (_, sections) = sections(&text, marker);
    let script = |direction| {
        let own = sections
            .iter()
            .filter(|section| section.direction == direction)
            .filter(|section| !text[section.bytes.clone()].trim().is_empty());
        let mut ranges = own.map(|section| section.bytes.clone()).collect::<Vec<_>>();
        if direction == Direction::Down {
            ranges.reverse();
        }
        let pieces = Pieces { ranges, hint: HINT };
        of_sections(&pair.up, &text, &sections, direction, Wrapping::None, Some(pieces))
    };
    let up = script(Direction::Up).unwrap_or_else(|| Script::new(&pair.up, 1, "", Wrapping::None));
    Ok(vec![Migration { name: pair.name.clone(), up, down: script(Direction::Down) }])
}
