//! Timeouts that are in force when a concurrent statement is sent.

use std::collections::BTreeMap;

use squawk_syntax::ast::{Rollback, Stmt};

use super::concurrent::Concurrent;
use super::settings::{Change, Holds, changes};
use crate::findings::{Finding, Rule};
use crate::plan::verify::parsed::Parsed;

/// Each of them ends a concurrent statement half-way: lock_timeout counts for every transaction
/// that it waits for, not only for the lock on the table.
const TIMEOUTS: [&str; 3] = ["lock_timeout", "statement_timeout", "transaction_timeout"];

/// A timeout's value, and where it was set.
#[derive(Debug, Clone)]
struct Timeout {
    value: String,
    source: String,
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
    pub fn check(&mut self, parsed: &Parsed<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for statement in &parsed.statements {
            self.transaction(statement);
            for change in changes(statement) {
                self.change(&change, || parsed.source(statement));
            }
            if let Some(concurrent) = Concurrent::of(statement)
                && !parsed.is_wrapped()
            {
                findings.extend(self.finding(parsed, statement, concurrent));
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
                    timeouts.insert(timeout, Timeout { value: value.clone(), source: source() });
                }
                None => drop(timeouts.remove(timeout)),
            }
        }
    }

    fn finding(
        &self,
        parsed: &Parsed<'_>,
        statement: &Stmt,
        concurrent: Concurrent,
    ) -> Option<Finding> {
        let in_force = TIMEOUTS.iter().filter_map(|name| {
            let timeout = self.session.get(name).or_else(|| self.defaults.get(name))?;
            (!is_none(&timeout.value)).then_some((*name, timeout))
        });
        let in_force = in_force.collect::<Vec<_>>();
        if in_force.is_empty() {
            return None;
        }
        let told = in_force.iter().map(|(name, Timeout { value, source })| {
            format!("{name} is {value} (set at {source})")
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
        let place = Some(parsed.place_of(statement));
        Some(Finding::new(&Rule::TIMEOUT_BEFORE_CONCURRENT, place, message).help(help))
    }
}

/// 0 in any unit is no timeout.
fn is_none(value: &str) -> bool {
    let number = value.trim().trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    number.parse::<f64>().is_ok_and(|number| number == 0.0)
}
