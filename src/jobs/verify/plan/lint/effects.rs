//! What statements do to relations, as far as it can be read there.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{
    self, AlterIndexAction, AlterMaterializedViewAction, AlterSequenceAction, AlterTableAction,
    AlterViewAction, AstNode, DropBehavior, NameLike, Persistence, SchemaRef, Stmt,
};

use crate::declared::{path_name, path_ref_name, table_name, text};
use crate::pg::name::RelationName;

/// What a relation is. All of them share the names of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelationKind {
    /// A table, also a foreign one.
    Table,
    View,
    MaterializedView,
    Sequence,
    Index,
}

impl RelationKind {
    /// With its article.
    pub fn with_article(self) -> &'static str {
        match self {
            RelationKind::Table => "a table",
            RelationKind::View => "a view",
            RelationKind::MaterializedView => "a materialized view",
            RelationKind::Sequence => "a sequence",
            RelationKind::Index => "an index",
        }
    }

    /// As in CREATE and DROP.
    pub fn keyword(self) -> &'static str {
        match self {
            RelationKind::Table => "TABLE",
            RelationKind::View => "VIEW",
            RelationKind::MaterializedView => "MATERIALIZED VIEW",
            RelationKind::Sequence => "SEQUENCE",
            RelationKind::Index => "INDEX",
        }
    }
}

/// A relation that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    pub kind: RelationKind,
    /// As it is written; an index has the schema of its table.
    pub name: RelationName,
    /// An index's table, a partition's parent.
    pub of: Option<RelationName>,
    /// What happens if the name is taken.
    pub taken: IfTaken,
    /// Gone at the end of the session.
    pub temporary: bool,
}

/// What CREATE does where the name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfTaken {
    /// The server refuses it.
    Refuse,
    /// IF NOT EXISTS: nothing happens.
    Skip,
    Replace,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// A relation is made.
    Create(Created),
    /// It is dropped, with all that belongs to it.
    Drop {
        kind: RelationKind,
        name: RelationName,
        /// Whether it says IF EXISTS.
        if_exists: bool,
    },
    /// It gets another name in its schema.
    Rename(RelationName, RelationName),
    /// It gets another schema, with all that belongs to it.
    Move(RelationName, String),
    /// A partition belongs to another table now, or to none.
    Belong(RelationName, Option<RelationName>),
    /// An index or what belongs to a table may be gone.
    Doubt(RelationName),
    /// Anything may be gone.
    DoubtAll,
}

/// What the statement does, in order.
pub fn effects(statement: &Stmt) -> Vec<Effect> {
    let mut effects = seen(statement);
    if has_cascade(statement) {
        effects.push(Effect::DoubtAll);
    }
    effects
}

fn seen(statement: &Stmt) -> Vec<Effect> {
    match statement {
        Stmt::AlterTable(alter) => {
            let table = alter.table_relation_name().and_then(|table| table_name(&table));
            table.map(|table| altered(&table, alter.actions())).unwrap_or_default()
        }
        Stmt::AlterForeignTable(alter) => {
            let table = alter.table_relation_name().and_then(|table| table_name(&table));
            table.map(|table| altered(&table, alter.actions())).unwrap_or_default()
        }
        Stmt::AlterMaterializedView(alter) => altered_view(alter),
        Stmt::DropSchema(_)
        | Stmt::DropOwned(_)
        | Stmt::DropExtension(_)
        | Stmt::AlterExtension(_)
        | Stmt::AlterSchema(_)
        | Stmt::Rollback(_)
        | Stmt::Call(_)
        | Stmt::Execute(_) => vec![Effect::DoubtAll],
        Stmt::Do(block) if may_drop(block) => vec![Effect::DoubtAll],
        Stmt::Select(select) if calls_unknown(select) => vec![Effect::DoubtAll],
        _ => match created(statement) {
            Some(created) => {
                let constraints = indexes_of_constraints(statement, &created);
                [Effect::Create(created)].into_iter().chain(constraints).collect()
            }
            None => renamed(statement).map_or_else(|| dropped(statement), |effect| vec![effect]),
        },
    }
}

