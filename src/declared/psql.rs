//! Takes a file apart as psql does: statements, psql's own commands among them, and the rows that
//! belong to COPY. Files that are included are read where they are included.

mod command;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Source;
use super::check::Problem;
use super::files::{self, SqlFile};
use super::passed::Passed;
use crate::syntax::lexer::{Lexer, Token, TokenKind};
use command::{CommandEffect, PsqlCommand};

/// psql follows its files without end; no set of files is as deep.
const DEEPEST_INCLUDE: usize = 16;

/// Files that include each other twice read without end otherwise.
const MOST_INCLUDED: usize = 10_000;

/// What an included file's name ends in.
const INCLUDED: [&str; 5] = ["sql", "psql", "pgsql", "ddl", "dump"];

/// A statement as psql would send it.
#[derive(Debug)]
pub struct PsqlStatement<'t> {
    /// Without the semicolon that ends it; blanks where psql's commands stood.
    pub text: Cow<'t, str>,
    pub source: Source,
    /// A variable of psql's that stands in it.
    pub variable: Option<&'t str>,
    /// Whether rows follow it in the file.
    pub has_rows: bool,
}

/// A text to take apart.
#[derive(Debug, Clone, Copy)]
pub struct PsqlText<'t> {
    /// The file as the user knows it.
    pub name: &'t Arc<str>,
    /// Its path, where it is a file.
    pub path: Option<&'t Path>,
    /// The line of the file at which the text begins, from 1.
    pub first_line: u32,
    pub text: &'t str,
    /// Whether the rows of COPY are taken out of it already.
    pub rows_are_apart: bool,
}

/// Who hears the statements.
pub type Hear<'h> = dyn FnMut(&PsqlStatement<'_>, &mut Passed) + 'h;

/// Reads texts one after the other.
pub struct PsqlReader {
    /// What was passed over.
    pub passed: Passed,
    /// What psql would do otherwise, or what nobody can know.
    pub problems: Vec<Problem>,
    /// Where the files that were included are included.
    pub included: HashMap<Arc<Path>, Source>,
    variables: HashSet<String>,
    /// The key of `\restrict`.
    restricted: Option<String>,
    open: Vec<PathBuf>,
    includes: usize,
}

/// How the reading goes on after a command.
enum Flow {
    On,
    Send,
    Forget,
    SkipRows,
    End,
}

impl PsqlReader {
    /// Nothing is read yet.
    pub fn new(passed: Passed) -> Self {
        PsqlReader {
            passed,
            problems: Vec::new(),
            included: HashMap::new(),
            variables: HashSet::new(),
            restricted: None,
            open: Vec::new(),
            includes: 0,
        }
    }

    /// Reads a text in a session of its own, and hands each statement on.
    pub fn read(&mut self, text: PsqlText<'_>, hear: &mut Hear<'_>) {
        self.variables.clear();
        self.restricted = None;
        self.open = text.path.and_then(|path| path.canonicalize().ok()).into_iter().collect();
        self.text(text, hear);
    }

    fn text(&mut self, text: PsqlText<'_>, hear: &mut Hear<'_>) {
        let mut place = FilePosition::new(text);
        let mut lexer = Lexer::new(text.text);
        let mut pending = PendingStatement::default();
        let mut rows = 0;
        loop {
            let token = match lexer.token() {
                Ok(Some(token)) => token,
                Ok(None) => break,
                Err(error) => {
                    let message = format!("the file ends within {} that begins here", error.what);
                    self.problems.push(Problem::new(&place.at(error.start), message));
                    return;
                }
            };
            match token.kind {
                TokenKind::Semicolon if pending.is_outermost() => {
                    rows += self.statement(&mut pending, text.text, hear);
                    self.skip_rows(&mut rows, &mut lexer, &mut place);
                }
                TokenKind::Backslash => match text.text.as_bytes().get(token.end) {
                    Some(b';') if pending.is_outermost() => {
                        lexer.go_to(token.end + 1);
                        rows += self.statement(&mut pending, text.text, hear);
                    }
                    Some(b';' | b':') => {
                        pending.holes.push(token.start..token.end);
                        lexer.go_to(token.end + 1);
                    }
                    _ => {
                        let command = PsqlCommand::read(text.text, token.end);
                        lexer.go_to(command.end);
                        pending.holes.push(token.start..command.end);
                        let source = place.at(token.start);
                        match self.command(&command, &source, text, hear) {
                            Flow::On => {}
                            Flow::Send => {
                                rows += self.statement(&mut pending, text.text, hear);
                                self.skip_rows(&mut rows, &mut lexer, &mut place);
                            }
                            Flow::Forget => pending = PendingStatement::default(),
                            Flow::SkipRows => {
                                let below = (command.end + 1).min(text.text.len());
                                lexer.go_to(after_rows(text.text, below));
                            }
                            Flow::End => {
                                self.say_unread(&mut lexer, &source);
                                break;
                            }
                        }
                    }
                },
                _ => pending.add(token, text.text, &mut place, &self.variables),
            }
        }
        self.end_of_text(&mut pending, text.text, hear);
    }

