//! What statements did in a span of time: by the snapshots, by a file, or by waiting.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use crate::catalog::statements::{
    Extension, Figures, PastSample, Reading, Sample, Snapshot, SnapshotFile, StatementKey,
    TextCache, load_kept_texts, load_reading, load_samples, load_snapshots, load_state,
    load_statement_samples, load_texts,
};
use crate::catalog::{Oid, history};
use crate::failure::{Failure, Result};
use crate::figures;
use crate::pg::session::Session;
use crate::plan::statements::{Change, Span};

/// A moment in the past, as the user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Past {
    /// The newest snapshot that is at least so old.
    Ago(Duration),
    /// This snapshot.
    Snapshot(i64),
    /// This file.
    File(PathBuf),
}

impl Past {
    /// Reads `24h`, a snapshot's number, or the name of a file.
    ///
    /// # Errors
    /// Says what can be named.
    pub fn parse(text: &str) -> std::result::Result<Past, String> {
        if let Ok(id) = text.parse::<i64>() {
            return Ok(Past::Snapshot(id));
        }
        if let Ok(ago) = humantime::parse_duration(text) {
            return Ok(Past::Ago(ago));
        }
        let path = PathBuf::from(text);
        match path.exists() {
            true => Ok(Past::File(path)),
            false => Err("this is no duration (24h), no snapshot's number, and no file".to_owned()),
        }
    }
}

/// Where a span ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Now.
    Now,
    /// At a moment in the past.
    Past(Past),
}

/// Who asks what.
pub struct Inquiry<'a> {
    /// Where.
    pub session: &'a Session,
    /// How statements are counted there.
    pub extension: &'a Extension,
    /// Of this database; `None`: of all.
    pub database: Option<Oid>,
}

impl Inquiry<'_> {
    /// What statements did since then.
    ///
    /// # Errors
    /// `Usage` where there is no such moment, `Unsupported` where there are no snapshots at all; those
    /// of the connection and of the queries.
    pub async fn span(&self, since: &Past, end: &End) -> Result<Span> {
        let mut span = match since {
            Past::File(path) => Span::from(self.of_file(path)?),
            since => self.since_snapshot(since, end).await?,
        };
        match end {
            End::Now => span.read(load_reading(self.session, self.extension, self.database).await?),
            End::Past(Past::File(path)) => span.read(self.of_file(path)?),
            End::Past(past) if matches!(since, Past::File(_)) => {
                let id = self.find(past).await?.id;
                span.read(self.at(id).await?);
            }
            // The snapshots in between have led there.
            End::Past(_) => {}
        }
        Ok(span)
    }

    async fn since_snapshot(&self, since: &Past, end: &End) -> Result<Span> {
        if self.database.is_none() {
            return Err(Failure::usage(
                "--all-databases needs a file: snapshots know one database",
            )
            .hint("pgtend snapshot --all-databases --file F"));
        }
        let snapshots = self.snapshots().await?;
        let begins = find(&snapshots, since)?;
        let last = match end {
            End::Past(past @ (Past::Ago(_) | Past::Snapshot(_))) => find(&snapshots, past)?.id,
            _ => snapshots.iter().map(|snapshot| snapshot.id).max().unwrap_or(begins.id),
        };
        if last < begins.id {
            return Err(Failure::usage("--until stands before --since"));
        }
        let mut span = Span::from(self.at(begins.id).await?);
        let samples = load_samples(self.session, begins.id, last).await?;
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
            let changes = changes.remove(&snapshot.id).unwrap_or_default();
            span.change(snapshot.moment.clone(), changes.into_iter());
        }
        Ok(span)
    }

    async fn snapshots(&self) -> Result<Vec<Snapshot>> {
        let schema = history::load_schema(self.session).await?;
        schema.require_readable().map_err(|failure| failure.context("there are no snapshots"))?;
        let snapshots = load_snapshots(self.session).await?;
        if snapshots.is_empty() {
            return Err(Failure::usage("no snapshot was taken yet")
                .hint("pgtend snapshot takes one, for example every hour by cron"));
        }
        Ok(snapshots)
    }

    async fn find(&self, past: &Past) -> Result<Snapshot> {
        find(&self.snapshots().await?, past).cloned()
    }

    async fn at(&self, id: i64) -> Result<Reading> {
        let moment = self.find(&Past::Snapshot(id)).await?.moment;
        Ok(Reading { moment, statements: load_state(self.session, id).await? })
    }

    fn of_file(&self, path: &std::path::Path) -> Result<Reading> {
        let mut reading = SnapshotFile::read(path)?.reading();
        let here = |key: &StatementKey| self.database.is_none_or(|here| here == key.dbid);
        reading.statements.retain(|statement| here(&statement.key));
        Ok(reading)
    }

    /// The texts of these statements: from this machine's cache, from the snapshots, and only then
    /// from the server's own file, which it has to read as a whole.
    ///
    /// # Errors
    /// Those of the connection and of the queries.
    pub async fn texts(
        &self,
        keys: impl Iterator<Item = StatementKey>,
        cache: &mut TextCache,
    ) -> Result<HashMap<(Oid, i64), String>> {
        let mut wanted = keys.map(|key| (key.dbid, key.queryid)).collect::<HashSet<_>>();
        let mut texts = HashMap::new();
        for (dbid, queryid) in &wanted {
            if let Some(text) = cache.get(*dbid, *queryid) {
                texts.insert((*dbid, *queryid), text.clone());
            }
        }
        wanted.retain(|key| !texts.contains_key(key));
        let ids =
            |wanted: &HashSet<(Oid, i64)>| wanted.iter().map(|(_, id)| *id).collect::<Vec<_>>();
        if !wanted.is_empty()
            && history::load_schema(self.session).await?.require_readable().is_ok()
        {
            let kept = load_kept_texts(self.session, &ids(&wanted)).await?;
            cache.keep(&kept);
            texts.extend(kept);
            wanted.retain(|key| !texts.contains_key(key));
        }
        if !wanted.is_empty() {
            let unseen = load_texts(self.session, self.extension, &ids(&wanted)).await?;
            cache.keep(&unseen);
            texts.extend(unseen);
        }
        Ok(texts)
    }

    /// What a statement did from one snapshot to the next, and since the last, the newest first: when it
    /// ended, and its figures. Empty without snapshots.
    ///
    /// # Errors
    /// Those of the connection and of the queries.
    pub async fn history(&self, key: StatementKey) -> Result<Vec<(String, Figures)>> {
        if history::load_schema(self.session).await?.require_readable().is_err() {
            return Ok(Vec::new());
        }
        let samples = load_statement_samples(self.session, key.queryid, MOST_PAST).await?;
        let samples = samples.into_iter().rev().filter(|past| past.sample.key == key);
        let mut samples = samples.collect::<Vec<_>>();
        if samples.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.read().await?;
        let live = now.statements.into_iter().find(|statement| statement.key == key);
        samples.push(PastSample {
            shown_at: "since then".to_owned(),
            moment: now.moment,
            sample: Sample { snapshot: i64::MAX, key, statement: live },
        });
        Ok(steps(samples))
    }

    /// Samples the counters once.
    ///
    /// # Errors
    /// Those of the connection and of the queries.
    pub async fn read(&self) -> Result<Reading> {
        load_reading(self.session, self.extension, self.database).await
    }
}

