//! Is it SQL?

use squawk_syntax::SourceFile;

use super::{Finding, Place, Severity};
use crate::declared::migrations::Script;

/// What the parser says against the script. It is a warning only where the server has run it.
pub fn check(script: &Script, is_applied: bool) -> Vec<Finding> {
    let errors = SourceFile::parse(&script.text).errors();
    let findings = errors.iter().map(|error| {
        let place = Place::of_offset(script, error.range().start().into());
        let backslash = place.text.trim_start().starts_with('\\');
        let help = match (is_applied, backslash) {
            (true, _) => Some("the server has run it: pgtend's parser does not know this SQL"),
            (_, true) => {
                Some("psql's own commands (\\i, \\set) are not SQL and cannot be used here")
            }
            _ => None,
        };
        Finding {
            rule: "syntax".to_owned(),
            severity: if is_applied { Severity::Warning } else { Severity::Error },
            place: Some(place),
            message: error.message().to_owned(),
            help: help.map(str::to_owned),
        }
    });
    findings.collect()
}