    /// What stands behind the last semicolon.
    fn end_of_text(&mut self, pending: &mut PendingStatement, text: &str, hear: &mut Hear<'_>) {
        if !pending.is_outermost()
            && let Some(first) = &pending.first
        {
            let message =
                "the statement does not end: a parenthesis or a BEGIN ATOMIC is not closed";
            self.problems.push(Problem::new(&first.source, message));
            return;
        }
        self.statement(pending, text, hear);
    }

    /// Hands the statement on. Returns whether rows follow it.
    fn statement(
        &mut self,
        pending: &mut PendingStatement,
        text: &str,
        hear: &mut Hear<'_>,
    ) -> usize {
        let PendingStatement { first, end, holes, variable, .. } = std::mem::take(pending);
        let Some(First { start, source }) = first else {
            return 0;
        };
        let has_rows = takes_rows(&text[start..end]);
        let statement = PsqlStatement {
            text: without(text, start..end, &holes),
            source,
            variable: variable.map(|variable| &text[variable]),
            has_rows,
        };
        hear(&statement, &mut self.passed);
        usize::from(has_rows)
    }

    /// The rows begin on the line below; psql reads the rest of this line after them.
    fn skip_rows(&mut self, rows: &mut usize, lexer: &mut Lexer<'_>, place: &mut FilePosition<'_>) {
        if *rows == 0 || place.text.rows_are_apart {
            return;
        }
        let text = place.text.text;
        let at = lexer.position();
        let end = text[at..].find('\n').map_or(text.len(), |length| at + length + 1);
        if !matches!(Lexer::new(&text[at..end]).token(), Ok(None)) {
            let message = "the rows of COPY follow, and a statement stands on its line";
            let problem = Problem::new(&place.at(at), message);
            self.problems.push(problem.hint("put it on a line of its own below the rows"));
        }
        let mut below = end;
        for _ in 0..std::mem::take(rows) {
            below = after_rows(text, below);
        }
        lexer.go_to(below);
    }

    fn say_unread(&mut self, lexer: &mut Lexer<'_>, source: &Source) {
        if !matches!(lexer.token(), Ok(None)) {
            self.passed
                .note(source, "psql ends the file here; what follows is not read".to_owned());
        }
    }

    fn command(
        &mut self,
        command: &PsqlCommand<'_>,
        source: &Source,
        text: PsqlText<'_>,
        hear: &mut Hear<'_>,
    ) -> Flow {
        let effect = command.effect();
        if self.restricted.is_some() && effect != CommandEffect::Unrestrict {
            let message =
                format!("psql refuses `{command}` here: \\restrict allows \\unrestrict alone");
            self.problems.push(Problem::new(source, message));
            return Flow::On;
        }
        let flow = match effect {
            CommandEffect::None => Flow::On,
            CommandEffect::Sets => {
                self.variables.extend(command.arguments.first().cloned());
                Flow::On
            }
            CommandEffect::Unsets => {
                let name = command.arguments.first().map(String::as_str).unwrap_or_default();
                self.variables.remove(name);
                Flow::On
            }
            CommandEffect::Restrict => {
                self.restricted = Some(command.arguments.first().cloned().unwrap_or_default());
                Flow::On
            }
            CommandEffect::Unrestrict => {
                if self.restricted.take() != command.arguments.first().cloned() {
                    let message = format!("psql refuses `{command}`: \\restrict had another key");
                    self.problems.push(Problem::new(source, message));
                }
                Flow::On
            }
            CommandEffect::Include { relative } => {
                self.include(command, relative, source, text, hear);
                return Flow::On;
            }
            CommandEffect::Sends => return Flow::Send,
            CommandEffect::Forgets => Flow::Forget,
            CommandEffect::Rows => Flow::SkipRows,
            CommandEffect::Ends => Flow::End,
            CommandEffect::Unknown(reason) => {
                let message = format!("`{command}` is a command of psql that {reason}");
                self.problems.push(Problem::new(source, message).hint(
                    "pgtend reads SQL and passes over the commands that change nothing about it; \
                     take this one out of the file",
                ));
                return Flow::On;
            }
        };
        let refused = self.passed.command(source, &command.to_string());
        self.problems.extend(refused);
        flow
    }

