//! The judgement of migrations: what the checks found, and what that makes of them. Nothing here has
//! a connection; what a server said comes as [`Applied`] and as invalid indexes.

pub mod converge;
pub mod down;
pub mod heal;
mod lint;
mod place;
mod rule;
mod syntax;
pub mod views;

use std::time::{Duration, Instant};

use crate::catalog::InvalidIndex;
use crate::declared::migrations::Migration;
use crate::figures;
use crate::pg::server_error::ServerError;
use crate::pg::version::ServerVersion;

pub use place::Place;
pub use rule::Rule;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Severity {
    /// It works, and yet somebody may regret it
    Warning,
    /// It does not work
    Error,
}

impl Severity {
    /// The name in all formats.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// Something that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where, if it stands in a file.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do instead.
    pub help: Option<String>,
}

impl Finding {
    /// A finding of one of our rules, as bad as the rule says.
    pub fn new(rule: &Rule, place: Option<Place>, message: impl Into<String>) -> Self {
        Finding {
            rule: rule.name.to_owned(),
            severity: rule.severity,
            place,
            message: message.into(),
            help: None,
        }
    }

    /// With what to do instead.
    pub fn help(self, help: impl Into<String>) -> Self {
        Finding { help: Some(help.into()), ..self }
    }
}

/// The checks, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckName {
    /// Every file is SQL.
    Parse,
    /// Every migration can be applied, one after the other.
    Apply,
    /// Every index is valid afterwards.
    Indexes,
    /// What the migrations declare is there, and `apply` finds nothing to do.
    Converge,
    /// An index whose build breaks off is mended.
    Heal,
    /// Every materialized view can be refreshed while it is read.
    Views,
    /// The way back restores the schema.
    Down,
    /// Nothing is done that is known to end badly.
    Lint,
}

impl CheckName {
    /// The name in all formats.
    pub fn name(self) -> &'static str {
        match self {
            CheckName::Parse => "parse",
            CheckName::Apply => "apply",
            CheckName::Indexes => "indexes",
            CheckName::Converge => "converge",
            CheckName::Heal => "heal",
            CheckName::Views => "views",
            CheckName::Down => "down",
            CheckName::Lint => "lint",
        }
    }
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It found nothing that fails.
    Passed,
    /// It found something that does.
    Failed,
    /// It could not be made.
    Skipped,
}

impl Verdict {
    /// The name in all formats.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Skipped => "skipped",
        }
    }
}

/// A check that was made, or skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which.
    pub name: CheckName,
    /// What it came to.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
    /// What there is to say about it.
    pub reason: Option<String>,
}

/// What the server made of the migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// How many were applied whole, from the first on.
    pub migrations: usize,
    /// Why the next one was not.
    pub refused: Option<Refused>,
    /// How long it took.
    pub took: Duration,
}

/// A statement that the server refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where it stands, or where in it the server saw the error.
    pub place: Place,
    /// The server's words.
    pub error: ServerError,
}

/// All that was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// In their order.
    pub checks: Vec<Check>,
    /// In the order of the checks, and in each of the files.
    pub findings: Vec<Finding>,
    fails_on: Severity,
}

impl Judgement {
    /// Nothing yet; findings of this severity and worse fail.
    pub fn new(fails_on: Severity) -> Self {
        Judgement { checks: Vec::new(), findings: Vec::new(), fails_on }
    }

