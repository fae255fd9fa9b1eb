//! Reading from production what a twin is made of: the catalog, in one transaction that only reads,
//! and nothing else but the ends of indexed columns.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use tokio_postgres::types::{ToSql, Type};

use super::data::{TwinData, TwinOrigin, TwinRelation, TwinSetting};
use super::ends::load_ends;
use super::metapages::load_metapages;
use crate::facts::Oid;
use crate::facts::load::{ask, first};
use crate::failure::{Failure, Kind, Result};
use crate::pg::database::{Database, Workers};
use crate::pg::name::quote_ident;
use crate::pg::server_error::{INTERNAL_ERROR, ServerError, UNDEFINED_TABLE};
use crate::pg::session::Session;
use crate::syntax::names_in;

/// What is wanted of production.
#[derive(Debug, Clone)]
pub struct ExportRequest<'w> {
    /// Statements, and texts of indexes, whose tables the twin is to have.
    pub texts: &'w [String],
    /// Whose settings count; `None`: those of the role that pgtend acts as.
    pub role: Option<&'w str>,
    /// Whether values of the data may be read.
    pub values: Values,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    Included,
    LeftOut,
}

/// What is printed is read by another server: it must not depend on this role's settings. One snapshot,
/// so that indexes, tables and statistics agree.
const BEGIN: [&str; 7] = [
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = postgres",
    "SET LOCAL bytea_output = hex",
    "SET LOCAL lc_monetary = 'C'",
    "SET LOCAL work_mem = '32MB'",
];

/// What is dropped while it is read is not there the next time.
const MOST_ATTEMPTS: usize = 3;

/// A function's text may name what no dependency tells of, and that another.
const ROUNDS: usize = 5;

/// Reads what the statements need.
///
/// # Errors
/// `Privilege` where no statistics at all may be read, `Unsupported` for another block size than 8 kB;
/// those of the connection and of the queries.
pub async fn export(database: &Database, wanted: &ExportRequest<'_>) -> Result<TwinData> {
    let session = database.reader().await?;
    let mut attempts = 1;
    let mut data = loop {
        session.execute_all(&BEGIN).await.map_err(|error| error.into_failure())?;
        let read = read_catalog(&session, database, wanted).await;
        // The first failure is the one to tell.
        let _ = session.execute("ROLLBACK").await;
        match read {
            Err(failure) if attempts < MOST_ATTEMPTS && is_about_what_is_gone(&failure) => {
                attempts += 1;
            }
            read => break read?,
        }
    };
    if wanted.values == Values::Included {
        let (ends, unread) = load_ends(&session, &data).await?;
        data.ends = ends;
        data.unknown.extend(unread);
    }
    data.settings = load_settings(database, wanted, &mut data.unknown).await?;
    Ok(data)
}

/// The snapshot has a table or index still that was dropped meanwhile, and what prints it looks at today:
/// `cache lookup failed for index 21761`.
fn is_about_what_is_gone(failure: &Failure) -> bool {
    matches!(failure.sqlstate.as_deref(), Some(INTERNAL_ERROR | UNDEFINED_TABLE))
}

async fn read_catalog(
    session: &Session,
    database: &Database,
    wanted: &ExportRequest<'_>,
) -> Result<TwinData> {
    let origin = load_origin(session).await?;
    let reached = reach(session, wanted.texts).await?;
    let relations: Vec<TwinRelation> =
        objects(session, include_str!("../../sql/twin/relations.sql"), &reached.relations).await?;
    require_statistics(&relations, &database.server.role)?;
    let tables = relations
        .iter()
        .filter(|relation| relation.is_table())
        .map(|relation| relation.oid)
        .collect::<Vec<_>>();
    let values = wanted.values == Values::Included;
    let major = origin.major();
    let mut data = TwinData {
        extensions: objects(
            session,
            include_str!("../../sql/twin/extensions.sql"),
            &reached.extensions,
        )
        .await?,
        collations: objects(
            session,
            include_str!("../../sql/twin/collations.sql"),
            &reached.collations,
        )
        .await?,
        types: objects(session, include_str!("../../sql/twin/types.sql"), &reached.types).await?,
        operators: objects(
            session,
            include_str!("../../sql/twin/operators.sql"),
            &reached.operators,
        )
        .await?,
        functions: reached.functions,
        indexes: objects(session, include_str!("../../sql/twin/indexes.sql"), &tables).await?,
        foreign_keys: objects(session, include_str!("../../sql/twin/foreign_keys.sql"), &tables)
            .await?,
        column_statistics: with_values(session, column_statistics(major), &tables, values).await?,
        extended_statistics: with_values(session, extended_statistics(major), &tables, values)
            .await?,
        has_no_values: !values,
        origin,
        relations,
        ..TwinData::default()
    };
    if values && major < 17 && data.origin.sees_pg_statistic {
        let sql = include_str!("../../sql/twin/range_statistics.sql");
        let ranges = objects(session, sql, &tables).await?;
        add_ranges(&mut data, ranges);
    }
    data.metapages = load_metapages(session, &data.indexes).await?;
    data.unknown.extend(unknown(&data, &database.server.role));
    Ok(data)
}

