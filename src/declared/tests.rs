use std::fs;

use super::*;
use crate::failure::Failure;

fn declare(sql: &str) -> Result<Declaration> {
    declare_with(sql, Others::Refuse)
}

fn declare_with(sql: &str, others: Others) -> Result<Declaration> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("declared.sql");
    fs::write(&path, sql).unwrap();
    load(&[path], others)
}

fn refusal(sql: &str) -> Failure {
    declare(sql).unwrap_err()
}

#[test]
fn an_index_is_taken_apart_and_placed() {
    let declaration = declare(
        "-- which broker\n\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS\n  \"We;ird\" ON only Shop.\"Sales\"\n\
         USING btree (a, /* why */ lower(b) DESC) INCLUDE (c)\n  WITH (fillfactor = 70) WHERE c = 'x -- y';",
    )
    .unwrap();
    let index = &declaration.indexes[0];
    assert_eq!(index.name.as_deref(), Some("We;ird"));
    assert_eq!(index.table, RelationName::qualified("shop", "Sales"));
    assert!(index.unique);
    assert!(!index.plain);
    assert_eq!(
        index.definition,
        "USING btree (a, lower(b) DESC) INCLUDE (c) WITH (fillfactor = 70) WHERE c = 'x -- y'"
    );
    assert_eq!(index.columns, [Some("a".to_owned()), None]);
    assert_eq!(index.source.line, 3);
}

#[test]
fn plain_columns_are_told_from_expressions_and_predicates() {
    let plain = |sql: &str| declare(sql).unwrap().indexes[0].plain;
    assert!(plain("create index i on t (a, b desc nulls last) include (c)"));
    assert!(plain("create index i on t (a text_pattern_ops, b collate \"C\")"));
    assert!(!plain("create index i on t (lower(a))"));
    assert!(!plain("create index i on t ((a + 1))"));
    assert!(!plain("create index i on t (a) where a > 0"));
}

#[test]
fn strings_continued_on_the_next_line_stay_valid() {
    let declaration = declare("create index i on t (a) where b = 'x'\n   'y';").unwrap();
    assert_eq!(
        declaration.indexes[0].definition,
        "(a) WHERE b = 'x'\n'y'".replace("WHERE", "where")
    );
}

#[test]
fn a_view_keeps_its_query_as_written() {
    let declaration = declare(
        "CREATE MATERIALIZED VIEW IF NOT EXISTS mv (a, b) WITH (fillfactor=90) AS\nSELECT 1, -- one\n 2\nWITH NO DATA;",
    )
    .unwrap();
    let view = &declaration.views[0];
    assert_eq!(view.name, RelationName::unqualified("mv"));
    assert_eq!(view.columns, "(a, b)");
    assert_eq!(view.storage, "WITH (fillfactor=90)");
    assert_eq!(view.query, "SELECT 1, -- one\n 2");
    assert!(!view.with_data);
}

#[test]
fn maintenance_is_split_by_table_and_its_options_understood() {
    let declaration = declare(
        "ANALYZE a, s.b (x, y); VACUUM FREEZE ANALYZE c; vacuum (analyse, parallel 2) d; ANALYZE;",
    )
    .unwrap();
    let all = &declaration.maintenance;
    assert_eq!(all.len(), 5);
    assert_eq!(all[1].table, Some(RelationName::qualified("s", "b")));
    assert_eq!(all[1].columns, "(x, y)");
    assert_eq!(all[2].options, ["FREEZE", "ANALYZE"]);
    assert!(all[2].analyzes());
    assert_eq!(all[3].options, ["ANALYZE", "PARALLEL 2"]);
    assert_eq!(all[4].table, None);
}

#[test]
fn comments_on_indexes_and_views_are_declared() {
    let declaration = declare(
        "COMMENT ON INDEX s.i IS E'it\\'s \\u0041'; COMMENT ON MATERIALIZED VIEW mv IS NULL;",
    )
    .unwrap();
    assert_eq!(declaration.comments[0].text.as_deref(), Some("it's A"));
    assert_eq!(declaration.comments[0].on, CommentOn::Index);
    assert_eq!(declaration.comments[1].text, None);
}

