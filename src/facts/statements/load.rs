//! Reading the counters, and the texts where they are needed.

use crate::pg::row::Row;
use tokio_postgres::types::{ToSql, Type};

use super::{
    CountedStatement, Counter, CounterMoment, CounterReading, Counters, StatementKey,
    StatementNames, StatementsExtension, expression, selected,
};
use crate::facts::Oid;
use crate::facts::load::{ask, first};
use crate::failure::Result;
use crate::pg::name::quote_ident;
use crate::pg::session::Session;

/// Enough for the counters of some ten thousand statements, so that no temporary file is written.
const MEMORY_FOR_COUNTERS: &str = "32MB";

/// Which statements are wanted.
#[derive(Debug, Clone, Default)]
pub struct StatementFilter {
    /// Of this database; `None`: of all.
    pub database: Option<Oid>,
    /// Of this role.
    pub user: Option<Oid>,
    /// Executed so often at least.
    pub min_calls: f64,
    /// So many ms in the mean at least.
    pub min_mean_ms: f64,
    /// From this mean on a statement counts as slow, in ms.
    pub slow_ms: f64,
    /// Only these.
    pub queryids: Option<Vec<i64>>,
}

/// The first statements by some counter, and what all of them come to.
#[derive(Debug, Clone, Default)]
pub struct Top {
    /// When it was.
    pub moment: CounterMoment,
    /// The statements in their order.
    pub statements: Vec<CountedStatement>,
    /// How many the filter leaves.
    pub matching: i64,
    /// How many there are in all, hidden ones included.
    pub all: i64,
    /// How many of them are slow.
    pub all_slow: i64,
    /// Execution time of all of them, in ms.
    pub all_ms: f64,
    /// Executions of all of them.
    pub all_calls: f64,
    /// Bytes of WAL of all of them; `None` where this is not counted.
    pub all_wal_bytes: Option<f64>,
}

/// Whether and how statements are counted here.
pub async fn load_extension(session: &Session) -> Result<StatementsExtension> {
    let sql = include_str!("../../../sql/catalog/statements_extension.sql");
    let rows = ask(session, sql, &[]).await?;
    let row = first(&rows)?;
    let rows =
        ask(session, include_str!("../../../sql/statements/other_encodings.sql"), &[]).await?;
    let others = rows.iter().map(|row| (row.get("oid"), row.get("name"), row.get("encoding")));
    Ok(StatementsExtension {
        version: row.get("version"),
        schema: row.get::<_, Option<String>>("schema").unwrap_or_default(),
        columns: row.get("columns"),
        has_info: row.get("has_info"),
        max_statements: row.get("max_statements"),
        available_version: row.get("available_version"),
        sees_all: row.get("sees_all"),
        tracks_io: row.get("tracks_io"),
        tracks_planning: row.get("tracks_planning"),
        started_epoch: row.get("started_epoch"),
        dbid: row.get("dbid"),
        is_superuser: row.get("is_superuser"),
        userid: row.get("userid"),
        in_recovery: row.get("in_recovery"),
        system_id: row.get("system_id"),
        other_encodings: others.collect(),
    })
}

/// The counters of every statement of the database, or of all databases.
pub async fn load_reading(
    session: &Session,
    extension: &StatementsExtension,
    database: Option<Oid>,
) -> Result<CounterReading> {
    let sql = include_str!("../../../sql/statements/all.sql");
    with_memory(session, MEMORY_FOR_COUNTERS, async {
        let mut moment = load_moment(session, extension).await?;
        let rows = ask(session, &extension.written(sql), &[(&database, Type::OID)]).await?;
        let statements = rows.iter().filter_map(read_statement).collect::<Vec<_>>();
        moment.hidden = i64::try_from(rows.len() - statements.len()).unwrap_or(i64::MAX);
        Ok(CounterReading { moment, statements })
    })
    .await
}