fn column_statistics(major: u32) -> &'static str {
    match major >= 17 {
        true => include_str!("../../sql/twin/column_statistics_17.sql"),
        false => include_str!("../../sql/twin/column_statistics.sql"),
    }
}

fn extended_statistics(major: u32) -> &'static str {
    match major >= 15 {
        true => include_str!("../../sql/twin/extended_statistics_15.sql"),
        false => include_str!("../../sql/twin/extended_statistics.sql"),
    }
}

/// pg_stats has a row for a range column, too, without its histograms.
fn add_ranges(data: &mut TwinData, ranges: Vec<super::data::ColumnStatistics>) {
    for range in ranges {
        let same = |row: &&mut super::data::ColumnStatistics| {
            (&row.schema, &row.relation, &row.column, row.inherited)
                == (&range.schema, &range.relation, &range.column, range.inherited)
        };
        match data.column_statistics.iter_mut().find(same) {
            Some(row) => *row = range,
            None => data.column_statistics.push(range),
        }
    }
}

async fn load_origin(session: &Session) -> Result<TwinOrigin> {
    let rows = ask(session, include_str!("../../sql/twin/database.sql"), &[]).await?;
    let origin: TwinOrigin = read(first(&rows)?.get("object"))?;
    match origin.block_size {
        8192 => Ok(origin),
        other => Err(Failure::new(
            Kind::Unsupported,
            format!("this server has pages of {other} bytes, and a twin has pages of 8192"),
        )),
    }
}

/// The oids of what the statements reach, by class.
#[derive(Debug, Default)]
struct Reached {
    relations: Vec<Oid>,
    types: Vec<Oid>,
    operators: Vec<Oid>,
    collations: Vec<Oid>,
    extensions: Vec<Oid>,
    functions: Vec<super::data::Function>,
}

/// A function's body names tables and functions in its text alone; so it is read like a statement,
/// until nothing new comes up.
async fn reach(session: &Session, texts: &[String]) -> Result<Reached> {
    let mut words = texts.iter().flat_map(|text| names_in(text)).collect::<BTreeSet<_>>();
    for _ in 0..ROUNDS {
        let reached = reach_once(session, &words).await?;
        let before = words.len();
        words.extend(reached.functions.iter().flat_map(|function| names_in(&function.source)));
        if words.len() == before {
            return Ok(reached);
        }
    }
    reach_once(session, &words).await
}

async fn reach_once(session: &Session, words: &BTreeSet<String>) -> Result<Reached> {
    let words = words.iter().map(String::as_str).collect::<Vec<_>>();
    let sql = include_str!("../../sql/twin/reached.sql");
    let mut reached = Reached::default();
    let mut functions = Vec::new();
    for row in ask(session, sql, &[(&words, Type::TEXT_ARRAY)]).await? {
        let list = match row.get::<_, &str>("class") {
            "pg_class" => &mut reached.relations,
            "pg_proc" => &mut functions,
            "pg_type" => &mut reached.types,
            "pg_operator" => &mut reached.operators,
            "pg_collation" => &mut reached.collations,
            "pg_extension" => &mut reached.extensions,
            _ => continue,
        };
        list.push(row.get("oid"));
    }
    let sql = include_str!("../../sql/twin/functions.sql");
    reached.functions = objects(session, sql, &functions).await?;
    Ok(reached)
}

/// One object a row.
pub(super) async fn objects<T: DeserializeOwned>(
    session: &Session,
    sql: &str,
    oids: &[Oid],
) -> Result<Vec<T>> {
    if oids.is_empty() {
        return Ok(Vec::new());
    }
    collect(session, sql, &[(&oids, Type::OID_ARRAY)]).await
}

