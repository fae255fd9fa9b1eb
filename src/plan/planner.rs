//! What the planners of the single kinds of objects share.

use std::collections::HashSet;

use super::options::Options;
use super::{Plan, Subject, Verdict, Warning};
use crate::catalog::{Facts, Questions, Relation};
use crate::declared::Declaration;
use crate::pg::name::RelationName;

/// The facts, the declaration, and the plan as far as it is made.
pub struct Planner<'a> {
    questions: Questions,
    pub declaration: &'a Declaration,
    pub facts: &'a Facts,
    pub options: &'a Options,
    pub plan: Plan,
    pub names_chosen: HashSet<RelationName>,
}

impl<'a> Planner<'a> {
    pub fn new(
        questions: Questions,
        declaration: &'a Declaration,
        facts: &'a Facts,
        options: &'a Options,
    ) -> Self {
        let (plan, names_chosen) = (Plan::default(), HashSet::new());
        Planner { questions, declaration, facts, options, plan, names_chosen }
    }

    /// The relation that a declared name means, if it exists.
    pub fn relation(&self, name: &RelationName) -> Option<&Relation> {
        let at = self.questions.relations.iter().position(|relation| relation == name)?;
        self.facts.relations[at].as_ref()
    }

    /// The relation of that full name, if it is among those asked for.
    pub fn relation_named(&self, name: &RelationName) -> Option<&Relation> {
        self.facts.relations.iter().flatten().find(|relation| relation.name == *name)
    }

    /// Whether the name is that of a declared view that this plan creates, and its full name.
    pub fn view_to_come(&self, name: &RelationName) -> Option<RelationName> {
        let step = self.plan.steps.iter().find(|step| match &step.subject {
            Subject::View(view) => {
                view.name.name == name.name
                    && (name.schema.is_none() || view.name.schema == name.schema)
            }
            _ => false,
        })?;
        (step.verdict == Verdict::ToDo).then(|| step.object.clone())
    }

    /// Where a new relation without schema goes.
    pub fn with_default_schema(&self, name: &RelationName) -> RelationName {
        let schema = name.schema.clone().or_else(|| self.facts.server.current_schema.clone());
        RelationName { schema, name: name.name.clone() }
    }

    pub fn warn(&mut self, rule: &'static str, object: &RelationName, message: String) {
        self.plan.warnings.push(Warning { rule, object: object.to_string(), message });
    }

    /// The plan, without what the filter keeps out.
    pub fn finish(self) -> Plan {
        let filter = &self.options.filter;
        let mut plan = self.plan;
        for note in &self.declaration.notes {
            plan.warnings.push(Warning {
                rule: note.rule,
                object: note.object.clone(),
                message: note.message.clone(),
            });
        }
        let left_out = plan.steps.iter().filter(|step| !filter.lets_through(step));
        let left_out = left_out.map(|step| step.object.to_string()).collect::<HashSet<_>>();
        plan.steps.retain(|step| filter.lets_through(step));
        plan.warnings.retain(|warning| !left_out.contains(&warning.object));
        plan
    }
}
