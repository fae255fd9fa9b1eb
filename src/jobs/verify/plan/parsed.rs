//! A script with its tree: parsed once, for all who judge it.

use squawk_syntax::ast::{AstNode, Stmt};
use squawk_syntax::{Parse, SourceFile, SyntaxNode};

use crate::declared::migrations::{Lines, Script, Wrapping};
use crate::declared::text;
use crate::findings::Place;
use crate::syntax;

/// A script that the parser knows.
pub struct ParsedScript<'a> {
    /// As it was read.
    pub script: &'a Script,
    /// The parser's answer, which has no errors.
    pub parse: Parse<SourceFile>,
    /// Its statements, without empty ones.
    pub statements: Vec<Stmt>,
    lines: Lines<'a>,
}

impl<'a> ParsedScript<'a> {
    /// Parses it; `None` where it has errors.
    pub fn new(script: &'a Script) -> Option<Self> {
        let parsed = syntax::parse(&script.text).ok()?;
        if !parsed.errors().is_empty() {
            return None;
        }
        let (statements, parse) = (parsed.statements().collect(), parsed.parse().clone());
        Some(ParsedScript { script, statements, parse, lines: Lines::new(script) })
    }

    /// The place of a byte.
    pub fn place(&self, offset: usize) -> Place {
        Place::at(self.script, self.lines.at(offset), offset)
    }

    /// The line of a byte in the file, from 1.
    pub fn line(&self, offset: usize) -> u32 {
        self.lines.line(offset)
    }

    /// Where the statement begins.
    pub fn place_of(&self, statement: &Stmt) -> Place {
        self.place(start(statement.syntax()))
    }

    /// The statement in which the byte stands.
    pub fn statement_at(&self, offset: usize) -> Option<&Stmt> {
        let after = self.statements.partition_point(|one| start(one.syntax()) <= offset);
        let found = self.statements.get(after.checked_sub(1)?)?;
        (offset < usize::from(found.syntax().text_range().end())).then_some(found)
    }

    /// The statement that begins there.
    pub fn statement_of(&self, place: &Place) -> Option<&Stmt> {
        let wanted = (place.at.line, place.at.column);
        let begin = |one: &Stmt| self.lines.at(start(one.syntax()));
        let at = self.statements.partition_point(|one| begin(one) < wanted);
        self.statements.get(at).filter(|one| begin(one) == wanted)
    }

    /// Whether the server runs it in a transaction, unless the script has its own. A message with
    /// one statement is no transaction block.
    pub fn is_wrapped(&self) -> bool {
        match self.script.wrapping {
            Wrapping::Transaction => true,
            Wrapping::None => false,
            Wrapping::OneMessage | Wrapping::Pipeline => self.statements.len() > 1,
        }
    }
}

/// Where the node's first word begins; comments before it may belong to it.
pub fn start(node: &SyntaxNode) -> usize {
    let first = text::first_token(node).map(|token| token.text_range().start());
    first.unwrap_or_else(|| node.text_range().start()).into()
}

/// Where the node's last word ends.
pub fn end(node: &SyntaxNode) -> usize {
    let last = text::last_token(node).map(|token| token.text_range().end());
    last.unwrap_or_else(|| node.text_range().end()).into()
}
