//! `pgtend slow-queries`.

mod depth;
mod document;
pub mod explain;
pub mod plan;
mod rank;
pub mod report;
pub mod watch;

use crate::app::choice::Whole;
use crate::app::command::{Command, Targets};
use crate::app::manual::Example;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::app::Context;
use crate::config::cache_folder;
use crate::declared::DeclaredIndex;
use crate::duration;
use crate::facts::reach::{Deed, Trust};
use crate::facts::statements::{
    Length, PointInTime, StatementHistory, StatementKey, StatementsExtension, TextCache,
    load_extension, load_names,
};
use crate::failure::{Failure, Kind, Result};
use crate::output::{Format, Outcome, Page, Report};
use crate::pg::database::Database;
use crate::pg::session::Session;
use crate::warning::Warning;
use plan::{CounterCondition, Ranking, Sort};
use report::{ReportDepth, SlowQueriesReport, TextLength};

/// Show the statements that cost the most time
///
/// Reads the counters of the extension pg_stat_statements and never resets them. Without --since it
/// shows everything counted since the last reset. With snapshots (run `pgtend snapshot` every hour
/// from cron), --since shows what ran since then, across resets, evictions and restarts. Without
/// snapshots, --interval waits and shows what ran meanwhile.
///
/// --since 7d --against 24h compares the last 24 hours with the days before and ranks what got
/// slower. --fail-if 'mean > 100ms' makes a slow statement a finding (exit code 1), for CI and
/// cron. Utility statements such as CREATE INDEX and VACUUM are left out; --utility includes them.
///
/// A statement's number (QUERYID) shows all that is known about it. Limits of the data are reported
/// as warnings.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show everything about this statement
    #[arg(value_name = "QUERYID", allow_negative_numbers = true)]
    pub queryid: Option<i64>,

    /// Figure to sort by
    #[arg(long, value_enum, default_value_t, value_name = "FIGURE")]
    pub sort: Sort,

    /// Number of statements to show [default: 20]
    #[arg(long, value_name = "N", value_parser = count())]
    pub limit: Option<usize>,

    /// Only statements with at least this mean execution time: 10ms, 1s
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub min_mean: Option<Duration>,

    /// Only statements with at least this many calls
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = Whole::<u64>::new(0, u64::MAX))]
    pub min_calls: u64,

    /// Only statements of this role
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,

    /// Only statements that contain this text, in upper or lower case; repeatable
    #[arg(long, value_name = "TEXT")]
    pub like: Vec<String>,

    /// Leave out statements that contain this text; repeatable
    #[arg(long, value_name = "TEXT")]
    pub exclude: Vec<String>,

    /// Include the statements of other databases
    #[arg(long)]
    pub all_databases: bool,

    /// Only what ran since then: a duration (24h: since the newest snapshot that is at least that
    /// old), a snapshot number, or a file written by `pgtend snapshot --file`
    #[arg(long, value_name = "WHEN", value_parser = PointInTime::parse, conflicts_with = "interval")]
    pub since: Option<PointInTime>,

    /// With --since: only what ran until then
    #[arg(long, value_name = "WHEN", value_parser = PointInTime::parse, requires = "since")]
    pub until: Option<PointInTime>,

    /// With --since: compare what ran since this moment with what ran before it
    #[arg(
        long,
        value_name = "WHEN",
        value_parser = PointInTime::parse,
        requires = "since",
        conflicts_with = "until"
    )]
    pub against: Option<PointInTime>,

    /// Wait this long and show what ran meanwhile: 30s
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub interval: Option<Duration>,

    /// With --interval: repeat until Ctrl-C
    #[arg(long, requires = "interval")]
    pub watch: bool,

    /// Exit with 1 if a statement meets this condition: 'mean > 100ms', 'share > 20%', 'slowdown >
    /// 2'; repeatable
    #[arg(long, value_name = "CONDITION", value_parser = CounterCondition::parse)]
    pub fail_if: Vec<CounterCondition>,

    /// Show the generic plan of the first N statements, what makes it slow, and which declared but
    /// missing index would help; executes nothing [default: 3]
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "3",
        value_parser = count()
    )]
    pub explain: Option<usize>,

    /// With --explain: also plan statements of this role, or that use its tables. Planning may run
    /// its functions with your rights. Repeatable
    #[arg(long, value_name = "ROLE")]
    pub explain_others: Vec<String>,

    /// With --explain: SQL files and folders that declare indexes [default: `paths` of the
    /// configuration]
    #[arg(long, value_name = "PATH")]
    pub declared: Vec<PathBuf>,

    /// Include utility statements such as CREATE INDEX, VACUUM and DO
    #[arg(long)]
    pub utility: bool,

    /// Include pgtend's own queries
    #[arg(long)]
    pub own: bool,

    /// Show whole statement texts, not only their first 64 kB
    #[arg(long)]
    pub full: bool,
}

/// How many statements: no server keeps more than pg_stat_statements.max allows.
fn count() -> Whole<usize> {
    Whole::new(0, 1_000_000)
}

impl Command for Args {
    const NAME: &'static str = "slow-queries";
    const EXAMPLES: &'static [Example] = &[
        ("pgtend slow-queries --sort mean --limit 10", "Show the ten slowest statements"),
        (
            "pgtend slow-queries --since 24h --explain",
            "Show what cost the most today, with plans",
        ),
        (
            "pgtend slow-queries --since 7d --against 24h",
            "Show what got slower in the last 24 hours, compared with the week before",
        ),
        (
            "pgtend slow-queries -q --since 1h --fail-if 'mean > 100ms'",
            "From cron: print only what is slow, and exit with 1",
        ),
    ];
    const SEE_ALSO: &'static [&'static str] = &["snapshot", "activity"];
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
        let path = &database.server.search_path;
        let trust = Trust::load(&session, path, &self.explain_others, Deed::Planning).await?;
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

/// So many more than are shown are looked at, because pgtend's own and utility statements are left out of
/// them.
const SPARE: usize = 200;

/// While the server is away.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// What does not change from look to look.
struct Basis {
    extension: StatementsExtension,
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
        message: format!("texts of evicted statements are unknown: {why}"),
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
            return Err(Failure::usage(format!("no statement has the number {id}"))
                .hint("the last column of pgtend slow-queries shows the numbers"));
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
        extension: &StatementsExtension,
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
            warn("io_not_timed", "track_io_timing is off, so I/O time is unknown".to_owned());
        }
        if self.sort == Sort::Plan && !extension.tracks_planning {
            let message = "pg_stat_statements.track_planning is off, so planning is not counted";
            warn("planning_not_counted", message.to_owned());
        }
        if self.since.is_none() && self.interval.is_none() && ranking.evictions.unwrap_or(0) > 0 {
            let message = format!(
                "the server evicted statements {} times since its counters were reset; raise \
                 pg_stat_statements.max",
                ranking.evictions.unwrap_or(0)
            );
            warn("evicted", message);
        }
        warnings
    }

    fn report(&self, ranking: Ranking) -> SlowQueriesReport {
        SlowQueriesReport {
            is_judged: !self.fail_if.is_empty(),
            ranking,
            texts: if self.full { TextLength::Whole } else { TextLength::Cut },
            depth: if self.queryid.is_some() {
                ReportDepth::Counters
            } else {
                ReportDepth::Line
            },
        }
    }
}
