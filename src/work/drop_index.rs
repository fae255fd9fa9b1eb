//! Dropping an index that is of no use, within seconds.

use std::time::{Duration, Instant};

use super::Execution;
use super::conflicts::describe;
use crate::facts::{Blocker, load_progress};
use crate::pg::name::RelationName;
use crate::pg::session::Session;

/// How long a concurrent drop may take; it waits for every transaction that uses the table.
const CONCURRENT_DROP: Duration = Duration::from_secs(5);
/// How long a plain drop is tried after that.
const PLAIN_DROP: Duration = Duration::from_secs(5);
/// A session that holds up a drop for so long will not let it through either.
const BLOCKED: Duration = Duration::from_secs(1);
/// How long a plain drop is tried all the same.
const PLAIN_DROP_IN_VAIN: Duration = Duration::from_millis(500);
const POLL: Duration = Duration::from_millis(100);
/// How long a plain drop may queue for its lock, and so hold up those behind it.
const PLAIN_DROP_LOCK_TIMEOUT: &str = "100ms";
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// Drops it. Where that fails, says who stands in the way, if it is known.
pub async fn dropped(
    execution: &Execution<'_>,
    left: &RelationName,
) -> std::result::Result<(), Option<String>> {
    let session = execution.database.maintainer(execution.workers()).await.map_err(|_| None)?;
    let concurrently = format!("DROP INDEX CONCURRENTLY {left}");
    let mut in_the_way = None;
    let stop = async {
        tokio::select! {
            who = stands_in_the_way(execution, session.pid()) => in_the_way = Some(who),
            () = tokio::time::sleep(CONCURRENT_DROP) => {}
        }
    };
    if let Some(Ok(())) = session.execute_unless(&concurrently, stop).await {
        return Ok(());
    }
    let limit = if in_the_way.is_some() {
        PLAIN_DROP_IN_VAIN
    } else {
        PLAIN_DROP
    };
    let plain = format!("DROP INDEX {left}");
    if dropped_plainly(&session, &plain, limit).await {
        Ok(())
    } else {
        Err(in_the_way)
    }
}

/// Completes when one and the same session has held up ours for too long, with what it is.
async fn stands_in_the_way(execution: &Execution<'_>, pid: i32) -> String {
    let mut since = Instant::now();
    let mut last = None;
    loop {
        tokio::time::sleep(POLL).await;
        let Some(blocker) = blocker_of(execution, pid).await else {
            last = None;
            continue;
        };
        let who = (blocker.pid, blocker.gid.clone());
        if last.as_ref() != Some(&who) {
            (last, since) = (Some(who), Instant::now());
        } else if since.elapsed() >= BLOCKED {
            return describe(&blocker, &execution.policy);
        }
    }
}

async fn blocker_of(execution: &Execution<'_>, pid: i32) -> Option<Blocker> {
    let session = execution.database.reader().await.ok()?;
    let ours = execution.database.connections().pids();
    let seen = load_progress(&session, &[pid], &ours).await.ok()?;
    seen.into_iter().next()?.blocker
}

/// The concurrent drop waits for whoever was there when it began; the plain one needs only one
/// moment without anybody.
async fn dropped_plainly(session: &Session, drop: &str, patience: Duration) -> bool {
    let give_up = Instant::now() + patience;
    let limit = format!("SET LOCAL lock_timeout = '{PLAIN_DROP_LOCK_TIMEOUT}'");
    while Instant::now() < give_up && !session.is_closed() {
        let tried = session.execute_all(&["BEGIN", &limit, drop]).await;
        let ended = session.execute(if tried.is_ok() { "COMMIT" } else { "ROLLBACK" }).await;
        if tried.is_ok() && ended.is_ok() {
            return true;
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    false
}
