//! The files of a workload: `\set` and statements with `:name`, as pgbench reads them; and statements that are
//! sent at once.

use std::path::{Path, PathBuf};
use std::{fs, str};

use super::value::{Definition, definition};
use crate::failure::{Failure, Kind, Result};
use crate::syntax::lexer::{Lexer, TokenKind};
use crate::syntax::replaced;

/// A file: what one request of the application sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    pub name: String,
    /// Where files that it names are looked for.
    pub folder: PathBuf,
    pub weight: f64,
    pub steps: Vec<ScriptStep>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ScriptStep {
    Set {
        line: usize,
        name: String,
        definition: Definition,
    },
    /// One statement, or several at once.
    Send(Vec<Template>),
}

impl Script {
    /// How many statements it sends at once, at most.
    pub fn width(&self) -> usize {
        let widths = self.steps.iter().map(|step| match step {
            ScriptStep::Send(templates) => templates.len(),
            ScriptStep::Set { .. } => 0,
        });
        widths.max().unwrap_or_default()
    }
}

/// A statement with `$1` in place of each variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    pub line: usize,
    pub text: String,
    /// The variables that the parameters stand for.
    pub parameters: Vec<String>,
}

/// The files that `PATH` or `PATH@WEIGHT` names: itself, or the SQL files of the folder.
///
/// # Errors
/// `Usage` where there is none, or what it says cannot be read.
pub fn read(named: &str) -> Result<Vec<Script>> {
    let (path, weight) = weighted(named);
    let path = Path::new(path);
    let files = match path.is_dir() {
        true => files_of(path)?,
        false => vec![path.to_owned()],
    };
    if files.is_empty() {
        let message = format!("{}: there is no SQL file in this folder", path.display());
        return Err(Failure::usage(message));
    }
    files.iter().map(|file| read_file(file, weight)).collect()
}

/// As for pgbench's `-f`: the number behind the last `@`.
fn weighted(named: &str) -> (&str, f64) {
    let split = named.rsplit_once('@');
    let weight = split.and_then(|(path, weight)| Some((path, weight.parse::<u32>().ok()?)));
    match weight {
        Some((path, weight)) => (path, f64::from(weight)),
        None => (named, 1.0),
    }
}

fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |error: std::io::Error| {
        Failure::usage(format!("cannot read the folder {}: {error}", folder.display()))
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|it| it == "sql") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_file(path: &Path, weight: f64) -> Result<Script> {
    let name = path.display().to_string();
    let bytes =
        fs::read(path).map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
    let text =
        str::from_utf8(&bytes).map_err(|_| Failure::usage(format!("{name} is not UTF-8")))?;
    let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
    let steps = steps(text)
        .map_err(|(line, why)| Failure::new(Kind::Usage, format!("{name}:{line}: {why}")))?;
    if !steps.iter().any(|step| matches!(step, ScriptStep::Send(_))) {
        return Err(Failure::usage(format!("{name}: there is no statement in this file")));
    }
    Ok(Script { name, folder, weight, steps })
}

/// What is wrong, and in which line.
type Wrong = (usize, String);

