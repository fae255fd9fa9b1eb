//! Putting other words into a text.

use std::ops::Range;

/// The text with something else in place of these parts of it, which come in their order and do not
/// overlap.
pub fn replaced(text: &str, parts: impl IntoIterator<Item = (Range<usize>, String)>) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut copied = 0;
    for (part, new) in parts {
        replaced.push_str(&text[copied..part.start]);
        replaced.push_str(&new);
        copied = part.end;
    }
    replaced.push_str(&text[copied..]);
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays() {
        let parts = [(0..1, "x".to_owned()), (3..3, "-".to_owned()), (4..6, String::new())];
        assert_eq!(replaced("abcdef", parts), "xbc-d");
        assert_eq!(replaced("abc", []), "abc");
    }
}
