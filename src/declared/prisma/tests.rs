use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::declared::files::read_one;
use crate::declared::{Declaration, Others, RelationName};
use crate::pg::name::quote_ident;
use crate::syntax::lexer::{TokenKind, tokens};

fn read(text: &str) -> PrismaSchema {
    understand(&[SqlFile { name: "schema.prisma".into(), text: text.to_owned() }])
}

fn problem(text: &str) -> String {
    let mut problems = read(text).problems;
    assert_eq!(problems.len(), 1, "{text}");
    let problem = problems.remove(0);
    format!("{}: {}", problem.source, problem.message)
}

/// The statement, with names quoted only where they have to be and keywords in small letters.
fn statement(index: &DeclaredIndex) -> String {
    let mut written = String::new();
    for token in tokens(&index.definition) {
        let text = token.text(&index.definition);
        written.push(' ');
        match token.kind {
            TokenKind::QuotedName => written.push_str(&quote_ident(&text[1..text.len() - 1])),
            TokenKind::Word => written.push_str(&text.to_lowercase()),
            _ => written.push_str(text),
        }
    }
    let name = index.name.as_deref().unwrap_or_default();
    let unique = if index.unique { "UNIQUE " } else { "" };
    // The engine leaves out the schema that it looks in.
    let table = match index.table.schema.as_deref() {
        Some("public") => RelationName::unqualified(&index.table.name),
        _ => index.table.clone(),
    };
    format!("{unique}{name} ON {table}{written}")
}

fn statements(indexes: &[DeclaredIndex]) -> BTreeSet<String> {
    indexes.iter().map(statement).collect()
}

fn files(folder: &Path, extension: &str) -> Vec<SqlFile> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths = paths
        .filter(|path| path.extension().is_some_and(|it| it == extension))
        .collect::<Vec<PathBuf>>();
    paths.sort();
    paths.iter().map(|path| read_one(path).unwrap()).collect()
}

/// Beside each schema stand the indexes of the script that Prisma's own engine (8.1.0) makes of it.
#[test]
fn the_indexes_are_those_of_prismas_own_engine() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/prisma"));
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut compared = 0;
    for folder in folders {
        let schema = understand(&files(&folder, "prisma"));
        let problems = schema.problems.iter().map(|it| format!("{}: {}", it.source, it.message));
        assert_eq!(problems.collect::<Vec<_>>(), Vec::<String>::new());
        let Declaration { indexes, .. } =
            crate::declared::understand(&files(&folder, "sql"), Others::Refuse).unwrap();
        let (ours, wanted) = (statements(&schema.indexes), statements(&indexes));
        let missing = wanted.difference(&ours).collect::<Vec<_>>();
        let extra = ours.difference(&wanted).collect::<Vec<_>>();
        assert!(missing.is_empty() && extra.is_empty(), "{folder:?}: {missing:#?} {extra:#?}");
        assert_eq!(schema.indexes.len(), indexes.len(), "{folder:?}");
        compared += indexes.len();
    }
    assert!(compared > 30, "{compared}");
}

#[test]
fn what_is_no_schema_is_said_at_its_line_with_what_was_expected() {
    for (text, wanted) in [
        (
            "modl A {\n}",
            "1: expected model, view, enum, type, datasource or generator, but `modl` stands there",
        ),
        ("\nmodel {\n}", "2: expected a name for the model, but `{` stands there"),
        ("model A {\n  id\n}", "2: expected the type of the field id, but the line ends"),
        (
            "model A {\n  id Int; x Int\n}",
            "2: expected the end of the line, but `;` stands there",
        ),
        (
            "model A {\n  id Int @\n}",
            "2: expected the name of an attribute, but the line ends",
        ),
        ("model A {\n  @@index([id)\n}", "2: expected `,` or `]`, but `)` stands there"),
        ("model A {\n  id Int", "2: expected the end of the line, but the file ends"),
        (
            "model A {\n  id Int\n",
            "3: expected a field, an attribute that begins with @@, or `}`, but the file ends",
        ),
        (
            "model A {\n  b String @default(\"x)\n}",
            "2: the string that begins here does not end on its line",
        ),
        ("datasource db {\n  provider = \n}", "3: expected a value, but `}` stands there"),
        ("/* model", "1: the comment that begins here does not end"),
        ("enum E {\n  A = 1\n}", "2: expected the end of the line, but `=` stands there"),
    ] {
        assert_eq!(problem(text), format!("schema.prisma:{wanted}"));
    }
}