    fn include(
        &mut self,
        command: &PsqlCommand<'_>,
        relative: bool,
        source: &Source,
        text: PsqlText<'_>,
        hear: &mut Hear<'_>,
    ) {
        match self.included_file(command, relative, text) {
            Ok((path, file)) => {
                self.included.insert(Path::new(&*file.name).into(), source.clone());
                self.open.push(path.canonicalize().unwrap_or_else(|_| path.clone()));
                let (name, text) = (&file.name, file.text.as_str());
                let text = PsqlText {
                    name,
                    path: Some(&path),
                    first_line: 1,
                    text,
                    rows_are_apart: false,
                };
                self.text(text, hear);
                self.open.pop();
            }
            Err(message) => {
                let message = format!("`{command}`: {message}");
                self.problems.push(Problem::new(source, message));
            }
        }
    }

    fn included_file(
        &mut self,
        command: &PsqlCommand<'_>,
        relative: bool,
        text: PsqlText<'_>,
    ) -> Result<(PathBuf, SqlFile), String> {
        let name = command.arguments.first().map(|name| name.trim_end_matches(';'));
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Err("no file is named".to_owned());
        };
        if command.is_computed {
            return Err("a variable or a program decides which file it is".to_owned());
        }
        let folder = text.path.filter(|_| relative).and_then(Path::parent);
        let path = match (name.strip_prefix("~/"), std::env::home_dir()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => folder.unwrap_or(Path::new("")).join(name),
        };
        self.includes += 1;
        if self.open.len() >= DEEPEST_INCLUDE || self.includes > MOST_INCLUDED {
            return Err("files include each other too often".to_owned());
        }
        // What psql reads it also shows where it is no SQL: not of any file that others can name.
        let is_sql = |extension: &std::ffi::OsStr| {
            INCLUDED.iter().any(|known| extension.eq_ignore_ascii_case(known))
        };
        if !path.extension().is_some_and(is_sql) {
            return Err(format!(
                "{} is not named as SQL: *.{}",
                path.display(),
                INCLUDED.join(", *.")
            ));
        }
        if path.canonicalize().is_ok_and(|path| self.open.contains(&path)) {
            return Err(format!("{} includes itself", path.display()));
        }
        let file = files::read_one(&path).map_err(|failure| failure.to_string())?;
        Ok((path, file))
    }
}

/// Where in a file the reading is; it only goes forward, so that all of it costs one pass.
struct FilePosition<'t> {
    text: PsqlText<'t>,
    file: Arc<Path>,
    offset: usize,
    line: u32,
    column: u32,
}

impl<'t> FilePosition<'t> {
    fn new(text: PsqlText<'t>) -> Self {
        let file = Path::new(&**text.name).into();
        FilePosition { text, file, offset: 0, line: text.first_line, column: 1 }
    }

    /// The place of a byte.
    fn at(&mut self, offset: usize) -> Source {
        if offset < self.offset {
            *self = FilePosition::new(self.text);
        }
        for char in self.text.text[self.offset..offset].chars() {
            if char == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column = self.column.saturating_add(1);
            }
        }
        self.offset = offset;
        Source {
            file: self.file.clone(),
            line: self.line,
            column: self.column,
        }
    }
}

struct First {
    start: usize,
    source: Source,
}

