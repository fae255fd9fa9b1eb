//! What is to be done about a declared comment.

use super::planner::ApplyPlanner;
use crate::declared::{CommentOn, DeclaredComment};
use crate::facts::RelationKind;
use crate::pg::name::{RelationName, quote_literal};
use crate::work::apply::why::Why;
use crate::work::plan::{Action, Lock, Statement, Step, Subject, Verdict};

/// Adds the comment's step.
pub fn plan(planner: &mut ApplyPlanner<'_>, declared: &DeclaredComment) {
    let step = match find(planner, declared) {
        FoundComment::There { name, owned, comment } => existing(declared, &name, owned, &comment),
        FoundComment::ToCome(name) => to_do(declared, &name, Why::ObjectFirst),
        FoundComment::Nowhere => {
            let mut step = blank(declared, &declared.name);
            step.verdict = Verdict::Refused;
            step.reason = Why::NoSuchObject { kind: keyword(declared).to_lowercase() }.into();
            step
        }
    };
    planner.plan.steps.push(step);
}

enum FoundComment {
    There { name: RelationName, owned: bool, comment: Option<String> },
    ToCome(RelationName),
    Nowhere,
}

fn find(planner: &ApplyPlanner<'_>, declared: &DeclaredComment) -> FoundComment {
    match declared.on {
        CommentOn::Index => {
            if let Some(found) = declared_index(planner, declared) {
                return found;
            }
            if let Some(index) = planner.facts.index_comments.get(&declared.name) {
                return FoundComment::There {
                    name: index.name.clone(),
                    owned: index.owned,
                    comment: index.comment.clone(),
                };
            }
        }
        CommentOn::View => {
            let relation = planner.relation(&declared.name);
            if let Some(view) = relation.filter(|it| it.kind == RelationKind::MaterializedView) {
                return FoundComment::There {
                    name: view.name.clone(),
                    owned: view.owned,
                    comment: view.comment.clone(),
                };
            }
        }
    }
    let to_come = planner.plan.steps.iter().find(|step| {
        step.verdict == Verdict::ToDo
            && (!step.statements.is_empty() || step.part_of.is_some())
            && is_named(&step.object, &declared.name)
    });
    to_come.map_or(FoundComment::Nowhere, |step| FoundComment::ToCome(step.object.clone()))
}

/// The index that the same files declare under that name, wherever the search path leads.
fn declared_index(planner: &ApplyPlanner<'_>, declared: &DeclaredComment) -> Option<FoundComment> {
    let step = planner.plan.steps.iter().find(|step| {
        matches!(step.subject, Subject::Index(_)) && is_named(&step.object, &declared.name)
    })?;
    let table = planner.relation_named(step.on.as_ref()?)?;
    let indexes = planner.facts.indexes.get(&table.oid)?;
    let index = indexes.iter().find(|index| index.name == step.object)?;
    Some(FoundComment::There {
        name: index.name.clone(),
        owned: table.owned,
        comment: index.comment.clone(),
    })
}

fn is_named(object: &RelationName, name: &RelationName) -> bool {
    object.name == name.name && (name.schema.is_none() || object.schema == name.schema)
}

fn existing(
    declared: &DeclaredComment,
    name: &RelationName,
    owned: bool,
    comment: &Option<String>,
) -> Step {
    if *comment == declared.text {
        let mut step = blank(declared, name);
        step.reason = Why::AsDeclared.into();
        return step;
    }
    let mut step = to_do(declared, name, Why::CommentDiffers);
    if !owned {
        step.verdict = Verdict::Refused;
        step.reason = Why::CommentNotOwned.into();
    }
    step
}

fn to_do(declared: &DeclaredComment, name: &RelationName, why: Why) -> Step {
    let mut step = blank(declared, name);
    let text = declared.text.as_deref().map_or("NULL".to_owned(), quote_literal);
    step.verdict = Verdict::ToDo;
    step.reason = why.into();
    step.lock = Lock::share_update_exclusive(name);
    step.statements = vec![Statement::Short(vec![format!(
        "COMMENT ON {} {name} IS {text}",
        keyword(declared)
    )])];
    step
}

fn blank(declared: &DeclaredComment, name: &RelationName) -> Step {
    Step::new(
        Action::Comment,
        name.clone(),
        Subject::Comment(DeclaredComment { name: name.clone(), ..declared.clone() }),
    )
}

fn keyword(declared: &DeclaredComment) -> &'static str {
    match declared.on {
        CommentOn::Index => "INDEX",
        CommentOn::View => "MATERIALIZED VIEW",
    }
}
