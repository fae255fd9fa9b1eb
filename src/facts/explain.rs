//! The plan of a statement as pg_stat_statements keeps it, with parameters for its constants, and
//! what has to be known of the tables in that plan. Nothing is executed: no ANALYZE, a read-only
//! transaction that is rolled back, short timeouts.
//!
//! Two things that planning does are worth knowing. It takes the locks that the statement would
//! take, for a moment. And it calls functions that are declared IMMUTABLE, and to estimate STABLE
//! ones, where their arguments are known; with the privileges of whoever asks for the plan. So it is
//! asked for only where nothing of a role that is not trusted can be reached (`reach`).

use std::collections::HashMap;

use squawk_syntax::ast::{AstNode, Stmt};
use squawk_syntax::{SyntaxKind, SyntaxNode, SyntaxToken};
use tokio_postgres::types::{ToSql, Type};

use super::load::ask;
use super::planned_code::UNCOUNTED;
use super::reach::{Trust, objection, safe_path};
use crate::failure::Result;
use crate::pg::name::RelationName;
use crate::pg::search_path;
use crate::pg::server_error::ServerError;
use crate::pg::session::{Answer, Session};
use crate::syntax;

/// A statement's plan, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Explained {
    /// As `EXPLAIN (FORMAT JSON, VERBOSE)` prints it.
    Plan(serde_json::Value),
    /// It has none, for this reason.
    Not(String),
}

/// What is known of the tables of a plan, and of the session that it was made in.
#[derive(Debug, Clone, Default)]
pub struct TableFacts {
    /// By name; no entry where nothing is known.
    pub tables: HashMap<RelationName, TableSize>,
    /// What a sort may use before it goes to disk.
    pub work_mem_bytes: i64,
    /// What a hash table may use: work_mem times hash_mem_multiplier.
    pub hash_mem_bytes: i64,
    /// What the planner thinks of a page that is read out of order.
    pub random_page_cost: f64,
}

/// How large a table is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableSize {
    /// Rows; `None`: not known.
    pub rows: Option<f64>,
    /// Bytes without indexes and TOAST; `None` where it was never vacuumed nor analyzed.
    pub bytes: Option<i64>,
    /// The topmost partitioned table that it is part of.
    pub partition_of: Option<RelationName>,
}

/// Whose code planning may run.
#[derive(Debug, Clone, Copy)]
pub enum Guard<'t> {
    /// Any: all in the database came from where the statement comes from.
    None,
    /// That of trusted roles.
    Trusted(&'t Trust),
}

/// The plan that the statement would get whatever its parameters are.
///
/// # Errors
/// Those of the connection. What the server will not explain is an answer, not an error.
pub async fn generic_plan(session: &Session, query: &str, guard: Guard<'_>) -> Result<Explained> {
    if let Some(reason) = obstacle(query) {
        return Ok(Explained::Not(reason));
    }
    let mut traces = Traces { session, may_be_prepared: false };
    let begun = session.pipeline(&BEGIN.map(str::to_owned)).await;
    begun
        .into_iter()
        .collect::<Answer<Vec<_>>>()
        .map_err(ServerError::into_failure)?;
    let answer = match guard {
        Guard::None => explain(&mut traces, query).await.map(Ok),
        Guard::Trusted(trust) => explain_guarded(&mut traces, query, trust).await,
    };
    match answer {
        Ok(Err(reason)) => Ok(Explained::Not(reason)),
        Ok(Ok(text)) => Ok(match serde_json::from_str(&text) {
            Ok(plan) => Explained::Plan(plan),
            Err(error) => Explained::Not(format!("its plan cannot be read: {error}")),
        }),
        Err(error) if concerns_session(&error) => Err(error.into_failure()),
        Err(error) => Ok(Explained::Not(reason(&error))),
    }
}

/// The sizes of these tables and the settings of this session.
pub async fn load_table_facts(session: &Session, relations: &[RelationName]) -> Result<TableFacts> {
    let mut facts = TableFacts::default();
    let sql = include_str!("../../sql/catalog/explain_settings.sql");
    if let Some(row) = ask(session, sql, &[]).await?.first() {
        facts.work_mem_bytes = row.get("work_mem_bytes");
        facts.hash_mem_bytes = row.get("hash_mem_bytes");
        facts.random_page_cost = row.get("random_page_cost");
    }
    let schemas = relations.iter().map(|name| name.schema.as_deref()).collect::<Vec<_>>();
    let names = relations.iter().map(|name| name.name.as_str()).collect::<Vec<_>>();
    let sql = include_str!("../../sql/catalog/explain_tables.sql");
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&schemas, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)];
    for row in ask(session, sql, &params).await? {
        let name = RelationName { schema: row.get("schema"), name: row.get("name") };
        let root = row.get::<_, Option<String>>("root_name");
        let partition_of = root.map(|name| RelationName { schema: row.get("root_schema"), name });
        let size = TableSize {
            rows: row.get("rows"),
            bytes: row.get("size_bytes"),
            partition_of,
        };
        facts.tables.insert(name, size);
    }
    Ok(facts)
}

