//! `pgtend check`.

mod baseline;
mod chart;
mod document;
mod fix;
pub mod glance;
pub mod look;
mod metrics;
pub mod page;
pub mod plan;
mod report;
mod rules;
mod run;
mod selection;

use std::path::PathBuf;
use std::time::Duration;

use crate::app::Context;
use crate::app::choice::OneOf;
use crate::app::command::{Command, OnSignal, Targets};
use crate::app::manual::Example;
use crate::failure::Result;
use crate::findings::Group;
use crate::output::report_file::ReportFile;
use crate::output::{Format, Report};
use run::Run;

/// Say what is wrong with a database, how bad it is, and the command that helps
///
/// Looks at the server and the database once, for two seconds at most, and changes nothing but with --fix. A finding is
/// critical where it hurts now or will within days, a warning where it will within weeks, else a note.
/// What could not be seen is never called passed: it is unknown, with the GRANT that would help. What was
/// found can be suppressed by a comment on the object, COMMENT ON INDEX i IS 'pgtend-ignore unused-index: once a
/// year', or in the configuration, by an entry [[check.ignore]] with rule = "unused-index", reason = "…", and, if
/// you like, object = "public.sales_*" and until = 2027-03-31. `pgtend rules RULE` explains a finding.
///
/// The groups security and opinions are looked at only where they are named; what is critical of
/// security always is.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Groups of checks [default: all but security and opinions]
    #[arg(value_name = "GROUP", value_parser = OneOf::new(&Group::OF_CHECK))]
    pub groups: Vec<Group>,

    /// Only these rules or groups, separated by commas; repeatable
    #[arg(long, value_name = "RULE|GROUP", value_delimiter = ',')]
    pub only: Vec<String>,

    /// Without these rules or groups, separated by commas; repeatable
    #[arg(long, value_name = "RULE|GROUP", value_delimiter = ',')]
    pub skip: Vec<String>,

    /// What makes it fail with exit code 1: critical, warning, info, or rules, separated by commas
    /// [default: warning]
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub fail_on: Vec<String>,

    /// Leave out the findings of this file, which --write-baseline has written
    #[arg(long, value_name = "FILE", visible_alias = "since")]
    pub baseline: Option<PathBuf>,

    /// Write what is found to this file, to be told only of what is new from now on
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    pub write_baseline: Option<PathBuf>,

    /// Write the numbers of findings to this file, for Prometheus
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,

    /// Add the scans of indexes and tables that this server has counted, a standby for example; repeatable
    #[arg(long, value_name = "URL")]
    pub also: Vec<String>,

    /// Read the B-trees as a whole by amcheck, the small ones first, for so long [default: 30s]
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true,
        default_missing_value = "30s", value_parser = crate::duration::parse)]
    pub deep: Option<Duration>,

    /// Measure the bloat of what the statistics call bloated by pgstattuple, the worst first, for so long
    /// [default: 10s]
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true,
        default_missing_value = "10s", value_parser = crate::duration::parse)]
    pub confirm: Option<Duration>,

    /// Fix what can be fixed without harm, after asking: vacuum and analyze, rebuild invalid indexes, drop
    /// what rebuilds have left; then check again
    #[arg(long)]
    pub fix: bool,

    /// With --fix: do not ask
    #[arg(long, requires = "fix", conflicts_with = "dry_run")]
    pub yes: bool,

    /// With --fix: show the statements; send none
    #[arg(long, requires = "fix")]
    pub dry_run: bool,

    /// Print one line for each target
    #[arg(long)]
    pub brief: bool,

    /// Also write the result to a file: sarif=check.sarif; repeatable
    #[arg(long, value_name = "FORMAT=FILE")]
    pub report: Vec<ReportFile>,
}

impl Command for Args {
    const NAME: &'static str = "check";
    const EXAMPLES: &'static [Example] = &[
        ("pgtend check", "Say whether the database is all right"),
        ("pgtend check vacuum indexes", "Look at two groups of checks only"),
        (
            "pgtend check -q --fail-on critical",
            "From cron: warnings and worse, 1 where one is critical",
        ),
        (
            "pgtend check --report html=check.html",
            "Also write a page for a ticket or a mail",
        ),
        (
            "pgtend check indexes --also postgres://standby/shop",
            "Call an index unused only where the standby does not use it either",
        ),
        ("pgtend check --fix --dry-run", "Show what pgtend would fix, and how"),
        (
            "pgtend check --write-baseline known.json",
            "Accept what is found today; --baseline known.json then tells what is new",
        ),
    ];
    const SEE_ALSO: &'static [&'static str] = &["rules", "activity", "advise", "snapshot"];
    const FORMATS: &'static [Format] =
        &[Format::Html, Format::Markdown, Format::Github, Format::Sarif, Format::Junit];
    const ON_SIGNAL: OnSignal = OnSignal::CleansUp;
    const TARGETS: Targets = Targets::Several;

    fn report_files(&self) -> &[ReportFile] {
        &self.report
    }

    fn other_urls(&self) -> &[String] {
        &self.also
    }

    fn for_one_target_only(&self) -> Option<&'static str> {
        let baseline = self.baseline.as_ref().map(|_| "--baseline");
        let written = self.write_baseline.as_ref().map(|_| "--write-baseline");
        let also = self.also.first().map(|_| "--also");
        baseline.or(written).or(also).or(self.fix.then_some("--fix"))
    }

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        Run::new(self, context)?.report().await
    }
}
