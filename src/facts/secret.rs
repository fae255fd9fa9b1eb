//! Secrets in the texts of statements. pg_stat_statements has parameters for the constants of
//! statements that have a plan (but for one whose counters were given up while it ran); those of the other
//! statements stand in the text as they were sent, and all do where the server says what runs right
//! now. Tokens decide, not patterns: what a comment or a quote looks like to a pattern, the server
//! may read in another way.

use std::borrow::Cow;

use squawk_lexer::{LiteralKind, Token, TokenKind, tokenize};

/// Statements that have a plan.
const PLANNED: [&str; 8] =
    ["select", "insert", "update", "delete", "merge", "with", "values", "table"];

/// In place of a string.
const STRING: &str = "'…'";
/// In place of a value that is no string.
const VALUE: &str = "…";

/// The text of a statement that was counted, without any string; in a statement without a plan also
/// without what else may be a secret: comments, values in double quotes, values of settings that are
/// not the server's own.
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    mask(text, Strings::None)
}

/// The same of what a session sends: the strings of statements that have a plan are left where
/// nothing looks like a secret.
pub fn running_without_secrets(text: &str) -> Cow<'_, str> {
    mask(
        text,
        if looks_secret(text) {
            Strings::None
        } else {
            Strings::OfPlanned
        },
    )
}

/// Which strings are left.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Strings {
    None,
    OfPlanned,
}

fn mask(text: &str, strings: Strings) -> Cow<'_, str> {
    let mut mask = Mask::new(strings);
    let mut at = 0;
    for token in tokenize(text) {
        let end = at + token.len as usize;
        mask.token(token, text.get(at..end).unwrap_or_default());
        at = end;
        if mask.is_cut {
            break;
        }
    }
    mask.end_of_comments(TokenStage::Utility);
    match mask.masked == text {
        true => Cow::Borrowed(text),
        false => Cow::Owned(mask.masked),
    }
}

/// Where in a statement the tokens are.
#[derive(Clone, Copy, PartialEq)]
enum TokenStage {
    /// Before its first word.
    Begin,
    /// In one that has a plan.
    Planned,
    /// In another.
    Utility,
    /// Behind SET: the name of a setting follows.
    Set,
    /// Within that name, which has a dot, as those have that the server does not know.
    Named { dotted: bool },
    /// Behind `=` or TO: its value follows.
    Assigned { dotted: bool },
}

struct Mask {
    strings: Strings,
    place: TokenStage,
    masked: String,
    /// What stands before the first word of a statement, as it is; it depends on that word whether
    /// it stays.
    before: String,
    /// The same without its comments.
    before_masked: String,
    /// Nothing more can be told apart.
    is_cut: bool,
}

impl Mask {
    fn new(strings: Strings) -> Self {
        Mask {
            strings,
            place: TokenStage::Begin,
            masked: String::new(),
            before: String::new(),
            before_masked: String::new(),
            is_cut: false,
        }
    }

    fn token(&mut self, token: Token, piece: &str) {
        match token.kind {
            TokenKind::Whitespace => return self.put(piece, piece),
            TokenKind::LineComment => return self.put(piece, "-- …"),
            TokenKind::BlockComment { .. } => return self.put(piece, "/* … */"),
            TokenKind::Ident => return self.word(piece),
            TokenKind::OpenParen => self.begin(TokenStage::Planned),
            TokenKind::Semi => {
                self.begin(TokenStage::Utility);
                self.place = TokenStage::Begin;
                return self.masked.push_str(piece);
            }
            _ => self.begin(TokenStage::Utility),
        }
        match token.kind {
            TokenKind::Literal { kind } => return self.literal(kind, piece),
            TokenKind::QuotedIdent { terminated, .. } => return self.quoted(terminated, piece),
            TokenKind::Dot => self.place = self.place.behind_dot(),
            TokenKind::Eq => self.place = self.place.behind_name(),
            _ => {}
        }
        self.masked.push_str(piece);
    }

