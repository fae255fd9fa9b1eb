//! What a session's statements do to relations and settings, asked by the session itself while its
//! transaction is open: afterwards the locks are gone.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use tokio_postgres::types::Type;

use super::load::{ask, named};
use super::{Oid, RelationKind};
use crate::failure::Result;
use crate::pg::name::RelationName;
use crate::pg::session::Session;

/// What this session holds and has done so far.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Observation {
    /// When, by the server's clock, since 1970.
    #[serde(rename = "at_us", deserialize_with = "microseconds")]
    pub at: Duration,
    /// The tables and materialized views that it has locked.
    pub locked: Vec<LockedRelation>,
    /// Relations that it has made or whose row in pg_class it has written.
    pub relations: Vec<ObservedRelation>,
    /// All that are left, where it has dropped any.
    pub present: Option<HashSet<Oid>>,
    /// Constraints that it has made.
    pub constraints: Vec<Oid>,
    /// Timeouts and search path, as SHOW gives them; `None` where the server has none of that name.
    pub settings: HashMap<String, Option<String>>,
    /// Where relations without a schema are made; `None` where nothing of the search path is there.
    pub schema: Option<String>,
    /// Where relations without a schema are looked for.
    pub schemas: Vec<String>,
}

/// A relation of any kind.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ObservedRelation {
    pub oid: Oid,
    pub schema: String,
    pub name: String,
    #[serde(deserialize_with = "kind")]
    pub kind: RelationKind,
    /// An index's table, a partition's parent.
    pub of: Option<Oid>,
    /// A unique index.
    pub is_unique: bool,
    /// The index of a constraint.
    pub is_constraint: bool,
    /// Privileges were granted on it.
    pub has_privileges: bool,
    pub is_temporary: bool,
}

impl ObservedRelation {
    /// Schema and name.
    pub fn qualified(&self) -> RelationName {
        RelationName::qualified(self.schema.clone(), self.name.clone())
    }
}

/// A table or materialized view that a session has locked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LockedRelation {
    pub oid: Oid,
    /// The number of its file, which changes when it is rewritten; 0 where it has none.
    pub file: Oid,
    /// Sequential scans that the session has not yet told to the statistics. That happens between
    /// transactions, once in a while.
    pub scans: i64,
    /// The modes, as pg_locks names them.
    pub modes: Vec<String>,
}

/// The files of all tables and materialized views at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelationFiles {
    /// When, by the server's clock, since 1970.
    pub at: Duration,
    /// The newest relation or constraint.
    pub newest: Oid,
    /// What sessions begin with by ALTER DATABASE and ALTER ROLE: `name=value`.
    pub defaults: Vec<String>,
    /// Each of them.
    pub files: HashMap<Oid, RelationFile>,
}

/// A table or materialized view at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationFile {
    pub name: RelationName,
    /// The number of its file; 0 where it has none.
    pub file: Oid,
    /// As [`LockedRelation::scans`].
    pub scans: i64,
}

/// The query for an [`Observation`] of what was there before, up to that object (0: nothing is asked of
/// it), and of what was made after the newest that is known (0: all relations are told). It needs no
/// parameters, so that it can be sent between the statements of one message.
pub fn observation_sql(before: Oid, newest: Oid) -> String {
    let sql = include_str!("../../sql/catalog/observe.sql");
    sql.replace("$1", &before.to_string()).replace("$2", &newest.to_string())
}

impl Observation {
    /// Reads the query's answer; `None` where it is none.
    pub fn read(json: &str) -> Option<Observation> {
        serde_json::from_str(json).ok()
    }
}

/// The query for [`Timeout`]s, without parameters as [`observation_sql`].
pub const TIMEOUTS_SQL: &str = include_str!("../../sql/catalog/timeouts.sql");

/// A timeout of a session.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Timeout {
    pub name: String,
    /// As SHOW gives it.
    pub value: String,
    /// The session itself has set it.
    pub is_own: bool,
}

/// Reads the files of all tables and materialized views.
pub async fn load_relation_files(session: &Session) -> Result<RelationFiles> {
    let sql = include_str!("../../sql/catalog/relation_files.sql");
    let rows = ask(session, sql, &[]).await?;
    let mut read = RelationFiles::default();
    for row in &rows {
        let at: i64 = row.get("at_us");
        read.at = Duration::from_micros(at.unsigned_abs());
        read.newest = row.get("newest");
        read.defaults = row.get::<_, Option<_>>("defaults").unwrap_or_default();
        if let Some(oid) = row.get::<_, Option<Oid>>("oid") {
            let name = named(row, "schema", "name");
            let (file, scans) = (row.get("file"), row.get("scans"));
            read.files.insert(oid, RelationFile { name, file, scans });
        }
    }
    Ok(read)
}

/// How far the sequences have counted, in the words of the query that puts them back; `None` where it
/// cannot be read.
pub async fn load_sequences(session: &Session) -> Option<String> {
    let rows = ask(session, include_str!("../../sql/catalog/sequences.sql"), &[]).await.ok()?;
    rows.first().map(|row| row.get("sequences"))
}

/// Makes the sequences count on from there. Where it fails they have counted on.
pub async fn restore_sequences(session: &Session, sequences: Option<String>) {
    let Some(sequences) = sequences else { return };
    let sql = include_str!("../../sql/catalog/sequences_back.sql");
    let _ = ask(session, sql, &[(&sequences, Type::TEXT)]).await;
}

fn microseconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_micros)
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<RelationKind, D::Error> {
    String::deserialize(deserializer).map(|relkind| RelationKind::from_relkind(&relkind))
}
