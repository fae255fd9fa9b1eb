use std::fs;

use super::*;
use crate::failure::{Failure, Result};

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
    assert!(
        message.contains("declared.sql:3: `ALTER TABLE t …` is not CREATE INDEX"),
        "{message}"
    );
    assert!(message.contains("declared.sql:4:"), "{message}");
    assert!(failure.hint.unwrap().contains("--ignore-other"));
}

#[test]
fn other_statements_can_be_passed_over_with_a_note() {
    let declaration = declare_with("set x = 1;\ncreate index i on t (a);", Others::Ignore).unwrap();
    assert_eq!(declaration.indexes.len(), 1);
    assert_eq!(declaration.warnings[0].rule, "ignored_statement");
    assert!(declaration.warnings[0].message.contains("skipped: set x = …"));
    assert!(declaration.warnings[0].object.ends_with(":1"));
}

#[test]
fn a_syntax_error_names_its_line() {
    let failure = refusal("create index i on t (a);\ncreate index on on t;\n");
    assert_eq!(failure.kind.exit_code(), 2);
    assert!(failure.to_string().contains("declared.sql:2: syntax error"), "{failure}");
}

#[test]
fn a_psql_command_is_explained() {
    let failure = refusal("\\set ON_ERROR_STOP on\n");
    assert!(
        failure.to_string().contains("declared.sql:1: `\\set ON_ERROR_STOP`"),
        "{failure}"
    );
    assert!(failure.hint.unwrap().contains("--ignore-other"));
    let failure = declare_with("\n\\if true\n", Others::Ignore).unwrap_err();
    assert!(failure.to_string().contains("declared.sql:2: `\\if true`"), "{failure}");
}

