//! Findings that somebody has decided to live with, by a comment or in the configuration, and why.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use super::{Finding, Place, Rule, Severity};
use crate::config;

/// These are not a matter of opinion: the migration does not work, or the comment does not.
const NOT_TO_SUPPRESS: [&Rule; 8] = [
    &Rule::SYNTAX,
    &Rule::NOT_APPLIED,
    &Rule::IN_TRANSACTION,
    &Rule::CONCURRENT_IN_ONE_MESSAGE,
    &Rule::CONCURRENTLY_ON_PARTITIONED,
    &Rule::IGNORE_WITHOUT_REASON,
    &Rule::UNKNOWN_IGNORE,
    &Rule::UNUSED_IGNORE,
];

/// For what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IgnoreScope {
    /// What stands in a statement: lines and columns of its first and last character.
    Statement {
        /// Its file.
        file: PathBuf,
        /// Its beginning.
        from: (u32, u32),
        /// Its end.
        to: (u32, u32),
    },
    /// What stands in a file.
    File(PathBuf),
    /// What stands in the files that match, or anything where there is no pattern.
    Matching(Vec<Pattern>),
    /// The comment belongs to no statement.
    Nothing,
}

/// One rule that is suppressed somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ignore {
    /// As it is written.
    rule: String,
    /// The rules that it stands for: squawk has names for several.
    names: Vec<String>,
    scope: IgnoreScope,
    place: Option<Place>,
    /// No check looks at what takes a migration back, so nothing there need be found.
    is_down: bool,
    is_used: bool,
}

/// A comment that suppresses something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The rules, as they are written.
    pub rules: Vec<String>,
    /// Whether it says why.
    pub has_reason: bool,
    /// For what it holds.
    pub scope: IgnoreScope,
    /// Where it stands.
    pub place: Place,
    /// It stands in what takes a migration back.
    pub is_down: bool,
}

/// All that is suppressed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ignores {
    all: Vec<Ignore>,
    /// What is wrong with them as they are written.
    wrong: Vec<Finding>,
    /// Rules that the call leaves out everywhere.
    excluded: Vec<String>,
    /// Findings that are less severe are left out.
    least: Option<Severity>,
}

impl Ignores {
    /// What comments say, and the entries of the configuration.
    pub fn new(comments: &[Comment], entries: &[config::IgnoreConfig]) -> Self {
        let mut ignores = Ignores::default();
        comments.iter().for_each(|comment| ignores.read(comment));
        for entry in entries {
            let scope = IgnoreScope::Matching(entry.paths.clone());
            ignores.add(&entry.rule, scope, None, false);
        }
        ignores
    }

    /// The same, without findings of these rules and such as are less severe. What says that the migrations
    /// cannot be applied stays.
    #[must_use]
    pub fn without(self, excluded: &[String], least: Option<Severity>) -> Self {
        Ignores { excluded: excluded.to_vec(), least, ..self }
    }

    /// Whether the call leaves it out, which no comment has to answer for.
    fn is_unwanted(&self, finding: &Finding) -> bool {
        let is_mild = self.least.is_some_and(|least| finding.severity < least);
        !finding.is_refusal() && (is_mild || self.excluded.contains(&finding.rule))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty() && self.wrong.is_empty()
    }

    /// The findings that are not suppressed, and how many are.
    pub fn sift(&mut self, mut findings: Vec<Finding>) -> (Vec<Finding>, usize) {
        findings.retain(|finding| !self.is_unwanted(finding));
        let before = findings.len();
        let left = findings
            .into_iter()
            .filter(|finding| !self.suppress(finding))
            .collect::<Vec<_>>();
        let suppressed = before - left.len();
        (left, suppressed)
    }

    /// What is wrong with them, now that everything was found: also what suppresses nothing, unless
    /// what it may have suppressed was not looked for.
    /// `by_files`: whether files alone are enough to find what a rule is about.
    pub fn judge(&self, looked: IgnoreUse, by_files: fn(&str) -> bool) -> Vec<Finding> {
        let is_judged = |ignore: &Ignore| ignore.is_judged(looked, by_files);
        let unused = self.all.iter().filter(|ignore| !ignore.is_used && is_judged(ignore));
        let all = self.wrong.iter().cloned().chain(unused.map(unused_finding));
        all.filter(|finding| !self.is_unwanted(finding)).collect()
    }

    fn read(&mut self, comment: &Comment) {
        let place = || Some(comment.place.clone());
        if !comment.has_reason {
            let message = "the comment does not say why";
            let rules = comment.rules.join(", ");
            let help = format!("write the reason behind a colon: pgtend-ignore {rules}: …");
            let finding = Finding::new(&Rule::IGNORE_WITHOUT_REASON, place(), message);
            self.wrong.push(finding.help(help));
        }
        if comment.rules.is_empty() {
            let message = "the comment names no rule";
            self.wrong.push(Finding::new(&Rule::UNKNOWN_IGNORE, place(), message));
        }
        for rule in &comment.rules {
            self.add(rule, comment.scope.clone(), place(), comment.is_down);
        }
    }

