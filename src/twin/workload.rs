//! The statements that a twin plans, and what each is worth.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use tokio_postgres::types::Type;

use crate::declared::migrations::{self, Asked, Layout};
use crate::facts::Unavailable;
use crate::facts::statements::{
    Counter, Counters, Length, PointInTime, SpanEnd, StatementFilter, StatementHistory,
    StatementKey, StatementsExtension, expression, is_own, load_texts, load_top,
};
use crate::failure::{Failure, Result};
use crate::pg::session::Session;
use crate::syntax::lexer::{TokenKind, tokens};
use crate::syntax::names_in;

pub use super::auto_explain::of_log;
use super::export::collect;
pub use super::statement::plannable;

/// A statement of the workload.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkloadStatement {
    /// Where it is from: `file:line`, or the number that pg_stat_statements gives it.
    pub name: String,
    pub text: String,
    /// Of pg_stat_statements.
    pub queryid: Option<i64>,
    /// Executions; 1 where they were not counted.
    pub calls: f64,
    /// Execution time of all of them; `None` where it was not measured.
    pub total_ms: Option<f64>,
    /// Rows that all of them returned or changed; `None` where they were not counted.
    pub rows: Option<f64>,
    /// PostgreSQL's own question for a foreign key, whose time nobody measures.
    pub is_key_check: bool,
}

/// A row of key_checks.sql.
#[derive(Debug, Deserialize)]
struct KeyCheck {
    name: String,
    query: String,
    deleted: i64,
}

impl WorkloadStatement {
    /// Counts executions of the same statement.
    pub(super) fn count(&mut self, more: &WorkloadStatement) {
        self.calls += more.calls;
        let sum = |(one, other)| one + other;
        self.total_ms = self.total_ms.zip(more.total_ms).map(sum);
        self.rows = self.rows.zip(more.rows).map(sum);
    }

    pub fn rows_per_call(&self) -> Option<f64> {
        self.rows.filter(|_| self.calls > 0.0).map(|rows| rows / self.calls)
    }

    /// A text of the command line.
    pub fn of_text(text: &str) -> WorkloadStatement {
        WorkloadStatement {
            name: "SQL".to_owned(),
            text: text.to_owned(),
            calls: 1.0,
            ..WorkloadStatement::default()
        }
    }
}

/// The statements of a file, or of the files of a folder.
///
/// # Errors
/// `Usage` where it cannot be read or is no SQL.
pub fn of_files(path: &Path) -> Result<Vec<WorkloadStatement>> {
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
        statements.extend(parsed.into_iter().map(|query| WorkloadStatement {
            name: format!("{}:{}", file.up.file.display(), query.line),
            text: query.text,
            calls: 1.0,
            ..WorkloadStatement::default()
        }));
    }
    Ok(statements)
}

/// What PostgreSQL itself asks, for foreign keys, about each row that is deleted from a table that
/// these statements name. Where rows of a partitioned table are deleted, its partitions count them, and
/// nothing is known here.
///
/// # Errors
/// Those of the connection and of the query.
pub async fn load_key_checks(
    session: &Session,
    statements: &[WorkloadStatement],
) -> Result<Vec<WorkloadStatement>> {
    let names = statements
        .iter()
        .flat_map(|statement| names_in(&statement.text))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>();
    let sql = include_str!("../../sql/twin/key_checks.sql");
    let checks: Vec<KeyCheck> = collect(session, sql, &[(&names, Type::TEXT_ARRAY)]).await?;
    let statement = |check: KeyCheck| WorkloadStatement {
        name: format!("foreign key {}", check.name),
        text: check.query,
        calls: check.deleted as f64,
        is_key_check: true,
        ..WorkloadStatement::default()
    };
    Ok(checks.into_iter().map(statement).collect())
}

