//! What pgtend's own schema remembers. Its rows are data that every role wrote which was let in: whatever
//! stands in them, it never stops who reads them.

mod part;
mod schema;
mod tally;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use crate::pg::row::Row;
use serde::Serialize;
use tokio_postgres::types::{ToSql, Type};

use super::load::ask;
use super::{Known, Oid, Sources, Unavailable};
use crate::failure::Result;
use crate::format;
use crate::pg::database::Server;
use crate::pg::session::Session;
pub use part::HistoryPart;
pub use schema::{CURRENT, HistorySchema, Installed, damaged, load_schema};
pub use tally::{StepCount, ViewRefresh, load_step_counts, load_view_refreshes};

/// Nothing is remembered for longer; more would be beyond what the server takes for a date.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What the history tells of a table that was vacuumed or analyzed before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastMaintenance {
    /// Its name, as the history has it.
    pub object: String,
    /// There was no time for it in the last run.
    pub was_left: bool,
    /// The median of the runs that did it.
    pub usual: Option<Duration>,
    /// Bytes that it had in those runs, in all.
    pub done_bytes: i64,
    /// How long these took, in all.
    pub done_in: Duration,
}

/// What the history tells, where there is one; `None` where there is none for this role, or none that
/// has this part. `asked` is asked of a schema that can be used, and of no other.
pub async fn tell<T>(
    schema: &Known<impl Borrow<HistorySchema>>,
    part: HistoryPart,
    asked: impl Future<Output = Result<T>>,
) -> Known<Option<T>> {
    match schema {
        Known::Known(schema) => match schema.borrow().is_usable(part) {
            Ok(true) => asked.await.map(Some).into(),
            Ok(false) => Known::Known(None),
            Err(failure) => Unavailable::from(failure).into(),
        },
        Known::Unavailable(why) => why.clone().into(),
    }
}

/// What the last runs of these commands came to, object by object. Only to be asked for where there is a
/// history.
pub async fn load_last_maintenance(
    session: &Session,
    commands: &[&str],
) -> Result<Vec<PastMaintenance>> {
    let sql = include_str!("../../sql/catalog/last_maintenance.sql");
    let rows = ask(session, sql, &[(&commands, Type::TEXT_ARRAY)]).await?;
    let millis = |ms: f64| format::seconds(ms / 1e3);
    let tables = rows.iter().map(|row| PastMaintenance {
        object: row.get("object"),
        was_left: row.get("was_left"),
        usual: row.get::<_, Option<f64>>("median_duration_ms").and_then(millis),
        done_bytes: row.get("done_bytes"),
        done_in: millis(row.get("done_ms")).unwrap_or_default(),
    });
    Ok(tables.collect())
}

/// One step of a job, as the history holds it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Run {
    pub command: String,
    /// What was done, as in the JSON documents.
    pub action: String,
    /// The object, schema-qualified and quoted as in SQL.
    pub object: String,
    /// Its identifier then, where it is known.
    pub object_oid: Option<Oid>,
    /// How long ago it began.
    pub started_ago_seconds: f64,
    /// From beginning to end.
    pub duration_ms: f64,
    /// `done`, `skipped`, `failed` or `cancelled`.
    pub outcome: String,
    /// Why it was done, or why it ended so.
    pub reason: String,
    /// The SQLSTATE where a statement failed.
    pub sqlstate: Option<String>,
    /// Of a refresh: `concurrent` or `plain`.
    pub mode: Option<String>,
    /// Rows inserted, where it is known.
    pub rows_inserted: Option<i64>,
    /// Rows updated, where it is known.
    pub rows_updated: Option<i64>,
    /// Rows deleted, where it is known.
    pub rows_deleted: Option<i64>,
    /// Bytes of the object afterwards, where it is known.
    pub size_bytes: Option<i64>,
    /// Bytes of WAL written, where it is known.
    pub wal_bytes: Option<i64>,
}

