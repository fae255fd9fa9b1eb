//! What statements did in a span of time: by the snapshots, by a file, or by waiting.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::{
    Amount, Change, CounterMoment, CounterReading, Counters, KnownTexts, Length, PastSample,
    RawText, Sample, Snapshot, SnapshotFile, SnapshotLoad, SnapshotScope, Span, StatementKey,
    StatementsExtension, TextCache, Texts, each_text, load_kept_texts, load_reading, load_samples,
    load_snapshot_loads, load_snapshots, load_state, load_statement_samples, load_texts,
};
use crate::duration;
use crate::facts::history::{self, HistoryPart, HistorySchema};
use crate::facts::{Known, Oid, Unavailable};
use crate::failure::{Failure, Result};
use crate::format;
use crate::pg::session::Session;

/// A moment in the past, as the user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PointInTime {
    /// The newest snapshot that is at least so old.
    Ago(Duration),
    Snapshot(i64),
    File(PathBuf),
}

impl PointInTime {
    /// Reads `24h`, a snapshot's number, or the name of a file.
    ///
    /// # Errors
    /// Says what can be named.
    pub fn parse(text: &str) -> std::result::Result<PointInTime, String> {
        if let Ok(id) = text.parse::<i64>() {
            return Ok(PointInTime::Snapshot(id));
        }
        if let Ok(ago) = duration::parse(text) {
            return Ok(PointInTime::Ago(ago));
        }
        let path = PathBuf::from(text);
        match path.exists() {
            true => Ok(PointInTime::File(path)),
            false => Err("expected a duration (24h), a snapshot number or a file".to_owned()),
        }
    }
}

/// Where a span ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpanEnd {
    /// Now.
    Now,
    /// At a moment in the past.
    PointInTime(PointInTime),
}

pub struct StatementHistory<'a> {
    pub session: &'a Session,
    /// How statements are counted there.
    pub extension: &'a StatementsExtension,
    /// Of this database; `None`: of all.
    pub database: Option<Oid>,
    /// A role that may own the history.
    pub history_owner: Option<&'a str>,
    /// What stands in pgtend's own schema, once it was asked for.
    pub schema: OnceCell<HistorySchema>,
}

