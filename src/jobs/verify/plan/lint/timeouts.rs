//! Timeouts that are in force when a concurrent statement is sent.

use std::collections::{BTreeMap, HashMap};

use squawk_syntax::ast::{Rollback, Stmt};

use super::concurrent::Concurrent;
use super::settings::{Change, Holds, changes};
use crate::facts::observed;
use crate::findings::{Finding, Place, Rule};
use crate::jobs::verify::plan::parsed::Parsed;

/// Each of them ends a concurrent statement half-way: lock_timeout counts for every transaction
/// that it waits for, not only for the lock on the table.
const TIMEOUTS: [&str; 3] = ["lock_timeout", "statement_timeout", "transaction_timeout"];

/// A timeout's value, and where it was set.
#[derive(Debug, Clone)]
struct Timeout {
    value: String,
    /// `None`: no statement says it.
    source: Option<String>,
}

type Timeouts = BTreeMap<&'static str, Timeout>;

/// The timeouts in force, from file to file: tools keep their connection.
#[derive(Debug, Default)]
pub struct InForce {
    session: Timeouts,
    /// As the session began the transaction that the script has begun itself.
    before: Option<Timeouts>,
    /// What the database or the role brings into sessions that begin later.
    defaults: Timeouts,
    /// What this file adds to the defaults: only a later deployment has a new session for certain.
    later: Timeouts,
}

impl InForce {
    /// What the script sends while a timeout is in force. Where it is wrapped the server refuses
    /// concurrent statements anyway.
    ///
    /// `seen`: with which timeouts the server was sent what it ran; that counts more than what the
    /// text says of the session, which functions and DO change without a word.
    pub fn check(
        &mut self,
        parsed: &Parsed<'_>,
        seen: &HashMap<Place, observed::Timeouts>,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        for statement in &parsed.statements {
            self.transaction(statement);
            for change in changes(statement) {
                self.change(&change, || parsed.source(statement));
            }
            if let Some(concurrent) = Concurrent::of(statement)
                && !parsed.is_wrapped()
            {
                let place = parsed.place_of(statement);
                let in_force = self.in_force(seen.get(&place));
                findings.extend(finding(place, &in_force, concurrent));
            }
        }
        self.before = None;
        self.defaults.clone_from(&self.later);
        findings
    }

    /// After a file that cannot be read.
    pub fn forget(&mut self) {
        *self = InForce::default();
    }

    /// ROLLBACK takes back what SET did since BEGIN (PostgreSQL documentation, SET).
    fn transaction(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Begin(_) => self.before = Some(self.session.clone()),
            Stmt::Commit(_) => self.before = None,
            Stmt::Rollback(Rollback::RollbackTransaction(_)) => {
                if let Some(before) = self.before.take() {
                    self.session = before;
                }
            }
            _ => {}
        }
    }

    fn change(&mut self, change: &Change, source: impl Fn() -> String) {
        for timeout in TIMEOUTS {
            if change.setting.as_ref().is_some_and(|setting| setting != timeout) {
                continue;
            }
            let timeouts = match change.holds {
                Holds::Session => &mut self.session,
                Holds::LaterSessions => &mut self.later,
                // No concurrent statement stands in the transaction with it.
                Holds::Transaction => continue,
            };
            match &change.value {
                Some(value) => {
                    timeouts
                        .insert(timeout, Timeout { value: value.clone(), source: Some(source()) });
                }
                None => drop(timeouts.remove(timeout)),
            }
        }
    }

    /// What is in force: of the session as it was seen, and what a later deployment begins with.
    fn in_force(&self, seen: Option<&observed::Timeouts>) -> Vec<(&'static str, Timeout)> {
        let is_set = |timeout: &Timeout| !is_none(&timeout.value);
        let in_force = TIMEOUTS.iter().filter_map(|name| {
            let told = self.session.get(name);
            let of_session = match seen {
                None => told.cloned(),
                Some(seen) => {
                    let value = seen.get(*name).cloned().flatten().filter(|value| !is_none(value));
                    let is_told = told.filter(|timeout| is_set(timeout)).cloned();
                    value.map(|value| is_told.unwrap_or(Timeout { value, source: None }))
                }
            };
            let by_default = || self.defaults.get(name).filter(|_| told.is_none()).cloned();
            let timeout = of_session.or_else(by_default).filter(is_set)?;
            Some((*name, timeout))
        });
        in_force.collect()
    }
}

fn finding(place: Place, in_force: &[(&str, Timeout)], concurrent: Concurrent) -> Option<Finding> {
    if in_force.is_empty() {
        return None;
    }
    let told = in_force.iter().map(|(name, Timeout { value, source })| match source {
        Some(source) => format!("{name} is {value} (set at {source})"),
        None => format!("{name} is {value} when this is sent"),
    });
    let unset = in_force.iter().map(|(name, _)| format!("SET {name} = 0"));
    let message = format!(
        "{}; when that ends {} half-way, it leaves {}",
        told.collect::<Vec<_>>().join(" and "),
        concurrent.words(),
        concurrent.leaves(),
    );
    let help = format!(
        "write before it: {}; where the tool sends a file whole, in a migration before this one. \
         While the statement waits it blocks nobody who reads or writes",
        unset.collect::<Vec<_>>().join("; "),
    );
    Some(Finding::new(&Rule::TIMEOUT_BEFORE_CONCURRENT, Some(place), message).help(help))
}

/// 0 in any unit is no timeout.
fn is_none(value: &str) -> bool {
    let number = value.trim().trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    number.parse::<f64>().is_ok_and(|number| number == 0.0)
}