/// So many snapshots of a statement are looked at.
const MOST_PAST: i64 = 50;

/// The figures from each sample to the next, the newest first.
fn steps(samples: Vec<PastSample>) -> Vec<(String, Figures)> {
    let mut steps = Vec::new();
    let mut before = Reading::default();
    for PastSample { shown_at, moment, sample } in samples {
        if steps.is_empty() {
            before.moment = moment.clone();
        }
        let mut span = Span::from(before);
        let change = match sample.statement.clone() {
            Some(statement) => Change::Now(Box::new(statement)),
            None => Change::Gone(sample.key),
        };
        span.change(moment.clone(), std::iter::once(change));
        let figures = span.counted().first().map(|counted| counted.figures);
        steps.extend(figures.map(|figures| (shown_at, figures)));
        before = Reading { moment, statements: sample.statement.into_iter().collect() };
    }
    steps.reverse();
    steps
}

fn find<'s>(snapshots: &'s [Snapshot], past: &Past) -> Result<&'s Snapshot> {
    let (found, wanted) = match past {
        Past::Ago(ago) => (
            snapshots.iter().find(|snapshot| snapshot.ago >= *ago),
            format!("no snapshot is as old as {}", figures::duration(*ago)),
        ),
        Past::Snapshot(id) => (
            snapshots.iter().find(|snapshot| snapshot.id == *id),
            format!("there is no snapshot {id}"),
        ),
        Past::File(path) => (None, format!("{} is no snapshot of this database", path.display())),
    };
    found.ok_or_else(|| Failure::usage(wanted).hint(available(snapshots)))
}

fn available(snapshots: &[Snapshot]) -> String {
    let name =
        |snapshot: &Snapshot| format!("{} ({} ago)", snapshot.id, figures::duration(snapshot.ago));
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

/// The circumstances of a span that make its figures less than the whole truth, in words.
pub fn gaps(span: &Span) -> Vec<String> {
    let mut gaps = Vec::new();
    if span.resets > 0 {
        gaps.push(format!(
            "the counters were reset {} meanwhile; what was done between the last snapshot before \
             and the reset is missing",
            figures::count(span.resets, "time", "times")
        ));
    }
    let evictions = usize::try_from(span.evictions()).unwrap_or(0);
    if evictions > 0 {
        gaps.push(format!(
            "the server had to forget rarely executed statements ({}) because there are more than \
             pg_stat_statements.max; what they did is missing in part",
            figures::count(evictions, "round of evictions", "rounds of evictions")
        ));
    }
    if span.has_restarted() {
        gaps.push(
            "the server was started anew meanwhile; after a crash the counters begin anew"
                .to_owned(),
        );
    }
    gaps
}
