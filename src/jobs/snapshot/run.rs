//! Keeping the counters of statements and the measures of objects in pgtend's own schema, or the counters
//! in a file.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use tokio_postgres::types::{ToSql, Type};

use crate::facts::history::{self, HistoryPart, HistorySchema, seconds};
use crate::facts::load::{ask, first};
use crate::facts::measures::{MeasureCounts, SequenceValues, keep_measures, load_sequence_values};
use crate::facts::statements::{
    Amount, FileText, LONGEST_BYTES, LONGEST_CHARACTERS, RawText, SnapshotFile, SnapshotScope,
    StatementKey, StatementsExtension, each_text, each_text_within, load_moment, load_reading,
};
use crate::facts::{Known, Unavailable};
use crate::failure::{Failure, Kind, Result};
use crate::pg::database::{Database, Workers};
use crate::pg::server_error::LOCK_NOT_AVAILABLE;
use crate::pg::session::Session;

/// So that no temporary file is written while the server reads its counters and texts.
const MEMORY: &str = "512MB";
/// Two runs at once would both keep the same changes; the second waits so long for the first.
const LOCK_TIMEOUT: &str = "10s";
const STATEMENT_TIMEOUT: &str = "60s";

/// What is kept of the texts.
const BEGINNINGS: Amount = Amount::Beginning(LONGEST_CHARACTERS);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// The snapshot's number; `None` in a file.
    pub id: Option<i64>,
    /// Statements that are counted.
    pub statements: i64,
    /// How many of them had changed since the one before; all of them in a file.
    pub changed: i64,
    /// Statements of others that the role may not see.
    pub hidden: i64,
    /// Why no statements are counted.
    pub uncounted: Option<Unavailable>,
    /// Why the texts are missing, where the server cannot hand them out.
    pub unreadable: Option<String>,
    pub measures: Measures,
}

/// What came of the measures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Measures {
    /// A file has none.
    #[default]
    NotWanted,
    /// The schema of this version has no place for them.
    NoPlace(i32),
    Kept {
        counts: MeasureCounts,
        /// Sequences that the role may not read, or why none could be read.
        hidden_sequences: Known<i64>,
    },
}

/// Takes a snapshot into pgtend's own schema.
///
/// # Errors
/// Where there is no such schema, or it may not be written; `Busy` where another run is at it; those
/// of the connection and of the statements.
pub async fn take(
    database: &Database,
    extension: &StatementsExtension,
    owner: Option<&str>,
) -> Result<Taken> {
    let place = find_place(database, extension, owner).await?;
    let session = database.maintainer(Workers::None).await?;
    let result = async {
        begin(&session).await?;
        let mut taken = match place.uncounted {
            None => take_counters(&session, extension).await?,
            Some(_) => take_without_statements(&session).await?,
        };
        taken.measures = take_measures(&session, database, &taken, &place.sequences).await?;
        if place.uncounted.is_none() {
            taken.unreadable = take_texts(&session, extension).await?;
        }
        Ok(Taken { uncounted: place.uncounted.clone(), ..taken })
    };
    end(&session, result.await).await
}

/// What a snapshot can keep.
struct SnapshotContents {
    /// Why no statements are counted.
    uncounted: Option<Unavailable>,
    /// What measures need besides the catalog; the version of a schema that has no place for them.
    sequences: std::result::Result<Known<SequenceValues>, i32>,
}

async fn find_place(
    database: &Database,
    extension: &StatementsExtension,
    owner: Option<&str>,
) -> Result<SnapshotContents> {
    let session = database.reader().await?;
    let schema = history::load_schema(&session, owner).await?;
    schema.require_usable(HistoryPart::Statements)?;
    let counting = extension.require_counting();
    if !schema.is_usable(HistoryPart::Measures)? {
        counting.map_err(|failure| match failure.hint.clone() {
            Some(hint) => failure.hint(format!(
                "{hint} Or run pgtend init: it upgrades the schema pgtend, and then sizes and counts \
                 are kept without the statements"
            )),
            None => failure,
        })?;
        let version = schema.version.unwrap_or_default();
        return Ok(SnapshotContents { uncounted: None, sequences: Err(version) });
    }
    // In a transaction of the snapshot's length each sequence would stay locked.
    let sequences = load_sequence_values(&session).await.into();
    let uncounted = counting.err().map(Unavailable::from);
    Ok(SnapshotContents { uncounted, sequences: Ok(sequences) })
}