/// Takes a file apart.
///
/// # Errors
/// Line and reason.
pub fn steps(text: &str) -> std::result::Result<Vec<ScriptStep>, Wrong> {
    let mut steps = Steps::default();
    let mut lexer = Lexer::new(text);
    let mut pending: Option<Pending> = None;
    let mut depth = 0_usize;
    let line_of = |at: usize| text[..at].matches('\n').count() + 1;
    loop {
        let token = lexer.token().map_err(|error| {
            (
                line_of(error.start),
                format!("the file ends within {} that begins here", error.what),
            )
        })?;
        let Some(token) = token else { break };
        match token.kind {
            TokenKind::Semicolon if depth == 0 => {
                if let Some(pending) = pending.take() {
                    steps.send(pending.template(text, token.start, line_of, &steps.done)?);
                }
                continue;
            }
            TokenKind::Backslash => {
                let line = line_of(token.start);
                if pending.is_some() {
                    return Err((line, "the statement before this command has no ;".to_owned()));
                }
                let rest = &text[token.end..];
                let end = rest.find('\n').unwrap_or(rest.len());
                steps.command(&rest[..end], line)?;
                lexer.go_to(token.end + end);
                continue;
            }
            TokenKind::Open(_) => depth += 1,
            TokenKind::Close(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        let pending =
            pending.get_or_insert_with(|| Pending { start: token.start, variables: Vec::new() });
        if token.kind == TokenKind::Variable {
            pending.variables.push((token.start, token.end));
        }
    }
    if let Some(pending) = pending {
        steps.send(pending.template(text, text.len(), line_of, &steps.done)?);
    }
    steps.end()
}

/// The steps so far.
#[derive(Default)]
struct Steps {
    done: Vec<ScriptStep>,
    /// What is sent at once, and where that begins.
    at_once: Option<(usize, Vec<Template>)>,
}

const START: &str = "startparallel";
const END: &str = "endparallel";

impl Steps {
    fn send(&mut self, template: Template) {
        match &mut self.at_once {
            Some((_, templates)) => templates.push(template),
            None => self.done.push(ScriptStep::Send(vec![template])),
        }
    }

    /// What stands behind a backslash.
    fn command(&mut self, command: &str, line: usize) -> std::result::Result<(), Wrong> {
        let wrong = |why: String| Err((line, why));
        let word = command.split_whitespace().next().unwrap_or_default();
        match (word, self.at_once.take()) {
            (START, None) => self.at_once = Some((line, Vec::new())),
            (END, Some((_, templates))) if !templates.is_empty() => {
                self.done.push(ScriptStep::Send(templates));
            }
            (END, _) => {
                return wrong(format!("no statement stands between this and \\{START}"));
            }
            (_, Some(_)) => {
                return wrong(format!("\\{word} cannot stand between \\{START} and \\{END}"));
            }
            (_, None) => {
                let set = set(command, line, &self.done)?;
                self.done.push(set);
            }
        }
        Ok(())
    }

    fn end(self) -> std::result::Result<Vec<ScriptStep>, Wrong> {
        match self.at_once {
            Some((line, _)) => Err((line, format!("\\{START} has no \\{END}"))),
            None => Ok(self.done),
        }
    }
}

/// A statement that has begun.
struct Pending {
    start: usize,
    /// Where they begin and end.
    variables: Vec<(usize, usize)>,
}

impl Pending {
    fn template(
        self,
        text: &str,
        end: usize,
        line_of: impl Fn(usize) -> usize,
        before: &[ScriptStep],
    ) -> std::result::Result<Template, Wrong> {
        let mut parameters: Vec<String> = Vec::new();
        let mut numbers = Vec::new();
        for (at, after) in self.variables {
            let written = &text[at..after];
            let Some(name) = variable(written) else {
                // `a[1:2]` has no variable in it.
                continue;
            };
            if !is_set(name, before) {
                let help =
                    format!("{written} is not set; write \\set {name} random(1, 100) above it");
                return Err((line_of(at), help));
            }
            let known = parameters.iter().position(|parameter| parameter == name);
            let number = known.unwrap_or_else(|| {
                parameters.push(name.to_owned());
                parameters.len() - 1
            });
            numbers.push((at - self.start..after - self.start, format!("${}", number + 1)));
        }
        let sent = replaced(&text[self.start..end], numbers);
        let line = line_of(self.start);
        Ok(Template { line, text: sent.trim().to_owned(), parameters })
    }
}

/// The name in `:name` and `:'name'`.
fn variable(written: &str) -> Option<&str> {
    let named = written.strip_prefix(':')?;
    let quoted = named.strip_prefix('\'').and_then(|name| name.strip_suffix('\''));
    let name = quoted.unwrap_or(named);
    let is_name = name.starts_with(|first: char| first.is_alphabetic() || first == '_');
    is_name.then_some(name)
}

fn is_set(wanted: &str, before: &[ScriptStep]) -> bool {
    let is_it = |step: &ScriptStep| matches!(step, ScriptStep::Set { name, .. } if name == wanted);
    before.iter().any(is_it)
}

/// `set NAME VALUE`, which may end in a comment.
fn set(
    command: &str,
    line: usize,
    before: &[ScriptStep],
) -> std::result::Result<ScriptStep, Wrong> {
    let wrong = |why: String| (line, why);
    let Some(rest) = command.strip_prefix("set").filter(|it| it.starts_with([' ', '\t'])) else {
        let word = command.split_whitespace().next().unwrap_or_default();
        return Err(wrong(format!("\\{word} is no command of pgtend load; \\set is the one")));
    };
    let (name, value) = rest
        .split("--")
        .next()
        .unwrap_or_default()
        .trim()
        .split_once([' ', '\t'])
        .ok_or_else(|| wrong("expected \\set NAME VALUE".to_owned()))?;
    let definition = definition(value).map_err(|why| wrong(format!("\\set {name}: {why}")))?;
    if let Definition::Number(number) = &definition
        && let Some(unset) = number.variables().into_iter().find(|name| !is_set(name, before))
    {
        return Err(wrong(format!("\\set {name}: :{unset} is not set above it")));
    }
    Ok(ScriptStep::Set { line, name: name.to_owned(), definition })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Template {
        match steps(text).unwrap().pop().unwrap() {
            ScriptStep::Send(mut templates) => templates.pop().unwrap(),
            set @ ScriptStep::Set { .. } => panic!("{set:?}"),
        }
    }

    #[test]
    fn variables_become_parameters() {
        let text = "\\set n random(1, 10) -- which one\n\\set m :n * 2\n-- a page\n\
                    SELECT ':n', \":n\", a::text, b[1:2], :n, :m /* :n */ FROM t WHERE c = :'n';";
        let template = template(text);
        assert_eq!(template.line, 4);
        assert_eq!(template.parameters, ["n", "m"]);
        assert_eq!(
            template.text,
            "SELECT ':n', \":n\", a::text, b[1:2], $1, $2 /* :n */ FROM t WHERE c = $1"
        );
    }

    fn sent(steps: &[ScriptStep]) -> Vec<Vec<(usize, &str)>> {
        let sent = steps.iter().map(|step| match step {
            ScriptStep::Send(templates) => {
                templates.iter().map(|it| (it.line, it.text.as_str())).collect()
            }
            ScriptStep::Set { .. } => Vec::new(),
        });
        sent.collect()
    }

    #[test]
    fn what_stands_between_the_commands_is_sent_at_once() {
        let text = "\\set a 1\nSELECT 0;\n\\startparallel -- the boxes\nSELECT :a;\nSELECT 2;\n\
                    \\endparallel\nSELECT 3";
        let steps = steps(text).unwrap();
        let wanted = [
            vec![],
            vec![(2, "SELECT 0")],
            vec![(4, "SELECT $1"), (5, "SELECT 2")],
            vec![(7, "SELECT 3")],
        ];
        assert_eq!(sent(&steps), wanted);
        let (name, folder) = (String::new(), PathBuf::new());
        assert_eq!(Script { name, folder, weight: 1.0, steps }.width(), 2);
    }

    #[test]
    fn statements_come_one_after_the_other() {
        let steps = steps("SELECT 1; SELECT 2\n;;\nSELECT (SELECT ';')").unwrap();
        let wanted = [(1, "SELECT 1"), (1, "SELECT 2"), (3, "SELECT (SELECT ';')")];
        assert_eq!(sent(&steps), wanted.map(|one| vec![one]));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, why) in [
            ("\n\\sleep 1 s", 2, "\\sleep is no command"),
            ("SELECT :n", 1, ":n is not set; write \\set n"),
            ("\\set n", 1, "expected \\set NAME VALUE"),
            ("\\set n :m + 1", 1, ":m is not set"),
            ("\\set n random(1", 1, "\\set n: near"),
            ("SELECT 1\n\\set n 1", 2, "has no ;"),
            (
                "SELECT 1;\n\\startparallel\nSELECT 2;",
                2,
                "\\startparallel has no \\endparallel",
            ),
            ("\\startparallel\nSELECT 1\n\\endparallel", 3, "has no ;"),
            ("\\startparallel\n\\endparallel", 2, "no statement stands between"),
            ("SELECT 1;\n\\endparallel", 2, "no statement stands between"),
            ("\\startparallel\n\\set a 1", 2, "\\set cannot stand between"),
            ("\\startparallel\nSELECT 1;\n\\startparallel", 3, "\\startparallel cannot stand"),
            ("SELECT 'a", 1, "ends within a quoted string"),
        ] {
            let (at, told) = steps(text).unwrap_err();
            assert_eq!(at, line, "{text}");
            assert!(told.contains(why), "{text}: {told}");
        }
    }

    #[test]
    fn a_number_behind_an_at_is_a_weight() {
        assert_eq!(weighted("a@b/c.sql@5"), ("a@b/c.sql", 5.0));
        assert_eq!(weighted("a@b/c.sql"), ("a@b/c.sql", 1.0));
    }
}
