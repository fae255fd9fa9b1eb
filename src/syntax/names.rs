//! What may be a name in a text.

use super::lexer::{TokenKind, tokens};

/// Every word of the text that may name something, as the server would read it: words in lower case,
/// quoted names as they stand. Keywords are among them.
pub fn names_in(text: &str) -> impl Iterator<Item = String> {
    tokens(text).filter_map(|token| {
        let word = token.text(text);
        match token.kind {
            TokenKind::Word => Some(word.to_lowercase()),
            TokenKind::QuotedName => {
                let inner = word.strip_prefix('"')?.strip_suffix('"')?;
                Some(inner.replace("\"\"", "\""))
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_the_server_reads_them() {
        let names = names_in("SELECT A.b FROM \"We;ird\".\"Sa\"\"les\" WHERE x = 'no' -- nor this");
        let names = names.collect::<Vec<_>>();
        assert_eq!(names, ["select", "a", "b", "from", "We;ird", "Sa\"les", "where", "x"]);
    }
}
