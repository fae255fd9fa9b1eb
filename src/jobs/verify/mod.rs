//! `pgtend verify`.

mod down;
mod extra_databases;
mod folder;
pub mod plan;
mod preset;
pub mod report;
pub mod run;
mod run_checks;
mod schema_checks;
mod scratch_database;
mod server_choice;

use crate::app::command::{Command, Connects, OnSignal};
use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;

use crate::app::Context;
use crate::declared::migrations::Layout;
use crate::failure::{Failure, Kind, Result};
use crate::findings::{FailOn, Ignores};
use crate::format;
use crate::output::report_file::{self, ReportFile};
use crate::output::{Format, Report};
use crate::pg::version::OLDEST_SUPPORTED;
use plan::{IfMissing, Judgement, comments, merge};
use report::VerifyReport;

use folder::Folder;
use preset::Preset;
use run_checks::judge;
use server_choice::{ServerChoice, VerifyServer};

/// Check in CI that migrations apply cleanly
///
/// Applies every migration, in order and in transactions as its tool would, and says at which line
/// of which file the server refuses, and which extensions are not installed; records what each
/// statement locks; looks for syntax errors and for indexes that are invalid or superfluous
/// afterwards; whether `apply`, given the indexes and views that the migrations create, has nothing
/// to do and mends an index that is broken for a try; whether every materialized view can be
/// refreshed concurrently; and judges the SQL by rules of its own (`pgtend explain` lists them) and by those of
/// the linter squawk. A comment `-- pgtend-ignore RULE: reason` on the line before a statement
/// suppresses what any of them finds there; `-- pgtend-ignore-file RULE: reason` in the whole file;
/// [[verify.ignore]] of the configuration in files by their names.
///
/// Works on a PostgreSQL server of its own in a temporary folder, which is stopped and removed at
/// the end, and with --pg on one of each major version; or, with -d or --target, in a scratch
/// database that it creates on that server and drops at the end. Roles and whatever else belongs to
/// the whole server stay there. $DATABASE_URL is not used.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Migrations: SQL files, and folders
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,

    /// How the folder is laid out [default: what it looks like]
    #[arg(long, value_enum, value_name = "LAYOUT")]
    pub layout: Option<Layout>,

    /// What stands for ${NAME} in the files of Flyway, or for :NAME in those of graphile-migrate. May be
    /// given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = placeholder)]
    pub placeholder: Vec<(String, String)>,

    /// What a hosting service brings to its databases, to be there before the base
    #[arg(long, value_enum, value_name = "SERVICE")]
    pub preset: Option<Preset>,

    /// A dump to apply first: what is there before the first migration
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,

    /// Queries of the application: *.sql files. Each is explained, and indexes that none would use
    /// are found
    #[arg(long, value_name = "FOLDER")]
    pub workload: Option<PathBuf>,

    /// Also try the way back: each migration up, down and up again, in a database of its own, where
    /// the down script has to restore the schema
    #[arg(long)]
    pub down: bool,

    /// A setting that every session of the migrations begins with, such as search_path=app. May be
    /// given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,

    /// Pass over the statements about extensions that are not installed on the server
    #[arg(long)]
    pub skip_missing_extensions: bool,

    /// What makes it fail (exit code 1): error, warning, or rules by name, one or several, with
    /// commas. A migration that does not parse or cannot be applied always does [default: error]
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub fail_on: Vec<String>,

    /// Report only on files that have changed since their history parted from that of this commit
    /// (origin/main), or that git does not know; all are run. What cannot be applied is always told
    #[arg(long, value_name = "GITREF")]
    pub since: Option<String>,

    /// Also write the result to this file in this format (sarif=verify.sarif); may be given again
    #[arg(long, value_name = "FORMAT=FILE")]
    pub report: Vec<ReportFile>,

    /// Do it all on a throwaway server of each of these major versions, such as 14,16,18
    #[arg(long, value_name = "MAJORS", value_delimiter = ',', value_parser = majors())]
    pub pg: Vec<u32>,

    /// The folder with initdb, postgres and pg_ctl [default: $PGTEND_PG_BIN, else the newest found].
    /// May be given several times, for several servers
    #[arg(long, value_name = "FOLDER")]
    pub pg_bin: Vec<PathBuf>,
}

impl Command for Args {
    const NAME: &'static str = "verify";
    const ON_SIGNAL: OnSignal = OnSignal::CleansUp;
    const FORMATS: &'static [Format] =
        &[Format::Github, Format::Sarif, Format::Junit, Format::Gitlab, Format::Markdown];
    const CONNECTS: Connects = Connects::IfNamed;

