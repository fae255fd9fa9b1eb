//! Is it SQL?

use super::{Finding, Place, Rule, Severity};
use crate::declared::migrations::{self, Script};

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
