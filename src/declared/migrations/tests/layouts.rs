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
    let Loaded { layout, migrations, .. } = load(&[&one], &asked(None)).unwrap();
    assert_eq!((layout, names(&migrations)), (Layout::Prisma, vec!["20240102_b"]));
}

#[test]
fn a_plain_file_may_be_called_migration() {
    let folder = folder(&[("migration.sql", "CREATE INDEX i ON t (a);")]);
    let file = folder.path().join("migration.sql");
    assert_eq!(load(&[file], &asked(None)).unwrap().layout, Layout::Plain);
}

#[test]
fn sqlx_sorts_by_number_and_sends_unwrapped_files_whole() {
    let folder = folder(&[
        ("20240101000000_a.sql", "CREATE TABLE a ();"),
        (
            "20240102000000_b.up.sql",
            "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON a (x);",
        ),
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
    let layout =
        |folder: &TempDir| load(&[folder.path().join("migrations")], &asked(None)).unwrap().layout;
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
        ("10_c.sql", "--migrate:up\n--migrate:down\n"),
    ]);
    let (layout, migrations) = loaded(&folder);
    assert_eq!(layout, Layout::Dbmate);
    assert_eq!(names(&migrations), ["10_c", "1_a", "2_b"]);
    assert_eq!(migrations[1].up.first_line, 4);
    assert_eq!(migrations[1].up.text, "CREATE TABLE a ();\n");
    assert_eq!(migrations[1].down.as_ref().unwrap().first_line, 6);
    assert_eq!(migrations[2].up.wrapping, Wrapping::OneMessage);
    assert_eq!(migrations[2].down.as_ref().unwrap().wrapping, Wrapping::Transaction);
    assert_eq!(migrations[0].down.as_ref().unwrap().text, "");
}

#[test]
fn goose_marks_are_known_in_any_case_and_place() {
    let body = "-- +goose up\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int \
                LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1;\nEND $$;\n-- +goose StatementEnd\n\
                SELECT 1;\n\n-- +goose Down\nDROP FUNCTION f();\n";
    let unwrapped = "-- why\n-- +goose no transaction\n-- +goose Up\nVACUUM;\n";
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
    assert_eq!(names(&load(&given, &asked(None)).unwrap().migrations), ["views", "1-a"]);
}

#[test]
fn a_folder_called_as_prisma_would_is_known_by_its_lock_file() {
    let files = [("start/migration.sql", "SELECT 1;")];
    assert_eq!(loaded(&folder(&files)).0, Layout::Plain);
    let locked = folder(&[&files[..], &[("migration_lock.toml", "")]].concat());
    assert_eq!(loaded(&locked).0, Layout::Prisma);
}

#[test]
fn dbmate_may_have_several_pairs_and_wants_both_of_each() {
    let text = "-- migrate:up\nSELECT 1;\n-- migrate:down\n-- migrate:up transaction:false\nSELECT 2;\n\
                -- migrate:down\nSELECT 3;\n";
    let (_, migrations) = loaded(&folder(&[("1_a.sql", text)]));
    assert_eq!(names(&migrations), ["1_a", "1_a (2)"]);
    assert_eq!(wrappings(&migrations), [Wrapping::Transaction, Wrapping::OneMessage]);
    assert_eq!(migrations[1].up.first_line, 5);
    let message = refusal(&folder(&[("1_a.sql", "-- migrate:up\nSELECT 1;\n")]), None);
    assert!(message.contains("`-- migrate:down` is missing"), "{message}");
}

