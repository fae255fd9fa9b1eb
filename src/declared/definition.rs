//! Changes to the definition of an index, as later statements make them.

use super::statement::name_of;
use crate::pg::name::quote_ident;
use crate::syntax::lexer::{Token, TokenKind, tokens};
use crate::syntax::replaced;

/// The definition in this tablespace, which is quoted where it has to be.
pub fn with_tablespace(definition: &str, tablespace: &str) -> String {
    let tokens = outermost(definition);
    let end = tokens
        .iter()
        .find(|token| token.is(definition, "where"))
        .map_or(definition.len(), |token| token.start);
    let clause = tokens
        .iter()
        .position(|token| token.is(definition, "tablespace") && token.start < end);
    let (head, tail) = match clause.and_then(|at| Some((tokens[at], tokens.get(at + 1)?))) {
        Some((clause, name)) => (&definition[..clause.start], &definition[name.end..]),
        None => definition.split_at(end),
    };
    let parts = [head.trim(), "TABLESPACE", tablespace, tail.trim()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn outermost(definition: &str) -> Vec<Token> {
    let mut depth = 0_usize;
    let is_outside = |token: &Token| {
        match token.kind {
            TokenKind::Open(_) => depth += 1,
            TokenKind::Close(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    };
    tokens(definition).filter(is_outside).collect()
}

/// Words behind which a column may stand.
const BEFORE_COLUMN: [&str; 20] = [
    "all", "and", "any", "between", "by", "case", "distinct", "else", "end", "from", "ilike", "in",
    "is", "like", "not", "on", "or", "then", "when", "where",
];

/// The definition with the column under its new name; `None` where a word might be something else.
pub fn with_column(definition: &str, old: &str, new: &str) -> Option<String> {
    let tokens = tokens(definition).collect::<Vec<_>>();
    let mut columns = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if name_of(*token, definition).is_none_or(|name| name != old) {
            continue;
        }
        let next = tokens.get(at + 1).map(|next| next.text(definition));
        if next == Some("(") {
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let is_column = match before {
            Some(before) => match before.kind {
                TokenKind::Word => BEFORE_COLUMN.iter().any(|word| before.is(definition, word)),
                TokenKind::Open(_) | TokenKind::Comma => true,
                TokenKind::Other => !matches!(before.text(definition), "." | ":" | "::"),
                _ => false,
            },
            None => false,
        };
        if !is_column || next == Some(".") {
            return None;
        }
        columns.push((token.start..token.end, quote_ident(new)));
    }
    Some(replaced(definition, columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tablespace_stands_before_the_predicate() {
        for (definition, wanted) in [
            ("(a)", "(a) TABLESPACE fast"),
            ("(a) TABLESPACE slow", "(a) TABLESPACE fast"),
            (
                "(a) WITH (fillfactor = 70) WHERE b",
                "(a) WITH (fillfactor = 70) TABLESPACE fast WHERE b",
            ),
            (
                "(a) tablespace \"s\" WHERE (tablespace = 'x')",
                "(a) TABLESPACE fast WHERE (tablespace = 'x')",
            ),
        ] {
            assert_eq!(with_tablespace(definition, "fast"), wanted);
        }
    }

    #[test]
    fn a_column_is_renamed_where_it_is_surely_one() {
        for (definition, wanted) in [
            (
                "(a, lower(b)) WHERE a > 0 AND b IS NULL",
                Some("(c, lower(b)) WHERE c > 0 AND b IS NULL"),
            ),
            ("(a(b))", Some("(a(b))")),
            ("(b) INCLUDE (a)", Some("(b) INCLUDE (c)")),
            ("((b || a))", Some("((b || c))")),
            ("(b a)", None),
            ("((b::a))", None),
            ("((t.a))", None),
        ] {
            assert_eq!(with_column(definition, "a", "c").as_deref(), wanted, "{definition}");
        }
    }
}
