//! The statements of a target from look to look: what ran in between, and what deeper looks have told.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::collector::Collector;
use super::facts::{Load, Statements as Seen};
use super::metrics::costliest;
use super::rows::statements::{Details, counters, details, rows, totals};
use crate::app::Context;
use crate::facts::Known;
use crate::facts::statements::SnapshotLoad;
use crate::failure::Result;
use crate::jobs::slow_queries::plan::Ranking;
use crate::jobs::slow_queries::watch::Watch;
use crate::pg::database::Database;
use crate::pg::session::Session;

/// So many statements are shown.
const MOST: usize = 100;
/// So many of them are planned.
const PLANNED: usize = 20;
/// Curves reach back so many looks.
const LOOKS: usize = 120;
/// And so many snapshots: hourly ones of a week.
const MOST_SNAPSHOTS: usize = 168;

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    Counters,
    /// And the plans of the first, and what they did from snapshot to snapshot.
    Plans,
}

/// What is kept from look to look.
#[derive(Default)]
pub struct Statements {
    watch: Option<Watch>,
    details: Arc<Details>,
    past: VecDeque<Past>,
    snapshots: Snapshots,
}

/// How much ran from snapshot to snapshot.
#[derive(Default)]
struct Snapshots {
    /// The last that is known.
    last: i64,
    loads: Arc<Vec<Load>>,
    why_not: Option<String>,
}

/// The counters of a look.
struct Past {
    epoch: f64,
    calls: f64,
    total_ms: f64,
    wal_bytes: Option<f64>,
    statements: HashMap<String, (f64, f64)>,
}

impl Statements {
    /// Looks, and says how much ran since the last look.
    pub async fn look(
        &mut self,
        collector: &Collector,
        database: &Database,
        session: &Session,
        depth: Depth,
    ) -> Result<(Seen, Option<Load>)> {
        // What the extension can tell may have changed since.
        if depth == Depth::Plans || self.watch.is_none() {
            let known = self.watch.take();
            self.watch = Some(Watch::open(session, &database.server, known).await?);
        }
        let Some(watch) = &mut self.watch else {
            return Ok((Seen::default(), None));
        };
        let context = &collector.context;
        let ranking = match depth {
            Depth::Counters => watch.look(context, session, MOST).await?,
            Depth::Plans => watch.look_deeper(context, session, (MOST, PLANNED)).await?,
        };
        if depth == Depth::Plans {
            self.details = Arc::new(details(&ranking, collector.texts));
            self.snapshots.look(watch, context, session).await;
        }
        let load = self.remember(&ranking);
        let warnings = ranking.warnings.iter().map(|warning| warning.message.clone());
        let seen = Seen {
            rows: rows(&ranking, collector.texts),
            totals: totals(&ranking),
            warnings: warnings.chain(self.snapshots.why_not.clone()).collect(),
            details: Arc::clone(&self.details),
            curves: self.curves(),
            costliest: costliest(&ranking, context.config.serve.statement_metrics, collector.texts),
            past: Arc::clone(&self.snapshots.loads),
        };
        Ok((seen, load))
    }

    /// Counters that were reset in between begin anew.
    fn remember(&mut self, ranking: &Ranking) -> Option<Load> {
        let now = Past {
            epoch: ranking.ends.taken_epoch,
            calls: ranking.all_calls,
            total_ms: ranking.all_ms,
            wal_bytes: ranking.all_wal_bytes,
            statements: counters(ranking),
        };
        if self.past.back().is_some_and(|last| now.calls < last.calls) {
            self.past.clear();
        }
        let load = self.past.back().and_then(|last| {
            let wal_bytes = now.wal_bytes.zip(last.wal_bytes).map(|(now, last)| now - last);
            let ran = (now.calls - last.calls, now.total_ms - last.total_ms, wal_bytes);
            load_until(now.epoch, now.epoch - last.epoch, ran)
        });
        self.past.push_back(now);
        self.past.drain(..self.past.len().saturating_sub(LOOKS));
        load
    }

    /// Executions a second of each statement.
    fn curves(&self) -> HashMap<String, Vec<(i64, f64)>> {
        let mut curves = HashMap::<String, Vec<(i64, f64)>>::new();
        for (last, now) in self.past.iter().zip(self.past.iter().skip(1)) {
            let seconds = now.epoch - last.epoch;
            for (id, (calls, _)) in &now.statements {
                if let Some((before, _)) = last.statements.get(id)
                    && seconds > 0.0
                {
                    let rate = ((calls - before) / seconds).max(0.0);
                    curves.entry(id.clone()).or_default().push((now.epoch as i64, rate));
                }
            }
        }
        curves
    }
}

