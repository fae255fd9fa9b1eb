//! Writing the history. It is never worth a job: whatever goes wrong is one warning.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_postgres::types::{ToSql, Type};

use super::event::{Skipped, Status, StepOutcome};
use super::plan::{Step, Subject};
use crate::config;
use crate::facts::history::{self, HistoryPart, HistorySchema, Installed, Run};
use crate::facts::{Known, Oid, Unavailable};
use crate::failure::{Failure, Kind, Result};
use crate::pg::database::Database;
use crate::pg::row::Row;
use crate::pg::session::Session;
use crate::warning::Warning;

/// A job does not wait longer for its history.
const PATIENCE: Duration = Duration::from_secs(3);

/// Writes what a job does, where there is a history.
pub struct HistoryRecorder<'a> {
    database: &'a Database,
    /// Whose runs are written.
    command: &'static str,
    keep: Option<Duration>,
    book: Book,
    state: Mutex<RecorderState>,
}

/// What was found on opening.
enum Book {
    /// It can be written to.
    Open,
    /// Nobody wants one here.
    None,
    /// It cannot be written to, for this reason.
    Closed(String),
}

#[derive(Default)]
struct RecorderState {
    wrote: bool,
    trouble: Option<String>,
}

impl<'a> HistoryRecorder<'a> {
    /// Looks once whether there is a history that can be written to; else it writes nothing.
    pub async fn open(
        database: &'a Database,
        command: &'static str,
        configured: &config::History,
    ) -> HistoryRecorder<'a> {
        let schema = in_time(async {
            let session = database.reader().await?;
            history::load_schema(&session, configured.owner.as_deref()).await
        });
        HistoryRecorder::of(database, command, configured, &schema.await.into())
    }

    /// Writes to the history that was found, where it can be written to. Runs older than the
    /// configuration wants to keep are removed at the end.
    pub fn of(
        database: &'a Database,
        command: &'static str,
        configured: &config::History,
        schema: &Known<HistorySchema>,
    ) -> HistoryRecorder<'a> {
        let book = match schema {
            Known::Known(schema) => opened(schema)
                .unwrap_or_else(|failure| Book::Closed(Unavailable::from(failure).to_string())),
            Known::Unavailable(why) => Book::Closed(why.to_string()),
        };
        HistoryRecorder {
            database,
            command,
            keep: configured.keep,
            book,
            state: Mutex::default(),
        }
    }

    /// Writes how steps ended, where they were worked on.
    pub async fn remember<'s>(&self, steps: impl Iterator<Item = (&'s Step, &'s StepOutcome)>) {
        let runs = steps.filter_map(|(step, outcome)| run_of(self.command, step, outcome));
        self.write(&runs.collect::<Vec<_>>()).await;
    }

    /// Writes what was done.
    pub async fn write(&self, runs: &[Run]) {
        if runs.is_empty() || !self.may_write() {
            return;
        }
        let written = in_time(async {
            let session = self.database.reader().await?;
            insert(&session, runs).await
        });
        self.note(written.await);
    }

    /// Keeps what a materialized view was made of, as JSON, for a later refresh to compare with.
    pub async fn keep_view_state(&self, view: Oid, name: &str, sources: &str) {
        if !self.may_write() {
            return;
        }
        let kept = in_time(async {
            let session = self.database.reader().await?;
            let params: [(&(dyn ToSql + Sync), Type); 3] =
                [(&view, Type::OID), (&name, Type::TEXT), (&sources, Type::TEXT)];
            let sql = include_str!("../../sql/history/keep_view_state.sql");
            send(&session, sql, &params).await.map(drop)
        });
        self.note(kept.await);
    }

    /// Removes what is too old, if anything was written. Returns what went wrong in all.
    pub async fn close(self) -> Option<Warning> {
        let wrote = self.state.lock().unwrap_or_else(PoisonError::into_inner).wrote;
        if let Some(keep) = self.keep.filter(|_| wrote) {
            let pruned = in_time(async {
                let session = self.database.reader().await?;
                prune(&session, keep).await.map(drop)
            });
            self.note(pruned.await);
        }
        let trouble = self.state.into_inner().unwrap_or_else(PoisonError::into_inner).trouble;
        trouble.map(|trouble| Warning {
            rule: "not_recorded",
            object: "pgtend".to_owned(),
            message: format!("the history is incomplete: {trouble}"),
        })
    }

    /// After the first failure nothing more is tried.
    fn may_write(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Book::Closed(why) = &self.book {
            state.trouble.get_or_insert_with(|| why.clone());
        }
        matches!(self.book, Book::Open) && state.trouble.is_none()
    }

    fn note(&self, result: Result<()>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(()) => state.wrote = true,
            Err(failure) => {
                let why = || Unavailable::from(failure).to_string();
                state.trouble.get_or_insert_with(why);
            }
        }
    }
}

