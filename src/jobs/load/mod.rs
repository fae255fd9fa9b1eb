//! `pgtend load`.

mod alarm;
mod client;
mod compare;
mod document;
mod during;
mod figures;
mod median;
mod pace;
mod plan;
mod plot;
mod random;
mod report;
mod run;
mod script;
mod source;
mod value;

use std::path::PathBuf;
use std::time::Duration;

use crate::app::Context;
use crate::app::choice::Whole;
use crate::app::command::{Command, OnSignal};
use crate::app::manual::Example;
use crate::duration;
use crate::failure::{Failure, Result};
use crate::files;
use crate::output::Report;

pub use median::median_ms;
pub use plan::Statement;

/// Send the application's statements at a rate, and measure how long they take
///
/// With --rate, requests are due at random moments, so many each second, whether or not the database keeps up. Latencies are
/// counted from when a request was due: waiting for a free client is part of it, as it is for the people who use the
/// application. Without --rate each client sends its next request when it has the last answer; that shows what the
/// database can do at most, and hides stalls.
///
/// Each file of --workload is a request: its statements are sent one after the other, or those between `\startparallel` and
/// `\endparallel` at once, each on a connection of its own. Values come from `\set NAME random(1, 100000)` above them, as pgbench
/// reads it, and stand in statements as `:NAME`; `\set NAME file(FILE)` takes a line of a file, `\set NAME column(TABLE.COLUMN)` a
/// value of the column by its statistics. Without --workload pgtend sends
/// the statements of pg_stat_statements that only read, as often as they were called beside each other, with values of the
/// columns that their parameters are compared with.
///
/// Only SELECT, VALUES, TABLE and WITH that read are sent, in sessions that are read-only, unless --allow-writes names the
/// database. A load test takes from a database what the application needs: use a copy, or a low rate.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Send the statements of this SQL file, or of those of a folder; `PATH@5` sends them five times as often as others.
    /// Repeatable [default: the statements of pg_stat_statements that read]
    #[arg(long, value_name = "PATH")]
    pub workload: Vec<String>,

    /// Number of requests a second, sent when they are due [default: each client sends its next when it
    /// has the last answer]
    #[arg(long, value_name = "R", value_parser = rate)]
    pub rate: Option<f64>,

    /// Number of clients, each with a connection, or as many as a request needs at once [default: 8; with --rate: 16]
    #[arg(long, value_name = "N", value_parser = Whole::<usize>::new(1, 5000))]
    pub clients: Option<usize>,

    /// Time to measure
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = measured)]
    pub duration: Duration,

    /// Time to send requests before measuring
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration::parse)]
    pub warm_up: Duration,

    /// Give up a statement that takes longer
    #[arg(long, value_name = "DURATION", default_value = "1min", value_parser = duration::parse)]
    pub statement_time: Duration,

    /// Number of statements of pg_stat_statements
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = Whole::<usize>::new(1, 5000),
        conflicts_with = "workload")]
    pub limit: usize,

    /// Measure for --duration, then while a shell runs this command, then for --duration again: what the
    /// application notices of it. What the command says goes to standard error
    #[arg(long, value_name = "COMMAND")]
    pub during: Option<String>,

    /// Compare with an earlier run, which `pgtend load --format json` has written
    #[arg(long, value_name = "FILE", conflicts_with = "during")]
    pub compare: Option<PathBuf>,

    /// With --compare: exit with 1 if the median or p99 is slower by more than this share
    #[arg(long, value_name = "SHARE", default_value = "10%", value_parser = share,
        requires = "compare")]
    pub max_regression: f64,

    /// Draw how it went into this file, as .svg or .html
    #[arg(long, value_name = "FILE", value_parser = plot::parse)]
    pub plot: Option<PathBuf>,

    /// Choose requests, moments and values as the last run with this number did
    #[arg(long, value_name = "NUMBER", value_parser = Whole::<u64>::new(0, u64::MAX))]
    pub seed: Option<u64>,

    /// Send also statements of --workload that write; DATABASE has to be the one that they change
    #[arg(long, value_name = "DATABASE", requires = "workload")]
    pub allow_writes: Option<String>,

    /// Send also statements that use objects of this role. Its functions run with your rights. Repeatable
    #[arg(long, value_name = "ROLE")]
    pub trust: Vec<String>,
}

fn rate(text: &str) -> std::result::Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.01..=100_000.0).contains(rate));
    rate.ok_or_else(|| "expected a number from 0.01 to 100000".to_owned())
}

fn share(text: &str) -> std::result::Result<f64, String> {
    let percent = text
        .strip_suffix('%')
        .and_then(|number| number.trim().parse::<f64>().ok())
        .filter(|percent| (0.0..=10_000.0).contains(percent));
    percent
        .map(|percent| percent / 100.0)
        .ok_or_else(|| "expected a share such as 10%".to_owned())
}

fn measured(text: &str) -> std::result::Result<Duration, String> {
    let duration = duration::parse(text)?;
    match duration < Duration::from_secs(1) {
        true => Err("1s is the shortest".to_owned()),
        false => Ok(duration),
    }
}

impl Command for Args {
    const NAME: &'static str = "load";
    const EXAMPLES: &'static [Example] = &[
        (
            "pgtend load --workload queries/ --rate 200 --duration 1min",
            "Send 200 requests a second for a minute",
        ),
        (
            "pgtend load --clients 4 --duration 10s",
            "See what four clients get through of the statements that pg_stat_statements counts",
        ),
        (
            "pgtend load --workload queries/ --rate 200 --during 'pgtend apply db/indexes.sql'",
            "See what the application notices while indexes are built",
        ),
        (
            "pgtend load --workload queries/ --rate 200 --compare before.json",
            "Exit with 1 if the median or p99 is slower than it was, by more than 10 %",
        ),
        (
            "pgtend load --workload mix.sql --rate 50 --allow-writes staging",
            "Send a file that writes to the database staging",
        ),
    ];
    const SEE_ALSO: &'static [&'static str] = &["slow-queries", "prove", "activity"];
    const ON_SIGNAL: OnSignal = OnSignal::CleansUp;

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        if let Some(file) = &self.plot {
            files::check(file).map_err(|error| {
                Failure::usage(format!("cannot write {}: {error}", file.display()))
            })?;
        }
        let report = run::run(context, self).await?;
        if let Some(file) = &self.plot {
            plot::write(&report, file)?;
            context.console.narrate(&format!("Drew {}.", file.display()));
        }
        Ok(Box::new(report))
    }
}