/// The statement that is being read, with what decides about where it ends (psqlscan.l).
#[derive(Default)]
struct PendingStatement {
    first: Option<First>,
    end: usize,
    holes: Vec<Range<usize>>,
    variable: Option<Range<usize>>,
    parentheses: usize,
    brackets: usize,
    /// The first letters of the first words, as far as they may begin a function.
    begins: [u8; 4],
    words: usize,
    /// Inside of BEGIN ATOMIC.
    blocks: usize,
}

impl PendingStatement {
    fn is_outermost(&self) -> bool {
        self.parentheses == 0 && self.blocks == 0
    }

    fn add(
        &mut self,
        token: Token,
        text: &str,
        place: &mut FilePosition<'_>,
        set: &HashSet<String>,
    ) {
        if self.first.is_none() {
            let source = place.at(token.start);
            self.first = Some(First { start: token.start, source });
            self.holes.clear();
        }
        self.end = token.end;
        match token.kind {
            TokenKind::Open(b'(') => self.parentheses += 1,
            TokenKind::Close(b')') => self.parentheses = self.parentheses.saturating_sub(1),
            TokenKind::Open(_) => self.brackets += 1,
            TokenKind::Close(_) => self.brackets = self.brackets.saturating_sub(1),
            TokenKind::Word => self.word(token.text(text)),
            TokenKind::Variable if self.variable.is_none() => {
                let name = token.text(text).trim_matches([':', '\'', '"', '{', '?', '}']);
                // `a[1:b]`: psql leaves what it does not know as it is.
                if self.brackets == 0 || set.contains(name) {
                    self.variable = Some(token.start..token.end);
                }
            }
            _ => {}
        }
    }

    fn word(&mut self, word: &str) {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        if let Some(letter) = self.begins.get_mut(self.words)
            && ["create", "function", "procedure", "or", "replace"]
                .iter()
                .any(|known| is(known))
        {
            *letter = word.as_bytes()[0].to_ascii_lowercase();
        }
        self.words += 1;
        let makes_function =
            matches!(self.begins, [b'c', b'f' | b'p', ..] | [b'c', b'o', b'r', b'f' | b'p']);
        if !makes_function || self.parentheses > 0 {
            return;
        }
        if is("begin") || is("case") && self.blocks > 0 {
            self.blocks += 1;
        } else if is("end") {
            self.blocks = self.blocks.saturating_sub(1);
        }
    }
}

/// The text with blanks where these bytes are.
fn without<'t>(text: &'t str, range: Range<usize>, holes: &[Range<usize>]) -> Cow<'t, str> {
    let within = |hole: &&Range<usize>| hole.start >= range.start && hole.end <= range.end;
    if !holes.iter().any(|hole| within(&hole)) {
        return Cow::Borrowed(&text[range]);
    }
    let mut written = String::with_capacity(range.len());
    let mut done = range.start;
    for hole in holes.iter().filter(within) {
        written.push_str(&text[done..hole.start]);
        written.extend(text[hole.clone()].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        done = hole.end;
    }
    written.push_str(&text[done..range.end]);
    Cow::Owned(written)
}

/// Whether it is COPY … FROM STDIN, or FROM STDOUT, which is the same.
fn takes_rows(statement: &str) -> bool {
    let mut tokens = crate::syntax::lexer::tokens(statement);
    if !tokens.next().is_some_and(|token| token.is(statement, "copy")) {
        return false;
    }
    let mut depth = 0_usize;
    let mut is_from = false;
    for token in tokens {
        match token.kind {
            TokenKind::Open(_) => depth += 1,
            TokenKind::Close(_) => depth = depth.saturating_sub(1),
            TokenKind::Word if depth == 0 && is_from => {
                return command::is_inline(token.text(statement));
            }
            _ => {}
        }
        is_from = depth == 0 && token.is(statement, "from");
    }
    false
}

/// The byte after the line that ends the rows which begin at this byte.
fn after_rows(text: &str, begin: usize) -> usize {
    let mut end = begin;
    for line in text[begin..].split_inclusive('\n') {
        end += line.len();
        if matches!(line.strip_suffix('\n').unwrap_or(line), "\\." | "\\.\r") {
            break;
        }
    }
    end
}

#[cfg(test)]
mod tests;
