//! Files that hold both directions.

use std::fmt::Display;
use std::ops::Range;
use std::path::Path;

use super::order::Direction;
use super::{Pieces, Script, Wrapping, invalid_at};
use crate::failure::Failure;
use crate::syntax::lexer::{Lexer, TokenKind};

/// A line of a file.
#[derive(Debug, Clone, Copy)]
pub struct SectionLine<'a> {
    /// From 1.
    pub number: u32,
    /// The byte at which it begins.
    pub start: usize,
    /// The byte behind its line break.
    pub end: usize,
    /// Its text, without the line break.
    pub text: &'a str,
}

/// The lines of a text.
pub fn lines(text: &str) -> impl Iterator<Item = SectionLine<'_>> {
    let mut end = 0;
    text.split_inclusive('\n').zip(1..).map(move |(line, number)| {
        let start = end;
        end += line.len();
        SectionLine {
            number,
            start,
            end,
            text: line.trim_end_matches(['\n', '\r']),
        }
    })
}

/// A part of a file that leads one way.
#[derive(Debug, Clone)]
pub struct FileSection {
    pub direction: Direction,
    /// The line of its first byte, from 1.
    pub first_line: u32,
    /// Its bytes, without the marker.
    pub bytes: Range<usize>,
    /// The rest of its marker, in small letters.
    pub options: String,
}

/// The sections below the markers, in their order, and what stands before the first one. A section ends
/// at the next marker.
pub fn sections(
    text: &str,
    marker: impl Fn(&str) -> Option<(Direction, String)>,
) -> (Range<usize>, Vec<FileSection>) {
    let mut found: Vec<FileSection> = Vec::new();
    let mut before = 0..text.len();
    for line in lines(text) {
        let Some((direction, options)) = marker(line.text) else {
            continue;
        };
        match found.last_mut() {
            Some(last) => last.bytes.end = line.start,
            None => before.end = line.start,
        }
        let bytes = line.end..text.len();
        found.push(FileSection { direction, first_line: line.number + 1, bytes, options });
    }
    (before, found)
}

/// The script of the sections that lead one way, which the tool cuts as `pieces` say, if at all, by the
/// bytes of the file; none where there is no such section.
pub fn script(
    file: &Path,
    text: &str,
    sections: &[FileSection],
    direction: Direction,
    wrapping: Wrapping,
    pieces: Option<Pieces>,
) -> Option<Script> {
    let own = sections
        .iter()
        .filter(|section| section.direction == direction)
        .collect::<Vec<_>>();
    let (first, last) = (own.first()?, own.last()?);
    let (begin, end) = (first.bytes.start, last.bytes.end);
    let own_pieces = pieces.map(|pieces| {
        let moved = pieces.ranges.iter().map(|piece| piece.start - begin..piece.end - begin);
        Pieces { ranges: moved.collect(), ..pieces }
    });
    let whole = Script {
        pieces: own_pieces,
        ..Script::new(file, first.first_line, &text[begin..end], wrapping)
    };
    let gaps = own
        .windows(2)
        .map(|pair| pair[0].bytes.end - begin..pair[1].bytes.start - begin);
    Some(if own.len() < 2 { whole } else { whole.without(gaps) })
}

/// The line of the first thing in the text that would be run, from 1.
pub fn first_statement(text: &str) -> Option<u32> {
    let mut lexer = Lexer::new(text);
    let at = loop {
        match lexer.token() {
            Ok(Some(token)) if token.kind == TokenKind::Semicolon => {}
            Ok(Some(token)) => break token.start,
            Ok(None) => return None,
            Err(error) => break error.start,
        }
    };
    lines(text).take_while(|line| line.start <= at).last().map(|line| line.number)
}

/// What is wrong with a file that lacks a marker, said at its first statement.
pub fn without_marker(file: &Path, text: &str, message: impl Display) -> Failure {
    invalid_at(file, first_statement(text).unwrap_or(1), message)
}

/// The words behind the dashes of a comment that begins the line, in small letters.
pub fn comment_words(line: &str) -> Option<Vec<String>> {
    let words = line.strip_prefix("--")?.to_ascii_lowercase();
    Some(words.split_whitespace().map(str::to_owned).collect())
}
