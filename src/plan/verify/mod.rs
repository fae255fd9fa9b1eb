//! The judgement of migrations: what the checks found, and what that makes of them. Nothing here has
//! a connection; what a server said comes as [`Applied`] and as invalid indexes.

pub mod converge;
pub mod down;
mod extensions;
mod fail_on;
pub mod heal;
mod ignores;
mod lint;
pub mod locks;
mod merge;
pub mod observed;
mod parsed;
mod place;
mod refusal;
mod rule;
pub mod schema;
mod syntax;
pub mod views;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::declared::changed::Changed;
use crate::declared::migrations::{Migration, Script};
use crate::figures;
use crate::pg::server_error::ServerError;
use crate::pg::version::ServerVersion;
use ignores::Looked;

pub use extensions::{Extensions, IfMissing};
pub use fail_on::FailOn;
pub use ignores::Ignores;
pub use locks::{Existing, HeldLock};
pub use merge::merge;
pub use observed::Observed;
pub use place::Place;
pub use rule::Rule;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It works, and yet somebody may regret it.
    Warning,
    /// It does not work.
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

    /// The severity of that name.
    pub fn named(name: &str) -> Option<Severity> {
        [Severity::Warning, Severity::Error].into_iter().find(|severity| severity.name() == name)
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
    /// The check that found it; filled in by the judgement.
    pub check: Option<CheckName>,
    /// On which servers, by version; filled in by [`merge()`].
    pub servers: Vec<String>,
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
            check: None,
            servers: Vec::new(),
        }
    }

    /// Whether it is one of that rule.
    pub fn is(&self, rule: &Rule) -> bool {
        self.rule == rule.name
    }

    /// With what to do instead.
    pub fn help(self, help: impl Into<String>) -> Self {
        Finding { help: Some(help.into()), ..self }
    }

    /// Whether it says that the migrations cannot be applied: a file is not SQL, or the server
    /// refuses it.
    pub fn is_refusal(&self) -> bool {
        let refusals = [
            Rule::SYNTAX,
            Rule::NOT_APPLIED,
            Rule::IN_TRANSACTION,
            Rule::CONCURRENTLY_ON_PARTITIONED,
            Rule::MISSING_EXTENSION,
        ];
        self.severity == Severity::Error && refusals.iter().any(|rule| rule.name == self.rule)
    }
}

/// The checks, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckName {
    /// Every file is SQL.
    Parse,
    /// Every migration can be applied, one after the other.
    Apply,
    /// Every extension is there; only made where one is created.
    Extensions,
    /// Every index is valid afterwards, and needed.
    Indexes,
    /// What the migrations declare is there, and `apply` finds nothing to do.
    Converge,
    /// An index whose build breaks off is mended.
    Heal,
    /// Every materialized view can be refreshed while it is read.
    Views,
    /// The way back restores the schema.
    Down,
    /// What the migrations lock of that which was there before.
    Locks,
    /// Nothing is done that is known to end badly.
    Lint,
    /// What is suppressed is there, and for a reason.
    Ignores,
}

impl CheckName {
    /// The name in all formats.
    pub fn name(self) -> &'static str {
        match self {
            CheckName::Parse => "parse",
            CheckName::Apply => "apply",
            CheckName::Extensions => "extensions",
            CheckName::Indexes => "indexes",
            CheckName::Converge => "converge",
            CheckName::Heal => "heal",
            CheckName::Views => "views",
            CheckName::Down => "down",
            CheckName::Locks => "locks",
            CheckName::Lint => "lint",
            CheckName::Ignores => "ignores",
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
    /// How many findings are not told because somebody has decided so.
    pub suppressed: usize,
    /// On which servers, by version; filled in by [`merge()`].
    pub servers: Vec<String>,
}

/// A server that was verified on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedOn {
    /// Its version.
    pub version: String,
    /// The folder of its programs, where it was ours.
    pub folder: Option<PathBuf>,
    /// How long it took to make it, where it was ours.
    pub start_up: Option<Duration>,
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
    /// What was seen meanwhile.
    pub observed: Observed,
}

