//! `pgtend verify`.

mod down;
mod finished;
mod ground;

use std::path::{Path, PathBuf};

use super::Context;
use crate::declared::migrations::{self, Layout, Migration, Script, Wrapping};
use crate::execute::verify::{apply, end, load_base};
use crate::failure::{Failure, Result, exit_code};
use crate::figures;
use crate::pg::database::Workers;
use crate::plan::verify::{CheckName, Judgement, Severity};
use crate::report;

use down::Downs;
use ground::Ground;

/// Check in CI that migrations apply cleanly
///
/// Applies every migration, in order and in transactions as its tool would, and says at which line
/// of which file the server refuses; looks for syntax errors and for indexes that are invalid
/// afterwards; whether `apply`, given the indexes and views that the migrations create, has nothing
/// to do and mends an index that is broken for a try; whether every materialized view can be
/// refreshed concurrently; and judges the SQL by the rules of the linter squawk. A comment
/// `-- squawk-ignore RULE` before a statement switches a rule off for it.
///
/// Works on a PostgreSQL server of its own in a temporary folder, which is stopped and removed at
/// the end; or, with -d or --target, in a scratch database that it creates on that server and drops
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

    /// Also try the way back: each migration up, down and up again, in a database of its own, where
    /// the down script has to restore the schema
    #[arg(long)]
    pub down: bool,

    /// What makes it fail (exit code 1)
    #[arg(long, value_enum, value_name = "SEVERITY", default_value = "error")]
    pub fail_on: Severity,

    /// The folder with initdb, postgres and pg_ctl [default: $PGTEND_PG_BIN, else the newest found]
    #[arg(long, value_name = "FOLDER")]
    pub pg_bin: Option<PathBuf>,
}

/// Runs the command. Returns the exit code.
///
/// # Errors
/// `Usage` where a path is missing; `Sandbox` where no server can be made; `Declaration` where the
/// base cannot be applied; those of the server.
pub async fn run(context: &Context, args: &Args) -> Result<u8> {
    let base = args.base.as_deref().map(read_base).transpose()?;
    let (layout, migrations) = migrations::load(&args.paths, args.layout)?;
    narrate(context, args, layout, &migrations)?;
    let ground = Ground::make(context, args).await?;
    let work =
        Downs { context, ground: &ground, base: base.as_ref(), layout, migrations: &migrations };
    let judged = judge(args, &work);
    let judged = context.unless_cancelled(judged).await;
    ground.remove(context).await;
    let judgement = judged?;
    report::verify::show(&context.console, &judgement);
    Ok(if judgement.is_failed() { exit_code::FINDINGS } else { exit_code::DONE })
}

fn narrate(context: &Context, args: &Args, layout: Layout, migrations: &[Migration]) -> Result<()> {
    let count = figures::count(migrations.len(), "migration", "migrations");
    context.console.narrate(&format!("{count}, laid out as for {}.", layout.tool()));
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

async fn judge(args: &Args, work: &Downs<'_>) -> Result<Judgement> {
    let Downs { context, ground, base, migrations, .. } = *work;
    let database = ground.open(context).await?;
    let session = database.maintainer(Workers::AsConfigured).await?;
    if let Some(base) = base {
        load_base(&session, base).await?;
    }
    let applied = apply(&session, migrations).await?;
    end(session).await;
    let mut judgement = Judgement::new(args.fail_on);
    judgement.parse(migrations, &applied);
    judgement.apply(migrations, &applied);
    if applied.refused.is_none() {
        finished::judge(context, &database, migrations, &mut judgement).await?;
    } else {
        finished::skip(&mut judgement);
    }
    match (args.down, &applied.refused) {
        (false, _) => {}
        (true, None) => work.judge(&mut judgement).await?,
        (true, Some(_)) => judgement.skip(CheckName::Down, "not every migration was applied"),
    }
    judgement.lint(migrations, database.server.version);
    Ok(judgement)
}
