//! From the text of one file to what it declares.

use squawk_syntax::ast::{self, AstNode, NameLike, Stmt};
use squawk_syntax::{SourceFile, SyntaxNode};

use super::check::Problem;
use super::files::SqlFile;
use super::{
    CommentOn, Declaration, DeclaredComment, DeclaredIndex, DeclaredMaintenance, DeclaredView,
    MaintenanceKind, Note, Source, text,
};
use crate::pg::name::RelationName;

/// What happens to statements that declare nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// They are an error: the user may believe that pgtend runs them.
    Refuse,
    /// They are passed over with a note.
    Ignore,
}

type Parsed<T> = std::result::Result<T, Problem>;

/// Adds what the file declares, and what is wrong with it.
pub fn file(
    file: &SqlFile,
    others: Others,
    declaration: &mut Declaration,
    problems: &mut Vec<Problem>,
) {
    let lines = Lines::new(file);
    let parse = SourceFile::parse(&file.text);
    let errors = parse.errors();
    if let Some(error) = errors.first() {
        let source = lines.source(error.range().start().into());
        let hint = "psql's own commands (\\i, \\set) are not SQL and cannot be used here";
        let line = lines.text(source.line).trim();
        let problem = Problem::new(&source, format!("syntax error: {error}, in: {line}"));
        let backslash = line.starts_with('\\');
        problems.push(if backslash { problem.hint(hint) } else { problem });
        return;
    }
    for statement in parse.tree().stmts() {
        let Some(first) = text::first_token(statement.syntax()) else { continue };
        let source = lines.source(first.text_range().start().into());
        if let Err(problem) = declare(&statement, &source, others, declaration) {
            problems.push(problem);
        }
    }
}

fn declare(
    statement: &Stmt,
    source: &Source,
    others: Others,
    declaration: &mut Declaration,
) -> Parsed<()> {
    match statement {
        Stmt::CreateIndex(create) => declaration.indexes.push(index(create, source)?),
        Stmt::CreateMaterializedView(create) => declaration.views.push(view(create, source)?),
        Stmt::Analyze(analyze) => declaration.maintenance.extend(self::analyze(analyze, source)?),
        Stmt::Vacuum(vacuum) => declaration.maintenance.extend(self::vacuum(vacuum, source)?),
        Stmt::CommentOn(on) => match comment(on, source)? {
            Some(comment) => declaration.comments.push(comment),
            None => other(statement, source, others, declaration)?,
        },
        Stmt::EmptyStmt(_) => {}
        _ => other(statement, source, others, declaration)?,
    }
    Ok(())
}

/// The index that the statement declares.
pub fn index(create: &ast::CreateIndex, source: &Source) -> Parsed<DeclaredIndex> {
    let table = create.table_relation_name().and_then(|table| table_name(&table));
    let table = table.ok_or_else(|| incomplete(source, "CREATE INDEX names no table"))?;
    let items = create.partition_item_list();
    let items = items.ok_or_else(|| incomplete(source, "CREATE INDEX names no columns"))?;
    let columns = items.partition_items().map(|item| plain_column(&item)).collect::<Vec<_>>();
    let method = create.using_method().and_then(|using| using.access_method_ref());
    let tablespace = create.tablespace_clause().and_then(|clause| clause.tablespace_ref());
    Ok(DeclaredIndex {
        name: create.index().map(|index| index_name(&index, source)).transpose()?,
        table,
        unique: create.unique_token().is_some(),
        definition: definition(create),
        plain: create.where_clause().is_none() && columns.iter().all(Option::is_some),
        method: method.map(|method| method.text()),
        tablespace: tablespace
            .and_then(|tablespace| relation_name(&tablespace.syntax().text().to_string()))
            .map(|tablespace| tablespace.name),
        columns,
        source: source.clone(),
    })
}

/// Everything after the table's name, on one line.
fn definition(create: &ast::CreateIndex) -> String {
    let nodes = [
        create.using_method().map(|node| node.syntax().clone()),
        create.partition_item_list().map(|node| node.syntax().clone()),
        create.index_include_clause().map(|node| node.syntax().clone()),
        create.nulls_distinct_option().map(|node| node.syntax().clone()),
        create.with_params().map(|node| node.syntax().clone()),
        create.tablespace_clause().map(|node| node.syntax().clone()),
        create.where_clause().map(|node| node.syntax().clone()),
    ];
    text::compact(&nodes.into_iter().flatten().collect::<Vec<_>>())
}

