//! Tools that do not know SQL: a line that ends in a semicolon ends a statement, unless markers
//! around it say otherwise.

use std::ops::Range;
use std::path::Path;

use super::order::Direction;
use super::sections::{FileSection, SectionLine, lines};
use super::{invalid_at, sections};
use crate::failure::{Failure, Result};

/// How a tool of the kind reads a file.
pub struct Dialect {
    pub tool: &'static str,
    /// What its markers begin with, such as `+goose`.
    pub mark: &'static str,
    /// Whether markers are known in any case.
    pub any_case: bool,
    /// What it does with what stands behind the last semicolon.
    pub leftover: Unsplit,
}

/// What becomes of a statement that no semicolon ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsplit {
    /// The tool refuses the file.
    Refused,
    /// The tool does not run it, and does not say so.
    Dropped,
}

/// What a marker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// `Up` and `Down`, with what follows.
    Section(Direction, String),
    /// `StatementBegin`.
    Begin,
    /// `StatementEnd`.
    End,
    /// Anything else, in small letters.
    Other(String),
}

/// A file, taken apart.
pub struct Split {
    /// In their order.
    pub sections: Vec<FileSection>,
    /// The bytes of the messages that lead either way.
    pub up: Vec<Range<usize>>,
    /// Those that take back.
    pub down: Vec<Range<usize>>,
    /// What the tool does not run, although it stands in a section.
    pub dropped: Vec<Range<usize>>,
    /// Whether a marker said so.
    pub marks: Vec<(u32, String)>,
    /// What stands before the first marker.
    pub before: Range<usize>,
}

impl Dialect {
    /// What the line is to the tool, if it is a marker.
    pub fn mark(&self, line: &str) -> Option<Mark> {
        let rest = line.strip_prefix("--")?.trim_start().strip_prefix(self.mark)?.trim();
        let (word, options) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let is = |name: &str| match self.any_case {
            true => word.eq_ignore_ascii_case(name),
            false => word == name,
        };
        let lowered = options.trim().to_ascii_lowercase();
        Some(match () {
            () if is("Up") => Mark::Section(Direction::Up, lowered),
            () if is("Down") => Mark::Section(Direction::Down, lowered),
            () if is("StatementBegin") => Mark::Begin,
            () if is("StatementEnd") => Mark::End,
            () => Mark::Other(rest.to_ascii_lowercase()),
        })
    }

    /// Whether a line of the text is one of its section markers.
    pub fn begins_section(&self, line: &str) -> bool {
        matches!(self.mark(line), Some(Mark::Section(..)))
    }

    /// Takes the file apart.
    ///
    /// # Errors
    /// `Declaration` where the tool refuses it.
    pub fn split(&self, file: &Path, text: &str) -> Result<Split> {
        let section = |line: &str| match self.mark(line)? {
            Mark::Section(direction, options) => Some((direction, options)),
            _ => None,
        };
        let (before, sections) = sections::sections(text, section);
        let mut split = Split {
            sections,
            up: vec![],
            down: vec![],
            dropped: vec![],
            marks: vec![],
            before,
        };
        let mut course = SplitCourse { dialect: self, file, at: None, open: None, is_body: false };
        for line in lines(text) {
            course.line(line, &mut split)?;
        }
        course.end(text.len(), &mut split)?;
        Ok(split)
    }
}

/// What was read of the file so far.
struct SplitCourse<'a> {
    dialect: &'a Dialect,
    file: &'a Path,
    at: Option<Direction>,
    /// The beginning of the statement that is not ended yet, and its line.
    open: Option<(usize, u32)>,
    /// Between StatementBegin and StatementEnd.
    is_body: bool,
}

impl SplitCourse<'_> {
    fn line(&mut self, line: SectionLine<'_>, split: &mut Split) -> Result<()> {
        match self.dialect.mark(line.text) {
            Some(Mark::Section(direction, _)) => {
                self.end(line.start, split)?;
                self.at = Some(direction);
                return Ok(());
            }
            Some(Mark::Begin) => {
                // What stands before it belongs to the same statement.
                self.is_body = self.at.is_some();
                return Ok(());
            }
            Some(Mark::End) => {
                if std::mem::take(&mut self.is_body) {
                    self.close(line.start, split);
                }
                return Ok(());
            }
            Some(Mark::Other(words)) => {
                split.marks.push((line.number, words));
                return Ok(());
            }
            None => {}
        }
        let trimmed = line.text.trim();
        if self.at.is_none() || (self.open.is_none() && (trimmed.is_empty() || is_comment(trimmed)))
        {
            return Ok(());
        }
        self.open = self.open.or(Some((line.start, line.number)));
        if !self.is_body && ends_statement(trimmed) {
            self.close(line.end, split);
        }
        Ok(())
    }

    fn close(&mut self, end: usize, split: &mut Split) {
        let Some((begin, _)) = self.open.take() else {
            return;
        };
        match self.at {
            Some(Direction::Down) => split.down.push(begin..end),
            _ => split.up.push(begin..end),
        }
    }

    /// A section ends, or the file.
    fn end(&mut self, at: usize, split: &mut Split) -> Result<()> {
        let Dialect { tool, mark, leftover, .. } = self.dialect;
        if std::mem::take(&mut self.is_body) {
            let line = self.open.map_or(1, |(_, line)| line);
            return Err(invalid_at(
                self.file,
                line,
                format!("`-- {mark} StatementEnd` is missing"),
            )
            .hint("add the line below the statement"));
        }
        let Some((begin, line)) = self.open.take() else {
            return Ok(());
        };
        match leftover {
            Unsplit::Refused => Err(unended(self.file, line, tool, mark)),
            Unsplit::Dropped => {
                split.dropped.push(begin..at);
                Ok(())
            }
        }
    }
}

fn unended(file: &Path, line: u32, tool: &str, mark: &str) -> Failure {
    let message = format!("no line from here on ends in a semicolon, so {tool} refuses the file");
    invalid_at(file, line, message).hint(format!(
        "end the statement with a semicolon at the end of its line, or put `-- {mark} StatementBegin` \
         and `-- {mark} StatementEnd` around it"
    ))
}

fn is_comment(line: &str) -> bool {
    line.starts_with("--")
}

/// By words: the last one before a comment.
fn ends_statement(line: &str) -> bool {
    let words = line.split_whitespace().take_while(|word| !word.starts_with("--"));
    words.last().is_some_and(|word| word.ends_with(';'))
}
