//! The rows of COPY … FROM stdin, which stand in the file and are no SQL.

use super::scan::{TextPart, parts};
use super::{Rows, Script};

/// The script with its rows apart from its text.
pub fn apart(script: Script) -> Script {
    if !may_have(&script.text) {
        return script;
    }
    let (mut blanks, mut rows, mut statement) = (Vec::new(), Vec::new(), 0);
    for part in parts(&script.text) {
        match part {
            TextPart::Statement(range, _) => statement = range.start,
            TextPart::Rows { lines, rows: range } => {
                rows.push(Rows { statement, text: script.text[range].to_owned() });
                blanks.push(lines);
            }
            TextPart::Command(_) => {}
        }
    }
    Script { rows, ..script }.without(blanks)
}

/// Most scripts have none, and this is cheaper than to scan them.
fn may_have(text: &str) -> bool {
    text.lines().any(|line| line.trim_end() == "\\.")
}