/// The column's name where the item is one, `None` for an expression. The parser hangs the column
/// below its COLLATE clause where it has one.
fn plain_column(item: &ast::PartitionItem) -> Option<String> {
    let node = item.syntax().first_child()?;
    let node = ast::Collate::cast(node.clone())
        .and_then(|collate| collate.syntax().first_child())
        .unwrap_or(node);
    ast::NameRef::cast(node).map(|name| name.text())
}

fn index_name(index: &ast::Index, source: &Source) -> Parsed<String> {
    let name = index.path().and_then(|path| path_name(&path));
    let name = name.ok_or_else(|| incomplete(source, "CREATE INDEX has an empty name"))?;
    if name.schema.is_some() {
        return Err(Problem::new(source, format!("the index name {name} names a schema"))
            .hint("an index always lives in its table's schema; write the name without it"));
    }
    Ok(name.name)
}

/// The view that the statement declares.
pub fn view(create: &ast::CreateMaterializedView, source: &Source) -> Parsed<DeclaredView> {
    let name = create.view().and_then(|view| view.path()).and_then(|path| path_name(&path));
    let storage = [
        create.using_method().map(|node| node.syntax().clone()),
        create.with_params().map(|node| node.syntax().clone()),
        create.tablespace_clause().map(|node| node.syntax().clone()),
    ];
    let columns = create.column_list().map(|list| list.syntax().clone());
    let query = create.query().map(|query| text::verbatim(query.syntax()));
    Ok(DeclaredView {
        name: name.ok_or_else(|| incomplete(source, "CREATE MATERIALIZED VIEW has no name"))?,
        columns: text::compact(&columns.into_iter().collect::<Vec<_>>()),
        storage: text::compact(&storage.into_iter().flatten().collect::<Vec<_>>()),
        query: query
            .ok_or_else(|| incomplete(source, "CREATE MATERIALIZED VIEW has no query"))?
            .trim_end_matches(';')
            .to_owned(),
        with_data: !matches!(create.data_option(), Some(ast::DataOption::WithNoData(_))),
        source: source.clone(),
    })
}

fn analyze(analyze: &ast::Analyze, source: &Source) -> Parsed<Vec<DeclaredMaintenance>> {
    let mut options = Vec::new();
    if analyze.verbose_token().is_some() {
        options.push("VERBOSE".to_owned());
    }
    if let Some(list) = analyze.option_item_list() {
        options.extend(list.option_items().map(|item| option_text(item.syntax())));
    }
    let tables = analyze.table_and_columns_list();
    per_table(MaintenanceKind::Analyze, &options, tables.as_ref(), source)
}

fn vacuum(vacuum: &ast::Vacuum, source: &Source) -> Parsed<Vec<DeclaredMaintenance>> {
    let mut options = Vec::new();
    let legacy = [
        ("FULL", vacuum.full_token().is_some()),
        ("FREEZE", vacuum.freeze_token().is_some()),
        ("VERBOSE", vacuum.verbose_token().is_some()),
        ("ANALYZE", vacuum.analyze_token().is_some() || vacuum.analyse_token().is_some()),
    ];
    options.extend(legacy.iter().filter(|(_, given)| *given).map(|(name, _)| (*name).to_owned()));
    if let Some(list) = vacuum.vacuum_option_list() {
        options.extend(list.vacuum_options().map(|option| option_text(option.syntax())));
    }
    if options.iter().any(|option| option == "FULL" || option.starts_with("FULL ")) {
        return Err(Problem::new(source, "VACUUM FULL locks out every reader while it rewrites")
            .hint("pgtend never runs it; remove FULL, or run it by hand in a maintenance window"));
    }
    let tables = vacuum.table_and_columns_list();
    per_table(MaintenanceKind::Vacuum, &options, tables.as_ref(), source)
}

fn option_text(node: &SyntaxNode) -> String {
    text::compact(std::slice::from_ref(node)).to_uppercase().replace("ANALYSE", "ANALYZE")
}

fn per_table(
    kind: MaintenanceKind,
    options: &[String],
    tables: Option<&ast::TableAndColumnsList>,
    source: &Source,
) -> Parsed<Vec<DeclaredMaintenance>> {
    let one = |table, columns| DeclaredMaintenance {
        kind,
        options: options.to_vec(),
        table,
        columns,
        source: source.clone(),
    };
    let Some(tables) = tables else { return Ok(vec![one(None, String::new())]) };
    tables
        .table_and_columnss()
        .map(|item| {
            let name = item.table_relation_name().and_then(|table| table_name(&table));
            let name = name.ok_or_else(|| incomplete(source, "a table has no name"))?;
            let columns = item.column_ref_list().map(|list| list.syntax().clone());
            Ok(one(Some(name), text::compact(&columns.into_iter().collect::<Vec<_>>())))
        })
        .collect()
}

