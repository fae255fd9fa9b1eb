//! `pgtend plan`.

use crate::app::command::{Command, Targets};
use crate::app::manual::Example;
use std::path::PathBuf;

use super::plan_report::PlanReport;
use super::undeclared::{drops, undeclared};
use crate::app::Context;
use crate::declared::{self, Declaration, Others};
use crate::facts::inventory::load_inventory;
use crate::failure::{Failure, Result};
use crate::files;
use crate::output::{Outcome, Report};
use crate::pg::conninfo::Conninfo;
use crate::pg::database::{ConnectOptions, Database};
use crate::pg::name::RelationName;
use crate::work::apply::load::load_plan;
use crate::work::apply::plan::{ApplyOptions, Filter};
use crate::work::plan::Plan;

/// Show what `apply` would do
///
/// Reads the SQL files and Prisma schemas, compares what they declare with the database and shows,
/// for each object that differs, what `apply` would do, why, under which lock, and how large the
/// index will be.
/// "manual action" marks what apply does not do: the reason says what prevents it.
///
/// Changes nothing. It takes AccessShare locks briefly, waits for a lock for one second at most,
/// and compares definitions on empty copies in a transaction that it rolls back.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    /// What is wanted.
    pub selection: ObjectSelection,

    /// Exit with 1 if anything is not as declared, for CI and monitoring
    #[arg(long)]
    pub check: bool,

    /// Also list the indexes and materialized views that no file declares; with --check, they count
    #[arg(long)]
    pub undeclared: bool,

    /// With --undeclared: write the statements that would drop them into this file, each with its
    /// reason; pgtend never runs them
    #[arg(long, value_name = "FILE", requires = "undeclared", value_hint = clap::ValueHint::FilePath)]
    pub write_drops: Option<PathBuf>,
}

/// Which objects, and what to do about those that are not simply missing. Shared with `apply`.
#[derive(Debug, clap::Args)]
pub struct ObjectSelection {
    /// SQL files, or folders of *.sql files, with CREATE INDEX, CREATE MATERIALIZED VIEW, COMMENT
    /// ON these, ANALYZE and VACUUM; Prisma schemas (*.prisma); - reads standard input [default:
    /// `paths` of the configuration]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Only indexes whose name matches this pattern (* and ?); repeatable
    #[arg(long, value_name = "GLOB")]
    pub index: Vec<String>,

    /// Only objects on this table or view; repeatable
    #[arg(long, value_name = "NAME")]
    pub table: Vec<String>,

    /// Do it in each schema whose name matches this pattern (* and ?), for what is declared without a
    /// schema; repeatable
    #[arg(long, value_name = "GLOB")]
    pub for_schema: Vec<String>,

    /// Skip indexes that another index makes redundant [default: build them and warn]
    #[arg(long)]
    pub skip_redundant: bool,

    /// Replace indexes whose definition differs: build the new one, swap the names, drop the old
    /// one
    #[arg(long)]
    pub replace: bool,

    /// Skip all other statements with a warning [default: they are an error]
    #[arg(long)]
    pub ignore_other: bool,
}