fn has_cascade(statement: &Stmt) -> bool {
    let is_cascade =
        |node: SyntaxNode| matches!(DropBehavior::cast(node), Some(DropBehavior::Cascade(_)));
    let below = |node: SyntaxNode| node.children().any(is_cascade);
    statement
        .syntax()
        .children()
        .any(|node| is_cascade(node.clone()) || below(node))
}

fn may_drop(block: &ast::Do) -> bool {
    let body = block.syntax().text().to_string().to_ascii_lowercase();
    ["drop", "rename", "execute", "schema", "call", "perform"]
        .iter()
        .any(|word| body.contains(word))
}

/// Functions of the server's own drop nothing; of others it is not known.
fn calls_unknown(select: &ast::Select) -> bool {
    select.syntax().descendants().filter_map(ast::CallExpr::cast).any(|call| {
        let Some(function) = call.expr() else {
            return false;
        };
        let function = text::compact(&[function.syntax().clone()]).to_lowercase();
        let known = ["setval", "set_config", "nextval", "currval", "now", "count", "max", "min"];
        !function.starts_with("pg_") && !known.contains(&function.as_str())
    })
}

fn created(statement: &Stmt) -> Option<Created> {
    let plain = |kind, path: Option<ast::Path>, is_skipping: bool| {
        let taken = if is_skipping { IfTaken::Skip } else { IfTaken::Refuse };
        let name = path_name(&path?)?;
        Some(Created { kind, name, of: None, taken, temporary: false })
    };
    match statement {
        Stmt::CreateIndex(create) => {
            let path = create.index().and_then(|index| index.path());
            let created = plain(RelationKind::Index, path, create.if_not_exists().is_some())?;
            let table = table_name(&create.table_relation_name()?)?;
            Some(Created {
                name: table.sibling(created.name.name),
                of: Some(table),
                ..created
            })
        }
        Stmt::CreateTable(create) => {
            let path = create.table_name().and_then(|name| name.path());
            let created = plain(RelationKind::Table, path, create.if_not_exists().is_some())?;
            let of = create.partition_of().and_then(|of| of.table_name_ref());
            let of = of.and_then(|of| of.path_ref()).and_then(|path| path_ref_name(&path));
            Some(Created {
                of,
                temporary: is_temporary(create.persistence().as_ref()),
                ..created
            })
        }
        Stmt::CreateTableAs(create) => {
            let path = create.table_name().and_then(|name| name.path());
            let created = plain(RelationKind::Table, path, create.if_not_exists().is_some())?;
            Some(Created {
                temporary: is_temporary(create.persistence().as_ref()),
                ..created
            })
        }
        Stmt::CreateForeignTable(create) => {
            let path = create.table_name().and_then(|name| name.path());
            plain(RelationKind::Table, path, create.if_not_exists().is_some())
        }
        Stmt::CreateView(create) => {
            let path = create.view().and_then(|view| view.path());
            let created = plain(RelationKind::View, path, false)?;
            let is_replacing = create.or_replace().is_some();
            let taken = if is_replacing { IfTaken::Replace } else { created.taken };
            Some(Created {
                taken,
                temporary: is_temporary(create.persistence().as_ref()),
                ..created
            })
        }
        Stmt::CreateMaterializedView(create) => {
            let path = create.view().and_then(|view| view.path());
            plain(RelationKind::MaterializedView, path, create.if_not_exists().is_some())
        }
        Stmt::CreateSequence(create) => {
            let path = create.sequence().and_then(|sequence| sequence.path());
            let created = plain(RelationKind::Sequence, path, create.if_not_exists().is_some())?;
            Some(Created {
                temporary: is_temporary(create.persistence().as_ref()),
                ..created
            })
        }
        _ => None,
    }
}

fn is_temporary(persistence: Option<&Persistence>) -> bool {
    matches!(persistence, Some(Persistence::Temp(_)))
}

