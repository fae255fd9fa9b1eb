//! Text of others, so that it does nothing to a terminal: statements and names may hold whatever
//! somebody put into them, also sequences that clear the screen or type for the reader.

use std::borrow::Cow;
use std::io;

use serde::Serialize;

/// The text with each control character in a form that is seen: `\n`, `\u{1b}`.
pub fn escape_control(text: &str) -> Cow<'_, str> {
    replaced(text, is_harmful, |char| char.escape_default().to_string())
}

/// Text of several lines with each control character but line ends and tabs in a form that is seen:
/// what both streams are written through.
pub fn lines(text: &str) -> Cow<'_, str> {
    let harmful = |char| is_harmful(char) && !is_layout(char);
    replaced(text, harmful, |char| char.escape_default().to_string())
}

fn is_layout(char: char) -> bool {
    matches!(char, '\n' | '\t')
}

/// A JSON text with each control character escaped, so that it says the same. The writer escapes only
/// those below the blank, as JSON demands; C1, which some terminals obey too, it lets pass.
pub fn json(text: &str) -> Cow<'_, str> {
    // All of them are in the basic plane. They can only stand within strings.
    replaced(text, is_harmful, |char| format!("\\u{:04x}", u32::from(char)))
}

/// A value as JSON, in one line. What is ours has string keys only, so it can always be written.
pub fn json_line(value: &impl Serialize) -> String {
    let mut line = LineBreaks::default();
    // Writing to memory does not fail.
    drop(serde_json::to_writer(&mut line, value));
    line.0.push('\n');
    line.0
}

/// What is written is made harmless at once: documents can be large, and this way there is one of it.
#[derive(Default)]
struct LineBreaks(String);

impl io::Write for LineBreaks {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let text = str::from_utf8(piece).map_err(io::Error::other)?;
        self.0.push_str(&json(text));
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn replaced(text: &str, wanted: fn(char) -> bool, by: fn(char) -> String) -> Cow<'_, str> {
    if !text.chars().any(wanted) {
        return Cow::Borrowed(text);
    }
    let mut replaced = String::with_capacity(text.len());
    for char in text.chars() {
        match wanted(char) {
            true => replaced.push_str(&by(char)),
            false => replaced.push(char),
        }
    }
    Cow::Owned(replaced)
}

/// Control characters, and those that turn the direction of writing or end a line, with which one
/// statement can be made to look like another.
fn is_harmful(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_made_visible() {
        assert_eq!(escape_control("SELECT 'naïve → 日本 \\ 🏠'"), "SELECT 'naïve → 日本 \\ 🏠'");
        assert_eq!(escape_control("\u{1b}[2Ja\rb\nc\td\u{7}"), "\\u{1b}[2Ja\\rb\\nc\\td\\u{7}");
        assert_eq!(escape_control("\u{9b}2J\u{7f}\u{0}"), "\\u{9b}2J\\u{7f}\\u{0}");
        assert_eq!(escape_control("user\u{202e}nimda"), "user\\u{202e}nimda");
    }

    #[test]
    fn a_stream_keeps_its_lines() {
        assert_eq!(lines("a\n\tb\r\u{1b}[2J\u{9b}1m"), "a\n\tb\\r\\u{1b}[2J\\u{9b}1m");
    }

    #[test]
    fn json_says_the_same() {
        let wild = "\u{1b}[2J\u{9b}\u{7f}\u{202e}日本\n\"\\";
        let text = serde_json::to_string(wild).unwrap();
        let escape_control = json(&text);
        assert!(!escape_control.chars().any(is_harmful), "{escape_control}");
        assert_eq!(serde_json::from_str::<String>(&escape_control).unwrap(), wild);
        assert_eq!(json("{\"a\": \"é\"}"), "{\"a\": \"é\"}");
    }
}
