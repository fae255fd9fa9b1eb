//! `pgtend analyze`.

use crate::app::Context;
use crate::app::command::{Command, OnSignal, Targets};
use crate::app::manual::Example;
use crate::failure::Result;
use crate::jobs::maintenance;
use crate::output::Report;
use crate::work::maintenance::plan::{TableJob, VacuumOptions};

/// Collect statistics of the tables that need it
///
/// Without names, analyzes every table that is due by autovacuum's own rule, or nearly, with the
/// table's own settings; tables that were never analyzed; extended statistics without data; and
/// partitioned tables, which autovacuum never analyzes. --dry-run shows what is due and why; with
/// -v, also what is not.
///
/// The application keeps reading and writing. pgtend skips a locked table and tries it again at the
/// end, because an ANALYZE that waits could make a concurrent index build fail. A time limit or a
/// window that ends is not a failure.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    /// Which tables, and when.
    pub shared: maintenance::Tables,

    /// Size of the buffer ring: 32MB; PostgreSQL 16 and newer
    #[arg(long, value_name = "SIZE")]
    pub buffer_usage_limit: Option<String>,
}

impl Command for Args {
    const NAME: &'static str = "analyze";
    const EXAMPLES: &'static [Example] = &[
        ("pgtend analyze", "Analyze the tables that are due"),
        ("pgtend analyze --all -j 4", "Analyze every table, for example after pg_upgrade"),
        ("pgtend analyze 'crm.*' --dry-run", "Show what would be analyzed"),
    ];
    const SEE_ALSO: &'static [&'static str] = &["vacuum", "history"];
    const ON_SIGNAL: OnSignal = OnSignal::CleansUp;
    const TARGETS: Targets = Targets::Several;

    fn wants_events(&self) -> bool {
        self.shared.events
    }

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let work = maintenance::TableCommand {
            command: Self::NAME,
            job: TableJob::Analyze,
            vacuum: VacuumOptions {
                buffer_usage_limit: self.buffer_usage_limit.clone(),
                ..VacuumOptions::default()
            },
            configured: context.config.analyze.clone(),
        };
        maintenance::run(context, &self.shared, work).await
    }
}
