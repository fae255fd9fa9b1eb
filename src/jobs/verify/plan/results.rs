//! What the checks found, and what that makes of the migrations.

use std::time::{Duration, Instant};

use clap::ValueEnum;

use super::{
    Applied, CheckName, ExistingTables, HeldLock, VerifiedOn, applied, lint, locks, syntax,
};
use crate::declared::changed::Changed;
use crate::declared::migrations::{Layout, Migration};
use crate::findings::{
    Check, CheckVerdict, FailOn, Finding, IgnoreUse, Ignores, Review, Rule, counted,
};
use crate::format;
use crate::pg::version::ServerVersion;

/// How migrations are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaidOut {
    /// As which tool does it.
    pub layout: Layout,
    /// Nothing says so for sure.
    pub is_guessed: bool,
}

impl LaidOut {
    /// The layout's name on the command line.
    pub fn layout_name(self) -> String {
        let value = self.layout.to_possible_value();
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// All that was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyResults {
    /// On which servers.
    pub verified_on: Vec<VerifiedOn>,
    /// The checks, and what they found.
    pub review: Review,
    /// Which statement locked what that was there before, in the order of the statements.
    pub locks: Vec<HeldLock>,
    /// How the migrations are laid out, where that is known.
    pub laid_out: Option<LaidOut>,
    /// How many there are.
    pub migrations: usize,
    changed: Option<Changed>,
    pub(super) left_out: usize,
    ignores: Ignores,
}

impl VerifyResults {
    /// Nothing yet; what fails is said by a severity, or by more than that.
    pub fn new(fails_on: impl Into<FailOn>) -> Self {
        VerifyResults {
            verified_on: Vec::new(),
            review: Review::new(fails_on.into()),
            locks: Vec::new(),
            laid_out: None,
            migrations: 0,
            changed: None,
            left_out: 0,
            ignores: Ignores::default(),
        }
    }

    /// With findings that are not to be told.
    #[must_use]
    pub fn ignoring(self, ignores: Ignores) -> Self {
        VerifyResults { ignores, ..self }
    }

    /// Of migrations that are laid out so.
    #[must_use]
    pub fn laid_out(self, laid_out: LaidOut, migrations: usize) -> Self {
        VerifyResults { laid_out: Some(laid_out), migrations, ..self }
    }

    /// The same, which leaves out findings in files that have not changed. What stands in no file,
    /// and that the migrations cannot be applied, is told all the same.
    #[must_use]
    pub fn only(self, changed: Option<Changed>) -> Self {
        VerifyResults { changed, ..self }
    }

    /// Since which commit a file must have changed, and how many findings that has left out.
    pub fn left_out(&self) -> Option<(&str, usize)> {
        self.changed.as_ref().map(|changed| (changed.commit(), self.left_out))
    }

    /// Judges the files' syntax. A file that the server has applied nevertheless is SQL that only
    /// our parser does not know.
    pub fn parse(&mut self, migrations: &[Migration], applied: &Applied) {
        let started = Instant::now();
        let mut findings = Vec::new();
        for (at, migration) in migrations.iter().enumerate() {
            let is_applied = at < applied.migrations;
            let refused = applied.refused.as_ref().filter(|_| at == applied.migrations);
            let found = syntax::check(&migration.up, is_applied);
            findings.extend(found.map(|finding| syntax::as_refused(finding, refused)));
        }
        let reason = format::count(migrations.len(), "migration", "migrations");
        self.add(CheckName::Parse, started.elapsed(), findings, &reason);
    }

    /// Judges what the server said.
    pub fn apply(&mut self, migrations: &[Migration], applied: &Applied) {
        let all = format::count(migrations.len(), "migration", "migrations");
        let reason = format!("{} of {all} applied", format::number(applied.migrations));
        let findings = applied.refused.iter().map(applied::finding).collect();
        self.add(CheckName::Apply, applied.took, findings, &reason);
        // What the server says of a syntax error is said already.
        let syntax = self.review.findings.iter().filter(|finding| finding.is(&Rule::SYNTAX));
        let said = syntax.map(|finding| finding.place.clone()).collect::<Vec<_>>();
        self.review
            .findings
            .retain(|one| !(one.is(&Rule::NOT_APPLIED) && said.contains(&one.place)));
    }

    /// Judges the indexes and keys that are there afterwards.
    pub fn indexes(&mut self, findings: Vec<Finding>, took: Duration) {
        let reason = "every index is valid and of use";
        self.add(CheckName::Indexes, took, findings, reason);
    }

