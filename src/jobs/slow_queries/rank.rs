//! Which statements are shown, of which span of time, and which of them are findings.

use tokio_postgres::types::Type;

use super::Args;
use super::plan::{Ranking, compared, findings, gaps, ranked};
use crate::app::Context;
use crate::facts::load::ask;
use crate::facts::statements::{
    Counter, Length, Span, SpanEnd, StatementDelta, StatementFilter, StatementHistory, TextCache,
    is_own, is_utility, load_matching, load_top,
};
use crate::failure::{Failure, Kind, Result};
use crate::pg::session::Session;
use crate::warning::Warning;

impl Args {
    pub(super) async fn ranking(
        &self,
        history: &StatementHistory<'_>,
        filter: &StatementFilter,
        limit: usize,
    ) -> Result<Ranking> {
        match (&self.since, &self.against, self.interval) {
            (Some(since), None, _) => {
                let end = self.until.clone().map_or(SpanEnd::Now, SpanEnd::PointInTime);
                let span = history.span(since, &end).await?;
                self.of_span(&span, history, filter, limit).await
            }
            (Some(since), Some(against), _) => {
                let before = history.span(since, &SpanEnd::PointInTime(against.clone())).await?;
                if before.ends.taken_epoch <= before.begins.taken_epoch {
                    return Err(Failure::usage("--since and --against name the same moment")
                        .hint("take snapshots more often, or go back further"));
                }
                let now = history.span(against, &SpanEnd::Now).await?;
                self.of_both(&before, &now, history, filter, limit).await
            }
            (None, _, Some(interval)) => {
                let mut span = Span::from(history.read().await?);
                tokio::time::sleep(interval).await;
                span.read(history.read().await?);
                self.of_span(&span, history, filter, limit).await
            }
            (None, _, None) => self.so_far(history, filter, limit).await,
        }
    }

    /// The counters as they stand. The server ranks them, so that only what is shown is sent; where
    /// any may be a finding all are.
    async fn so_far(
        &self,
        history: &StatementHistory<'_>,
        filter: &StatementFilter,
        limit: usize,
    ) -> Result<Ranking> {
        let rows = self.fail_if.is_empty().then(|| i64::try_from(limit).unwrap_or(i64::MAX));
        let rank = self.sort.sql(&history.extension.columns);
        let top = load_top(history.session, history.extension, &rank, rows, filter).await?;
        let statements = top.statements.iter().map(StatementDelta::whole).collect::<Vec<_>>();
        let ranking = Ranking {
            from_epoch: top.moment.reset_epoch,
            evictions: top.moment.evictions,
            all: top.all - top.moment.hidden,
            matching: top.matching,
            slow: top.all_slow,
            slow_ms: filter.slow_ms,
            all_ms: top.all_ms,
            all_calls: top.all_calls,
            all_wal_bytes: top.all_wal_bytes,
            ends: top.moment,
            ..Ranking::default()
        };
        Ok(self.shown(ranking, statements, limit))
    }

    async fn of_span(
        &self,
        span: &Span,
        history: &StatementHistory<'_>,
        filter: &StatementFilter,
        limit: usize,
    ) -> Result<Ranking> {
        let counted = span.counted();
        let ranking = about(span, &counted, filter);
        let statements = self.matching(ranked(counted, self.sort, filter), history).await?;
        Ok(self.shown(ranking, statements, limit))
    }

    async fn of_both(
        &self,
        before: &Span,
        now: &Span,
        history: &StatementHistory<'_>,
        filter: &StatementFilter,
        limit: usize,
    ) -> Result<Ranking> {
        let counted = now.counted();
        let ranking = Ranking { is_compared: true, ..about(now, &counted, filter) };
        let statements = self.matching(ranked(counted, self.sort, filter), history).await?;
        Ok(self.shown(ranking, compared(statements, &before.counted()), limit))
    }