/// A run that was read from the history.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRun {
    pub id: i64,
    /// When it began, in UTC: `2026-11-23T13:00:31.250Z`.
    pub started_at: String,
    /// When it began, in the session's time zone: `2026-11-23 14:00:31+01`.
    pub shown_at: String,
    /// The pgtend that did it.
    pub pgtend_version: String,
    pub run: Run,
}

/// Which runs are wanted.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// A pattern (* and ?) of the object's name, with or without its schema.
    pub object: Option<String>,
    /// None that began longer ago.
    pub since: Option<Duration>,
    /// Only of this command.
    pub command: Option<String>,
    /// Only those that ended so.
    pub outcome: Option<String>,
    /// How many at most.
    pub limit: u32,
}

/// A view's last refresh by pgtend that succeeded.
#[derive(Debug, Clone, Default)]
pub struct LastRefresh {
    /// How long ago it ended.
    pub age: Duration,
    /// The median of the last ten that succeeded; `None` where none of them is kept.
    pub usual_duration: Option<Duration>,
    /// What the view was made of just before, where it was kept by this version.
    pub sources: Option<Sources>,
}

/// What `pgtend init` has to know.
#[derive(Debug, Clone)]
pub struct Installation {
    pub database: String,
    /// The role that pgtend acts as.
    pub role: String,
    pub schema: HistorySchema,
    /// For each role that is asked about whether it may write and read the history; `None` where there
    /// is no such role.
    pub grants: HashMap<String, Option<bool>>,
    /// What others have in the schema or on it, where that matters.
    pub strangers: Vec<String>,
    /// Who may use the snapshots of a version that is to be upgraded.
    pub grantees: Vec<Grantee>,
}

/// Who may use the snapshots besides their owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grantee {
    /// The role, or PUBLIC, as in SQL.
    pub role: String,
    pub may_read: bool,
    pub may_write: bool,
}

/// What stands in the database. `owner` may own the schema, too; `removed` are the relations that
/// are to go, if they are.
///
/// # Errors
/// Those of the connection and of the queries.
pub async fn load_installation(
    session: &Session,
    server: &Server,
    owner: Option<&str>,
    roles: &[String],
    removed: Option<&[&str]>,
) -> Result<Installation> {
    let schema = load_schema(session, owner).await?;
    // Looking for them reads much, and is done only where it is told.
    let strangers = match (schema.installed(), removed) {
        (Installed::Foreign, _) => load_strangers(session, &[]).await?,
        (_, Some(ours)) => load_strangers(session, ours).await?,
        _ => Vec::new(),
    };
    let grantees = match schema.installed() {
        Installed::Older(_) => load_grantees(session).await?,
        _ => Vec::new(),
    };
    Ok(Installation {
        database: server.database.clone(),
        role: server.role.clone(),
        schema,
        grants: load_grants(session, roles).await?,
        strangers,
        grantees,
    })
}

async fn load_grantees(session: &Session) -> Result<Vec<Grantee>> {
    let sql = include_str!("../../sql/catalog/schema_grantees.sql");
    let rows = ask(session, sql, &[]).await?;
    let grantees = rows.iter().map(|row| Grantee {
        role: row.get("role"),
        may_read: row.get("may_read"),
        may_write: row.get("may_write"),
    });
    Ok(grantees.collect())
}

async fn load_grants(session: &Session, roles: &[String]) -> Result<HashMap<String, Option<bool>>> {
    if roles.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = include_str!("../../sql/catalog/schema_grants.sql");
    let rows = ask(session, sql, &[(&roles, Type::TEXT_ARRAY)]).await?;
    let granted = |row: &Row| row.get::<_, bool>("is_there").then(|| row.get("granted"));
    Ok(roles.iter().cloned().zip(rows.iter().map(granted)).collect())
}

/// What is in the schema, or depends on what is in it, besides the relations that are ours.
async fn load_strangers(session: &Session, ours: &[&str]) -> Result<Vec<String>> {
    let sql = include_str!("../../sql/catalog/schema_strangers.sql");
    let rows = ask(session, sql, &[(&ours, Type::TEXT_ARRAY)]).await?;
    Ok(rows.iter().map(|row| row.get("stranger")).collect())
}