    fn add(&mut self, rule: &str, scope: IgnoreScope, place: Option<Place>, is_down: bool) {
        if NOT_TO_SUPPRESS.iter().any(|fixed| fixed.name == rule) {
            let message = format!("{rule} cannot be suppressed{}", by_whom(place.as_ref(), &scope));
            self.wrong.push(Finding::new(&Rule::UNUSED_IGNORE, place, message));
            return;
        }
        let names = names(rule);
        if names.is_empty() {
            let message = format!("there is no rule {rule}{}", by_whom(place.as_ref(), &scope));
            let finding = Finding::new(&Rule::UNKNOWN_IGNORE, place, message);
            self.wrong.push(finding.help("the rules are in brackets behind each finding"));
            return;
        }
        self.all.push(Ignore {
            rule: rule.to_owned(),
            names,
            scope,
            place,
            is_down,
            is_used: false,
        });
    }

    /// Whether it is suppressed. All that do so are used.
    fn suppress(&mut self, finding: &Finding) -> bool {
        // An extension that is missing can be lived with only where it is passed over.
        if finding.is_refusal() {
            return false;
        }
        let mut is_suppressed = false;
        for ignore in self.all.iter_mut().filter(|ignore| ignore.covers(finding)) {
            ignore.is_used = true;
            is_suppressed = true;
        }
        is_suppressed
    }
}

/// What the checks have looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IgnoreUse {
    /// At the files, and at what the server made of them.
    Everything,
    /// Only at the files, because the server has not run all of them.
    Files,
    /// Not even at all the files.
    SomeFiles,
}

impl Ignore {
    fn covers(&self, finding: &Finding) -> bool {
        self.names.contains(&finding.rule) && self.scope.holds(finding.place.as_ref())
    }

    /// Whether what it may suppress was looked for.
    fn is_judged(&self, looked: IgnoreUse, by_files: fn(&str) -> bool) -> bool {
        let by_lint = self.names.iter().all(|name| by_files(name));
        !self.is_down
            && match looked {
                IgnoreUse::Everything => true,
                IgnoreUse::Files => by_lint,
                // A comment stands in a file that was looked at.
                IgnoreUse::SomeFiles => by_lint && self.place.is_some(),
            }
    }
}

impl IgnoreScope {
    fn holds(&self, place: Option<&Place>) -> bool {
        let in_file = |file: &Path| place.filter(|place| *place.at.file == *file);
        match self {
            IgnoreScope::Statement { file, from, to } => in_file(file)
                .is_some_and(|place| (*from..=*to).contains(&(place.at.line, place.at.column))),
            IgnoreScope::File(file) => in_file(file).is_some(),
            IgnoreScope::Matching(patterns) if patterns.is_empty() => true,
            IgnoreScope::Matching(patterns) => place.is_some_and(|place| {
                patterns.iter().any(|pattern| matches(pattern, &place.at.file))
            }),
            IgnoreScope::Nothing => false,
        }
    }
}

/// A pattern is for the whole path or for its end, so that it does not matter from where the files
/// are named.
fn matches(pattern: &Pattern, file: &Path) -> bool {
    let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
    let mut rest = file.components();
    loop {
        if pattern.matches_path_with(rest.as_path(), options) {
            return true;
        }
        if rest.next().is_none() {
            return false;
        }
    }
}

/// The names in findings that the rule goes by; none if there is no such rule.
pub fn names(rule: &str) -> Vec<String> {
    if Rule::named(rule).is_some() {
        return vec![rule.to_owned()];
    }
    let Ok(squawks) = rule.parse::<squawk_linter::Rule>() else {
        return Vec::new();
    };
    match squawks.expands_to() {
        [] => vec![squawks.to_string()],
        several => several.iter().map(ToString::to_string).collect(),
    }
}

fn unused_finding(ignore: &Ignore) -> Finding {
    let Ignore { rule, scope, place, .. } = ignore;
    let message = match scope {
        IgnoreScope::Nothing => format!("{rule} is suppressed for no statement"),
        _ => format!("there is no finding of {rule} to suppress{}", by_whom(place.as_ref(), scope)),
    };
    let finding = Finding::new(&Rule::UNUSED_IGNORE, place.clone(), message);
    match scope {
        IgnoreScope::Nothing => finding.help("put the comment on the line before the statement"),
        IgnoreScope::Matching(_) => finding.help("remove the entry"),
        _ => finding.help("remove the comment, or the rule from it"),
    }
}

/// Where the configuration was read is not known here.
fn by_whom(place: Option<&Place>, scope: &IgnoreScope) -> String {
    match (place, scope) {
        (None, IgnoreScope::Matching(patterns)) if patterns.is_empty() => {
            " (an entry of [[verify.ignore]] for all paths)".to_owned()
        }
        (None, IgnoreScope::Matching(patterns)) => {
            let paths = patterns.iter().map(Pattern::as_str).collect::<Vec<_>>().join(", ");
            format!(" (the entry of [[verify.ignore]] for {paths})")
        }
        _ => String::new(),
    }
}
