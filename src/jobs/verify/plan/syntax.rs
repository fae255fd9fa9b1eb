//! Is it SQL?

use super::Refused;
use crate::declared::migrations::{self, Script};
use crate::findings::{Finding, Place, Rule, Severity};

/// What the parser says against the script: its first error, because those that follow may come of
/// it. It is a warning only where the server has run the script.
pub fn check(script: &Script, is_applied: bool) -> Option<Finding> {
    let error = migrations::parse(script).err()?;
    let severity = if is_applied { Severity::Warning } else { Severity::Error };
    let help = match is_applied {
        true => Some("the server has run it: pgtend's parser does not know this SQL"),
        false => error.hint,
    };
    let place = Place::new(script, error.line, error.column);
    let finding = Finding::new(&Rule::SYNTAX, Some(place), error.message);
    Some(Finding { severity, help: help.map(str::to_owned), ..finding })
}

/// `syntax_error` (PostgreSQL documentation, appendix A).
const SYNTAX_ERROR: &str = "42601";

/// The finding in the server's words, where the server has refused the script for the same reason: one
/// bad statement is one finding.
pub fn as_refused(finding: Finding, refused: Option<&Refused>) -> Finding {
    let is_same = |refused: &&Refused| refused.error.sqlstate.as_deref() == Some(SYNTAX_ERROR);
    let Some(Refused { place, error, .. }) = refused.filter(is_same) else {
        return finding;
    };
    // What the parser calls by its name it knows better.
    let is_vague = finding.message.starts_with("syntax error");
    let message = if is_vague { error.to_string() } else { finding.message };
    let help = finding.help.or_else(|| error.hint.clone());
    Finding { place: Some(place.clone()), message, help, ..finding }
}
