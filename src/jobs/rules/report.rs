//! What `rules` shows.

use serde::Serialize;

use crate::findings::Rule;
use crate::output::table::{Narrow, fitted, table};
use crate::output::wrap;
use crate::output::{Head, Outcome, Report, Style, Text};

/// Our rules, or the page of one of them.
#[derive(Debug)]
pub enum RulesReport {
    /// All of them.
    All,
    /// One.
    One(&'static Rule),
    /// One of the linter squawk.
    Squawks(String),
}

impl RulesReport {
    fn rules(&self) -> Vec<RuleDocument<'_>> {
        match self {
            RulesReport::All => Rule::ALL.iter().map(RuleDocument::new).collect(),
            RulesReport::One(rule) => vec![RuleDocument::new(rule)],
            RulesReport::Squawks(name) => {
                vec![RuleDocument {
                    rule: name,
                    group: None,
                    severity: None,
                    page: squawks_page(name),
                }]
            }
        }
    }
}

impl Report for RulesReport {
    fn outcome(&self) -> Outcome {
        Outcome::Done
    }

    fn json(&self, head: Head) -> String {
        head.document(self.outcome(), RulesDocument { rules: self.rules() }, &[])
    }

    fn text(&self, style: &Style) -> Text {
        Text::of(match self {
            RulesReport::All => rules_table(style.width),
            RulesReport::One(rule) => wrap::page(&page(rule), style.width),
            RulesReport::Squawks(name) => squawks_page(name),
        })
    }
}

#[derive(Debug, Serialize)]
struct RulesDocument<'a> {
    rules: Vec<RuleDocument<'a>>,
}

#[derive(Debug, Serialize)]
struct RuleDocument<'a> {
    rule: &'a str,
    group: Option<&'static str>,
    severity: Option<&'static str>,
    page: String,
}

impl<'a> RuleDocument<'a> {
    fn new(rule: &'a Rule) -> Self {
        let severity = Some(rule.severity.name());
        let group = Some(rule.group.name());
        RuleDocument { rule: rule.name, group, severity, page: rule.page.to_owned() }
    }
}

fn page(rule: &Rule) -> String {
    let (title, rest) = rule.page.split_once('\n').unwrap_or((rule.page, ""));
    format!("{title} ({})\n{rest}", rule.severity.name())
}

fn squawks_page(name: &str) -> String {
    format!("A rule of the linter squawk: https://squawkhq.com/docs/{name}\n")
}

fn rules_table(width: Option<u16>) -> String {
    let mut table = table(&["rule", "group", "severity", "what"]);
    for rule in Rule::ALL {
        table.add_row([rule.name, rule.group.name(), rule.severity.name(), rule.summary()]);
    }
    let narrow = Narrow { wraps: "what", drops: &["group"], alike: &[] };
    fitted(&table, narrow, width)
}
