//! One index: look, send, look again.

use std::time::{Duration, Instant};

use super::Reindexing;
use super::why::Why;
use crate::facts::{Build, Index, load_builds, load_unlocked_indexes};
use crate::failure::{Failure, Kind, Result};
use crate::format;
use crate::pg::name::{RelationName, rebuild_leftover_names};
use crate::pg::server_error::{DISK_FULL, ServerError};
use crate::work::event::{Event, Skipped, Status, StepIndex, StepOutcome};
use crate::work::plan::{Action, Statement, Step, Subject, drop};
use crate::work::preflight::{self, Ahead};
use crate::work::reason::{self, Reason};
use crate::work::retry::RETRIES;
use crate::work::send::{StatementEnding, send};
use crate::work::subject::Rebuild;
use crate::work::{Execution, begun, drop_index, foreign_build, orphaned_backend, time, warnings};

/// More than any rebuild needs, retries and leftovers included.
const MOST_SENDS: usize = 32;

/// The work on one index.
pub struct RebuildWork<'a> {
    run: &'a Reindexing<'a>,
    execution: &'a Execution<'a>,
    at: StepIndex,
    step: &'a Step,
    rebuild: &'a Rebuild,
    /// The index as it was found first.
    before: Option<Index>,
    sent: Vec<String>,
    begun: Vec<Statement>,
    /// Whether REINDEX has succeeded.
    is_rebuilt: bool,
    waited: Duration,
    retries: u32,
}

/// What the catalog says now.
struct CatalogNow {
    /// The index of the step's name.
    index: Option<Index>,
    /// What rebuilds of it have left; nobody is at work on them.
    leftovers: Vec<Index>,
    /// The index that this one is left of.
    is_left_of: Option<RelationName>,
    build: Option<Build>,
}

impl<'a> RebuildWork<'a> {
    /// Works on the index until it is rebuilt or cannot be.
    pub async fn until_settled(
        run: &'a Reindexing<'a>,
        at: StepIndex,
        step: &'a Step,
    ) -> StepOutcome {
        let Subject::Rebuild(rebuild) = &step.subject else {
            return StepOutcome::new(Status::Skipped, reason::Why::NothingToSend);
        };
        let mut work = RebuildWork {
            run,
            execution: &run.execution,
            at,
            step,
            rebuild,
            before: None,
            sent: Vec::new(),
            begun: Vec::new(),
            is_rebuilt: false,
            waited: Duration::ZERO,
            retries: 0,
        };
        let outcome = match work.converge().await {
            Ok(outcome) => outcome,
            Err(failure) => work.broken(failure),
        };
        StepOutcome { waited: work.waited, sent: work.sent, ..outcome }
    }

