//! `pgtend vacuum`.

use crate::app::Context;
use crate::app::command::{Command, OnSignal, Targets};
use crate::failure::Result;
use crate::jobs::maintenance;
use crate::output::Report;
use crate::work::maintenance::plan::{Job, VacuumOptions};

/// Vacuum the tables that need it
///
/// Without names, what is due by autovacuum's own rule, or nearly so, with each table's own settings:
/// dead rows, inserted rows, the age of transaction identifiers, TOAST tables too. The most urgent
/// come first. -v shows of every table how far from due it is.
///
/// Reads and writes go on. Nobody has to wait for it, nor does it wait for others: a table that is
/// locked is passed over and tried again at the end. What could not be done is told and counts as a
/// failure, as are tables of other owners. It never sends VACUUM FULL.
///
/// Exits with 4 if a table could not be done; a time limit or window that ends is no failure.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    /// Which tables, and when.
    pub shared: maintenance::Tables,

    /// Also ANALYZE what is due for it
    #[arg(short = 'z', long)]
    pub analyze: bool,

    /// Freeze all rows that can be frozen
    #[arg(short = 'F', long)]
    pub freeze: bool,

    /// Parallel workers for the indexes of one table
    #[arg(short = 'P', long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1024))]
    pub parallel: Option<u32>,

    /// Do not cut empty pages off the end of tables, for which AccessExclusive is needed for moments
    /// [default: the server's, but not where a standby is attached]
    #[arg(long, conflicts_with = "truncate")]
    pub no_truncate: bool,

    /// Cut empty pages off, also where a standby is attached
    #[arg(long)]
    pub truncate: bool,

    /// Always remove index entries of dead rows
    #[arg(long, conflicts_with = "no_index_cleanup")]
    pub force_index_cleanup: bool,

    /// Never remove index entries of dead rows; only for the haste before a wraparound
    #[arg(long)]
    pub no_index_cleanup: bool,

    /// Leave TOAST tables out
    #[arg(long)]
    pub no_process_toast: bool,

    /// Only TOAST tables (16 and newer)
    #[arg(long)]
    pub no_process_main: bool,

    /// Read every page, also those that need nothing
    #[arg(long)]
    pub disable_page_skipping: bool,

    /// How much of the buffers to use, for example 32MB (16 and newer)
    #[arg(long, value_name = "SIZE")]
    pub buffer_usage_limit: Option<String>,
}

impl Command for Args {
    const NAME: &'static str = "vacuum";
    const ON_SIGNAL: OnSignal = OnSignal::CleansUp;
    const TARGETS: Targets = Targets::Several;

    fn wants_events(&self) -> bool {
        self.shared.events
    }

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let yes_or_no = |yes: bool, no: bool| yes.then_some(true).or(no.then_some(false));
        let work = maintenance::Work {
            command: Self::NAME,
            job: Job::Vacuum { analyze: self.analyze },
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