/// What is declared, each on a line.
fn said(sql: &str) -> String {
    let declaration = match declare_with(sql, Others::Ignore) {
        Ok(declaration) => declaration,
        Err(failure) => return failure.to_string(),
    };
    let indexes = declaration.indexes.iter().map(|index| {
        let name = index.name.as_deref().unwrap_or("-");
        format!("{name} on {} {}", index.table, index.definition)
    });
    let views = declaration.views.iter().map(|view| format!("{} {}", view.name, view.storage));
    indexes
        .chain(views)
        .map(|line| line.trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn what_later_statements_take_back_is_not_declared() {
    let index = "create index i on t (a);\n";
    for (later, wanted) in [
        ("drop index concurrently if exists i;", ""),
        ("drop index other.i, public.i;", ""),
        ("drop index j;", "i on t (a)"),
        ("drop table t;", ""),
        ("drop table s.t; drop table u cascade;", ""),
        ("begin; drop table t; rollback;", "i on t (a)"),
        ("alter index i rename to j;", "j on t (a)"),
        ("alter table i rename to j;", "j on t (a)"),
        ("alter table t rename to u;", "i on u (a)"),
        ("alter table t set schema s;", "i on s.t (a)"),
        ("alter table t rename a to b;", "i on t (b)"),
        ("alter table t rename constraint a to b;", "i on t (a)"),
        ("alter table t drop column if exists a, add b int;", ""),
        ("alter table t drop constraint a;", "i on t (a)"),
        ("alter table only t add constraint c primary key using index i;", ""),
        ("alter index i set tablespace fast;", "i on t (a) TABLESPACE fast"),
        ("drop schema public cascade;", ""),
        ("drop index i; create index i on t (b);", "i on t (b)"),
        ("alter index i rename to j; alter table t rename to u; drop index j;", ""),
        ("create temp table t (a int); create index j on t (b);", "i on t (a)"),
        (
            "create temp table t (a int); drop table t; create index j on t (b);",
            "i on t (a)\nj on t (b)",
        ),
        (
            "begin; create index j on t (b); rollback; begin; create index k on t (c); commit;",
            "i on t (a)\nk on t (c)",
        ),
    ] {
        assert_eq!(said(&format!("{index}{later}")), wanted, "{later}");
    }
    let view = "create materialized view v as select a from t;\n";
    for (later, wanted) in [
        ("drop materialized view v;", ""),
        ("alter materialized view v rename to w;", "w"),
        ("alter table t rename to u;", ""),
        ("alter table t rename b to c;", "v"),
        ("drop table t cascade;", ""),
    ] {
        assert_eq!(said(&format!("{view}{later}")), wanted, "{later}");
    }
}

#[test]
fn what_is_taken_back_or_not_followed_is_said_at_its_line() {
    let warnings = |sql: &str| {
        let warnings = declare_with(sql, Others::Ignore).unwrap().warnings;
        let warnings = warnings.iter().map(|warning| {
            let line = warning.object.rsplit(':').next().unwrap();
            format!("{} {line} {}", warning.rule, warning.message.split(", which").next().unwrap())
        });
        warnings.collect::<Vec<_>>().join("\n")
    };
    let index = "create index i on t (a);\n";
    for (later, wanted) in [
        ("drop index i;", "taken_back 2 `drop index i …` takes back i"),
        (
            "do $$ begin execute 'drop index i'; end $$;",
            "not_followed 2 `do $$ begin …` may",
        ),
        (
            "alter index all in tablespace a set tablespace b;",
            "not_followed 2 `alter index all …` moves",
        ),
        ("drop owned by r;", "not_followed 2 `drop owned by …` takes back"),
        (
            "do $$ begin raise notice 'x'; end $$;",
            "ignored_statement 2 skipped: do $$ begin",
        ),
    ] {
        let said = warnings(&format!("{index}{later}"));
        assert!(said.starts_with(wanted), "{later}: {said}");
    }
}

#[test]
fn settings_of_the_session_are_followed_or_refused() {
    let index = "create index i on t (a);";
    for (settings, wanted) in [
        ("set search_path = app;", "i on app.t (a)"),
        ("select pg_catalog.set_config('search_path', 'app', false);", "i on app.t (a)"),
        ("set schema 'app';", "i on app.t (a)"),
        ("set search_path = app; reset all;", "i on t (a)"),
        ("begin; set local search_path = app; commit;", "i on t (a)"),
        ("begin; set search_path = app; rollback;", "i on t (a)"),
        ("set statement_timeout = 0; set client_min_messages = warning;", "i on t (a)"),
        ("set default_tablespace = fast;", "i on t (a) TABLESPACE fast"),
        ("set default_tablespace = '';", "i on t (a)"),
        (
            "set role other;",
            "declared.sql:1: SET ROLE is set here and changes what `create index i …` at",
        ),
        (
            "set standard_conforming_strings = off;",
            "declared.sql:1: standard_conforming_strings is set here",
        ),
        (
            "select pg_catalog.set_config('search_path', '', false);",
            "declared.sql:2: no search_path leads to t",
        ),
        (
            "select set_config('search_path', x, false) from y;",
            "declared.sql:1: search_path is set here",
        ),
        (
            "do $$ begin perform set_config('search_path', 'x', false); end $$;",
            "declared.sql:1: search_path is set here",
        ),
    ] {
        let said = said(&format!("{settings}\n{index}"));
        assert!(
            said.contains(wanted) && said.is_empty() == wanted.is_empty(),
            "{settings}: {said}"
        );
    }
    let view = "set default_tablespace = fast; set default_table_access_method = other;
        create materialized view public.v as select 1;";
    assert_eq!(said(view), "public.v USING other TABLESPACE fast");
    let date = "set datestyle = 'dmy';\ncreate index i on t (a) where b > '01/02/2024';";
    assert!(said(date).contains("declared.sql:1: datestyle is set here"), "{}", said(date));
    let open = "begin;\ncreate index i on t (a);";
    assert!(
        said(open).contains("declared.sql:1: the transaction that begins here"),
        "{}",
        said(open)
    );
}

#[test]
fn one_search_path_is_taken_for_all_names() {
    let path = |sql: &str| match declare_with(sql, Others::Ignore) {
        Ok(declaration) => declaration.search_path.map(|path| path.text).unwrap_or_default(),
        Err(failure) => failure.to_string(),
    };
    let two = "set search_path = app, \"B\";\n";
    assert_eq!(path(&format!("{two}create index i on t (a);")), "app, \"B\"");
    assert_eq!(path(&format!("{two}create index i on public.t (a);")), "");
    assert_eq!(path(&format!("{two}create index i on public.t (lower(a));")), "app, \"B\"");
    assert_eq!(
        path(
            "set search_path = app; create index i on t (a); set search_path = b; create index i on t (a);"
        ),
        ""
    );
    let mixed = path(&format!("create index j on t (b);\n{two}create index i on t (a);"));
    assert!(mixed.contains("declared.sql:2: the search_path that is set here"), "{mixed}");
}

#[test]
fn indexes_in_create_schema_are_declared() {
    let sql =
        "create schema app authorization x\n create table t (a int)\n create index i on t (a)";
    assert_eq!(said(sql), "i on app.t (a)");
    let declaration = declare_with(sql, Others::Ignore).unwrap();
    assert_eq!(declaration.indexes[0].source.line, 3);
}

#[test]
fn migrations_declare_what_their_tool_applies() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "1_a.sql",
        "-- +goose Up\ncreate index a on t (a);\n-- +goose Down\ndrop index a;\n",
    );
    write(
        "2_b.sql",
        "-- +goose Up\n\ncreate index b on t (b);\n-- +goose Down\ncreate index c on t (c);\n",
    );
    let names = |paths: &[std::path::PathBuf]| {
        let declaration = load(paths, Others::Ignore).unwrap();
        let names = declaration
            .indexes
            .iter()
            .map(|index| format!("{}:{}", index.name.as_deref().unwrap(), index.source.line));
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&[folder.path().to_owned()]), "a:2 b:3");
    assert_eq!(names(&[folder.path().join("2_b.sql")]), "b:3");
}