async fn take_measures(
    session: &Session,
    database: &Database,
    taken: &Taken,
    sequences: &std::result::Result<Known<SequenceValues>, i32>,
) -> Result<Measures> {
    let (sequences, id) = match (sequences, taken.id) {
        (Err(version), _) => return Ok(Measures::NoPlace(*version)),
        (_, None) => return Ok(Measures::NotWanted),
        (Ok(sequences), Some(id)) => (sequences, id),
    };
    let counts = keep_measures(session, database.server.version, id, sequences).await?;
    let hidden_sequences = match sequences {
        Known::Known(values) => Known::Known(values.hidden),
        Known::Unavailable(why) => why.clone().into(),
    };
    Ok(Measures::Kept { counts, hidden_sequences })
}

async fn take_without_statements(session: &Session) -> Result<Taken> {
    let sql = include_str!("../../../sql/history/take_without_statements.sql");
    let rows = ask(session, sql, &[(&env!("CARGO_PKG_VERSION"), Type::TEXT)]).await?;
    Ok(Taken { id: Some(first(&rows)?.get("id")), ..Taken::default() })
}

/// Takes a snapshot into a file.
///
/// # Errors
/// Those of the connection and of the queries; `Io` where the file cannot be written.
pub async fn take_to_file(
    database: &Database,
    extension: &StatementsExtension,
    only_here: Option<u32>,
    path: &Path,
) -> Result<Taken> {
    let session = database.reader().await?;
    let reading = load_reading(&session, extension, only_here).await?;
    let ids = reading
        .statements
        .iter()
        .map(|statement| statement.key.queryid)
        .collect::<Vec<_>>();
    let server = &database.server;
    let scope = SnapshotScope::of(extension, only_here);
    let (version, name) = (server.version.to_string(), server.database.clone());
    let mut file = SnapshotFile::new(version, name, scope, &reading).begin(path)?;
    let read = |raw: RawText| {
        let StatementKey { dbid, userid, queryid, toplevel } = raw.key;
        if only_here.is_none_or(|here| here == dbid) {
            let query = raw.shown(LONGEST_BYTES);
            file.text(&FileText {
                dbid,
                userid: Some(userid),
                queryid,
                toplevel: Some(toplevel),
                query,
            });
        }
    };
    let unreadable = each_text(&session, extension, &ids, BEGINNINGS, read).await?;
    file.finish()?;
    let statements = i64::try_from(reading.statements.len()).unwrap_or(i64::MAX);
    let hidden = reading.moment.hidden;
    Ok(Taken {
        id: None,
        statements,
        changed: statements,
        hidden,
        unreadable,
        ..Taken::default()
    })
}

/// Removes the snapshots that were taken longer ago. Returns how many they were.
pub async fn prune(database: &Database, schema: &HistorySchema, keep: Duration) -> Result<i64> {
    let session = database.maintainer(Workers::None).await?;
    let result = async {
        begin(&session).await?;
        let sql = include_str!("../../../sql/history/prune_snapshots.sql");
        let rows = ask(&session, sql, &[(&seconds(keep), Type::FLOAT8)]).await?;
        let pruned: i64 = first(&rows)?.get("pruned");
        if pruned > 0 {
            ask(&session, include_str!("../../../sql/history/prune_texts.sql"), &[]).await?;
            if schema.is_usable(HistoryPart::Measures)? {
                ask(&session, include_str!("../../../sql/history/prune_measures.sql"), &[]).await?;
            }
        }
        Ok(pruned)
    };
    end(&session, result.await).await
}

/// Refuses a schema that cannot be used. By a reader, which waits for no lock for long.
pub async fn usable_schema(database: &Database, owner: Option<&str>) -> Result<HistorySchema> {
    let schema = history::load_schema(&database.reader().await?, owner).await?;
    schema.require_usable(HistoryPart::Statements)?;
    Ok(schema)
}

