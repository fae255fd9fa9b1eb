//! Where a finding stands.

use crate::declared::Source;
use crate::declared::migrations::{MigrationStatement, Script, excerpt};

/// A place in a file of the user's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    pub at: Source,
    /// The line's text; of a very long one, what is around the character.
    pub text: String,
    /// The character of the line with which `text` begins, from 1.
    pub from: u32,
}

impl Place {
    /// A place in that line, of which a script holds more than its text.
    pub fn at(script: &Script, (line, column): (u32, u32), offset: usize) -> Self {
        let shown = excerpt(&script.text, offset);
        let before = script.text[shown.start..offset].chars().count();
        let text = script.text[shown].trim_end().to_owned();
        let from = column.saturating_sub(number(before)).max(1);
        let file = script.file.as_path().into();
        Place { at: Source { file, line, column }, text, from }
    }

    /// The place of a byte of the script.
    pub fn of_offset(script: &Script, offset: usize) -> Self {
        let mut offset = offset.min(script.text.len());
        while !script.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &script.text[..offset];
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = script.first_line + number(before.matches('\n').count());
        let column = number(before[start..].chars().count()) + 1;
        Place::at(script, (line, column), offset)
    }

    /// The place of a character of the script, from 1, as the server counts.
    pub fn of_position(script: &Script, position: u32) -> Self {
        let position = usize::try_from(position).unwrap_or(1).saturating_sub(1);
        let offset = script.text.char_indices().nth(position).map(|(offset, _)| offset);
        Place::of_offset(script, offset.unwrap_or(script.text.len()))
    }

    /// Where the statement begins.
    pub fn of_statement(script: &Script, statement: &MigrationStatement) -> Self {
        let MigrationStatement { line, column, offset, .. } = *statement;
        Place::at(script, (line, column), offset)
    }

    /// A line and column of the script's file.
    pub fn new(script: &Script, line: u32, column: u32) -> Self {
        let at = usize::try_from(line.saturating_sub(script.first_line)).unwrap_or(usize::MAX);
        let mut offset = script.text.split_inclusive('\n').take(at).map(str::len).sum::<usize>();
        let within = usize::try_from(column).unwrap_or(1).saturating_sub(1);
        let text = script.text[offset..].split('\n').next().unwrap_or_default();
        offset += text.char_indices().nth(within).map_or(text.len(), |(at, _)| at);
        Place::at(script, (line, column), offset)
    }

    /// The place of a character of the statement, from 1, as the server counts; its beginning where
    /// the server says nothing.
    pub fn within(script: &Script, statement: &MigrationStatement, position: Option<u32>) -> Self {
        let begin = Place::of_statement(script, statement);
        let Some(position) = position else {
            return begin;
        };
        let position = usize::try_from(position).unwrap_or(1).saturating_sub(1);
        let inner = statement
            .text
            .char_indices()
            .nth(position)
            .map(|(offset, _)| offset)
            .unwrap_or(statement.text.len());
        let before = &statement.text[..inner];
        let lines = number(before.matches('\n').count());
        let column = match before.rfind('\n') {
            Some(end) => number(before[end + 1..].chars().count()) + 1,
            None => begin.at.column + number(before.chars().count()),
        };
        Place::at(script, (begin.at.line + lines, column), statement.offset + inner)
    }

    /// How many characters of `text` stand before the place.
    pub fn before(&self) -> usize {
        usize::try_from(self.at.column.saturating_sub(self.from)).unwrap_or_default()
    }
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
