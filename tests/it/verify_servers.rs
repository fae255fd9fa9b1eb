//! `verify` on several servers, and what it finds missing on them.

use crate::support::Output;
use crate::support::folder::{Folder, errors, reason};
use crate::support::installation::Installation;
use crate::support::server::binaries;
use crate::support::server::start;
use crate::verify::{TABLE, verdicts};

/// The findings of a rule: message, and on which servers.
fn found(output: &Output, rule: &str) -> Vec<(String, Vec<String>)> {
    let findings = output.json().findings.into_iter().filter(|finding| finding.rule == rule);
    findings.map(|finding| (finding.message, finding.server_versions)).collect()
}

/// A migration that works only where a setting is as the first server has it.
const DIFFERENT: &str = "DO $$ BEGIN IF current_setting('app.flavour', true) = 'other' THEN \
                         RAISE EXCEPTION 'not here'; END IF; END $$;";

#[test]
fn several_servers_are_compared() {
    let drop = "ALTER TABLE sales DROP COLUMN status;";
    let folder = Folder::new(&[("1_m.sql", TABLE), ("2_m.sql", drop), ("3_m.sql", DIFFERENT)]);
    let (real, other) = (binaries(), Installation::of_another_major("app.flavour=other"));
    let first = real.dir.display().to_string();
    let both = ["--pg-bin", &first, "--pg-bin", &other.path()];
    let output = folder.verify(&both).expect(1).came_to("findings");
    let document = output.json();
    assert_eq!(document.server_version, None, "{output}");
    let folders = document.servers.iter().map(|server| server.folder.clone().unwrap());
    assert_eq!(folders.collect::<Vec<_>>(), [first.clone(), other.path()]);
    assert!(document.servers.iter().all(|server| server.startup_ms.is_some()), "{output}");
    // Both are of the same version in truth, so the folders tell them apart.
    let names = [first.clone(), other.path()].map(|path| format!("{} in {path}", real.version));
    let wanted = ("not here".to_owned(), vec![names[1].clone()]);
    assert_eq!(found(&output, "not-applied"), [wanted]);
    let warned = found(&output, "ban-drop-column");
    assert_eq!(warned.len(), 1, "{output}");
    assert_eq!(warned[0].1, names, "{output}");
    let applies = document.checks.iter().filter(|check| check.name == "apply");
    let applies = applies.map(|check| (check.verdict.as_str(), check.server_versions.as_slice()));
    let wanted = [("passed", &names[..1]), ("failed", &names[1..])];
    assert_eq!(applies.collect::<Vec<_>>(), wanted, "{output}");
    for version in [real.version, format!("{}.99", other.major)] {
        let said = format!("Starting a throwaway PostgreSQL {version} …");
        assert!(output.stderr.contains(&said), "{output}");
    }

    let shown = folder.call(&both).run().expect(1).stdout;
    assert!(shown.contains(" SERVER "), "{shown}");
    assert!(shown.contains(&format!("not here (only on {})", names[1])), "{shown}");
    let github = folder.call(&[&both[..], &["--format", "github"]].concat()).run().expect(1);
    assert!(github.stderr.contains(&format!("apply: failed on {}: ", names[1])), "{github}");
}

#[test]
fn majors_are_chosen_among_what_is_there() {
    let folder = Folder::new(&[("1_m.sql", TABLE)]);
    let (real, other) = (binaries(), Installation::of_another_major("work_mem=5MB"));
    let first = real.dir.display().to_string();
    let both = ["--pg-bin", &first, "--pg-bin", &other.path()];
    let on = |majors: &str| folder.verify(&[&both[..], &["--pg", majors]].concat());
    let output = on(&format!("{},{}", other.major, real.major)).expect(0);
    let folders = output.json().servers.into_iter().map(|server| server.folder.unwrap());
    assert_eq!(folders.collect::<Vec<_>>(), [other.path(), first.clone()]);

    let output = on(&real.major.to_string()).expect(0);
    let document = output.json();
    assert_eq!(document.server_version.as_ref(), Some(&document.servers[0].version));
    assert_eq!(document.checks[0].server_versions, [document.servers[0].version.as_str()]);
    assert_eq!(verdicts(&output), crate::verify::ALL_PASSED);

    let error = on("99").expect(3).json().error.unwrap();
    assert_eq!(error.kind, "sandbox");
    assert!(error.message.contains("no server programs of PostgreSQL 99 found"), "{error:?}");
    assert!(error.message.contains(&format!("{} in {first}", real.version)), "{error:?}");
    on("13").expect(2);
    let given = folder.verify(&["--pg", "15", "-d", "host=/nowhere dbname=x"]).expect(2);
    assert!(given.json().error.unwrap().message.contains("--pg is for throwaway servers"));
    assert_eq!(errors(&output).len(), 0, "{output}");
}