impl Snapshots {
    async fn look(&mut self, watch: &Watch, context: &Context, session: &Session) {
        let asked = (self.last, MOST_SNAPSHOTS as i64);
        match watch.past_loads(context, session, asked).await {
            Known::Known(loads) => {
                self.learn(&loads);
                self.why_not = None;
            }
            Known::Unavailable(why) => {
                let why = format!("what ran from snapshot to snapshot is not known: {why}");
                self.why_not = Some(why);
            }
        }
    }

    /// What came since the last look, or all of another history.
    fn learn(&mut self, new: &[SnapshotLoad]) {
        let Some((first, last)) = new.first().zip(new.last()) else {
            return;
        };
        let known = if first.snapshot > self.last {
            self.loads.as_slice()
        } else {
            &[]
        };
        let loads = known.iter().copied().chain(new.iter().filter_map(load_of)).collect::<Vec<_>>();
        let oldest = loads.len().saturating_sub(MOST_SNAPSHOTS);
        self.loads = Arc::new(loads[oldest..].to_vec());
        self.last = last.snapshot;
    }
}

/// `None` for what no clock and no counter has said.
fn load_of(past: &SnapshotLoad) -> Option<Load> {
    let SnapshotLoad { taken_epoch, seconds, calls, total_ms, wal_bytes, .. } = *past;
    let figures = [taken_epoch, calls, total_ms, wal_bytes];
    let is_sound = figures.iter().all(|figure| figure.is_finite());
    load_until(taken_epoch, seconds, (calls, total_ms, Some(wal_bytes))).filter(|_| is_sound)
}

/// What ran in the seconds until then: calls, ms and bytes of WAL; `None` where no time has passed.
fn load_until(
    epoch: f64,
    seconds: f64,
    (calls, total_ms, wal_bytes): (f64, f64, Option<f64>),
) -> Option<Load> {
    let rate = |ran: f64| (ran / seconds).max(0.0);
    (seconds > 0.0).then(|| Load {
        at: epoch as i64,
        calls_per_second: rate(calls),
        running: rate(total_ms / 1e3),
        wal_bytes_per_second: wal_bytes.map(rate),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::statements::CounterMoment;

    fn ranking(epoch: f64, calls: f64) -> Ranking {
        Ranking {
            ends: CounterMoment { taken_epoch: epoch, ..CounterMoment::default() },
            all_calls: calls,
            all_ms: calls * 10.0,
            all_wal_bytes: Some(calls * 100.0),
            ..Ranking::default()
        }
    }

    #[test]
    fn load_is_what_ran_between_two_looks() {
        let mut statements = Statements::default();
        assert_eq!(statements.remember(&ranking(100.0, 50.0)), None);
        let load = statements.remember(&ranking(160.0, 650.0));
        let expected = Load {
            at: 160,
            calls_per_second: 10.0,
            running: 0.1,
            wal_bytes_per_second: Some(1000.0),
        };
        assert_eq!(load, Some(expected));
        assert_eq!(statements.remember(&ranking(160.0, 650.0)), None, "no time has passed");
        assert_eq!(statements.remember(&ranking(220.0, 5.0)), None, "the counters were reset");
    }

    fn past(snapshot: i64, calls: f64) -> SnapshotLoad {
        SnapshotLoad {
            snapshot,
            taken_epoch: snapshot as f64 * 3600.0,
            seconds: 3600.0,
            calls,
            total_ms: calls * 10.0,
            wal_bytes: 0.0,
        }
    }

    #[test]
    fn snapshots_are_learned_of_one_after_the_other() {
        let mut snapshots = Snapshots::default();
        let rates = |snapshots: &Snapshots| {
            snapshots.loads.iter().map(|load| load.calls_per_second).collect::<Vec<_>>()
        };
        snapshots.learn(&[past(2, 3600.0), past(3, 7200.0), past(4, f64::NAN)]);
        assert_eq!((rates(&snapshots), snapshots.last), (vec![1.0, 2.0], 4));
        snapshots.learn(&[]);
        snapshots.learn(&[past(5, 10_800.0)]);
        assert_eq!((rates(&snapshots), snapshots.last), (vec![1.0, 2.0, 3.0], 5));
        // pgtend init has begun again.
        snapshots.learn(&[past(2, 36_000.0)]);
        assert_eq!((rates(&snapshots), snapshots.last), (vec![10.0], 2));
        let many = (3..400).map(|at| past(at, 1.0)).collect::<Vec<_>>();
        snapshots.learn(&many);
        assert_eq!(snapshots.loads.len(), MOST_SNAPSHOTS);
    }
}
