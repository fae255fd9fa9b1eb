//! A script with its tree: parsed once, for all who judge it.

use squawk_syntax::ast::{AstNode, Stmt};
use squawk_syntax::{Parse, SourceFile, SyntaxNode};

use super::Place;
use crate::declared::migrations::{Script, Wrapping};
use crate::declared::text;

/// A script that the parser knows.
pub struct Parsed<'a> {
    /// As it was read.
    pub script: &'a Script,
    /// The parser's answer, which has no errors.
    pub parse: Parse<SourceFile>,
    /// Its statements, without empty ones.
    pub statements: Vec<Stmt>,
    /// Where the lines begin: to count them for each finding would take the square of the length.
    starts: Vec<usize>,
}

impl<'a> Parsed<'a> {
    /// Parses it; `None` where it has errors.
    pub fn new(script: &'a Script) -> Option<Self> {
        let parse = SourceFile::parse(&script.text);
        if !parse.errors().is_empty() {
            return None;
        }
        let statements = parse.tree().stmts().filter(|one| !matches!(one, Stmt::EmptyStmt(_)));
        let ends = script.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = [0].into_iter().chain(ends.map(|(at, _)| at + 1)).collect();
        Some(Parsed { script, statements: statements.collect(), parse, starts })
    }

    /// The place of a byte.
    pub fn place(&self, offset: usize) -> Place {
        let index = self.line_index(offset);
        let text = &self.script.text[self.starts[index]..];
        let column = self.script.text[self.starts[index]..offset].chars().count();
        Place {
            file: self.script.file.clone(),
            line: self.line(offset),
            column: u32::try_from(column).unwrap_or(u32::MAX - 1) + 1,
            text: text.lines().next().unwrap_or_default().trim_end().to_owned(),
        }
    }

    /// The line of a byte in the file, from 1.
    pub fn line(&self, offset: usize) -> u32 {
        let index = u32::try_from(self.line_index(offset)).unwrap_or(u32::MAX);
        self.script.first_line.saturating_add(index)
    }

    /// Where the statement begins.
    pub fn place_of(&self, statement: &Stmt) -> Place {
        self.place(start(statement.syntax()))
    }

    /// `file:line` of the statement.
    pub fn source(&self, statement: &Stmt) -> String {
        format!("{}:{}", self.script.file.display(), self.line(start(statement.syntax())))
    }

    /// The statement in which the byte stands.
    pub fn statement_at(&self, offset: usize) -> Option<&Stmt> {
        let after = self.statements.partition_point(|one| start(one.syntax()) <= offset);
        let found = self.statements.get(after.checked_sub(1)?)?;
        (offset < usize::from(found.syntax().text_range().end())).then_some(found)
    }

    /// Whether the server runs it in a transaction, unless the script has its own. A message with
    /// one statement is no transaction block.
    pub fn is_wrapped(&self) -> bool {
        match self.script.wrapping {
            Wrapping::Transaction => true,
            Wrapping::None => false,
            Wrapping::OneMessage => self.statements.len() > 1,
        }
    }

    fn line_index(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset) - 1
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