    /// White space and comments.
    fn put(&mut self, piece: &str, shown: &str) {
        match self.place {
            TokenStage::Begin => {
                self.before.push_str(piece);
                self.before_masked.push_str(shown);
            }
            TokenStage::Planned => self.masked.push_str(piece),
            _ => self.masked.push_str(shown),
        }
    }

    /// The statement begins here, unless it has begun before.
    fn begin(&mut self, place: TokenStage) {
        if self.place == TokenStage::Begin {
            self.end_of_comments(place);
            self.place = place;
        }
    }

    fn end_of_comments(&mut self, place: TokenStage) {
        let before = std::mem::take(&mut self.before);
        let masked = std::mem::take(&mut self.before_masked);
        self.masked
            .push_str(if place == TokenStage::Planned { &before } else { &masked });
    }

    fn literal(&mut self, kind: LiteralKind, piece: &str) {
        let is_number = matches!(kind, LiteralKind::Int { .. } | LiteralKind::Numeric { .. });
        let is_left = self.place == TokenStage::Planned && self.strings == Strings::OfPlanned;
        match self.place {
            TokenStage::Assigned { dotted: true } if is_number => self.masked.push_str(VALUE),
            _ if is_number || is_left => self.masked.push_str(piece),
            _ => {
                self.masked.push_str(STRING);
                // With standard_conforming_strings = off the string goes on behind such a quote.
                self.is_cut = matches!(kind, LiteralKind::Str { .. }) && piece.ends_with("\\'");
            }
        }
    }

    fn quoted(&mut self, terminated: bool, piece: &str) {
        let is_value = matches!(self.place, TokenStage::Assigned { .. });
        if is_value || !terminated && self.place != TokenStage::Planned {
            return self.masked.push_str(STRING);
        }
        if self.place == TokenStage::Set {
            self.place = TokenStage::Named { dotted: false };
        }
        self.masked.push_str(piece);
    }

    fn word(&mut self, piece: &str) {
        let word = piece.to_ascii_lowercase();
        let shown = match self.place {
            TokenStage::Assigned { dotted: true } => VALUE,
            _ => piece,
        };
        match self.place {
            TokenStage::Begin => self.begin(TokenStage::beginning_with(&word)),
            TokenStage::Set if matches!(&*word, "session" | "local") => {}
            TokenStage::Set => self.place = TokenStage::Named { dotted: false },
            TokenStage::Named { .. } if word == "to" => self.place = self.place.behind_name(),
            TokenStage::Utility if word == "set" => self.place = TokenStage::Set,
            _ => {}
        }
        self.masked.push_str(shown);
    }
}

impl TokenStage {
    fn beginning_with(word: &str) -> TokenStage {
        match word {
            "set" => TokenStage::Set,
            _ if PLANNED.contains(&word) => TokenStage::Planned,
            _ => TokenStage::Utility,
        }
    }

    fn behind_dot(self) -> TokenStage {
        match self {
            TokenStage::Named { .. } => TokenStage::Named { dotted: true },
            place => place,
        }
    }

    fn behind_name(self) -> TokenStage {
        match self {
            TokenStage::Named { dotted } => TokenStage::Assigned { dotted },
            place => place,
        }
    }
}

/// What a text with a password, a key or the like holds.
fn looks_secret(text: &str) -> bool {
    let lowered = text.to_ascii_lowercase();
    let words = [
        "pass",
        "pwd",
        "secret",
        "token",
        "credential",
        "api_key",
        "apikey",
        "private key",
    ];
    words.iter().any(|word| lowered.contains(word)) || has_password_in_url(&lowered)
}

