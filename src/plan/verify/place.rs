//! Where a finding stands.

use std::path::PathBuf;

use crate::declared::migrations::{Script, Statement};

/// A place in a file of the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as the user named it.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
    /// The line's text.
    pub text: String,
}

impl Place {
    /// The place of a byte of the script.
    pub fn of_offset(script: &Script, offset: usize) -> Self {
        let mut offset = offset.min(script.text.len());
        while !script.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let (before, after) = script.text.split_at(offset);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let end = after.find('\n').map_or(script.text.len(), |end| offset + end);
        Place {
            file: script.file.clone(),
            line: script.first_line + number(before.matches('\n').count()),
            column: number(before[start..].chars().count()) + 1,
            text: script.text[start..end].trim_end().to_owned(),
        }
    }

    /// The place of a character of the script, from 1, as the server counts.
    pub fn of_position(script: &Script, position: u32) -> Self {
        let position = usize::try_from(position).unwrap_or(1).saturating_sub(1);
        let offset = script.text.char_indices().nth(position).map(|(offset, _)| offset);
        Place::of_offset(script, offset.unwrap_or(script.text.len()))
    }

    /// Where the statement begins.
    pub fn of_statement(script: &Script, statement: &Statement) -> Self {
        let start = script.text[..statement.offset].rfind('\n').map_or(0, |end| end + 1);
        let text = script.text[start..].lines().next().unwrap_or_default().trim_end().to_owned();
        let Statement { line, column, .. } = *statement;
        Place { file: script.file.clone(), line, column, text }
    }

    /// A line and column of the script's file.
    pub fn new(script: &Script, line: u32, column: u32) -> Self {
        let at = usize::try_from(line.saturating_sub(script.first_line)).unwrap_or(usize::MAX);
        let text = script.text.lines().nth(at).unwrap_or_default().trim_end().to_owned();
        Place { file: script.file.clone(), line, column, text }
    }

    /// The place of a character of the statement, from 1, as the server counts; its beginning where
    /// the server says nothing.
    pub fn within(script: &Script, statement: &Statement, position: Option<u32>) -> Self {
        let begin = Place::of_statement(script, statement);
        let Some(position) = position else { return begin };
        let alone = Script { text: statement.text.clone(), ..script.clone() };
        let inner = Place::of_position(&alone, position);
        let lines = inner.line.saturating_sub(script.first_line);
        let column = if lines == 0 { begin.column + inner.column - 1 } else { inner.column };
        let text = if lines == 0 { begin.text } else { inner.text };
        Place { file: begin.file, line: begin.line + lines, column, text }
    }
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
