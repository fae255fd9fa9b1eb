//! What an index holds, read from its definition as the server prints it.

use std::collections::BTreeSet;

use crate::syntax::lexer::{Token, TokenKind, tokens};

/// The parts of `(a, b DESC) INCLUDE (c) WHERE (d IS NULL)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexShape {
    /// `btree`, `gin` …
    pub method: String,
    /// Each with its operator class and order.
    pub keys: Vec<String>,
    pub included: BTreeSet<String>,
    /// `WHERE …`
    pub predicate: String,
}

impl IndexShape {
    /// Of what follows `USING`; a B-tree may go without its name.
    pub fn read(definition: &str) -> IndexShape {
        let found = tokens(definition).collect::<Vec<_>>();
        let first = found.iter().position(|token| token.kind == TokenKind::Open(b'('));
        let method = match first {
            Some(0) | None => "btree".to_owned(),
            Some(_) => found[0].text(definition).to_lowercase(),
        };
        let (keys, after) = listed(definition, &found, first.unwrap_or(0));
        let includes = found.get(after).is_some_and(|token| token.is(definition, "include"));
        let (included, after) = match includes {
            true => listed(definition, &found, after + 1),
            false => (Vec::new(), after),
        };
        let mut behind = found.iter().skip(after);
        let predicate = behind.find(|token| token.is(definition, "where"));
        IndexShape {
            method,
            keys,
            included: included.into_iter().collect(),
            predicate: predicate.map_or("", |token| &definition[token.start..]).to_owned(),
        }
    }

    /// The column or expression that it begins with, in whatever order and operator class.
    pub fn leading(&self) -> &str {
        let mut leading = self.keys.first().map_or("", String::as_str);
        while let Some((rest, last)) = leading.rsplit_once(' ')
            && (["DESC", "NULLS", "FIRST", "LAST"].contains(&last) || last.ends_with("_ops"))
        {
            leading = rest;
        }
        leading
    }

    /// Whether it serves all that the other one serves, and more: it begins with the same keys.
    pub fn extends(&self, other: &IndexShape) -> bool {
        let has = |column: &String| self.included.contains(column) || self.keys.contains(column);
        self != other
            && self.method == "btree"
            && other.method == "btree"
            && self.predicate == other.predicate
            && self.keys.starts_with(&other.keys)
            && other.included.iter().all(has)
    }
}

/// The items of a list in parentheses, and the place behind it.
fn listed(text: &str, found: &[Token], open: usize) -> (Vec<String>, usize) {
    let (mut items, mut depth) = (Vec::new(), 0_usize);
    let mut start = found.get(open).map_or(0, |token| token.end);
    for (at, token) in found.iter().enumerate().skip(open) {
        match token.kind {
            TokenKind::Open(_) => depth += 1,
            TokenKind::Close(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        let ends = depth == 0 && matches!(token.kind, TokenKind::Close(_));
        if ends || (depth == 1 && token.kind == TokenKind::Comma) {
            items.push(text[start..token.start].trim().to_owned());
            start = token.end;
        }
        if ends {
            return (items, at + 1);
        }
    }
    (items, found.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_taken_apart() {
        let shape = IndexShape::read(
            "(\"a,b\", lower((c)::text) DESC) INCLUDE (d, e) WHERE (x = 'f, (g'::text)",
        );
        assert_eq!(shape.method, "btree");
        assert_eq!(shape.keys, ["\"a,b\"", "lower((c)::text) DESC"]);
        assert_eq!(shape.included, BTreeSet::from(["d".to_owned(), "e".to_owned()]));
        assert_eq!(shape.predicate, "WHERE (x = 'f, (g'::text)");
        assert_eq!(IndexShape::read("gin (a jsonb_path_ops)").method, "gin");
    }

    #[test]
    fn an_index_begins_with_a_column_or_an_expression() {
        let leading = |definition: &str| IndexShape::read(definition).leading().to_owned();
        assert_eq!(leading("(a DESC NULLS LAST, b)"), "a");
        assert_eq!(
            leading("gin (((a || ' _ops'::text)) public.gin_trgm_ops)"),
            "((a || ' _ops'::text))"
        );
        assert_eq!(leading("(\"my ops\" text_pattern_ops)"), "\"my ops\"");
    }

    #[test]
    fn an_index_extends_one_that_it_begins_with() {
        let extends =
            |one: &str, other: &str| IndexShape::read(one).extends(&IndexShape::read(other));
        assert!(extends("(a, b)", "(a)"));
        assert!(extends("(a) INCLUDE (b)", "(a)"));
        assert!(extends("(a, b) INCLUDE (c)", "(a) INCLUDE (b)"));
        assert!(extends("(a, b) WHERE (c > 1)", "(a) WHERE (c > 1)"));
        assert!(extends("btree (a, b)", "(a) WITH (fillfactor='20')"));
        for (one, other) in [
            ("(a)", "(a)"),
            ("(b, a)", "(a)"),
            ("(a DESC, b)", "(a)"),
            ("(a, b) WHERE (c > 1)", "(a)"),
            ("(a, b)", "(a) INCLUDE (c)"),
            ("gin (a, b)", "gin (a)"),
        ] {
            assert!(!extends(one, other), "{one} {other}");
        }
    }
}
