//! `pgtend analyze`.

use crate::app::Context;
use crate::app::command::{Command, OnSignal, Targets};
use crate::failure::Result;
use crate::jobs::maintenance;
use crate::output::Report;
use crate::work::maintenance::plan::{Job, VacuumOptions};

/// Collect statistics of the tables that need it
///
/// Without names, what is due by autovacuum's own rule, or nearly so, with each table's own settings;
/// what was never analyzed; extended statistics without data; and partitioned tables, which
/// autovacuum never analyzes. -v shows of every table how far from due it is.
///
/// Reads and writes go on. A table that is locked is passed over and tried again at the end: an
/// ANALYZE that waits could end somebody's concurrent index build.
///
/// Exits with 4 if a table could not be done; a time limit or window that ends is no failure.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    /// Which tables, and when.
    pub shared: maintenance::Tables,

    /// How much of the buffers to use, for example 32MB (16 and newer)
    #[arg(long, value_name = "SIZE")]
    pub buffer_usage_limit: Option<String>,
}

impl Command for Args {
    const NAME: &'static str = "analyze";
    const ON_SIGNAL: OnSignal = OnSignal::CleansUp;
    const TARGETS: Targets = Targets::Several;

    fn wants_events(&self) -> bool {
        self.shared.events
    }

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let work = maintenance::Work {
            command: Self::NAME,
            job: Job::Analyze,
            vacuum: VacuumOptions {
                buffer_usage_limit: self.buffer_usage_limit.clone(),
                ..VacuumOptions::default()
            },
            configured: context.config.analyze.clone(),
        };
        maintenance::run(context, &self.shared, work).await
    }
}
