//! What is sent: which requests, how often, with which values. And what is not, and why.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use squawk_syntax::SyntaxKind;
use squawk_syntax::ast::AstNode;

use super::script::{Script, ScriptStep, Template};
use super::value::{Definition, Value};
use crate::facts::column_values::load_column_values;
use crate::facts::explain::obstacle;
use crate::failure::{Failure, Result};
use crate::pg::search_path::SearchPath;
use crate::pg::session::Session;
use crate::syntax;

/// The workload.
#[derive(Debug, Clone, Default)]
pub struct Workload {
    pub statements: Vec<Statement>,
    pub requests: Vec<Request>,
}

/// A statement, whichever request sends it.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// `file:line`, or the number that pg_stat_statements gives it.
    pub name: String,
    pub text: String,
}

/// What the application asks for once.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// How often, beside the others.
    pub weight: f64,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub enum Step {
    Set(String, Value),
    /// One statement, or several at once, each on a connection of its own.
    Send(Vec<Sent>),
}

#[derive(Debug, Clone)]
pub struct Sent {
    /// Its place among the workload's.
    pub statement: usize,
    /// The variables that its parameters stand for.
    pub names: Vec<String>,
}

impl Workload {
    /// Adds a request of one statement whose parameters have these values.
    pub fn add(&mut self, statement: Statement, weight: f64, values: Vec<Value>) {
        let names = (1..=values.len()).map(|number| format!("${number}")).collect::<Vec<_>>();
        let sets = names.iter().cloned().zip(values).map(|(name, value)| Step::Set(name, value));
        let mut steps = sets.collect::<Vec<_>>();
        steps.push(Step::Send(vec![Sent { statement: self.statements.len(), names }]));
        self.statements.push(statement);
        self.requests.push(Request { weight, steps });
    }

    /// Adds what a file sends.
    ///
    /// # Errors
    /// `Usage` where a file or a column that it names has no values; those of the connection.
    pub async fn add_script(
        &mut self,
        script: &Script,
        session: &Session,
        path: &SearchPath,
    ) -> Result<()> {
        let mut steps = Vec::new();
        for step in &script.steps {
            steps.push(match step {
                ScriptStep::Set { line, name, definition } => {
                    let value = value(definition, &script.folder, session, path).await;
                    let place = format!("{}:{line}", script.name);
                    Step::Set(name.clone(), value.map_err(|failure| failure.context(place))?)
                }
                ScriptStep::Send(templates) => {
                    let sent = templates.iter().map(|it| self.statement(&script.name, it));
                    Step::Send(sent.collect())
                }
            });
        }
        self.requests.push(Request { weight: script.weight, steps });
        Ok(())
    }

    fn statement(&mut self, script: &str, template: &Template) -> Sent {
        let name = format!("{script}:{}", template.line);
        self.statements.push(Statement { name, text: template.text.clone() });
        Sent {
            statement: self.statements.len() - 1,
            names: template.parameters.clone(),
        }
    }
}

/// Larger files are no lists of values.
const LARGEST_FILE: u64 = 64 << 20;

async fn value(
    definition: &Definition,
    folder: &Path,
    session: &Session,
    path: &SearchPath,
) -> Result<Value> {
    match definition {
        Definition::Number(number) => Ok(Value::Number(number.clone())),
        Definition::File(name) => lines(&folder.join(name)).map(Value::Line),
        Definition::Column(names) => {
            let shown = names.iter().rev().cloned().collect::<Vec<_>>().join(".");
            let [column, table, schemas @ ..] = names.as_slice() else {
                return Err(Failure::usage(format!("column({shown}) names no table")));
            };
            let schemas = match schemas {
                [] => path.searched(),
                named => named.iter().map(String::as_str).collect(),
            };
            let values = load_column_values(session, &schemas, table, column).await?;
            match values.filter(|values| !values.is_empty()) {
                Some(values) => Ok(Value::Drawn(Arc::new(values))),
                None => Err(Failure::usage(format!(
                    "column({shown}): there are no statistics that this role may see"
                ))
                .hint(format!("ANALYZE {table}; or GRANT SELECT ({column}) ON {table} TO …;"))),
            }
        }
    }
}

fn lines(file: &Path) -> Result<Arc<[String]>> {
    let shown = file.display();
    let unreadable =
        |error: std::io::Error| Failure::usage(format!("cannot read {shown}: {error}"));
    let size = fs::metadata(file).map_err(unreadable)?.len();
    if size > LARGEST_FILE {
        return Err(Failure::usage(format!("{shown} is larger than {} MiB", LARGEST_FILE >> 20)));
    }
    let text = fs::read_to_string(file).map_err(unreadable)?;
    let lines = text.lines().map(str::to_owned).collect::<Arc<[String]>>();
    match lines.is_empty() {
        true => Err(Failure::usage(format!("{shown}: there is no line in this file"))),
        false => Ok(lines),
    }
}

/// Why a statement is no statement that only reads, as far as its text tells.
pub fn why_not_reading(text: &str) -> Option<String> {
    if let Some(reason) = obstacle(text) {
        return Some(reason);
    }
    let writing = syntax::read(text, |parsed| {
        let kinds = BTreeMap::from([
            (SyntaxKind::INSERT, "it writes (INSERT)"),
            (SyntaxKind::UPDATE, "it writes (UPDATE)"),
            (SyntaxKind::DELETE, "it writes (DELETE)"),
            (SyntaxKind::MERGE, "it writes (MERGE)"),
            (SyntaxKind::LOCKING_CLAUSE, "it locks rows (FOR UPDATE, FOR SHARE)"),
            (SyntaxKind::INTO_CLAUSE, "it creates a table (INTO)"),
        ]);
        let tree = parsed.tree();
        let found = tree.syntax().descendants().find_map(|node| kinds.get(&node.kind()).copied());
        found.map(str::to_owned)
    });
    writing.unwrap_or_else(|error| Some(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_reads_is_sent() {
        for text in [
            "SELECT a FROM t WHERE b = $1 ORDER BY c LIMIT 5",
            "VALUES (1), (2)",
            "TABLE t",
            "(SELECT 1) UNION ALL SELECT 2",
            "WITH u AS (SELECT 1 AS a) SELECT * FROM u",
            "SELECT 'INSERT INTO t', \"update\" FROM t",
        ] {
            assert_eq!(why_not_reading(text), None, "{text}");
        }
    }

    #[test]
    fn what_writes_or_locks_is_not() {
        for (text, why) in [
            ("INSERT INTO t VALUES (1)", "INSERT"),
            ("UPDATE t SET a = 1", "UPDATE"),
            ("DELETE FROM t", "DELETE"),
            ("MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE", "MERGE"),
            ("WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone", "DELETE"),
            ("SELECT * FROM (SELECT * FROM t FOR UPDATE) AS x", "FOR UPDATE"),
            ("SELECT * FROM t FOR KEY SHARE SKIP LOCKED", "FOR SHARE"),
            ("SELECT 1 INTO t", "not one SELECT"),
            ("SELECT 1; SELECT 2", "not one SELECT"),
            ("EXPLAIN ANALYZE SELECT 1", "not one SELECT"),
            ("COPY t TO PROGRAM 'x'", "not one SELECT"),
            ("SELECT (", "not understood"),
        ] {
            let told = why_not_reading(text).unwrap_or_default();
            assert!(told.contains(why), "{text}: {told}");
        }
    }
}
