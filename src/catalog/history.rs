//! pgtend's own schema: whether it is there, and what it remembers.

use std::time::Duration;

use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::Oid;
use super::load::ask;
use crate::failure::{Failure, Kind, Result};
use crate::pg::session::Session;

/// The version of the schema that this pgtend works with.
pub const CURRENT: i32 = 2;

/// Nothing is remembered for longer; more would be beyond what the server takes for a date.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Whether the history can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// It is not there; at most there is an empty schema of that name.
    Absent,
    /// It is there as this pgtend knows it, and may be read.
    Current,
    /// It is of this older version.
    Older(i32),
    /// It is of this newer version.
    Newer(i32),
    /// There is a schema of that name, but it is not pgtend's.
    Foreign,
    /// The role may not read it.
    Unusable,
    /// Of this version, and some of its tables are gone.
    Damaged,
}

/// How many tables this version has.
const TABLES: usize = 7;

/// The failure for a schema some of whose tables are gone.
pub fn damaged() -> Failure {
    Failure::new(Kind::Unsupported, "tables of the schema pgtend are gone")
        .hint("pgtend init --uninstall removes the rest, then pgtend init makes it anew")
}

/// What is known of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// There is a schema of that name.
    pub is_there: bool,
    /// Whose it is.
    pub owner: Option<String>,
    /// Nothing is in it.
    pub is_empty: bool,
    /// Those of pgtend's tables that are there.
    pub tables: Vec<String>,
    /// Its version table is pgtend's.
    pub is_ours: bool,
    /// CREATE on the database.
    pub may_create_in_database: bool,
    /// CREATE and USAGE on the schema.
    pub may_create_in_schema: bool,
    /// The tables belong to the role, or to a role that it is a member of.
    pub owned: bool,
    /// The role may read the tables.
    pub may_read: bool,
    /// The role may write without danger: who owns a table can let the writes of others run code,
    /// so a superuser writes only into tables of superusers.
    pub is_trusted: bool,
    /// Its version, where it may be read.
    pub version: Option<i32>,
    /// pgtend made the schema itself, too.
    pub made_schema: bool,
}

impl Schema {
    /// Whether the history can be used.
    pub fn installed(&self) -> Installed {
        match self.version {
            _ if !self.is_there || self.is_empty => Installed::Absent,
            _ if !self.is_ours => Installed::Foreign,
            _ if !self.may_read => Installed::Unusable,
            None => Installed::Foreign,
            Some(version) if version < CURRENT => Installed::Older(version),
            Some(version) if version > CURRENT => Installed::Newer(version),
            Some(_) if self.tables.len() < TABLES => Installed::Damaged,
            Some(_) => Installed::Current,
        }
    }

    /// Refuses what this pgtend or this role cannot or should not read.
    ///
    /// # Errors
    /// `Unsupported` where there is no history or one of another version; `Privilege`, also for a
    /// superuser where the tables are not a superuser's.
    pub fn require_readable(&self) -> Result<()> {
        let (kind, message, hint) = match self.installed() {
            Installed::Current => return self.require_trusted(),
            Installed::Absent => {
                let message = "there is no history in this database".to_owned();
                (Kind::Unsupported, message, "pgtend init makes a place for it")
            }
            Installed::Foreign => {
                let message = "there is no history in this database: its schema pgtend is not \
                               pgtend's"
                    .to_owned();
                (Kind::Unsupported, message, "rename that schema, then run pgtend init")
            }
            Installed::Older(version) => {
                let message = format!("the schema pgtend is of version {version}");
                (Kind::Unsupported, message, "pgtend init brings it up to date")
            }
            Installed::Newer(version) => {
                let message = format!("the schema pgtend is of version {version}");
                (Kind::Unsupported, message, "a newer pgtend made it: use that one")
            }
            Installed::Damaged => return Err(damaged()),
            Installed::Unusable => return Err(self.unreadable()),
        };
        Err(Failure::new(kind, message).hint(hint))
    }

    /// Refuses what this pgtend or this role cannot or should not write to.
    ///
    /// # Errors
    /// As [`Schema::require_readable`]; `Privilege` for a superuser where the tables are not a
    /// superuser's.
    pub fn require_writable(&self) -> Result<()> {
        self.require_readable()
    }