#[test]
fn what_cannot_be_an_index_is_said_at_its_line() {
    for (attribute, wanted) in [
        ("@@index([nam])", "the model A has no field nam"),
        ("@@index([bs])", "A.bs is a relation and no column"),
        ("@@index([])", "@@index names no fields"),
        ("@@index([name], typo: 1)", "pgtend does not know the argument typo of an index"),
        ("@@index([name], type: Rum)", "type: Rum is no index type of PostgreSQL"),
        ("@@index([name(ops: FooOps)])", "FooOps is no operator class of Prisma's"),
        ("@@index([name(sort: Up)])", "sort is neither Asc nor Desc"),
        ("@@index([name], map: \"\")", "the name is no string"),
        ("@@index([name], where: {})", "where: {} holds no condition"),
        (
            "@@index([name], where: { name: NOW })",
            "where: what name is compared with is no value",
        ),
    ] {
        let text =
            format!("model A {{\n  name String\n  bs B[]\n  {attribute}\n}}\nmodel B {{\n}}\n");
        assert_eq!(problem(&text), format!("schema.prisma:4: {wanted}"));
    }
    let mysql = "datasource db {\n  provider = \"mysql\"\n}";
    assert_eq!(problem(mysql), "schema.prisma:1: the schema is for mysql, not for PostgreSQL");
    let twice = "model A {\n}\nmodel A {\n}";
    assert_eq!(problem(twice), "schema.prisma:3: A is defined at schema.prisma:1 already");
}

/// It comes from a file and goes into a statement.
#[test]
fn raw_sql_makes_one_index_and_nothing_else() {
    for raw in ["x); DROP TABLE a; --", "x) WHERE (true", "text_ops)) ;", "'"] {
        let text = format!("model A {{\n  b String\n  @@index([b], where: raw(\"{raw}\"))\n}}");
        let schema = read(&text);
        let found = schema.indexes.iter().map(|index| index.definition.as_str());
        assert!(found.eq::<[&str; 0]>([]), "{raw}: {:?}", schema.indexes);
        assert!(schema.problems[0].message.starts_with("raw SQL: "), "{raw}");
    }
}

#[test]
fn what_only_other_databases_have_is_left_out_with_what_to_write_instead() {
    let text = "model Customer {\n  name String @map(\"full name\")\n  phone String\n  \
                @@fulltext([name, phone])\n  @@index([name(length: 10)])\n  @@map(\"customers\")\n}";
    let schema = read(text);
    assert!(schema.problems.is_empty() && schema.indexes.is_empty());
    let told = schema
        .warnings
        .iter()
        .map(|warning| warning.message.as_str())
        .collect::<Vec<_>>();
    assert_eq!(
        told,
        [
            "schema.prisma:4: left out: @@fulltext is for MySQL and MongoDB; declare it in a SQL file: \
             CREATE INDEX ON customers USING gin (to_tsvector('simple', coalesce(\"full name\", '') || \
             ' ' || coalesce(phone, '')))",
            "schema.prisma:5: left out: length: is MySQL's; declare it in a SQL file: CREATE INDEX ON \
             customers (left(\"full name\", 10))",
        ]
    );
}

#[test]
fn what_it_does_not_know_is_passed_over() {
    let text = "generator g {\n  future = { a: [1, 2], b: env(\"X\") }\n}\n\
                datasource db {\n  provider = \"postgresql\"\n  url = \"postgres://h/d?x=1&schema=c%20m\"\n}\n\
                model A {\n  id Int @id @future(1)\n  lost Lost[]\n  l Lost? @relation(fields: [id])\n  \
                @@index([id])\n  @@future({ a: 1 })\n}";
    let schema = read(text);
    assert!(schema.problems.is_empty(), "{}", schema.problems[0].message);
    let tables = schema.indexes.iter().map(|index| index.table.clone()).collect::<Vec<_>>();
    assert_eq!(tables, [RelationName::qualified("c m", "A")]);
}
