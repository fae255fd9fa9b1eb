//! The texts of statements, as far as they can be planned.

use crate::facts::explain::obstacle;
use crate::syntax::lexer::{Token, TokenKind, tokens};
use crate::syntax::replaced;

/// pg_stat_statements makes `interval $1` of `interval '1 day'`, which is no SQL: types that people
/// write before a constant.
const TYPES: [&str; 16] = [
    "cidr",
    "date",
    "inet",
    "interval",
    "json",
    "jsonb",
    "numeric",
    "point",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "tsquery",
    "uuid",
    "xml",
];

/// How many rows a page of a list has: without its constant LIMIT would be taken for a tenth of all
/// rows.
const PAGE_ROWS: &str = "20";

/// The text as the server can parse it. `Err`: why it cannot be planned.
pub fn plannable(text: &str) -> Result<String, String> {
    let text = with_limits(text.trim().trim_end_matches(';'));
    let mended = with_fields(&with_casts(&text));
    match obstacle(&mended) {
        Some(reason) => Err(reason),
        None => Ok(mended),
    }
}

/// `interval $1` becomes `CAST($1 AS interval)`.
fn with_casts(text: &str) -> String {
    let found = tokens(text).collect::<Vec<_>>();
    let casts = found.windows(2).filter_map(|two| match two {
        [of, value] if is_type(*of, text) && value.kind == TokenKind::Parameter => {
            let cast = format!("CAST({} AS {})", value.text(text), of.text(text));
            Some((of.start..value.end, cast))
        }
        _ => None,
    });
    replaced(text, casts)
}

/// pg_stat_statements makes `EXTRACT($1 FROM d)` of `EXTRACT(month FROM d)`, which is no SQL, either: it
/// becomes a call of the function that PostgreSQL has for it since 14.
fn with_fields(text: &str) -> String {
    let found = tokens(text).collect::<Vec<_>>();
    let calls = found.windows(4).filter_map(|four| match four {
        [extract, open, field, from]
            if extract.is(text, "extract")
                && open.text(text) == "("
                && field.kind == TokenKind::Parameter
                && from.is(text, "from") =>
        {
            let call = format!("pg_catalog.extract({},", field.text(text));
            Some((extract.start..from.end, call))
        }
        _ => None,
    });
    replaced(text, calls)
}

/// `LIMIT $3 OFFSET $4` becomes `LIMIT 20 OFFSET 0`, and the other parameters are numbered anew.
fn with_limits(text: &str) -> String {
    let found = tokens(text).collect::<Vec<_>>();
    let stands_behind = |at: usize, word: &str| at > 0 && found[at - 1].is(text, word);
    let mut order: Vec<&str> = Vec::new();
    let numbers = found.iter().enumerate().filter(|(_, token)| token.kind == TokenKind::Parameter);
    let others = numbers
        .clone()
        .filter(|(at, _)| !stands_behind(*at, "limit") && !stands_behind(*at, "offset"));
    for (_, token) in others {
        let name = token.text(text);
        if !order.contains(&name) {
            order.push(name);
        }
    }
    order.sort_by_key(|name| name[1..].parse::<u32>().unwrap_or(u32::MAX));
    let anew = numbers.map(|(at, token)| {
        let new = match token.text(text) {
            _ if stands_behind(at, "limit") => PAGE_ROWS.to_owned(),
            _ if stands_behind(at, "offset") => "0".to_owned(),
            name => {
                let place = order.iter().position(|known| *known == name).unwrap_or(0);
                format!("${}", place + 1)
            }
        };
        (token.start..token.end, new)
    });
    replaced(text, anew)
}

fn is_type(token: Token, text: &str) -> bool {
    TYPES.iter().any(|name| token.is(text, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_before_a_parameter_becomes_a_cast() {
        for (text, mended) in [
            (
                "SELECT now() - interval $1 FROM t WHERE d > date $2",
                "SELECT now() - CAST($1 AS interval) FROM t WHERE d > CAST($2 AS date)",
            ),
            ("SELECT a FROM t WHERE a = $1", "SELECT a FROM t WHERE a = $1"),
            ("SELECT 'interval $1' LIMIT $1", "SELECT 'interval $1' LIMIT $1"),
        ] {
            assert_eq!(with_casts(text), mended);
        }
    }

    #[test]
    fn a_field_that_became_a_parameter_is_an_argument() {
        for (text, mended) in [
            (
                "SELECT EXTRACT($1 FROM d) FROM t WHERE extract($2 from e) = $3",
                "SELECT pg_catalog.extract($1, d) FROM t WHERE pg_catalog.extract($2, e) = $3",
            ),
            ("SELECT EXTRACT(month FROM d) FROM t", "SELECT EXTRACT(month FROM d) FROM t"),
        ] {
            assert_eq!(with_fields(text), mended);
        }
    }

    #[test]
    fn limits_are_those_of_a_page() {
        for (text, mended) in [
            (
                "SELECT a FROM t WHERE b = $2 AND c = $5 LIMIT $3 OFFSET $4",
                "SELECT a FROM t WHERE b = $1 AND c = $2 LIMIT 20 OFFSET 0",
            ),
            ("SELECT $1, $2, $1", "SELECT $1, $2, $1"),
        ] {
            assert_eq!(with_limits(text), mended);
        }
    }

    #[test]
    fn what_is_no_statement_with_a_plan_says_why() {
        assert!(plannable("VACUUM t").unwrap_err().contains("not one SELECT"));
        assert!(plannable("SELECT 1; SELECT 2").is_err());
        assert!(plannable("SELECT interval $1;").is_ok());
    }
}