/// A statement that the server refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where it stands, or where in it the server saw the error.
    pub place: Place,
    /// The statement; empty where it is not known.
    pub statement: String,
    /// The server's words.
    pub error: ServerError,
}

/// All that was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// On which servers.
    pub verified_on: Vec<VerifiedOn>,
    /// In their order.
    pub checks: Vec<Check>,
    /// In the order of the checks, and in each of the files.
    pub findings: Vec<Finding>,
    /// Which statement locked what that was there before, in the order of the statements.
    pub locks: Vec<HeldLock>,
    fails_on: FailOn,
    changed: Option<Changed>,
    left_out: usize,
    ignores: Ignores,
}

impl Judgement {
    /// Nothing yet; what fails is said by a severity, or by more than that.
    pub fn new(fails_on: impl Into<FailOn>) -> Self {
        Judgement {
            verified_on: Vec::new(),
            checks: Vec::new(),
            findings: Vec::new(),
            locks: Vec::new(),
            fails_on: fails_on.into(),
            changed: None,
            left_out: 0,
            ignores: Ignores::default(),
        }
    }

    /// With findings that are not to be told.
    #[must_use]
    pub fn ignoring(self, ignores: Ignores) -> Self {
        Judgement { ignores, ..self }
    }

    /// The same, which leaves out findings in files that have not changed. What stands in no file,
    /// and that the migrations cannot be applied, is told all the same.
    #[must_use]
    pub fn only(self, changed: Option<Changed>) -> Self {
        Judgement { changed, ..self }
    }

