//! `pgtend advise`.

mod candidates;
mod chosen;
mod document;
mod elsewhere;
mod existing;
mod names;
mod oracle;
mod queue;
mod report;
mod run;
mod search;
mod shape;
mod skewed;
mod statements;
mod statistics;
mod unhelped;
mod unneeded;
mod widened;
mod writes;
mod written;

use std::path::PathBuf;

use crate::app::Context;
use crate::app::choice::Whole;
use crate::app::command::{Command, OnSignal};
use crate::app::manual::Example;
use crate::app::others::load_nodes;
use crate::app::planner_twin::{KeyChecks, Named, TwinOptions};
use crate::facts::statements::PointInTime;
use crate::failure::Result;
use crate::files;
use crate::output::{Format, Report};
use crate::size;
use crate::twin::workload::{self, StatementsWanted, WorkloadStatement};

/// Say which indexes the workload lacks, and which it does not need
///
/// Takes the costliest statements of pg_stat_statements, or those of --workload and --sql, plans them on
/// a twin (see `pgtend what-if --help`), and tries the indexes that their plans ask for: B-trees of
/// several columns, with INCLUDE, partial ones, on expressions, GIN, BRIN. It chooses those that save
/// most for their size, less what they cost writers. What PostgreSQL itself asks for foreign keys
/// about each deleted row belongs to the workload. Each piece of advice says what it rests on: costs
/// are PostgreSQL's own estimates, with production's statistics.
///
/// Nothing is created in production and no statement is executed. --write makes a file of declarations
/// that `pgtend plan` and `pgtend apply` read. Indexes that no statement needs are named with their DROP
/// as a comment; pgtend never drops them.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Advise for the statements of this file or folder; repeatable
    #[arg(long, value_name = "PATH")]
    pub workload: Vec<PathBuf>,

    /// Advise for this statement; repeatable
    #[arg(long, value_name = "SQL")]
    pub sql: Vec<String>,

    /// Advise for the statements that auto_explain has logged as JSON in this server log (also with
    /// log_destination = jsonlog); can be repeated
    #[arg(long, value_name = "FILE")]
    pub log: Vec<PathBuf>,

    /// Weigh statements of pg_stat_statements by what they did since then: a duration (24h: the newest
    /// snapshot that is at least so old), a snapshot's number, or a file of `pgtend snapshot --file`
    #[arg(long, value_name = "WHEN", value_parser = PointInTime::parse)]
    pub since: Option<PointInTime>,

    /// Number of statements of pg_stat_statements
    #[arg(long, value_name = "N", default_value_t = 200,
        value_parser = Whole::<usize>::new(1, 100_000))]
    pub limit: usize,

    /// Largest size of all advised indexes together: 500MB, 2GB
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    pub budget: Option<u64>,

    /// Largest number of indexes to advise
    #[arg(long, value_name = "N",
        value_parser = Whole::<usize>::new(1, 10_000))]
    pub max_indexes: Option<usize>,

    /// Write the advised indexes to this file, as declarations with their reasons
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,

    /// Exit with 1 if an index is advised
    #[arg(long)]
    pub check: bool,

    /// Add the scans of indexes that this server has counted, a standby for example; repeatable
    #[arg(long, value_name = "URL")]
    pub also: Vec<String>,

    #[command(flatten)]
    pub twin: TwinOptions,
}

impl Command for Args {
    const NAME: &'static str = "advise";
    const EXAMPLES: &'static [Example] = &[
        ("pgtend advise", "Advise for the costliest statements"),
        (
            "pgtend advise --workload queries/ --budget 2GB --write db/advised.sql",
            "Advise for the files of a folder, and write the declarations",
        ),
        (
            "pgtend advise --also postgres://standby/shop",
            "Call an index unneeded only where the standby does not use it either",
        ),
        (
            "pgtend advise --sql 'SELECT * FROM sales WHERE user_id = 7'",
            "Advise for one statement",
        ),
    ];
    const SEE_ALSO: &'static [&'static str] = &["what-if", "plan", "slow-queries"];
    const FORMATS: &'static [Format] = &[Format::Markdown];
    const ON_SIGNAL: OnSignal = OnSignal::CleansUp;

    fn other_urls(&self) -> &[String] {
        &self.also
    }

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let named = self.named(context)?;
        let prepared = self.twin.prepare(context, named, &[]);
        let prepared = context.unless_cancelled(prepared).await?;
        let options = context.connect_options(Self::NAME);
        let nodes = load_nodes(context, &self.also, &options);
        let nodes = context.unless_cancelled(nodes).await?;
        let report = run::advise(context, self, prepared, nodes).await?;
        if let Some(file) = &self.write {
            std::fs::write(file, report.declarations())
                .map_err(|error| files::not_written(file, &error))?;
        }
        Ok(Box::new(report))
    }
}

impl Args {
    fn named(&self, context: &Context) -> Result<Named> {
        let mut statements = Vec::new();
        for path in &self.workload {
            statements.extend(workload::of_files(path)?);
        }
        statements.extend(self.sql.iter().map(|text| WorkloadStatement::of_text(text)));
        for path in &self.log {
            statements.extend(workload::of_log(path)?);
        }
        let counted = StatementsWanted {
            queryids: Vec::new(),
            since: self.since.clone(),
            history_owner: context.config.history.owner.clone(),
            limit: self.limit,
        };
        Ok(Named { statements, counted, key_checks: KeyChecks::Included })
    }
}
