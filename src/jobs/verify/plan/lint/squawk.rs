//! squawk's rules, with its names and its comments that switch them off.

use std::collections::{HashMap, HashSet};

use squawk_linter::{Linter, Rule as Squawks, Violation};
use squawk_syntax::ast::{AstNode, Stmt};

use super::concurrent::Concurrent;
use super::long_name;
use crate::declared::migrations::Wrapping;
use crate::facts::RelationKind;
use crate::findings::{Finding, Place, Severity};
use crate::jobs::verify::plan::meant::Meant;
use crate::jobs::verify::plan::parsed::{ParsedScript, start};
use crate::jobs::verify::plan::relations::RelationStep;
use crate::pg::version::ServerVersion;

/// What its rules say against the script, but for what a rule of ours says better.
///
/// `steps`: what the server made of its statements; `only_new`: those of which the server has shown that they concern nothing that was there before.
pub fn check(
    parsed: &ParsedScript<'_>,
    version: ServerVersion,
    only_new: &HashSet<Place>,
    steps: &HashMap<Place, &RelationStep>,
) -> Vec<Finding> {
    let mut linter = Linter::with_default_rules();
    linter.settings.assume_in_transaction = parsed.is_wrapped();
    if let Ok(version) = version.to_string().parse() {
        linter.settings.pg_version = version;
    }
    let violations = linter.lint(&parsed.parse, &parsed.script.text).into_iter();
    let made_here = on_what_is_made_here(parsed);
    let is_new = |statement: &Stmt| {
        let is_seen = parsed.is_wrapped() && only_new.contains(&parsed.place_of(statement));
        is_seen || made_here.contains(&start(statement.syntax()))
    };
    let is_refuted = |violation: &Violation| match violation.code {
        // It is said once a file, at the first statement; the others count as well.
        Squawks::RequireLockTimeout | Squawks::RequireStatementTimeout => {
            parsed.statements.iter().all(is_new)
        }
        code if LOCKS_WHAT_IS_THERE.contains(&code) => {
            parsed.statement_at(violation.text_range.start().into()).is_some_and(is_new)
        }
        _ => false,
    };
    let upheld = violations.filter(|violation| !is_refuted(violation));
    upheld.filter_map(|violation| finding(parsed, violation, steps)).collect()
}

/// The statements, by their first byte, that make a table and refer to no other, or an index on such a
/// table: it is in nobody's use yet, also where each statement commits by itself.
fn on_what_is_made_here(parsed: &ParsedScript<'_>) -> HashSet<usize> {
    let (mut tables, mut found) = (HashSet::new(), HashSet::new());
    for statement in &parsed.statements {
        let Some(Meant { kind, name, of, may_be_there }) = Meant::of(statement) else {
            continue;
        };
        let text = statement.syntax().text().to_string().to_ascii_lowercase();
        let is_new = match (kind, of) {
            (RelationKind::Table, _) => !may_be_there && !text.contains("references"),
            (RelationKind::Index, Some(table)) => tables.contains(&table),
            _ => false,
        };
        if is_new {
            found.insert(start(statement.syntax()));
            if kind == RelationKind::Table {
                tables.insert(name);
            }
        }
    }
    found
}

/// What these warn of is a lock on a table that is in use; a table that a function or DO has made in the
/// same transaction is in nobody's use, and the text does not tell.
const LOCKS_WHAT_IS_THERE: [Squawks; 1] = [Squawks::RequireConcurrentIndexCreation];

fn finding(
    parsed: &ParsedScript<'_>,
    violation: Violation,
    steps: &HashMap<Place, &RelationStep>,
) -> Option<Finding> {
    let offset = violation.text_range.start().into();
    if let Some(better) = long_name::instead_of(parsed, &violation, steps) {
        return Some(better);
    }
    if is_contradicted(parsed, violation.code, offset) {
        return None;
    }
    let (rule, place) = (violation.code.to_string(), parsed.place(offset));
    let finding = Finding::of(rule, Severity::Warning, Some(place), violation.message);
    Some(Finding { help: violation.help, ..finding })
}

/// It asks for timeouts everywhere, but a concurrent statement that one of them ends leaves half of
/// its work behind. Of a concurrent statement in a message, `concurrent-in-one-message` says more.
fn is_contradicted(parsed: &ParsedScript<'_>, rule: Squawks, offset: usize) -> bool {
    let is_concurrent = || parsed.statement_at(offset).and_then(Concurrent::of).is_some();
    match rule {
        Squawks::RequireLockTimeout | Squawks::RequireStatementTimeout => is_concurrent(),
        Squawks::BanConcurrentIndexCreationInTransaction => {
            parsed.script.wrapping == Wrapping::OneMessage && is_concurrent()
        }
        _ => false,
    }
}
