//! Migrations: the scripts of a folder, in the order and with the transactions of the tool that runs
//! them.

use std::path::{Path, PathBuf};

use squawk_syntax::SourceFile;
use squawk_syntax::ast::{AstNode, Stmt};

use super::{files, text};
use crate::failure::{Failure, Kind, Result};

/// Whose folder it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Layout {
    /// *.sql files in the order of their names, each in a transaction unless its first line is
    /// `-- no-transaction`
    Plain,
}

impl Layout {
    /// The name, as `--layout` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Plain => "plain",
        }
    }
}

/// One migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// What the tool calls it.
    pub name: String,
    /// What it does.
    pub up: Script,
    /// What undoes it.
    pub down: Option<Script>,
}

/// A file, or the section of it that is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The file as the user named it.
    pub file: PathBuf,
    /// The line of the file with which the text begins, from 1.
    pub first_line: u32,
    /// The SQL.
    pub text: String,
    /// How the tool sends it.
    pub wrapping: Wrapping,
}

/// How a tool sends a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapping {
    /// In a transaction.
    Transaction,
    /// Statement by statement.
    None,
    /// Whole, in one message: a transaction unless it has its own.
    OneMessage,
}

/// A statement of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// As it is written.
    pub text: String,
    /// The line of the file on which it begins, from 1.
    pub line: u32,
    /// Its first character in that line, from 1.
    pub column: u32,
}

/// The migrations of the files and folders, in the order in which they are applied; and whose layout
/// it is, recognised unless it is given.
///
/// # Errors
/// `Usage` where a path is missing or holds no SQL.
pub fn load<P: AsRef<Path>>(
    paths: &[P],
    layout: Option<Layout>,
) -> Result<(Layout, Vec<Migration>)> {
    let files = files::read(paths)?.into_iter().map(|file| {
        let unwrapped = file.text.starts_with("-- no-transaction");
        let up = Script {
            file: PathBuf::from(&*file.name),
            first_line: 1,
            text: file.text,
            wrapping: if unwrapped { Wrapping::None } else { Wrapping::Transaction },
        };
        Migration { name: file.name.to_string(), up, down: None }
    });
    Ok((layout.unwrap_or(Layout::Plain), files.collect()))
}

/// The statements of a script, one by one.
///
/// # Errors
/// `Declaration` where it cannot be parsed.
pub fn statements(script: &Script) -> Result<Vec<Statement>> {
    let parse = SourceFile::parse(&script.text);
    if let Some(error) = parse.errors().first() {
        let message = format!("{}: syntax error: {error}", script.file.display());
        return Err(Failure::new(Kind::Declaration, message));
    }
    let statements = parse.tree().stmts().filter(|stmt| !matches!(stmt, Stmt::EmptyStmt(_)));
    let statements = statements.filter_map(|stmt| {
        let start = text::first_token(stmt.syntax())?.text_range().start();
        let before = &script.text[..usize::from(start)];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Some(Statement {
            text: text::verbatim(stmt.syntax()),
            line: script.first_line + count(before.matches('\n').count()),
            column: count(before[line_start..].chars().count()) + 1,
        })
    });
    Ok(statements.collect())
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
