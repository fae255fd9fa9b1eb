//! `pgtend slow-queries`.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::types::Type;

use super::Context;
use super::plan::make;
use crate::catalog::load::ask;
use crate::catalog::statements::{
    Extension, Filter, StatementKey, TextCache, load_extension, load_matching, load_names, load_top,
};
use crate::config::cache_folder;
use crate::declared::{self, DeclaredIndex, Others};
use crate::execute::explain::{Explanation, explain};
use crate::execute::statements::{End, Inquiry, Past, gaps};
use crate::failure::{Failure, Result, exit_code};
use crate::pg::database::{Database, Opening, OrphanPolicy};
use crate::pg::session::Session;
use crate::plan::statements::{Counted, Gate, Sort, Span, compared, ranked};
use crate::plan::{Action, Subject, Warning, apply};
use crate::report;
use crate::report::document::Outcome;
use crate::report::statements::{Details, Ranking, Texts};

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
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,

    /// Only statements that take so long at least in the mean: 10ms, 1s
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
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
    #[arg(long, value_name = "WHEN", value_parser = Past::parse, conflicts_with = "interval")]
    pub since: Option<Past>,

    /// With --since: only until then
    #[arg(long, value_name = "WHEN", value_parser = Past::parse, requires = "since")]
    pub until: Option<Past>,

    /// With --since: compare what was done since this moment with what was done before it
    #[arg(
        long,
        value_name = "WHEN",
        value_parser = Past::parse,
        requires = "since",
        conflicts_with = "until"
    )]
    pub against: Option<Past>,

    /// Wait so long, and show what was done meanwhile: 30s
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub interval: Option<Duration>,

    /// With --interval: again and again, until Ctrl-C
    #[arg(long, requires = "interval")]
    pub watch: bool,

    /// Exit with 1 if a statement is such: 'mean > 100ms', 'share > 20%', 'slowdown > 2'; can be
    /// repeated
    #[arg(long, value_name = "CONDITION", value_parser = Gate::parse)]
    pub fail_if: Vec<Gate>,

    /// Show the generic plan of the first statements, and what is slow about it; nothing is executed.
    /// Says which declared index that is missing would serve [default: 3 of them]
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "3"
    )]
    pub explain: Option<usize>,

    /// Also explain statements of others where this role is a superuser, although planning may run
    /// their functions with all its rights
    #[arg(long)]
    pub explain_others: bool,

    /// SQL files and folders that declare indexes, for --explain [default: `paths` of the
    /// configuration]
    #[arg(long, value_name = "PATH")]
    pub declared: Vec<PathBuf>,

    /// Also what pgtend itself has asked
    #[arg(long)]
    pub own: bool,

    /// Show texts as a whole
    #[arg(long)]
    pub full: bool,
}

/// Runs the command. Returns the exit code.
///
/// # Errors
/// Where statements are not counted, where there is no such moment, and those of the connection.
pub async fn run(context: &Context, args: &Args) -> Result<u8> {
    args.check()?;
    let database = context.open(&opening(context)).await?;
    let session = database.reader().await?;
    let extension = load_extension(&session).await?;
    extension.require_counting()?;
    let inquiry = Inquiry {
        session: &session,
        extension: &extension,
        database: (!args.all_databases).then_some(extension.dbid),
    };
    let filter = args.filter(context, &inquiry).await?;
    let mut cache = TextCache::open(cache_folder().as_deref(), extension.system_id);
    let missing = args.missing(context, &database).await?;
    let mut code = exit_code::DONE;
    loop {
        let limit = args.limit.unwrap_or(context.config.slow_queries.limit);
        let mut ranking = args.ranking(&inquiry, &filter, limit.saturating_add(SPARE)).await?;
        if let Some(id) = args.queryid.filter(|_| ranking.statements.is_empty()) {
            return Err(Failure::usage(format!("no statement {id} is counted here"))
                .hint("the first column of pgtend slow-queries has the numbers"));
        }
        complete(&mut ranking, &inquiry, &mut cache).await?;
        args.cut(&mut ranking, limit);
        ranking.details = args.details(&ranking, &inquiry, &missing).await?;
        ranking.warnings.extend(args.circumstances(&database, &extension, &ranking));
        let (shown, is_read) = args.show(context, &ranking);
        code = code.max(shown);
        if !args.watch || !is_read {
            return Ok(code);
        }
    }
}

fn opening(context: &Context) -> Opening {
    Opening {
        command: "slow-queries",
        maintainers: 1,
        settings: Vec::new(),
        orphans: OrphanPolicy::Ends,
        echo: context.echo(),
    }
}

