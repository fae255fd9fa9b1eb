//! `pgtend snapshot`.

pub mod report;
pub mod run;

use crate::app::command::{Command, Targets};
use crate::app::manual::Example;
use std::path::PathBuf;
use std::time::Duration;

use crate::app::Context;
use crate::duration;
use crate::facts::history;
use crate::facts::statements::{load_extension, load_snapshots};
use crate::failure::{Failure, Result};
use crate::output::Report;
use crate::pg::database::Database;
use report::{SnapshotReport, SnapshotsReport};

/// Save counters, sizes and ages, to compare with later
///
/// pg_stat_statements counts since its last reset. A snapshot saves where the counters stand, so
/// that `pgtend slow-queries --since 24h` can show what ran in between. It resets nothing and
/// stores only what changed since the previous snapshot, and each text once. Without
/// pg_stat_statements it leaves the statements out.
///
/// It also saves sizes and counters of tables and indexes, values of sequences, ages of
/// transaction ids, positions of WAL and of replication slots: how fast they grow says when a limit
/// is reached.
///
/// Snapshots are stored in the schema that `pgtend init` installs, or in a file (--file), which has
/// the statements only. Snapshots older than --keep are removed. Run it every hour from cron.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write the snapshot to this file instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["keep", "prune", "list"])]
    pub file: Option<PathBuf>,

    /// With --file: include the statements of other databases
    #[arg(long, requires = "file")]
    pub all_databases: bool,

    /// Remove snapshots older than this: 24h, 35d [default: 35d]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub keep: Option<Duration>,

    /// Only remove old snapshots
    #[arg(long)]
    pub prune: bool,

    /// Only list the snapshots
    #[arg(long, conflicts_with = "prune")]
    pub list: bool,
}

impl Command for Args {
    const NAME: &'static str = "snapshot";
    const EXAMPLES: &'static [Example] = &[
        ("pgtend snapshot -q", "From cron: save a snapshot"),
        ("pgtend snapshot --list", "List the snapshots"),
        (
            "pgtend snapshot --file before.json",
            "Save the counters to a file, without the schema pgtend",
        ),
    ];
    const SEE_ALSO: &'static [&'static str] = &["slow-queries", "init"];
    const TARGETS: Targets = Targets::Several;

    fn for_one_target_only(&self) -> Option<&'static str> {
        self.file.is_some().then_some("--file")
    }

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let database = context.open(&context.connect_options("snapshot")).await?;
        let owner = context.config.history.owner.as_deref();
        if self.list {
            let session = database.reader().await?;
            let schema = history::load_schema(&session, owner).await?;
            schema.require_usable(history::HistoryPart::Statements)?;
            return Ok(Box::new(SnapshotsReport { snapshots: load_snapshots(&session).await? }));
        }
        let taken = match self.prune {
            true => None,
            false => Some(self.take(&database, owner).await?),
        };
        let keep = self.keep.unwrap_or(context.config.snapshot.keep);
        let pruned = match self.file {
            Some(_) => None,
            None => {
                database.require_writable()?;
                let schema = run::usable_schema(&database, owner).await?;
                Some(run::prune(&database, &schema, keep).await?)
            }
        };
        Ok(Box::new(SnapshotReport { taken, file: self.file.clone(), pruned }))
    }
}

impl Args {
    async fn take(&self, database: &Database, owner: Option<&str>) -> Result<run::Taken> {
        let extension = load_extension(&database.reader().await?).await?;
        if let Some(file) = &self.file {
            extension.require_counting()?;
            let only_here = (!self.all_databases).then_some(extension.dbid);
            return run::take_to_file(database, &extension, only_here, file).await;
        }
        database.require_writable().map_err(|failure: Failure| {
            failure.hint("on a standby write it to a file: pgtend snapshot --file F")
        })?;
        run::take(database, &extension, owner).await
    }
}
