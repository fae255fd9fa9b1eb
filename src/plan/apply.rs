//! The plan of `pgtend apply`: from facts and declaration to steps.

use std::collections::HashSet;

use glob::Pattern;

use super::{Plan, Step, Subject, Verdict, Warning, comment, index, maintenance, view};
use crate::catalog::{Facts, IndexQuestion, Questions, Relation, ViewQuestion};
use crate::declared::{CommentOn, Declaration};
use crate::pg::name::RelationName;

/// What the user decided.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Indexes that an existing one makes superfluous are left out.
    pub skip_redundant: bool,
    /// Drifted indexes are replaced.
    pub replace: bool,
    /// Only objects that it lets through.
    pub filter: Filter,
}

/// Which objects the user wants; nothing given means all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Patterns for index names.
    pub indexes: Vec<Pattern>,
    /// Tables and views, with or without schema.
    pub tables: Vec<RelationName>,
}

impl Filter {
    fn lets_through(&self, step: &Step) -> bool {
        let table = step.on.as_ref().unwrap_or(&step.object);
        let by_table = self.tables.is_empty()
            || self.tables.iter().any(|wanted| {
                wanted.name == table.name
                    && (wanted.schema.is_none() || wanted.schema == table.schema)
            });
        let is_index = matches!(step.subject, Subject::Index(_));
        let by_index = self.indexes.is_empty()
            || is_index && self.indexes.iter().any(|wanted| wanted.matches(&step.object.name));
        by_table && by_index
    }
}

/// What the plan will have to know.
pub fn questions(declaration: &Declaration) -> Questions {
    let mut questions = Questions::default();
    for declared in &declaration.indexes {
        let relation = relation_of(&mut questions, &declared.table);
        questions.indexes.push(IndexQuestion {
            relation,
            name: declared.name.clone(),
            unique: declared.unique,
            definition: declared.definition.clone(),
        });
    }
    for declared in &declaration.views {
        let relation = relation_of(&mut questions, &declared.name);
        questions.views.push(ViewQuestion {
            relation,
            columns: declared.columns.clone(),
            query: declared.query.clone(),
        });
    }
    for declared in &declaration.comments {
        match declared.on {
            CommentOn::Index => questions.commented.push(declared.name.clone()),
            CommentOn::View => {
                relation_of(&mut questions, &declared.name);
            }
        }
    }
    for declared in &declaration.maintenance {
        if let Some(table) = &declared.table {
            relation_of(&mut questions, table);
        }
    }
    questions
}

fn relation_of(questions: &mut Questions, name: &RelationName) -> usize {
    let known = questions.relations.iter().position(|relation| relation == name);
    known.unwrap_or_else(|| {
        questions.relations.push(name.clone());
        questions.relations.len() - 1
    })
}

/// Turns the facts into the steps that make the database match the declaration. `facts` must
/// answer [`questions`] of the same declaration.
pub fn plan(declaration: &Declaration, facts: &Facts, options: &Options) -> Plan {
    let mut planner = Planner {
        questions: questions(declaration),
        declaration,
        facts,
        options,
        plan: Plan::default(),
        names_chosen: HashSet::new(),
    };
    for (at, declared) in declaration.views.iter().enumerate() {
        view::plan(&mut planner, at, declared);
    }
    for (at, declared) in declaration.indexes.iter().enumerate() {
        index::plan(&mut planner, at, declared);
    }
    for declared in &declaration.comments {
        comment::plan(&mut planner, declared);
    }
    for declared in &declaration.maintenance {
        maintenance::plan(&mut planner, declared);
    }
    planner.finish()
}

/// What the planners of the single kinds share.
pub(super) struct Planner<'a> {
    questions: Questions,
    pub declaration: &'a Declaration,
    pub facts: &'a Facts,
    pub options: &'a Options,
    pub plan: Plan,
    pub names_chosen: HashSet<RelationName>,
}

impl Planner<'_> {
    /// The relation that a declared name means, if it exists.
    pub fn relation(&self, name: &RelationName) -> Option<&Relation> {
        let at = self.questions.relations.iter().position(|relation| relation == name)?;
        self.facts.relations[at].as_ref()
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

    fn finish(self) -> Plan {
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
