//! The statements of a script, each with its place in the file.

use std::path::Path;

use squawk_syntax::ast::{AstNode, Stmt};
use squawk_syntax::syntax_error::SyntaxError as ParseError;

use super::scan::{self, TextPart};
use super::{Lines, Role, Script, invalid};
use crate::declared::text;
use crate::failure::Result;
use crate::syntax::{self, TooMuch};

const META_HINT: &str =
    "psql's own commands are not SQL; no server and no migration tool knows them";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatement {
    /// The statement as written, without the semicolon that ends it.
    pub text: String,
    /// The byte of the script's text at which it begins.
    pub offset: usize,
    /// The line of its first word in the file, from 1.
    pub line: u32,
    /// The column of its first word in characters, from 1.
    pub column: u32,
    /// What it does to the session that sends it.
    pub role: Role,
}

/// Why a script cannot be taken apart: the first syntax error, in the file's lines and columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The line in the file, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is wrong, with the line's text.
    pub message: String,
    /// The way out, where there is one to name.
    pub hint: Option<&'static str>,
}

/// The script's statements, in order; comments and empty statements are left out.
///
/// # Errors
/// `Declaration` with file, line and column of the first syntax error; a command of psql's own is
/// called by its name.
pub fn statements(script: &Script) -> Result<Vec<MigrationStatement>> {
    parse(script).map_err(|error| {
        let place = format!("{}:{}:{}", script.file.display(), error.line, error.column);
        let failure = invalid(Path::new(&place), &error.message);
        match error.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

/// As [`statements`], for those who report the place of an error themselves.
///
/// # Errors
/// The first syntax error.
pub fn parse(script: &Script) -> std::result::Result<Vec<MigrationStatement>, SyntaxError> {
    let lines = Lines::new(script);
    syntax::read(&script.text, |parsed| split(script, parsed, &lines))
        .unwrap_or_else(|error| Err(too_much(error, &lines)))
}

fn split(
    script: &Script,
    parsed: &syntax::Parsed,
    lines: &Lines<'_>,
) -> std::result::Result<Vec<MigrationStatement>, SyntaxError> {
    if let Some(error) = parsed.errors().first() {
        return Err(misparsed(&script.text, error, lines));
    }
    let statements = parsed.statements();
    Ok(statements
        .filter_map(|statement| {
            let first = text::first_token(statement.syntax())?;
            let offset = first.text_range().start().into();
            let (line, column) = lines.at(offset);
            let text =
                text::verbatim(statement.syntax()).trim_end_matches(';').trim_end().to_owned();
            let role = Role::of(&statement);
            Some(MigrationStatement { text, offset, line, column, role })
        })
        .collect())
}

/// The statements where a parser's knowledge of SQL is not asked for: what psql would take for one.
pub fn scanned(script: &Script) -> Vec<MigrationStatement> {
    let lines = Lines::new(script);
    let statement = |part| {
        let (TextPart::Statement(range, _) | TextPart::Command(range)) = part else {
            return None;
        };
        let (offset, (line, column)) = (range.start, lines.at(range.start));
        let text = script.text[range].trim_end_matches(';').trim_end().to_owned();
        let role = Role::read(&text);
        Some(MigrationStatement { text, offset, line, column, role })
            .filter(|one| !one.text.is_empty())
    };
    scan::parts(&script.text).filter_map(statement).collect()
}

/// The script without the statements that make or drop roles, tablespaces and databases. These belong
/// to the whole server, where they can be made only once. All places stay as they are.
pub fn without_cluster_objects(script: &Script) -> Script {
    let Ok(parsed) = syntax::parse(&script.text) else {
        return script.clone();
    };
    let concerned = parsed.statements().filter(concerns_cluster);
    script.without(concerned.map(|statement| statement.syntax().text_range().into()))
}

fn concerns_cluster(statement: &Stmt) -> bool {
    matches!(
        statement,
        Stmt::CreateRole(_)
            | Stmt::CreateUser(_)
            | Stmt::CreateGroup(_)
            | Stmt::CreateTablespace(_)
            | Stmt::CreateDatabase(_)
            | Stmt::DropRole(_)
            | Stmt::DropUser(_)
            | Stmt::DropGroup(_)
            | Stmt::DropTablespace(_)
            | Stmt::DropDatabase(_)
    )
}

fn too_much(error: TooMuch, lines: &Lines<'_>) -> SyntaxError {
    let (line, column) = lines.at(error.at);
    SyntaxError { line, column, message: error.to_string(), hint: None }
}

fn misparsed(text: &str, error: &ParseError, lines: &Lines<'_>) -> SyntaxError {
    let offset = usize::from(error.range().start());
    let (offset, message, hint) = match meta_command(text, offset) {
        Some((offset, command)) => (offset, meta_message(command), Some(META_HINT)),
        None => {
            let (at, message) = syntax::near(text, error);
            (at, message, other_hint(text, lines.text_at(offset).trim()))
        }
    };
    let (line, column) = lines.at(offset);
    SyntaxError { line, column, message, hint }
}

/// Kinds of text that stand in migration folders and are not SQL yet.
fn other_hint(text: &str, line: &str) -> Option<&'static str> {
    if line.contains("${") {
        return Some(
            "this looks like a placeholder of a template: for Flyway's give --layout flyway and \
             --placeholder NAME=VALUE; for another tool's give the file that comes of it",
        );
    }
    if ["{{", "{%", "<%"].into_iter().any(|sign| line.contains(sign)) {
        return Some("this looks like a template; give the file that comes of it");
    }
    let has_rows = text.lines().any(|line| line.trim_end() == "\\.");
    has_rows.then_some("only psql sends the rows below COPY … FROM stdin; write INSERT instead")
}

fn meta_message(command: &str) -> String {
    format!("`{command}` is a command of psql, not SQL")
}

/// The psql command that the error stands at. The parser may only stumble over what follows the
/// backslash, so the line up to the error and the character at it count.
fn meta_command(text: &str, offset: usize) -> Option<(usize, &str)> {
    let start = text[..offset].rfind('\n').map_or(0, |end| end + 1);
    let line = text[start..].lines().next()?;
    let indent = line.len() - line.trim_start().len();
    let begins = if line.trim_start().starts_with('\\') {
        start + indent
    } else if text[offset..].starts_with('\\') {
        offset
    } else {
        return None;
    };
    text[begins..].split_whitespace().next().map(|command| (begins, command))
}
