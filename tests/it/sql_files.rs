//! The queries: each is used, explained, understood by this server, and safe from whatever
//! stands in the search path.

use std::fs;
use std::path::{Path, PathBuf};

use pgtend::inside::selected;
use tokio_postgres::types::Type;

use crate::support::Database;

/// The folders of queries that the program sends as they are.
const FOLDERS: [&str; 6] = [
    "sql/catalog",
    "sql/check",
    "sql/history",
    "sql/measures",
    "sql/statements",
    "sql/twin",
];

/// A query of the program's.
pub struct QueryFile {
    /// With its folder.
    pub name: String,
    /// As it is sent.
    pub text: String,
}

impl QueryFile {
    /// The statement without comments, and with string literals emptied.
    fn code(&self) -> String {
        let lines = self.text.lines().map(|line| line.split("--").next().unwrap_or_default());
        let code = lines.collect::<Vec<_>>().join("\n");
        let pieces = code.split('\'').enumerate();
        pieces.map(|(at, piece)| if at % 2 == 0 { piece } else { "''" }).collect()
    }

    /// A suffix says from which version on the file is used.
    pub fn oldest_major(&self) -> u32 {
        let stem = self.name.trim_end_matches(".sql");
        stem.rsplit('_').next().and_then(|end| end.parse().ok()).unwrap_or(0)
    }

    /// The types that the casts of `$1`, `$2` … give; the loader sends these.
    pub fn parameters(&self) -> Vec<Type> {
        let code = self.code();
        let numbers = (1..).take_while(|number| code.contains(&format!("${number}")));
        numbers
            .map(|number| {
                let cast = format!("${number}::pg_catalog.");
                let (_, rest) = code.split_once(&cast).unwrap_or_else(|| {
                    panic!("{}: ${number} needs a cast to a type of pg_catalog", self.name)
                });
                let end = rest.find(|c: char| !(c.is_alphanumeric() || "_[]".contains(c)));
                let name = &rest[..end.unwrap_or(rest.len())];
                match name {
                    "bool" => Type::BOOL,
                    "text" => Type::TEXT,
                    "text[]" => Type::TEXT_ARRAY,
                    "int2[]" => Type::INT2_ARRAY,
                    "int4" => Type::INT4,
                    "int4[]" => Type::INT4_ARRAY,
                    "int8" => Type::INT8,
                    "int8[]" => Type::INT8_ARRAY,
                    "float8" => Type::FLOAT8,
                    "oid" => Type::OID,
                    "name[]" => Type::NAME_ARRAY,
                    "oid[]" => Type::OID_ARRAY,
                    "regclass" => Type::REGCLASS,
                    other => panic!("{}: ${number} is of type {other}: add it here", self.name),
                }
            })
            .collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All of them.
pub fn query_files() -> Vec<QueryFile> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap());
            let text = written(&fs::read_to_string(path).unwrap());
            files.push(QueryFile { name, text });
        }
    }
    assert!(!files.is_empty());
    files
}

/// All that is measured.
const READINGS: &str = concat!(
    include_str!("../../sql/measures/readings.sql"),
    "UNION ALL\n",
    include_str!("../../sql/measures/checkpoints.sql")
);

/// The query as it is sent where the extension's schema is pgtend's, on servers before 17.
fn written(text: &str) -> String {
    let key = "s.userid, s.dbid, s.queryid, true AS toplevel, \
               NULL::pg_catalog.float8 AS stats_since_epoch";
    text.replace("{readings}", READINGS)
        .replace("{schema}", "pgtend")
        .replace("{key}", key)
        .replace("{counters}", &selected(&[]))
        .replace("{rank}", "s.calls::pg_catalog.float8")
        .replace("{calls}", "s.calls::pg_catalog.float8")
        .replace("{total}", "s.total_exec_time::pg_catalog.float8")
        .replace("{wal}", "s.wal_bytes::pg_catalog.float8")
}

fn sources(folder: &Path) -> String {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| match path.is_dir() {
        true => sources(&path),
        false => fs::read_to_string(path).unwrap(),
    };
    paths.map(read).collect()
}

#[test]
fn every_file_is_used() {
    let sources = sources(&root().join("src"));
    for file in query_files() {
        let used = format!("{}\")", file.name);
        let used = sources
            .lines()
            .any(|line| line.contains("include_str!") && line.contains(&used));
        assert!(used, "no include_str! in src has {}", file.name);
    }
}

