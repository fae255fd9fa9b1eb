//! The run lock: one run of a job per database, over all hosts.
//!
//! It is only ever tried, never waited for on the server: a session that waits in
//! `pg_advisory_lock` holds a snapshot, and a concurrent index build of the lock's holder would
//! wait for that snapshot in a deadlock. It lives on a connection of its own that is otherwise
//! idle, so that losing the work's connection does not lose the lock.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tokio_postgres::types::{ToSql, Type};

use super::database::Database;
use super::session::Session;
use crate::failure::{Failure, Kind, Result};

/// The first half of every key of pgtend's: "pgtn" in ASCII.
const KEY_SPACE: i32 = 0x7067_746e;

/// Jobs of which only one may run at a time in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExclusiveJob {
    /// `pgtend apply`.
    Apply = 1,
    /// `pgtend reindex`.
    Reindex = 2,
}

impl ExclusiveJob {
    /// The second half of its key; those of objects are their oids, which begin at 16384.
    fn key(self) -> i32 {
        self as i32
    }
}

/// The second half of the key under which pgtend's own schema is changed. Far from the jobs'.
const SCHEMA_KEY: i32 = 1000;

/// The statement that waits until nobody else changes pgtend's own schema, and keeps others from it
/// until the transaction ends. It is never held for long.
pub fn lock_schema() -> String {
    format!("SELECT pg_catalog.pg_advisory_xact_lock({KEY_SPACE}, {SCHEMA_KEY})")
}

/// The first half of the keys by which runs of `verify` say that they live: "pgtv" in ASCII. Their
/// locks are looked for in all databases of the server.
pub const SCRATCH_KEY_SPACE: i32 = 0x7067_7476;

/// Says that a run of `verify` lives, for as long as this is kept and its connection holds.
pub struct Alive {
    run: i32,
    _session: Session,
}

impl Alive {
    /// Takes a number that no living run has.
    pub async fn announce(database: &Database) -> Result<Alive> {
        let session = database.dedicated().await?;
        loop {
            let random = RandomState::new().hash_one(std::process::id());
            // Positive, so that the lock table shows it as the same number.
            let run = i32::try_from(random >> 33).unwrap_or_default();
            if try_lock_in(&session, SCRATCH_KEY_SPACE, run).await? {
                return Ok(Alive { run, _session: session });
            }
        }
    }

    /// The run's number.
    pub fn run(&self) -> i32 {
        self.run
    }
}

/// The held lock; released when dropped, because its connection is closed then.
pub struct RunLock {
    job: ExclusiveJob,
    session: Mutex<Session>,
}

impl RunLock {
    /// Takes the job's lock, trying again until `wait` has passed.
    ///
    /// # Errors
    /// `Busy`, naming who holds it.
    pub async fn take(database: &Database, job: ExclusiveJob, wait: Duration) -> Result<RunLock> {
        let session = database.dedicated().await?;
        let give_up = Instant::now() + wait;
        let mut pause = Duration::from_millis(25);
        while !try_lock(&session, job.key()).await? {
            if Instant::now() >= give_up {
                return Err(busy(job, &holder(&session, job.key()).await?.words));
            }
            sleep(pause.min(give_up - Instant::now())).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
        Ok(RunLock { job, session: Mutex::new(session) })
    }

    /// Takes the lock again if its connection was lost.
    ///
    /// # Errors
    /// `Busy` if another run took it in between; those of the connection.
    pub async fn regain(&self, database: &Database) -> Result<()> {
        let mut session = self.session.lock().await;
        if !session.is_closed() {
            return Ok(());
        }
        let fresh = database.dedicated().await?;
        if let Some(holder) = try_again(&fresh, self.job.key(), session.pid()).await? {
            return Err(busy(self.job, &holder));
        }
        *session = fresh;
        Ok(())
    }
}

/// So long the server may take to end a session of ours whose connection we have lost.
const EVICTION: Duration = Duration::from_secs(10);
const EVICTION_POLL: Duration = Duration::from_millis(100);

/// Takes the lock after its connection was lost. The server may not have noticed that yet, and then
/// our own old session holds the lock; it is ended. Returns who else holds it.
async fn try_again(session: &Session, key: i32, lost: i32) -> Result<Option<String>> {
    let give_up = Instant::now() + EVICTION;
    while !try_lock(session, key).await? {
        let holder = holder(session, key).await?;
        if holder.pid.is_some_and(|pid| pid != lost) || Instant::now() >= give_up {
            return Ok(Some(holder.words));
        }
        let sql = "SELECT pg_catalog.pg_terminate_backend($1)";
        session
            .query(sql, &[(&lost, Type::INT4)])
            .await
            .map_err(|error| error.into_failure().context("ending our own lost session"))?;
        sleep(EVICTION_POLL).await;
    }
    Ok(None)
}

/// Locks on single objects, one run each over all hosts; all are released when this is dropped.
pub struct ObjectLocks {
    held: Mutex<Held>,
}

/// The connection that holds the locks, and on what.
struct Held {
    session: Session,
    objects: HashSet<u32>,
    /// The backend of the connection that held them before, where that was lost.
    lost: Option<i32>,
}

impl ObjectLocks {
    /// Holds nothing yet.
    pub async fn open(database: &Database) -> Result<ObjectLocks> {
        let session = database.dedicated().await?;
        let held = Held { session, objects: HashSet::new(), lost: None };
        Ok(ObjectLocks { held: Mutex::new(held) })
    }

