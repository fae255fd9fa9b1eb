//! What checks came to, together.

use super::{Check, FailOn, Finding, Severity};
use crate::format;

/// The checks that were made, and what they found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// In their order.
    pub checks: Vec<Check>,
    /// In the order of the checks.
    pub findings: Vec<Finding>,
    /// The servers' names, where it was made on several.
    pub servers: Vec<String>,
    fails_on: FailOn,
}

impl Review {
    /// Nothing yet.
    pub fn new(fails_on: FailOn) -> Self {
        Review {
            checks: Vec::new(),
            findings: Vec::new(),
            servers: Vec::new(),
            fails_on,
        }
    }

    /// Whether anything was found that fails.
    pub fn is_failed(&self) -> bool {
        self.findings.iter().any(|finding| self.fails(finding))
    }

    /// Whether this finding fails.
    pub fn fails(&self, finding: &Finding) -> bool {
        self.fails_on.fails(finding)
    }

    /// Each check with its own findings.
    pub fn by_check(&self) -> impl Iterator<Item = (&Check, Vec<&Finding>)> {
        self.checks.iter().map(|check| {
            let own = self.findings.iter().filter(|finding| {
                let shares = |server| finding.servers.contains(server);
                finding.check == Some(check.name) && check.servers.iter().all(shares)
            });
            (check, own.collect())
        })
    }

    /// What is wrong, and on which servers where it is not on all of several.
    pub fn message_of(&self, finding: &Finding) -> String {
        let message = &finding.message;
        match finding.servers.len() < self.servers.len() {
            true => format!("{message} (only on {})", finding.servers.join(", ")),
            false => message.clone(),
        }
    }

    /// A check's name, with its server's where there are several.
    pub fn name_of(&self, check: &Check) -> String {
        format!("{}{}", check.name, self.place_of(check))
    }

    /// ` on 15.4`; nothing where there is one server.
    pub fn place_of(&self, check: &Check) -> String {
        match self.servers.as_slice() {
            [] => String::new(),
            _ => format!(" on {}", check.servers.join(", ")),
        }
    }
}

/// `1 critical, 1 error, 2 warnings, 3 notes`; `None` if there is nothing.
pub fn counted(findings: &[Finding]) -> Option<String> {
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let counts = [
        (of(Severity::Critical), "critical", "critical"),
        (of(Severity::Error), "error", "errors"),
        (of(Severity::Warning), "warning", "warnings"),
        (of(Severity::Info), "note", "notes"),
    ]
    .into_iter()
    .filter(|(number, ..)| *number > 0)
    .map(|(number, one, many)| format::count(number, one, many));
    Some(counts.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
}