    /// Those whose text is as wanted: also of what the server has forgotten or not yet known.
    async fn matching(
        &self,
        mut statements: Vec<StatementDelta>,
        history: &StatementHistory<'_>,
    ) -> Result<Vec<StatementDelta>> {
        if self.is_any_text() {
            return Ok(statements);
        }
        let keys = statements.iter().map(|counted| counted.key);
        // They are too many to be kept on this machine.
        let texts = history.texts(keys, &mut TextCache::default(), Length::Cut).await?;
        if let Some(reason) = texts.unreadable {
            return Err(Failure::new(Kind::Server, reason).hint("leave out --like and --exclude"));
        }
        statements.retain(|counted| {
            let text = texts
                .known
                .get(&counted.key)
                .map(|text| text.to_lowercase())
                .unwrap_or_default();
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
    fn shown(&self, ranking: Ranking, statements: Vec<StatementDelta>, limit: usize) -> Ranking {
        let matching = ranking.matching.max(i64::try_from(statements.len()).unwrap_or(0));
        let statements = self.first(statements, limit, ranking.all_ms);
        Ranking { matching, statements, ..ranking }
    }

    fn first(
        &self,
        statements: Vec<StatementDelta>,
        limit: usize,
        all_ms: f64,
    ) -> Vec<StatementDelta> {
        let is_finding = |counted: &StatementDelta| {
            self.fail_if.iter().any(|condition| condition.finds(counted, all_ms))
        };
        let numbered = statements.into_iter().enumerate();
        let first = numbered.filter(|(at, counted)| *at < limit || is_finding(counted));
        first.map(|(_, counted)| counted).collect()
    }

    /// Leaves out what pgtend itself has asked, utility statements, and what is too much, others before those
    /// that are a finding; says what is one.
    pub(super) fn cut(&self, ranking: &mut Ranking, history: &StatementHistory<'_>, limit: usize) {
        let (texts, all_ms) = (&ranking.texts, ranking.all_ms);
        let text = |counted: &StatementDelta| texts.get(&counted.key);
        if !self.utility && self.queryid.is_none() {
            let is_utility =
                |counted: &StatementDelta| text(counted).is_some_and(|text| is_utility(text));
            ranking.statements.retain(|counted| !is_utility(counted));
        }
        if !self.own && self.queryid.is_none() {
            let is_own = |counted: &StatementDelta| {
                counted.key.userid == history.extension.userid
                    && text(counted).is_some_and(|text| is_own(text))
            };
            ranking.statements.retain(|counted| !is_own(counted));
        }
        let is_failing = |counted: &&StatementDelta| {
            self.fail_if.iter().any(|condition| condition.finds(counted, all_ms))
        };
        ranking.failing = ranking.statements.iter().filter(is_failing).count();
        let room = limit.saturating_sub(ranking.failing);
        let (mut failing, mut others) = (0, 0);
        ranking.statements.retain(|counted| {
            let (number, most) = match is_failing(&counted) {
                true => (&mut failing, limit),
                false => (&mut others, room),
            };
            *number += 1;
            *number <= most
        });
        let findings = findings(&ranking.statements, &self.fail_if, all_ms);
        ranking.findings = findings.collect();
        let unknown = self
            .fail_if
            .iter()
            .filter(|condition| {
                ranking.statements.iter().any(|counted| condition.is_unknown(counted))
            })
            .map(|condition| Warning {
                rule: "not_judged",
                object: condition.to_string(),
                message: "for some statements this counter is unknown in this span".to_owned(),
            })
            .collect::<Vec<_>>();
        ranking.warnings.extend(unknown);
    }

    pub(super) async fn filter(
        &self,
        context: &Context,
        history: &StatementHistory<'_>,
    ) -> Result<StatementFilter> {
        let user = match &self.user {
            Some(name) => Some(role(history.session, name).await?),
            None => None,
        };
        let queryids = match self.queryid {
            Some(id) => Some(vec![id]),
            None if self.is_any_text() || self.is_of_span() => None,
            None => {
                let (session, extension) = (history.session, history.extension);
                Some(load_matching(session, extension, &self.like, &self.exclude).await?)
            }
        };
        Ok(StatementFilter {
            database: history.database,
            user,
            min_calls: self.min_calls as f64,
            min_mean_ms: self.min_mean.map_or(0.0, |mean| mean.as_secs_f64() * 1e3),
            slow_ms: context.config.slow_queries.slow.as_secs_f64() * 1e3,
            queryids,
        })
    }
}

/// What all statements of a span come to.
fn about(span: &Span, counted: &[StatementDelta], filter: &StatementFilter) -> Ranking {
    let sum = |counter| counted.iter().map(|it| it.counters.or_zero(counter)).sum::<f64>();
    let is_slow =
        |it: &&StatementDelta| it.counters.mean().is_some_and(|mean| mean >= filter.slow_ms);
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
        all_ms: sum(Counter::Total),
        all_calls: sum(Counter::Calls),
        all_wal_bytes: counted.iter().map(|it| it.counters.get(Counter::WalBytes)).sum(),
        warnings: warnings.collect(),
        ..Ranking::default()
    }
}

async fn role(session: &Session, name: &str) -> Result<u32> {
    let sql = "SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = $1";
    let rows = ask(session, sql, &[(&name, Type::TEXT)]).await?;
    let oid = rows.first().map(|row| row.get("oid"));
    oid.ok_or_else(|| Failure::usage(format!("--user {name}: there is no such role")))
}