/// The indexes of a new table's named constraints. IF NOT EXISTS may make none of them.
fn indexes_of_constraints(statement: &Stmt, table: &Created) -> Vec<Effect> {
    if !matches!(statement, Stmt::CreateTable(_)) || table.taken == IfTaken::Skip {
        return Vec::new();
    }
    let nodes = statement.syntax().descendants();
    nodes
        .filter_map(|node| constraint_index(&node, &table.name, table.temporary))
        .collect()
}

/// The index that the constraint makes, where the constraint has a name: else the server chooses
/// one that is free.
fn constraint_index(node: &SyntaxNode, table: &RelationName, temporary: bool) -> Option<Effect> {
    let has_index = ast::PrimaryKeyConstraint::can_cast(node.kind())
        || ast::UniqueConstraint::can_cast(node.kind())
        || ast::ExcludeConstraint::can_cast(node.kind());
    if !has_index || node.children().any(|child| ast::UsingIndexName::can_cast(child.kind())) {
        return None;
    }
    let clause = node.children().find_map(ast::ConstraintNameClause::cast)?;
    let name = clause.constraint_name()?.text();
    Some(Effect::Create(Created {
        kind: RelationKind::Index,
        name: table.sibling(name),
        of: Some(table.clone()),
        taken: IfTaken::Refuse,
        temporary,
    }))
}

fn dropped(statement: &Stmt) -> Vec<Effect> {
    let drop = |kind, paths: Vec<Option<ast::PathRef>>, if_exists: bool| {
        let names = paths.into_iter().flatten().filter_map(|path| path_ref_name(&path));
        names.map(|name| Effect::Drop { kind, name, if_exists }).collect()
    };
    match statement {
        Stmt::DropIndex(one) => {
            let paths = one.index_refs().map(|index| index.path_ref()).collect();
            drop(RelationKind::Index, paths, one.if_exists().is_some())
        }
        Stmt::DropTable(one) => {
            let paths = one.table_name_refs().map(|table| table.path_ref()).collect();
            drop(RelationKind::Table, paths, one.if_exists().is_some())
        }
        Stmt::DropForeignTable(one) => {
            let paths = one.table_name_refs().map(|table| table.path_ref()).collect();
            drop(RelationKind::Table, paths, one.if_exists().is_some())
        }
        Stmt::DropView(one) => {
            let paths = one.view_refs().map(|view| view.path_ref()).collect();
            drop(RelationKind::View, paths, one.if_exists().is_some())
        }
        Stmt::DropMaterializedView(one) => {
            let paths = one.view_refs().map(|view| view.path_ref()).collect();
            drop(RelationKind::MaterializedView, paths, one.if_exists().is_some())
        }
        Stmt::DropSequence(one) => {
            let paths = one.sequence_refs().map(|sequence| sequence.path_ref()).collect();
            drop(RelationKind::Sequence, paths, one.if_exists().is_some())
        }
        _ => Vec::new(),
    }
}

/// ALTER INDEX, VIEW and SEQUENCE.
fn renamed(statement: &Stmt) -> Option<Effect> {
    match statement {
        Stmt::AlterIndex(alter) => {
            let index = path_ref_name(&alter.index_ref()?.path_ref()?)?;
            match alter.action()? {
                AlterIndexAction::IndexRenameTo(to) => rename(&index, to.index()?.path()),
                // The parent's end is the partition's index's end too.
                AlterIndexAction::AttachIndexPartition(attach) => {
                    let part = path_ref_name(&attach.index_ref()?.path_ref()?)?;
                    Some(Effect::Doubt(part))
                }
                _ => None,
            }
        }
        Stmt::AlterView(alter) => {
            let view = path_ref_name(&alter.view_ref()?.path_ref()?)?;
            match alter.action()? {
                AlterViewAction::ViewRenameTo(to) => rename(&view, to.view()?.path()),
                AlterViewAction::SetSchema(set) => moved(&view, set.schema_ref()),
                _ => None,
            }
        }
        Stmt::AlterSequence(alter) => {
            let sequence = path_ref_name(&alter.sequence_ref()?.path_ref()?)?;
            alter.actions().find_map(|action| match action {
                AlterSequenceAction::SequenceRenameTo(to) => {
                    rename(&sequence, to.sequence()?.path())
                }
                AlterSequenceAction::SetSchema(set) => moved(&sequence, set.schema_ref()),
                // An owned one goes with its table.
                AlterSequenceAction::SequenceOption(_) => Some(Effect::Doubt(sequence.clone())),
                _ => None,
            })
        }
        _ => None,
    }
}

