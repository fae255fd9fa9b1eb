//! Which statements are pgtend's own: the whole text of one of its queries, and of nothing else. A
//! comment at the beginning says nothing, because any role can write it.

use std::sync::OnceLock;

use squawk_lexer::{TokenKind, tokenize};

/// The queries, as they are before what stands in braces is put in.
const QUERIES: &[&str] = include!(concat!(env!("OUT_DIR"), "/queries.rs"));

/// Those that are too short for a file.
const SHORT: [&str; 11] = [
    "SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) AS now_epoch",
    "SELECT pg_catalog.pg_advisory_xact_lock($1, $2)",
    "SELECT pg_catalog.pg_try_advisory_lock($1, $2)",
    "SELECT pg_catalog.pg_advisory_unlock($1, $2)",
    "SELECT pg_catalog.pg_cancel_backend($1)",
    "SELECT pg_catalog.pg_stat_force_next_flush()",
    "SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = $1",
    "SELECT pg_catalog.set_config('search_path', $1, $2)",
    "SELECT pg_catalog.pg_get_viewdef($1::pg_catalog.oid)",
    "SELECT pg_catalog.pg_get_viewdef($1::pg_catalog.regclass)",
    "INSERT INTO pgtend.version (version, pgtend_version, made_schema) VALUES ($1, $2, $3)",
];

/// Whether the text is one of pgtend's queries, as the server keeps it: with other words for its
/// constants, and from 18 on without the comment before it.
pub fn is_own(text: &str) -> bool {
    static PATTERNS: OnceLock<Vec<Vec<String>>> = OnceLock::new();
    let patterns =
        PATTERNS.get_or_init(|| QUERIES.iter().chain(&SHORT).map(|query| pattern(query)).collect());
    const BEGINNINGS: [&str; 4] = [
        "SELECT pg_catalog.pg_backend_pid()",
        "SAVEPOINT pgtend_",
        "RELEASE SAVEPOINT pgtend_",
        "ROLLBACK TO SAVEPOINT pgtend_",
    ];
    // The last one asks a twin's tables for the ends of columns, by names that differ.
    if BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
        || text.contains(" AS pgtend_end, ")
    {
        return true;
    }
    let skeleton = skeleton(text);
    patterns.iter().any(|pattern| fits(&skeleton, pattern))
}

/// What the application asks for, by its first word; all else is utility: DDL, maintenance, transactions.
const ASKING: [&str; 14] = [
    "select", "insert", "update", "delete", "merge", "with", "values", "table", "call", "execute",
    "fetch", "copy", "declare", "move",
];

/// Whether the text is a utility statement, such as CREATE INDEX, VACUUM and DO.
pub fn is_utility(text: &str) -> bool {
    let mut at = 0;
    for token in tokenize(text) {
        let end = at + token.len as usize;
        let piece = text.get(at..end).unwrap_or_default();
        at = end;
        if token.kind == TokenKind::Ident {
            return !ASKING.iter().any(|asking| piece.eq_ignore_ascii_case(asking));
        }
    }
    false
}

/// The parts of a query around what is put into it, which stands in braces.
fn pattern(query: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = query;
    let mut searched = 0;
    while let Some(open) = rest[searched..].find('{').map(|at| at + searched) {
        let name = rest[open + 1..].split('}').next().unwrap_or_default();
        let is_place =
            !name.is_empty() && name.chars().all(|char| char.is_ascii_lowercase() || char == '_');
        if !is_place {
            searched = open + 1;
            continue;
        }
        parts.push(skeleton(&rest[..open]));
        rest = &rest[open + 1 + name.len() + 1..];
        searched = 0;
    }
    parts.push(skeleton(rest));
    parts
}

/// All parts in their order, the first at the beginning and the last at the end.
fn fits(skeleton: &str, pattern: &[String]) -> bool {
    let (first, middle, last) = match pattern {
        [] => return false,
        [only] => return skeleton == only,
        [first, middle @ .., last] => (first, middle, last),
    };
    let Some(mut rest) = skeleton.strip_prefix(first.as_str()) else {
        return false;
    };
    for part in middle {
        let Some((_, after)) = rest.split_once(part.as_str()) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last.as_str())
}

