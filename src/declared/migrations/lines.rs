//! From bytes of a script to lines and columns of its file.

use super::Script;

/// Where the lines of a script begin: to count them anew for each question would take the square of
/// the script's length.
pub struct Lines<'a> {
    text: &'a str,
    first_line: u32,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Counts them.
    pub fn new(script: &'a Script) -> Self {
        let text = script.text.as_str();
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = [0].into_iter().chain(ends.map(|(at, _)| at + 1)).collect();
        Lines { text, first_line: script.first_line, starts }
    }

    /// The line and the column of a byte in the file, from 1; columns are characters.
    pub fn at(&self, offset: usize) -> (u32, u32) {
        let start = self.starts[self.index(offset)];
        let column = self.text[start..offset].chars().count();
        (self.line(offset), u32::try_from(column).unwrap_or(u32::MAX - 1) + 1)
    }

    /// The line of a byte in the file, from 1.
    pub fn line(&self, offset: usize) -> u32 {
        let index = u32::try_from(self.index(offset)).unwrap_or(u32::MAX);
        self.first_line.saturating_add(index)
    }

    /// The text of the line in which the byte stands.
    pub fn text_at(&self, offset: usize) -> &'a str {
        self.text[self.starts[self.index(offset)]..].lines().next().unwrap_or_default()
    }

    fn index(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset) - 1
    }
}
