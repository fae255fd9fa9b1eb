//! The plan of `pgtend apply`: from facts and declaration to steps.

mod also_in_sql;
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

use crate::declared::{CommentOn, Declaration, DeclaredIndex, DeclaredView};
use crate::facts::{Facts, IndexQuestion, Questions, ViewQuestion};
use crate::failure::Result;
use crate::work::plan::Plan;
use planner::ApplyPlanner;

pub use options::{ApplyOptions, Filter};

/// What the plan will have to know.
pub fn questions(declaration: &Declaration) -> Questions {
    let mut questions = Questions::default();
    for declared in &declaration.indexes {
        questions.relations.insert(declared.table.clone());
        questions.indexes.push(index_question(declared));
    }
    for declared in &declaration.views {
        questions.relations.insert(declared.name.clone());
        questions.views.push(view_question(declared));
    }
    for declared in &declaration.comments {
        match declared.on {
            CommentOn::Index => questions.commented.push(declared.name.clone()),
            CommentOn::View => _ = questions.relations.insert(declared.name.clone()),
        }
    }
    let maintained = declaration.maintenance.iter();
    questions
        .relations
        .extend(maintained.filter_map(|declared| declared.table.clone()));
    questions
}

/// What is asked of a declared index.
pub fn index_question(declared: &DeclaredIndex) -> IndexQuestion {
    IndexQuestion {
        table: declared.table.clone(),
        name: declared.name.clone(),
        unique: declared.unique,
        definition: declared.definition.clone(),
        is_plain: declared.plain,
    }
}

/// What is asked of a declared view.
pub fn view_question(declared: &DeclaredView) -> ViewQuestion {
    ViewQuestion {
        name: declared.name.clone(),
        columns: declared.columns.clone(),
        query: declared.query.clone(),
    }
}

/// Turns the facts into the steps that make the database match the declaration. `facts` must
/// answer [`questions`] of the same declaration.
///
/// # Errors
/// `Usage` for a filter that nothing declared fits; `Declaration` where a SQL file and the Prisma
/// schema declare different indexes under one name.
pub fn plan(declaration: &Declaration, facts: &Facts, options: &ApplyOptions) -> Result<Plan> {
    let mut planner = ApplyPlanner::new(declaration, facts, options);
    planner.also_in_sql = also_in_sql::find(&planner)?;
    for declared in &declaration.views {
        view::plan(&mut planner, declared);
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
    let mut plan = planner.finish()?;
    if options.filter.is_everything() {
        plan.warnings.extend(invalid::undeclared(facts, &plan, &options.filter));
    }
    Ok(plan)
}

#[cfg(test)]
mod tests;