async fn with_values<T: DeserializeOwned>(
    session: &Session,
    sql: &str,
    oids: &[Oid],
    values: bool,
) -> Result<Vec<T>> {
    if oids.is_empty() {
        return Ok(Vec::new());
    }
    collect(session, sql, &[(&oids, Type::OID_ARRAY), (&values, Type::BOOL)]).await
}

pub(super) async fn collect<T: DeserializeOwned>(
    session: &Session,
    sql: &str,
    params: &[(&(dyn ToSql + Sync), Type)],
) -> Result<Vec<T>> {
    let mut objects = Vec::new();
    let mut fault = None;
    let each = session.each(sql, params, |row| match read(row.get("object")) {
        Ok(object) => objects.push(object),
        Err(failure) => fault = Some(failure),
    });
    each.await.map_err(unreadable)?;
    match fault {
        Some(failure) => Err(failure),
        None => Ok(objects),
    }
}

/// The length of a table is not told while somebody holds it exclusively.
fn unreadable(error: ServerError) -> Failure {
    match error.is_lock_not_available() {
        true => error
            .into_failure()
            .context("a table that the statements read is locked by another session")
            .hint("pgtend activity shows who holds it; try again when it is free"),
        false => error.into_failure().context("reading the catalog failed"),
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        Failure::new(Kind::Server, format!("a row of the catalog cannot be read: {error}"))
    })
}

/// With no statistics at all the twin would plan with PostgreSQL's defaults, and look as if it knew.
fn require_statistics(relations: &[TwinRelation], role: &str) -> Result<()> {
    let tables = relations.iter().filter(|relation| relation.is_table());
    let (readable, hidden) = tables.partition::<Vec<_>, _>(|table| table.may_read);
    let Some(first) = hidden.first().filter(|_| readable.is_empty()) else {
        return Ok(());
    };
    Err(Failure::new(
        Kind::Privilege,
        format!(
            "role {role} may not read the statistics of {}.{} nor of any other table that the \
             statements read",
            first.schema, first.name
        ),
    )
    .hint(format!("GRANT pg_read_all_data TO {};", quote_ident(role))))
}

fn unknown(data: &TwinData, role: &str) -> Vec<String> {
    let mut unknown = Vec::new();
    for relation in data.relations.iter().filter(|relation| relation.has_row_security) {
        unknown.push(format!(
            "{}.{} has row security: statements are planned as its owner sees it",
            relation.schema, relation.name
        ));
    }
    for statistics in data.extended_statistics.iter().filter(|statistics| !statistics.may_read) {
        unknown.push(format!(
            "the extended statistics {}.{} are only shown to the owner of {}.{}, and {role} is not: \
             they are missing in the twin",
            statistics.schema, statistics.name, statistics.table_schema, statistics.table
        ));
    }
    for relation in data.relations.iter().filter(|relation| relation.kind == "f") {
        unknown.push(format!(
            "{}.{} is a foreign table, which a twin does not have: statements on it are not judged",
            relation.schema, relation.name
        ));
    }
    let tablespaces = data.relations.iter().filter(|table| !table.tablespace_options.is_empty());
    for relation in tablespaces {
        unknown.push(format!(
            "{}.{} is in a tablespace with page costs of its own, which the twin does not have",
            relation.schema, relation.name
        ));
    }
    unknown
}

/// In a session that begins as the role and the database say: a reader has settings of its own.
async fn load_settings(
    database: &Database,
    wanted: &ExportRequest<'_>,
    unknown: &mut Vec<String>,
) -> Result<Vec<TwinSetting>> {
    let session = database.maintainer(Workers::None).await?;
    session
        .execute_all(&["SET search_path = ''", "SET statement_timeout = '30s'"])
        .await
        .map_err(|error| error.into_failure())?;
    let role = wanted.role.unwrap_or(&database.server.role);
    let sql = include_str!("../../sql/twin/settings.sql");
    let mut settings = Vec::new();
    for row in ask(&session, sql, &[(&role, Type::TEXT)]).await? {
        let (name, value): (String, String) = (row.get("name"), row.get("value"));
        let is_other = role != database.server.role;
        if is_other && row.get("is_guess") {
            unknown.push(format!(
                "{name} is set for {}, and its value for others is not shown: the twin has \
                 PostgreSQL's default",
                database.server.role
            ));
        }
        settings.push(TwinSetting { name, value });
    }
    Ok(settings)
}
