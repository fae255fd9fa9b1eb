//! Before a build is begun: what would hold it up. To wait beforehand costs nobody anything; a
//! build that waits has made an index that every write has to maintain, and holds back VACUUM.

use std::time::{Duration, Instant};

use super::conflicts::describe;
use super::event::{Event, StepIndex};
use super::reason::Why;
use super::{Execution, Interruption};
use crate::facts::{Oid, load_forecast, load_index_directory, load_replication};
use crate::failure::Result;
use crate::format;

const POLL: Duration = Duration::from_secs(1);

/// How the look ahead ended.
pub enum Ahead {
    /// Nothing stands in the way.
    Clear,
    /// A signal came, or the time was up.
    Interrupted(Interruption),
    /// What stood in the way for longer than the step may wait.
    Blocked(Why),
}

/// Waits until nothing stands in the way of a build on the table. `waited` is how long its step
/// has waited for others.
pub async fn clear(
    execution: &Execution<'_>,
    at: StepIndex,
    table: Oid,
    waited: &mut Duration,
) -> Result<Ahead> {
    while let Some((pid, who)) = in_the_way(execution, table).await? {
        if *waited >= execution.policy.max_wait {
            return Ok(Ahead::Blocked(Why::WouldWait { who }));
        }
        execution
            .events
            .emit(Event::Waiting(at, pid, format!("{who}, before it begins")));
        let since = Instant::now();
        let left = execution.policy.max_wait.saturating_sub(*waited);
        if let Some(interruption) = execution.pause(POLL.min(left)).await {
            return Ok(Ahead::Interrupted(interruption));
        }
        *waited += since.elapsed();
    }
    Ok(Ahead::Clear)
}

async fn in_the_way(execution: &Execution<'_>, table: Oid) -> Result<Option<(i32, String)>> {
    let session = execution.database.reader().await?;
    let policy = &execution.policy;
    let blockers = load_forecast(&session, table, policy.max_blocker_age).await?;
    if let Some(oldest) = blockers.first() {
        return Ok(Some((oldest.pid, describe(oldest, policy))));
    }
    let Some(limit) = policy.max_replica_lag else {
        return Ok(None);
    };
    let standbys = load_replication(&session, &execution.database.server).await?.standbys;
    // How far one is behind that cannot be seen is warned of before the first build.
    let mut lags = standbys
        .into_iter()
        .filter_map(|(name, lag)| Some((name, lag.known().copied()??)));
    let behind = lags.find(|(_, lag)| *lag > limit);
    Ok(behind.map(|(name, lag)| {
        let lag = humantime::format_duration(Duration::from_secs(lag.as_secs()));
        (0, format!("the standby {name}, which is {lag} behind"))
    }))
}

/// Why the disk has no room for the index, where that can be known: on the server's own machine. A
/// full disk stops more than the build: a server that cannot write WAL shuts down.
pub async fn no_room(
    execution: &Execution<'_>,
    tablespace: Option<&str>,
    estimated_bytes: i64,
) -> Result<Option<Why>> {
    if !execution.database.is_local() {
        return Ok(None);
    }
    let session = execution.database.reader().await?;
    let directory = load_index_directory(&session, tablespace).await?;
    let Some(directory) = directory else {
        return Ok(None);
    };
    // The socket may lead into a container, whose directories are not to be seen here.
    let Ok(space) = rustix::fs::statvfs(&directory) else {
        return Ok(None);
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let free = i64::try_from(free).unwrap_or(i64::MAX);
    Ok((estimated_bytes > free).then(|| Why::NoRoom {
        needed: format::bytes(estimated_bytes),
        directory,
        free: format::bytes(free),
    }))
}