async fn begin(session: &Session) -> Result<()> {
    let sql = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL work_mem = '{MEMORY}'; SET LOCAL jit = off; \
         SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off; \
         SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; \
         SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'; \
         LOCK TABLE pgtend.snapshot IN SHARE ROW EXCLUSIVE MODE"
    );
    session
        .execute_script(&sql)
        .await
        .map_err(|error| match error.is_lock_not_available() {
            true => Failure::new(Kind::Busy, "another run takes or removes snapshots")
                .sqlstate(Some(LOCK_NOT_AVAILABLE.to_owned())),
            false => error.into_failure().context("beginning a snapshot"),
        })
}

/// Commits what succeeded. The failure that led here is the one to tell.
async fn end<T>(session: &Session, result: Result<T>) -> Result<T> {
    let sql = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = session.execute(sql).await;
    let done = result.map_err(|failure| match failure.sqlstate.as_deref() {
        Some(LOCK_NOT_AVAILABLE) => Failure { kind: Kind::Busy, ..failure }
            .context("another session has locked a table of the schema pgtend"),
        _ => failure,
    })?;
    ended.map_err(|error| error.into_failure().context("keeping the snapshot"))?;
    Ok(done)
}

async fn take_counters(session: &Session, extension: &StatementsExtension) -> Result<Taken> {
    let moment = load_moment(session, extension).await?;
    let sql = extension.written(include_str!("../../../sql/statements/take.sql"));
    let params: [(&(dyn ToSql + Sync), Type); 7] = [
        (&extension.dbid, Type::OID),
        (&extension.sees_all, Type::BOOL),
        (&moment.reset_epoch, Type::FLOAT8),
        (&moment.started_epoch, Type::FLOAT8),
        (&moment.evictions, Type::INT8),
        (&extension.version, Type::TEXT),
        (&env!("CARGO_PKG_VERSION"), Type::TEXT),
    ];
    let rows = ask(session, &sql, &params).await?;
    let row = first(&rows)?;
    Ok(Taken {
        id: Some(row.get("id")),
        statements: row.get("statements"),
        changed: row.get("changed"),
        hidden: row.get("hidden"),
        ..Taken::default()
    })
}

/// Bytes of texts that one snapshot keeps; what is left comes with the next.
const MOST_BYTES: usize = 48 << 20;
/// Bytes of texts in one statement.
const BATCH_BYTES: usize = 4 << 20;

/// Texts are large: the server is only asked for them where one is new. Returns why it has none.
async fn take_texts(session: &Session, extension: &StatementsExtension) -> Result<Option<String>> {
    let sql = include_str!("../../../sql/history/missing_texts.sql");
    let rows = ask(session, sql, &[(&extension.dbid, Type::OID)]).await?;
    let missing = rows.iter().map(|row| row.get("queryid")).collect::<Vec<i64>>();
    if missing.is_empty() {
        return Ok(None);
    }
    let mut texts = HashMap::new();
    let mut room = MOST_BYTES;
    let read = |raw: RawText| {
        let id = raw.key.queryid;
        if raw.key.dbid == extension.dbid && room > 0 && !texts.contains_key(&id) {
            // Not every encoding has an ellipsis.
            let text = raw.shown(LONGEST_BYTES).replace('…', "...");
            room = room.saturating_sub(text.len());
            texts.insert(id, text);
        }
    };
    let unreadable = each_text_within(session, extension, &missing, BEGINNINGS, read).await?;
    let (mut ids, mut batch, mut bytes) = (Vec::new(), Vec::new(), 0);
    for (id, text) in texts {
        bytes += text.len();
        ids.push(id);
        batch.push(text);
        if bytes >= BATCH_BYTES {
            keep_texts(session, extension, &ids, &batch).await?;
            (ids, batch, bytes) = (Vec::new(), Vec::new(), 0);
        }
    }
    keep_texts(session, extension, &ids, &batch).await?;
    Ok(unreadable)
}

async fn keep_texts(
    session: &Session,
    extension: &StatementsExtension,
    ids: &[i64],
    texts: &[String],
) -> Result<()> {
    let params: [(&(dyn ToSql + Sync), Type); 3] = [
        (&extension.dbid, Type::OID),
        (&ids, Type::INT8_ARRAY),
        (&texts, Type::TEXT_ARRAY),
    ];
    ask(session, include_str!("../../../sql/history/keep_texts.sql"), &params)
        .await
        .map(drop)
}
