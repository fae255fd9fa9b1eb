//! micrate cuts by lines and sends each piece by itself, in no transaction. A direction may have several
//! sections. What no semicolon ends it passes over without a word.

use super::{Between, Layout, Tool, ToolReader, Transactions, sure};
use crate::declared::migrations::order::{self, Direction};
use crate::declared::migrations::pair::Pair;
use crate::declared::migrations::sections::script as of_sections;
use crate::declared::migrations::split::{Dialect, Unsplit};
use crate::declared::migrations::{Migration, Pieces, Script, Wrapping, files};
use crate::failure::Result;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Micrate,
    name: "micrate",
    knows: |listing| sure(listing.has_line(|line| DIALECT.begins_section(line))),
    order: |listing| order::each(listing, order::numbered),
    read,
    between: Between::Nothing,
    transactions: Transactions::Each,
};

const DIALECT: Dialect = Dialect {
    tool: "micrate",
    mark: "+micrate",
    any_case: false,
    leftover: Unsplit::Dropped,
};

const HINT: &str = "micrate ends a statement at each line that ends in a semicolon: put \
    `-- +micrate StatementBegin` and `-- +micrate StatementEnd` around this one";

fn read(pair: &Pair, reader: &mut ToolReader<'_>) -> Result<Vec<Migration>> {
    let text = files::read_text(&pair.up)?;
    let split = DIALECT.split(&pair.up, &text)?;
    for dropped in &split.dropped {
        let line = text[..dropped.start].matches('\n').count() + 1;
        let file = pair.up.display();
        reader.warnings.push(format!(
            "{file}:{line}: micrate does not run this statement, because no line of it ends in a semicolon"
        ));
    }
    // Blanks of as many bytes, so that all else stays where it is.
    let mut bytes = text.into_bytes();
    for byte in split.dropped.iter().flat_map(|range| range.clone()) {
        if bytes[byte] != b'\n' {
            bytes[byte] = b' ';
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let script = |direction, ranges| {
        let pieces = Pieces { ranges, hint: HINT };
        of_sections(&pair.up, &text, &split.sections, direction, Wrapping::None, Some(pieces))
    };
    let up = script(Direction::Up, split.up.clone())
        .unwrap_or_else(|| Script::new(&pair.up, 1, "", Wrapping::None));
    let down = script(Direction::Down, split.down.clone());
    Ok(vec![Migration { name: pair.name.clone(), up, down }])
}
