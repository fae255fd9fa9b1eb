//! The walk of `check`.

use std::time::Duration;

use jiff::ZonedDateTime;

use super::Args;
use super::baseline::Baseline;
use super::fix::{Fixes, Wishes};
use super::glance::Glance;
use super::metrics;
use super::plan::{self, Judgement, Measure};
use super::report::{CheckReport, Fixed};
use super::selection::Selection;
use crate::app::Context;
use crate::app::command::Command;
use crate::app::others::load_nodes;
use crate::config::Config;
use crate::escape_control::escape_control;
use crate::facts::health::{
    Health, Node, load_confirmed, load_health, load_ignore_comments, load_verified,
};
use crate::failure::{Failure, Result};
use crate::findings::{FailOn, Severity, Suppressions};
use crate::output::{Outcome, Report};
use crate::pg::database::Database;
use crate::work::plan::Plan;

/// A run of `check`: what is asked for is understood.
pub struct Run<'a> {
    args: &'a Args,
    context: &'a Context,
    selection: Selection,
    baseline: Option<Baseline>,
    fails_on: FailOn,
    now: ZonedDateTime,
}

/// What was seen, and what came of it.
struct Looked {
    health: Health,
    judgement: Judgement,
}

impl<'a> Run<'a> {
    /// # Errors
    /// `Usage` and `Config`, before anything is looked at.
    pub fn new(args: &'a Args, context: &'a Context) -> Result<Self> {
        if args.fix && !args.yes && !args.dry_run && !context.console.can_ask() {
            return Err(Failure::usage(
                "--fix asks before it changes anything, and there is no terminal",
            )
            .hint("--yes does it without asking; --dry-run shows what it would do"));
        }
        Ok(Run {
            selection: Selection::new(&args.groups, &args.only, &args.skip)?,
            baseline: args.baseline.as_deref().map(Baseline::read).transpose()?,
            fails_on: fails_on(&context.config, &args.fail_on)?,
            now: ZonedDateTime::now(),
            args,
            context,
        })
    }

    /// Looks and judges; mends and looks again, where that is asked for.
    pub async fn report(&self) -> Result<Box<dyn Report>> {
        let context = self.context;
        let options = context.connect_options(Args::NAME);
        let opened = async {
            let database = context.open(&options).await?;
            let nodes = load_nodes(context, &self.args.also, &options).await?;
            let looked = self.look(&database, nodes).await?;
            Ok((database, looked))
        };
        let (database, mut looked) = context.unless_cancelled(opened).await?;
        let mut fixed = None;
        if self.args.fix {
            (looked, fixed) = self.fix(&database, looked).await?;
        }
        let Looked { health, judgement } = looked;
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
            fixed,
            name,
        }))
    }

    async fn look(&self, database: &Database, nodes: Vec<Node>) -> Result<Looked> {
        let session = database.reader().await?;
        let owner = self.context.config.history.owner.as_deref();
        let mut health = load_health(&session, &database.server, owner, plan::is_due).await?;
        if let Some(budget) = self.args.deep {
            let verified = load_verified(&session, &database.server, &health, budget).await?;
            health.verified = verified.map(Some);
        }
        let mut health = health.with_nodes(nodes);
        let comments = load_ignore_comments(&session).await?;
        let mut judgement = plan::judge(&health, self.measure(&comments));
        if let Some(budget) = self.args.confirm {
            let names = plan::to_confirm(&judgement);
            let confirmed =
                load_confirmed(&session, &database.server, &health, &names, budget).await?;
            health.confirmed = confirmed.map(Some);
            judgement = plan::judge(&health, self.measure(&comments));
        }
        Ok(Looked { health, judgement })
    }

    async fn fix(&self, database: &Database, looked: Looked) -> Result<(Looked, Option<Fixed>)> {
        let context = self.context;
        let wishes = Wishes::of(&looked.judgement.review.findings);
        let fixes = context.unless_cancelled(Fixes::plan(context, database, &wishes)).await?;
        if self.args.dry_run || !fixes.has_work() {
            return Ok((looked, Some(Fixed::Planned(fixes.all()))));
        }
        database.require_writable()?;
        if !self.args.yes && !agreed(context, &fixes.all()).await? {
            return Ok((looked, None));
        }
        let done = fixes.run(context, database).await?;
        let outcome = context.verdict(&done);
        if matches!(outcome, Outcome::Cancelled(_)) {
            return Ok((looked, Some(Fixed::Done(done, outcome))));
        }
        let looked =
            context.unless_cancelled(self.look_again(database, looked.health.nodes)).await?;
        Ok((looked, Some(Fixed::Done(done, outcome))))
    }

    /// Before 15 counters arrive up to half a second after the session that has counted says that it is done.
    async fn look_again(&self, database: &Database, nodes: Vec<Node>) -> Result<Looked> {
        let mut looked = self.look(database, nodes).await?;
        let mut tries = if database.server.version.major() < 15 { 5 } else { 0 };
        while tries > 0 && Wishes::of(&looked.judgement.review.findings) != Wishes::default() {
            tokio::time::sleep(Duration::from_millis(200)).await;
            looked = self.look(database, looked.health.nodes).await?;
            tries -= 1;
        }
        Ok(looked)
    }

    fn measure(&self, comments: &[(String, String)]) -> Measure {
        Measure {
            selection: self.selection.clone(),
            suppressions: suppressions(&self.context.config, comments),
            baseline: self.baseline.clone(),
            fails_on: self.fails_on.clone(),
            today: self.now.date(),
        }
    }
}

/// What is not to be told, by the configuration and by comments on objects.
pub fn suppressions(config: &Config, comments: &[(String, String)]) -> Suppressions {
    let mut suppressions = Suppressions::default();
    for entry in &config.check.ignore {
        suppressions.entry(&entry.rule, entry.object.clone(), entry.until);
    }
    for (object, comment) in comments {
        suppressions.comment(object, comment);
    }
    suppressions
}

/// Whether these statements may be sent.
async fn agreed(context: &Context, plan: &Plan) -> Result<bool> {
    let statements = plan.steps.iter().flat_map(|step| &step.statements);
    let texts = statements
        .flat_map(|statement| statement.texts())
        .map(|text| format!("  {};\n", escape_control(&text)))
        .collect::<Vec<_>>();
    let left = match texts.len().saturating_sub(SHOWN) {
        0 => String::new(),
        left => format!("  … {left} more; --dry-run shows all\n"),
    };
    let shown = texts.into_iter().take(SHOWN).collect::<String>();
    let question = format!("pgtend would send:\n{shown}{left}Do it?");
    context.confirms(question).await
}

/// So many statements fit above a question.
const SHOWN: usize = 20;

/// What fails: by the command line, else by the configuration.
///
/// # Errors
/// `Usage` for a word that is neither a severity nor a rule.
pub fn fails_on(config: &Config, said: &[String]) -> Result<FailOn> {
    let configured = ("check.fail_on", config.check.fail_on.as_slice());
    let severities = [Severity::Critical, Severity::Warning, Severity::Info];
    FailOn::chosen(said, configured, &severities, "pgtend rules lists the rules")
}
