//! The walk of `check`.

use jiff::ZonedDateTime;

use super::Args;
use super::also;
use super::baseline::Baseline;
use super::glance::Glance;
use super::metrics;
use super::plan::{self, Judgement, Measure};
use super::report::CheckReport;
use super::selection::Selection;
use crate::app::Context;
use crate::app::command::Command;
use crate::did_you_mean;
use crate::facts::health::{Health, Node, load_health, load_ignore_comments};
use crate::failure::{Failure, Result};
use crate::findings::{FailOn, Rule, Severity, Suppressions};
use crate::output::Report;
use crate::pg::database::Database;

/// A run of `check`: what is asked for is understood.
pub struct Run<'a> {
    args: &'a Args,
    context: &'a Context,
    selection: Selection,
    baseline: Option<Baseline>,
    fails_on: FailOn,
    now: ZonedDateTime,
}

impl<'a> Run<'a> {
    /// # Errors
    /// `Usage` and `Config`, before anything is looked at.
    pub fn new(args: &'a Args, context: &'a Context) -> Result<Self> {
        Ok(Run {
            selection: Selection::new(&args.groups, &args.only, &args.skip)?,
            baseline: args.baseline.as_deref().map(Baseline::read).transpose()?,
            fails_on: fails_on(&args.fail_on, &context.config.check.fail_on)?,
            now: ZonedDateTime::now(),
            args,
            context,
        })
    }

    /// Looks and judges.
    pub async fn report(&self) -> Result<Box<dyn Report>> {
        let options = self.context.connect_options(Args::NAME);
        let database = self.context.open(&options).await?;
        let nodes = also::load(self.context, &self.args.also, &options).await?;
        let (health, judgement) = self.look(&database, nodes).await?;
        if let Some(file) = &self.args.write_baseline {
            Baseline::of(&judgement.review.findings).write(file)?;
        }
        let name = database.server.database.clone();
        let metrics_file = self.args.metrics_file.as_ref();
        Ok(Box::new(CheckReport {
            warning: metrics_file.and_then(|file| metrics::write(file, &name, &judgement)),
            glance: Glance::new(&health, &database.server),
            looked_at: self.now.strftime("%Y-%m-%d %H:%M %Z").to_string(),
            is_brief: self.args.brief,
            judgement,
            name,
        }))
    }

    async fn look(&self, database: &Database, nodes: Vec<Node>) -> Result<(Health, Judgement)> {
        let session = database.reader().await?;
        let owner = self.context.config.history.owner.as_deref();
        let health = load_health(&session, &database.server, owner, plan::is_due).await?;
        let nodes = health.nodes_of_same_data(nodes);
        let health = health.with_usage_of(&nodes);
        let comments = load_ignore_comments(&session).await?;
        let judgement = plan::judge(&health, &nodes, self.measure(&comments));
        Ok((health, judgement))
    }

    fn measure(&self, comments: &[(String, String)]) -> Measure {
        let mut suppressions = Suppressions::default();
        for entry in &self.context.config.check.ignore {
            suppressions.entry(&entry.rule, entry.object.clone(), entry.until);
        }
        for (object, comment) in comments {
            suppressions.comment(object, comment);
        }
        Measure {
            selection: self.selection.clone(),
            suppressions,
            baseline: self.baseline.clone(),
            fails_on: self.fails_on.clone(),
            today: self.now.date(),
        }
    }
}

fn fails_on(said: &[String], configured: &[String]) -> Result<FailOn> {
    let words = if said.is_empty() { configured } else { said };
    FailOn::parse(words).map_err(|word| {
        let rules = Rule::ALL.iter().map(|rule| rule.name);
        let known = rules.chain(Severity::ALL.map(Severity::name)).map(str::to_owned);
        let hint =
            did_you_mean::hint_or(word, &known.collect::<Vec<_>>(), "pgtend rules lists the rules");
        Failure::usage(format!("--fail-on: {word} is no severity and no rule")).hint(hint)
    })
}
