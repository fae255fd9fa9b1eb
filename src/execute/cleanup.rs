//! Removing what a statement of ours left when it failed or was stopped. An invalid index costs
//! every write and, if it is unique, may reject the application's rows: so it goes at once.

use std::time::{Duration, Instant};

use super::Execution;
use super::look::look;
use crate::event::Outcome;
use crate::pg::session::Session;
use crate::plan::{Statement, Subject, Verdict};

/// How long a concurrent drop may take; it waits for every transaction that uses the table.
const CONCURRENT_DROP: Duration = Duration::from_secs(10);
/// How long a plain drop is tried after that.
const PLAIN_DROP: Duration = Duration::from_secs(10);
/// How long a plain drop may queue for its lock, and so hold up those behind it.
const PLAIN_DROP_LOCK_TIMEOUT: &str = "100ms";
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// Looks at what is left of the object and drops it. Adds to the outcome what was done, or the
/// SQL that does it where it could not be done.
pub async fn after(execution: &Execution<'_>, subject: &Subject, outcome: &mut Outcome) {
    let Ok(seen) = look(execution, subject).await else { return };
    if seen.step.verdict != Verdict::ToDo {
        return;
    }
    let Some(drop) = leftover(&seen.step.statements) else { return };
    let done = seen.step.busy.is_none() && dropped(execution, &drop).await;
    if done {
        outcome.reason.push_str("; what it left was dropped");
    } else {
        outcome.reason.push_str("; what it left could not be dropped yet, the next run does it");
        outcome.cleanup = Some(format!("{drop};"));
    }
}

fn leftover(statements: &[Statement]) -> Option<String> {
    match statements.first()? {
        Statement::Drop { sql } => Some(sql.clone()),
        _ => None,
    }
}

async fn dropped(execution: &Execution<'_>, concurrently: &str) -> bool {
    let Ok(session) = execution.database.maintainer(execution.workers()).await else {
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
