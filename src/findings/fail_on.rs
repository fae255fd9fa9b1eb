//! What makes a command fail.

use super::{Finding, Rule, Severity};
use crate::did_you_mean;
use crate::failure::{Failure, Kind, Result};

/// Which findings fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailOn {
    /// Those as bad as this, and worse.
    severity: Option<Severity>,
    /// Those of these rules, however bad.
    rules: Vec<String>,
}

impl FailOn {
    /// As the user says it: these severities, and names of rules.
    ///
    /// # Errors
    /// The word that is neither.
    pub fn parse<'w, S: AsRef<str>>(
        words: &'w [S],
        severities: &[Severity],
    ) -> std::result::Result<Self, &'w str> {
        let mut fails_on = FailOn { severity: None, rules: Vec::new() };
        for word in words.iter().map(AsRef::as_ref) {
            match severities.iter().find(|severity| severity.name() == word) {
                Some(severity) => {
                    let least = fails_on.severity.map_or(*severity, |other| other.min(*severity));
                    fails_on.severity = Some(least);
                }
                None if is_rule(word) => fails_on.rules.push(word.to_owned()),
                None => return Err(word),
            }
        }
        Ok(fails_on)
    }

    /// As `--fail-on` says, else as the configuration does by this key.
    ///
    /// # Errors
    /// `Usage` or `Config` for a word that is neither one of these severities nor a rule; `otherwise` is the
    /// hint where none is near.
    pub fn chosen(
        given: &[String],
        (key, configured): (&str, &[String]),
        severities: &[Severity],
        otherwise: &str,
    ) -> Result<Self> {
        let (words, kind, place) = match given {
            [] => (configured, Kind::Config, format!("{key} of the configuration")),
            given => (given, Kind::Usage, "--fail-on".to_owned()),
        };
        FailOn::parse(words, severities).map_err(|word| {
            let names = severities.iter().map(|severity| severity.name());
            let told = names.clone().collect::<Vec<_>>().join(", ");
            let message = format!("{place}: {word:?} is not {told} or a rule");
            let known = Rule::ALL
                .iter()
                .map(|rule| rule.name)
                .chain(names)
                .map(str::to_owned)
                .collect::<Vec<_>>();
            Failure::new(kind, message).hint(did_you_mean::hint_or(word, &known, otherwise))
        })
    }

    /// Whether this finding fails. What says that the migrations cannot be applied always does.
    pub fn fails(&self, finding: &Finding) -> bool {
        let is_so_bad = self.severity.is_some_and(|severity| finding.severity >= severity);
        is_so_bad || self.rules.contains(&finding.rule) || finding.is_refusal()
    }
}

impl From<Severity> for FailOn {
    fn from(severity: Severity) -> Self {
        FailOn { severity: Some(severity), rules: Vec::new() }
    }
}

fn is_rule(name: &str) -> bool {
    Rule::named(name).is_some() || Rule::is_squawks(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Severity; 2] = [Severity::Error, Severity::Warning];

    fn found(rule: &str, severity: Severity) -> Finding {
        Finding::of(rule, severity, None, "")
    }

    /// Which of three findings fail: an error, a warning, another warning.
    fn failing(words: &[&str]) -> [bool; 3] {
        let fails_on = FailOn::parse(words, &BOTH).unwrap();
        [
            found("invalid-index", Severity::Error),
            found("ban-drop-column", Severity::Warning),
            found("ban-drop-table", Severity::Warning),
        ]
        .map(|finding| fails_on.fails(&finding))
    }

    #[test]
    fn severities_and_rules_can_be_mixed() {
        assert_eq!(failing(&["error"]), [true, false, false]);
        assert_eq!(failing(&["warning"]), [true, true, true]);
        assert_eq!(failing(&["warning", "error"]), [true, true, true]);
        assert_eq!(failing(&["ban-drop-column"]), [false, true, false]);
        assert_eq!(failing(&["error", "ban-drop-table"]), [true, false, true]);
        assert_eq!(failing(&[]), [false, false, false]);
    }

    #[test]
    fn what_cannot_be_applied_always_fails() {
        let nothing = FailOn::parse::<&str>(&[], &BOTH).unwrap();
        for rule in ["syntax", "not-applied", "in-transaction"] {
            assert!(nothing.fails(&found(rule, Severity::Error)), "{rule}");
            // The server has run it all the same.
            assert!(!nothing.fails(&found(rule, Severity::Warning)), "{rule}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        assert_eq!(FailOn::parse(&["error", "nonsense"], &BOTH), Err("nonsense"));
        assert_eq!(FailOn::parse(&[""], &BOTH), Err(""));
        assert_eq!(FailOn::parse(&["info"], &BOTH), Err("info"));
    }
}