#[test]
fn a_search_path_of_an_earlier_file_leaves_a_later_name_open() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let first = write("a.sql", "set search_path = app;\n");
    let second = write("b.sql", "\ncreate index i on t (a);\n");
    let failure = load(&[&first, &second], Others::Ignore).unwrap_err().to_string();
    assert!(failure.contains("b.sql:2: the search_path that is set at"), "{failure}");
    load(&[&second, &first], Others::Ignore).unwrap();
    let rails = write("structure.sql", "set search_path to \"$user\", public;\n");
    load(&[&rails, &second], Others::Ignore).unwrap();
}

#[test]
fn what_is_no_text_is_refused_at_its_line() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes, wanted) in [
        ("nul.sql", &b"a;\n\0"[..], "nul.sql:2: a NUL byte"),
        ("wide.sql", b"\xff\xfea\0", "wide.sql:1: the file is UTF-16"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let failure = load(&[path], Others::Ignore).unwrap_err().to_string();
        assert!(failure.contains(wanted), "{failure}");
    }
    let large = folder.path().join("large.sql");
    fs::File::create(&large).unwrap().set_len(256_000_000).unwrap();
    let failure = load(&[large], Others::Ignore).unwrap_err().to_string();
    assert!(failure.contains("large.sql is too large"), "{failure}");
    let failure = load(&["/dev/zero"], Others::Ignore).unwrap_err().to_string();
    assert!(failure.contains("no regular file"), "{failure}");
}

