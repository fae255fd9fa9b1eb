//! The files of a workload: `\set` and statements with `:name`, as pgbench reads them.

use std::path::{Path, PathBuf};
use std::{fs, str};

use super::value::{Definition, definition};
use crate::failure::{Failure, Kind, Result};
use crate::syntax::lexer::{Kind as TokenKind, Lexer};

/// A file: what one request of the application sends, one statement after the other.
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
    Set { line: usize, name: String, definition: Definition },
    Send(Template),
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
        let path = path.display();
        return Err(Failure::usage(format!("{path}: there is no SQL file in this folder")));
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
    let mut steps = Vec::new();
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
                    steps.push(pending.template(text, token.start, line_of, &steps)?);
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
                steps.push(set(&rest[..end], line, &steps)?);
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
        steps.push(pending.template(text, text.len(), line_of, &steps)?);
    }
    Ok(steps)
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
    ) -> std::result::Result<ScriptStep, Wrong> {
        let mut replaced = String::new();
        let mut parameters: Vec<String> = Vec::new();
        let mut copied = self.start;
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
            replaced.push_str(&text[copied..at]);
            replaced.push_str(&format!("${}", number + 1));
            copied = after;
        }
        replaced.push_str(&text[copied..end]);
        let line = line_of(self.start);
        Ok(ScriptStep::Send(Template {
            line,
            text: replaced.trim().to_owned(),
            parameters,
        }))
    }
}

/// The name in `:name` and `:'name'`.
fn variable(written: &str) -> Option<&str> {
    let name = written.strip_prefix(':')?;
    let name = name.strip_prefix('\'').and_then(|name| name.strip_suffix('\'')).unwrap_or(name);
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
    let rest = rest.split("--").next().unwrap_or_default().trim();
    let (name, value) = rest
        .split_once([' ', '\t'])
        .ok_or_else(|| wrong("expected \\set NAME VALUE".to_owned()))?;
    let definition = definition(value).map_err(|why| wrong(format!("\\set {name}: {why}")))?;
    if let Definition::Number(number) = &definition
        && let Some(unset) = number.variables().into_iter().find(|name| !is_set(name, before))
    {
        return Err(wrong(format!("\\set {name}: :{unset} is not set above it")));
    }
    let name = name.to_owned();
    Ok(ScriptStep::Set { line, name, definition })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Template {
        match steps(text).unwrap().pop().unwrap() {
            ScriptStep::Send(template) => template,
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

    #[test]
    fn statements_come_one_after_the_other() {
        let steps = steps("SELECT 1; SELECT 2\n;;\nSELECT (SELECT ';')").unwrap();
        let texts = steps.iter().map(|step| match step {
            ScriptStep::Send(template) => (template.line, template.text.as_str()),
            ScriptStep::Set { .. } => panic!("{step:?}"),
        });
        let wanted = [(1, "SELECT 1"), (1, "SELECT 2"), (3, "SELECT (SELECT ';')")];
        assert_eq!(texts.collect::<Vec<_>>(), wanted);
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
