//! The way to the parser. It and its trees are recursive, so that a text that nests without end
//! would end the process; and errors in a deep tree are searched for in the square of its depth.

pub mod lexer;
mod names;
mod replaced;

use std::{fmt, thread};

pub use names::names_in;
pub use replaced::replaced;
use squawk_syntax::ast::Stmt;
use squawk_syntax::syntax_error::SyntaxError;
use squawk_syntax::{Parse, SourceFile};

use lexer::{Lexer, TokenKind};

/// So deep a text may nest, counted in words: 1,000 calls in each other. The server gives up at
/// 4,000 calls, 2,000 selects, 10,000 parentheses (max_stack_depth 2MB, YYMAXDEPTH 10000). To go so far
/// takes seconds of computing for each text: whenever the parser's cache of nodes grows, it hashes
/// each of them to the bottom, which is the square of the depth. And those who go through a tree on
/// the first thread have 8 MiB of stack.
const DEEPEST: usize = 2_000;

/// Up to here any thread has stack enough.
const SHALLOW: usize = 100;

/// What the deepest text needs, in a build without optimisation. What is not used is only reserved.
const STACK: usize = 256 << 20;

/// Strings may hold SQL which holds strings; the parser follows them.
const DEEPEST_STRINGS: usize = 8;

/// So many quotes without an end are looked behind, each to the end of the text.
const MOST_UNENDED: usize = 16;

/// The largest statement that is parsed; its tree takes thirty times as much.
const LARGEST: usize = 8 << 20;

/// A text that is not given to the parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMuch {
    pub why: Why,
    /// The byte at which the statement begins that is too much.
    pub at: usize,
}

/// Why a text is not given to the parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It nests too deeply.
    Deep,
    /// One statement is too large.
    Large,
    /// The system gives no thread with a stack for it.
    NoStack,
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why {
            Why::Deep => {
                write!(
                    f,
                    "the statement nests more than {DEEPEST} words deep; pgtend reads no more"
                )
            }
            Why::Large => {
                let largest = LARGEST >> 20;
                write!(f, "the statement is larger than {largest} MiB; pgtend reads no more")
            }
            Why::NoStack => f.write_str("there is no memory to read a statement as deep as this"),
        }
    }
}

/// What is wrong at which byte, as psql says it: `near "INDX"`. The parser's own words name its tokens.
pub fn near(text: &str, error: &SyntaxError) -> (usize, String) {
    let start = usize::from(error.range().start()).min(text.len());
    let mut words = words_from(text, start);
    let first = words.next();
    // The parser stumbles over the verb where it does not know what comes after it.
    let is_verb =
        |word: &str| ["create", "alter", "drop"].iter().any(|verb| word.eq_ignore_ascii_case(verb));
    let said = error.to_string();
    let found = match first {
        Some((_, verb)) if is_verb(verb) && said.starts_with("expected command") => {
            words.next().or(first)
        }
        other => other,
    };
    let missing = said
        .strip_prefix("missing ")
        .filter(|what| !what.contains('_'))
        .map(|what| format!(": missing {what}"))
        .unwrap_or_default();
    match found {
        Some((at, word)) => (at, format!("syntax error near \"{word}\"{missing}")),
        None => (start, format!("syntax error at the end{missing}")),
    }
}

/// The words and signs from a byte on, and where they stand.
fn words_from(text: &str, start: usize) -> impl Iterator<Item = (usize, &str)> {
    let rest = text.get(start..).unwrap_or_default();
    let mut at = start;
    let pieces = squawk_lexer::tokenize(rest).map(move |token| {
        let from = at;
        at += token.len as usize;
        (from, at, token.kind)
    });
    let is_word = |kind: &squawk_lexer::TokenKind| {
        use squawk_lexer::TokenKind::{BlockComment, LineComment, Whitespace};
        !matches!(kind, Whitespace | LineComment | BlockComment { .. })
    };
    pieces
        .filter(move |(_, _, kind)| is_word(kind))
        .filter_map(|(from, to, _)| Some((from, text.get(from..to)?)))
}

/// A text that was parsed.
#[derive(Debug, Clone)]
pub struct Parsed {
    parse: Parse<SourceFile>,
    errors: Vec<SyntaxError>,
}

impl Parsed {
    pub fn tree(&self) -> SourceFile {
        self.parse.tree()
    }

    /// Its statements, without empty ones.
    pub fn statements(&self) -> impl Iterator<Item = Stmt> {
        self.tree().stmts().filter(|statement| !matches!(statement, Stmt::EmptyStmt(_)))
    }

    /// What is wrong with it, in the order of the text.
    pub fn errors(&self) -> &[SyntaxError] {
        &self.errors
    }

    /// As the linter takes it.
    pub fn parse(&self) -> &Parse<SourceFile> {
        &self.parse
    }
}

/// Parses the text, for those who go through the tree on the program's first thread. It has stack
/// enough for that, as [`read`] has on any.
///
/// # Errors
/// Where it nests too deeply or one statement of it is too large.
pub fn parse(text: &str) -> Result<Parsed, TooMuch> {
    read(text, Parsed::clone)
}