#[test]
fn a_comment_ends_where_the_server_ends_it() {
    for (sql, wanted) in [
        ("create index i on t (a) -- x\u{2028} where b", "i on t (a)"),
        ("create index i on t (a) -- x\u{85} where b", "i on t (a)"),
        ("create index i on t (a) -- x\r where b", "i on t (a) where b"),
        ("-- x\rcreate index i on t (a)", "i on t (a)"),
        ("/* /* */ create index i on t (a); */", ""),
    ] {
        assert_eq!(said(sql), wanted, "{sql:?}");
    }
    // No white space for the server, either.
    for space in ["\u{a0}", "\u{85}", "\u{2028}", "\u{feff}"] {
        let said = said(&format!("\ncreate index i on t{space}(a) where{space}b"));
        assert!(said.contains("declared.sql:2: syntax error"), "{said}");
    }
}

#[test]
fn a_link_in_a_circle_is_followed_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.sql"), "create index i on t (a)").unwrap();
    for name in ["b", "c"] {
        std::os::unix::fs::symlink(folder.path(), folder.path().join(name)).unwrap();
    }
    assert_eq!(load(&[folder.path()], Others::Refuse).unwrap().indexes.len(), 1);
}

#[test]
fn deep_and_long_texts_are_refused_at_their_line() {
    for sql in [
        format!("create index i on t ((a{}));", " + 1".repeat(100_000)),
        format!("create index i on t ({}a{});", "(".repeat(30_000), ")".repeat(30_000)),
        format!("create index i on t (a) where {}true;", "b or ".repeat(300_000)),
        format!(
            "create materialized view v as select {}1{};",
            "(select ".repeat(10_000),
            ")".repeat(10_000)
        ),
    ] {
        let said = said(&format!("\n{sql}"));
        assert!(said.contains("declared.sql:2: the statement nests more than"), "{said}");
    }
    let others = format!(
        "insert into t values ({}1{});\ncreate index i on t (a);",
        "(".repeat(100_000),
        ")".repeat(100_000)
    );
    assert_eq!(said(&others), "i on t (a)");
    let many = "create index on t (a);".repeat(30_000);
    assert_eq!(said(&many), "- on t (a)");
}

#[test]
fn vacuum_full_is_refused() {
    assert!(refusal("vacuum full t").to_string().contains("locks out every reader"));
    assert!(
        refusal("vacuum (verbose, full) t")
            .to_string()
            .contains("locks out every reader")
    );
}

#[test]
fn the_same_declaration_again_counts_once() {
    let declaration = declare(
        "create index i on t (a);\ncreate index concurrently if not exists i on public.t (a);\n\
         create index on t (b); create index on t (b);",
    )
    .unwrap();
    assert_eq!(declaration.indexes.len(), 2);
    assert_eq!(declaration.warnings.len(), 2);
    assert!(declaration.warnings[0].message.contains("declared.sql:1 already"));
}

#[test]
fn two_definitions_for_one_name_are_refused() {
    let failure = refusal("create index i on t (a);\ncreate index i on t (b);");
    assert!(
        failure
            .to_string()
            .contains("declared.sql:2: index i is declared differently at")
    );
    declare("create index i on s1.t (a); create index i on s2.t (b);").unwrap();
}

#[test]
fn names_are_cut_as_postgresql_cuts_them() {
    let (long, cut) = ("ä".repeat(40), "ä".repeat(31));
    let declaration = declare(&format!("create index \"{long}\" on t (a); analyze \"{long}\";"));
    let declaration = declaration.unwrap();
    assert_eq!(declaration.indexes[0].name.as_ref(), Some(&cut));
    assert_eq!(declaration.maintenance[0].table.as_ref().unwrap().name, cut);
    let warning = &declaration.warnings[0];
    assert_eq!(warning.rule, "name_cut");
    assert!(warning.message.contains("declared.sql:1: the name"), "{}", warning.message);
    assert!(
        warning.message.contains("has 80 bytes; PostgreSQL keeps 63"),
        "{}",
        warning.message
    );
    let both = format!("create index x{0}1 on t (a); create index x{0}2 on t (b);", "x".repeat(63));
    assert!(refusal(&both).to_string().contains("is declared differently at"));
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
