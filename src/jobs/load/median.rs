//! One statement alone, again and again.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::client::{Shared, client};
use super::figures::{Phase, Recorder};
use super::plan::{Statement, Workload};
use crate::cancel::Cancel;
use crate::failure::{Failure, Kind, Result};
use crate::pg::database::Database;

/// The median of a statement that one client sends for so long, at least once, in milliseconds.
///
/// # Errors
/// Those of connecting, and the first one of the statement.
pub async fn median_ms(
    cancel: &Cancel,
    database: &Database,
    statement: Statement,
    time: Duration,
) -> Result<f64> {
    let name = statement.name.clone();
    let mut workload = Workload::default();
    workload.add(statement, 1.0, Vec::new());
    let recorder = RefCell::new(Recorder::default());
    let (pids, ends) = (RefCell::new(BTreeSet::new()), Cell::new(false));
    let shared = Shared {
        database,
        workload: &workload,
        path: &database.server.search_path.set(),
        width: 1,
        pace: None,
        seed: 0,
        cancel,
        recorder: &recorder,
        pids: &pids,
        ends: &ends,
    };
    let mut connections = Vec::new();
    shared.complete(&mut connections).await?;
    recorder.borrow_mut().begin(Phase::new("measured", 1, time));
    let ending = async {
        tokio::time::sleep(time).await;
        recorder.borrow_mut().end(Instant::now());
        ends.set(true);
    };
    tokio::join!(client(&shared, 0, connections), ending);
    let phases = std::mem::take(&mut recorder.borrow_mut().phases);
    let tally = phases.first().map(|phase| &phase.tally);
    if let Some((sqlstate, error)) = tally.and_then(|tally| tally.errors.first_key_value()) {
        let failure = Failure::new(Kind::Server, &error.message);
        return Err(failure.sqlstate(Some(sqlstate.clone())).context(name));
    }
    let figures = tally.and_then(|tally| tally.latencies.percentiles());
    figures
        .map(|figures| figures.p50)
        .ok_or_else(|| Failure::new(Kind::Server, "the statement was not answered").context(name))
}