    fn report_files(&self) -> &[ReportFile] {
        &self.report
    }

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        report_file::check(&self.report)?;
        let fail_on = fail_on(context, self)?;
        let folder = Folder::read(context, self)?;
        narrate(context, self, &folder);
        let ignores =
            Ignores::new(&comments::of(&folder.migrations), &context.config.verify.ignore);
        let blank = Judgement::new(fail_on)
            .ignoring(ignores)
            .only(folder.changed.clone())
            .laid_out(folder.laid_out);
        let mut judgements = Vec::new();
        for choice in server_choice::server_choices(context, self)? {
            judgements.push(judge_on(context, self, choice, &folder, blank.clone()).await?);
        }
        let judgement = merge(judgements, blank);
        if let Some((commit, number @ 1..)) = judgement.left_out() {
            let findings = format::count(number, "finding", "findings");
            let files = format!("files that did not change since {commit}");
            context.console.narrate(&format!("Left out: {findings} in {files}."));
        }
        Ok(Box::new(VerifyReport::new(judgement, &self.paths)))
    }
}

/// What fails: as the flag says, else as the configuration does.
fn fail_on(context: &Context, args: &Args) -> Result<FailOn> {
    let configured = &context.config.verify.fail_on;
    let (words, kind, place) = match args.fail_on.as_slice() {
        [] => (configured.as_slice(), Kind::Config, "verify.fail_on of the configuration"),
        given => (given, Kind::Usage, "--fail-on"),
    };
    FailOn::parse(words).map_err(|word| {
        let message = format!("{place}: {word:?} is neither error nor warning nor a rule");
        Failure::new(kind, message).hint(
            "pgtend explain lists the rules; those of squawk stand at https://squawkhq.com/docs/rules",
        )
    })
}

/// pgtend's tested servers begin here; an older one would be refused later and less clearly.
fn majors() -> RangedU64ValueParser<u32> {
    RangedU64ValueParser::new().range(u64::from(OLDEST_SUPPORTED)..=99)
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

/// A name, and what follows the first `=`.
fn placeholder(text: &str) -> std::result::Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is needed")?;
    let bare = name.trim_start_matches("${").trim_end_matches('}');
    if bare.is_empty() {
        return Err("a placeholder needs a name".to_owned());
    }
    Ok((bare.to_owned(), value.to_owned()))
}

fn narrate(context: &Context, args: &Args, folder: &Folder) {
    let console = &context.console;
    let count = format::count(folder.migrations.len(), "migration", "migrations");
    let place = folder.found_in.as_ref().map(|place| format!(" in {}", place.display()));
    let guessed = if folder.laid_out.is_guessed { " (guessed)" } else { "" };
    let (place, tool) = (place.unwrap_or_default(), folder.layout().tool());
    console.narrate(&format!("{count}{place}, laid out as for {tool}{guessed}."));
    if let (Some(changed), Some(commit)) = (&folder.changed, &args.since) {
        let number = changed.of(&folder.migrations).len();
        console.narrate(&format!("Of them, {number} changed since {commit}."));
    }
    for warning in &folder.warnings {
        console.warn(warning);
    }
}

/// Whatever comes of it, nothing remains on the server, or of it.
async fn judge_on(
    context: &Context,
    args: &Args,
    choice: ServerChoice,
    folder: &Folder,
    blank: Judgement,
) -> Result<Judgement> {
    let server = VerifyServer::make(context, choice, &args.settings()).await?;
    let leftover = context.inflight.leaves(server.leftover());
    let judged = context.unless_cancelled(judge(context, args, &server, folder, blank)).await;
    let judged = match judged {
        Err(failure) => Err(server.explain(failure).await),
        judged => judged,
    };
    server.remove(context).await;
    drop(leftover);
    judged
}

impl Args {
    /// What sessions of the migrations begin with.
    fn settings(&self) -> Vec<(String, String)> {
        let of_preset = self.preset.iter().flat_map(|preset| preset.settings());
        let is_asked = |name: &str| self.set.iter().any(|(set, _)| set.eq_ignore_ascii_case(name));
        let others = of_preset.filter(|(name, _)| !is_asked(name));
        others.chain(self.set.iter().cloned()).collect()
    }

    fn if_missing(&self) -> IfMissing {
        if self.skip_missing_extensions {
            IfMissing::Skip
        } else {
            IfMissing::Fail
        }
    }
}