    /// Whether anything was found that fails.
    pub fn is_failed(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity >= self.fails_on)
    }

    /// Judges the files' syntax. A file that the server has applied nevertheless is SQL that only
    /// our parser does not know.
    pub fn parse(&mut self, migrations: &[Migration], applied: &Applied) {
        let started = Instant::now();
        let mut findings = Vec::new();
        for (at, migration) in migrations.iter().enumerate() {
            let is_applied = at < applied.migrations;
            findings.extend(syntax::check(&migration.up, is_applied));
        }
        let reason = figures::count(migrations.len(), "migration", "migrations");
        self.add(CheckName::Parse, started.elapsed(), findings, &reason);
    }

    /// Judges what the server said.
    pub fn apply(&mut self, migrations: &[Migration], applied: &Applied) {
        let all = figures::count(migrations.len(), "migration", "migrations");
        let reason = format!("{} of {all} applied", applied.migrations);
        let findings = applied.refused.iter().map(refusal).collect();
        self.add(CheckName::Apply, applied.took, findings, &reason);
    }

    /// Judges the indexes that are there afterwards.
    pub fn indexes(&mut self, invalid: &[InvalidIndex], took: Duration) {
        let findings = invalid.iter().map(|index| {
            let message = format!("the index {} on {} is invalid", index.name, index.table);
            Finding::new(&Rule::INVALID_INDEX, None, message).help(
                "build it whole; an index of a partitioned table that was made with ON ONLY is valid \
                 when an index of each partition is attached to it",
            )
        });
        self.add(CheckName::Indexes, took, findings.collect(), "every index is valid");
    }

    /// Says that a check could not be made, and why.
    pub fn skip(&mut self, name: CheckName, reason: &str) {
        let reason = Some(reason.to_owned());
        self.checks.push(Check { name, verdict: Verdict::Skipped, took: Duration::ZERO, reason });
    }

    /// Says in other words what the last check came to.
    pub fn remark(&mut self, reason: &str) {
        if let Some(check) = self.checks.last_mut() {
            check.reason = Some(reason.to_owned());
        }
    }

    /// Judges by the rules of squawk.
    pub fn lint(&mut self, migrations: &[Migration], version: ServerVersion) {
        let started = Instant::now();
        let judged = migrations.iter().filter_map(|migration| lint::check(&migration.up, version));
        let judged = judged.collect::<Vec<_>>();
        let unjudged = migrations.len() - judged.len();
        if judged.is_empty() && unjudged > 0 {
            return self.skip(CheckName::Lint, "nothing can be parsed");
        }
        let findings = judged.into_iter().flatten().collect();
        self.add(CheckName::Lint, started.elapsed(), findings, "nothing found");
        if unjudged > 0
            && let Some(Check { reason: Some(reason), .. }) = self.checks.last_mut()
        {
            let files = figures::count(unjudged, "migration", "migrations");
            reason.push_str(&format!("; {files} not judged, because of the syntax"));
        }
    }

    /// Judges by what a check has found; `otherwise` is there to say where that is nothing.
    pub fn add(
        &mut self,
        name: CheckName,
        took: Duration,
        findings: Vec<Finding>,
        otherwise: &str,
    ) {
        let failed = findings.iter().any(|finding| finding.severity >= self.fails_on);
        let verdict = if failed { Verdict::Failed } else { Verdict::Passed };
        let reason = match name {
            CheckName::Apply => otherwise.to_owned(),
            _ => counted(&findings).unwrap_or_else(|| otherwise.to_owned()),
        };
        self.checks.push(Check { name, verdict, took, reason: Some(reason) });
        self.findings.extend(findings);
    }
}

/// `1 error, 2 warnings`; `None` if there is nothing.
pub fn counted(findings: &[Finding]) -> Option<String> {
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let counts =
        [(of(Severity::Error), "error", "errors"), (of(Severity::Warning), "warning", "warnings")];
    let counts = counts.iter().filter(|(number, ..)| *number > 0);
    let counts = counts.map(|(number, one, many)| figures::count(*number, one, many));
    Some(counts.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
}

/// PostgreSQL's SQLSTATE for what may not stand in a transaction (appendix A).
const ACTIVE_SQL_TRANSACTION: &str = "25001";

fn refusal(refused: &Refused) -> Finding {
    let error = &refused.error;
    let in_transaction = error.sqlstate.as_deref() == Some(ACTIVE_SQL_TRANSACTION);
    let rule = if in_transaction { &Rule::IN_TRANSACTION } else { &Rule::NOT_APPLIED };
    let finding = Finding::new(rule, Some(refused.place.clone()), error.to_string());
    match &error.hint {
        _ if in_transaction => finding
            .help("put it in a migration of its own that your tool does not run in a transaction"),
        Some(hint) => finding.help(hint),
        None => finding,
    }
}

#[cfg(test)]
mod tests;
