//! `pgtend slow-queries`.

mod depth;
pub mod explain;
pub mod plan;
mod rank;
pub mod report;

use crate::app::command::{Command, Targets};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::app::Context;
use crate::config::cache_folder;
use crate::declared::DeclaredIndex;
use crate::duration;
use crate::facts::reach::Trust;
use crate::facts::statements::{
    Extension, Length, PointInTime, StatementHistory, StatementKey, TextCache, load_extension,
    load_names,
};
use crate::failure::{Failure, Kind, Result};
use crate::output::{Format, Outcome, Page, Report};
use crate::pg::database::Database;
use crate::pg::session::Session;
use crate::warning::Warning;
use plan::{Condition, Ranking, Sort};
use report::{Depth, SlowQueriesReport, TextLength};

/// Show where the time goes: the statements of this database by what they cost
///
/// Reads the counters of the extension pg_stat_statements, and never resets them. Without --since they
/// tell of all that was done since their last reset. With snapshots (`pgtend snapshot`, best every hour
/// by cron) --since tells what was done since then, right across resets, evictions and restarts; without
/// them --interval waits and tells what was done meanwhile.
///
/// --since 7d --against 24h compares the last 24 hours with the days before, and ranks what got slower.
/// --fail-if 'mean > 100ms' makes a statement a finding: exit code 1, for CI and cron.
///
/// With the number of a statement (its queryid) all that is known of it is shown.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// All about this one statement
    #[arg(value_name = "QUERYID", allow_negative_numbers = true)]
    pub queryid: Option<i64>,

    /// What comes first
    #[arg(long, value_enum, default_value_t, value_name = "FIGURE")]
    pub sort: Sort,

    /// How many are shown [default: 20]
    #[arg(long, value_name = "N", value_parser = count())]
    pub limit: Option<usize>,

    /// Only statements that take so long at least in the mean: 10ms, 1s
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub min_mean: Option<Duration>,

    /// Only statements that were executed so often at least
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub min_calls: u64,

    /// Only statements of this role
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,

    /// Only statements with this in their text, in upper or lower case; can be repeated
    #[arg(long, value_name = "TEXT")]
    pub like: Vec<String>,

    /// Leave out statements with this in their text; can be repeated
    #[arg(long, value_name = "TEXT")]
    pub exclude: Vec<String>,

    /// Also the statements of other databases
    #[arg(long)]
    pub all_databases: bool,

    /// What was done since then: a duration (the newest snapshot that is at least so old), the number
    /// of a snapshot, or a file of `pgtend snapshot --file`
    #[arg(long, value_name = "WHEN", value_parser = PointInTime::parse, conflicts_with = "interval")]
    pub since: Option<PointInTime>,

    /// With --since: only until then
    #[arg(long, value_name = "WHEN", value_parser = PointInTime::parse, requires = "since")]
    pub until: Option<PointInTime>,

    /// With --since: compare what was done since this moment with what was done before it
    #[arg(
        long,
        value_name = "WHEN",
        value_parser = PointInTime::parse,
        requires = "since",
        conflicts_with = "until"
    )]
    pub against: Option<PointInTime>,

    /// Wait so long, and show what was done meanwhile: 30s
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub interval: Option<Duration>,

    /// With --interval: again and again, until Ctrl-C
    #[arg(long, requires = "interval")]
    pub watch: bool,

    /// Exit with 1 if a statement is such: 'mean > 100ms', 'share > 20%', 'slowdown > 2'; can be
    /// repeated
    #[arg(long, value_name = "CONDITION", value_parser = Condition::parse)]
    pub fail_if: Vec<Condition>,

    /// Show the generic plan of the first statements, and what is slow about it; nothing is executed.
    /// Says which declared index that is missing would serve [default: 3 of them]
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "3",
        value_parser = count()
    )]
    pub explain: Option<usize>,

    /// With --explain: trust this role, too: planning statements of it, or such as reach its tables,
    /// may run its functions with your rights, as a superuser with all; can be repeated
    #[arg(long, value_name = "ROLE")]
    pub explain_others: Vec<String>,

    /// SQL files and folders that declare indexes, for --explain [default: `paths` of the
    /// configuration]
    #[arg(long, value_name = "PATH")]
    pub declared: Vec<PathBuf>,

    /// Also what pgtend itself has asked
    #[arg(long)]
    pub own: bool,

    /// Show texts as a whole, not only their first 64 kB
    #[arg(long)]
    pub full: bool,
}

/// How many statements: no server keeps more than pg_stat_statements.max allows.
fn count() -> clap::builder::RangedU64ValueParser<usize> {
    clap::builder::RangedU64ValueParser::new().range(0..=1_000_000)
}

impl Command for Args {
    const NAME: &'static str = "slow-queries";
    const TARGETS: Targets = Targets::Several;
    const FORMATS: &'static [Format] = &[Format::Csv, Format::Markdown];

    fn for_one_target_only(&self) -> Option<&'static str> {
        self.watch.then_some("--watch")
    }

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        self.check()?;
        let database = context.open(&context.connect_options("slow-queries")).await?;
        let mut session = database.reader().await?;
        let extension = load_extension(&session).await?;
        extension.require_counting()?;
        let trust =
            Trust::load(&session, &database.server.search_path, &self.explain_others).await?;
        let known = Basis {
            missing: self.missing(context, &database).await?,
            extension,
            trust,
        };
        let mut cache = TextCache::open(cache_folder().as_deref(), known.extension.system_id);
        let mut worst = Outcome::Done;
        loop {
            match self.look(context, &session, &known, &mut cache).await {
                Ok(mut ranking) => {
                    ranking.warnings.extend(self.circumstances(
                        &database,
                        &known.extension,
                        &ranking,
                    ));
                    let report = self.report(ranking);
                    if !self.watch {
                        return Ok(Box::new(report));
                    }
                    if report.outcome() == Outcome::Findings {
                        worst = Outcome::Findings;
                    }
                    if !context.show(&report)? {
                        return Ok(Box::new(Page { outcome: worst, ..Page::default() }));
                    }
                }
                Err(failure) if self.watch && failure.kind == Kind::Connection => {
                    context.console.warn(&failure.to_string());
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
                Err(failure) => return Err(failure),
            }
            if session.is_closed()
                && let Ok(fresh) = database.reader().await
            {
                session = fresh;
            }
        }
    }
}