/// The messages that the tool makes of the up script.
fn messages(migration: &Migration) -> Vec<String> {
    let cut = migration.up.cut().into_iter();
    cut.map(|piece| piece.text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}

#[test]
fn goose_and_its_like_cut_by_lines() {
    let body = "CREATE FUNCTION f() AS $$\nBEGIN\n  x := 1;\nEND;\n$$;\n";
    let text = format!("-- +goose Up\nSELECT 1; SELECT 2;\n{body}-- +goose Down\n");
    let (_, migrations) = loaded(&folder(&[("1_a.sql", &text)]));
    let cut = [
        "SELECT 1; SELECT 2;",
        "CREATE FUNCTION f() AS $$\nBEGIN\n  x := 1;",
        "END;",
        "$$;",
    ];
    assert_eq!(messages(&migrations[0]), cut);

    let marked =
        format!("-- +goose StatementBegin\n{body}-- +goose StatementEnd\nSELECT 3; -- x\n");
    let (_, migrations) = loaded(&folder(&[("1_a.sql", &format!("-- +goose Up\n{marked}"))]));
    assert_eq!(messages(&migrations[0]), [body.trim_end(), "SELECT 3; -- x"]);

    for mark in ["+goose", "+migrate"] {
        let text = format!("-- {mark} Up\n-- é\nSELECT 1;\nSELECT 2\n\n-- {mark} Down\n");
        let failure = load(&[folder(&[("1_a.sql", &text)]).path()], &asked(None)).unwrap_err();
        assert!(failure.to_string().contains("1_a.sql:4: no line"), "{failure}");
        assert!(failure.hint.unwrap().contains(&format!("-- {mark} StatementBegin")));
    }
}

#[test]
fn sql_migrate_puts_the_sections_of_a_direction_together() {
    let text = "SELECT 0;\n-- +migrate Up\nSELECT 'é1';\n-- +migrate Down\nSELECT 'é2';\n\
                -- +migrate Up notransaction\nSELECT 3;\n-- +migrate Down\nSELECT 4;\n";
    let (layout, migrations) = loaded(&folder(&[("1.sql", text)]));
    assert_eq!(layout, Layout::SqlMigrate);
    assert_eq!(messages(&migrations[0]), ["SELECT 'é1';", "SELECT 3;"]);
    assert_eq!(migrations[0].up.wrapping, Wrapping::None);
    let lines = |script: &Script| {
        statements(script).unwrap().into_iter().map(|one| one.line).collect::<Vec<_>>()
    };
    assert_eq!(lines(&migrations[0].up), [3, 7]);
    let down = migrations[0].down.as_ref().unwrap();
    assert_eq!((lines(down), down.wrapping), (vec![5, 9], Wrapping::Transaction));
}

#[test]
fn micrate_drops_what_no_semicolon_ends() {
    let text = "-- +micrate Up\nSELECT 1;\nSELECT 2\n-- +micrate Down\nSELECT 3;\n";
    let folder = folder(&[("1_a.sql", text)]);
    let loaded = load(&[folder.path()], &asked(None)).unwrap();
    assert_eq!(loaded.layout, Layout::Micrate);
    assert_eq!(messages(&loaded.migrations[0]), ["SELECT 1;"]);
    assert!(!loaded.migrations[0].up.text.contains("SELECT 2"));
    assert!(
        loaded.warnings[0].contains("1_a.sql:3: micrate does not run"),
        "{:?}",
        loaded.warnings
    );
}

#[test]
fn rambler_takes_back_in_reverse() {
    let text = "-- rambler up\nSELECT 1; SELECT 2;\n-- rambler down\nSELECT 3;\n-- rambler down\nSELECT 4;\n";
    let (layout, migrations) = loaded(&folder(&[("1.sql", text)]));
    assert_eq!(
        (layout, messages(&migrations[0])),
        (Layout::Rambler, vec!["SELECT 1; SELECT 2;".to_owned()])
    );
    let down = migrations[0].down.as_ref().unwrap().cut();
    let down = down.iter().map(|piece| (piece.text.trim(), piece.first_line));
    assert_eq!(down.collect::<Vec<_>>(), [("SELECT 4;", 6), ("SELECT 3;", 4)]);
}

#[test]
fn shmig_tern_and_node_pg_migrate_have_two_parts() {
    let shmig =
        "-- Migration: a\n-- ====  UP  ====\nBEGIN;\nCOMMIT;\n-- ==== DOWN ====\nSELECT 2;\n";
    let (layout, migrations) = loaded(&folder(&[("1485643154-a.sql", shmig)]));
    assert_eq!((layout, migrations[0].up.text.as_str()), (Layout::Shmig, "BEGIN;\nCOMMIT;\n"));
    assert_eq!(migrations[0].down.as_ref().unwrap().first_line, 6);

    let tern = "SELECT 1;\n---- create above / drop below ----\nSELECT 2;\n";
    let unwrapped = "---- tern: disable-tx ----\nSELECT 1;\n";
    let (layout, migrations) = loaded(&folder(&[("001_a.sql", tern), ("002_b.sql", unwrapped)]));
    assert_eq!(layout, Layout::Tern);
    assert_eq!(migrations[0].up.text, "SELECT 1;\n");
    assert_eq!(wrappings(&migrations), [Wrapping::Transaction, Wrapping::None]);
    let down = statements(migrations[0].down.as_ref().unwrap()).unwrap();
    assert_eq!((down[0].text.as_str(), down[0].line), ("SELECT 2", 3));

    let both = "-- Up Migration\nSELECT 1;\n\n--  -- Down Migration\nSELECT 2;\n";
    let name = "1700000000001_a.sql";
    let (layout, migrations) = loaded(&folder(&[(name, both)]));
    assert_eq!(layout, Layout::NodePgMigrate);
    assert_eq!(layout.transactions(), Transactions::OneForAll);
    assert_eq!(statements(&migrations[0].up).unwrap().len(), 1);
    assert_eq!(statements(migrations[0].down.as_ref().unwrap()).unwrap()[0].line, 5);
    let message = refusal(&folder(&[(name, "SELECT 1;\n-- Down Migration\nSELECT 2;")]), None);
    assert!(message.contains(":2: `-- Up Migration` is missing"), "{message}");
}

#[test]
fn drizzle_keeps_a_journal() {
    let journal = r#"{"entries": [{"idx": 0, "tag": "0000_b"}, {"idx": 1, "tag": "0001_a"}]}"#;
    let two = "CREATE TABLE a ();--> statement-breakpoint\nCREATE TABLE b ();\n";
    let mut files = vec![
        ("meta/_journal.json", journal),
        ("0000_b.sql", two),
        ("0001_a.sql", "SELECT 1;"),
    ];
    files.push(("0002_c.sql", "SELECT 2;"));
    let (layout, migrations) = loaded(&folder(&files));
    assert_eq!((layout, names(&migrations)), (Layout::Drizzle, vec!["0000_b", "0001_a"]));
    assert_eq!(messages(&migrations[0]), ["CREATE TABLE a ();", "CREATE TABLE b ();"]);
    files.remove(1);
    let message = refusal(&folder(&files), None);
    assert!(message.contains("_journal.json: 0000_b.sql is missing"), "{message}");
}

#[test]
fn sqitch_has_a_plan() {
    let plan =
        "%project=x\nb 2024-01-01T00:00:00Z A <a@b> # b\na [b] 2024-01-01T00:00:00Z A <a@b> # a\n";
    let folder = folder(&[
        ("sqitch.plan", plan),
        ("deploy/a.sql", "BEGIN;\nCOMMIT;\n"),
        ("deploy/b.sql", "\\echo hi\nSELECT 1;"),
        ("revert/a.sql", "SELECT 2;"),
        ("verify/a.sql", "SELECT 3;"),
    ]);
    let (layout, migrations) = loaded(&folder);
    assert_eq!((layout, names(&migrations)), (Layout::Sqitch, vec!["b", "a"]));
    assert_eq!(statements(&migrations[0].up).unwrap().len(), 1);
    assert!(migrations[1].down.is_some() && migrations[0].down.is_none());
    let deploy = folder.path().join("deploy");
    assert_eq!(load(&[deploy], &asked(None)).unwrap().layout, Layout::Sqitch);
}

#[test]
fn atlas_has_a_sum_and_directives() {
    let sum = "h1:x\n1_a.sql h1:y\n2_b.sql h1:z\n3_c.sql h1:z\n";
    let delimited =
        "-- atlas:delimiter -- end\n\nSELECT 1;\nSELECT 2;\n-- end\nSELECT 3;\n-- end\n";
    let mut files = vec![
        ("atlas.sum", sum),
        ("1_a.sql", "SELECT 0;"),
        ("2_b.sql", "-- atlas:checkpoint\n-- atlas:txmode none\n\nSELECT 1;"),
        ("3_c.sql", delimited),
    ];
    let (layout, migrations) = loaded(&folder(&files));
    assert_eq!((layout, names(&migrations)), (Layout::Atlas, vec!["2_b", "3_c"]));
    assert_eq!(wrappings(&migrations), [Wrapping::None, Wrapping::Transaction]);
    assert_eq!(messages(&migrations[1]), ["SELECT 1;\nSELECT 2;", "SELECT 3;"]);
    files.push(("4_d.sql", "SELECT 1;"));
    assert!(refusal(&folder(&files), None).contains("4_d.sql: it is not in atlas.sum"));
}

#[test]
fn liquibase_has_changesets() {
    let text = "--liquibase formatted sql\n\n--changeset ann:1\n--comment: why\nCREATE TABLE a (b text DEFAULT ';');\n\
                SELECT 1;\n--rollback DROP TABLE a;\n\n--changeset ann:2 runInTransaction:false splitStatements:false\n\
                SELECT 2; SELECT 3;\n/* liquibase rollback\nSELECT 4;\n*/\n--changeset bob:3 dbms:oracle\nSELECT 5;\n\
                --changeset bob:4 endDelimiter:/\nSELECT 6;\nSELECT 7;\n/\n";
    let folder = folder(&[("a.sql", text)]);
    let loaded = load(&[folder.path()], &asked(None)).unwrap();
    let migrations = &loaded.migrations;
    assert_eq!(loaded.layout, Layout::Liquibase);
    assert_eq!(names(migrations), ["a.sql::1::ann", "a.sql::2::ann", "a.sql::4::bob"]);
    let wanted = [Wrapping::Transaction, Wrapping::None, Wrapping::Transaction];
    assert_eq!(wrappings(migrations), wanted);
    let first = messages(&migrations[0]);
    assert!(first[0].ends_with("CREATE TABLE a (b text DEFAULT ';')"), "{first:?}");
    assert_eq!(first[1], "SELECT 1");
    assert_eq!(messages(&migrations[1]), ["SELECT 2; SELECT 3;"]);
    assert_eq!(messages(&migrations[2]), ["SELECT 6;\nSELECT 7;"]);
    let down = |at: usize| statements(migrations[at].down.as_ref().unwrap()).unwrap().remove(0);
    assert_eq!((down(0).text.as_str(), down(0).line), ("DROP TABLE a", 7));
    assert_eq!((down(1).text.as_str(), down(1).line), ("SELECT 4", 12));
    assert!(
        loaded.warnings[0].contains("a.sql:14: Liquibase does not run"),
        "{:?}",
        loaded.warnings
    );
    assert_eq!(statements(&migrations[2].up).unwrap()[0].line, 17);
}

#[test]
fn liquibase_cuts_bodies_as_it_does() {
    let cut = |body: &str| {
        let text = format!("--liquibase formatted sql\n--changeset a:1\n{body}\n");
        messages(&loaded(&folder(&[("a.sql", &text)])).1[0]).len()
    };
    assert_eq!(cut("CREATE FUNCTION f() AS $$ BEGIN x; y; END; $$; SELECT 1;"), 3);
    assert_eq!(cut("CREATE FUNCTION f() AS $$ DECLARE a int; BEGIN x; END $$;"), 2);
    assert_eq!(cut("BEGIN TRANSACTION; SELECT 1; END TRANSACTION;"), 3);
}

#[test]
fn graphile_hasura_supabase_and_refinery_are_known_by_what_is_around() {
    let committed =
        "--! Previous: -\n--! Hash: sha1:1\n\n--! no-transaction\nSELECT ':DATABASE_OWNER';\n";
    let current = "SELECT 2;";
    let files = [
        ("migrations/committed/000001.sql", committed),
        ("migrations/current.sql", current),
    ];
    let (layout, migrations) = loaded(&folder(&files));
    assert_eq!(
        (layout, names(&migrations)),
        (Layout::GraphileMigrate, vec!["000001", "current"])
    );
    assert_eq!(wrappings(&migrations), [Wrapping::OneMessage, Wrapping::Transaction]);
    assert_eq!(migrations[0].up.first_line, 4);
    assert!(migrations[0].up.text.contains("'postgres'"));

    let hasura = [
        ("default/1620000000002_b/up.sql", ""),
        ("default/1620000000001_a/up.sql", ""),
        ("default/1620000000001_a/down.sql", ""),
    ];
    let (layout, migrations) = loaded(&folder(&hasura));
    assert_eq!(
        (layout, names(&migrations)),
        (Layout::Hasura, vec!["1620000000001_a", "1620000000002_b"])
    );

    let supabase = folder(&[("supabase/migrations/20240101000000_a.sql", "")]);
    let found = load(&[supabase.path()], &asked(None)).unwrap();
    assert_eq!((found.layout, found.is_guessed), (Layout::Supabase, false));
    assert!(found.found_in.unwrap().ends_with("supabase/migrations"));
    assert_eq!(found.migrations[0].up.wrapping, Wrapping::Pipeline);

    let manifest = ("Cargo.toml", "[dependencies]\nrefinery = \"0.8\"\n");
    let files = [manifest, ("migrations/V1__a.sql", "VACUUM;"), ("migrations/U2__b.sql", "")];
    let folder = folder(&files);
    let found = load(&[folder.path().join("migrations")], &asked(None)).unwrap();
    assert_eq!(
        (found.layout, names(&found.migrations)),
        (Layout::Refinery, vec!["V1__a", "U2__b"])
    );
    assert_eq!(wrappings(&found.migrations), [Wrapping::Transaction; 2]);
}

#[test]
fn sections_of_unknown_tools_are_refused_unless_asked_for() {
    let text = "SELECT 1;\n-- @DOWN\nSELECT 2;\n";
    for name in ["a.sql", "20240101000000_a.sql"] {
        let folder = folder(&[(name, text)]);
        let failure = load(&[folder.path()], &asked(None)).unwrap_err();
        assert!(
            failure.to_string().contains(":2: `-- @DOWN` looks like the section marker"),
            "{failure}"
        );
        assert!(failure.hint.unwrap().contains("--layout"));
        assert!(load(&[folder.path()], &asked(Some(Layout::Plain))).is_ok());
    }
    // A way back that is only told is no section.
    let told = "SELECT 1;\n-- rollback\n-- DROP TABLE a;\n";
    assert!(load(&[folder(&[("a.sql", told)]).path()], &asked(None)).is_ok());
}

#[test]
fn programs_are_told_by_their_tool() {
    for (path, text, tool) in [
        (
            "db/migrate/20240101000000_a.rb",
            "class A < ActiveRecord::Migration[7.0]",
            "Rails",
        ),
        ("alembic/versions/1_a.py", "from alembic import op", "Alembic"),
        ("app/migrations/0001_initial.py", "from django.db import migrations", "Django"),
        ("migrations/1-a.ts", "export class A implements MigrationInterface {", "TypeORM"),
        ("migrations/1_a.js", "exports.up = function (knex) {", "Knex"),
        ("migrations/1-a.js", "up: (queryInterface) => {", "Sequelize"),
        (
            "database/migrations/1_a.php",
            "use Illuminate\\Database\\Migrations\\Migration;",
            "Laravel",
        ),
        (
            "Migrations/1_a.cs",
            "protected override void Up(MigrationBuilder b)",
            "Entity Framework",
        ),
    ] {
        let folder = folder(&[(path, text)]);
        let place = folder.path().join(Path::new(path).parent().unwrap());
        let failure = load(&[place], &asked(None)).unwrap_err();
        assert_eq!(failure.kind, Kind::Usage);
        assert!(failure.to_string().contains(&format!("programs of {tool}")), "{failure}");
        assert!(failure.hint.is_some());
    }
}

#[test]
fn a_projects_migrations_are_found_or_proposed() {
    let project = folder(&[("db/migrations/1_a.sql", ""), ("src/x.sql", "")]);
    let found = load(&[project.path()], &asked(None)).unwrap();
    assert_eq!(names(&found.migrations), ["1_a"]);
    assert!(found.found_in.unwrap().ends_with("db/migrations"));
    write(&project, "supabase/migrations/1_a.sql", b"");
    let message = refusal(&project, None);
    assert!(message.contains("holds several migration folders"), "{message}");
    assert!(
        message.contains("supabase/migrations") && message.contains("db/migrations"),
        "{message}"
    );
}

#[test]
fn what_is_not_sure_is_a_guess() {
    let guessed = |files: &[(&str, &str)]| {
        let found = load(&[folder(files).path()], &asked(None)).unwrap();
        (found.layout, found.is_guessed)
    };
    assert_eq!(guessed(&[("a.sql", "")]), (Layout::Plain, true));
    assert_eq!(guessed(&[("20240101000000_a.sql", "")]), (Layout::Sqlx, true));
    assert_eq!(guessed(&[("1_a.up.sql", "")]), (Layout::GolangMigrate, true));
    assert_eq!(guessed(&[("V1__a.sql", "")]), (Layout::Flyway, false));
    let asked = asked(Some(Layout::Plain));
    assert!(!load(&[folder(&[("a.sql", "")]).path()], &asked).unwrap().is_guessed);
}

#[test]
fn rows_of_copy_are_taken_by_flyway_and_psql() {
    let text = "CREATE TABLE é (a int);\nCOPY é FROM stdin;\n1\n2\n\\.\nSELECT 1;\n";
    for name in ["V1__a.sql", "a.sql"] {
        let (_, migrations) = loaded(&folder(&[(name, text)]));
        let up = &migrations[0].up;
        let found = statements(up).unwrap();
        assert_eq!(found.iter().map(|one| one.line).collect::<Vec<_>>(), [1, 2, 6]);
        assert_eq!((up.rows[0].statement, up.rows[0].text.as_str()), (found[1].offset, "1\n2\n"));
        // Blanks may have fewer bytes than what they stand for.
        let blanked = up.without(std::iter::once(0..found[0].text.len()));
        assert_eq!(blanked.rows[0].statement, statements(&blanked).unwrap()[0].offset);
    }
    let (_, migrations) = loaded(&folder(&[("1_a.up.sql", text)]));
    assert!(statements(&migrations[0].up).is_err());
}