    /// Judges what the migrations that were applied locked.
    pub fn locks(&mut self, applied: &Applied, existing: ExistingTables) {
        let started = Instant::now();
        let (locks, findings) = locks::judge(&applied.observed, existing);
        let reason = match locks.len() {
            0 => "no table that was there before is locked".to_owned(),
            taken => {
                let taken = format::count(taken, "lock", "locks");
                format!("{taken} on tables that were there before, none while it takes long")
            }
        };
        self.locks = locks;
        self.add(CheckName::Locks, started.elapsed(), findings, &reason);
    }

    /// Says that a check could not be made, and why.
    pub fn skip(&mut self, name: CheckName, reason: &str) {
        let reason = Some(reason.to_owned());
        let (verdict, took, servers) = (CheckVerdict::Skipped, Duration::ZERO, Vec::new());
        let check = Check {
            name: name.name(),
            verdict,
            took,
            reason,
            suppressed: 0,
            servers,
        };
        self.review.checks.push(check);
    }

    /// Says in other words what the last check came to.
    pub fn remark(&mut self, reason: &str) {
        if let Some(check) = self.review.checks.last_mut() {
            check.reason = Some(reason.to_owned());
        }
    }

    /// Says more of what the last check came to.
    pub fn append(&mut self, more: &str) {
        if let Some(Check { reason: Some(reason), .. }) = self.review.checks.last_mut() {
            reason.push_str(&format!("; {more}"));
        }
    }

    /// Judges by the rules of squawk, and by ours that judge statements one by one.
    pub fn lint(&mut self, migrations: &[Migration], applied: &Applied, version: ServerVersion) {
        let started = Instant::now();
        let linted = lint::check(migrations, applied, version);
        let unjudged = linted.unjudged;
        if unjudged == migrations.len() && unjudged > 0 {
            return self.skip(CheckName::Lint, "nothing can be parsed");
        }
        let findings = self.merged(linted.findings);
        self.add(CheckName::Lint, started.elapsed(), findings, "nothing found");
        if unjudged > 0 {
            let files = format::count(unjudged, "migration", "migrations");
            self.append(&format!("{files} not judged, because of the syntax"));
        }
    }

    /// Judges what is suppressed, after all else; no check is made where nothing is to be.
    pub fn ignores(&mut self) {
        if self.ignores.is_empty() {
            return;
        }
        let started = Instant::now();
        let findings = self.ignores.judge(self.looked(), lint::judges);
        let suppressed = self.review.checks.iter().map(|check| check.suppressed).sum();
        let reason = format::count(suppressed, "finding suppressed", "findings suppressed");
        self.add(CheckName::Ignores, started.elapsed(), findings, &reason);
    }

    fn looked(&self) -> IgnoreUse {
        if self.review.findings.iter().any(|finding| finding.is(&Rule::SYNTAX)) {
            IgnoreUse::SomeFiles
        } else if self.review.findings.iter().any(Finding::is_refusal) {
            IgnoreUse::Files
        } else {
            IgnoreUse::Everything
        }
    }

    /// Without what the server said already: of a statement that it refuses in a transaction, the
    /// rule that knows the reason says the more.
    fn merged(&mut self, mut findings: Vec<Finding>) -> Vec<Finding> {
        for refused in self.review.findings.iter_mut().filter(|one| one.is(&Rule::IN_TRANSACTION)) {
            let same = |one: &Finding| {
                one.is(&Rule::CONCURRENT_IN_ONE_MESSAGE) && one.place == refused.place
            };
            if let Some(at) = findings.iter().position(same) {
                let more = findings.remove(at);
                let message = refused.message.clone();
                *refused = Finding { message, check: refused.check, ..more };
            }
        }
        findings
    }

    fn is_told(&self, finding: &Finding) -> bool {
        match (&self.changed, &finding.place) {
            (Some(changed), Some(place)) => finding.is_refusal() || changed.holds(&place.at.file),
            _ => true,
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
        let (findings, suppressed) = self.ignores.sift(findings);
        let all = findings.len();
        let findings =
            findings.into_iter().filter(|finding| self.is_told(finding)).collect::<Vec<_>>();
        self.left_out += all - findings.len();
        let failed = findings.iter().any(|finding| self.review.fails(finding));
        let verdict = if failed {
            CheckVerdict::Failed
        } else {
            CheckVerdict::Passed
        };
        let mut reason = match name {
            CheckName::Apply => otherwise.to_owned(),
            _ => counted(&findings).unwrap_or_else(|| otherwise.to_owned()),
        };
        if suppressed > 0 {
            reason.push_str(&format!("; {suppressed} suppressed"));
        }
        let (name, reason, servers) = (name.name(), Some(reason), Vec::new());
        self.review
            .checks
            .push(Check { name, verdict, took, reason, suppressed, servers });
        let check = Some(name);
        self.review
            .findings
            .extend(findings.into_iter().map(|finding| Finding { check, ..finding }));
    }
}
