//! What a statement is about by its first words, and its words one after the other. Most statements
//! of a file concern no declaration, and no tree is made of them.

use crate::pg::name::RelationName;
use crate::syntax::lexer::{Token, TokenKind, tokens};

/// What a statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It declares something.
    Declares,
    /// It may take back, rename or move what is declared.
    Alters,
    /// It makes something that only this session sees.
    Temporary,
    /// It changes a setting of the session.
    Sets,
    /// It begins or ends a transaction or a part of one.
    Transacts,
    /// It runs code that its text does not show.
    Runs,
    /// It changes rows or privileges and nothing else.
    Data,
    /// Anything else.
    Other,
}

impl Class {
    /// The statement's.
    pub fn of(text: &str) -> Class {
        let first = tokens(text).take(6).collect::<Vec<_>>();
        let is = |at: usize, keywords: &[&str]| {
            first
                .get(at)
                .is_some_and(|token| keywords.iter().any(|word| token.is(text, word)))
        };
        let has = |keyword: &str| tokens(text).any(|token| token.is(text, keyword));
        let Some(word) = first.first().filter(|token| token.kind == TokenKind::Word) else {
            return if has("set_config") { Class::Sets } else { Class::Other };
        };
        match word.text(text).to_ascii_lowercase().as_str() {
            "create" if is(1, &["index"]) || is(1, &["unique"]) && is(2, &["index"]) => {
                Class::Declares
            }
            "create" if is(1, &["materialized"]) => Class::Declares,
            "create" if is(1, &["schema"]) && has("index") => Class::Declares,
            "create" if (1..5).any(|at| is(at, &["temp", "temporary"])) => Class::Temporary,
            "create" if is(1, &["or"]) && (2..5).any(|at| is(at, &["view"])) => Class::Alters,
            "analyze" | "analyse" | "vacuum" => Class::Declares,
            "comment" if is(2, &["index", "materialized"]) => Class::Declares,
            "drop" | "alter"
                if is(
                    1,
                    &["index", "table", "materialized", "view", "schema", "foreign", "owned"],
                ) =>
            {
                Class::Alters
            }
            "set" | "reset" | "discard" => Class::Sets,
            "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint"
            | "release" => Class::Transacts,
            "prepare" if is(1, &["transaction"]) => Class::Transacts,
            "do" | "call" => Class::Runs,
            _ if has("set_config") => Class::Sets,
            "insert" | "update" | "delete" | "merge" | "copy" | "grant" | "revoke" | "truncate"
            | "notify" | "lock" => Class::Data,
            _ => Class::Other,
        }
    }
}

/// The words of a statement, read one after the other.
pub struct Words<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    at: usize,
}

impl<'t> Words<'t> {
    /// At the statement's beginning.
    pub fn of(text: &'t str) -> Self {
        Words { text, tokens: tokens(text).collect(), at: 0 }
    }

    pub fn text(&self) -> &'t str {
        self.text
    }

    /// Whether all is read.
    pub fn is_at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// The next token, which stays.
    pub fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    pub fn next(&mut self) -> Option<Token> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    /// Reads these keywords, all of them or none.
    pub fn eat(&mut self, keywords: &str) -> bool {
        let mut at = self.at;
        for keyword in keywords.split(' ') {
            if !self.tokens.get(at).is_some_and(|token| token.is(self.text, keyword)) {
                return false;
            }
            at += 1;
        }
        self.at = at;
        true
    }

    /// Reads the first of these keywords that is there.
    pub fn eat_any(&mut self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.eat(keyword))
    }

    /// Reads this character.
    pub fn eat_char(&mut self, char: &str) -> bool {
        let is = self.peek().is_some_and(|token| token.text(self.text) == char);
        self.at += usize::from(is);
        is
    }

    /// Reads a name without schema.
    pub fn part(&mut self) -> Option<String> {
        let token = self.peek()?;
        let name = name_of(token, self.text)?;
        self.at += 1;
        Some(name)
    }

    /// Reads a relation's name.
    pub fn name(&mut self) -> Option<RelationName> {
        let mut name = RelationName::unqualified(self.part()?);
        while self.eat_char(".") {
            name = RelationName::qualified(name.name, self.part()?);
        }
        Some(name)
    }

    /// Reads names with commas between them.
    pub fn names(&mut self) -> Vec<RelationName> {
        let mut names = Vec::new();
        while let Some(name) = self.name() {
            names.push(name);
            self.eat_char("*");
            if !self.eat_char(",") {
                break;
            }
        }
        names
    }

    /// Goes behind the next comma outside of parentheses. Whether there is one.
    pub fn skip_to_comma(&mut self) -> bool {
        let mut depth = 0_usize;
        while let Some(token) = self.next() {
            match token.kind {
                TokenKind::Open(_) => depth += 1,
                TokenKind::Close(_) => depth = depth.saturating_sub(1),
                TokenKind::Comma if depth == 0 => return true,
                _ => {}
            }
        }
        false
    }

    /// Whether the keyword comes yet.
    pub fn has(&self, keyword: &str) -> bool {
        self.tokens.iter().skip(self.at).any(|token| token.is(self.text, keyword))
    }
}