/// What a step came to, for the history; `None` if it was never worked on or had nothing to do. What
/// there was no time for is part of it.
fn run_of(command: &str, step: &Step, outcome: &StepOutcome) -> Option<Run> {
    let started = match outcome.status {
        // The next run begins with it.
        Status::Skipped if outcome.skipped == Some(Skipped::NoTime) => {
            outcome.started.unwrap_or_else(Instant::now)
        }
        Status::Skipped => return None,
        _ => outcome.started?,
    };
    let why = match (&step.subject, outcome.status) {
        (Subject::Refresh(_), _) => &outcome.reason,
        (_, Status::Done) => &step.reason,
        _ => &outcome.reason,
    };
    let refreshed = outcome.refreshed();
    let writes = refreshed.and_then(|refreshed| refreshed.writes);
    Some(Run {
        command: command.to_owned(),
        object_oid: match &step.subject {
            Subject::Refresh(refresh) => Some(refresh.view),
            Subject::TableMaintenance(target) => Some(target.table),
            Subject::Rebuild(rebuild) => Some(rebuild.index),
            _ => None,
        },
        mode: refreshed.map(|refreshed| refreshed.way.to_string()),
        // Those that a build has put into the index: with its size they are what later bloat is told by.
        rows_inserted: writes.map(|writes| writes.inserted).or(outcome.rows),
        rows_updated: writes.map(|writes| writes.updated),
        rows_deleted: writes.map(|writes| writes.deleted),
        wal_bytes: refreshed.and_then(|refreshed| refreshed.wal_bytes),
        action: step.action.name().to_owned(),
        object: step.object.to_string(),
        started_ago_seconds: started.elapsed().as_secs_f64(),
        duration_ms: outcome.duration.as_secs_f64() * 1e3,
        outcome: outcome.status.name().to_owned(),
        reason: why.words.clone(),
        sqlstate: outcome.sqlstate.clone(),
        size_bytes: outcome.size_bytes,
    })
}

/// What the history told, and the warning where a job has to do without; `None` also where there is none.
pub fn recalled<T>(told: Known<Option<T>>) -> (Option<T>, Option<Warning>) {
    match told.into_result() {
        Ok(told) => (told, None),
        Err(why) => (None, Some(not_read(&why))),
    }
}

fn not_read(why: &Unavailable) -> Warning {
    Warning {
        rule: "history-not-read",
        object: "pgtend".to_owned(),
        message: format!("the history is neither read nor written: {why}"),
    }
}

/// Removes the runs that began longer ago. Returns how many they were.
///
/// # Errors
/// `Privilege`, `Server` or `Connection`, where they cannot be removed.
pub async fn prune(session: &Session, keep: Duration) -> Result<i64> {
    let sql = include_str!("../../sql/history/prune.sql");
    let rows = send(session, sql, &[(&history::seconds(keep), Type::FLOAT8)]).await?;
    Ok(rows.first().map_or(0, |row| row.get("pruned")))
}

fn opened(schema: &HistorySchema) -> Result<Book> {
    if schema.installed() == Installed::Absent {
        return Ok(Book::None);
    }
    schema.require_usable(HistoryPart::Runs)?;
    Ok(Book::Open)
}

async fn insert(session: &Session, runs: &[Run]) -> Result<()> {
    // Runs hold texts and numbers only, so they can always be written.
    let runs = serde_json::to_string(runs).unwrap_or_default();
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&runs, Type::TEXT), (&env!("CARGO_PKG_VERSION"), Type::TEXT)];
    send(session, include_str!("../../sql/history/record.sql"), &params)
        .await
        .map(drop)
}

async fn send(
    session: &Session,
    sql: &str,
    params: &[(&(dyn ToSql + Sync), Type)],
) -> Result<Vec<Row>> {
    let answer = session.query(sql, params).await;
    answer.map_err(|error| error.into_failure().context("writing the history failed"))
}

async fn in_time<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let late = || Failure::new(Kind::Server, "the server took too long to write the history");
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(late()))
}
