//! What has become of the tables, by the catalog and the statistics.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::{MaintenanceRun, target};
use crate::facts::{self, Oid, TableState};
use crate::failure::Result;
use crate::work::STATISTICS_DELAY;
use crate::work::event::{Detail, Status, StepOutcome, TableChange};
use crate::work::plan::Plan;
use crate::work::subject::MaintenanceTarget;

impl MaintenanceRun<'_> {
    /// Says of all tables at once what has become of them: a look at each would take longer than most
    /// of them do.
    pub(super) async fn compare(&self, plan: &Plan, outcomes: &mut [StepOutcome]) {
        let steps = plan.steps.iter().zip(outcomes);
        let mut done = steps
            .filter(|(_, outcome)| outcome.status == Status::Done)
            .filter_map(|(step, outcome)| Some((target(step)?, outcome)))
            .collect::<Vec<_>>();
        let wanted = done.iter().map(|(target, _)| target.table).collect::<Vec<_>>();
        if wanted.is_empty() {
            return;
        }
        let before = by_oid(&self.before.tables);
        // The tables are done; that they cannot be looked at is no reason to say otherwise.
        let Ok(after) = self.once_recorded(&wanted, &done).await else {
            return;
        };
        let after = by_oid(&after);
        for (target, outcome) in &mut done {
            let states = before.get(&target.table).zip(after.get(&target.table));
            if let Some(Detail::Maintained(maintained)) = &mut outcome.detail {
                maintained.change = states.map(|(before, after)| change(before, after));
            }
            let pages = states.map(|(_, after)| after.pages());
            outcome.size_bytes = pages.map(|pages| pages * self.before.settings.block_size_bytes);
        }
    }

    /// The tables once the statistics know of what was done, or after a while.
    async fn once_recorded(
        &self,
        wanted: &[Oid],
        done: &[(&MaintenanceTarget, &mut StepOutcome)],
    ) -> Result<Vec<TableState>> {
        let database = self.execution.database;
        let session = database.reader().await?;
        let give_up = Instant::now() + STATISTICS_DELAY;
        loop {
            let states = facts::load_tables(&session, &database.server, wanted, |_| true).await?;
            let tables = by_oid(&states);
            let is_recorded = done.iter().all(|(target, outcome)| {
                // What was dropped meanwhile will never be.
                let Some(table) = tables.get(&target.table) else {
                    return true;
                };
                let ago = if target.vacuum {
                    table.vacuumed_ago
                } else {
                    table.analyzed_ago
                };
                let since = outcome.started.map_or(Duration::MAX, |started| started.elapsed());
                ago.is_some_and(|ago| ago <= since)
            });
            if is_recorded || Instant::now() >= give_up {
                return Ok(states);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn by_oid(tables: &[TableState]) -> HashMap<Oid, &TableState> {
    tables.iter().map(|table| (table.oid, table)).collect()
}

fn change(before: &TableState, after: &TableState) -> TableChange {
    let dead = |table: &TableState| {
        table.heap.dead_rows + table.toast.as_ref().map_or(0, |(_, toast)| toast.dead_rows)
    };
    TableChange {
        dead_rows_before: dead(before),
        dead_rows_after: dead(after),
        frozen_xid_age_before: before.heap.frozen_xid_age,
        frozen_xid_age_after: after.heap.frozen_xid_age,
        pages_before: before.pages(),
        pages: after.pages(),
    }
}