#[test]
fn every_other_statement_is_refused_with_its_place() {
    let failure = refusal("create index i on t (a);\n\nALTER TABLE t ADD b int;\nselect 1;");
    let message = failure.to_string();
    assert!(message.contains("declared.sql:3: `ALTER TABLE t …` declares"), "{message}");
    assert!(message.contains("declared.sql:4:"), "{message}");
    assert!(failure.hint.unwrap().contains("--ignore-other"));
}

#[test]
fn other_statements_can_be_passed_over_with_a_note() {
    let declaration = declare_with("set x = 1;\ncreate index i on t (a);", Others::Ignore).unwrap();
    assert_eq!(declaration.indexes.len(), 1);
    assert_eq!(declaration.notes[0].rule, "ignored_statement");
    assert!(declaration.notes[0].message.contains("passed over: set x = …"));
    assert!(declaration.notes[0].object.ends_with(":1"));
}

#[test]
fn a_syntax_error_names_its_line() {
    let failure = refusal("create index i on t (a);\ncreate index on on t;\n");
    assert_eq!(failure.kind.exit_code(), 2);
    assert!(failure.to_string().contains("declared.sql:2: syntax error"), "{failure}");
}

#[test]
fn a_psql_command_is_explained() {
    let failure = refusal("\\i other.sql\n");
    assert!(failure.to_string().contains("declared.sql:1:"), "{failure}");
    assert!(failure.hint.unwrap().contains("psql"));
}

#[test]
fn vacuum_full_is_refused() {
    assert!(refusal("vacuum full t").to_string().contains("locks out every reader"));
    assert!(refusal("vacuum (verbose, full) t").to_string().contains("locks out every reader"));
}

#[test]
fn the_same_declaration_again_counts_once() {
    let declaration = declare(
        "create index i on t (a);\ncreate index concurrently if not exists i on public.t (a);\n\
         create index on t (b); create index on t (b);",
    )
    .unwrap();
    assert_eq!(declaration.indexes.len(), 2);
    assert_eq!(declaration.notes.len(), 2);
    assert!(declaration.notes[0].message.contains("declared.sql:1 already"));
}

#[test]
fn two_definitions_for_one_name_are_refused() {
    let failure = refusal("create index i on t (a);\ncreate index i on t (b);");
    assert!(failure.to_string().contains("declared.sql:2: index i is declared differently at"));
    declare("create index i on s1.t (a); create index i on s2.t (b);").unwrap();
}

#[test]
fn a_name_that_would_be_cut_is_refused_with_what_it_would_become() {
    let long = "x".repeat(70);
    let failure = refusal(&format!("create index {long} on t (a);"));
    assert!(failure.to_string().contains("70 bytes"), "{failure}");
    assert!(failure.to_string().contains(&"x".repeat(63)), "{failure}");
}

#[test]
fn an_index_name_with_a_schema_is_refused() {
    let failure = refusal("create index s.i on t (a);");
    assert!(failure.to_string().contains("s.i"), "{failure}");
}

#[test]
fn folders_are_read_in_order_and_each_file_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("later")).unwrap();
    fs::write(folder.path().join("b.sql"), "create index b on t (a)").unwrap();
    fs::write(folder.path().join("a.sql"), "\u{feff}create index a on t (a)").unwrap();
    fs::write(folder.path().join("later/c.sql"), "create index c on t (a)").unwrap();
    fs::write(folder.path().join("README.md"), "not SQL").unwrap();
    let twice = [folder.path().to_path_buf(), folder.path().join("a.sql")];
    let declaration = load(&twice, Others::Refuse).unwrap();
    let names = declaration.indexes.iter().map(|index| index.name.clone().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn missing_empty_and_undecodable_input_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let empty = load(&[folder.path()], Others::Refuse).unwrap_err();
    assert!(empty.to_string().contains("holds no *.sql file"));
    let missing = load(&[folder.path().join("none.sql")], Others::Refuse).unwrap_err();
    assert_eq!(missing.kind.exit_code(), 2);
    let latin = folder.path().join("latin.sql");
    fs::write(&latin, b"-- x\n-- caf\xe9\n").unwrap();
    let failure = load(&[latin], Others::Refuse).unwrap_err();
    assert!(failure.to_string().contains("latin.sql:2: the file is not UTF-8"), "{failure}");
}
