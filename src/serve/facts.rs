//! What is known of a target at one moment. It is never changed: the next moment has its own.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::list::Rows;
use super::rows::relations::Listed;
use crate::config::ServeConfig;
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
    /// Rises with each change.
    pub generation: u64,
    pub connection: Connection,
    /// The server, once it has answered.
    pub server: Option<ServerFacts>,
    pub check: Section<Checked>,
    pub activity: Section<Active>,
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
    /// Why there are none, or none newer.
    pub why_not: Option<String>,
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
}

/// What runs, and who waits for whom.
#[derive(Debug)]
pub struct Active {
    pub look: Look,
    pub rows: Rows,
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
            name: self.name,
            every: self.every,
            seen: self.seen.clone(),
            why_not: self.why_not.clone(),
        }
    }
}

impl<T> Section<T> {
    pub fn new(name: &'static str, every: Duration) -> Self {
        Section { name, every, seen: None, why_not: None }
    }

    pub fn known(&self) -> Option<&T> {
        self.seen.as_ref().map(|(facts, _)| facts.as_ref())
    }

    /// Younger than three of its ticks.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.age(now).is_some_and(|age| age <= self.every * 3)
    }

    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        let (_, at) = self.seen.as_ref()?;
        Some(Duration::try_from(now.duration_since(*at)).unwrap_or_default())
    }

    pub fn note(&mut self, seen: Result<T, String>) {
        match seen {
            Ok(facts) => {
                self.seen = Some((Arc::new(facts), Timestamp::now()));
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

impl Facts {
    /// What is not known of it, for documents.
    pub fn unknown(&self) -> Vec<String> {
        let lost = self.lost_words().map(|why| format!("connection: {why}"));
        let sections = [self.check.unknown(), self.activity.unknown()];
        lost.into_iter().chain(sections.into_iter().flatten()).collect()
    }

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
        }
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
        self.activity.is_fresh(now)
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