fn rename(name: &RelationName, to: Option<ast::Path>) -> Option<Effect> {
    let to = path_name(&to?)?;
    Some(Effect::Rename(name.clone(), name.sibling(to.name)))
}

fn moved(name: &RelationName, schema: Option<SchemaRef>) -> Option<Effect> {
    Some(Effect::Move(name.clone(), identifier(schema?.syntax())))
}

/// As the catalog holds it. The parser has names for most nodes, but not for these.
fn identifier(node: &SyntaxNode) -> String {
    let written = text::compact(std::slice::from_ref(node));
    match written.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => written.to_lowercase(),
    }
}

fn altered_view(alter: &ast::AlterMaterializedView) -> Vec<Effect> {
    let view = alter.view_ref().and_then(|view| view.path_ref());
    let Some(view) = view.and_then(|path| path_ref_name(&path)) else {
        return Vec::new();
    };
    let effects = alter.action().filter_map(|action| match action {
        AlterMaterializedViewAction::ViewRenameTo(to) => rename(&view, to.view()?.path()),
        AlterMaterializedViewAction::SetSchema(set) => moved(&view, set.schema_ref()),
        _ => None,
    });
    effects.collect()
}

fn altered(table: &RelationName, actions: impl Iterator<Item = AlterTableAction>) -> Vec<Effect> {
    actions.flat_map(|action| alteration(table, action)).collect()
}

fn alteration(table: &RelationName, action: AlterTableAction) -> Vec<Effect> {
    let part = |name: Option<ast::TableNameRef>| path_ref_name(&name?.path_ref()?);
    let effect = match action {
        AlterTableAction::TableRenameTo(to) => {
            rename(table, to.table_name().and_then(|name| name.path()))
        }
        AlterTableAction::SetSchema(set) => moved(table, set.schema_ref()),
        AlterTableAction::AttachPartition(attach) => {
            part(attach.table_name_ref()).map(|name| Effect::Belong(name, Some(table.clone())))
        }
        AlterTableAction::DetachPartition(detach) => {
            part(detach.table_name_ref()).map(|name| Effect::Belong(name, None))
        }
        AlterTableAction::DropConstraint(drop) => {
            let name = drop.constraint_name_ref();
            name.map(|name| Effect::Doubt(table.sibling(identifier(name.syntax()))))
        }
        AlterTableAction::RenameConstraint(rename) => {
            match (rename.constraint_name_ref(), rename.constraint_name()) {
                (Some(from), Some(to)) => Some(Effect::Rename(
                    table.sibling(identifier(from.syntax())),
                    table.sibling(to.text()),
                )),
                _ => None,
            }
        }
        AlterTableAction::AddConstraint(add) => {
            let nodes = add.syntax().descendants();
            return nodes.filter_map(|node| constraint_effect(&node, table)).collect();
        }
        AlterTableAction::DropColumn(_)
        | AlterTableAction::MergePartitions(_)
        | AlterTableAction::SplitPartition(_) => Some(Effect::Doubt(table.clone())),
        _ => None,
    };
    effect.into_iter().collect()
}

/// USING INDEX gives the index the constraint's name.
fn constraint_effect(node: &SyntaxNode, table: &RelationName) -> Option<Effect> {
    let using = node.children().find_map(ast::UsingIndexName::cast);
    let Some(using) = using else {
        return constraint_index(node, table, false);
    };
    let from = path_ref_name(&using.index_ref()?.path_ref()?)?;
    let clause = node.children().find_map(ast::ConstraintNameClause::cast)?;
    let to = clause.constraint_name()?.text();
    Some(Effect::Rename(table.sibling(from.name), table.sibling(to)))
}
