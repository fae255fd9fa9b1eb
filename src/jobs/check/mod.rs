//! `pgtend check`.

mod baseline;
mod chart;
mod command;
mod document;
mod glance;
mod metrics;
mod page;
mod plan;
mod report;
mod rules;
mod selection;

use std::path::PathBuf;

use jiff::ZonedDateTime;

use crate::app::Context;
use crate::app::choice::OneOf;
use crate::app::command::{Command, Targets};
use crate::app::manual::Example;
use crate::did_you_mean;
use crate::facts::health::{load_health, load_ignore_comments};
use crate::failure::{Failure, Result};
use crate::findings::{FailOn, Group, Rule, Severity, Suppressions};
use crate::output::report_file::ReportFile;
use crate::output::{Format, Report};
use baseline::Baseline;
use plan::Measure;
use report::CheckReport;
use selection::Selection;

/// Say what is wrong with a database, how bad it is, and the command that helps
///
/// Looks at the server and the database once, for two seconds at most, and writes nothing. A finding is
/// critical where it hurts now or will within days, a warning where it will within weeks, else a note.
/// What could not be seen is never called passed: it is unknown, with the GRANT that would help. What was
/// found can be suppressed in the configuration ([[check.ignore]]) or by a comment on the object:
/// COMMENT ON INDEX i IS 'pgtend-ignore unused-index: once a year'. `pgtend rules RULE` explains a finding.
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
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,

    /// Write what is found to this file, to be told only of what is new from now on
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    pub write_baseline: Option<PathBuf>,

    /// Write the numbers of findings to this file, for Prometheus
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,

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
        ("pgtend check --report html=check.html", "Also write a page to send to somebody"),
        (
            "pgtend check --write-baseline known.json",
            "Accept what is found today; --baseline known.json then tells what is new",
        ),
    ];
    const SEE_ALSO: &'static [&'static str] = &["rules", "activity", "advise", "snapshot"];
    const FORMATS: &'static [Format] =
        &[Format::Html, Format::Markdown, Format::Github, Format::Sarif, Format::Junit];
    const TARGETS: Targets = Targets::Several;

    fn report_files(&self) -> &[ReportFile] {
        &self.report
    }

    fn for_one_target_only(&self) -> Option<&'static str> {
        let baseline = self.baseline.as_ref().map(|_| "--baseline");
        baseline.or(self.write_baseline.as_ref().map(|_| "--write-baseline"))
    }

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let selection = Selection::new(&self.groups, &self.only, &self.skip)?;
        let fails_on = self.fails_on(&context.config.check.fail_on)?;
        let baseline = self.baseline.as_deref().map(Baseline::read).transpose()?;
        let database = context.open(&context.connect_options(Self::NAME)).await?;
        let session = database.reader().await?;
        let owner = context.config.history.owner.as_deref();
        let health = load_health(&session, &database.server, owner, plan::is_due).await?;
        let comments = load_ignore_comments(&session).await?;
        let suppressions = suppressions(context, &comments);
        let now = ZonedDateTime::now();
        let today = now.date();
        let measure = Measure { selection, suppressions, baseline, fails_on, today };
        let judgement = plan::judge(&health, measure);
        if let Some(file) = &self.write_baseline {
            Baseline::of(&judgement.review.findings).write(file)?;
        }
        let name = database.server.database.clone();
        let warning = self
            .metrics_file
            .as_ref()
            .and_then(|file| metrics::write(file, &name, &judgement));
        let glance = glance::Glance::new(&health, &database.server);
        let looked_at = now.strftime("%Y-%m-%d %H:%M %Z").to_string();
        let is_brief = self.brief;
        Ok(Box::new(CheckReport { judgement, glance, warning, name, looked_at, is_brief }))
    }
}

impl Args {
    fn fails_on(&self, configured: &[String]) -> Result<FailOn> {
        let words = if self.fail_on.is_empty() {
            configured
        } else {
            &self.fail_on
        };
        FailOn::parse(words).map_err(|word| {
            let rules = Rule::ALL.iter().map(|rule| rule.name);
            let known = rules.chain(Severity::ALL.map(Severity::name)).map(str::to_owned);
            let hint = did_you_mean::hint_or(
                word,
                &known.collect::<Vec<_>>(),
                "pgtend rules lists the rules",
            );
            Failure::usage(format!("--fail-on: {word} is no severity and no rule")).hint(hint)
        })
    }
}

fn suppressions(context: &Context, comments: &[(String, String)]) -> Suppressions {
    let mut suppressions = Suppressions::default();
    for entry in &context.config.check.ignore {
        suppressions.entry(&entry.rule, entry.object.clone(), entry.until);
    }
    for (object, comment) in comments {
        suppressions.comment(object, comment);
    }
    suppressions
}
