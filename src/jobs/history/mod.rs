//! `pgtend history`.

pub mod report;

use crate::app::command::Command;
use std::time::Duration;

use crate::app::Context;
use crate::duration;
use crate::facts::history::{self, RunFilter};
use crate::failure::Result;
use crate::output::Report;
use crate::pg::database::Database;
use crate::pg::session::Session;
use crate::work::record;
use report::HistoryReport;

/// Show what pgtend has done in this database
///
/// One line for each step of each job, newest first: when it began, how it ended, how long it took.
/// `pgtend init` has to have been run once; nothing is known of what was done before.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only objects whose name, with or without its schema, matches the pattern (* and ?)
    #[arg(long, value_name = "GLOB")]
    pub object: Option<String>,

    /// Only what began so long ago at most: 12h, 7d
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub since: Option<Duration>,

    /// Only what this command did, for example apply
    #[arg(long, value_name = "NAME")]
    pub command: Option<String>,

    /// How many lines at most
    #[arg(long, value_name = "N", default_value_t = 50,
        value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub limit: u32,

    /// First remove for good what began longer ago, for example 90d
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub keep: Option<Duration>,
}

impl Command for Args {
    const NAME: &'static str = "history";

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let connect_options = context.connect_options("history");
        let database = context.open(&connect_options).await?;
        let session = database.reader().await?;
        let owner = context.config.history.owner.as_deref();
        history::load_schema(&session, owner).await?.require_usable()?;
        let pruned = match self.keep {
            Some(keep) => Some(prune(&database, &session, keep).await?),
            None => None,
        };
        let runs = history::load_runs(&session, &self.filter()).await?;
        Ok(Box::new(HistoryReport { runs, pruned }))
    }
}

async fn prune(database: &Database, session: &Session, keep: Duration) -> Result<i64> {
    database.require_writable()?;
    record::prune(session, keep).await
}

impl Args {
    fn filter(&self) -> RunFilter {
        RunFilter {
            object: self.object.clone(),
            since: self.since,
            command: self.command.clone(),
            limit: self.limit,
        }
    }
}
