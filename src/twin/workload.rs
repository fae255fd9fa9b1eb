//! The statements that a twin plans, and what each is worth.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::declared::migrations::{self, Asked, Layout};
use crate::facts::Unavailable;
use crate::facts::statements::{
    Counter, Extension, Length, StatementFilter, expression, is_own, load_texts, load_top,
};
use crate::failure::{Failure, Result};
use crate::pg::session::Session;
use crate::syntax::lexer::{Kind, tokens};

/// A statement of the workload.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statement {
    /// Where it is from: `file:line`, or the number that pg_stat_statements gives it.
    pub name: String,
    pub text: String,
    /// Of pg_stat_statements.
    pub queryid: Option<i64>,
    /// Executions; 1 where they were not counted.
    pub calls: f64,
    /// Execution time of all of them; `None` where it was not measured.
    pub total_ms: Option<f64>,
}

impl Statement {
    /// A text of the command line.
    pub fn of_text(text: &str) -> Statement {
        Statement {
            name: "SQL".to_owned(),
            text: text.to_owned(),
            calls: 1.0,
            ..Statement::default()
        }
    }
}

/// The statements of a file, or of the files of a folder.
///
/// # Errors
/// `Usage` where it cannot be read or is no SQL.
pub fn of_files(path: &Path) -> Result<Vec<Statement>> {
    let asked = Asked { layout: Some(Layout::Plain), ..Asked::default() };
    let mut statements = Vec::new();
    for file in migrations::load(&[path], &asked)?.migrations {
        let parsed = migrations::parse(&file.up).map_err(|error| {
            Failure::usage(format!(
                "{}:{}:{}: {}",
                path.display(),
                error.line,
                error.column,
                error.message
            ))
        })?;
        statements.extend(parsed.into_iter().map(|query| Statement {
            name: format!("{}:{}", file.up.file.display(), query.line),
            text: query.text,
            calls: 1.0,
            ..Statement::default()
        }));
    }
    Ok(statements)
}

/// The statements that pg_stat_statements counts, the costliest first, or those of these numbers.
///
/// # Errors
/// `Usage` where one of the numbers is not known; those of the connection and of the queries.
pub async fn of_counters(
    session: &Session,
    extension: &Extension,
    queryids: &[i64],
    limit: usize,
) -> Result<(Vec<Statement>, Vec<Unavailable>)> {
    let filter = StatementFilter {
        database: Some(extension.dbid),
        queryids: (!queryids.is_empty()).then(|| queryids.to_vec()),
        ..StatementFilter::default()
    };
    let wanted = i64::try_from(limit.saturating_mul(2)).unwrap_or(i64::MAX);
    let rank = expression(Counter::Total, &extension.columns);
    let counted = load_top(session, extension, &rank, Some(wanted), &filter).await?.statements;
    let ids = counted.iter().map(|statement| statement.key.queryid).collect::<Vec<_>>();
    if let Some(missing) = queryids.iter().find(|id| !ids.contains(id)) {
        return Err(Failure::usage(format!(
            "pg_stat_statements counts no statement {missing} in this database"
        ))
        .hint("pgtend slow-queries shows their numbers"));
    }
    let texts = load_texts(session, extension, &ids, Length::Whole).await?;
    let mut unknown = Vec::new();
    unknown.extend(texts.unreadable.map(Unavailable::because));
    let mut statements: Vec<Statement> = Vec::new();
    for statement in counted {
        let Some(text) = texts.known.get(&statement.key) else {
            continue;
        };
        let is_named = queryids.contains(&statement.key.queryid);
        if !is_named && (is_own(text) || !has_plan(text)) {
            continue;
        }
        let (calls, total) = (
            statement.counters.or_zero(Counter::Calls),
            statement.counters.or_zero(Counter::Total),
        );
        match statements.iter_mut().find(|known| known.text == *text) {
            Some(same) => {
                same.calls += calls;
                same.total_ms = Some(same.total_ms.unwrap_or(0.0) + total);
            }
            None => statements.push(Statement {
                name: statement.key.queryid.to_string(),
                text: text.clone(),
                queryid: Some(statement.key.queryid),
                calls,
                total_ms: Some(total),
            }),
        }
    }
    statements.truncate(limit);
    Ok((statements, unknown))
}

/// Utility statements have no plan: nobody asks what would make them faster.
fn has_plan(text: &str) -> bool {
    const FIRST: [&str; 8] =
        ["delete", "insert", "merge", "select", "table", "update", "values", "with"];
    tokens(text)
        .find(|token| !matches!(token.kind, Kind::Open(_)))
        .is_some_and(|token| FIRST.iter().any(|word| token.is(text, word)))
}