/// The statements that come first by `rank`, an expression over the extension's columns in `s`.
pub async fn load_top(
    session: &Session,
    extension: &StatementsExtension,
    rank: &str,
    limit: Option<i64>,
    filter: &StatementFilter,
) -> Result<Top> {
    let of = |counter| format!("{}::pg_catalog.float8", expression(counter, &extension.columns));
    let sql = include_str!("../../../sql/statements/top.sql")
        .replace("{rank}", rank)
        .replace("{calls}", &of(Counter::Calls))
        .replace("{total}", &of(Counter::Total))
        .replace("{wal}", &of(Counter::WalBytes));
    with_memory(session, MEMORY_FOR_COUNTERS, async {
        let moment = load_moment(session, extension).await?;
        let rows = ask(
            session,
            &extension.written(&sql),
            &[
                (&filter.database, Type::OID),
                (&limit, Type::INT8),
                (&filter.min_calls, Type::FLOAT8),
                (&filter.min_mean_ms, Type::FLOAT8),
                (&filter.user, Type::OID),
                (&filter.queryids, Type::INT8_ARRAY),
                (&filter.slow_ms, Type::FLOAT8),
            ],
        )
        .await?;
        let row = first(&rows)?;
        Ok(Top {
            moment: CounterMoment { hidden: row.get("all_hidden"), ..moment },
            matching: row.get("matching"),
            all: row.get("all_statements"),
            all_slow: row.get("all_slow"),
            all_ms: row.get("all_ms"),
            all_calls: row.get("all_calls"),
            all_wal_bytes: row.get("all_wal_bytes"),
            statements: rows.iter().filter_map(read_statement).collect(),
        })
    })
    .await
}

/// The names of the statements' users and databases.
pub async fn load_names(
    session: &Session,
    keys: impl Iterator<Item = StatementKey> + Clone,
) -> Result<StatementNames> {
    let roles = keys.clone().map(|key| key.userid).collect::<Vec<_>>();
    let databases = keys.map(|key| key.dbid).collect::<Vec<_>>();
    let sql = include_str!("../../../sql/catalog/names_of_oids.sql");
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&roles, Type::OID_ARRAY), (&databases, Type::OID_ARRAY)];
    let mut names = StatementNames::default();
    for row in ask(session, sql, &params).await? {
        let all = match row.get::<_, &str>("kind") {
            "role" => &mut names.roles,
            _ => &mut names.databases,
        };
        all.insert(row.get("oid"), row.get("name"));
        if row.get("is_superuser") {
            names.superusers.insert(row.get("oid"));
        }
    }
    Ok(names)
}

impl StatementsExtension {
    /// A query with the extension's schema and the columns of its version.
    pub fn written(&self, sql: &str) -> String {
        let has = |name: &str| self.columns.iter().any(|column| column == name);
        let toplevel = if has("toplevel") { "s.toplevel" } else { "true" };
        let since = match has("stats_since") {
            true => "pg_catalog.date_part('epoch', s.stats_since)",
            false => "NULL::pg_catalog.float8",
        };
        let key = format!(
            "s.userid,\n  s.dbid,\n  s.queryid,\n  {toplevel} AS toplevel,\n  {since} AS stats_since_epoch"
        );
        sql.replace("{schema}", &quote_ident(&self.schema))
            .replace("{key}", &key)
            .replace("{counters}", &selected(&self.columns))
    }
}

/// The circumstances of now.
pub async fn load_moment(
    session: &Session,
    extension: &StatementsExtension,
) -> Result<CounterMoment> {
    let mut moment = CounterMoment {
        started_epoch: extension.started_epoch,
        ..CounterMoment::default()
    };
    let now = "SELECT pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) AS now_epoch";
    if let Some(row) = ask(session, now, &[]).await?.first() {
        moment.taken_epoch = row.get("now_epoch");
    }
    if extension.has_info {
        let sql = extension.written(include_str!("../../../sql/statements/info.sql"));
        if let Some(row) = ask(session, &sql, &[]).await?.first() {
            moment.reset_epoch = row.get("stats_reset_epoch");
            moment.evictions = row.get("dealloc");
        }
    }
    Ok(moment)
}

/// Reads within a transaction that may use more memory, so that the server writes no temporary
/// files (they are what others are known for).
pub(super) async fn with_memory<T>(
    session: &Session,
    memory: &str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let limit = format!("SET LOCAL work_mem = '{memory}'");
    session
        .execute_all(&["BEGIN READ ONLY", &limit])
        .await
        .map_err(|error| error.into_failure())?;
    let result = work.await;
    // The first failure is the one to tell; a lost connection has rolled back by itself.
    let _ = session.execute("ROLLBACK").await;
    result
}

/// `None` for a statement that the role may not see.
fn read_statement(row: &Row) -> Option<CountedStatement> {
    Some(CountedStatement {
        key: read_key(row)?,
        counters: read_figures(row),
        stats_since: row.get("stats_since_epoch"),
    })
}

pub(super) fn read_key(row: &Row) -> Option<StatementKey> {
    Some(StatementKey {
        queryid: row.get::<_, Option<i64>>("queryid")?,
        dbid: row.get("dbid"),
        userid: row.get("userid"),
        toplevel: row.get("toplevel"),
    })
}

/// The counters of a row that has a column for each.
pub fn read_figures(row: &Row) -> Counters {
    let mut counters = Counters::default();
    for counter in Counter::all() {
        counters.set(counter, row.get(counter.name()));
    }
    counters
}