/// `postgres://user:password@host`.
fn has_password_in_url(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '\'']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_may_be_a_secret_is_left_in_utility_statements() {
        for (text, masked) in [
            ("CREATE ROLE r PASSWORD 'it''s' LOGIN", "CREATE ROLE r PASSWORD '…' LOGIN"),
            ("/* x */ SET app.token = 'abc'", "/* … */ SET app.token = '…'"),
            ("ALTER ROLE r PASSWORD E'a\\'b'", "ALTER ROLE r PASSWORD '…'"),
            ("ALTER ROLE r PASSWORD U&'a\\0061'", "ALTER ROLE r PASSWORD '…'"),
            ("alter role x /* 'p */ password 'p'", "alter role x /* … */ password '…'"),
            ("alter role x -- 'p\n password 'p'", "alter role x -- …\n password '…'"),
            ("alter role x set app.pw to \"p\"", "alter role x set app.pw to '…'"),
            ("ALTER ROLE x SET \"app\".\"pw\" = p", "ALTER ROLE x SET \"app\".\"pw\" = …"),
            ("set app.token = x1", "set app.token = …"),
            ("SET SESSION app.pin TO 1234, p", "SET SESSION app.pin TO …, …"),
            ("SET search_path TO app, \"p\"", "SET search_path TO app, '…'"),
            ("SET LOCAL work_mem = 64", "SET LOCAL work_mem = 64"),
            ("ALTER SYSTEM SET a.b TO p", "ALTER SYSTEM SET a.b TO …"),
            ("DO $body$ BEGIN x('p'); END $body$", "DO '…'"),
            ("DO $p1$ x; $$ $p1$; VACUUM t", "DO '…'; VACUUM t"),
            ("DO $$ x", "DO '…'"),
            ("SET a = 'open", "SET a = '…'"),
            ("SET a = \"open", "SET a = '…'"),
            (
                "CREATE USER MAPPING FOR u SERVER s OPTIONS (password 'p')",
                "CREATE USER MAPPING FOR u SERVER s OPTIONS (password '…')",
            ),
            (
                "CREATE SUBSCRIPTION s CONNECTION 'password=p' PUBLICATION p",
                "CREATE SUBSCRIPTION s CONNECTION '…' PUBLICATION p",
            ),
            ("COPY t FROM PROGRAM 'curl -H p'", "COPY t FROM PROGRAM '…'"),
            ("CALL f(x'AB', b'01', n'p')", "CALL f('…', '…', '…')"),
            ("ALTER ROLE r PASSWORD 'a\\' p'", "ALTER ROLE r PASSWORD '…'"),
            ("/* p", "/* … */"),
            (
                "-- a\nALTER TABLE \"T\" OWNER TO \"R\"",
                "-- …\nALTER TABLE \"T\" OWNER TO \"R\"",
            ),
            ("SELECT 1; ALTER ROLE r PASSWORD 'p'", "SELECT 1; ALTER ROLE r PASSWORD '…'"),
            ("EXPLAIN SELECT 'p'", "EXPLAIN SELECT '…'"),
        ] {
            assert_eq!(without_secrets(text), masked, "{text}");
            assert_eq!(running_without_secrets(text), masked, "{text}");
        }
    }

    #[test]
    fn what_the_server_has_normalised_is_left_as_it_is() {
        for text in [
            "SELECT $1 -- it's",
            "-- it's\nselect \"x\" /* it's */",
            "( SELECT $1)",
            "VACUUM t",
            "",
        ] {
            assert_eq!(without_secrets(text), text);
        }
        // It has not always: a statement whose counters were given up while it ran has constants.
        assert_eq!(
            without_secrets("SELECT dblink_connect('password=p')"),
            "SELECT dblink_connect('…')"
        );
    }

    #[test]
    fn strings_of_running_statements_are_left_unless_something_looks_like_a_secret() {
        let escape_control = "SELECT * FROM t WHERE state = 'open' /* app */";
        assert_eq!(running_without_secrets(escape_control), escape_control);
        for text in [
            "SELECT dblink_connect('host=h password=p')",
            "SELECT set_config('app.token', 'p', false)",
            "SELECT * FROM users WHERE password = 'p'",
            "INSERT INTO s VALUES ('postgres://u:p@h/d')",
        ] {
            let masked = running_without_secrets(text);
            assert!(!masked.contains("p'") && masked.contains("'…'"), "{masked}");
        }
    }
}
