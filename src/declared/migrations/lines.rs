//! From bytes of a script to lines and columns of its file.

use std::ops::Range;

use super::Script;

/// Where the lines of a script begin: to count them anew for each question would take the square of
/// the script's length.
pub struct Lines<'a> {
    text: &'a str,
    first_line: u32,
    starts: Vec<usize>,
    /// How many characters stand before each block: a line may be as long as the script.
    characters: Vec<usize>,
}

/// Bytes a block.
const BLOCK: usize = 1024;

/// Of a line so much before and behind a byte is shown whole.
const SHOWN: usize = 400;

/// Of a longer one, so much before and behind it.
const CUT: (usize, usize) = (80, 160);

impl<'a> Lines<'a> {
    /// Counts them.
    pub fn new(script: &'a Script) -> Self {
        let text = script.text.as_str();
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = [0].into_iter().chain(ends.map(|(at, _)| at + 1)).collect();
        let mut characters = vec![0];
        for block in text.as_bytes().chunks(BLOCK) {
            let before = characters.last().copied().unwrap_or_default();
            characters.push(before + begun(block));
        }
        Lines { text, first_line: script.first_line, starts, characters }
    }

    /// The line and the column of a byte in the file, from 1; columns are characters.
    pub fn at(&self, offset: usize) -> (u32, u32) {
        let start = self.starts[self.index(offset)];
        let column = self.characters_before(offset) - self.characters_before(start);
        (self.line(offset), u32::try_from(column).unwrap_or(u32::MAX - 1) + 1)
    }

    /// The line of a byte in the file, from 1.
    pub fn line(&self, offset: usize) -> u32 {
        let index = u32::try_from(self.index(offset)).unwrap_or(u32::MAX);
        self.first_line.saturating_add(index)
    }

    /// What is shown of the line in which the byte stands.
    pub fn text_at(&self, offset: usize) -> &'a str {
        &self.text[excerpt(self.text, offset)]
    }

    fn index(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset) - 1
    }

    fn characters_before(&self, offset: usize) -> usize {
        let block = offset / BLOCK;
        self.characters[block] + begun(&self.text.as_bytes()[block * BLOCK..offset])
    }
}

/// How many characters begin in it.
fn begun(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

/// What is shown of the line in which the byte stands: all of it, unless it is very long.
pub fn excerpt(text: &str, offset: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let far = offset.saturating_sub(SHOWN);
    let start = match bytes[far..offset].iter().rposition(|byte| *byte == b'\n') {
        Some(end) => far + end + 1,
        None if far == 0 => 0,
        None => offset.saturating_sub(CUT.0),
    };
    let far = bytes.len().min(offset + SHOWN);
    let end = match bytes[offset..far].iter().position(|byte| *byte == b'\n') {
        Some(end) => offset + end,
        None if far == bytes.len() => far,
        None => offset + CUT.1,
    };
    let start = (start..=offset).find(|at| text.is_char_boundary(*at)).unwrap_or(offset);
    let end = (end..=bytes.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(bytes.len());
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declared::migrations::Wrapping;

    #[test]
    fn of_a_long_line_a_part_is_shown() {
        let line = "é".repeat(3000);
        let text = format!("short\n{line}\nshort");
        let script = Script::new("a.sql", 1, text.as_str(), Wrapping::None);
        let lines = Lines::new(&script);
        let offset = "short\n".len() + 2 * 2000;
        assert_eq!(lines.at(offset), (2, 2001));
        assert_eq!(lines.text_at(offset).chars().count(), (CUT.0 + CUT.1) / 2);
        assert_eq!(lines.text_at(2), "short");
        assert_eq!(lines.text_at(text.len()), "short");
        assert_eq!(lines.at(text.len()), (3, 6));
    }
}