/// Parses the text, goes through its tree and drops it.
///
/// # Errors
/// Where it nests too deeply or one statement of it is too large.
pub fn read<T: Send>(text: &str, work: impl FnOnce(&Parsed) -> T + Send) -> Result<T, TooMuch> {
    if nesting(text, 0)? <= SHALLOW {
        return Ok(work(&parse_here(text)));
    }
    let refused = |why| TooMuch { why, at: 0 };
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, || work(&parse_here(text)));
        thread
            .map_err(|_| refused(Why::NoStack))?
            .join()
            .map_err(|_| refused(Why::Deep))
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that has looked at the text before"
)]
fn parse_here(text: &str) -> Parsed {
    let parse = SourceFile::parse(text);
    let errors = parse.errors();
    Parsed { parse, errors }
}

/// How deep the text nests at its deepest.
fn nesting(text: &str, strings: usize) -> Result<usize, TooMuch> {
    let mut nesting = Nesting::default();
    let mut deepest = 0;
    let mut first = None;
    let mut lexer = Lexer::new(text);
    let mut unended = 0;
    loop {
        let token = match lexer.token() {
            Ok(Some(token)) => token,
            Ok(None) => break,
            // The parser may read on behind the quote.
            Err(error) if unended < MOST_UNENDED => {
                unended += 1;
                lexer.go_to(error.start + 1);
                continue;
            }
            Err(error) => return Err(TooMuch { why: Why::Deep, at: error.start }),
        };
        let at = first.get_or_insert(token).start;
        nesting.add(token.kind, token.text(text));
        // Within a body all strings count, in other statements they are data.
        let may_be_body =
            strings > 0 || first.is_some_and(|first| is_any(first.text(text), &["create", "do"]));
        let within = match token.kind {
            TokenKind::Text if may_be_body => nesting_in_string(token.text(text), strings),
            _ => 0,
        };
        deepest = deepest.max(nesting.sum + within);
        if deepest > DEEPEST {
            return Err(TooMuch { why: Why::Deep, at });
        }
        if token.end - at > LARGEST {
            return Err(TooMuch { why: Why::Large, at });
        }
        if token.kind == TokenKind::Semicolon && nesting.levels.is_empty() {
            first = None;
        }
    }
    Ok(deepest)
}

/// A string may be the body of a function, and escapes may hide what it says.
fn nesting_in_string(literal: &str, strings: usize) -> usize {
    if strings == DEEPEST_STRINGS {
        return literal.len();
    }
    let escapes = literal.bytes().filter(|byte| *byte == b'\\').count();
    let quote = literal.find(['\'', '$']).unwrap_or(0);
    let delimiter = match literal[quote..].strip_prefix('$').and_then(|rest| rest.find('$')) {
        Some(tag) => tag + 2,
        None => 1,
    };
    let end = literal.len().saturating_sub(delimiter);
    let inner = literal.get(quote + delimiter..end).unwrap_or_default();
    nesting(inner, strings + 1).unwrap_or(usize::MAX / 2).saturating_add(escapes)
}

/// How deep the tree of what was read can be at most: a node below another has at least one word
/// of its own, and what is closed or stands before a comma or an OR is not above what follows.
#[derive(Default)]
struct Nesting {
    levels: Vec<Level>,
    here: Level,
    sum: usize,
}

/// What stands between two brackets.
#[derive(Default, Clone, Copy)]
struct Level {
    /// Words since the last comma.
    since_comma: usize,
    /// Of these, words since the last AND or OR, which themselves count.
    since_or: usize,
    /// Words that nest also across commas.
    nests: usize,
}

impl Level {
    fn depth(self) -> usize {
        self.since_comma + self.since_or + self.nests
    }
}

/// `SELECT a, b UNION SELECT a, b UNION …`, `CASE WHEN a OR CASE WHEN b OR …`
const NESTS: [&str; 20] = [
    "begin",
    "case",
    "create",
    "delete",
    "do",
    "else",
    "except",
    "explain",
    "if",
    "insert",
    "intersect",
    "join",
    "loop",
    "merge",
    "on",
    "select",
    "then",
    "union",
    "update",
    "with",
];

impl Nesting {
    fn add(&mut self, kind: TokenKind, token: &str) {
        let before = self.here.depth();
        match kind {
            TokenKind::Open(_) => {
                self.here.since_or += 1;
                self.levels.push(self.here);
                self.sum += 1;
                self.here = Level::default();
                return;
            }
            TokenKind::Close(_) => {
                self.sum -= before;
                self.here = self.levels.pop().unwrap_or_default();
                if self.levels.is_empty() {
                    self.sum = self.here.depth();
                }
                return;
            }
            TokenKind::Comma => self.here = Level { nests: self.here.nests, ..Level::default() },
            TokenKind::Semicolon => self.here = Level::default(),
            TokenKind::Word if is_any(token, &["and", "or"]) => {
                self.here.since_comma += 1;
                self.here.since_or = 0;
            }
            TokenKind::Word if is_any(token, &NESTS) => self.here.nests += 1,
            _ => self.here.since_or += 1,
        }
        self.sum = self.sum + self.here.depth() - before;
    }
}

