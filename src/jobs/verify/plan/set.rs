//! What the session has set, and which statement did it.

use std::collections::HashMap;

use super::observed::Done;
use crate::facts::observed::Timeout;
use crate::findings::Place;

/// What is known of the session's settings.
#[derive(Debug, Clone, Default)]
pub struct KnownSettings {
    now: HashMap<String, Option<String>>,
    /// The last statement after which a setting had a value.
    set_at: HashMap<(String, String), Place>,
    /// Statements since the last look, and how many of them stand before the open transaction.
    unseen: Vec<Done>,
    before_transaction: usize,
    /// What sessions begin with, before the first migration and before this one: `name=value`.
    defaults: Option<(Vec<String>, Vec<String>)>,
}

/// A timeout that ends a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeoutInForce {
    pub name: String,
    pub value: String,
    pub since: Since,
}

/// Why a timeout is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// That statement has set it.
    Statement(Place),
    /// Nobody knows.
    Unknown,
    /// ALTER DATABASE or ALTER ROLE: a later deployment begins with it.
    NextSession,
}

impl KnownSettings {
    /// The next migration begins.
    pub fn begin(&mut self, defaults: &[String]) {
        let (_, now) = self.defaults.get_or_insert_with(|| (defaults.to_vec(), Vec::new()));
        *now = defaults.to_vec();
    }

    /// A statement is sent after which nobody looks.
    pub fn passed_over(&mut self, done: Done) {
        self.unseen.push(done);
    }

    pub fn begin_transaction(&mut self) {
        self.before_transaction = self.unseen.len();
    }

    /// ROLLBACK takes back what SET did since BEGIN (PostgreSQL documentation, SET).
    pub fn roll_back(&mut self) {
        self.unseen.truncate(self.before_transaction);
    }

    /// These are the settings after a statement. Where nobody has looked in between, it is the last
    /// statement that names the setting.
    pub fn see(&mut self, now: &HashMap<String, Option<String>>, place: Option<&Place>) {
        let unseen = std::mem::take(&mut self.unseen);
        self.before_transaction = 0;
        for (name, value) in now {
            let is_same = self.now.get(name).is_none_or(|before| before == value);
            let Some(value) = value.as_ref().filter(|_| !is_same) else {
                continue;
            };
            let named = unseen.iter().rev().find(|done| done.text.to_lowercase().contains(name));
            if let Some(place) = named.map(|done| &done.place).or(place) {
                self.set_at.insert((name.clone(), value.clone()), place.clone());
            }
        }
        self.now.clone_from(now);
    }

    /// Which of the timeouts end the statement that is sent next, here or in a later deployment.
    pub fn in_force(&mut self, timeouts: &[Timeout]) -> Vec<TimeoutInForce> {
        let now = timeouts.iter().map(|one| (one.name.clone(), Some(one.value.clone())));
        let others = self.now.iter().map(|(name, value)| (name.clone(), value.clone()));
        let now = others.chain(now).collect();
        self.see(&now, None);
        timeouts.iter().filter_map(|timeout| self.one_in_force(timeout)).collect()
    }

    fn one_in_force(&self, timeout: &Timeout) -> Option<TimeoutInForce> {
        let Timeout { name, value, is_own } = timeout;
        if !is_none(value) {
            let place = self.set_at.get(&(name.clone(), value.clone())).cloned();
            let since = place.map_or(Since::Unknown, Since::Statement);
            return Some(TimeoutInForce { name: name.clone(), value: value.clone(), since });
        }
        let value = self.default(name).filter(|value| !is_own && !is_none(value))?;
        let (name, value) = (name.clone(), value.to_owned());
        Some(TimeoutInForce { name, value, since: Since::NextSession })
    }

    /// What the migrations before this one have made the default.
    fn default(&self, name: &str) -> Option<&str> {
        let (before, now) = self.defaults.as_ref()?;
        let new = now.iter().filter(|one| !before.contains(one));
        let mut named = new.filter_map(|one| one.split_once('='));
        named.find(|(of, _)| *of == name).map(|(_, value)| value)
    }
}

/// 0 in any unit is no timeout.
fn is_none(value: &str) -> bool {
    let number = value.trim().trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    number.parse::<f64>().is_ok_and(|number| number == 0.0)
}
