//! The rules that judge statements one by one: squawk's, and ours.

mod concurrent;
mod long_name;
mod name_collision;
mod one_message;
mod replaced;
mod squawk;
mod timeouts;
mod unnamed;

use std::collections::HashMap;

use super::Applied;
use super::meant::Meant;
use super::observed::Observed;
use super::parsed::ParsedScript;
use super::relations::{RelationStep, Relations};
use crate::declared::migrations::Migration;
use crate::facts::Oid;
use crate::findings::{Finding, Rule};
use crate::pg::name::NAME_MAX_BYTES;
use crate::pg::version::ServerVersion;
use name_collision::There;
use replaced::Replaced;

pub use name_collision::sent_by_function;

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

/// Judges the migrations in their order.
pub fn check(migrations: &[Migration], applied: &Applied, version: ServerVersion) -> Linted {
    let observed = &applied.observed;
    let mut course = CarriedOver::new(observed);
    let mut linted = Linted { findings: Vec::new(), unjudged: 0 };
    for (at, migration) in migrations.iter().enumerate() {
        let steps = course.steps(at);
        let Some(parsed) = ParsedScript::new(&migration.up) else {
            linted.unjudged += 1;
            course.follow(at, steps, None);
            continue;
        };
        let by_place = steps.iter().map(|step| (step.place.clone(), step)).collect();
        let mut findings = squawk::check(&parsed, version, &observed.only_new, &by_place);
        findings.extend(one_message::check(&parsed));
        findings.extend(unnamed::check(&parsed));
        findings.extend(timeouts::check(&parsed, &observed.timeouts));
        findings.extend(course.follow(at, steps, Some(&parsed)));
        findings.sort_by_key(|finding| {
            finding.place.as_ref().map(|place| (place.at.line, place.at.column))
        });
        linted.findings.extend(findings);
    }
    linted
}

/// What one script leaves for the next.
struct CarriedOver<'a> {
    observed: &'a Observed,
    relations: Relations,
    /// Names as they were written, of relations whose name was cut.
    written: HashMap<Oid, String>,
}

impl<'a> CarriedOver<'a> {
    fn new(observed: &'a Observed) -> Self {
        CarriedOver {
            observed,
            relations: observed.before.clone(),
            written: HashMap::new(),
        }
    }

    /// The steps of that migration.
    fn steps(&self, migration: usize) -> &'a [RelationStep] {
        let steps = &self.observed.steps;
        let from = steps.partition_point(|step| step.migration < migration);
        let to = steps.partition_point(|step| step.migration <= migration);
        &steps[from..to]
    }

    /// Follows what became of the relations. Without a tree only that.
    fn follow(
        &mut self,
        migration: usize,
        steps: &[RelationStep],
        parsed: Option<&ParsedScript<'_>>,
    ) -> Vec<Finding> {
        let before = self.observed.newest_before.get(migration).copied().unwrap_or_default();
        let mut replaced = Replaced::default();
        let mut findings = Vec::new();
        for step in steps {
            replaced.drop(step, &self.relations, before);
            self.relations.apply(&step.changes);
            replaced.make(step, &self.relations);
            let statement = parsed.and_then(|parsed| parsed.statement_of(&step.place));
            let (relations, origins) = (&self.relations, &self.observed.origins);
            let there = There { relations, origins, written: &self.written };
            findings.extend(name_collision::check(step, statement, &there));
            findings.extend(long_name::sent(step, statement));
            if let Some(meant) = statement.and_then(Meant::of) {
                self.remember(step, &meant);
            }
        }
        findings.extend(replaced.end(&self.relations));
        if parsed.is_some() { findings } else { Vec::new() }
    }

    /// Remembers the name in full.
    fn remember(&mut self, step: &RelationStep, meant: &Meant) {
        let name = meant.name(&self.relations, &step.names);
        let made = name.filter(|_| meant.name.name.len() > NAME_MAX_BYTES);
        if let Some(made) = made.and_then(|name| self.relations.named(&name))
            && step.changes.made.contains(made)
        {
            self.written.insert(made.oid, meant.name.name.clone());
        }
    }
}

#[cfg(test)]
mod tests;