/// READ COMMITTED, because a read-only transaction that is serializable and deferrable by default
/// would wait for all others. Planning is to be given up early: the plan is only to be looked at.
/// Partitions that the parameters' values exclude would be left out of the plan, and all values are
/// NULL. The planner's looks at the ends of indexes are scans.
const BEGIN: [&str; 6] = [
    "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY",
    "SET LOCAL statement_timeout = '5s'",
    "SET LOCAL lock_timeout = '100ms'",
    "SET LOCAL plan_cache_mode = force_generic_plan",
    "SET LOCAL enable_partition_pruning = off",
    UNCOUNTED,
];

const DEALLOCATE: &str = "DEALLOCATE pgtend_explain";

/// The generic plan of a prepared statement. `EXPLAIN (GENERIC_PLAN)`, which came with 16, would
/// have to be sent by the simple protocol, in which the server takes several statements: what is
/// one for our parser may be two for the server (`standard_conforming_strings`), and the second
/// could end the read-only transaction. In the extended protocol the server refuses it.
async fn explain(traces: &mut Traces<'_>, query: &str) -> Answer<String> {
    prepare(traces, query).await?;
    plan_prepared(traces.session).await
}

/// The same where nothing of a role that is not trusted can be reached, or why not. Looked at before
/// the statement is parsed, because parsing calls the functions of types where it reads constants,
/// and once more when it is, because then the views are expanded.
async fn explain_guarded(
    traces: &mut Traces<'_>,
    query: &str,
    trust: &Trust,
) -> Answer<std::result::Result<String, String>> {
    let session = traces.session;
    let path = match safe_path(session, query, trust).await? {
        Ok(path) => path,
        Err(reason) => return Ok(Err(reason)),
    };
    if let Some(reason) = objection(session, query, trust, &path.reachable).await? {
        return Ok(Err(reason));
    }
    session.execute(&path.set_local()).await?;
    match prepare(traces, query).await {
        Err(error) if is_not_found(&error) && !path.left_out.is_empty() => {
            return Ok(Err(format!("{error}; {}", path.left_out.join("; "))));
        }
        prepared => prepared?,
    }
    session.execute(search_path::SET_LOCAL_EMPTY).await?;
    if let Some(reason) = objection(session, query, trust, &path.reachable).await? {
        return Ok(Err(reason));
    }
    // With another path than before the server would parse the text again.
    session.execute(&path.set_local()).await?;
    plan_prepared(session).await.map(Ok)
}

async fn prepare(traces: &mut Traces<'_>, query: &str) -> Answer<()> {
    traces.may_be_prepared = true;
    let sql = format!("PREPARE pgtend_explain AS {query}");
    let prepared = traces.session.query(&sql, &[]).await;
    traces.may_be_prepared = prepared.is_ok();
    prepared.map(drop)
}

async fn plan_prepared(session: &Session) -> Answer<String> {
    let sql = include_str!("../../sql/catalog/explain_parameters.sql");
    let counted = session.query(sql, &[]).await?;
    let count = counted.first().map_or(0, |row| row.get::<_, i32>("count"));
    let nulls = vec!["NULL"; usize::try_from(count).unwrap_or(0)].join(", ");
    let arguments = if nulls.is_empty() { nulls } else { format!("({nulls})") };
    // VERBOSE for the schemas, and for the table's name before each column.
    let sql = format!("EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE pgtend_explain{arguments}");
    let rows = session.query(&sql, &[]).await?;
    Ok(rows.first().map(|row| row.get(0)).unwrap_or_default())
}

/// What has to be cleared away, also when nobody waits for the plan any more.
struct Traces<'s> {
    session: &'s Session,
    may_be_prepared: bool,
}

impl Drop for Traces<'_> {
    fn drop(&mut self) {
        self.session.send_off("ROLLBACK");
        if self.may_be_prepared {
            // PREPARE outlives the transaction.
            self.session.send_off(DEALLOCATE);
        }
    }
}

/// Why the text cannot be explained, as far as that can be seen from the text.
pub fn obstacle(query: &str) -> Option<String> {
    if query.trim() == "<insufficient privilege>" {
        return Some("its text is hidden: the role lacks pg_read_all_stats".to_owned());
    }
    if query.contains('\0') {
        return Some("its text is broken".to_owned());
    }
    if query.contains(char::REPLACEMENT_CHARACTER) {
        return Some("its text is not UTF-8".to_owned());
    }
    syntax::read(query, |parse| obstacle_in(query, parse))
        .unwrap_or_else(|error| Some(format!("its text is too much: {error}")))
}

fn obstacle_in(query: &str, parse: &syntax::Parsed) -> Option<String> {
    let tree = parse.tree();
    if let Some(words) = typed_parameter(tree.syntax()) {
        return Some(format!(
            "pg_stat_statements left `{words}` of a constant with its type, which is not valid SQL"
        ));
    }
    if let Some(error) = parse.errors().first() {
        let (_, words) = syntax::near(query, error);
        return Some(format!("its text is cut off or not understood: {words}"));
    }
    let mut statements = parse.statements();
    match (statements.next(), statements.next()) {
        (Some(statement), None) if has_plan(&statement) => None,
        _ => Some("it is not one SELECT, INSERT, UPDATE, DELETE or MERGE".to_owned()),
    }
}

