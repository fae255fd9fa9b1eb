use std::fs;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;

/// A folder of files, given as path and content.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files {
        write(&folder, path, content.as_bytes());
    }
    folder
}

fn write(folder: &TempDir, path: &str, content: &[u8]) {
    let path = folder.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn loaded(folder: &TempDir) -> (Layout, Vec<Migration>) {
    load(&[folder.path()], None).unwrap()
}

fn refusal(folder: &TempDir, layout: Option<Layout>) -> String {
    load(&[folder.path()], layout).unwrap_err().to_string()
}

fn names(migrations: &[Migration]) -> Vec<&str> {
    migrations.iter().map(|migration| migration.name.as_str()).collect()
}

fn wrappings(migrations: &[Migration]) -> Vec<Wrapping> {
    migrations.iter().map(|migration| migration.up.wrapping).collect()
}

mod layouts {
    use super::*;

    #[test]
    fn prisma_keeps_one_folder_a_migration() {
        let folder = folder(&[
            ("migrations/20240102_b/migration.sql", "CREATE TABLE b ();"),
            ("migrations/20240101_a/migration.sql", "CREATE TABLE a ();"),
            ("migrations/20240101_a/down.sql", "DROP TABLE a;"),
            ("migrations/migration_lock.toml", "provider = \"postgresql\""),
        ]);
        let (layout, migrations) = loaded(&folder);
        assert_eq!(layout, Layout::Prisma);
        assert_eq!(names(&migrations), ["20240101_a", "20240102_b"]);
        assert_eq!(wrappings(&migrations), [Wrapping::OneMessage; 2]);
        assert_eq!(migrations[0].down.as_ref().unwrap().text, "DROP TABLE a;");

        let one = folder.path().join("migrations/20240102_b");
        let (layout, migrations) = load(&[&one], None).unwrap();
        assert_eq!((layout, names(&migrations)), (Layout::Prisma, vec!["20240102_b"]));
    }

    #[test]
    fn a_plain_file_may_be_called_migration() {
        let folder = folder(&[("migration.sql", "CREATE INDEX i ON t (a);")]);
        let file = folder.path().join("migration.sql");
        assert_eq!(load(&[file], None).unwrap().0, Layout::Plain);
    }

    #[test]
    fn sqlx_sorts_by_number_and_sends_unwrapped_files_whole() {
        let folder = folder(&[
            ("20240101000000_a.sql", "CREATE TABLE a ();"),
            ("20240102000000_b.up.sql", "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON a (x);"),
            ("20240102000000_b.down.sql", "DROP INDEX i;"),
            ("README.sql", "not a migration"),
            ("seeds/20240103000000_c.sql", "not below a migration"),
        ]);
        let (layout, migrations) = loaded(&folder);
        assert_eq!(layout, Layout::Sqlx);
        assert_eq!(names(&migrations), ["20240101000000_a", "20240102000000_b"]);
        assert_eq!(wrappings(&migrations), [Wrapping::Transaction, Wrapping::OneMessage]);
        assert_eq!(migrations[1].down.as_ref().unwrap().wrapping, Wrapping::Transaction);
    }

    #[test]
    fn the_manifest_tells_sqlx_from_golang_migrate() {
        let files = [("migrations/1_a.up.sql", ""), ("migrations/1_a.down.sql", "")];
        let rust = folder(&[&files[..], &[("Cargo.toml", "sqlx = \"0.8\"")]].concat());
        let go = folder(&[&files[..], &[("go.mod", "module shop")]].concat());
        let layout = |folder: &TempDir| load(&[folder.path().join("migrations")], None).unwrap().0;
        assert_eq!(layout(&rust), Layout::Sqlx);
        assert_eq!(layout(&go), Layout::GolangMigrate);
    }

    #[test]
    fn diesel_drops_dashes_and_reads_the_metadata() {
        let folder = folder(&[
            ("2017-09-26-101010_b/up.sql", "CREATE INDEX CONCURRENTLY i ON a (x);"),
            ("2017-09-26-101010_b/down.sql", ""),
            ("2017-09-26-101010_b/metadata.toml", "run_in_transaction = false"),
            ("20170502101010_a/up.sql", "CREATE TABLE a ();"),
        ]);
        let (layout, migrations) = loaded(&folder);
        assert_eq!(layout, Layout::Diesel);
        assert_eq!(names(&migrations), ["20170502101010_a", "2017-09-26-101010_b"]);
        assert_eq!(wrappings(&migrations), [Wrapping::Transaction, Wrapping::OneMessage]);
        assert!(migrations[0].down.is_none());

        write(&folder, "20170502101010_a/metadata.toml", b"run_in_transaction = ");
        assert!(refusal(&folder, None).contains("metadata.toml"));
    }

    #[test]
    fn flyway_sorts_versions_by_parts_and_repeatable_last() {
        let folder = folder(&[
            ("R__views.sql", "CREATE VIEW v AS SELECT 1;"),
            ("more/V1.10__c.sql", "CREATE TABLE c ();"),
            ("V1.2.10__b.sql", "CREATE TABLE b ();"),
            ("V1_2_9__a.sql", "CREATE TABLE a ();"),
            ("U1.2.9__a.sql", "DROP TABLE a;"),
            ("U3__late.sql", "SELECT 1;"),
            ("notes.sql", "passed over"),
        ]);
        let (layout, migrations) = loaded(&folder);
        assert_eq!(layout, Layout::Flyway);
        let expected = ["V1_2_9__a", "V1.2.10__b", "V1.10__c", "U3__late", "R__views"];
        assert_eq!(names(&migrations), expected);
        assert_eq!(migrations[0].down.as_ref().unwrap().text, "DROP TABLE a;");
    }

    #[test]
    fn flyway_begins_with_the_newest_baseline() {
        let folder = folder(&[
            ("V1__a.sql", ""),
            ("V2__b.sql", ""),
            ("B2__base.sql", ""),
            ("V3__c.sql", ""),
            ("R__views.sql", ""),
        ]);
        assert_eq!(names(&loaded(&folder).1), ["B2__base", "V3__c", "R__views"]);
    }

    #[test]
    fn flyway_leaves_out_the_transaction_where_all_refuse_it() {
        let folder = folder(&[
            ("V1__a.sql", "CREATE UNIQUE INDEX CONCURRENTLY i ON a (x); VACUUM a;"),
            ("V2__b.sql", "CREATE TABLE b (); CREATE INDEX CONCURRENTLY j ON a (x);"),
            ("V3__c.sql", "SELECT 1;"),
            ("V3__c.sql.conf", "executeInTransaction=false\n"),
        ]);
        let expected = [Wrapping::None, Wrapping::Transaction, Wrapping::None];
        assert_eq!(wrappings(&loaded(&folder).1), expected);
    }

    #[test]
    fn dbmate_has_sections() {
        let folder = folder(&[
            ("2_b.sql", "-- migrate:up transaction:false\nVACUUM;\n\n-- migrate:down\n"),
            (
                "1_a.sql",
                "-- a\n\n-- migrate:up\nCREATE TABLE a ();\n-- migrate:down\nDROP TABLE a;",
            ),
            ("10_c.sql", "--migrate:up\n"),
        ]);
        let (layout, migrations) = loaded(&folder);
        assert_eq!(layout, Layout::Dbmate);
        assert_eq!(names(&migrations), ["10_c", "1_a", "2_b"]);
        assert_eq!(migrations[1].up.first_line, 4);
        assert_eq!(migrations[1].up.text, "CREATE TABLE a ();\n");
        assert_eq!(migrations[1].down.as_ref().unwrap().first_line, 6);
        assert_eq!(migrations[2].up.wrapping, Wrapping::OneMessage);
        assert_eq!(migrations[2].down.as_ref().unwrap().wrapping, Wrapping::Transaction);
        assert!(migrations[0].down.is_none());
    }

    #[test]
    fn goose_marks_are_known_in_any_case_and_place() {
        let body = "-- +goose up\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int \
                    LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1;\nEND $$;\n-- +goose StatementEnd\n\
                    SELECT 1;\n\n-- +goose Down\nDROP FUNCTION f();\n";
        let unwrapped = "-- why\n-- +GOOSE no transaction\n-- +goose Up\nVACUUM;\n";
        let folder = folder(&[("00010_b.sql", unwrapped), ("2_a.sql", body), ("1_x.go", "")]);
        let (layout, migrations) = loaded(&folder);
        assert_eq!(layout, Layout::Goose);
        assert_eq!(names(&migrations), ["2_a", "00010_b"]);
        assert_eq!(wrappings(&migrations), [Wrapping::Transaction, Wrapping::None]);
        let found = statements(&migrations[0].up).unwrap();
        assert_eq!(found.len(), 2);
        assert!(found[0].text.ends_with("END $$"), "{}", found[0].text);
        assert_eq!((found[0].line, found[1].line), (3, 8));
        let down = statements(migrations[0].down.as_ref().unwrap()).unwrap();
        assert_eq!((down[0].text.as_str(), down[0].line), ("DROP FUNCTION f()", 11));
    }

    #[test]
    fn sql_migrate_knows_files_by_name() {
        let up = "-- +migrate Up notransaction\nVACUUM;\n-- +migrate Down\nSELECT 1;\n";
        let folder = folder(&[("2-b.sql", up), ("2-a.sql", up), ("10-c.sql", up), ("x.sql", up)]);
        let (layout, migrations) = loaded(&folder);
        assert_eq!(layout, Layout::SqlMigrate);
        assert_eq!(names(&migrations), ["2-a.sql", "2-b.sql", "10-c.sql", "x.sql"]);
        assert_eq!(migrations[0].up.wrapping, Wrapping::None);
        assert_eq!(migrations[0].down.as_ref().unwrap().wrapping, Wrapping::Transaction);
    }

    #[test]
    fn golang_migrate_pairs_by_number() {
        let folder = folder(&[
            ("000002_b.up.sql", "SELECT 2;"),
            ("10_c.up.sql", "SELECT 3;"),
            ("000001_a.up.sql", "SELECT 1;"),
            ("000001_a.down.sql", ""),
            ("000003_no_direction.sql", "passed over"),
        ]);
        let (layout, migrations) = loaded(&folder);
        assert_eq!(layout, Layout::GolangMigrate);
        assert_eq!(names(&migrations), ["000001_a", "000002_b", "10_c"]);
        assert_eq!(wrappings(&migrations), [Wrapping::OneMessage; 3]);
        assert_eq!(migrations[0].down.as_ref().unwrap().text, "");
    }

    #[test]
    fn plain_files_sort_by_number_and_keep_the_given_order() {
        let folder = folder(&[
            ("0002-b.sql", ""),
            ("00010-c.sql", ""),
            ("1-a.sql", ""),
            ("views.sql", ""),
            ("20-more/3.sql.sql", ""),
            ("0002-b.down.sql", ""),
        ]);
        let (layout, migrations) = loaded(&folder);
        assert_eq!(layout, Layout::Plain);
        assert_eq!(names(&migrations), ["1-a", "0002-b", "00010-c", "3.sql", "views"]);
        assert_eq!(wrappings(&migrations), [Wrapping::None; 5]);
        assert!(migrations[1].down.is_some());

        let given = ["views.sql", "1-a.sql"].map(|name| folder.path().join(name));
        assert_eq!(names(&load(&given, None).unwrap().1), ["views", "1-a"]);
    }
}

mod reading {
    use super::*;

    #[test]
    fn the_layout_can_be_given() {
        let folder = folder(&[("20240101000000_a.sql", ""), ("20240101000000_b.sql", "")]);
        let (layout, migrations) = load(&[folder.path()], Some(Layout::Plain)).unwrap();
        assert_eq!((layout, migrations.len()), (Layout::Plain, 2));
        let failure = load(&[folder.path()], Some(Layout::Flyway)).unwrap_err();
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
    fn a_down_script_needs_its_up_script() {
        let folder = folder(&[("1_a.up.sql", ""), ("2_b.down.sql", "")]);
        let message = refusal(&folder, None);
        assert!(message.contains("2_b.down.sql: there is no script"), "{message}");
    }

    #[test]
    fn section_markers_must_be_there_once_and_first() {
        for (text, expected) in [
            ("SELECT 1;", "`-- +goose Up` is missing"),
            ("-- +goose Down\nSELECT 1;", "`-- +goose Up` is missing"),
            ("SELECT 1;\n-- +goose Up\n", "before the first section marker"),
            ("-- +goose Up\n-- +goose Up\n", "line 2 begins a section that stands above"),
        ] {
            let folder = folder(&[("1_a.sql", "-- +goose Up\n"), ("2_b.sql", text)]);
            let message = refusal(&folder, None);
            assert!(message.contains("2_b.sql: "), "{message}");
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn missing_and_empty_places_are_usage_errors() {
        let folder = folder(&[("README.md", ""), ("a.sql/note.txt", "")]);
        assert!(refusal(&folder, None).contains("holds no *.sql file"));
        let missing = folder.path().join("gone");
        let failure = load(&[&missing], None).unwrap_err();
        assert_eq!(failure.kind, Kind::Usage);
        assert!(failure.to_string().contains("gone"), "{failure}");
        assert_eq!(load::<&str>(&[], None).unwrap_err().kind, Kind::Usage);
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
        assert_eq!(load(&paths, None).unwrap().1.len(), 1);
    }

    #[test]
    fn a_named_file_must_suit_the_layout() {
        let folder = folder(&[("a.sql", "SELECT 1;")]);
        let failure = load(&[folder.path().join("a.sql")], Some(Layout::Goose)).unwrap_err();
        assert!(failure.to_string().contains("a.sql: the file is not named as goose"), "{failure}");
    }

    #[test]
    fn byte_order_marks_and_carriage_returns_do_not_hide_markers() {
        let text = "\u{feff}-- migrate:up transaction:false\r\nVACUUM;\r\n-- migrate:down\r\n\
                    SELECT\r\n 1;\r\n";
        let folder = folder(&[("1_a.sql", text), ("2_b.sql", "\u{feff}-- migrate:up\nSELECT 1;")]);
        let (layout, migrations) = loaded(&folder);
        assert_eq!(layout, Layout::Dbmate);
        assert_eq!(migrations[0].up.text, "VACUUM;\r\n");
        assert_eq!(migrations[0].up.wrapping, Wrapping::OneMessage);
        let down = statements(migrations[0].down.as_ref().unwrap()).unwrap();
        assert_eq!((down[0].line, down[0].column), (4, 1));
    }
}

mod splitting {
    use super::*;

    fn script(text: &str, first_line: u32) -> Script {
        let file = PathBuf::from("dir/a.sql");
        Script { file, first_line, text: text.to_owned(), wrapping: Wrapping::None }
    }

    #[test]
    fn statements_stand_at_line_and_column_of_the_file() {
        let text = "-- one; two\n;;/* é */ SELECT ';' AS \"a;b\"; INSERT INTO t VALUES ($x$;$x$)\n";
        let found = statements(&script(text, 7)).unwrap();
        assert_eq!(
            found,
            [
                Statement { text: "SELECT ';' AS \"a;b\"".to_owned(), line: 8, column: 11 },
                Statement {
                    text: "INSERT INTO t VALUES ($x$;$x$)".to_owned(),
                    line: 8,
                    column: 32
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
        assert!(message.starts_with("dir/a.sql:4:"), "{message}");
        assert!(message.ends_with("in: CREATE TABEL t ();"), "{message}");
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
}