const NOBODY_HAS: &str = "an_extension_that_nobody_has";

#[test]
fn a_missing_extension_is_named_before_anything_else() {
    let create = format!("SELECT 1;\nCREATE EXTENSION IF NOT EXISTS {NOBODY_HAS};\n");
    let folder = Folder::new(&[("1_m.sql", "CREATE EXTENSION plpgsql;"), ("2_m.sql", &create)]);
    let broken = Folder::new(&[("1_m.sql", "SELECT nix;"), ("2_m.sql", &create)]);
    // plpgsql is there already: a server refuses what is not missing in its own words.
    let output = folder.verify(&[]).expect(1);
    assert!(errors(&output).iter().any(|error| error.message.ends_with("already exists")));
    std::fs::remove_file(folder.path("1_m.sql")).unwrap();

    for layout in ["sqlx", "prisma", "plain"] {
        if layout == "prisma" {
            std::fs::create_dir(folder.path("2_m")).unwrap();
            std::fs::copy(folder.path("2_m.sql"), folder.path("2_m/migration.sql")).unwrap();
        }
        let output = folder.verify_as(&["--layout", layout]).expect(1);
        let error = errors(&output).remove(0);
        assert_eq!((error.rule.as_str(), error.line), ("missing-extension", Some(2)), "{output}");
        let message = format!("the extension {NOBODY_HAS} is not installed on the server");
        assert_eq!(error.message, message);
        assert!(error.help.unwrap().contains("--skip-missing-extensions"), "{output}");
        assert_eq!(found(&output, "not-applied"), [], "{output}");
        let verdicts = verdicts(&output);
        assert!(
            verdicts.contains("apply failed, extensions failed, indexes skipped"),
            "{output}"
        );
    }

    let found = errors(&broken.verify(&[]).expect(1)).into_iter();
    let found = found.map(|error| error.rule).collect::<Vec<_>>();
    assert_eq!(found, ["not-applied", "missing-extension"]);
}

#[test]
fn missing_extensions_can_be_passed_over() {
    let about = format!(
        "CREATE EXTENSION {NOBODY_HAS}; ALTER EXTENSION {NOBODY_HAS} UPDATE;\n\
         COMMENT ON EXTENSION {NOBODY_HAS} IS 'x';\nCREATE TABLE a (b int);\n"
    );
    let folder = Folder::new(&[("1_m.sql", &about)]);
    let output = folder.verify(&["--skip-missing-extensions"]).expect(0).came_to("done");
    let warned = found(&output, "missing-extension");
    assert!(warned[0].0.ends_with("the statement is skipped"), "{output}");
    assert!(verdicts(&output).contains("apply passed, extensions passed"), "{output}");

    // What needs it still fails, at its own place.
    let needs = format!("{about}CREATE TABLE c (d a_type_of_it);\n");
    std::fs::write(folder.path("1_m.sql"), needs).unwrap();
    let output = folder.verify(&["--skip-missing-extensions"]).expect(1);
    let error = errors(&output).remove(0);
    assert_eq!(
        (error.rule.as_str(), error.line, error.column),
        ("not-applied", Some(4), Some(19))
    );
    assert!(error.help.unwrap().contains("--base"), "{output}");

    let base = Folder::new(&[("base.sql", &about)]);
    std::fs::write(folder.path("1_m.sql"), "SELECT 1 FROM a;").unwrap();
    let base = ["--base", &base.path("base.sql"), "--skip-missing-extensions"];
    folder.verify(&base).expect(0);
    let error = folder.verify(&base[..2]).expect(2).json().error.unwrap();
    assert!(error.message.contains("base.sql:1: the extension an_ext"), "{error:?}");
}

