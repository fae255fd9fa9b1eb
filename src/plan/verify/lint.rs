//! squawk's rules, with its names and its comments that switch them off.

use squawk_linter::Linter;
use squawk_syntax::SourceFile;

use super::{Finding, Place, Severity};
use crate::declared::migrations::{Script, Wrapping};
use crate::pg::version::ServerVersion;

/// What the rules say against the script; `None` where it does not parse, and so is not judged.
pub fn check(script: &Script, version: ServerVersion) -> Option<Vec<Finding>> {
    let parse = SourceFile::parse(&script.text);
    if !parse.errors().is_empty() {
        return None;
    }
    let mut linter = Linter::with_default_rules();
    linter.settings.assume_in_transaction = match script.wrapping {
        Wrapping::Transaction => true,
        Wrapping::None => false,
        // A message with one statement is no transaction block.
        Wrapping::OneMessage => parse.tree().stmts().count() > 1,
    };
    if let Ok(version) = version.to_string().parse() {
        linter.settings.pg_version = version;
    }
    let violations = linter.lint(&parse, &script.text).into_iter();
    let findings = violations.map(|violation| Finding {
        rule: violation.code.to_string(),
        severity: Severity::Warning,
        place: Some(Place::of_offset(script, violation.text_range.start().into())),
        message: violation.message,
        help: violation.help,
        check: None,
        servers: Vec::new(),
    });
    Some(findings.collect())
}
