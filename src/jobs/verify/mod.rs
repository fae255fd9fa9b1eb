//! `pgtend verify`.

mod down;
mod extra_databases;
mod folder;
pub mod plan;
mod plans;
mod preset;
pub mod report;
pub mod run;
mod run_checks;
mod schema_checks;
mod scratch_database;
mod server_choice;

use crate::app::choice::OneOf;
use crate::app::command::{Command, Connects, OnSignal};
use crate::app::manual::Example;
use std::path::PathBuf;

use crate::app::Context;
use crate::declared::migrations::Layout;
use crate::did_you_mean;
use crate::failure::{Failure, Result};
use crate::findings::{FailOn, Ignores, Rule, Severity, ignores};
use crate::format;
use crate::output::report_file::ReportFile;
use crate::output::{Format, Report};
use crate::pg::version::OLDEST_SUPPORTED;
use plan::{IfMissing, VerifyResults, comments, merge};
use report::VerifyReport;

use folder::Folder;
use preset::Preset;
use run_checks::judge;
use server_choice::{ServerChoice, VerifyServer};

/// Check in CI that migrations apply cleanly
///
/// Applies every migration to a throwaway server, in order and in transactions as its tool would,
/// and reports file and line of everything the server refuses. Records what each statement locks.
/// Reports syntax errors, missing extensions, invalid and redundant indexes, indexes and views for
/// which `pgtend apply` would not converge, and materialized views that cannot be refreshed
/// concurrently. Checks that apply repairs an index made invalid on purpose. Judges the SQL by its
/// own rules (`pgtend rules` lists them) and those of the linter squawk.
///
/// A comment `-- pgtend-ignore RULE: reason` on the line before a statement suppresses a finding
/// there, `-- pgtend-ignore-file RULE: reason` in the whole file, [[verify.ignore]] of the
/// configuration in files by name, and --exclude RULE everywhere.
///
/// The server runs in a temporary folder and is removed at the end; --pg tests several major
/// versions. With -d or --target, verify creates a scratch database on that server and drops it at
/// the end; roles and other objects of the whole server remain there. It does not use
/// $DATABASE_URL.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Migrations: SQL files and folders
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,

    /// Layout of the folder [default: guessed from its files]
    #[arg(long, value_enum, value_name = "LAYOUT")]
    pub layout: Option<Layout>,

    /// Value of ${NAME} in Flyway's files, or of :NAME in those of graphile-migrate; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = placeholder)]
    pub placeholder: Vec<(String, String)>,

    /// Roles, schemas and functions of a hosting service, created before the base
    #[arg(long, value_enum, value_name = "SERVICE")]
    pub preset: Option<Preset>,

    /// Dump to apply before the first migration
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,

    /// Folder of the application's queries (*.sql): each is explained, and indexes that no query
    /// uses are reported
    #[arg(long, value_name = "FOLDER")]
    pub workload: Option<PathBuf>,

    /// With --workload: plan its queries on this saved twin of production (what-if --save-twin), and find
    /// migrations that make one more expensive
    #[arg(long, value_name = "FILE", requires = "workload")]
    pub twin: Option<PathBuf>,

    /// With --twin: how many times as much a query may cost afterwards
    #[arg(long, value_name = "FACTOR", default_value_t = 2.0, value_parser = factor)]
    pub max_regression: f64,

    /// Also run each migration up, down and up again in another database, where the down script has
    /// to restore the schema
    #[arg(long)]
    pub down: bool,

    /// Setting of every session of the migrations, such as search_path=app; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,

    /// Skip statements about extensions that are not installed on the server
    #[arg(long)]
    pub skip_missing_extensions: bool,

    /// What makes it fail with exit code 1: error, warning, or rules, separated by commas; a
    /// migration that does not parse or apply always does [default: error]
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub fail_on: Vec<String>,

    /// Rules to leave out everywhere, separated by commas; repeatable
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub exclude: Vec<String>,

    /// Report only findings at least this severe [default: warning]
    #[arg(long, value_name = "SEVERITY",
        value_parser = OneOf::new(&[Severity::Warning, Severity::Error]))]
    pub severity: Option<Severity>,

    /// Report only on files that changed since the branch left this commit (origin/main), or that
    /// git does not know. All migrations run; what cannot be applied is always reported
    #[arg(long, value_name = "GITREF")]
    pub since: Option<String>,

    /// Also write the result to a file: sarif=verify.sarif; repeatable
    #[arg(long, value_name = "FORMAT=FILE")]
    pub report: Vec<ReportFile>,

    /// Run on a throwaway server of each of these major versions: 14,16,18
    #[arg(long, value_name = "MAJORS", value_delimiter = ',', value_parser = major)]
    pub pg: Vec<u32>,

    /// Folder with initdb, postgres and pg_ctl; repeatable, for several servers [default:
    /// $PGTEND_PG_BIN, else the newest found]
    #[arg(long, value_name = "FOLDER")]
    pub pg_bin: Vec<PathBuf>,
}

