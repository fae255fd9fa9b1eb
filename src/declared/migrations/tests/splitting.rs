use super::*;
use crate::declared::migrations::{Reach, Role};

fn script(text: &str, first_line: u32) -> Script {
    Script::new("dir/a.sql", first_line, text, Wrapping::None)
}

#[test]
fn statements_stand_at_line_and_column_of_the_file() {
    let text = "-- one; two\n;;/* é */ SELECT ';' AS \"a;b\"; INSERT INTO t VALUES ($x$;$x$)\n";
    let found = statements(&script(text, 7)).unwrap();
    assert_eq!(
        found,
        [
            MigrationStatement {
                text: "SELECT ';' AS \"a;b\"".to_owned(),
                offset: 23,
                line: 8,
                column: 11,
                role: Role::Works(Reach::Any),
            },
            MigrationStatement {
                text: "INSERT INTO t VALUES ($x$;$x$)".to_owned(),
                offset: 44,
                line: 8,
                column: 32,
                role: Role::Works(Reach::Named),
            },
        ]
    );
}

#[test]
fn bodies_are_one_statement() {
    let text = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;\n\
                DO $$ BEGIN PERFORM 1; END $$;\nBEGIN; COMMIT;";
    let found = statements(&script(text, 1)).unwrap();
    let lines = found.iter().map(|one| one.line).collect::<Vec<_>>();
    assert_eq!(lines, [1, 2, 3, 3], "{found:#?}");
}

#[test]
fn comments_alone_are_no_statement() {
    assert_eq!(statements(&script("-- nothing to take back\n", 1)).unwrap(), []);
    assert_eq!(statements(&script("", 1)).unwrap(), []);
}

#[test]
fn a_syntax_error_is_placed() {
    let message = statements(&script("SELECT 1;\n  CREATE TABEL t ();\n", 3)).unwrap_err();
    let message = message.to_string();
    assert_eq!(message, "dir/a.sql:4:10: syntax error near \"TABEL\"");
}

#[test]
fn commands_of_psql_are_called_so() {
    for (text, place, command) in [
        ("\\i other.sql\nSELECT 1;", "1:1", "\\i"),
        ("SELECT 1;\n  \\set x 1\n", "2:3", "\\set"),
        ("SELECT 1 \\gset\n", "1:10", "\\gset"),
        ("\\restrict abc\nSELECT 1;\n", "1:1", "\\restrict"),
    ] {
        let failure = statements(&script(text, 1)).unwrap_err();
        let expected = format!("dir/a.sql:{place}: `{command}` is a command of psql, not SQL");
        assert_eq!(failure.to_string(), expected);
        assert_eq!(failure.kind, Kind::Declaration);
    }
}

#[test]
fn a_syntax_error_can_be_had_in_parts() {
    let error = parse(&script("SELECT 1;\n  \\set x 1\n", 5)).unwrap_err();
    assert_eq!((error.line, error.column), (6, 3));
    assert!(error.hint.is_some());
}

#[test]
fn rows_of_copy_and_templates_get_a_hint() {
    for (text, hint) in [
        ("COPY t FROM stdin;\n1\tx\n\\.\nSELECT 1;\n", "INSERT"),
        ("CREATE TABLE {{schema}}.t ();", "template"),
        ("CREATE TABLE ${schema}.t ();", "template"),
    ] {
        let found = parse(&script(text, 1)).unwrap_err().hint.unwrap();
        assert!(found.contains(hint), "{found}");
    }
    assert_eq!(parse(&script("SELEKT 1", 1)).unwrap_err().hint, None);
}

#[test]
fn what_belongs_to_the_cluster_is_left_out_and_nothing_moves() {
    let text = "CREATE ROLE ä;\nCREATE USER b\n  LOGIN; SELECT 1;\nDROP ROLE ä; CREATE USER MAPPING \
                FOR b SERVER s;";
    let left = without_cluster_objects(&script(text, 1));
    // A blank may have fewer bytes than what it stands for.
    let seen = |script: &Script| {
        let found = statements(script).unwrap().into_iter();
        found.map(|one| (one.text, one.line, one.column)).collect::<Vec<_>>()
    };
    let before = seen(&script(text, 1));
    let wanted = [before[2].clone(), before[4].clone()];
    assert_eq!(seen(&left), wanted, "{left:?}");
}
