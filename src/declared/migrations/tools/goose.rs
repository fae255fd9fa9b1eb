//! goose cuts by lines and sends each piece by itself, the Up section in a transaction unless
//! NO TRANSACTION stands anywhere in the file.

use std::path::Path;

use super::{Between, Layout, Tool, ToolReader, Transactions, sure};
use crate::declared::migrations::order::{self, Direction};
use crate::declared::migrations::pair::Pair;
use crate::declared::migrations::sections::{
    first_statement, script as of_sections, without_marker,
};
use crate::declared::migrations::split::{Dialect, Split, Unsplit};
use crate::declared::migrations::{Migration, Pieces, Script, Wrapping, files, invalid_at};
use crate::failure::Result;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Goose,
    name: "goose",
    knows: |listing| sure(listing.has_line(|line| DIALECT.begins_section(line))),
    order: |listing| order::each(listing, order::numbered),
    read,
    between: Between::Nothing,
    transactions: Transactions::Each,
};

const DIALECT: Dialect = Dialect {
    tool: "goose",
    mark: "+goose",
    any_case: true,
    leftover: Unsplit::Refused,
};

pub(super) const HINT: &str = "goose ends a statement at each line that ends in a semicolon: put \
    `-- +goose StatementBegin` and `-- +goose StatementEnd` around this one";

fn read(pair: &Pair, _: &mut ToolReader<'_>) -> Result<Vec<Migration>> {
    let text = files::read_text(&pair.up)?;
    let split = DIALECT.split(&pair.up, &text)?;
    check(&pair.up, &text, &split)?;
    let unwrapped = split.marks.iter().any(|(_, words)| words == "no transaction");
    let wrapping = if unwrapped {
        Wrapping::None
    } else {
        Wrapping::Transaction
    };
    let script = |direction, ranges| {
        let pieces = Pieces { ranges, hint: HINT };
        of_sections(&pair.up, &text, &split.sections, direction, wrapping, Some(pieces))
    };
    let down = script(Direction::Down, split.down.clone());
    let empty = || Script::new(&pair.up, 1, "", wrapping);
    let up = script(Direction::Up, split.up.clone()).unwrap_or_else(empty);
    Ok(vec![Migration { name: pair.name.clone(), up, down }])
}

/// What it refuses.
fn check(file: &Path, text: &str, split: &Split) -> Result<()> {
    for (line, words) in &split.marks {
        match words.as_str() {
            "no transaction" | "envsub off" => {}
            "envsub on" => {
                let message = "goose would fill in variables of the environment here";
                return Err(invalid_at(file, *line, message)
                    .hint("verify the files that come of it, for example by envsubst"));
            }
            other => {
                let message =
                    format!("goose refuses the file: it knows no marker `+goose {other}`");
                return Err(invalid_at(file, *line, message));
            }
        }
    }
    let Some(first) = split.sections.first() else {
        return Err(without_marker(file, text, "the section marker `-- +goose Up` is missing")
            .hint("add the line, or choose another layout with --layout"));
    };
    if first.direction == Direction::Down {
        let message = match split.sections.len() {
            1 => "the section marker `-- +goose Up` is missing",
            _ => "the down section stands before the up section",
        };
        return Err(invalid_at(file, first.first_line - 1, message)
            .hint("goose wants the up section first"));
    }
    if let Some(line) = first_statement(&text[split.before.clone()]) {
        return Err(invalid_at(file, line, "statements stand before the first section marker")
            .hint("no tool runs them; move them below the marker"));
    }
    let mut seen = Vec::new();
    for section in &split.sections {
        if seen.contains(&section.direction) {
            let line = section.first_line - 1;
            return Err(invalid_at(file, line, "the section stands above already")
                .hint("put the statements of one direction under one marker"));
        }
        seen.push(section.direction);
    }
    Ok(())
}