/// For each layout a file and what its tool's own table is there for.
const TOUCHING: [(&str, &str, &str); 9] = [
    (
        "prisma",
        "1_a/migration.sql",
        "DELETE FROM _prisma_migrations WHERE migration_name = 'x'",
    ),
    (
        "sqlx",
        "1_a.sql",
        "UPDATE _sqlx_migrations SET checksum = '' WHERE version = 1 AND success",
    ),
    (
        "diesel",
        "1_a/up.sql",
        "DELETE FROM __diesel_schema_migrations WHERE version = '1'",
    ),
    (
        "flyway",
        "V1__a.sql",
        "DELETE FROM flyway_schema_history WHERE installed_rank = 1",
    ),
    ("flyway", "V1__a.sql", "DELETE FROM refinery_schema_history WHERE version = 1"),
    ("dbmate", "1_a.sql", "DELETE FROM schema_migrations WHERE version = '1'"),
    (
        "goose",
        "1_a.sql",
        "DELETE FROM goose_db_version WHERE version_id = 1 AND is_applied",
    ),
    ("sql-migrate", "1_a.sql", "DELETE FROM gorp_migrations WHERE id = '1'"),
    (
        "golang-migrate",
        "1_a.up.sql",
        "DELETE FROM schema_migrations WHERE version = 1 AND NOT dirty",
    ),
];

#[test]
fn the_tools_own_tables_are_there() {
    let server = start(&[]);
    let url =
        format!("host={} port={} user=postgres dbname=postgres", server.socket_dir, server.port);
    for (layout, file, statement) in TOUCHING {
        let marker = match layout {
            "dbmate" => "-- migrate:up\n",
            "goose" => "-- +goose Up\n",
            "sql-migrate" => "-- +migrate Up\n",
            _ => "",
        };
        let folder = Folder::new(&[]);
        std::fs::create_dir_all(std::path::Path::new(&folder.path(file)).parent().unwrap())
            .unwrap();
        let end = if layout == "dbmate" { "-- migrate:down\n" } else { "" };
        std::fs::write(folder.path(file), format!("{marker}{statement};\n{end}")).unwrap();
        let output = folder.verify_as(&["--layout", layout, "-d", &url]).expect(0);
        assert_eq!(reason(&output, "apply"), "1 of 1 migration applied", "{output}");
        assert_eq!(output.json().servers[0].startup_ms, None);
    }
    let plain = Folder::new(&[("1.sql", "SELECT 1 FROM schema_migrations")]);
    plain.verify_as(&["--layout", "plain", "-d", &url]).expect(1);

    // What the base brings stays as it is; a search path that leads nowhere yet is no hindrance.
    let sql = "CREATE SCHEMA app; INSERT INTO public._sqlx_migrations (mine) VALUES (1);";
    let folder = Folder::new(&[("1_m.sql", sql)]);
    let base = Folder::new(&[("base.sql", "CREATE TABLE public._sqlx_migrations (mine int);")]);
    let base = ["-d", &url, "--base", &base.path("base.sql")];
    folder.verify(&base).expect(0);
    folder.verify(&[&base[..], &["--set", "search_path=app"]].concat()).expect(0);
}

#[test]
fn settings_are_those_of_every_session() {
    let sql = "RESET ALL; CREATE TABLE t (a int DEFAULT current_setting('app.tenant')::int);\n\
               DO $$ BEGIN ASSERT current_setting('search_path') = 'a, public'; \
               ASSERT current_setting('lock_timeout') = '5s'; END $$;\n\
               CREATE FUNCTION a.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT f();\n";
    let folder = Folder::new(&[("1_m.sql", sql)]);
    let base = Folder::new(&[("base.sql", "CREATE SCHEMA a;\n")]);
    let base = base.path("base.sql");
    let set = ["--set", "app.tenant=1", "--set", "search_path=a, public"];
    folder
        .verify(&[&set[..], &["--set", "lock_timeout=5s", "--base", &base]].concat())
        .expect(0);

    let error = folder.verify(&["--set", "nonsense=1"]).expect(2).json().error.unwrap();
    assert_eq!(error.kind, "usage");
    assert!(error.message.starts_with("--set: "), "{error:?}");
    assert!(error.message.contains("unrecognized configuration parameter"), "{error:?}");
    folder.verify(&["--set", "nonsense"]).expect(2);
    folder.verify(&["--set", "a b=1"]).expect(2);
}

#[test]
fn what_is_expected_to_be_there_is_told_how_to_be_brought() {
    for (sql, wanted) in [
        (
            "ALTER TABLE sales OWNER TO web;",
            "put CREATE ROLE into a file and give that with --base",
        ),
        (
            "CREATE TABLE app.t (a int);",
            "put CREATE SCHEMA into a file and give that with --base",
        ),
        ("SELECT current_setting('app.tenant');", "give it with --set NAME=VALUE"),
    ] {
        let folder = Folder::new(&[("1_m.sql", TABLE), ("2_m.sql", sql)]);
        let error = errors(&folder.verify(&[]).expect(1)).remove(0);
        assert_eq!(error.rule, "not-applied");
        assert!(error.help.as_ref().is_some_and(|help| help.contains(wanted)), "{error:?}");
    }
}
