//! `pgtend vacuum`.

use crate::app::Context;
use crate::app::choice::Whole;
use crate::app::command::{Command, OnSignal, Targets};
use crate::app::manual::Example;
use crate::failure::Result;
use crate::jobs::maintenance;
use crate::output::Report;
use crate::work::maintenance::plan::{TableJob, VacuumOptions};

/// Vacuum the tables that need it
///
/// Without names, vacuums every table that is due by autovacuum's own rule, or nearly, with the
/// table's own settings: dead rows, inserted rows, transaction ID age, TOAST tables. The most
/// urgent come first. --dry-run shows what is due and why; with -v, also what is not.
///
/// The application keeps reading and writing, and never waits for it. pgtend skips a locked table
/// and tries it again at the end; a table that could not be vacuumed counts as failed, as does a
/// table of another owner. A time limit or a window that ends is not a failure. pgtend never runs
/// VACUUM FULL.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    /// Which tables, and when.
    pub shared: maintenance::Tables,

    /// Also run ANALYZE on tables that are due for it
    #[arg(short = 'z', long)]
    pub analyze: bool,

    /// Freeze all rows that can be frozen
    #[arg(short = 'F', long)]
    pub freeze: bool,

    /// Parallel workers for the indexes of one table
    #[arg(short = 'P', long, value_name = "N", value_parser = Whole::<u32>::new(0, 1024))]
    pub parallel: Option<u32>,

    /// Do not truncate empty pages at the end of tables, which takes AccessExclusive briefly
    /// [default: where a standby is attached]
    #[arg(long, conflicts_with = "truncate")]
    pub no_truncate: bool,

    /// Truncate empty pages even where a standby is attached
    #[arg(long)]
    pub truncate: bool,

    /// Always remove index entries of dead rows
    #[arg(long, conflicts_with = "no_index_cleanup")]
    pub force_index_cleanup: bool,

    /// Skip index cleanup; for emergencies near transaction ID wraparound
    #[arg(long)]
    pub no_index_cleanup: bool,

    /// Skip TOAST tables
    #[arg(long)]
    pub no_process_toast: bool,

    /// Vacuum only TOAST tables; PostgreSQL 16 and newer
    #[arg(long)]
    pub no_process_main: bool,

    /// Read every page, even those that need no work
    #[arg(long)]
    pub disable_page_skipping: bool,

    /// Size of the buffer ring: 32MB; PostgreSQL 16 and newer
    #[arg(long, value_name = "SIZE")]
    pub buffer_usage_limit: Option<String>,
}

impl Command for Args {
    const NAME: &'static str = "vacuum";
    const EXAMPLES: &'static [Example] = &[
        ("pgtend vacuum --dry-run", "Show which tables are due, and why"),
        (
            "pgtend vacuum -q --needed --analyze --window 01:00-05:00",
            "From cron: vacuum and analyze what is due, at night only",
        ),
        ("pgtend vacuum --freeze crm.sales", "Vacuum a table and freeze its rows"),
    ];
    const SEE_ALSO: &'static [&'static str] = &["analyze", "history", "activity"];
    const ON_SIGNAL: OnSignal = OnSignal::CleansUp;
    const TARGETS: Targets = Targets::Several;

    fn wants_events(&self) -> bool {
        self.shared.events
    }

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let yes_or_no = |yes: bool, no: bool| yes.then_some(true).or(no.then_some(false));
        let work = maintenance::TableCommand {
            command: Self::NAME,
            job: TableJob::Vacuum { analyze: self.analyze },
            vacuum: VacuumOptions {
                freeze: self.freeze,
                parallel: self.parallel,
                truncate: yes_or_no(self.truncate, self.no_truncate),
                index_cleanup: yes_or_no(self.force_index_cleanup, self.no_index_cleanup),
                no_process_toast: self.no_process_toast,
                no_process_main: self.no_process_main,
                disable_page_skipping: self.disable_page_skipping,
                buffer_usage_limit: self.buffer_usage_limit.clone(),
            },
            configured: context.config.vacuum.clone(),
        };
        maintenance::run(context, &self.shared, work).await
    }
}