/// The runs that are wanted, newest first.
pub async fn load_runs(session: &Session, filter: &RunFilter) -> Result<Vec<PastRun>> {
    let patterns = filter.object.as_deref().map(name_patterns);
    let since = filter.since.map(seconds);
    let limit = i64::from(filter.limit);
    let params: [(&(dyn ToSql + Sync), Type); 5] = [
        (&patterns, Type::TEXT_ARRAY),
        (&since, Type::FLOAT8),
        (&filter.command, Type::TEXT),
        (&limit, Type::INT8),
        (&filter.outcome, Type::TEXT),
    ];
    let rows = ask(session, include_str!("../../sql/catalog/runs.sql"), &params).await?;
    Ok(rows.iter().map(read_run).collect())
}

/// The last successful refresh of each of these materialized views, or of all where none is named,
/// of which one is known.
pub async fn load_last_refreshes(
    session: &Session,
    views: &[Oid],
) -> Result<HashMap<Oid, LastRefresh>> {
    let sql = include_str!("../../sql/catalog/last_refreshes.sql");
    let rows = ask(session, sql, &[(&views, Type::OID_ARRAY)]).await?;
    let read = |row: &Row| {
        let millis = row.get::<_, Option<f64>>("median_duration_ms");
        let sources = row.get::<_, Option<String>>("sources");
        let last = LastRefresh {
            age: format::seconds(row.get("succeeded_ago_seconds"))?,
            usual_duration: millis.and_then(|ms| format::seconds(ms / 1e3)),
            // What another version has kept is as good as nothing.
            sources: sources.and_then(|sources| serde_json::from_str(&sources).ok()),
        };
        Some((row.get("object_oid"), last))
    };
    Ok(rows.iter().filter_map(read).collect())
}

/// A duration as the history's queries want it.
pub fn seconds(duration: Duration) -> f64 {
    duration.min(LONGEST).as_secs_f64()
}

/// The patterns for LIKE that stand for a pattern with * and ?, for a name and for one behind a
/// schema.
fn name_patterns(glob: &str) -> Vec<String> {
    let mut like = String::new();
    for character in glob.chars() {
        match character {
            '*' => like.push('%'),
            '?' => like.push('_'),
            '%' | '_' | '\\' => like.extend(['\\', character]),
            other => like.push(other),
        }
    }
    vec![format!("%.{like}"), like]
}

fn read_run(row: &Row) -> PastRun {
    PastRun {
        id: row.get("id"),
        started_at: row.get("started_at"),
        shown_at: row.get("shown_at"),
        pgtend_version: row.get("pgtend_version"),
        run: Run {
            command: row.get("command"),
            action: row.get("action"),
            object: row.get("object"),
            object_oid: row.get("object_oid"),
            started_ago_seconds: row.get("started_ago_seconds"),
            duration_ms: row.get("duration_ms"),
            outcome: row.get("outcome"),
            reason: row.get("reason"),
            sqlstate: row.get("sqlstate"),
            mode: row.get("mode"),
            rows_inserted: row.get("rows_inserted"),
            rows_updated: row.get("rows_updated"),
            rows_deleted: row.get("rows_deleted"),
            size_bytes: row.get("size_bytes"),
            wal_bytes: row.get("wal_bytes"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_nothing_but_its_stars_and_question_marks() {
        assert_eq!(name_patterns("idx*"), ["%.idx%", "idx%"]);
        assert_eq!(name_patterns("a_b?%\\"), ["%.a\\_b_\\%\\\\", "a\\_b_\\%\\\\"]);
    }

    #[test]
    fn no_duration_is_too_long_for_the_server() {
        assert_eq!(seconds(Duration::MAX), seconds(LONGEST));
        assert_eq!(seconds(Duration::from_millis(1500)), 1.5);
    }
}