/// So many more than are shown are looked at, because pgtend's own are left out of them.
const SPARE: usize = 40;

/// While the server is away.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// What does not change from look to look.
struct Basis {
    extension: Extension,
    /// The declared indexes that are not there.
    missing: Vec<DeclaredIndex>,
    /// Whose code planning may run.
    trust: Trust,
}

/// The texts and names of the statements that are shown.
async fn complete(
    ranking: &mut Ranking,
    history: &StatementHistory<'_>,
    cache: &mut TextCache,
    length: Length,
) -> Result<()> {
    let keys = ranking
        .statements
        .iter()
        .map(|counted| counted.key)
        .collect::<Vec<StatementKey>>();
    if keys.is_empty() {
        return Ok(());
    }
    let texts = history.texts(keys.iter().copied(), cache, length).await?;
    ranking.texts = texts.known;
    ranking.warnings.extend(texts.unreadable.map(|message| Warning {
        rule: "texts_not_readable",
        object: "pg_stat_statements".to_owned(),
        message,
    }));
    ranking.warnings.extend(texts.not_kept.map(|why| Warning {
        rule: "history-not-read",
        object: "pgtend".to_owned(),
        message: format!("texts that the server has forgotten are not known: {why}"),
    }));
    ranking.names = load_names(history.session, keys.iter().copied()).await?;
    Ok(())
}

impl Args {
    /// One look.
    async fn look(
        &self,
        context: &Context,
        session: &Session,
        known: &Basis,
        cache: &mut TextCache,
    ) -> Result<Ranking> {
        let extension = &known.extension;
        let database = (!self.all_databases).then_some(extension.dbid);
        let history = StatementHistory {
            session,
            extension,
            database,
            history_owner: context.config.history.owner.as_deref(),
            schema: OnceCell::new(),
        };
        let limit = self.limit.unwrap_or(context.config.slow_queries.limit);
        let filter = self.filter(context, &history).await?;
        let mut ranking = self.ranking(&history, &filter, limit.saturating_add(SPARE)).await?;
        if let Some(id) = self.queryid.filter(|_| ranking.statements.is_empty()) {
            return Err(Failure::usage(format!("no statement {id} is counted here"))
                .hint("the first column of pgtend slow-queries has the numbers"));
        }
        let length = if self.full { Length::Whole } else { Length::Cut };
        complete(&mut ranking, &history, cache, length).await?;
        self.cut(&mut ranking, &history, limit);
        ranking.details = self.details(&ranking, &history, known).await?;
        Ok(ranking)
    }

    fn check(&self) -> Result<()> {
        let compares = self.fail_if.iter().find(|condition| condition.needs_comparison());
        if let Some(condition) = compares.filter(|_| self.against.is_none()) {
            return Err(Failure::usage(format!(
                "--fail-if '{condition}' compares two spans of time"
            ))
            .hint("for example with --since 7d --against 24h"));
        }
        let too_short = |interval: &Duration| *interval < Duration::from_millis(100);
        if self.interval.as_ref().is_some_and(too_short) {
            return Err(Failure::usage("--interval is too short: 100ms is the shortest"));
        }
        Ok(())
    }

    /// What the counters do not tell.
    fn circumstances(
        &self,
        database: &Database,
        extension: &Extension,
        ranking: &Ranking,
    ) -> Vec<Warning> {
        let server = &database.server;
        let mut warnings = Vec::new();
        let mut warn = |rule, message: String| {
            warnings.push(Warning { rule, object: server.database.clone(), message });
        };
        let hidden = ranking.ends.hidden;
        if hidden > 0 {
            let role = &server.role;
            warn(
                "limited_view",
                format!(
                    "{hidden} statements of other roles are hidden from {role} (GRANT pg_read_all_stats)"
                ),
            );
        }
        if let Some(newer) = extension.newer_version() {
            let version = extension.version.as_deref().unwrap_or_default();
            warn(
                "older_extension",
                format!(
                    "pg_stat_statements is at version {version} here, and {newer} counts more: ALTER \
                     EXTENSION pg_stat_statements UPDATE;"
                ),
            );
        }
        if self.sort == Sort::Io && !extension.tracks_io {
            warn(
                "io_not_timed",
                "track_io_timing is off, so the time for I/O is not known".to_owned(),
            );
        }
        if self.sort == Sort::Plan && !extension.tracks_planning {
            let message = "pg_stat_statements.track_planning is off, so planning is not counted";
            warn("planning_not_counted", message.to_owned());
        }
        if self.since.is_none() && self.interval.is_none() && ranking.evictions.unwrap_or(0) > 0 {
            let message = format!(
                "the server had to forget statements {} times since its counters were reset; raise \
                 pg_stat_statements.max",
                ranking.evictions.unwrap_or(0)
            );
            warn("evicted", message);
        }
        warnings
    }

    fn report(&self, ranking: Ranking) -> SlowQueriesReport {
        SlowQueriesReport {
            ranking,
            texts: if self.full { TextLength::Whole } else { TextLength::Cut },
            depth: if self.queryid.is_some() {
                Depth::Counters
            } else {
                Depth::Line
            },
        }
    }
}
