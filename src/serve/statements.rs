//! The statements of a target from look to look: what ran in between, and what deeper looks have told.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::collector::Collector;
use super::facts::{Load, Statements as Seen};
use super::metrics::costliest;
use super::rows::statements::{Details, counters, details, rows, totals};
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
}

/// The counters of a look.
struct Past {
    epoch: f64,
    calls: f64,
    total_ms: f64,
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
        }
        let load = self.remember(&ranking);
        let seen = Seen {
            rows: rows(&ranking, collector.texts),
            totals: totals(&ranking),
            warnings: ranking.warnings.iter().map(|warning| warning.message.clone()).collect(),
            details: Arc::clone(&self.details),
            curves: self.curves(),
            costliest: costliest(&ranking, context.config.serve.statement_metrics, collector.texts),
        };
        Ok((seen, load))
    }

    /// Counters that were reset in between begin anew.
    fn remember(&mut self, ranking: &Ranking) -> Option<Load> {
        let now = Past {
            epoch: ranking.ends.taken_epoch,
            calls: ranking.all_calls,
            total_ms: ranking.all_ms,
            statements: counters(ranking),
        };
        if self.past.back().is_some_and(|last| now.calls < last.calls) {
            self.past.clear();
        }
        let load = self.past.back().and_then(|last| {
            let seconds = now.epoch - last.epoch;
            (seconds > 0.0).then(|| Load {
                at: now.epoch as i64,
                calls_per_second: (now.calls - last.calls) / seconds,
                running: ((now.total_ms - last.total_ms) / 1e3 / seconds).max(0.0),
            })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::statements::CounterMoment;

    fn ranking(epoch: f64, calls: f64) -> Ranking {
        Ranking {
            ends: CounterMoment { taken_epoch: epoch, ..CounterMoment::default() },
            all_calls: calls,
            all_ms: calls * 10.0,
            ..Ranking::default()
        }
    }

    #[test]
    fn load_is_what_ran_between_two_looks() {
        let mut statements = Statements::default();
        assert_eq!(statements.remember(&ranking(100.0, 50.0)), None);
        let load = statements.remember(&ranking(160.0, 650.0));
        assert_eq!(load, Some(Load { at: 160, calls_per_second: 10.0, running: 0.1 }));
        assert_eq!(statements.remember(&ranking(160.0, 650.0)), None, "no time has passed");
        assert_eq!(statements.remember(&ranking(220.0, 5.0)), None, "the counters were reset");
    }
}
