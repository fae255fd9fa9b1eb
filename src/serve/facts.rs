//! What is known of a target at one moment. It is never changed: the next moment has its own.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::list::Rows;
use super::metrics::{Costly, Figures};
use super::rows::Partly;
use super::rows::relations::Listed;
use super::rows::statements::Details;
use super::runs::Runs;
use crate::config::ServeConfig;
use crate::facts::Progress;
use crate::jobs::activity::report::{Look, waits as is_waiting};
use crate::jobs::check::glance::Glance;
use crate::jobs::check::plan::Judgement;

/// A target as it was last seen.
#[derive(Debug, Clone)]
pub struct Facts {
    /// As people call it.
    pub name: String,
    /// As it stands in addresses.
    pub slug: String,
    /// Rises with each change, of any target.
    pub generation: u64,
    pub connection: Connection,
    /// The server, once it has answered.
    pub server: Option<ServerFacts>,
    pub check: Section<Checked>,
    pub activity: Section<Active>,
    pub statements: Section<Statements>,
    pub runs: Section<Runs>,
    pub plan: Section<Rows>,
    pub advice: Section<Rows>,
    /// How much ran, from look to look.
    pub load: Arc<VecDeque<Load>>,
}

/// Whether it can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// Nothing has answered yet.
    Begun,
    Up(Timestamp),
    /// Since when not, and why.
    Lost(Timestamp, String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    pub database: String,
    pub version: String,
    pub role: String,
}

/// Facts that are taken together, at their own times.
#[derive(Debug)]
pub struct Section<T> {
    pub name: &'static str,
    pub every: Duration,
    /// The last that were had, and when.
    pub seen: Option<(Arc<T>, Timestamp)>,
    /// When they were last asked for.
    looked: Option<Timestamp>,
    /// Why there are none, or none newer.
    pub why_not: Option<String>,
    /// The generation in which that changed.
    generation: u64,
}

/// What `check` found.
#[derive(Debug)]
pub struct Checked {
    pub judgement: Judgement,
    pub glance: Glance,
    pub findings: Rows,
    pub tables: Listed,
    pub indexes: Listed,
    pub views: Listed,
    pub settings: Partly,
    pub replication: Partly,
    pub figures: Figures,
}

/// What runs, who waits for whom, and how far what takes long is.
#[derive(Debug)]
pub struct Active {
    pub look: Look,
    pub rows: Rows,
    pub progress: Vec<Progress>,
}

/// The statements that take the most time.
#[derive(Debug, Default)]
pub struct Statements {
    pub rows: Rows,
    pub totals: Value,
    pub warnings: Vec<String>,
    /// What the last deeper look told of the first of them.
    pub details: Arc<Details>,
    /// When, and how many executions a second, from look to look, by the rows' ids.
    pub curves: HashMap<String, Vec<(i64, f64)>>,
    /// Those that metrics tell of.
    pub costliest: Vec<Costly>,
    /// How much ran from snapshot to snapshot.
    pub past: Arc<Vec<Load>>,
}

/// How much ran between two looks, or two snapshots.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Seconds since 1970.
    pub at: i64,
    pub calls_per_second: f64,
    /// How many statements ran at once, on average.
    pub running: f64,
    /// `None` where WAL is not counted.
    pub wal_bytes_per_second: Option<f64>,
}

impl Active {
    /// How many sessions wait for a lock.
    pub fn waiting(&self) -> usize {
        self.look.nodes.iter().filter(|node| is_waiting(&node.session)).count()
    }
}

impl<T> Clone for Section<T> {
    fn clone(&self) -> Self {
        Section {
            seen: self.seen.clone(),
            why_not: self.why_not.clone(),
            ..*self
        }
    }
}

impl<T> Section<T> {
    pub fn new(name: &'static str, every: Duration) -> Self {
        Section {
            name,
            every,
            seen: None,
            looked: None,
            why_not: None,
            generation: 0,
        }
    }

    pub fn known(&self) -> Option<&T> {
        self.seen.as_ref().map(|(facts, _)| facts.as_ref())
    }

    /// Younger than three of its ticks. Of what this database does not have, the question is.
    fn is_fresh(&self, now: Timestamp) -> bool {
        let at = match &self.seen {
            Some((_, at)) => Some(*at),
            None => self.looked,
        };
        at.is_some_and(|at| since(at, now) <= self.every * 3)
    }

    /// Whether it was asked for at all.
    pub fn was_looked_at(&self) -> bool {
        self.looked.is_some()
    }

    pub fn note(&mut self, seen: Result<T, String>, generation: u64) {
        let now = Timestamp::now();
        self.looked = Some(now);
        self.generation = generation;
        match seen {
            Ok(facts) => {
                self.seen = Some((Arc::new(facts), now));
                self.why_not = None;
            }
            Err(why) => self.why_not = Some(why),
        }
    }