fn has_plan(statement: &Stmt) -> bool {
    matches!(
        statement,
        Stmt::Select(_)
            | Stmt::CompoundSelect(_)
            | Stmt::ParenSelect(_)
            | Stmt::Values(_)
            | Stmt::Table(_)
            | Stmt::Insert(_)
            | Stmt::Update(_)
            | Stmt::Delete(_)
            | Stmt::Merge(_)
    )
}

/// Types whose names are keywords; before a parameter stands no other name.
const KEYWORD_TYPES: [&str; 17] = [
    "bigint",
    "bit",
    "boolean",
    "char",
    "character",
    "dec",
    "decimal",
    "float",
    "int",
    "integer",
    "interval",
    "numeric",
    "real",
    "smallint",
    "time",
    "timestamp",
    "varchar",
];

/// `interval $1`, which was `interval '1 day'`: a parameter cannot stand there.
fn typed_parameter(tree: &SyntaxNode) -> Option<String> {
    let tokens = tree
        .descendants_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| !is_trivia(token))
        .collect::<Vec<_>>();
    let pair = tokens.windows(2).find(|pair| {
        pair[1].kind() == SyntaxKind::POSITIONAL_PARAM
            && (pair[0].kind() == SyntaxKind::IDENT
                || KEYWORD_TYPES.contains(&pair[0].text().to_ascii_lowercase().as_str()))
    })?;
    Some(format!("{} {}", pair[0].text(), pair[1].text()))
}

fn is_trivia(token: &SyntaxToken) -> bool {
    matches!(token.kind(), SyntaxKind::WHITESPACE | SyntaxKind::COMMENT)
}

/// Whether no other statement would fare better: the connection is lost, the server goes down.
fn concerns_session(error: &ServerError) -> bool {
    error.sqlstate.as_deref().is_none_or(|sqlstate| sqlstate.starts_with("57P"))
}

/// Undefined table, function, type or operator.
fn is_not_found(error: &ServerError) -> bool {
    matches!(error.sqlstate.as_deref(), Some("42P01" | "42883" | "42704"))
}

/// Why the server does not explain it.
fn reason(error: &ServerError) -> String {
    match error.sqlstate.as_deref() {
        _ if error.is_lock_not_available() => {
            "a table that it needs is locked by another session".to_owned()
        }
        Some("57014") if error.message.contains("statement timeout") => {
            "planning it took longer than 5 s".to_owned()
        }
        _ if is_not_found(error) => {
            format!("{error} (the application may have another search_path)")
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_statement_that_has_a_plan_is_explained() {
        for query in [
            "SELECT $1",
            "SELECT * FROM t WHERE a = $1 AND b AT TIME ZONE $2 > $3 LIMIT $4;",
            "/* app */ SELECT 1; -- the end",
            "-- app\nSELECT 1 ;;",
            "(SELECT 1) UNION ALL SELECT 2 ORDER BY 1",
            "(SELECT 1)",
            "VALUES ($1, $2)",
            "TABLE t",
            "WITH gone AS (DELETE FROM t RETURNING *) SELECT count(*) FROM gone",
            "INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET b = excluded.b",
            "UPDATE t SET a = $1 WHERE b = ANY ($2)",
            "DELETE FROM t USING u WHERE t.a = u.a AND u.b IN ($1 /*, ... */)",
            "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN UPDATE SET b = $1",
            "SELECT a FROM t WHERE b = $1 FOR UPDATE SKIP LOCKED",
            "SELECT $1::interval, CAST($2 AS date), interval '1 day'",
        ] {
            assert_eq!(obstacle(query), None, "{query}");
        }
        for query in [
            "",
            ";",
            "SELECT 1; SELECT 2",
            "SELECT 1; COMMIT; DROP TABLE t",
            "EXPLAIN ANALYZE DELETE FROM t",
            "CREATE TABLE u AS SELECT 1",
            "SELECT 1 INTO u",
            "DECLARE c CURSOR FOR SELECT 1",
            "VACUUM",
            "BEGIN",
            "CALL p($1)",
        ] {
            let reason = obstacle(query).unwrap();
            assert!(reason.contains("not one SELECT"), "{query}: {reason}");
        }
    }

    #[test]
    fn what_does_not_parse_says_why() {
        for (query, reason) in [
            ("<insufficient privilege>", "hidden"),
            ("SELECT * FROM t WHERE (a = $1 AND", "cut off"),
            ("SELECT 'half a stri", "cut off"),
            ("SELECT now() - interval $1", "`interval $1`"),
            ("SELECT now() - INTERVAL /* a day */ $12 DAY", "`INTERVAL $12`"),
            ("SELECT * FROM t WHERE day > date $1", "`date $1`"),
            ("SELECT timestamp $1", "`timestamp $1`"),
            ("SELECT 1\0", "broken"),
        ] {
            let told = obstacle(query).unwrap();
            assert!(told.contains(reason), "{query}: {told}");
        }
    }
}
