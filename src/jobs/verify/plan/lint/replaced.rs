//! Relations that one migration drops and creates again under their name.

use std::collections::HashSet;

use squawk_syntax::ast::{self, AstNode, Stmt};

use super::effects::{Created, Effect, IfTaken, RelationKind};
use super::names::Names;
use crate::declared::path_ref_name;
use crate::findings::{Finding, Place, Rule};
use crate::pg::name::RelationName;

/// Whether the statement stands in a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// Others see nothing until COMMIT.
    Transaction,
    /// Others see what each statement did.
    Nothing,
}

#[derive(Debug)]
struct Dropped {
    kind: RelationKind,
    name: RelationName,
    /// An index's table, where it is known.
    of: Option<RelationName>,
    place: Place,
    around: Around,
    again: Option<Again>,
}

#[derive(Debug)]
struct Again {
    line: u32,
    is_unique: bool,
    is_granted: bool,
}

/// What a script has dropped so far.
#[derive(Debug, Default)]
pub struct Replaced {
    dropped: Vec<Dropped>,
    /// What the script has made: known for certain, also where it is not whether it is still there.
    made: HashSet<RelationName>,
}

impl Replaced {
    /// Takes in what a statement does, before `names` does. Nobody misses what the script itself has
    /// made, nor what IF EXISTS drops only perhaps.
    pub fn see(
        &mut self,
        statement: &Stmt,
        effect: &Effect,
        names: &Names,
        script: usize,
        place: Place,
        around: Around,
    ) {
        match effect {
            Effect::Drop { kind, name, if_exists } => {
                let known = names.get(name);
                let is_own = known.is_some_and(|known| known.script == script);
                if is_own || (known.is_none() && *if_exists) {
                    return;
                }
                if let Some(name) = names.resolve(name).filter(|name| !self.made.contains(name)) {
                    let of = known.and_then(|known| known.of.clone());
                    let (kind, again) = (*kind, None);
                    self.dropped.push(Dropped { kind, name, of, place, around, again });
                }
            }
            Effect::Create(created) if !names.is_temporary(created) => {
                self.create(statement, created, names, place.line);
            }
            _ => {}
        }
    }

    /// Privileges that are given again are not lost.
    pub fn grant(&mut self, grant: &ast::Grant, names: &Names) {
        let Some(objects) = grant.on_privilege_objects_clause() else {
            return;
        };
        let paths = objects.syntax().descendants().filter_map(ast::RelationNameRef::cast);
        for path in paths.filter_map(|name| name.path_ref()) {
            let name = path_ref_name(&path).and_then(|name| names.resolve(&name));
            for dropped in self.dropped.iter_mut().filter(|one| Some(&one.name) == name.as_ref()) {
                if let Some(again) = &mut dropped.again {
                    again.is_granted = true;
                }
            }
        }
    }

    /// What the script did so.
    pub fn end(&mut self) -> Vec<Finding> {
        let dropped = std::mem::take(&mut self.dropped).into_iter();
        dropped.filter_map(|one| finding(&one)).collect()
    }

    fn create(&mut self, statement: &Stmt, created: &Created, names: &Names, line: u32) {
        let name = names.resolve(&created.name);
        let of = created.of.as_ref().and_then(|of| names.resolve(of));
        let is_same = |one: &&mut Dropped| {
            one.kind == created.kind
                && Some(&one.name) == name.as_ref()
                && (one.kind != RelationKind::Index || one.of.is_none() || one.of == of)
        };
        let dropped = self.dropped.iter_mut().rev().find(is_same);
        if let Some(dropped) = dropped {
            let is_unique =
                matches!(statement, Stmt::CreateIndex(create) if create.unique_token().is_some());
            dropped.again = Some(Again { line, is_unique, is_granted: false });
        }
        if created.taken == IfTaken::Refuse {
            self.made.extend(name);
        }
    }
}

fn finding(dropped: &Dropped) -> Option<Finding> {
    let Dropped { kind, name, place, around, again, .. } = dropped;
    let again = again.as_ref()?;
    let consequence = match (kind, around) {
        (RelationKind::Sequence, _) => return None,
        (RelationKind::View, Around::Transaction) if again.is_granted => return None,
        (RelationKind::View, Around::Transaction) => "the privileges on it are lost",
        (RelationKind::View, Around::Nothing) if again.is_granted => {
            "until then every query that reads it fails"
        }
        (RelationKind::View, Around::Nothing) => {
            "until then every query that reads it fails, and the privileges on it are lost"
        }
        (RelationKind::MaterializedView, Around::Transaction) => {
            "who reads it waits until it is filled, and its indexes and privileges are lost"
        }
        (RelationKind::MaterializedView, Around::Nothing) => {
            "until it is filled every query that reads it fails, and its indexes and privileges are \
             lost"
        }
        (RelationKind::Table, _) => "its rows, indexes and privileges are lost",
        (RelationKind::Index, Around::Transaction) => {
            "its table is locked, also for reading, until the new index is built"
        }
        (RelationKind::Index, Around::Nothing) if again.is_unique => {
            "until it is built queries go without it, and nothing keeps duplicates out"
        }
        (RelationKind::Index, Around::Nothing) => "until it is built queries go without it",
    };
    let message =
        format!("{name} is dropped and created again in line {}: {consequence}", again.line);
    let finding = Finding::new(&Rule::DROP_AND_CREATE, Some(place.clone()), message);
    Some(finding.help(instead(*kind, name)))
}

fn instead(kind: RelationKind, name: &RelationName) -> String {
    match kind {
        RelationKind::Index => format!(
            "create the new index under another name, drop this one, then ALTER INDEX … RENAME; to \
             build the same index anew: REINDEX INDEX CONCURRENTLY {name}"
        ),
        RelationKind::View => format!(
            "CREATE OR REPLACE VIEW {name}, which may add columns at the end; where that is not \
             enough, drop, create and GRANT in one transaction"
        ),
        _ => format!(
            "make the new one under another name, with its indexes and privileges, and change the \
             names in one transaction: ALTER {} … RENAME",
            kind.keyword()
        ),
    }
}