fn comment(on: &ast::CommentOn, source: &Source) -> Parsed<Option<DeclaredComment>> {
    let (kind, path) = match on.comment_object() {
        Some(ast::CommentObject::ObjectIndex(object)) => {
            (CommentOn::Index, object.index_ref().and_then(|index| index.path_ref()))
        }
        Some(ast::CommentObject::ObjectMaterializedView(object)) => {
            (CommentOn::View, object.view_ref().and_then(|view| view.path_ref()))
        }
        _ => return Ok(None),
    };
    let name = path.and_then(|path| path_ref_name(&path));
    let text = match on.literal() {
        None => None,
        Some(literal) => Some(
            literal.string_value().ok_or_else(|| incomplete(source, "the comment is no string"))?,
        ),
    };
    Ok(Some(DeclaredComment {
        on: kind,
        name: name.ok_or_else(|| incomplete(source, "COMMENT ON names no object"))?,
        // An empty comment is no comment: the server deletes the row (COMMENT, notes).
        text: text.filter(|text| !text.is_empty()),
        source: source.clone(),
    }))
}

fn other(
    statement: &Stmt,
    source: &Source,
    others: Others,
    declaration: &mut Declaration,
) -> Parsed<()> {
    let words = text::compact(std::slice::from_ref(statement.syntax()));
    let words = words.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    match others {
        Others::Refuse => Err(Problem::new(
            source,
            format!("`{words} …` declares neither an index, a materialized view nor maintenance"),
        )
        .hint("leave such statements to your migrations, or pass them over with --ignore-other")),
        Others::Ignore => {
            declaration.notes.push(Note {
                rule: "ignored_statement",
                object: source.to_string(),
                message: format!("passed over: {words} …"),
            });
            Ok(())
        }
    }
}

/// A relation's name as it is written in SQL; `None` if the text is anything else.
pub fn relation_name(text: &str) -> Option<RelationName> {
    let parse = SourceFile::parse(&format!("ANALYZE {text}"));
    let mut statements = parse.tree().stmts();
    let (Some(Stmt::Analyze(analyze)), None) = (statements.next(), statements.next()) else {
        return None;
    };
    let mut tables = analyze.table_and_columns_list()?.table_and_columnss();
    let (table, None) = (tables.next()?, tables.next()) else { return None };
    let plain = parse.errors().is_empty() && table.column_ref_list().is_none();
    table_name(&table.table_relation_name()?).filter(|_| plain)
}

fn incomplete(source: &Source, message: &str) -> Problem {
    Problem::new(source, message)
}

/// The table's name.
pub fn table_name(table: &ast::TableRelationName) -> Option<RelationName> {
    path_ref_name(&table.table_name_ref()?.path_ref()?)
}

/// The name that a statement gives.
pub fn path_name(path: &ast::Path) -> Option<RelationName> {
    let schema = path.qualifier().and_then(|qualifier| last_segment(&qualifier));
    Some(RelationName { schema, name: path.segment()?.text() })
}

/// The name of something that is there.
pub fn path_ref_name(path: &ast::PathRef) -> Option<RelationName> {
    let schema = path.qualifier().and_then(|qualifier| last_segment(&qualifier));
    Some(RelationName { schema, name: last_segment(path)? })
}

/// In `database.schema.table` the database can only be the one connected to, so the last two
/// segments say all.
fn last_segment(path: &ast::PathRef) -> Option<String> {
    Some(path.segment()?.text()).filter(|name| !name.is_empty())
}

/// Offsets to lines.
struct Lines<'a> {
    file: &'a SqlFile,
    ends: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(file: &'a SqlFile) -> Self {
        let ends = file.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Lines { file, ends: ends.map(|(at, _)| at).collect() }
    }

    fn source(&self, offset: usize) -> Source {
        let line = self.ends.partition_point(|end| *end < offset) + 1;
        Source { file: self.file.name.clone(), line }
    }

    fn text(&self, line: usize) -> &str {
        self.file.text.lines().nth(line - 1).unwrap_or_default()
    }
}
