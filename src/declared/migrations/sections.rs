//! Files that hold both directions: dbmate, goose and sql-migrate.

use std::path::Path;

use super::{Layout, Script, Wrapping, invalid};
use crate::declared::lexer::{Kind, Lexer};
use crate::failure::{Failure, Result};

/// A line that means something to the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marker {
    Up {
        wrapped: bool,
    },
    Down {
        wrapped: bool,
    },
    /// goose: holds for the whole file, wherever it stands.
    NoTransaction,
}

/// The layout whose section marker the line is.
pub fn marker_of(line: &str) -> Option<Layout> {
    let layouts = [Layout::Goose, Layout::SqlMigrate, Layout::Dbmate];
    layouts.into_iter().find(|layout| marker(line, *layout).is_some())
}

fn marker(line: &str, layout: Layout) -> Option<Marker> {
    let words = line.trim_start_matches('\u{feff}').trim_start().strip_prefix("--")?;
    let words = words.to_ascii_lowercase();
    let words = words.split_whitespace().collect::<Vec<_>>();
    let (wrapped, words) = match layout {
        Layout::Goose => match words.strip_prefix(&["+goose"])? {
            ["no", "transaction", ..] => return Some(Marker::NoTransaction),
            words => (true, words),
        },
        Layout::SqlMigrate => {
            let words = words.strip_prefix(&["+migrate"])?;
            (!words.contains(&"notransaction"), words)
        }
        _ => (!words.contains(&"transaction:false"), words.as_slice()),
    };
    let first = words.first()?;
    let direction = if layout == Layout::Dbmate { first.strip_prefix("migrate:")? } else { first };
    match direction {
        "up" => Some(Marker::Up { wrapped }),
        "down" => Some(Marker::Down { wrapped }),
        _ => None,
    }
}

/// A section: where its text begins, and what its marker says.
struct Section<'a> {
    first_line: u32,
    text: &'a str,
    wrapped: bool,
}

/// What stands below a file's markers.
#[derive(Default)]
struct Sections<'a> {
    up: Option<Section<'a>>,
    down: Option<Section<'a>>,
    no_transaction: bool,
}

/// The scripts of both directions. StatementBegin and StatementEnd stay in the text: they are
/// comments, and the statements are found by their syntax.
///
/// # Errors
/// `Declaration` where there is no up section, a section stands twice or in the wrong order, or
/// statements stand before the first section, where no tool runs them.
pub fn split(file: &Path, text: &str, layout: Layout) -> Result<(Script, Option<Script>)> {
    let sections = find(file, text, layout)?;
    let script = |section: Section<'_>| Script {
        file: file.to_path_buf(),
        first_line: section.first_line,
        text: section.text.to_owned(),
        wrapping: wrapping(section.wrapped && !sections.no_transaction, layout),
    };
    let up = sections.up.ok_or_else(|| missing(file, layout))?;
    let down_first = sections.down.as_ref().is_some_and(|down| down.first_line < up.first_line);
    if down_first && layout != Layout::SqlMigrate {
        return Err(invalid(file, "the down section stands before the up section")
            .hint(format!("{} wants the up section first", layout.tool())));
    }
    Ok((script(up), sections.down.map(script)))
}

fn wrapping(wrapped: bool, layout: Layout) -> Wrapping {
    match (wrapped, layout) {
        (true, _) => Wrapping::Transaction,
        // dbmate does not split the section, so the server makes one transaction of it after all.
        (false, Layout::Dbmate) => Wrapping::OneMessage,
        (false, _) => Wrapping::None,
    }
}

fn find<'a>(file: &Path, text: &'a str, layout: Layout) -> Result<Sections<'a>> {
    let mut sections = Sections::default();
    let (mut offset, mut line_number) = (0, 0);
    let mut open: Option<(Marker, usize, u32)> = None;
    for line in text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        line_number += 1;
        match marker(line, layout) {
            None => {}
            Some(Marker::NoTransaction) => sections.no_transaction = true,
            Some(next) => {
                match open {
                    Some((marker, from, first)) => {
                        close(file, &mut sections, marker, first, &text[from..start])?;
                    }
                    None => nothing_before(file, &text[..start])?,
                }
                open = Some((next, offset, line_number + 1));
            }
        }
    }
    if let Some((marker, from, first)) = open {
        close(file, &mut sections, marker, first, &text[from..])?;
    }
    Ok(sections)
}

fn close<'a>(
    file: &Path,
    sections: &mut Sections<'a>,
    marker: Marker,
    first_line: u32,
    text: &'a str,
) -> Result<()> {
    let (place, wrapped) = match marker {
        Marker::Up { wrapped } => (&mut sections.up, wrapped),
        Marker::Down { wrapped } => (&mut sections.down, wrapped),
        Marker::NoTransaction => return Ok(()),
    };
    if place.is_some() {
        let line = first_line - 1;
        return Err(invalid(file, format!("line {line} begins a section that stands above"))
            .hint("put the statements of one direction under one marker"));
    }
    *place = Some(Section { first_line, text, wrapped });
    Ok(())
}

fn nothing_before(file: &Path, text: &str) -> Result<()> {
    let mut lexer = Lexer::new(text);
    let first = loop {
        match lexer.token() {
            Ok(Some(token)) if token.kind == Kind::Semicolon => {}
            other => break other,
        }
    };
    if first != Ok(None) {
        return Err(invalid(file, "statements stand before the first section marker")
            .hint("no tool runs them; move them below the marker"));
    }
    Ok(())
}

fn missing(file: &Path, layout: Layout) -> Failure {
    let marker = match layout {
        Layout::Goose => "-- +goose Up",
        Layout::SqlMigrate => "-- +migrate Up",
        _ => "-- migrate:up",
    };
    invalid(file, format!("the section marker `{marker}` is missing"))
        .hint("add the line, or choose another layout with --layout")
}
