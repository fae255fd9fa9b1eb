//! Comments before a statement.

/// The text from the statement's first word on.
pub fn without_leading_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let after = match rest {
            _ if rest.starts_with("/*") => rest.split_once("*/"),
            _ if rest.starts_with("--") => rest.split_once('\n'),
            _ => None,
        };
        match after {
            Some((_, after)) => rest = after.trim_start(),
            None => return rest,
        }
    }
}
