//! What makes a command fail.

use super::{Finding, Rule, Severity};

/// Which findings fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailOn {
    /// Those as bad as this, and worse.
    severity: Option<Severity>,
    /// Those of these rules, however bad.
    rules: Vec<String>,
}

impl FailOn {
    /// As the user says it: severities and names of rules.
    ///
    /// # Errors
    /// The word that is neither.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Self, &str> {
        let mut fails_on = FailOn { severity: None, rules: Vec::new() };
        for word in words.iter().map(AsRef::as_ref) {
            match Severity::named(word) {
                Some(severity) => {
                    let least = fails_on.severity.map_or(severity, |other| other.min(severity));
                    fails_on.severity = Some(least);
                }
                None if is_rule(word) => fails_on.rules.push(word.to_owned()),
                None => return Err(word),
            }
        }
        Ok(fails_on)
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

    fn found(rule: &str, severity: Severity) -> Finding {
        Finding::of(rule, severity, None, "")
    }

    /// Which of three findings fail: an error, a warning, another warning.
    fn failing(words: &[&str]) -> [bool; 3] {
        let fails_on = FailOn::parse(words).unwrap();
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
        let nothing = FailOn::parse::<&str>(&[]).unwrap();
        for rule in ["syntax", "not-applied", "in-transaction"] {
            assert!(nothing.fails(&found(rule, Severity::Error)), "{rule}");
            // The server has run it all the same.
            assert!(!nothing.fails(&found(rule, Severity::Warning)), "{rule}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        assert_eq!(FailOn::parse(&["error", "nonsense"]), Err("nonsense"));
        assert_eq!(FailOn::parse(&[""]), Err(""));
    }
}