    /// What is not known of it, for documents.
    pub fn unknown(&self) -> Option<String> {
        match (&self.why_not, &self.seen) {
            (Some(why), _) => Some(format!("{}: {why}", self.name)),
            (None, None) => Some(format!("{}: not looked at yet", self.name)),
            (None, Some(_)) => None,
        }
    }

    /// `as of 2026-11-28 07:12:03 UTC`, and what has happened since.
    pub fn as_of(&self) -> String {
        let as_of = self.seen.as_ref().map(|(_, at)| format!("as of {}", shown(*at)));
        match (as_of, &self.why_not) {
            (Some(as_of), None) => as_of,
            (Some(as_of), Some(why)) => format!("{as_of}; not newer, because {why}"),
            (None, Some(why)) => format!("not known: {why}"),
            (None, None) => "not looked at yet".to_owned(),
        }
    }
}

fn since(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}

/// The parts of a section that do not depend on what its facts are.
trait AnySection {
    fn age(&self, now: Timestamp) -> Option<(&'static str, Duration)>;
    fn changed(&self, known: u64) -> Option<&'static str>;
    fn was_looked_at(&self) -> bool;
    fn unknown(&self) -> Option<String>;
}

impl<T> AnySection for Section<T> {
    fn age(&self, now: Timestamp) -> Option<(&'static str, Duration)> {
        let (_, at) = self.seen.as_ref()?;
        Some((self.name, since(*at, now)))
    }

    fn changed(&self, known: u64) -> Option<&'static str> {
        (self.generation > known).then_some(self.name)
    }

    fn was_looked_at(&self) -> bool {
        Section::was_looked_at(self)
    }

    fn unknown(&self) -> Option<String> {
        Section::unknown(self)
    }
}

impl Facts {
    /// Of a target that was not looked at yet.
    pub fn new(name: &str, slug: String, config: &ServeConfig) -> Self {
        Facts {
            name: name.to_owned(),
            slug,
            generation: 0,
            connection: Connection::Begun,
            server: None,
            check: Section::new("checks", config.check),
            activity: Section::new("activity", config.activity),
            statements: Section::new("statements", config.statements),
            runs: Section::new("runs", config.statements),
            plan: Section::new("plan", config.check),
            advice: Section::new("advice", config.check),
            load: Arc::default(),
        }
    }

    fn sections(&self) -> [&dyn AnySection; 6] {
        [
            &self.check,
            &self.activity,
            &self.statements,
            &self.runs,
            &self.plan,
            &self.advice,
        ]
    }

    /// Why the target cannot be asked, where it cannot.
    pub fn lost_words(&self) -> Option<&str> {
        match &self.connection {
            Connection::Lost(_, why) => Some(why),
            Connection::Begun | Connection::Up(_) => None,
        }
    }

    /// Whether what the pages show is not much older than it should be.
    pub fn is_ready(&self, now: Timestamp) -> bool {
        self.activity.is_fresh(now) && self.statements.is_fresh(now)
    }

    /// Whether all was looked at once, or cannot be.
    pub fn is_whole(&self) -> bool {
        let is_lost = matches!(self.connection, Connection::Lost(..));
        is_lost || self.sections().iter().all(|section| section.was_looked_at())
    }

    /// How old each kind of facts is.
    pub fn ages(&self, now: Timestamp) -> Vec<(&'static str, Duration)> {
        self.sections().iter().filter_map(|section| section.age(now)).collect()
    }

    /// What has changed since this generation.
    pub fn changed(&self, known: u64) -> Vec<&'static str> {
        self.sections().iter().filter_map(|section| section.changed(known)).collect()
    }

    /// What is not known of it, for documents.
    pub fn unknown(&self) -> Vec<String> {
        let lost = self.lost_words().map(|why| format!("connection: {why}"));
        let sections = self.sections();
        let unknown = sections.iter().filter_map(|section| section.unknown());
        lost.into_iter().chain(unknown).collect()
    }

    /// How the connection is, in one word.
    pub fn connection_name(&self) -> &'static str {
        match self.connection {
            Connection::Begun => "connecting",
            Connection::Up(_) => "connected",
            Connection::Lost(..) => "lost",
        }
    }

    /// How the connection is, in words.
    pub fn connection_words(&self) -> String {
        match &self.connection {
            Connection::Begun => "connecting".to_owned(),
            Connection::Up(since) => format!("connected since {}", shown(*since)),
            Connection::Lost(since, why) => format!("not connected since {}: {why}", shown(*since)),
        }
    }
}

/// A moment as people read it, to the second and with its zone.
pub fn shown(moment: Timestamp) -> String {
    let zoned = moment.to_zoned_datetime(TimeZone::system());
    zoned.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// A moment as programs read it, to the second.
pub fn written(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