#[test]
fn every_file_says_what_it_returns_and_needs() {
    for QueryFile { name, text } in query_files() {
        let header = text.lines().take_while(|line| line.starts_with("-- ")).collect::<Vec<_>>();
        assert!(header.len() > 1, "{name} does not begin with a comment");
        let header = header.join("\n");
        for word in ["Privilege:", "Cost:"] {
            assert!(header.contains(word), "the header of {name} does not say its {word}");
        }
    }
}

#[tokio::test]
async fn every_file_is_understood_with_an_empty_search_path() {
    let db = Database::new().await;
    // The history can only be asked where there is one.
    db.pgtend(&["init"]).expect(0);
    db.sql("CREATE EXTENSION pg_stat_statements SCHEMA pgtend").await;
    db.sql("CREATE EXTENSION pageinspect SCHEMA pgtend").await;
    db.sql("CREATE EXTENSION amcheck SCHEMA pgtend").await;
    db.sql("CREATE EXTENSION pgstattuple SCHEMA pgtend").await;
    let session = db.session().await;
    session.batch_execute("SET search_path = ''").await.unwrap();
    for file in query_files() {
        if file.oldest_major() <= db.server.major {
            let prepared = session.prepare_typed(&file.text, &file.parameters()).await;
            let prepared = prepared.unwrap_or_else(|error| panic!("{}: {error:?}", file.name));
            assert!(!prepared.columns().is_empty(), "{} returns nothing", file.name);
        }
    }
}

/// Words that stand before a parenthesis without being functions, and expressions that the grammar
/// knows, which no search path can redirect.
const SYNTAX: &str = "ALL AND ANY ARRAY AS BY CASE COALESCE CONFLICT CROSS ELSE EXISTS EXTRACT FILTER FROM \
                      GREATEST GROUP IN JOIN LATERAL LEAST NOT NULLIF ON OPERATOR OR OVER ROWS SELECT THEN UNION \
                      USING VALUES WHEN WHERE WITHIN";

/// The server's and our own.
const SCHEMAS: [&str; 2] = ["pg_catalog", "pgtend"];

fn is_qualified(before: &str) -> bool {
    SCHEMAS.iter().any(|schema| before.ends_with(&format!("{schema}.")))
}

/// Whether the name is that of a query in a WITH clause, which may name its columns.
fn is_with(code: &str, name: &str) -> bool {
    let begins =
        |rest: &str| ["AS (", "AS MATERIALIZED ("].iter().any(|begin| rest.starts_with(begin));
    // Its columns may be named in between.
    let after = |rest: &str| match rest.strip_prefix('(').and_then(|rest| rest.split_once(") ")) {
        Some((columns, rest)) => !columns.contains('(') && begins(rest),
        None => begins(rest),
    };
    let word = format!("{name} ");
    code.match_indices(&word).any(|(at, _)| after(&code[at + word.len()..]))
}

#[test]
fn every_function_type_and_table_is_named_with_its_schema() {
    for file in query_files() {
        let code = file.code();
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        for (at, _) in code.match_indices('(') {
            let before = code[..at].trim_end();
            let start = before.rfind(|c: char| !is_name(c)).map_or(0, |at| at + 1);
            let word = &before[start..];
            let is_syntax = SYNTAX.split_whitespace().any(|known| known == word);
            let qualified = is_qualified(&before[..start]);
            // `AS alias (column, …)` names columns.
            let prefix = before[..start].trim_end();
            let is_alias = prefix.ends_with(" AS") || prefix.ends_with(")") || is_with(&code, word);
            assert!(
                word.is_empty() || is_syntax || qualified || is_alias,
                "{}: {word}() lacks its schema",
                file.name
            );
        }
        for (at, _) in code.match_indices("::") {
            let found = code[at + 2..].starts_with("pg_catalog.");
            let until = &code[at..code.len().min(at + 20)];
            assert!(found, "{}: the type in {until:?} lacks its schema", file.name);
        }
        let relations = code.replace("DISTINCT FROM", "DISTINCT");
        let words = relations.split_whitespace().collect::<Vec<_>>();
        for pair in words.windows(2).filter(|pair| ["FROM", "JOIN"].contains(&pair[0])) {
            let is_relation =
                SCHEMAS.iter().any(|schema| pair[1].starts_with(&format!("{schema}.")));
            let is_syntax = ["ROWS", "LATERAL"].contains(&pair[1]) || pair[1].starts_with('(');
            let name = pair[1].trim_end_matches([')', ',']);
            assert!(
                is_relation || is_syntax || is_with(&code, name),
                "{}: {} lacks its schema",
                file.name,
                pair[1]
            );
        }
    }
}