impl Command for Args {
    const NAME: &'static str = "plan";
    const EXAMPLES: &'static [Example] = &[
        ("pgtend plan db/indexes.sql", "Show what differs from the declared indexes"),
        (
            "pgtend plan prisma/schema.prisma db/",
            "Compare a Prisma schema, and SQL files beside it",
        ),
        ("pgtend plan -v db/", "Also show the statements, and what is as declared"),
        (
            "pgtend plan --undeclared db/",
            "Also list what the database has and no file declares",
        ),
        ("pgtend plan --check -q db/", "In CI: exit with 1 if anything differs"),
        (
            "pgtend plan --for-schema 'tenant_*' db/",
            "In each tenant's schema, for what is declared without a schema",
        ),
    ];
    const SEE_ALSO: &'static [&'static str] = &["apply", "adopt", "history"];
    const TARGETS: Targets = Targets::Several;

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let declaration = self.selection.declaration(context)?;
        let options = self.selection.options(context)?;
        let connect_options = context.connect_options("plan");
        let database = open(context, &connect_options, &declaration).await?;
        let plan = load_plan(&database, &declaration, &options).await?;
        let undeclared = match self.undeclared {
            true => {
                let session = database.reader().await?;
                let inventory =
                    load_inventory(&session, &database.server, context.schema()).await?;
                Some(undeclared(&inventory, &plan, &options.filter))
            }
            false => None,
        };
        if let (Some(file), Some(undeclared)) = (&self.write_drops, &undeclared) {
            files::replace(file, &drops(undeclared))
                .map_err(|error| files::not_written(file, &error))?;
        }
        let is_all = undeclared.as_ref().is_none_or(Vec::is_empty);
        let outcome = verdict(&plan, self.check, is_all);
        let schema = context.schema().map(str::to_owned);
        Ok(Box::new(PlanReport { plan, outcome, undeclared, schema }))
    }

    fn for_schemas(&self) -> &[String] {
        &self.selection.for_schema
    }

    fn for_one_target_only(&self) -> Option<&'static str> {
        self.write_drops.as_ref().map(|_| "--write-drops")
    }
}

/// Opens the database in which the names of the declaration mean what they mean in its files.
///
/// # Errors
/// As [`Context::open`].
pub async fn open(
    context: &Context,
    connect_options: &ConnectOptions,
    declaration: &Declaration,
) -> Result<Database> {
    let mut database = context.open(connect_options).await?;
    if let Some(path) = &declaration.search_path {
        database.look_in(&path.text).await?;
    }
    Ok(database)
}

fn verdict(plan: &Plan, check: bool, is_all_declared: bool) -> Outcome {
    match check {
        _ if plan.is_as_declared() && (is_all_declared || !check) => Outcome::NothingToDo,
        true => Outcome::Findings,
        false => Outcome::Planned,
    }
}

impl ObjectSelection {
    /// What the files declare.
    ///
    /// # Errors
    /// `Usage` without any path; otherwise as [`declared::load`].
    pub fn declaration(&self, context: &Context) -> Result<Declaration> {
        let configured = &context.config.paths;
        let paths = if self.paths.is_empty() { configured } else { &self.paths };
        if paths.is_empty() {
            return Err(Failure::usage("no SQL files are named")
                .hint("name files or folders, or set `paths` in pgtend.toml"));
        }
        if paths.iter().any(|path| path.to_str().is_some_and(Conninfo::is_url)) {
            return Err(Failure::usage("a connection URL stands where an SQL file should")
                .hint("say where to connect with -d URL"));
        }
        let ignore = self.ignore_other || context.config.apply.ignore_other;
        let declaration =
            declared::load(paths, if ignore { Others::Ignore } else { Others::Refuse })?;
        if declaration.is_empty() {
            context.console.narrate("The files declare nothing.");
        }
        match context.schema() {
            Some(schema) => declaration.in_schema(schema),
            None => Ok(declaration),
        }
    }

    /// The decisions that planning needs.
    ///
    /// # Errors
    /// `Usage` for a pattern or name that cannot be understood.
    pub fn options(&self, context: &Context) -> Result<ApplyOptions> {
        let indexes = self.index.iter().map(|pattern| {
            glob::Pattern::new(pattern)
                .map_err(|error| Failure::usage(format!("--index {pattern}: {error}")))
        });
        let tables = self.table.iter().map(|name| table_name(name));
        Ok(ApplyOptions {
            skip_redundant: self.skip_redundant || context.config.apply.skip_redundant,
            replace: self.replace,
            filter: Filter {
                indexes: indexes.collect::<Result<_>>()?,
                tables: tables.collect::<Result<_>>()?,
                schema: context.schema().map(str::to_owned),
            },
        })
    }
}

/// A name as it is written in SQL: `sales`, `crm.sales`, `"We;ird"`.
fn table_name(text: &str) -> Result<RelationName> {
    declared::relation_name(text).ok_or_else(|| {
        Failure::usage(format!("--table {text}: this is no table's name"))
            .hint("write it as in SQL: sales, crm.sales, '\"Sales\"'")
    })
}
