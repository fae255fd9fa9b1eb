//! `pgtend verify`.

mod ground;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::builder::RangedU64ValueParser;

use super::Context;
use crate::catalog;
use crate::declared::migrations::{self, Layout, Migration, Script, Wrapping};
use crate::execute::verify::{apply, load_base};
use crate::failure::{Failure, Result, exit_code};
use crate::figures;
use crate::pg::database::Workers;
use crate::pg::version::OLDEST_SUPPORTED;
use crate::plan::verify::{CheckName, Judgement, Severity, merge};
use crate::report;

use ground::{Ground, Site};

/// Check in CI that migrations apply cleanly
///
/// Applies every migration, in order and in transactions as its tool would, and says at which line
/// of which file the server refuses; looks for syntax errors and for indexes that are invalid
/// afterwards; and judges the SQL by the rules of the linter squawk. A comment
/// `-- squawk-ignore RULE` before a statement switches a rule off for it.
///
/// Works on a PostgreSQL server of its own in a temporary folder, which is stopped and removed at
/// the end, and with --pg on one of each major version; or, with -d or --target, in a scratch database that it creates on that server and drops
/// at the end. Roles and whatever else belongs to the whole server stay there. $DATABASE_URL is not
/// used.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Migrations: SQL files, and folders
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,

    /// How the folder is laid out [default: what it looks like]
    #[arg(long, value_enum, value_name = "LAYOUT")]
    pub layout: Option<Layout>,

    /// A dump to apply first: what is there before the first migration
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,

    /// What makes it fail (exit code 1)
    #[arg(long, value_enum, value_name = "SEVERITY", default_value = "error")]
    pub fail_on: Severity,

    /// Do it all on a throwaway server of each of these major versions, such as 14,16,18
    #[arg(long, value_name = "MAJORS", value_delimiter = ',', value_parser = majors())]
    pub pg: Vec<u32>,

    /// The folder with initdb, postgres and pg_ctl [default: $PGTEND_PG_BIN, else the newest found].
    /// May be given several times, for several servers
    #[arg(long, value_name = "FOLDER")]
    pub pg_bin: Vec<PathBuf>,
}

/// Runs the command. Returns the exit code.
///
/// # Errors
/// `Usage` where a path is missing; `Sandbox` where no server can be made; `Declaration` where the
/// base cannot be applied; those of the server.
pub async fn run(context: &Context, args: &Args) -> Result<u8> {
    let folder = Folder::read(args)?;
    narrate(context, args, &folder)?;
    let mut judgements = Vec::new();
    for site in ground::sites(context, args)? {
        judgements.push(judge_on(context, args, site, &folder).await?);
    }
    let judgement = merge(judgements, args.fail_on);
    report::verify::show(&context.console, &judgement);
    Ok(if judgement.is_failed() { exit_code::FINDINGS } else { exit_code::DONE })
}

/// pgtend's tested servers begin here; an older one would be refused later and less clearly.
fn majors() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(u64::from(OLDEST_SUPPORTED)..)
}

/// What the user's files say.
struct Folder {
    layout: Layout,
    base: Option<Script>,
    migrations: Vec<Migration>,
}

impl Folder {
    fn read(args: &Args) -> Result<Folder> {
        let base = args.base.as_deref().map(read_base).transpose()?;
        let (layout, migrations) = migrations::load(&args.paths, args.layout)?;
        Ok(Folder { layout, base, migrations })
    }
}

fn narrate(context: &Context, args: &Args, folder: &Folder) -> Result<()> {
    let count = figures::count(folder.migrations.len(), "migration", "migrations");
    context.console.narrate(&format!("{count}, laid out as for {}.", folder.layout.tool()));
    for program in migrations::code_migrations(&args.paths)? {
        let program = program.display();
        context
            .console
            .warn(&format!("{program} is no SQL and is not run; later ones may need it"));
    }
    Ok(())
}

/// As one message: what `pg_dump` writes needs no more. The commands for psql with which it frames
/// its dumps since 2025 are left out.
fn read_base(path: &Path) -> Result<Script> {
    let (_, base) = migrations::load(&[path], Some(Layout::Plain))?;
    let [Migration { up, .. }] = base.as_slice() else {
        return Err(Failure::usage(format!("--base {}: one file is needed", path.display())));
    };
    let lines = up.text.split_inclusive('\n');
    let framed = |line: &str| line.starts_with("\\restrict") || line.starts_with("\\unrestrict");
    let text = lines.map(|line| if framed(line) { "\n" } else { line }).collect();
    Ok(Script { text, wrapping: Wrapping::OneMessage, ..up.clone() })
}

/// Whatever comes of it, nothing remains on the server, or of it.
async fn judge_on(
    context: &Context,
    args: &Args,
    site: Site,
    folder: &Folder,
) -> Result<Judgement> {
    let ground = Ground::make(context, site).await?;
    let judged = context.unless_cancelled(judge(context, args, &ground, folder)).await;
    ground.remove(context).await;
    judged
}

async fn judge(
    context: &Context,
    args: &Args,
    ground: &Ground,
    folder: &Folder,
) -> Result<Judgement> {
    let Folder { base, migrations, .. } = folder;
    let database = ground.open(context).await?;
    let session = database.maintainer(Workers::AsConfigured).await?;
    if let Some(base) = base {
        load_base(&session, base).await?;
    }
    let applied = apply(&session, migrations).await?;
    let mut judgement = Judgement::new(args.fail_on);
    judgement.verified_on.push(ground.verified_on(&database));
    judgement.parse(migrations, &applied);
    judgement.apply(migrations, &applied);
    if applied.refused.is_none() {
        let started = Instant::now();
        let invalid = catalog::load_invalid_indexes(&database.reader().await?).await?;
        judgement.indexes(&invalid, started.elapsed());
    } else {
        judgement.skip(CheckName::Indexes, "not every migration was applied");
    }
    judgement.lint(migrations, database.server.version);
    Ok(judgement)
}