impl StatementHistory<'_> {
    /// What statements did since then.
    ///
    /// # Errors
    /// `Usage` where there is no such moment, `Unsupported` where there are no snapshots at all; those
    /// of the connection and of the queries.
    pub async fn span(&self, since: &PointInTime, end: &SpanEnd) -> Result<Span> {
        let end = match end {
            SpanEnd::Now => self.read().await?,
            SpanEnd::PointInTime(PointInTime::File(path)) => self.of_file(path)?,
            SpanEnd::PointInTime(past) if matches!(since, PointInTime::File(_)) => {
                self.at(&self.find(past).await?).await?
            }
            // The snapshots on the way lead there.
            SpanEnd::PointInTime(past) => {
                let snapshot = self.find(past).await?;
                return self.since_snapshot(since, snapshot.moment.taken_epoch).await;
            }
        };
        let until = end.moment.taken_epoch;
        let mut span = match since {
            PointInTime::File(path) => Span::from(self.of_file(path)?),
            since => self.since_snapshot(since, until).await?,
        };
        require_order(&span.begins, until)?;
        span.read(end);
        Ok(span)
    }

    /// Through all snapshots since that one which were taken until then.
    async fn since_snapshot(&self, since: &PointInTime, until: f64) -> Result<Span> {
        if self.database.is_none() {
            return Err(Failure::usage(
                "--all-databases needs a file: snapshots know one database",
            )
            .hint("pgtend snapshot --all-databases --file F"));
        }
        let snapshots = self.snapshots().await?;
        let begins = find(&snapshots, since)?;
        require_order(&begins.moment, until)?;
        let in_time = snapshots.iter().filter(|it| it.moment.taken_epoch <= until);
        let last = in_time.map(|snapshot| snapshot.id).max().unwrap_or(begins.id);
        let mut span = Span::from(self.at(begins).await?);
        let mut samples = load_samples(self.session, begins.id, last).await?;
        samples.retain(|sample| self.may_see(&sample.key));
        let mut changes = HashMap::<i64, Vec<Change>>::new();
        for sample in samples {
            let change = match sample.statement {
                Some(statement) => Change::Now(Box::new(statement)),
                None => Change::Gone(sample.key),
            };
            changes.entry(sample.snapshot).or_default().push(change);
        }
        let between = snapshots.iter().rev().filter(|it| it.id > begins.id && it.id <= last);
        for snapshot in between {
            let changed = changes.remove(&snapshot.id).unwrap_or_default();
            span.change(snapshot.moment.clone(), changed.into_iter());
        }
        Ok(span)
    }

    async fn snapshots(&self) -> Result<Vec<Snapshot>> {
        if self.extension.in_recovery {
            return Err(Failure::usage("the snapshots are the primary's, and this is a standby")
                .hint("pgtend snapshot --file F keeps the counters of a standby"));
        }
        self.schema()
            .await?
            .require_usable(HistoryPart::Statements)
            .map_err(|failure| failure.context("there are no snapshots"))?;
        let mut snapshots = load_snapshots(self.session).await?;
        if snapshots.is_empty() {
            return Err(Failure::usage("no snapshot was taken yet")
                .hint("pgtend snapshot takes one, for example every hour by cron"));
        }
        snapshots.retain(|snapshot| snapshot.counted.is_some());
        if snapshots.is_empty() {
            return Err(Failure::usage("no snapshot has the counters of statements")
                .hint("pgtend snapshot saves them where pg_stat_statements counts them"));
        }
        Ok(snapshots)
    }

    async fn schema(&self) -> Result<&HistorySchema> {
        let asked = || history::load_schema(self.session, self.history_owner);
        self.schema.get_or_try_init(asked).await
    }

    /// What the snapshots tell; nothing where there are none.
    async fn tell<T: Default>(&self, asked: impl Future<Output = Result<T>>) -> Known<T> {
        let told = match self.schema().await {
            Ok(schema) => {
                history::tell(&Known::Known(schema), HistoryPart::Statements, asked).await
            }
            Err(failure) => Unavailable::from(failure).into(),
        };
        match told.into_result() {
            Ok(told) => Known::Known(told.unwrap_or_default()),
            Err(why) => why.into(),
        }
    }

    async fn find(&self, past: &PointInTime) -> Result<Snapshot> {
        find(&self.snapshots().await?, past).cloned()
    }

    async fn at(&self, snapshot: &Snapshot) -> Result<CounterReading> {
        let mut statements = load_state(self.session, snapshot.id).await?;
        statements.retain(|statement| self.may_see(&statement.key));
        Ok(CounterReading { moment: snapshot.moment.clone(), statements })
    }

    fn of_file(&self, path: &std::path::Path) -> Result<CounterReading> {
        let file = SnapshotFile::read(path)?;
        file.require_same(&SnapshotScope::of(self.extension, self.database))
            .map_err(|why| {
                Failure::usage(format!("{} cannot be compared with: {why}", path.display()))
            })?;
        let mut reading = file.reading();
        reading.statements.retain(|statement| self.may_see(&statement.key));
        Ok(reading)
    }

    /// What the role would not see in the counters it does not see in the snapshots either; nor what
    /// stands in them of the database that this one was copied from.
    fn may_see(&self, key: &StatementKey) -> bool {
        let is_here = self.database.is_none_or(|here| here == key.dbid);
        is_here && (self.extension.sees_all || self.extension.userid == key.userid)
    }

    /// The texts of these statements, to be shown: from this machine's cache, from the snapshots, and
    /// only then from the server's own file, which it has to read as a whole. Never to be planned: others
    /// may write to the snapshots.
    pub async fn texts(
        &self,
        keys: impl Iterator<Item = StatementKey>,
        cache: &mut TextCache,
        length: Length,
    ) -> Result<Texts> {
        let mut wanted = keys.collect::<HashSet<_>>();
        let mut texts = Texts::default();
        // The cache holds no more than the beginning.
        for key in wanted.iter().filter(|_| length == Length::Cut) {
            if let Some(text) = cache.get(*key) {
                texts.known.insert(*key, text.clone());
            }
        }
        wanted.retain(|key| !texts.known.contains_key(key));
        let ids = |wanted: &HashSet<StatementKey>| {
            wanted.iter().map(|key| key.queryid).collect::<Vec<_>>()
        };
        if !wanted.is_empty() {
            let mut unseen =
                load_texts(self.session, self.extension, &ids(&wanted), length).await?;
            unseen.known.retain(|key, _| wanted.contains(key));
            if length == Length::Cut {
                cache.keep(&unseen.known);
            }
            texts.known.extend(unseen.known);
            texts.unreadable = unseen.unreadable;
            wanted.retain(|key| !texts.known.contains_key(key));
        }
        // What the server has forgotten meanwhile.
        if !wanted.is_empty() {
            match self.tell(load_kept_texts(self.session, &ids(&wanted))).await {
                Known::Known(kept) => texts.known.extend(
                    wanted
                        .into_iter()
                        .filter_map(|key| Some((key, kept.get(&(key.dbid, key.queryid))?.clone()))),
                ),
                Known::Unavailable(why) => texts.not_kept = Some(why),
            }
        }
        Ok(texts)
    }

    /// The texts as the server itself has them, to be planned: they may hold secrets. One that is too
    /// long for it is cut.
    pub async fn live_texts(&self, keys: &[StatementKey]) -> Result<KnownTexts> {
        let ids = keys.iter().map(|key| key.queryid).collect::<Vec<_>>();
        let mut texts = KnownTexts::new();
        let read = |raw: RawText| {
            if keys.contains(&raw.key) {
                texts.insert(raw.key, raw.query);
            }
        };
        each_text(self.session, self.extension, &ids, LONGEST_PLANNED, read).await?;
        Ok(texts)
    }

    /// What a statement did from one snapshot to the next, and since the last, the newest first: when it
    /// ended, and its counters. Empty without snapshots.
    pub async fn history(&self, key: StatementKey) -> Result<Known<Vec<(String, Counters)>>> {
        if !self.may_see(&key) {
            return Ok(Known::default());
        }
        let asked = load_statement_samples(self.session, key, MOST_PAST);
        let mut samples = match self.tell(asked).await {
            Known::Known(samples) if samples.is_empty() => return Ok(Known::default()),
            Known::Known(samples) => samples,
            Known::Unavailable(why) => return Ok(why.into()),
        };
        samples.reverse();
        let now = self.read().await?;
        let live = now.statements.into_iter().find(|statement| statement.key == key);
        samples.push(PastSample {
            shown_at: "since then".to_owned(),
            moment: now.moment,
            sample: Sample { snapshot: i64::MAX, key, statement: live },
        });
        Ok(Known::Known(steps(samples)))
    }

    /// How much ran from one snapshot to the next, as [`load_snapshot_loads`] has it. Empty without snapshots, and
    /// on a standby, whose snapshots are the primary's.
    pub async fn loads(&self, after: i64, most: i64) -> Known<Vec<SnapshotLoad>> {
        let StatementsExtension { dbid, userid, sees_all, in_recovery, .. } = *self.extension;
        if in_recovery {
            return Known::default();
        }
        let whose = (dbid, (!sees_all).then_some(userid));
        self.tell(load_snapshot_loads(self.session, after, most, whose)).await
    }

    /// Samples the counters once.
    pub async fn read(&self) -> Result<CounterReading> {
        load_reading(self.session, self.extension, self.database).await
    }
}