/// The texts and names of the statements that are shown.
async fn complete(
    ranking: &mut Ranking,
    inquiry: &Inquiry<'_>,
    cache: &mut TextCache,
) -> Result<()> {
    let keys = ranking.statements.iter().map(|counted| counted.key).collect::<Vec<StatementKey>>();
    if keys.is_empty() {
        return Ok(());
    }
    ranking.texts = inquiry.texts(keys.iter().copied(), cache).await?;
    ranking.names = load_names(inquiry.session, keys.iter().copied()).await?;
    Ok(())
}

/// So many more than are shown are looked at, because pgtend's own are left out of them.
const SPARE: usize = 40;

/// Why this role should not have the statement planned: planning runs functions that are declared
/// IMMUTABLE or STABLE, and those of others would run with all the rights of a superuser.
fn too_powerful(key: StatementKey, ranking: &Ranking, inquiry: &Inquiry<'_>) -> bool {
    inquiry.extension.is_superuser && !ranking.names.superusers.contains(&key.userid)
}

impl Args {
    /// How many statements are to be explained.
    fn explained(&self) -> usize {
        self.explain.unwrap_or(if self.queryid.is_some() { usize::MAX } else { 0 })
    }

    /// The declared indexes that are not there.
    async fn missing(&self, context: &Context, database: &Database) -> Result<Vec<DeclaredIndex>> {
        let paths = if self.declared.is_empty() { &context.config.paths } else { &self.declared };
        if self.explained() == 0 || paths.is_empty() {
            return Ok(Vec::new());
        }
        let declaration = declared::load(paths, Others::Ignore)?;
        let plan = make(database, &declaration, &apply::Options::default()).await?;
        let to_build = plan.steps.into_iter().filter(|step| step.action == Action::BuildIndex);
        let indexes = to_build.filter_map(|step| match step.subject {
            Subject::Index(index) => Some(index),
            _ => None,
        });
        Ok(indexes.collect())
    }

    /// What is known of the statements besides their figures.
    async fn details(
        &self,
        ranking: &Ranking,
        inquiry: &Inquiry<'_>,
        missing: &[DeclaredIndex],
    ) -> Result<Vec<Details>> {
        let mut all = Vec::new();
        let chosen = ranking.statements.iter().take(self.explained()).collect::<Vec<_>>();
        if chosen.is_empty() {
            return Ok(all);
        }
        // Only what the server itself says that it has executed is planned.
        let ids = chosen.iter().map(|counted| counted.key.queryid).collect::<Vec<_>>();
        let texts = inquiry.live_texts(&ids).await?;
        for counted in chosen {
            let key = counted.key;
            let history = match self.queryid {
                Some(_) => inquiry.history(key).await?,
                None => Vec::new(),
            };
            let explanation = match texts.get(&(key.dbid, key.queryid)) {
                _ if key.dbid != inquiry.extension.dbid => {
                    Explanation::None("it is one of another database".to_owned())
                }
                _ if !self.explain_others && too_powerful(key, ranking, inquiry) => {
                    Explanation::None(
                        "planning may run functions of its user with the rights of a superuser; \
                         connect as another role, or allow it with --explain-others"
                            .to_owned(),
                    )
                }
                Some(query) => explain(inquiry.session, query, missing).await?,
                None => Explanation::None("its text is not known any more".to_owned()),
            };
            all.push(Details::new(explanation, history));
        }
        Ok(all)
    }

    fn check(&self) -> Result<()> {
        let compares = self.fail_if.iter().find(|gate| gate.needs_comparison());
        if let Some(gate) = compares.filter(|_| self.against.is_none()) {
            return Err(Failure::usage(format!("--fail-if '{gate}' compares two spans of time"))
                .hint("for example with --since 7d --against 24h"));
        }
        let too_short = |interval: &Duration| *interval < Duration::from_millis(100);
        if self.interval.as_ref().is_some_and(too_short) {
            return Err(Failure::usage("--interval is too short: 100ms is the shortest"));
        }
        Ok(())
    }

    async fn filter(&self, context: &Context, inquiry: &Inquiry<'_>) -> Result<Filter> {
        let user = match &self.user {
            Some(name) => Some(role(inquiry.session, name).await?),
            None => None,
        };
        let queryids = match self.queryid {
            Some(id) => Some(vec![id]),
            None if self.is_any_text() || self.is_of_span() => None,
            None => {
                let (session, extension) = (inquiry.session, inquiry.extension);
                Some(load_matching(session, extension, &self.like, &self.exclude).await?)
            }
        };
        Ok(Filter {
            database: inquiry.database,
            user,
            min_calls: self.min_calls as f64,
            min_mean_ms: self.min_mean.map_or(0.0, |mean| mean.as_secs_f64() * 1e3),
            slow_ms: context.config.slow_queries.slow.as_secs_f64() * 1e3,
            queryids,
        })
    }

