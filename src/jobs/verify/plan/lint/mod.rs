//! The rules that look at the files alone: squawk's, and ours.

mod concurrent;
mod effects;
mod long_name;
mod name_collision;
mod names;
mod one_message;
mod replaced;
mod settings;
mod squawk;
mod timeouts;
mod unnamed;

use squawk_syntax::ast::Stmt;

use super::parsed::Parsed;
use super::{Applied, Refused};
use crate::declared::migrations::{Migration, Script};
use crate::findings::{Finding, Place, Rule};
use crate::pg::version::ServerVersion;
use effects::{Effect, effects};
use name_collision::Reached;
use names::Names;
use replaced::{Around, Replaced};
use settings::changes;
use timeouts::InForce;

/// The rules of ours that are judged here.
const RULES: [&Rule; 6] = [
    &Rule::LONG_INDEX_NAME,
    &Rule::TIMEOUT_BEFORE_CONCURRENT,
    &Rule::CONCURRENT_IN_ONE_MESSAGE,
    &Rule::DROP_AND_CREATE,
    &Rule::NAME_COLLISION,
    &Rule::UNNAMED_INDEX,
];

/// Whether the rule is judged here, for which no server is needed.
pub fn judges(rule: &str) -> bool {
    Rule::is_squawks(rule) || RULES.iter().any(|ours| ours.name == rule)
}

/// What the rules say.
pub struct Linted {
    /// In the order of the files.
    pub findings: Vec<Finding>,
    /// How many scripts do not parse, and so are not judged.
    pub unjudged: usize,
}

/// Judges the migrations in their order, after the base.
pub fn check(
    base: Option<&Script>,
    migrations: &[Migration],
    applied: &Applied,
    version: ServerVersion,
) -> Linted {
    let mut course = Course::default();
    if let Some(base) = base.and_then(Parsed::new) {
        course.follow(&base, |_| Reached::ByTheServer);
        course.names.discard();
    }
    let mut linted = Linted { findings: Vec::new(), unjudged: 0 };
    for (at, migration) in migrations.iter().enumerate() {
        let Some(parsed) = Parsed::new(&migration.up) else {
            linted.unjudged += 1;
            course.names.forget();
            course.timeouts.forget();
            continue;
        };
        let mut findings = squawk::check(&parsed, version, &applied.observed.only_new);
        findings.extend(one_message::check(&parsed));
        findings.extend(unnamed::check(&parsed));
        findings.extend(course.timeouts.check(&parsed, &applied.observed.timeouts));
        findings.extend(course.follow(&parsed, |place| reached(applied, at, place)));
        findings.sort_by_key(|finding| finding.place.as_ref().map(|at| (at.line, at.column)));
        linted.findings.extend(findings);
    }
    linted
}

/// Where the server came to in the migration of that number.
fn reached(applied: &Applied, migration: usize, place: &Place) -> Reached {
    let is_after = |Refused { place: refused, .. }: &Refused| {
        refused.file == place.file && (place.line, place.column) > (refused.line, refused.column)
    };
    let never = migration > applied.migrations
        || (migration == applied.migrations && applied.refused.as_ref().is_some_and(is_after));
    if never { Reached::Never } else { Reached::ByTheServer }
}

/// What one script leaves for the next.
#[derive(Default)]
struct Course {
    names: Names,
    timeouts: InForce,
    scripts: usize,
}

impl Course {
    /// Follows what becomes of the relations.
    fn follow(&mut self, parsed: &Parsed<'_>, reached: impl Fn(&Place) -> Reached) -> Vec<Finding> {
        self.scripts += 1;
        let mut replaced = Replaced::default();
        let mut findings = Vec::new();
        let outside = if parsed.is_wrapped() {
            Around::Transaction
        } else {
            Around::Nothing
        };
        let mut around = outside;
        for statement in &parsed.statements {
            match statement {
                Stmt::Begin(_) => around = Around::Transaction,
                Stmt::Commit(_) | Stmt::Rollback(_) => {
                    around = outside;
                    self.names.end();
                }
                Stmt::Grant(grant) => replaced.grant(grant, &self.names),
                _ => {}
            }
            for change in changes(statement) {
                self.names.set(&change);
            }
            for effect in effects(statement) {
                let place = parsed.place_of(statement);
                if let Effect::Create(created) = &effect {
                    let reached = reached(&place);
                    findings.extend(name_collision::check(
                        &self.names,
                        created,
                        place.clone(),
                        reached,
                    ));
                }
                replaced.see(statement, &effect, &self.names, self.scripts, place, around);
                self.names.apply(&effect, self.scripts, &parsed.source(statement));
            }
        }
        self.names.end();
        findings.extend(replaced.end());
        findings
    }
}

#[cfg(test)]
mod tests;
