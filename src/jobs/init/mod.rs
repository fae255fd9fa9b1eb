//! `pgtend init`.

pub mod plan;
pub mod report;
pub mod run;

use crate::app::Context;
use crate::app::command::Command;
use crate::failure::Result;
use crate::output::Report;
use plan::WantedSchema;
use report::{InitPlanReport, InitReport};

/// Install the schema in which pgtend remembers what it did
///
/// Makes a schema `pgtend` with three small tables in the database, or brings it up to date. From then
/// on `apply` writes there what it has done, and `pgtend history` shows it. Without the schema
/// everything works as well, but nothing is remembered. No other command creates objects of its own.
///
/// Needs CREATE on the database, or a schema `pgtend` that somebody has made for this role. The
/// tables belong to the role that runs this; --grant lets others in. Safe to run again at any time,
/// and twice at once.
///
/// --uninstall drops the tables with all that they hold, and the schema if pgtend made it. If
/// anything of others stands in the schema or depends on it, nothing is dropped.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Let this role write and read the history, too, and the statements of all roles in the snapshots;
    /// can be repeated
    #[arg(long, value_name = "ROLE", conflicts_with = "uninstall")]
    pub grant: Vec<String>,

    /// Remove what pgtend installed, and what it remembers
    #[arg(long)]
    pub uninstall: bool,

    /// Print the statements that would be sent, and send none of them
    #[arg(long)]
    pub dry_run: bool,
}

impl Command for Args {
    const NAME: &'static str = "init";

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
        let done = if plan.is_empty() {
            Vec::new()
        } else {
            run::run(&database, &wanted, owner).await?
        };
        Ok(Box::new(InitReport { done }))
    }
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