    async fn ranking(
        &self,
        inquiry: &Inquiry<'_>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Ranking> {
        match (&self.since, &self.against, self.interval) {
            (Some(since), None, _) => {
                let end = self.until.clone().map_or(End::Now, End::Past);
                let span = inquiry.span(since, &end).await?;
                self.of_span(&span, inquiry, filter, limit).await
            }
            (Some(since), Some(against), _) => {
                let before = inquiry.span(since, &End::Past(against.clone())).await?;
                if before.ends.taken_epoch <= before.begins.taken_epoch {
                    return Err(Failure::usage("--since and --against name the same moment")
                        .hint("take snapshots more often, or go back further"));
                }
                let now = inquiry.span(against, &End::Now).await?;
                self.of_both(&before, &now, inquiry, filter, limit).await
            }
            (None, _, Some(interval)) => {
                let mut span = Span::from(inquiry.read().await?);
                tokio::time::sleep(interval).await;
                span.read(inquiry.read().await?);
                self.of_span(&span, inquiry, filter, limit).await
            }
            (None, _, None) => self.so_far(inquiry, filter, limit).await,
        }
    }

    /// The counters as they stand. The server ranks them, so that only what is shown is sent; where
    /// any may be a finding all are.
    async fn so_far(
        &self,
        inquiry: &Inquiry<'_>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Ranking> {
        let rows = self.fail_if.is_empty().then(|| i64::try_from(limit).unwrap_or(i64::MAX));
        let rank = self.sort.sql(&inquiry.extension.columns);
        let top = load_top(inquiry.session, inquiry.extension, &rank, rows, filter).await?;
        let statements = top.statements.iter().map(Counted::whole).collect::<Vec<_>>();
        let ranking = Ranking {
            from_epoch: top.moment.reset_epoch,
            evictions: top.moment.evictions,
            all: top.all - top.moment.hidden,
            matching: top.matching,
            slow: top.all_slow,
            slow_ms: filter.slow_ms,
            all_ms: top.all_ms,
            all_calls: top.all_calls,
            ends: top.moment,
            ..Ranking::default()
        };
        Ok(self.shown(ranking, statements, limit))
    }

    async fn of_span(
        &self,
        span: &Span,
        inquiry: &Inquiry<'_>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Ranking> {
        let counted = span.counted();
        let ranking = about(span, &counted, filter);
        let statements = self.matching(ranked(counted, self.sort, filter), inquiry).await?;
        Ok(self.shown(ranking, statements, limit))
    }

    async fn of_both(
        &self,
        before: &Span,
        now: &Span,
        inquiry: &Inquiry<'_>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Ranking> {
        let counted = now.counted();
        let ranking = Ranking { is_compared: true, ..about(now, &counted, filter) };
        let statements = self.matching(ranked(counted, self.sort, filter), inquiry).await?;
        Ok(self.shown(ranking, compared(statements, &before.counted()), limit))
    }

    /// Those whose text is as wanted: also of what the server has forgotten or not yet known.
    async fn matching(
        &self,
        mut statements: Vec<Counted>,
        inquiry: &Inquiry<'_>,
    ) -> Result<Vec<Counted>> {
        if self.is_any_text() {
            return Ok(statements);
        }
        let keys = statements.iter().map(|counted| counted.key);
        // They are too many to be kept on this machine.
        let texts = inquiry.texts(keys, &mut TextCache::default()).await?;
        statements.retain(|counted| {
            let text = texts.get(&(counted.key.dbid, counted.key.queryid));
            let text = text.map(|text| text.to_lowercase()).unwrap_or_default();
            let has = |word: &String| text.contains(&word.to_lowercase());
            self.like.iter().all(has) && !self.exclude.iter().any(has)
        });
        Ok(statements)
    }

    fn is_any_text(&self) -> bool {
        self.like.is_empty() && self.exclude.is_empty()
    }

    fn is_of_span(&self) -> bool {
        self.since.is_some() || self.interval.is_some()
    }