    /// Whether this pgtend and this role can and should read it.
    pub fn may_be_read(&self) -> bool {
        self.require_readable().is_ok()
    }

    /// Who owns a table can choose its columns' types, and so which operators run where it is read.
    fn require_trusted(&self) -> Result<()> {
        if self.is_trusted {
            return Ok(());
        }
        let owner = self.owner.as_deref().unwrap_or_default();
        let message =
            format!("the schema pgtend belongs to {owner}, who could make a superuser run code");
        Err(Failure::new(Kind::Privilege, message).hint(format!(
            "run pgtend as {owner}, or give the schema and its tables to a superuser"
        )))
    }

    /// The failure for a role that may not read the history.
    pub fn unreadable(&self) -> Failure {
        let owner = self.owner.as_deref().unwrap_or_default();
        Failure::new(Kind::Privilege, format!("only {owner} may use the schema pgtend"))
            .hint(format!("let {owner} run pgtend init --grant with the name of this role"))
    }
}

/// What the history tells of a table that was vacuumed or analyzed before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastUpkeep {
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

/// What the last runs of a command came to, table by table. Only to be asked for where there is a
/// history.
///
/// # Errors
/// Those of the connection and of the query.
pub async fn load_last_upkeep(session: &Session, command: &str) -> Result<Vec<PastUpkeep>> {
    let sql = include_str!("../../sql/catalog/last_upkeep.sql");
    let rows = ask(session, sql, &[(&command, Type::TEXT)]).await?;
    let millis = |ms: f64| Duration::from_secs_f64(ms.max(0.0) / 1e3);
    let tables = rows.iter().map(|row| PastUpkeep {
        object: row.get("object"),
        was_left: row.get("was_left"),
        usual: row.get::<_, Option<f64>>("median_duration_ms").map(millis),
        done_bytes: row.get("done_bytes"),
        done_in: millis(row.get("done_ms")),
    });
    Ok(tables.collect())
}

/// One step of a job, as the history holds it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Run {
    /// The command.
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
    /// Its number.
    pub id: i64,
    /// When it began, in UTC: `2026-11-23T13:00:31.250Z`.
    pub started_at: String,
    /// When it began, in the session's time zone: `2026-11-23 14:00:31+01`.
    pub shown_at: String,
    /// The pgtend that did it.
    pub pgtend_version: String,
    /// What was done.
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
    /// How many at most.
    pub limit: u32,
}

/// The last refresh of a materialized view that succeeded.
#[derive(Debug, Clone, PartialEq)]
pub struct LastRun {
    /// The view.
    pub object_oid: Oid,
    /// Since its end.
    pub succeeded_ago_seconds: f64,
    /// When it ended, in seconds since 1970.
    pub succeeded_epoch_seconds: f64,
    /// The median of the last ten that succeeded; `None` where none of them is kept.
    pub median_duration_ms: Option<f64>,
    /// What the view was made of, as JSON, where it was kept.
    pub sources: Option<String>,
}

/// What is known of the schema. Works whatever stands there, and without any privilege.
///
/// # Errors
/// Those of the connection.
pub async fn load_schema(session: &Session) -> Result<Schema> {
    let rows = ask(session, include_str!("../../sql/catalog/schema.sql"), &[]).await?;
    rows.first()
        .map(read_schema)
        .ok_or_else(|| Failure::new(Kind::Server, "the catalog says nothing of the schema pgtend"))
}

/// Whether the history can be used.
///
/// # Errors
/// As [`load_schema`].
pub async fn load_installed(session: &Session) -> Result<Installed> {
    Ok(load_schema(session).await?.installed())
}

/// For each role whether it may write and read the history; `None` where there is no such role.
///
/// # Errors
/// As [`load_schema`].
pub async fn load_grants(session: &Session, roles: &[String]) -> Result<Vec<Option<bool>>> {
    if roles.is_empty() {
        return Ok(Vec::new());
    }
    let sql = include_str!("../../sql/catalog/schema_grants.sql");
    let rows = ask(session, sql, &[(&roles, Type::TEXT_ARRAY)]).await?;
    let granted = |row: &Row| row.get::<_, bool>("is_there").then(|| row.get("granted"));
    Ok(rows.iter().map(granted).collect())
}

