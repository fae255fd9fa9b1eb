//! Removing what a statement of ours left when it failed or was stopped. An invalid index costs
//! every write and, if it is unique, may reject the application's rows: so it goes at once.

use std::time::{Duration, Instant};

use super::Apply;
use super::look::{Seen, look};
use crate::event::Outcome;
use crate::pg::session::Session;
use crate::plan::{self, Statement, Subject, Verdict};

/// How long a concurrent drop may take; it waits for every transaction that uses the table.
const CONCURRENT_DROP: Duration = Duration::from_secs(5);
/// How long a plain drop is tried after that.
const PLAIN_DROP: Duration = Duration::from_secs(5);
/// How long a plain drop may queue for its lock, and so hold up those behind it.
const PLAIN_DROP_LOCK_TIMEOUT: &str = "100ms";
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// Looks at what the statement left of the object and drops it. Adds to the outcome what was done,
/// or the SQL that does it where it could not be done.
pub async fn after(
    apply: &Apply<'_>,
    subject: &Subject,
    statement: Option<&Statement>,
    outcome: &mut Outcome,
) {
    let Ok(seen) = look(apply, subject).await else { return };
    if seen.step.verdict != Verdict::ToDo {
        return;
    }
    let Some((drop, is_busy)) = leftover(&seen, statement) else { return };
    let done = !is_busy && dropped(apply, &drop).await;
    if done {
        outcome.reason.push_str("; what it left was dropped");
    } else {
        outcome.reason.push_str("; what it left could not be dropped yet, the next run does it");
        outcome.cleanup = Some(format!("{drop};"));
    }
}

/// The drop, and whether somebody is at work on the table. After a build of one of several parts
/// it is that part's: the others may be at work on theirs.
fn leftover(seen: &Seen, statement: Option<&Statement>) -> Option<(String, bool)> {
    if let Some(Statement::Build { index, table: Some(table), .. }) = statement {
        let wanted = plan::drop(index);
        let Statement::Drop { sql } = seen.step.statements.iter().find(|it| **it == wanted)? else {
            return None;
        };
        let is_busy = seen.builds.iter().any(|build| build.table == Some(*table));
        return Some((sql.clone(), is_busy));
    }
    match seen.step.statements.first()? {
        Statement::Drop { sql } => Some((sql.clone(), seen.step.busy.is_some())),
        _ => None,
    }
}

async fn dropped(apply: &Apply<'_>, concurrently: &str) -> bool {
    let Ok(session) = apply.execution.database.maintainer(apply.workers()).await else {
        return false;
    };
    match session.execute_within(concurrently, CONCURRENT_DROP).await {
        Some(Ok(())) => true,
        _ => dropped_plainly(&session, &concurrently.replacen(" CONCURRENTLY", "", 1)).await,
    }
}

/// The concurrent drop waits for whoever was there when it began; the plain one needs only one
/// moment without anybody.
async fn dropped_plainly(session: &Session, drop: &str) -> bool {
    let give_up = Instant::now() + PLAIN_DROP;
    let begin = format!("BEGIN; SET LOCAL lock_timeout = '{PLAIN_DROP_LOCK_TIMEOUT}'");
    while Instant::now() < give_up && !session.is_closed() {
        let tried = match session.execute(&begin).await {
            Ok(()) => session.execute(drop).await,
            Err(error) => Err(error),
        };
        let ended = session.execute(if tried.is_ok() { "COMMIT" } else { "ROLLBACK" }).await;
        if tried.is_ok() && ended.is_ok() {
            return true;
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    false
}