    /// Cuts to what is shown; what is a finding always is.
    fn shown(&self, ranking: Ranking, statements: Vec<Counted>, limit: usize) -> Ranking {
        let matching = ranking.matching.max(i64::try_from(statements.len()).unwrap_or(0));
        let all_ms = ranking.all_ms;
        let is_finding =
            |counted: &Counted| self.fail_if.iter().any(|gate| gate.finds(counted, all_ms));
        let numbered = statements.into_iter().enumerate();
        let shown = numbered.filter(|(at, counted)| *at < limit || is_finding(counted));
        let shown = shown.map(|(_, counted)| counted).collect::<Vec<_>>();
        Ranking { matching, statements: shown, ..ranking }
    }

    /// Leaves out what pgtend itself has asked, and what is too much; says what is a finding.
    fn cut(&self, ranking: &mut Ranking, limit: usize) {
        let (texts, all_ms) = (&ranking.texts, ranking.all_ms);
        let text = |counted: &Counted| texts.get(&(counted.key.dbid, counted.key.queryid));
        if !self.own && self.queryid.is_none() {
            let is_own = |counted: &Counted| text(counted).is_some_and(|text| is_of_pgtend(text));
            ranking.statements.retain(|counted| !is_own(counted));
        }
        let is_finding =
            |counted: &Counted| self.fail_if.iter().any(|gate| gate.finds(counted, all_ms));
        let mut place = 0;
        ranking.statements.retain(|counted| {
            place += 1;
            place <= limit || is_finding(counted)
        });
        let findings = report::statements::findings(&ranking.statements, &self.fail_if, all_ms);
        ranking.findings = findings.collect();
        let unknown = self
            .fail_if
            .iter()
            .filter(|gate| ranking.statements.iter().any(|counted| gate.is_unknown(counted)));
        let unknown = unknown.map(|gate| Warning {
            rule: "not_judged",
            object: gate.to_string(),
            message: "of some statements the figure is not known for this span".to_owned(),
        });
        let unknown = unknown.collect::<Vec<_>>();
        ranking.warnings.extend(unknown);
    }

    /// What the figures do not tell.
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

    /// Returns the exit code, and whether anybody reads it.
    fn show(&self, context: &Context, ranking: &Ranking) -> (u8, bool) {
        let (outcome, code) = match (&ranking.findings[..], &ranking.statements[..]) {
            ([_, ..], _) => (Outcome::Findings, exit_code::FINDINGS),
            (_, []) => (Outcome::NothingToDo, exit_code::DONE),
            _ => (Outcome::Done, exit_code::DONE),
        };
        if self.queryid.is_some() {
            report::statements::in_depth(&context.console, ranking);
        }
        let texts = if self.full { Texts::Whole } else { Texts::Cut };
        let is_read = report::statements::show(&context.console, ranking, outcome, texts);
        (code, is_read)
    }
}

/// What all statements of a span come to.
fn about(span: &Span, counted: &[Counted], filter: &Filter) -> Ranking {
    use crate::catalog::statements::Figure;
    let sum = |figure| counted.iter().map(|it| it.figures.or_zero(figure)).sum::<f64>();
    let is_slow = |it: &&Counted| it.figures.mean().is_some_and(|mean| mean >= filter.slow_ms);
    let warnings = gaps(span).into_iter().map(|message| Warning {
        rule: "incomplete",
        object: "pg_stat_statements".to_owned(),
        message,
    });
    Ranking {
        from_epoch: Some(span.begins.taken_epoch),
        ends: span.ends.clone(),
        resets: span.resets,
        evictions: span.ends.evictions.map(|_| span.evictions()),
        restarted: span.has_restarted(),
        all: i64::try_from(counted.len()).unwrap_or(i64::MAX),
        slow: i64::try_from(counted.iter().filter(is_slow).count()).unwrap_or(i64::MAX),
        slow_ms: filter.slow_ms,
        all_ms: sum(Figure::Total),
        all_calls: sum(Figure::Calls),
        warnings: warnings.collect(),
        ..Ranking::default()
    }
}

/// Every query of ours begins with what it returns, needs and costs.
fn is_of_pgtend(text: &str) -> bool {
    text.starts_with("-- ") && text.contains("\n-- Privilege: ") && text.contains(" Cost: ")
        || text.starts_with("SELECT pg_catalog.pg_backend_pid()")
}

async fn role(session: &Session, name: &str) -> Result<u32> {
    let sql = "SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = $1";
    let rows = ask(session, sql, &[(&name, Type::TEXT)]).await?;
    let oid = rows.first().map(|row| row.get("oid"));
    oid.ok_or_else(|| Failure::usage(format!("--user {name}: there is no such role")))
}
