//! `pgtend prove`.

mod after;
mod joins;
mod plan;
mod report;
mod run;
mod tables;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use crate::app::Context;
use crate::app::choice::Whole;
use crate::app::command::{Command, OnSignal};
use crate::app::manual::Example;
use crate::app::planner_twin::Named;
use crate::duration;
use crate::failure::{Failure, Result};
use crate::output::{Format, Report};
use crate::size;
use crate::twin::copy::CopyLimits;
use crate::twin::wishes::{self, DeclaredWish};
use crate::twin::workload::{self, StatementsWanted, WorkloadStatement};

/// Measure what an index does: before it is built, on a copy; after it, in production
///
/// Copies the tables that the statements read into a throwaway server on this machine, builds each
/// index there, and executes the statements with and without it, in turns. A statement is better only
/// where its times lie apart and it looks at fewer pages. What an index costs writers is measured, too;
/// statements that write are rolled back. Nothing is changed in production: the rows are read by COPY,
/// and pgtend gives up where another session waits for that.
///
/// Statements are the costliest of pg_stat_statements, those of --workload and --sql, or those of a saved
/// twin. Values of their parameters are common ones of the column that they are compared with. The copy holds rows of your
/// database: it is private to you and removed at the end. It needs the server programs of production's
/// major version.
///
/// With --after it compares instead, for each index that `pgtend apply` built, the statements that are
/// planned with it before and after the build, by the snapshots of `pgtend snapshot`. It shows the DROP that
/// would undo the build, and never sends it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files of declarations: each of their indexes is measured
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Measure this index: 'CREATE INDEX …'; repeatable
    #[arg(long, value_name = "INDEX")]
    pub add: Vec<String>,

    /// Measure the indexes of this file, which `pgtend advise --write` made; repeatable
    #[arg(long, value_name = "FILE")]
    pub advice: Vec<PathBuf>,

    /// Execute the statements of this file or folder; repeatable
    #[arg(long, value_name = "PATH")]
    pub workload: Vec<PathBuf>,

    /// Execute this statement; repeatable
    #[arg(long, value_name = "SQL")]
    pub sql: Vec<String>,

    /// Execute the statements that this twin was saved for, on rows of the database
    #[arg(long, value_name = "FILE", conflicts_with_all = ["workload", "sql"])]
    pub twin: Option<PathBuf>,

    /// Save the twin for --twin; the file holds values of the data, so only you may read it
    #[arg(long, value_name = "FILE", conflicts_with = "twin")]
    pub save_twin: Option<PathBuf>,

    /// Save it without values of the data
    #[arg(long, requires = "save_twin")]
    pub no_values: bool,

    /// Number of statements of pg_stat_statements
    #[arg(long, value_name = "N", default_value_t = 50,
        value_parser = Whole::<usize>::new(1, 100_000))]
    pub limit: usize,

    /// Largest size of the copy; of tables beyond it pgtend reads a sample, in which joins find their rows
    #[arg(long, value_name = "SIZE", default_value = "2GB", value_parser = size::parse)]
    pub max_copy: u64,

    /// Give up if copying takes longer
    #[arg(long, value_name = "DURATION", default_value = "10min", value_parser = duration::parse)]
    pub copy_time: Duration,

    /// Read the rows from this server, a standby of the database
    #[arg(long, value_name = "URL")]
    pub from: Option<String>,

    /// Number of executions of each statement, with and without the index
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = Whole::<u32>::new(5, 1000))]
    pub runs: u32,

    /// Give up an execution that takes longer
    #[arg(long, value_name = "DURATION", default_value = "1min", value_parser = duration::parse)]
    pub statement_time: Duration,

    /// Compare instead the statements of indexes that `apply` built within this time, before and after
    /// [without a value: 7d]
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = "7d",
        value_parser = duration::parse,
        conflicts_with_all = ["files", "add", "advice", "workload", "sql", "from", "twin", "save_twin"])]
    pub after: Option<Duration>,

    /// Exit with 1 unless each index is better
    #[arg(long)]
    pub check: bool,

    /// Plan with the settings of this role [default: the role that pgtend connects as]
    #[arg(long, value_name = "NAME")]
    pub role: Option<String>,

    /// Folder of PostgreSQL server programs of the same major version; repeatable [default:
    /// found on this machine]
    #[arg(long, value_name = "DIR")]
    pub pg_bin: Vec<PathBuf>,
}

impl Command for Args {
    const NAME: &'static str = "prove";
    const EXAMPLES: &'static [Example] = &[
        (
            "pgtend prove db/advised.sql",
            "Measure the indexes of a file for the costliest statements",
        ),
        (
            "pgtend prove --add 'CREATE INDEX ON sales (user_id)' --workload queries/ --check",
            "Measure one for the files of a folder, and exit with 1 unless it is better",
        ),
    ];
    const SEE_ALSO: &'static [&'static str] = &["advise", "what-if", "apply"];
    const FORMATS: &'static [Format] = &[];
    const ON_SIGNAL: OnSignal = OnSignal::CleansUp;

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        if let Some(within) = self.after {
            let compared = after::after(context, self, within);
            return Ok(Box::new(context.unless_cancelled(compared).await?));
        }
        let wishes = self.wishes()?;
        let named = self.named()?;
        let proved = run::prove(context, self, &wishes, named);
        Ok(Box::new(context.unless_cancelled(proved).await?))
    }
}

impl Args {
    fn limits(&self) -> CopyLimits {
        CopyLimits { bytes: self.max_copy, time: self.copy_time }
    }

    fn named(&self) -> Result<Named> {
        let mut statements = Vec::new();
        for path in &self.workload {
            statements.extend(workload::of_files(path)?);
        }
        statements.extend(self.sql.iter().map(|text| WorkloadStatement::of_text(text)));
        let counted = StatementsWanted { limit: self.limit, ..StatementsWanted::default() };
        Ok(Named { statements, counted, ..Named::default() })
    }

    fn wishes(&self) -> Result<Vec<DeclaredWish>> {
        let files = self.files.iter().chain(&self.advice);
        let mut wishes = Vec::new();
        for file in files {
            if !file.exists() {
                return Err(Failure::usage(format!("{}: there is no such file", file.display()))
                    .hint("--add takes an index as SQL"));
            }
            wishes.extend(wishes::of_argument(&file.display().to_string())?);
        }
        for text in &self.add {
            wishes.extend(wishes::of_argument(text)?);
        }
        if wishes.is_empty() {
            return Err(Failure::usage("no index is named").hint(
                "name a file of declarations, or --add 'CREATE INDEX ON sales (customer_id)'",
            ));
        }
        Ok(wishes)
    }
}