/// What the token names, as the catalog writes it.
pub fn name_of(token: Token, text: &str) -> Option<String> {
    let written = token.text(text);
    match token.kind {
        TokenKind::Word => Some(written.to_ascii_lowercase()),
        TokenKind::QuotedName => match written.strip_prefix('"') {
            Some(rest) => Some(rest.strip_suffix('"').unwrap_or(rest).replace("\"\"", "\"")),
            None => crate::declared::relation_name(written).map(|name| name.name),
        },
        _ => None,
    }
}

/// What a plain string says; `None` for other forms with escapes.
pub fn string_of(token: Token, text: &str) -> Option<String> {
    let written = token.text(text);
    let inner = match written.strip_prefix(['e', 'E']) {
        Some(rest) if !rest.contains('\\') => rest,
        Some(_) => return None,
        None => written,
    };
    match token.kind {
        TokenKind::Text if inner.starts_with('\'') => {
            Some(inner.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"))
        }
        TokenKind::Text => {
            let tag = inner.strip_prefix('$')?.find('$')? + 2;
            Some(inner.get(tag..inner.len() - tag)?.to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_known_by_its_first_words() {
        for (text, class) in [
            ("CREATE INDEX", Class::Declares),
            ("create /* */ unique index concurrently", Class::Declares),
            ("create materialized view v as select 1", Class::Declares),
            ("create schema a create table b (c int) create index on b (c)", Class::Declares),
            ("create schema a", Class::Other),
            ("comment on index i is 'x'", Class::Declares),
            ("comment on table t is 'x'", Class::Other),
            ("create temp table t (a int)", Class::Temporary),
            ("create or replace temporary view v as select 1", Class::Temporary),
            ("create table t (a int)", Class::Other),
            ("alter index i rename to j", Class::Alters),
            ("alter database d set search_path = a", Class::Other),
            ("SELECT pg_catalog.set_config('search_path', '', false)", Class::Sets),
            ("select 'set_config'", Class::Other),
            ("with a as (select set_config('a', 'b', true)) select 1", Class::Sets),
            ("(select 1)", Class::Other),
            ("insert into t values (1)", Class::Data),
            ("prepare transaction 'a'", Class::Transacts),
            ("prepare a as select 1", Class::Other),
            ("do $$ begin end $$", Class::Runs),
        ] {
            assert_eq!(Class::of(text), class, "{text}");
        }
    }

    #[test]
    fn names_are_read_as_the_catalog_writes_them() {
        let text = "Drop Index IF EXISTS A.\"B\"\"c\", d.\"E\" . f CASCADE";
        let mut words = Words::of(text);
        assert!(words.eat("drop index") && words.eat("if exists") && !words.eat("if exists"));
        let names = [RelationName::qualified("a", "B\"c"), RelationName::qualified("E", "f")];
        assert_eq!(words.names(), names);
        assert!(words.eat("cascade") && words.is_at_end());
    }
}
