//! From the text of one statement to what it declares.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode, NameLike, SchemaElement, Stmt};

use super::check::Problem;
use super::statement::Words;
use super::{
    CommentOn, DeclarationLanguage, DeclaredComment, DeclaredIndex, DeclaredMaintenance,
    DeclaredView, MaintenanceKind, Source, text,
};
use crate::pg::name::RelationName;
use crate::syntax;

/// What happens to statements that declare nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// They are an error: the user may believe that pgtend runs them.
    Refuse,
    /// They are passed over with a note.
    Ignore,
}

type Parsed<T> = std::result::Result<T, Problem>;

/// What a statement declares.
pub enum Declared {
    /// CREATE INDEX.
    Index(DeclaredIndex),
    /// CREATE MATERIALIZED VIEW.
    View(DeclaredView),
    /// COMMENT ON.
    Comment(DeclaredComment),
    /// ANALYZE and VACUUM.
    Maintenance(Vec<DeclaredMaintenance>),
}

/// What the statement declares, which begins as one that does.
///
/// # Errors
/// Where it is too deep, no SQL, or declares what pgtend does not do.
pub fn declared(text: &str, source: &Source) -> Parsed<Vec<Declared>> {
    syntax::read(text, |parsed| declared_by(parsed, text, source))
        .unwrap_or_else(|error| Err(Problem::new(source, error.to_string())))
}

fn declared_by(parsed: &syntax::Parsed, text: &str, source: &Source) -> Parsed<Vec<Declared>> {
    if let Some(error) = parsed.errors().first() {
        let (at, message) = syntax::near(text, error);
        let source = &below(source, text, at);
        let line = text.lines().nth(newlines(text, at)).unwrap_or_default();
        let problem = Problem::new(source, format!("{message}{}", shown(text, at, line)));
        let is_template = ["{{", "${", "<%", "{%"].iter().any(|mark| line.contains(mark));
        return Err(match is_template {
            true => problem.hint("this looks like a template; give the file that comes of it"),
            false => problem,
        });
    }
    let mut statements = parsed.statements();
    let (Some(statement), None) = (statements.next(), statements.next()) else {
        return Err(Problem::new(source, "pgtend reads this otherwise than psql would")
            .hint("this is an error of pgtend's; please report it with the statement"));
    };
    Ok(match &statement {
        Stmt::CreateIndex(create) => vec![Declared::Index(index(create, source)?)],
        Stmt::CreateMaterializedView(create) => {
            vec![Declared::View(view(create, source)?)]
        }
        Stmt::CreateSchema(create) => schema(create, text, source)?,
        Stmt::Analyze(analyze) => vec![Declared::Maintenance(self::analyze(analyze, source)?)],
        Stmt::Vacuum(vacuum) => vec![Declared::Maintenance(self::vacuum(vacuum, source)?)],
        Stmt::CommentOn(on) => comment(on, source)?.map(Declared::Comment).into_iter().collect(),
        _ => Vec::new(),
    })
}

/// So much of a line is shown.
const LINE_SHOWN: usize = 120;

/// The line, and a caret below the byte; of a line that is too long nothing.
fn shown(text: &str, at: usize, line: &str) -> String {
    let begins = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let before = text[begins..at].chars().count();
    if line.chars().count() > LINE_SHOWN || line.contains('\t') {
        return format!(", in: {}", line.trim().chars().take(LINE_SHOWN).collect::<String>());
    }
    format!("\n{line}\n{}^", " ".repeat(before))
}

fn newlines(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count()
}

/// The place of a byte of a statement.
fn below(source: &Source, text: &str, at: usize) -> Source {
    let before = &text[..at];
    let (line, column) = match before.rfind('\n') {
        Some(end) => {
            (source.line + number(newlines(text, at)), before[end + 1..].chars().count() + 1)
        }
        None => (
            source.line,
            before.chars().count() + usize::try_from(source.column).unwrap_or(1),
        ),
    };
    Source { line, column: number(column), ..source.clone() }
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The indexes among the elements of CREATE SCHEMA, which are made in it.
fn schema(create: &ast::CreateSchema, text: &str, source: &Source) -> Parsed<Vec<Declared>> {
    let mut words = Words::of(text);
    words.eat("create schema");
    words.eat("if not exists");
    words.eat("authorization");
    let Some(schema) = words.part() else {
        return Ok(Vec::new());
    };
    let mut declared = Vec::new();
    for element in create.schema_elements() {
        let SchemaElement::CreateIndex(create) = element else {
            continue;
        };
        let first = text::first_token(create.syntax());
        let at = first.map_or(0, |token| token.text_range().start().into());
        let mut index = index(&create, &below(source, text, at))?;
        index.table.schema.get_or_insert_with(|| schema.clone());
        declared.push(Declared::Index(index));
    }
    Ok(declared)
}

/// The index that the statement declares.
fn index(create: &ast::CreateIndex, source: &Source) -> Parsed<DeclaredIndex> {
    let table = create
        .table_relation_name()
        .and_then(|table| table_name(&table))
        .ok_or_else(|| incomplete(source, "CREATE INDEX names no table"))?;
    let items = create
        .partition_item_list()
        .ok_or_else(|| incomplete(source, "CREATE INDEX names no columns"))?;
    let columns = items.partition_items().map(|item| plain_column(&item)).collect::<Vec<_>>();
    let method = create.using_method().and_then(|using| using.access_method_ref());
    let tablespace = create.tablespace_clause().and_then(|clause| clause.tablespace_ref());
    Ok(DeclaredIndex {
        parts: Vec::new(),
        origin: DeclarationLanguage::Sql,
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
    let name = index
        .path()
        .and_then(|path| path_name(&path))
        .ok_or_else(|| incomplete(source, "CREATE INDEX has an empty name"))?;
    if name.schema.is_some() {
        return Err(Problem::new(source, format!("the index name {name} names a schema"))
            .hint("an index always lives in its table's schema; write the name without it"));
    }
    Ok(name.name)
}

/// The view that the statement declares.
fn view(create: &ast::CreateMaterializedView, source: &Source) -> Parsed<DeclaredView> {
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
    text::compact(std::slice::from_ref(node))
        .to_uppercase()
        .replace("ANALYSE", "ANALYZE")
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
    let Some(tables) = tables else {
        return Ok(vec![one(None, String::new())]);
    };
    tables
        .table_and_columnss()
        .map(|item| {
            let name = item
                .table_relation_name()
                .and_then(|table| table_name(&table))
                .ok_or_else(|| incomplete(source, "a table has no name"))?;
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
            literal
                .string_value()
                .ok_or_else(|| incomplete(source, "the comment is no string"))?,
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

/// A relation's name as it is written in SQL; `None` if the text is anything else.
pub fn relation_name(text: &str) -> Option<RelationName> {
    syntax::read(&format!("ANALYZE {text}"), analyzed).ok()?
}

/// The one relation without columns that the statement analyzes.
fn analyzed(parse: &syntax::Parsed) -> Option<RelationName> {
    let mut statements = parse.tree().stmts();
    let (Some(Stmt::Analyze(analyze)), None) = (statements.next(), statements.next()) else {
        return None;
    };
    let mut tables = analyze.table_and_columns_list()?.table_and_columnss();
    let (table, None) = (tables.next()?, tables.next()) else {
        return None;
    };
    let plain = parse.errors().is_empty() && table.column_ref_list().is_none();
    table_name(&table.table_relation_name()?).filter(|_| plain)
}

fn incomplete(source: &Source, message: &str) -> Problem {
    Problem::new(source, message)
}

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