fn is_any(word: &str, keywords: &[&str]) -> bool {
    keywords.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use squawk_syntax::ast::AstNode;

    use super::*;

    /// What nests: what stands before, what is repeated, what stands between, what is repeated.
    const KINDS: [[&str; 4]; 48] = [
        ["select ", "(", "1", ")"],
        ["select ", "abs(", "1", ")"],
        ["select ", "(select ", "1", ")"],
        ["select ", "array[", "1", "]"],
        ["select ", "case when true then ", "1", " end"],
        ["select ", "case when a or ", "1", " then 1 end"],
        ["select ", "not ", "1", ""],
        ["select ", "- ", "1", ""],
        ["select ", "row(1, ", "1", ")"],
        ["select ", "exists (select 1, 2 where ", "1", ")"],
        ["select 1 ", "from (select 1 ", "", ") x"],
        ["select 1 from ", "((a join b on true) join (", "a", "))"],
        ["select ", "cast(", "1", " as int)"],
        ["select ", "x.y(a => ", "1", ")"],
        ["select 1", " or true", "", ""],
        ["select 1", " and a = b", "", ""],
        ["select 1", " + 1", "", ""],
        ["select 1", " || 'a'", "", ""],
        ["select 1", "::int", "", ""],
        ["select a", "[1:2]", "", ""],
        ["select 1", " union select 1, 2", "", ""],
        ["select 1", " collate \"C\"", "", ""],
        ["select 1", " between 1 and 2", "", ""],
        ["select 1", " is null", "", ""],
        ["select 1", " at time zone 'x'", "", ""],
        ["select 1 from a ", "join b on true ", "", ""],
        ["select 1 from a ", "left join b on a or b, c ", "", ""],
        ["select 1 from a ", "join b ", "", "on true "],
        ["", "(", "", ""],
        ["", "select ", "", ""],
        ["", "with a as (", "", ""],
        ["", "explain ", "", ""],
        ["", "begin ", "", ""],
        ["", "create rule a as on insert to b do ", "", ""],
        ["create function f() returns int language sql as $$select ", "(", "", "$$"],
        ["create function f() returns int language sql as 'select ", "1 + ", "1", "'"],
        ["create function f() returns int language sql as e'select ", r"\050", "1", "'"],
        [
            "create function f() returns int language plpgsql as $$begin ",
            "if a then ",
            "$$",
            "",
        ],
        ["create function f() returns int language plpgsql as $$", "begin ", "$$", ""],
        ["do $$", "<<a>> begin loop ", "$$", ""],
        ["create function f() returns int begin atomic ", "begin ", "", ""],
        ["create index i on t (a) where ", "not ", "true", ""],
        ["create table t (a int check (", "(", "", ""],
        ["alter table t ", "add a int default ( ", "", ""],
        ["select json_table(a, '$' columns (", "nested path '$' columns (", "", ""],
        ["select ", "{", "", ""],
        ["select * from ", "xmltable(", "", ""],
        ["select 'a", "' || $a$ $b$ '", "", ""],
    ];

    fn nested([begin, open, middle, close]: [&str; 4], times: usize) -> String {
        format!("{begin}{}{middle}{}", open.repeat(times), close.repeat(times))
    }

    /// The deepest of each kind that is let through is survived: parsed, searched for errors, gone
    /// through and dropped.
    #[test]
    fn what_is_let_through_needs_no_more_than_the_stack() {
        for kind in KINDS {
            let passes = |times: usize| nesting(&nested(kind, times), 0).is_ok();
            let (mut passing, mut refused) = (1, DEEPEST + 1);
            while refused - passing > 1 {
                let middle = usize::midpoint(passing, refused);
                *(if passes(middle) { &mut passing } else { &mut refused }) = middle;
            }
            let started = Instant::now();
            let nodes =
                read(&nested(kind, passing), |parsed| parsed.tree().syntax().descendants().count());
            assert!(nodes.unwrap() > 0, "{kind:?}");
            let took = started.elapsed();
            assert!(took < Duration::from_secs(30), "{passing} times {kind:?} took {took:?}");
        }
    }

    #[test]
    fn what_nests_deeper_or_is_larger_is_refused_at_once() {
        let started = Instant::now();
        for kind in KINDS {
            assert!(nesting(&nested(kind, 300_000), 0).is_err(), "{kind:?}");
        }
        let large = TooMuch { why: Why::Large, at: 1 };
        assert_eq!(nesting(&format!(";{}", "a".repeat(LARGEST + 1)), 0).map(|_| ()), Err(large));
        assert!(started.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn a_long_flat_text_is_not_deep() {
        for (begin, item) in [
            ("select a in (1", ", 1"),
            ("values (1)", ", (1, 2, 'a')"),
            ("select 1;", "create index i on t (a, lower(b)) where c = 1 and d;"),
            ("create table t (a int", ", b text not null default 'x'"),
        ] {
            let text = format!("{begin}{}", item.repeat(2_000));
            assert_eq!(nesting(&text, 0).map(|depth| depth < DEEPEST), Ok(true), "{begin}");
        }
    }
}