    /// Takes the object's lock, unless it is held already. Returns who holds it where that fails.
    pub async fn take(&self, database: &Database, object: u32) -> Result<Option<String>> {
        let mut held = self.held.lock().await;
        let key = object.cast_signed();
        if held.session.is_closed() {
            // The locks that it held are gone with it, and are taken again one by one.
            let (lost, session) = (held.session.pid(), database.dedicated().await?);
            *held = Held { session, objects: HashSet::new(), lost: Some(lost) };
        }
        if held.objects.contains(&object) {
            return Ok(None);
        }
        let holder = match held.lost {
            Some(lost) => try_again(&held.session, key, lost).await?,
            None if try_lock(&held.session, key).await? => None,
            None => Some(holder(&held.session, key).await?.words),
        };
        if holder.is_none() {
            held.objects.insert(object);
        }
        Ok(holder)
    }

    /// Releases the object's lock, if it is held; a lost connection has released it already.
    pub async fn release(&self, object: u32) {
        let mut held = self.held.lock().await;
        if held.objects.remove(&object) {
            let sql = "SELECT pg_catalog.pg_advisory_unlock($1, $2)";
            let key = object.cast_signed();
            let params: [(&(dyn ToSql + Sync), Type); 2] =
                [(&KEY_SPACE, Type::INT4), (&key, Type::INT4)];
            let _ = held.session.query(sql, &params).await;
        }
    }
}

async fn try_lock(session: &Session, key: i32) -> Result<bool> {
    try_lock_in(session, KEY_SPACE, key).await
}

async fn try_lock_in(session: &Session, key_space: i32, key: i32) -> Result<bool> {
    let sql = "SELECT pg_catalog.pg_try_advisory_lock($1, $2)";
    let rows = session
        .query(sql, &[(&key_space, Type::INT4), (&key, Type::INT4)])
        .await
        .map_err(|error| error.into_failure().context("taking the run lock"))?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

/// Who holds a lock.
struct Holder {
    /// Its backend, where it has not just ended.
    pid: Option<i32>,
    words: String,
}

async fn holder(session: &Session, key: i32) -> Result<Holder> {
    let rows = session
        .query(
            include_str!("../../sql/catalog/advisory_holder.sql"),
            &[(&KEY_SPACE, Type::INT4), (&key, Type::INT4)],
        )
        .await
        .map_err(|error| error.into_failure().context("asking who holds the run lock"))?;
    let Some(row) = rows.first() else {
        return Ok(Holder { pid: None, words: "it has just ended".to_owned() });
    };
    let pid = row.get::<_, i32>("pid");
    let mut words = format!("pid {pid}");
    if let Some(application) = row.get::<_, Option<String>>("application") {
        words.push_str(&format!(", {application}"));
    }
    if let Some(role) = row.get::<_, Option<String>>("role") {
        words.push_str(&format!(", user {role}"));
    }
    if let Some(client) = row.get::<_, Option<String>>("client") {
        words.push_str(&format!(", from {client}"));
    }
    if let Some(seconds) = row.get::<_, Option<f64>>("since_seconds") {
        let since = Duration::from_secs(seconds.max(0.0) as u64);
        words.push_str(&format!(", for {}", humantime::format_duration(since)));
    }
    Ok(Holder { pid: Some(pid), words })
}

fn busy(job: ExclusiveJob, holder: &str) -> Failure {
    let hint = match job {
        ExclusiveJob::Apply => "wait for it to end, or let this run wait with --wait",
        ExclusiveJob::Reindex => "wait for it to end; what it does not rebuild, the next run does",
    };
    Failure::new(Kind::Busy, format!("another run holds this job ({holder})")).hint(hint)
}