/// The tokens without comments and white space, and with one sign for each constant or parameter with
/// its casts, and for a list of them: PostgreSQL 18 keeps `ARRAY['a'::t, 'b'::t]` as `ARRAY[$1]`.
fn skeleton(text: &str) -> String {
    let pieces = pieces(text);
    let mut skeleton = String::new();
    let mut at = 0;
    while at < pieces.len() {
        if pieces[at] == CONSTANT {
            constant(&mut skeleton);
            at += 1 + casts(&pieces[at + 1..]);
        } else {
            skeleton.push_str(pieces[at]);
            skeleton.push(' ');
            at += 1;
        }
    }
    skeleton
}

/// What stands for a constant; no token of a query is this one.
const CONSTANT: &str = "?constant?";

fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut at = 0;
    for token in tokenize(text) {
        let end = at + token.len as usize;
        let piece = text.get(at..end).unwrap_or_default();
        at = end;
        match token.kind {
            TokenKind::Whitespace
            | TokenKind::LineComment
            | TokenKind::BlockComment { .. }
            | TokenKind::Semi => {}
            TokenKind::Literal { .. } | TokenKind::PositionalParam { .. } => pieces.push(CONSTANT),
            TokenKind::Ident if CONSTANTS.iter().any(|it| piece.eq_ignore_ascii_case(it)) => {
                pieces.push(CONSTANT);
            }
            // What is extracted is a constant for the server.
            TokenKind::Ident if matches!(&pieces[..], [.., extract, "("] if extract.eq_ignore_ascii_case("extract")) =>
            {
                pieces.push(CONSTANT);
            }
            _ => pieces.push(piece),
        }
    }
    pieces
}

/// How many of the pieces are casts, as `::pg_catalog.text[]`, at their beginning.
fn casts(pieces: &[&str]) -> usize {
    let mut count = 0;
    while let [":", ":", _, rest @ ..] = &pieces[count..] {
        count += 3;
        let mut rest = rest;
        if let [".", _, more @ ..] = rest {
            count += 2;
            rest = more;
        }
        if let ["[", "]", ..] = rest {
            count += 2;
        }
    }
    count
}

/// Words that are constants for the server.
const CONSTANTS: [&str; 3] = ["true", "false", "null"];

/// A sign is part of its number for the server.
fn constant(skeleton: &mut String) {
    if skeleton.ends_with("- ") {
        skeleton.truncate(skeleton.len() - "- ".len());
    }
    match skeleton.ends_with("? , ") {
        true => skeleton.truncate(skeleton.len() - ", ".len()),
        false => skeleton.push_str("? "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_is_known_as_the_server_keeps_it() {
        assert!(QUERIES.len() > 50);
        for query in QUERIES {
            let mut sent = query.replace("{schema}", "app").replace("{key}", "s.dbid, 1 AS a");
            for place in ["counters", "readings", "carrier"] {
                sent = sent.replace(&format!("{{{place}}}"), "s.a, (SELECT 1 AS b)");
            }
            assert!(is_own(&sent), "{query}");
            let code = sent.lines().filter(|line| !line.trim_start().starts_with("--"));
            assert!(is_own(&code.collect::<Vec<_>>().join("\n")), "{query}");
        }
    }

    #[test]
    fn what_is_extracted_is_a_constant() {
        let text = "SELECT EXTRACT(EPOCH FROM a.b) FROM a";
        assert_eq!(skeleton(text), skeleton("SELECT EXTRACT($1 FROM a.b) FROM a"));
    }

    #[test]
    fn constants_are_as_good_as_parameters() {
        let text = "SELECT a, -1 FROM t WHERE b IN (1, 'x', NULL) AND c IS NOT NULL LIMIT 5;";
        let kept = "SELECT a, $1 FROM t WHERE b IN ($2 /*, ... */) AND c IS NOT NULL LIMIT $3";
        assert_eq!(skeleton(text), skeleton(kept));
        assert_ne!(skeleton(text), skeleton("SELECT a, $1 FROM u"));
    }

    #[test]
    fn a_list_of_casts_is_one_constant_from_18_on() {
        let text =
            "SELECT a::b, 'x'::s.t::s.u FROM t WHERE b = ANY (ARRAY['c'::p.\"char\", 'd'::t[]])";
        let kept = "SELECT a::b, $1 FROM t WHERE b = ANY (ARRAY[$2 /*, ... */])";
        assert_eq!(skeleton(text), skeleton(kept));
    }

    #[test]
    fn a_comment_like_ours_says_nothing() {
        let text = "-- The texts.\n-- Privilege: none. Cost: none.\nSELECT pg_sleep($1)";
        assert!(!is_own(text));
        assert!(!is_own(""));
    }
}
