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
        ("1_a.sql", "-- a\n\n-- migrate:up\nCREATE TABLE a ();\n-- migrate:down\nDROP TABLE a;"),
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

#[test]
fn a_folder_called_as_prisma_would_is_known_by_its_lock_file() {
    let files = [("start/migration.sql", "SELECT 1;")];
    assert_eq!(loaded(&folder(&files)).0, Layout::Plain);
    let locked = folder(&[&files[..], &[("migration_lock.toml", "")]].concat());
    assert_eq!(loaded(&locked).0, Layout::Prisma);
}
