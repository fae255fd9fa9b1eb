//! `pgtend history`.

pub mod report;

use crate::app::choice::Whole;
use crate::app::command::Command;
use crate::app::manual::Example;
use std::time::Duration;

use crate::app::Context;
use crate::duration;
use crate::facts::history::{self, RunFilter};
use crate::failure::Result;
use crate::output::{Format, Report, Verbosity};
use crate::pg::database::Database;
use crate::pg::session::Session;
use crate::work::event::Status;
use crate::work::record;
use report::HistoryReport;

/// Show what pgtend did in this database
///
/// One line for each run, newest first: what it did to how many objects, how it ended, how long it
/// took, and what failed. With -v or a filter by object, one line for each object.
///
/// Needs the schema that `pgtend init` installs; earlier runs are not known.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only objects whose name, with or without schema, matches this pattern (* and ?)
    #[arg(long, value_name = "GLOB")]
    pub object: Option<String>,

    /// Only what started within this time: 12h, 7d
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub since: Option<Duration>,

    /// Only what this command did
    #[arg(long, value_name = "NAME", value_parser = ["apply", "refresh", "vacuum", "analyze", "reindex"])]
    pub command: Option<String>,

    /// Only what ended this way
    #[arg(long, value_name = "OUTCOME", value_parser = Status::ALL.map(Status::name))]
    pub outcome: Option<String>,

    /// Number of lines to show
    #[arg(long, value_name = "N", default_value_t = 50,
        value_parser = Whole::<u32>::new(0, 1_000_000))]
    pub limit: u32,

    /// First delete what started longer ago than this: 90d
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub keep: Option<Duration>,
}

/// So many steps are looked at to make runs of them.
const MOST_STEPS: u32 = 20_000;

impl Command for Args {
    const NAME: &'static str = "history";
    const EXAMPLES: &'static [Example] = &[
        ("pgtend history", "Show the last runs"),
        ("pgtend history --outcome failed --since 7d", "Show what failed this week"),
        ("pgtend history --object 'idx_sales_*' -v", "Show what happened to some indexes"),
    ];
    const SEE_ALSO: &'static [&'static str] = &["init", "apply"];

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let connect_options = context.connect_options("history");
        let database = context.open(&connect_options).await?;
        let session = database.reader().await?;
        let owner = context.config.history.owner.as_deref();
        history::load_schema(&session, owner)
            .await?
            .require_usable(history::HistoryPart::Runs)?;
        let pruned = match self.keep {
            Some(keep) => Some(prune(&database, &session, keep).await?),
            None => None,
        };
        let groups = self.groups(context);
        let runs = history::load_runs(&session, &self.filter(groups)).await?;
        Ok(Box::new(HistoryReport { runs, pruned, groups }))
    }
}

async fn prune(database: &Database, session: &Session, keep: Duration) -> Result<i64> {
    database.require_writable()?;
    record::prune(session, keep).await
}

impl Args {
    /// A line each run, where neither an object nor all of them are asked for.
    fn groups(&self, context: &Context) -> Option<usize> {
        let options = context.console.options();
        let is_summed = options.format == Format::Table && options.verbosity < Verbosity::Verbose;
        let is_narrow = self.object.is_some() || self.outcome.is_some();
        (is_summed && !is_narrow).then_some(self.limit as usize)
    }

    fn filter(&self, groups: Option<usize>) -> RunFilter {
        RunFilter {
            outcome: self.outcome.clone(),
            object: self.object.clone(),
            since: self.since,
            command: self.command.clone(),
            limit: groups.map_or(self.limit, |_| MOST_STEPS),
        }
    }
}
