//! The plan of `pgtend apply`: from facts and declaration to steps.

pub mod belongings;
pub mod comment;
pub mod index;
pub mod invalid;
pub mod maintenance;
pub mod options;
pub mod partitioned;
pub mod parts;
pub mod planner;
pub mod size;
pub mod view;

use std::collections::HashMap;

use crate::declared::{CommentOn, Declaration};
use crate::facts::{Facts, IndexQuestion, Questions, ViewQuestion};
use crate::pg::name::RelationName;
use crate::work::plan::Plan;
use planner::Planner;

pub use options::{Filter, Options};

/// What the plan will have to know.
pub fn questions(declaration: &Declaration) -> Questions {
    let mut questions = Questions::default();
    let mut places = Places(HashMap::new());
    for declared in &declaration.indexes {
        let relation = places.of(&mut questions, &declared.table);
        questions.indexes.push(IndexQuestion {
            relation,
            name: declared.name.clone(),
            unique: declared.unique,
            definition: declared.definition.clone(),
            is_plain: declared.plain,
        });
    }
    for declared in &declaration.views {
        let relation = places.of(&mut questions, &declared.name);
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
                places.of(&mut questions, &declared.name);
            }
        }
    }
    for declared in &declaration.maintenance {
        if let Some(table) = &declared.table {
            places.of(&mut questions, table);
        }
    }
    questions
}

/// The place of each relation's name among those asked for.
struct Places(HashMap<RelationName, usize>);

impl Places {
    fn of(&mut self, questions: &mut Questions, name: &RelationName) -> usize {
        *self.0.entry(name.clone()).or_insert_with(|| {
            questions.relations.push(name.clone());
            questions.relations.len() - 1
        })
    }
}

/// Turns the facts into the steps that make the database match the declaration. `facts` must
/// answer [`questions`] of the same declaration.
pub fn plan(declaration: &Declaration, facts: &Facts, options: &Options) -> Plan {
    let mut planner = Planner::new(questions(declaration), declaration, facts, options);
    for (at, declared) in declaration.views.iter().enumerate() {
        view::plan(&mut planner, at, declared);
    }
    for (at, declared) in declaration.indexes.iter().enumerate() {
        index::plan(&mut planner, at, declared);
    }
    parts::join(&mut planner);
    for declared in &declaration.comments {
        comment::plan(&mut planner, declared);
    }
    for declared in &declaration.maintenance {
        maintenance::plan(&mut planner, declared);
    }
    planner.finish()
}

#[cfg(test)]
mod tests;