    /// Since which commit a file must have changed, and how many findings that has left out.
    pub fn left_out(&self) -> Option<(&str, usize)> {
        self.changed.as_ref().map(|changed| (changed.commit(), self.left_out))
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

    /// Judges the indexes and keys that are there afterwards.
    pub fn indexes(&mut self, findings: Vec<Finding>, took: Duration) {
        let reason = "every index is valid and of use";
        self.add(CheckName::Indexes, took, findings, reason);
    }

    /// Judges what the migrations that were applied locked.
    pub fn locks(&mut self, applied: &Applied, existing: Existing) {
        let started = Instant::now();
        let (locks, findings) = locks::judge(&applied.observed, existing);
        let reason = match locks.len() {
            0 => "no table that was there before is locked".to_owned(),
            taken => {
                let taken = figures::count(taken, "lock", "locks");
                format!("{taken} on tables that were there before, none while it takes long")
            }
        };
        self.locks = locks;
        self.add(CheckName::Locks, started.elapsed(), findings, &reason);
    }

    /// Says that a check could not be made, and why.
    pub fn skip(&mut self, name: CheckName, reason: &str) {
        let reason = Some(reason.to_owned());
        let (verdict, took, servers) = (Verdict::Skipped, Duration::ZERO, Vec::new());
        self.checks.push(Check { name, verdict, took, reason, suppressed: 0, servers });
    }

    /// Says in other words what the last check came to.
    pub fn remark(&mut self, reason: &str) {
        if let Some(check) = self.checks.last_mut() {
            check.reason = Some(reason.to_owned());
        }
    }

    /// Judges by the rules of squawk, and by ours that look at the files alone.
    pub fn lint(
        &mut self,
        base: Option<&Script>,
        migrations: &[Migration],
        applied: &Applied,
        version: ServerVersion,
    ) {
        let started = Instant::now();
        let linted = lint::check(base, migrations, applied, version);
        let unjudged = linted.unjudged;
        if unjudged == migrations.len() && unjudged > 0 {
            return self.skip(CheckName::Lint, "nothing can be parsed");
        }
        let findings = self.merged(linted.findings);
        self.add(CheckName::Lint, started.elapsed(), findings, "nothing found");
        if unjudged > 0
            && let Some(Check { reason: Some(reason), .. }) = self.checks.last_mut()
        {
            let files = figures::count(unjudged, "migration", "migrations");
            reason.push_str(&format!("; {files} not judged, because of the syntax"));
        }
    }

    /// Judges what is suppressed, after all else; no check is made where nothing is to be.
    pub fn ignores(&mut self) {
        if self.ignores.is_empty() {
            return;
        }
        let started = Instant::now();
        let findings = self.ignores.judge(self.looked());
        let suppressed = self.checks.iter().map(|check| check.suppressed).sum();
        let reason = figures::count(suppressed, "finding suppressed", "findings suppressed");
        self.add(CheckName::Ignores, started.elapsed(), findings, &reason);
    }

    fn looked(&self) -> Looked {
        let is_skipped = |check: &Check| check.verdict == Verdict::Skipped;
        if self.findings.iter().any(|finding| finding.is(&Rule::SYNTAX)) {
            Looked::SomeFiles
        } else if self.checks.iter().any(is_skipped) {
            Looked::Files
        } else {
            Looked::Everything
        }
    }

    /// Without what the server said already: of a statement that it refuses in a transaction, the
    /// rule that knows the reason says the more.
    fn merged(&mut self, mut findings: Vec<Finding>) -> Vec<Finding> {
        for refused in self.findings.iter_mut().filter(|one| one.is(&Rule::IN_TRANSACTION)) {
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
            (Some(changed), Some(place)) => finding.is_refusal() || changed.holds(&place.file),
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
        let findings = findings.into_iter().filter(|finding| self.is_told(finding));
        let findings = findings.collect::<Vec<_>>();
        self.left_out += all - findings.len();
        let failed = findings.iter().any(|finding| self.fails(finding));
        let verdict = if failed { Verdict::Failed } else { Verdict::Passed };
        let mut reason = match name {
            CheckName::Apply => otherwise.to_owned(),
            _ => counted(&findings).unwrap_or_else(|| otherwise.to_owned()),
        };
        if suppressed > 0 {
            reason.push_str(&format!("; {suppressed} suppressed"));
        }
        let (reason, servers) = (Some(reason), Vec::new());
        self.checks.push(Check { name, verdict, took, reason, suppressed, servers });
        let check = Some(name);
        self.findings.extend(findings.into_iter().map(|finding| Finding { check, ..finding }));
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
    if is_concurrent_on_partitioned(refused) {
        return Finding::new(
            &Rule::CONCURRENTLY_ON_PARTITIONED,
            Some(refused.place.clone()),
            error.to_string(),
        )
        .help(
            "CREATE INDEX … ON ONLY the partitioned table, CREATE INDEX CONCURRENTLY on each partition, \
             and ALTER INDEX … ATTACH PARTITION for each; pgtend apply does just that",
        );
    }
    let rule = if in_transaction { &Rule::IN_TRANSACTION } else { &Rule::NOT_APPLIED };
    let finding = Finding::new(rule, Some(refused.place.clone()), error.to_string());
    match &error.hint {
        _ if in_transaction => finding
            .help("put it in a migration of its own that your tool does not run in a transaction"),
        Some(hint) => finding.help(hint),
        None => match refusal::help(error) {
            Some(help) => finding.help(help),
            None => finding,
        },
    }
}

/// Of what may be concurrent, the server has not made it so for partitioned tables
/// (feature_not_supported: PostgreSQL documentation, CREATE INDEX).
fn is_concurrent_on_partitioned(refused: &Refused) -> bool {
    let statement = refused.statement.to_ascii_uppercase();
    refused.error.sqlstate.as_deref() == Some("0A000")
        && statement.split_whitespace().any(|word| word == "CONCURRENTLY")
        && statement.contains("INDEX")
}

#[cfg(test)]
mod tests;
