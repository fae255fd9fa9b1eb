//! squawk's rules, with its names and its comments that switch them off.

use std::collections::{HashMap, HashSet};

use squawk_linter::{Linter, Rule as Squawks, Violation};

use super::concurrent::Concurrent;
use super::long_name;
use crate::declared::migrations::Wrapping;
use crate::findings::{Finding, Place, Severity};
use crate::jobs::verify::plan::parsed::Parsed;
use crate::jobs::verify::plan::relations::Step;
use crate::pg::version::ServerVersion;

/// What its rules say against the script, but for what a rule of ours says better.
///
/// `steps`: what the server made of its statements; `only_new`: those of which the server has shown that they concern nothing that was there before.
pub fn check(
    parsed: &Parsed<'_>,
    version: ServerVersion,
    only_new: &HashSet<Place>,
    steps: &HashMap<Place, &Step>,
) -> Vec<Finding> {
    let mut linter = Linter::with_default_rules();
    linter.settings.assume_in_transaction = parsed.is_wrapped();
    if let Ok(version) = version.to_string().parse() {
        linter.settings.pg_version = version;
    }
    let violations = linter.lint(&parsed.parse, &parsed.script.text).into_iter();
    let is_refuted = |violation: &Violation| {
        let statement = parsed.statement_at(violation.text_range.start().into());
        LOCKS_WHAT_IS_THERE.contains(&violation.code)
            && parsed.is_wrapped()
            && statement.is_some_and(|statement| only_new.contains(&parsed.place_of(statement)))
    };
    let upheld = violations.filter(|violation| !is_refuted(violation));
    upheld.filter_map(|violation| finding(parsed, violation, steps)).collect()
}

/// What these warn of is a lock on a table that is in use; a table that a function or DO has made in the
/// same transaction is in nobody's use, and the text does not tell.
const LOCKS_WHAT_IS_THERE: [Squawks; 1] = [Squawks::RequireConcurrentIndexCreation];

fn finding(
    parsed: &Parsed<'_>,
    violation: Violation,
    steps: &HashMap<Place, &Step>,
) -> Option<Finding> {
    let offset = violation.text_range.start().into();
    if let Some(better) = long_name::instead_of(parsed, &violation, steps) {
        return Some(better);
    }
    if is_contradicted(parsed, violation.code, offset) {
        return None;
    }
    Some(Finding {
        rule: violation.code.to_string(),
        severity: Severity::Warning,
        place: Some(parsed.place(offset)),
        message: violation.message,
        help: violation.help,
        object: None,
        check: None,
        servers: Vec::new(),
    })
}

/// It asks for timeouts everywhere, but a concurrent statement that one of them ends leaves half of
/// its work behind. Of a concurrent statement in a message, `concurrent-in-one-message` says more.
fn is_contradicted(parsed: &Parsed<'_>, rule: Squawks, offset: usize) -> bool {
    let is_concurrent = || parsed.statement_at(offset).and_then(Concurrent::of).is_some();
    match rule {
        Squawks::RequireLockTimeout | Squawks::RequireStatementTimeout => is_concurrent(),
        Squawks::BanConcurrentIndexCreationInTransaction => {
            parsed.script.wrapping == Wrapping::OneMessage && is_concurrent()
        }
        _ => false,
    }
}
