use std::time::{Duration, Instant};

use super::*;

#[test]
fn the_layout_can_be_given() {
    let folder = folder(&[("20240101000000_a.sql", ""), ("20240101000000_b.sql", "")]);
    let Loaded { layout, migrations, .. } =
        load(&[folder.path()], &asked(Some(Layout::Plain))).unwrap();
    assert_eq!((layout, migrations.len()), (Layout::Plain, 2));
    let failure = load(&[folder.path()], &asked(Some(Layout::Flyway))).unwrap_err();
    assert_eq!(failure.kind, Kind::Usage);
    assert!(failure.to_string().ends_with("holds no migration of Flyway"), "{failure}");
}

#[test]
fn a_thousand_files_take_no_time() {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=1000 {
        let name = format!("{number}_table.up.sql");
        write(&folder, &name, format!("CREATE TABLE t{number} ();").as_bytes());
    }
    let start = Instant::now();
    let (layout, migrations) = loaded(&folder);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!((layout, migrations.len()), (Layout::GolangMigrate, 1000));
    assert_eq!(migrations[999].name, "1000_table");
}

#[test]
fn a_file_that_is_not_utf8_is_named_with_the_byte() {
    let folder = folder(&[("1.sql", "SELECT 1;")]);
    write(&folder, "2.sql", b"SELECT 1;\n-- caf\xe9\n");
    let message = refusal(&folder, None);
    assert!(message.ends_with("2.sql:2: the file is not UTF-8 (byte 16)"), "{message}");
}

#[test]
fn a_version_that_stands_twice_is_refused_where_the_tool_does() {
    for (layout, first, second) in [
        (Layout::Sqlx, "1_a.sql", "01_b.sql"),
        (Layout::GolangMigrate, "1_a.up.sql", "1_b.up.sql"),
        (Layout::Goose, "1_a.sql", "001_b.sql"),
        (Layout::Dbmate, "1_a.sql", "1_b.sql"),
        (Layout::Flyway, "V1__a.sql", "V1.0__b.sql"),
        (Layout::Diesel, "2020-01_a/up.sql", "202001_b/up.sql"),
    ] {
        let folder = folder(&[(first, ""), (second, "")]);
        let message = refusal(&folder, Some(layout));
        assert!(message.contains(first) && message.contains(second), "{layout:?}: {message}");
        assert!(message.contains("wants it once"), "{layout:?}: {message}");
    }
}

#[test]
fn a_down_script_alone_is_passed_over_with_a_word() {
    let folder = folder(&[("1_a.up.sql", ""), ("2_b.down.sql", "")]);
    let found = load(&[folder.path()], &asked(None)).unwrap();
    assert_eq!(names(&found.migrations), ["1_a"]);
    assert!(
        found.warnings[0].contains("2_b.down.sql: there is no script"),
        "{:?}",
        found.warnings
    );
    let alone = load(&[folder.path().join("2_b.down.sql")], &asked(None)).unwrap_err();
    assert!(alone.to_string().contains("it takes back"), "{alone}");
}

#[test]
fn section_markers_must_be_there_once_and_first() {
    for (text, line, expected) in [
        ("-- a\n\nSELECT 1;", 3, "`-- +goose Up` is missing"),
        ("\n-- +goose Down\nSELECT 1;", 2, "`-- +goose Up` is missing"),
        ("-- a\n;;SELECT 1;\n-- +goose Up\n", 2, "before the first section marker"),
        ("-- +goose Down\n-- +goose Up\n", 1, "the down section stands before"),
        ("-- +goose Up\n-- +goose Up\n", 2, "the section stands above already"),
    ] {
        let folder = folder(&[("1_a.sql", "-- +goose Up\n"), ("2_b.sql", text)]);
        let message = refusal(&folder, None);
        assert!(message.contains(&format!("2_b.sql:{line}: ")), "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn missing_and_empty_places_are_usage_errors() {
    let folder = folder(&[("README.md", ""), ("a.sql/note.txt", "")]);
    assert!(refusal(&folder, None).contains("holds no *.sql file"));
    let missing = folder.path().join("gone");
    let failure = load(&[&missing], &asked(None)).unwrap_err();
    assert_eq!(failure.kind, Kind::Usage);
    assert!(failure.to_string().contains("gone"), "{failure}");
    assert_eq!(load::<&str>(&[], &asked(None)).unwrap_err().kind, Kind::Usage);
}

#[test]
fn what_is_no_sql_file_is_passed_over() {
    let folder = folder(&[
        ("001_a.sql", "SELECT 1;"),
        ("001_b.go", "package x"),
        ("README.md", "# words"),
        ("run.sh", "psql"),
        ("dir.sql/002_c.sql", "SELECT 2;"),
        (".hidden.sql", "SELECT 3;"),
    ]);
    let (_, migrations) = loaded(&folder);
    assert_eq!(names(&migrations), ["001_a", "002_c"]);
}

#[test]
fn a_file_given_twice_is_read_once() {
    let folder = folder(&[("1_a.sql", "SELECT 1;")]);
    let paths = [folder.path().to_path_buf(), folder.path().join("1_a.sql")];
    assert_eq!(load(&paths, &asked(None)).unwrap().migrations.len(), 1);
}

#[test]
fn a_named_file_must_suit_the_layout() {
    let folder = folder(&[("a.sql", "SELECT 1;")]);
    let failure = load(&[folder.path().join("a.sql")], &asked(Some(Layout::Goose))).unwrap_err();
    assert!(
        failure.to_string().contains("a.sql: the file is not named as goose"),
        "{failure}"
    );
}

#[test]
fn byte_order_marks_and_carriage_returns_do_not_hide_markers() {
    let text = "\u{feff}-- migrate:up transaction:false\r\nVACUUM;\r\n-- migrate:down\r\n\
                SELECT\r\n 1;\r\n";
    let folder = folder(&[
        ("1_a.sql", text),
        ("2_b.sql", "\u{feff}-- migrate:up\nSELECT 1;\n-- migrate:down"),
    ]);
    let (layout, migrations) = loaded(&folder);
    assert_eq!(layout, Layout::Dbmate);
    assert_eq!(migrations[0].up.text, "VACUUM;\r\n");
    assert_eq!(migrations[0].up.wrapping, Wrapping::OneMessage);
    let down = statements(migrations[0].down.as_ref().unwrap()).unwrap();
    assert_eq!((down[0].line, down[0].column), (4, 1));
}

#[test]
fn migrations_in_other_languages_are_named() {
    let folder = folder(&[
        ("001_a.sql", "SELECT 1;"),
        ("002_b.go", ""),
        ("002_b_test.go", ""),
        ("V3__c.java", ""),
        ("20240101-d.ts", ""),
        ("1.d.ts", ""),
        ("helpers.ts", ""),
        ("004_notes.md", ""),
    ]);
    let found = load(&[folder.path()], &asked(None)).unwrap().warnings;
    let found = found.iter().map(|said| said.split(": ").next().unwrap());
    let expected = ["002_b.go", "20240101-d.ts", "V3__c.java"];
    let expected = expected.map(|name| folder.path().join(name).display().to_string());
    assert_eq!(found.collect::<Vec<_>>(), expected);
    let file = folder.path().join("001_a.sql");
    assert_eq!(load(&[file], &asked(None)).unwrap().warnings, Vec::<String>::new());
}
