//! `pgtend verify`.

mod folder;
mod ground;

use std::path::PathBuf;
use std::time::Instant;

use clap::builder::RangedU64ValueParser;

use super::Context;
use crate::catalog;
use crate::declared::migrations::{self, Layout, Migration};
use crate::execute::verify::{apply, load_base, make_own_tables};
use crate::failure::{Failure, Kind, Result, exit_code};
use crate::figures;
use crate::pg::database::{Database, Workers};
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;
use crate::pg::version::OLDEST_SUPPORTED;
use crate::plan::verify::{
    Applied, CheckName, Extensions, IfMissing, Judgement, Refused, Severity, merge,
};
use crate::report;

use folder::Folder;
use ground::{Ground, Site};

/// Check in CI that migrations apply cleanly
///
/// Applies every migration, in order and in transactions as its tool would, and says at which line
/// of which file the server refuses, and which extensions are not installed; looks for syntax
/// errors, and for indexes that are invalid afterwards; and judges the SQL by the rules of the linter squawk. A comment
/// `-- squawk-ignore RULE` before a statement switches a rule off for it.
///
/// Works on a PostgreSQL server of its own in a temporary folder, which is stopped and removed at
/// the end, and with --pg on one of each major version; or, with -d or --target, in a scratch
/// database that it creates on that server and drops at the end. Roles and whatever else belongs to the whole server stay there. $DATABASE_URL is not
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

    /// A setting that every session of the migrations begins with, such as search_path=app. May be
    /// given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,

    /// Pass over the statements about extensions that are not installed on the server
    #[arg(long)]
    pub skip_missing_extensions: bool,

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
/// base cannot be applied; `ServerLost` where a server went away; those of the server.
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

/// A name that can stand in the start-up options, and what follows the first `=`.
fn setting(text: &str) -> std::result::Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is needed")?;
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_.$".contains(char);
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err(format!("{name:?} is no setting's name"));
    }
    Ok((name.to_owned(), value.to_owned()))
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

/// Whatever comes of it, nothing remains on the server, or of it.
async fn judge_on(
    context: &Context,
    args: &Args,
    site: Site,
    folder: &Folder,
) -> Result<Judgement> {
    let ground = Ground::make(context, site).await?;
    let leftover = context.inflight.leaves(ground.leftover());
    let judged = context.unless_cancelled(judge(context, args, &ground, folder)).await;
    let judged = match judged {
        Err(failure) => Err(ground.explain(failure).await),
        judged => judged,
    };
    ground.remove(context).await;
    drop(leftover);
    judged
}

async fn judge(
    context: &Context,
    args: &Args,
    ground: &Ground,
    folder: &Folder,
) -> Result<Judgement> {
    let migrations = &folder.migrations;
    let database = ground.open(context, &args.set).await?;
    let extensions = extensions(&database, folder).await?;
    let session = session(&database, args).await?;
    let sent = prepare(&session, args, folder, &extensions).await?;
    let applied = apply(&session, &sent).await?;
    require_server(&database, &applied).await?;
    let mut judgement = Judgement::new(args.fail_on);
    judgement.verified_on.push(ground.verified_on(&database));
    judgement.parse(migrations, &applied);
    judgement.apply(migrations, &applied);
    judgement.extensions(&extensions, args.if_missing());
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

/// Looked for only where a script creates one.
async fn extensions(database: &Database, folder: &Folder) -> Result<Extensions> {
    if Extensions::created_by(folder.scripts()).is_empty() {
        return Ok(Extensions::default());
    }
    let available = catalog::load_available_extensions(&database.reader().await?).await?;
    Ok(Extensions::of(folder.scripts(), &available, database.server.version.major()))
}

/// The server looks at the settings as soon as somebody begins with them.
async fn session(database: &Database, args: &Args) -> Result<Session> {
    let session = database.maintainer(Workers::AsConfigured).await;
    session.map_err(|failure| match failure.sqlstate {
        Some(_) if !args.set.is_empty() => {
            Failure { kind: Kind::Usage, ..failure.context("--set") }
                .hint("a name without a dot has to be that of a setting that the role may change")
        }
        _ => failure,
    })
}

/// A server that is being shut down refuses what runs in words that a migration could have earned:
/// what tells them apart is whether the server still answers.
async fn require_server(database: &Database, applied: &Applied) -> Result<()> {
    let Some(Refused { place, error }) = &applied.refused else { return Ok(()) };
    let answer = match database.reader().await {
        Ok(reader) => reader.execute("SELECT 1").await.map_err(ServerError::into_failure),
        Err(failure) => Err(failure),
    };
    let place = format!("{}:{}", place.file.display(), place.line);
    answer.map_err(|failure| Failure {
        kind: Kind::Connection,
        ..failure.context(error).context(place)
    })
}

/// Makes what has to be there before the first migration. Returns the migrations as they are sent.
async fn prepare(
    session: &Session,
    args: &Args,
    folder: &Folder,
    extensions: &Extensions,
) -> Result<Vec<Migration>> {
    let sent = match args.if_missing() {
        IfMissing::Skip => folder.without_missing(extensions),
        IfMissing::Fail => folder.clone(),
    };
    if let Some(base) = &sent.base {
        let missing = extensions.failure_of(base).filter(|_| !args.skip_missing_extensions);
        missing.map_or(Ok(()), Err)?;
        load_base(session, base).await?;
    }
    make_own_tables(session, folder.layout).await?;
    Ok(sent.migrations)
}

impl Args {
    fn if_missing(&self) -> IfMissing {
        if self.skip_missing_extensions { IfMissing::Skip } else { IfMissing::Fail }
    }
}