impl Command for Args {
    const NAME: &'static str = "verify";
    const EXAMPLES: &'static [Example] = &[
        (
            "pgtend verify migrations/",
            "Apply the migrations to a throwaway server and judge them",
        ),
        (
            "pgtend verify --since origin/main --fail-on warning migrations/",
            "In CI: report only what this branch changed",
        ),
        (
            "pgtend verify --report sarif=verify.sarif --report markdown=verify.md migrations/",
            "Also write reports for code scanning and for a comment",
        ),
    ];
    const SEE_ALSO: &'static [&'static str] = &["rules", "plan"];
    const ON_SIGNAL: OnSignal = OnSignal::CleansUp;
    const FORMATS: &'static [Format] =
        &[Format::Github, Format::Sarif, Format::Junit, Format::Gitlab, Format::Markdown];
    const CONNECTS: Connects = Connects::IfNamed;

    fn report_files(&self) -> &[ReportFile] {
        &self.report
    }

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let fail_on = fail_on(context, self)?;
        let folder = Folder::read(context, self)?;
        narrate(context, self, &folder);
        let ignores =
            Ignores::new(&comments::of(&folder.migrations), &context.config.verify.ignore)
                .without(&excluded(&self.exclude)?, self.severity);
        let blank = VerifyResults::new(fail_on)
            .ignoring(ignores)
            .only(folder.changed.clone())
            .laid_out(folder.laid_out, folder.migrations.len());
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
    let configured = ("verify.fail_on", context.config.verify.fail_on.as_slice());
    let otherwise =
        "pgtend rules lists the rules; those of squawk are at https://squawkhq.com/docs/rules";
    FailOn::chosen(&args.fail_on, configured, &[Severity::Error, Severity::Warning], otherwise)
}

/// The rules that are left out.
fn excluded(names: &[String]) -> Result<Vec<String>> {
    let known = || Rule::ALL.iter().map(|rule| rule.name.to_owned()).collect::<Vec<_>>();
    let expanded = names.iter().map(|name| match ignores::names(name) {
        none if none.is_empty() => {
            let hint = did_you_mean::hint_or(name, &known(), "pgtend rules lists the rules");
            Err(Failure::usage(format!("--exclude {name}: there is no such rule")).hint(hint))
        }
        names => Ok(names),
    });
    Ok(expanded.collect::<Result<Vec<_>>>()?.concat())
}

/// pgtend's tested servers begin here; an older one would be refused later and less clearly.
fn major(text: &str) -> std::result::Result<u32, String> {
    let major = text.parse::<u32>().map_err(|_| "expected a major version such as 16")?;
    match (OLDEST_SUPPORTED..=99).contains(&major) {
        true => Ok(major),
        false => Err(format!(
            "PostgreSQL {major} is not supported; expected {OLDEST_SUPPORTED} or newer"
        )),
    }
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

/// At least 1.
fn factor(text: &str) -> std::result::Result<f64, String> {
    let factor = text.parse::<f64>().ok().filter(|factor| (1.0..=1e9).contains(factor));
    factor.ok_or_else(|| "expected a factor such as 2 or 1.5".to_owned())
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
    let guessed = match folder.laid_out.is_guessed {
        true => " (guessed; --layout changes it)",
        false => "",
    };
    let (place, layout) = (place.unwrap_or_default(), folder.laid_out.layout_name());
    console.narrate(&format!("{count}{place}, layout: {layout}{guessed}."));
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
    blank: VerifyResults,
) -> Result<VerifyResults> {
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
