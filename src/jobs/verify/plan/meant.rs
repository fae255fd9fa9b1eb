//! What a CREATE of a relation wants to be there afterwards.

use squawk_syntax::ast::Stmt;

use super::relations::{Names, RelationStep, Relations};
use crate::declared::{path_name, table_name};
use crate::facts::RelationKind;
use crate::facts::observed::ObservedRelation;
use crate::pg::name::RelationName;
use crate::syntax;

/// The relation, in the words of the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant {
    pub kind: RelationKind,
    pub name: RelationName,
    /// An index's table.
    pub of: Option<RelationName>,
    /// It says IF NOT EXISTS.
    pub may_be_there: bool,
}

impl Meant {
    /// `None` where the statement makes nothing that could be there already, or chooses the name itself.
    pub fn of(statement: &Stmt) -> Option<Meant> {
        let (kind, path, may_be_there) = match statement {
            Stmt::CreateIndex(create) => {
                let path = create.index().and_then(|index| index.path());
                (RelationKind::Index, path, create.if_not_exists().is_some())
            }
            Stmt::CreateTable(create) => {
                let path = create.table_name().and_then(|name| name.path());
                (RelationKind::Table, path, create.if_not_exists().is_some())
            }
            Stmt::CreateTableAs(create) => {
                let path = create.table_name().and_then(|name| name.path());
                (RelationKind::Table, path, create.if_not_exists().is_some())
            }
            Stmt::CreateForeignTable(create) => {
                let path = create.table_name().and_then(|name| name.path());
                (RelationKind::ForeignTable, path, create.if_not_exists().is_some())
            }
            Stmt::CreateMaterializedView(create) => {
                let path = create.view().and_then(|view| view.path());
                (RelationKind::MaterializedView, path, create.if_not_exists().is_some())
            }
            Stmt::CreateSequence(create) => {
                let path = create.sequence().and_then(|sequence| sequence.path());
                (RelationKind::Sequence, path, create.if_not_exists().is_some())
            }
            _ => return None,
        };
        let (name, of) = (path_name(&path?)?, indexed(statement));
        Some(Meant { kind, name, of, may_be_there })
    }

    /// The same of a statement's text.
    pub fn read(text: &str) -> Option<Meant> {
        syntax::read(text, |parsed| parsed.statements().next().as_ref().and_then(Meant::of)).ok()?
    }

    /// The name as the catalog holds it. An index stands in the schema of its table.
    pub fn name(&self, relations: &Relations, names: &Names) -> Option<RelationName> {
        let Some(table) = &self.of else {
            return names.made(&self.name);
        };
        let schema = &relations.found(table, names)?.schema;
        names.made(&RelationName::qualified(schema, self.name.name.clone()))
    }

    /// The relation that was there already, so that the statement had no effect.
    pub fn met<'r>(
        &self,
        relations: &'r Relations,
        step: &RelationStep,
    ) -> Option<&'r ObservedRelation> {
        let met = relations.named(&self.name(relations, &step.names)?)?;
        let is_made = step.changes.made.iter().any(|made| made.oid == met.oid);
        (self.may_be_there && !is_made).then_some(met)
    }
}

fn indexed(statement: &Stmt) -> Option<RelationName> {
    match statement {
        Stmt::CreateIndex(create) => table_name(&create.table_relation_name()?),
        _ => None,
    }
}