/// Which statements of pg_stat_statements are wanted.
#[derive(Debug, Clone, Default)]
pub struct StatementsWanted {
    /// These; empty: the costliest.
    pub queryids: Vec<i64>,
    /// What was done since then; `None`: since the last reset.
    pub since: Option<PointInTime>,
    /// A role that may own the history.
    pub history_owner: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// The statements that pg_stat_statements counts, the costliest first, or those of these numbers.
///
/// # Errors
/// `Usage` where one of the numbers is not known or there is no such moment; those of the connection
/// and of the queries.
pub async fn of_counters(
    session: &Session,
    extension: &StatementsExtension,
    wanted: &StatementsWanted,
) -> Result<(Vec<WorkloadStatement>, Vec<Unavailable>)> {
    let counted = match &wanted.since {
        Some(since) => counted_since(session, extension, since, wanted).await?,
        None => counted_so_far(session, extension, wanted).await?,
    };
    let ids = counted.iter().map(|(key, _)| key.queryid).collect::<Vec<_>>();
    if let Some(missing) = wanted.queryids.iter().find(|id| !ids.contains(id)) {
        return Err(Failure::usage(format!(
            "pg_stat_statements counts no statement {missing} in this database"
        ))
        .hint("pgtend slow-queries shows their numbers"));
    }
    let texts = load_texts(session, extension, &ids, Length::Whole).await?;
    let mut unknown = Vec::new();
    unknown.extend(texts.unreadable.map(Unavailable::because));
    let mut statements: Vec<WorkloadStatement> = Vec::new();
    for (key, counters) in counted {
        let Some(text) = texts.known.get(&key) else {
            continue;
        };
        let is_named = wanted.queryids.contains(&key.queryid);
        if !is_named && (is_own(text) || !has_plan(text)) {
            continue;
        }
        let name = key.queryid.to_string();
        let (calls, total) = (counters.or_zero(Counter::Calls), counters.or_zero(Counter::Total));
        add(
            &mut statements,
            WorkloadStatement {
                name,
                text: text.clone(),
                queryid: Some(key.queryid),
                calls,
                total_ms: Some(total),
                rows: counters.get(Counter::Rows),
                ..WorkloadStatement::default()
            },
        );
    }
    statements.truncate(wanted.limit);
    Ok((statements, unknown))
}

/// One text is one statement, whoever sent it.
fn add(statements: &mut Vec<WorkloadStatement>, statement: WorkloadStatement) {
    match statements.iter_mut().find(|known| known.text == statement.text) {
        Some(same) => same.count(&statement),
        None => statements.push(statement),
    }
}

type Counted = Vec<(StatementKey, Counters)>;

async fn counted_so_far(
    session: &Session,
    extension: &StatementsExtension,
    wanted: &StatementsWanted,
) -> Result<Counted> {
    let filter = StatementFilter {
        database: Some(extension.dbid),
        queryids: (!wanted.queryids.is_empty()).then(|| wanted.queryids.clone()),
        ..StatementFilter::default()
    };
    let rank = expression(Counter::Total, &extension.columns);
    // Some of them are not the application's.
    let most = i64::try_from(wanted.limit.saturating_mul(2)).unwrap_or(i64::MAX);
    let top = load_top(session, extension, &rank, Some(most), &filter).await?;
    Ok(top.statements.into_iter().map(|one| (one.key, one.counters)).collect())
}

async fn counted_since(
    session: &Session,
    extension: &StatementsExtension,
    since: &PointInTime,
    wanted: &StatementsWanted,
) -> Result<Counted> {
    let history = StatementHistory {
        session,
        extension,
        database: Some(extension.dbid),
        history_owner: wanted.history_owner.as_deref(),
        schema: OnceCell::new(),
    };
    let span = history.span(since, &SpanEnd::Now).await?;
    let deltas = span.counted().into_iter().map(|one| (one.key, one.counters));
    let mut counted = deltas
        .filter(|(key, counters)| {
            let is_wanted = wanted.queryids.is_empty() || wanted.queryids.contains(&key.queryid);
            is_wanted && counters.or_zero(Counter::Calls) > 0.0
        })
        .collect::<Counted>();
    counted.sort_by(|(one_key, one), (other_key, other)| {
        let total = |counters: &Counters| counters.or_zero(Counter::Total);
        total(other).total_cmp(&total(one)).then(one_key.cmp(other_key))
    });
    Ok(counted)
}

/// Utility statements have no plan: nobody asks what would make them faster.
fn has_plan(text: &str) -> bool {
    const FIRST: [&str; 8] =
        ["delete", "insert", "merge", "select", "table", "update", "values", "with"];
    tokens(text)
        .find(|token| !matches!(token.kind, TokenKind::Open(_)))
        .is_some_and(|token| FIRST.iter().any(|word| token.is(text, word)))
}