    async fn converge(&mut self) -> Result<StepOutcome> {
        while self.sent.len() < MOST_SENDS {
            let turned = match self.step.action {
                Action::DropLeftover => self.remove().await,
                _ => self.turn().await,
            };
            match turned {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {}
                // A server that restarts is back in a moment; the catalog knows how far we were.
                Err(failure) if failure.is_passing_connection() && self.retries < RETRIES => {
                    if let Some(outcome) = self.pause_before_retry(&failure.to_string()).await? {
                        return Ok(outcome);
                    }
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(StepOutcome::new(Status::Failed, Why::NotInCatalog))
    }

    fn broken(&self, failure: Failure) -> StepOutcome {
        match self.execution.cancel.signal() {
            Some(signal) if failure.kind == Kind::Connection => {
                begun::unknown(&format!("{} came, and {failure}", signal.name()), &self.begun)
            }
            _ => StepOutcome::from(failure),
        }
    }

    /// Looks at the catalog and does the next thing. An outcome ends the work.
    async fn turn(&mut self) -> Result<Option<StepOutcome>> {
        let Some(table) = self.look().await? else {
            return Ok(self.wait_for_table().await);
        };
        let Some(index) = table.index else {
            return Ok(Some(StepOutcome::new(Status::Failed, Why::Gone)));
        };
        if let Some(build) = &table.build {
            return Ok(foreign_build::wait_for(
                self.execution,
                self.at,
                build,
                false,
                &mut self.waited,
            )
            .await);
        }
        if let Some(left) = table.leftovers.first() {
            return self.send(&drop(&left.name)).await;
        }
        if self.is_new(&index) {
            return Ok(Some(self.arrived(&index)));
        }
        if self.is_rebuilt {
            return Ok(Some(StepOutcome::new(Status::Failed, Why::NotInCatalog)));
        }
        self.before.get_or_insert(index);
        if let Some(outcome) = self.ahead().await? {
            return Ok(Some(outcome));
        }
        let name = &self.step.object;
        self.send(&Statement::Alone(format!("REINDEX INDEX CONCURRENTLY {name}"))).await
    }

    /// What would hold it up, or leave no room for it.
    async fn ahead(&mut self) -> Result<Option<StepOutcome>> {
        let needed = self.step.estimated_bytes.unwrap_or(self.rebuild.size_bytes);
        let tablespace = self.rebuild.tablespace.as_deref();
        // The new index, and as much again for the sort.
        let needed = needed.saturating_mul(2);
        if let Some(why) = preflight::no_room(self.execution, tablespace, needed).await? {
            return Ok(Some(StepOutcome::new(Status::Failed, why)));
        }
        let table = self.rebuild.table;
        match preflight::clear(self.execution, self.at, table, &mut self.waited).await? {
            Ahead::Clear => Ok(self.execution.not_started()),
            Ahead::Interrupted(interruption) => Ok(Some(time::unbegun(interruption))),
            Ahead::Blocked(why) => Ok(Some(StepOutcome::new(Status::Failed, why))),
        }
    }

    /// Removes what a rebuild has left, where that is proven.
    async fn remove(&mut self) -> Result<Option<StepOutcome>> {
        let Some(table) = self.look().await? else {
            return Ok(self.wait_for_table().await);
        };
        let is_gone = table.index.as_ref().is_none_or(|index| index.oid != self.rebuild.index);
        if is_gone {
            let outcome = match self.sent.is_empty() {
                true => StepOutcome::skipped(Skipped::Fresh, Why::Gone),
                false => StepOutcome::new(Status::Done, Why::Removed),
            };
            return Ok(Some(outcome));
        }
        if let Some(build) = &table.build {
            return Ok(foreign_build::wait_for(
                self.execution,
                self.at,
                build,
                false,
                &mut self.waited,
            )
            .await);
        }
        if table.is_left_of.is_none() {
            return Ok(Some(StepOutcome::new(Status::Failed, Why::NotProven)));
        }
        self.send(&drop(&self.step.object)).await
    }

    /// `None` where the table is locked, so that its indexes cannot be read.
    async fn look(&self) -> Result<Option<CatalogNow>> {
        let session = self.execution.database.reader().await?;
        // Whoever began before the indexes are read is seen among them or among the builds.
        let builds = load_builds(&session).await?;
        let (mut indexes, locked) = load_unlocked_indexes(&session, &[self.rebuild.table]).await?;
        if !locked.is_empty() {
            return Ok(None);
        }
        let indexes = indexes.remove(&self.rebuild.table).unwrap_or_default();
        let builds = [builds, load_builds(&session).await?].concat();
        let build = builds
            .into_iter()
            .find(|build| build.table.is_none_or(|table| table == self.rebuild.table));
        let index = indexes.iter().find(|index| index.name == self.step.object).cloned();
        let left_of = |left: &Index, of: &Index| {
            let is_broken = !left.is_whole() && left.pinned_by.is_none() && left.oid != of.oid;
            is_broken
                && left.shape.equals(&of.shape)
                && rebuild_leftover_names(&of.name.name).contains(&left.name.name)
        };
        let leftovers = index
            .iter()
            .flat_map(|index| indexes.iter().filter(move |left| left_of(left, index)).cloned());
        let is_left_of = index
            .as_ref()
            .and_then(|index| Some(indexes.iter().find(|of| left_of(index, of))?.name.clone()));
        Ok(Some(CatalogNow { leftovers: leftovers.collect(), is_left_of, build, index }))
    }

    /// A rebuilt index is another one of the same name.
    fn is_new(&self, index: &Index) -> bool {
        index.oid != self.rebuild.index && index.is_whole()
    }

    fn arrived(&self, index: &Index) -> StepOutcome {
        let Some(before) = self.before.as_ref().filter(|_| !self.sent.is_empty()) else {
            return StepOutcome::skipped(Skipped::Fresh, Why::RebuiltByOther);
        };
        let figures = |outcome| StepOutcome {
            size_bytes: Some(index.size_bytes),
            rows: Some(index.rows).filter(|rows| *rows >= 0),
            ..outcome
        };
        let lost = lost(before, index);
        if !lost.is_empty() {
            let what = lost.join(", ");
            return figures(StepOutcome::new(Status::Failed, Why::NotAsBefore { what }));
        }
        let (before, after) = (self.rebuild.size_bytes, index.size_bytes);
        let (before, after) = (format::bytes(before), format::bytes(after));
        figures(StepOutcome::new(Status::Done, Why::Verified { before, after }))
    }

    /// Sends one statement. An outcome ends the work; without one the catalog is looked at again.
    async fn send(&mut self, statement: &Statement) -> Result<Option<StepOutcome>> {
        let database = self.execution.database;
        let session = database.maintainer(self.execution.workers()).await?;
        let sql = statement.texts().join("; ");
        self.execution.events.emit(Event::Sending(self.at, statement.clone()));
        self.sent.push(sql.clone());
        self.begun.push(statement.clone());
        let ended = send(self.execution, self.at, &session, &sql, &mut self.waited).await;
        warnings::tell(self.execution, self.at, session.notices());
        let pid = session.pid();
        // The connection goes back first: cleaning up needs one too.
        std::mem::drop(session);
        match ended {
            StatementEnding::Done => {
                self.is_rebuilt = matches!(statement, Statement::Alone(_));
                Ok(None)
            }
            StatementEnding::Failed(error) => self.failed(pid, &sql, &error).await,
            StatementEnding::Interrupted(interruption) => {
                Ok(Some(self.stopped(interruption.into()).await))
            }
            StatementEnding::Stopped(why) => {
                Ok(Some(self.stopped(StepOutcome::new(Status::Failed, why)).await))
            }
        }
    }

    async fn failed(
        &mut self,
        pid: i32,
        sql: &str,
        error: &ServerError,
    ) -> Result<Option<StepOutcome>> {
        if error.is_connection_lost() {
            self.execution.events.emit(Event::Retrying(self.at, error.explained()));
            orphaned_backend::await_end(self.execution, self.at, pid, sql).await?;
        }
        if error.is_passing() && self.retries < RETRIES {
            return self.pause_before_retry(&error.to_string()).await;
        }
        if error.sqlstate.as_deref() == Some(DISK_FULL) {
            // The disk is full: the next build would only fill it again.
            let _ = self.run.halted.set(error.to_string());
        }
        Ok(Some(self.stopped(StepOutcome::from(error)).await))
    }

    /// The catalog is looked at afresh after the pause, so what the failure left is removed first.
    async fn pause_before_retry(&mut self, why: &str) -> Result<Option<StepOutcome>> {
        if let Some(interruption) =
            self.execution.before_retry(self.at, why, &mut self.retries).await?
        {
            return Ok(Some(self.stopped(interruption.into()).await));
        }
        // What broke our connection may have broken the one that held the lock.
        self.run.lock.regain(self.execution.database).await?;
        Ok(None)
    }

    /// A statement that was stopped may have finished in the race: the catalog decides. What it left
    /// costs every write, so it goes at once.
    async fn stopped(&self, mut outcome: StepOutcome) -> StepOutcome {
        let Ok(Some(table)) = self.look().await else {
            return outcome;
        };
        let new = table.index.as_ref().filter(|index| self.is_new(index));
        let mut kept = Vec::new();
        let mut who = None;
        for left in &table.leftovers {
            match table.build {
                Some(_) => kept.push(left),
                None => {
                    if let Err(blocker) = drop_index::dropped(self.execution, &left.name).await {
                        who = blocker;
                        kept.push(left);
                    }
                }
            }
        }
        if let Some(index) = new {
            outcome = self.arrived(index);
        }
        if kept.is_empty() {
            if !table.leftovers.is_empty() {
                outcome.reason.add("what it left was dropped");
            }
            return outcome;
        }
        let why = who.map_or_else(String::new, |who| format!(" because {who} uses the table,"));
        outcome
            .reason
            .add(format!("what it left could not be dropped yet,{why} the next run does it"));
        let sql = kept.iter().map(|left| format!("DROP INDEX CONCURRENTLY {};", left.name));
        outcome.cleanup = Some(sql.collect::<Vec<_>>().join("\n"));
        outcome
    }

    /// Somebody has locked the table, so that not even its indexes can be read.
    async fn wait_for_table(&mut self) -> Option<StepOutcome> {
        let table = self.step.on.clone().unwrap_or_else(|| self.step.object.clone());
        let why = Reason::from(Why::TableLocked { table });
        self.execution.events.emit(Event::Waiting(self.at, 0, why.words.clone()));
        let since = Instant::now();
        if let Some(interruption) = self.execution.pause(BETWEEN_LOOKS).await {
            return Some(interruption.into());
        }
        // The look itself has waited as long as it may, too.
        self.waited += since.elapsed() + LOOK_WAITS;
        let is_patient = self.waited < self.execution.policy.max_wait;
        (!is_patient)
            .then(|| StepOutcome::new(Status::Failed, reason::Why::GaveUp { what: why.words }))
    }
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(250);
/// lock_timeout of who looks.
const LOOK_WAITS: Duration = Duration::from_secs(1);

/// What the index had before, and has not any more.
fn lost(before: &Index, after: &Index) -> Vec<&'static str> {
    let (had, has) = (&before.belongings, &after.belongings);
    let kept = [
        (before.shape.equals(&after.shape), "its definition differs"),
        (before.shape.options == after.shape.options, "its storage parameters differ"),
        (before.constraint == after.constraint, "its constraint differs"),
        (before.parent == after.parent, "its partitioned index differs"),
        (before.comment == after.comment, "its comment differs"),
        (had.tablespace == has.tablespace, "its tablespace differs"),
        (had.statistics == has.statistics, "its statistics targets differ"),
        (had.is_clustered == has.is_clustered, "CLUSTER does not order by it"),
        (
            had.is_replica_identity == has.is_replica_identity,
            "it is not the replica identity",
        ),
    ];
    kept.into_iter().filter(|(is_kept, _)| !is_kept).map(|(_, what)| what).collect()
}
