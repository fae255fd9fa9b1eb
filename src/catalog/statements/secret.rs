//! Constants of plannable statements are parameters by the time they are counted. Those of the other
//! statements stand in the text as they were sent, and may be passwords.

use std::borrow::Cow;

use crate::pg::comment::without_leading_comments;

/// Statements whose constants the server has taken out.
const PLANNABLE: [&str; 9] =
    ["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "VALUES", "TABLE", "("];

/// The text with an ellipsis in place of each string where a secret may stand.
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    let start = beginning(text);
    if PLANNABLE.iter().any(|word| start.starts_with(word)) || !text.contains(['\'', '$']) {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = next_string(rest) {
        masked.push_str(before);
        masked.push_str("'…'");
        rest = after;
    }
    masked.push_str(rest);
    Cow::Owned(masked)
}

/// So much of the statement as tells what it is.
fn beginning(text: &str) -> String {
    without_leading_comments(text).chars().take(10).collect::<String>().to_uppercase()
}

/// What stands before the next string, and what behind it.
fn next_string(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    for (at, character) in text.char_indices() {
        match character {
            '\'' => {
                let is_escaped = at > 0 && matches!(bytes[at - 1], b'e' | b'E');
                return Some((&text[..at], &text[quoted_end(text, at + 1, is_escaped)..]));
            }
            '$' => {
                if let Some(end) = dollar_end(&text[at..]) {
                    return Some((&text[..at], &text[at + end..]));
                }
            }
            _ => {}
        }
    }
    None
}

/// Where a string ends that begins here; a doubled quote is two strings, one behind the other.
fn quoted_end(text: &str, from: usize, is_escaped: bool) -> usize {
    let mut is_literal = false;
    for (at, character) in text[from..].char_indices() {
        match character {
            _ if is_literal => is_literal = false,
            '\\' if is_escaped => is_literal = true,
            '\'' => return from + at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Where a string in dollars ends, `$tag$…$tag$`; `None` where there is none.
fn dollar_end(text: &str) -> Option<usize> {
    let close = text[1..].find('$')? + 2;
    let tag = &text[..close];
    let is_tag = tag[1..close - 1].chars().all(|it| it.is_alphabetic() || it == '_');
    is_tag.then(|| text[close..].find(tag).map_or(text.len(), |end| close + end + close))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_utility_statements_are_taken_out() {
        for (text, masked) in [
            ("CREATE ROLE r PASSWORD 'it''s' LOGIN", "CREATE ROLE r PASSWORD '…''…' LOGIN"),
            ("/* x */ SET app.token = 'abc'", "/* x */ SET app.token = '…'"),
            ("ALTER ROLE r PASSWORD E'a\\'b'", "ALTER ROLE r PASSWORD E'…'"),
            ("DO $body$ BEGIN x('p'); END $body$", "DO '…'"),
            ("DO $$ x", "DO '…'"),
            ("SET a = 'open", "SET a = '…'"),
        ] {
            assert_eq!(without_secrets(text), masked, "{text}");
        }
    }

    #[test]
    fn what_the_server_has_normalised_is_left_as_it_is() {
        for text in ["SELECT $1 -- it's", "-- it's\nselect 'x'", "( SELECT $1)", "VACUUM t", ""] {
            assert_eq!(without_secrets(text), text);
        }
    }
}