/// What is read of a statement that is planned.
const LONGEST_PLANNED: Amount = Amount::Beginning(1_000_000);

/// So many snapshots of a statement are looked at.
const MOST_PAST: i64 = 50;

/// The counters from each sample to the next, the newest first.
fn steps(samples: Vec<PastSample>) -> Vec<(String, Counters)> {
    let mut steps = Vec::new();
    let mut before = None;
    for PastSample { shown_at, moment, sample } in samples {
        if let Some(before) = before {
            let mut span = Span::from(before);
            let change = match sample.statement.clone() {
                Some(statement) => Change::Now(Box::new(statement)),
                None => Change::Gone(sample.key),
            };
            span.change(moment.clone(), std::iter::once(change));
            let counters = span.counted().first().map(|counted| counted.counters);
            steps.extend(counters.map(|counters| (shown_at, counters)));
        }
        before =
            Some(CounterReading { moment, statements: sample.statement.into_iter().collect() });
    }
    steps.reverse();
    steps
}

fn find<'s>(snapshots: &'s [Snapshot], past: &PointInTime) -> Result<&'s Snapshot> {
    let (found, wanted) = match past {
        PointInTime::Ago(ago) => (
            snapshots.iter().find(|snapshot| snapshot.ago >= *ago),
            format!("no snapshot is as old as {}", format::duration(*ago)),
        ),
        PointInTime::Snapshot(id) => (
            snapshots.iter().find(|snapshot| snapshot.id == *id),
            format!("there is no snapshot {id}"),
        ),
        PointInTime::File(path) => {
            (None, format!("{} is no snapshot of this database", path.display()))
        }
    };
    found.ok_or_else(|| Failure::usage(wanted).hint(available(snapshots)))
}

fn require_order(begins: &CounterMoment, until: f64) -> Result<()> {
    if begins.taken_epoch <= until {
        return Ok(());
    }
    Err(Failure::usage("a span of time cannot end before it begins")
        .hint("--since names the beginning, --until or --against what comes after it"))
}

fn available(snapshots: &[Snapshot]) -> String {
    let name =
        |snapshot: &Snapshot| format!("{} ({} ago)", snapshot.id, format::duration(snapshot.ago));
    match (snapshots.last(), snapshots.first()) {
        (Some(oldest), Some(newest)) if oldest.id != newest.id => format!(
            "the oldest is {}, the newest {}; pgtend snapshot --list shows all",
            name(oldest),
            name(newest)
        ),
        (Some(only), _) => format!("there is only {}", name(only)),
        _ => "pgtend snapshot takes one".to_owned(),
    }
}
