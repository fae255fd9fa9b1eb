//! Something that is wrong, and how bad it is.

use serde_json::Value;

use super::{Place, Rule};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Severity {
    /// It is worth knowing.
    Info,
    /// It applies, but may cause trouble later.
    Warning,
    /// It does not work.
    Error,
    /// It hurts now, or will within days.
    Critical,
}

impl Severity {
    /// The mildest first.
    pub const ALL: [Severity; 4] =
        [Severity::Info, Severity::Warning, Severity::Error, Severity::Critical];

    /// The name in all formats.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
            Severity::Critical => "critical",
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
    /// What it is about, if that has a name: a relation, schema-qualified, or a setting.
    pub object: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do instead.
    pub help: Option<String>,
    /// The one command or statement that does it.
    pub command: Option<String>,
    /// The figures that it rests on, with units in their names.
    pub evidence: Vec<(&'static str, Value)>,
    /// The check that found it; filled in by the review.
    pub check: Option<&'static str>,
    /// On which servers it holds, by version, where there are several.
    pub servers: Vec<String>,
}

impl Finding {
    /// A finding of one of our rules, as bad as the rule says.
    pub fn new(rule: &Rule, place: Option<Place>, message: impl Into<String>) -> Self {
        Finding::of(rule.name, rule.severity, place, message)
    }

    /// A finding of a rule of anybody's.
    pub fn of(
        rule: impl Into<String>,
        severity: Severity,
        place: Option<Place>,
        message: impl Into<String>,
    ) -> Self {
        Finding {
            rule: rule.into(),
            severity,
            place,
            object: None,
            message: message.into(),
            help: None,
            command: None,
            evidence: Vec::new(),
            check: None,
            servers: Vec::new(),
        }
    }

    /// Whether it is one of that rule.
    pub fn is(&self, rule: &Rule) -> bool {
        self.rule == rule.name
    }

    /// About something that has a name.
    pub fn about(self, object: &impl ToString) -> Self {
        Finding { object: Some(object.to_string()), ..self }
    }

    /// As bad as this, whatever the rule says.
    pub fn severity(self, severity: Severity) -> Self {
        Finding { severity, ..self }
    }

    /// With the one command or statement that helps.
    pub fn command(self, command: impl Into<String>) -> Self {
        Finding { command: Some(command.into()), ..self }
    }

    /// With a figure that it rests on.
    pub fn evidence(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.evidence.push((name, value.into()));
        self
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
