//! `pgtend init`.

pub mod plan;
pub mod report;
pub mod run;

use crate::app::Context;
use crate::app::command::Command;
use crate::app::manual::Example;
use crate::failure::Result;
use crate::output::Report;
use plan::WantedSchema;
use report::{InitPlanReport, InitReport};
use run::Remembered;

/// Install the schema in which pgtend keeps its history
///
/// Creates a schema `pgtend` with a few small tables in the database, or upgrades it. From then on,
/// `apply`, `refresh`, `vacuum`, `analyze` and `reindex` write there what they did, and `pgtend
/// history` shows it. `pgtend snapshot` saves counters and sizes there. Everything else works without
/// the schema. No other command creates objects of its own.
///
/// An upgrade keeps what is there, and who may use it.
///
/// Needs CREATE on the database, or a schema `pgtend` that was created for this role. The tables
/// belong to the role that runs this; --grant gives others access. It is safe to run again, and
/// twice at the same time.
///
/// --uninstall drops the tables with everything in them, and the schema if pgtend created it. On a
/// terminal it asks first. If the schema holds objects of others, or others depend on it, nothing
/// is dropped.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Let this role read and write the history, and read the statements of all roles in the
    /// snapshots; repeatable
    #[arg(long, value_name = "ROLE", conflicts_with = "uninstall")]
    pub grant: Vec<String>,

    /// Remove the schema, the history and the snapshots
    #[arg(long)]
    pub uninstall: bool,

    /// With --uninstall: do not ask
    #[arg(short = 'y', long, requires = "uninstall")]
    pub yes: bool,

    /// Print the statements that init would send, and send none
    #[arg(long)]
    pub dry_run: bool,
}

impl Command for Args {
    const NAME: &'static str = "init";
    const EXAMPLES: &'static [Example] = &[
        ("pgtend init", "Install the schema, or upgrade it"),
        ("pgtend init --grant deploy", "Let the role deploy use it, too"),
        ("pgtend init --uninstall --dry-run", "Show what would be removed"),
    ];
    const SEE_ALSO: &'static [&'static str] = &["history", "snapshot"];

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let connect_options = context.connect_options("init");
        let wanted = self.wanted();
        let owner = context.config.history.owner.as_deref();
        let database = context.open(&connect_options).await?;
        if !self.dry_run {
            database.require_writable()?;
        }
        let plan = run::look(&database.reader().await?, &database.server, &wanted, owner).await?;
        if self.dry_run {
            return Ok(Box::new(InitPlanReport { plan }));
        }
        let kept = match (&wanted, plan.is_empty()) {
            (WantedSchema::Removed, false) => run::kept(&database, owner).await?,
            _ => None,
        };
        if self.uninstall && !plan.is_empty() && !self.yes && !agreed(context, kept).await? {
            context.console.narrate("Nothing was removed.");
            return Ok(Box::new(InitReport { done: Vec::new(), kept }));
        }
        let done = if plan.is_empty() {
            Vec::new()
        } else {
            run::run(&database, &wanted, owner).await?
        };
        Ok(Box::new(InitReport { done, kept }))
    }
}

/// Whether it is to be removed for good.
async fn agreed(context: &Context, kept: Option<Remembered>) -> Result<bool> {
    let what = kept.map(|kept| format!(" with {kept}")).unwrap_or_default();
    let question = format!("Remove the schema pgtend{what}?");
    context.confirms(question).await
}

impl Args {
    fn wanted(&self) -> WantedSchema {
        if self.uninstall {
            return WantedSchema::Removed;
        }
        let mut roles = self.grant.clone();
        roles.sort();
        roles.dedup();
        WantedSchema::Installed(roles)
    }
}
