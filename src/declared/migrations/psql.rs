//! Scripts that psql runs: it has commands of its own, and sends rows.

use std::path::Path;

use super::scan::{TextPart, parts};
use super::tools::ToolReader;
use super::{Script, Wrapping, rows};
use crate::failure::Result;

/// They change nothing about what is sent.
const HARMLESS: [&str; 17] = [
    "restrict",
    "unrestrict",
    "echo",
    "qecho",
    "warn",
    "timing",
    "pset",
    "x",
    "t",
    "a",
    "H",
    "f",
    "encoding",
    "errverbose",
    "conninfo",
    "C",
    "T",
];

/// Variables of psql's that change nothing about what is sent. ON_ERROR_STOP is as if it were set.
const VARIABLES: [&str; 14] = [
    "ON_ERROR_STOP",
    "QUIET",
    "ECHO",
    "ECHO_HIDDEN",
    "VERBOSITY",
    "SHOW_CONTEXT",
    "FETCH_COUNT",
    "HISTFILE",
    "HISTSIZE",
    "HISTCONTROL",
    "COMP_KEYWORD_CASE",
    "PROMPT1",
    "PROMPT2",
    "PROMPT3",
];

/// The script as psql would send it, each statement by itself. Commands that would change what is sent
/// stay in the text, where they are a syntax error.
pub fn script(file: &Path, first_line: u32, text: String, _: &ToolReader<'_>) -> Result<Script> {
    Ok(from(Script::new(file, first_line, text, Wrapping::None)))
}

/// The same of a script that is cut out of its file already.
pub fn from(script: Script) -> Script {
    if !script.text.contains('\\') {
        return script;
    }
    let commands = parts(&script.text)
        .filter_map(|part| match part {
            TextPart::Command(range) if is_harmless(&script.text[range.clone()]) => Some(range),
            _ => None,
        })
        .collect::<Vec<_>>();
    let blanked = script.without(commands);
    rows::apart(blanked)
}

fn is_harmless(command: &str) -> bool {
    // Several may stand on one line; a second one would be passed over with the first.
    if command[1..].contains('\\') {
        return false;
    }
    let mut words = command[1..].split_whitespace();
    let Some(first) = words.next() else {
        return false;
    };
    if matches!(first, "set" | "unset") {
        return words.next().is_some_and(|name| VARIABLES.contains(&name));
    }
    HARMLESS.contains(&first)
}