/// What is in the schema, or depends on what is in it, besides the relations that are ours.
///
/// # Errors
/// As [`load_schema`].
pub async fn load_strangers(session: &Session, ours: &[&str]) -> Result<Vec<String>> {
    let sql = include_str!("../../sql/catalog/schema_strangers.sql");
    let rows = ask(session, sql, &[(&ours, Type::TEXT_ARRAY)]).await?;
    Ok(rows.iter().map(|row| row.get("stranger")).collect())
}

/// The runs that are wanted, newest first.
///
/// # Errors
/// Those of the connection and of the query.
pub async fn load_runs(session: &Session, filter: &RunFilter) -> Result<Vec<PastRun>> {
    let patterns = filter.object.as_deref().map(name_patterns);
    let since = filter.since.map(seconds);
    let limit = i64::from(filter.limit);
    let params: [(&(dyn ToSql + Sync), Type); 4] = [
        (&patterns, Type::TEXT_ARRAY),
        (&since, Type::FLOAT8),
        (&filter.command, Type::TEXT),
        (&limit, Type::INT8),
    ];
    let rows = ask(session, include_str!("../../sql/catalog/runs.sql"), &params).await?;
    Ok(rows.iter().map(read_run).collect())
}

/// The last successful refresh of each of these materialized views, or of all where none is named,
/// of which one is known.
///
/// # Errors
/// As [`load_runs`].
pub async fn load_last_refreshes(session: &Session, views: &[Oid]) -> Result<Vec<LastRun>> {
    let sql = include_str!("../../sql/catalog/last_refreshes.sql");
    let rows = ask(session, sql, &[(&views, Type::OID_ARRAY)]).await?;
    let read = |row: &Row| LastRun {
        object_oid: row.get("object_oid"),
        succeeded_ago_seconds: row.get("succeeded_ago_seconds"),
        succeeded_epoch_seconds: row.get("succeeded_epoch_seconds"),
        median_duration_ms: row.get("median_duration_ms"),
        sources: row.get("sources"),
    };
    Ok(rows.iter().map(read).collect())
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

fn read_schema(row: &Row) -> Schema {
    Schema {
        is_there: row.get("is_there"),
        owner: row.get("owner"),
        is_empty: row.get("is_empty"),
        tables: row.get("tables"),
        is_ours: row.get("is_ours"),
        may_create_in_database: row.get("may_create_in_database"),
        may_create_in_schema: row.get("may_create_in_schema"),
        owned: row.get("owned"),
        may_read: row.get("may_read"),
        is_trusted: row.get("is_trusted"),
        version: row.get("version"),
        made_schema: row.get::<_, Option<bool>>("made_schema").unwrap_or(false),
    }
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

    #[test]
    fn a_schema_without_a_version_that_can_be_read_is_not_ours() {
        let ours = Schema {
            is_there: true,
            owner: Some("nova".to_owned()),
            is_empty: false,
            tables: vec![String::new(); TABLES],
            is_ours: true,
            may_create_in_database: false,
            may_create_in_schema: false,
            owned: false,
            may_read: true,
            is_trusted: true,
            version: Some(CURRENT),
            made_schema: true,
        };
        let installed = |change: fn(&mut Schema)| {
            let mut schema = ours.clone();
            change(&mut schema);
            schema.installed()
        };
        assert_eq!(installed(|_| ()), Installed::Current);
        assert_eq!(installed(|it| it.version = None), Installed::Foreign);
        assert_eq!(installed(|it| it.is_ours = false), Installed::Foreign);
        assert_eq!(installed(|it| it.tables.truncate(1)), Installed::Damaged);
        assert_eq!(installed(|it| it.is_empty = true), Installed::Absent);
        assert_eq!(installed(|it| it.may_read = false), Installed::Unusable);
        assert_eq!(installed(|it| it.version = Some(0)), Installed::Older(0));
        assert_eq!(installed(|it| it.version = Some(9)), Installed::Newer(9));
    }
}
