//! The rules that are ours, each with its page. squawk's rules are squawk's.

use super::{Group, Severity};

/// A rule of pgtend's own.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name in findings, and its page's.
    pub name: &'static str,
    /// What it is about.
    pub group: Group,
    /// How bad its findings are, unless one of them says otherwise.
    pub severity: Severity,
    /// What happens and what to write instead, with a bad and a good example; Markdown.
    pub page: &'static str,
}

impl Rule {
    /// The rule of that name.
    pub fn named(name: &str) -> Option<&'static Rule> {
        Rule::ALL.iter().find(|rule| rule.name == name)
    }

    /// Whether squawk has a rule of that name.
    pub fn is_squawks(name: &str) -> bool {
        name.parse::<squawk_linter::Rule>().is_ok()
    }

    /// What it is about, in a line: the first below the page's title.
    pub fn summary(&self) -> &'static str {
        self.page.lines().skip(1).find(|line| !line.is_empty()).unwrap_or_default()
    }
}
