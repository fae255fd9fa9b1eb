//! `verify`: what CI is told of migrations, and that nothing remains of the run.

use std::fs;

use crate::support::command::Pgtend;
use crate::support::folder::{self, Folder, errors, reason, rules};
use crate::support::{Database, Output, until};

const CHECKS: [&str; 7] = ["parse", "apply", "extensions", "indexes", "locks", "lint", "ignores"];

/// Without the checks of the finished schema, which have tests of their own.
pub fn verdicts(output: &Output) -> String {
    folder::verdicts(output, &CHECKS)
}

pub const TABLE: &str = "CREATE TABLE sales (id bigint PRIMARY KEY, status text);\n";
pub const ALL_PASSED: &str =
    "parse passed, apply passed, indexes passed, locks passed, lint passed";

#[test]
fn a_good_folder_passes_on_a_server_of_its_own() {
    let folder = Folder::new(&[
        ("1_m.sql", TABLE),
        (
            "2_m.sql",
            "-- no-transaction\nCREATE INDEX CONCURRENTLY sales_status ON sales (status);\n",
        ),
        ("readme.md", "not SQL"),
    ]);
    // The application's database is left alone.
    let call = folder.call(&["--format", "json"]).env("DATABASE_URL", "host=/nowhere dbname=x");
    let output = call.run().expect(0).came_to("done");
    assert_eq!(verdicts(&output), ALL_PASSED, "{output}");
    assert_eq!(reason(&output, "apply"), "2 of 2 migrations applied");
    assert_eq!(errors(&output).len(), 0, "{output}");
    assert_eq!(output.json().database.as_deref(), Some("verify"), "{output}");
    assert!(output.json().checks.iter().all(|check| check.duration_ms < 60_000));

    let shown = folder.call(&[]).run().expect(0).stdout;
    let lines = shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let lines = lines.filter_map(|words| words.get(..2).map(|words| words.join(" ")));
    let lines = lines.collect::<Vec<_>>();
    assert!(lines.contains(&"CHECK VERDICT".to_owned()), "{shown}");
    assert!(lines.contains(&"apply passed".to_owned()), "{shown}");
    let quiet = folder.call(&["-q", "--base", &folder.path("readme.md")]).run().expect(2);
    assert!(quiet.stderr.contains("readme.md:1: syntax error"), "{quiet}");
}

#[test]
fn a_broken_statement_is_found_at_its_line_and_ends_the_run() {
    let folder = Folder::new(&[
        ("1_m.sql", TABLE),
        (
            "2_m.sql",
            "ALTER TABLE sales ADD COLUMN a text;\n\nALTER TABLE sales\n  DROP COLUMN nix;\n",
        ),
        ("3_m.sql", "ALTER TABLE sales ADD COLUMN later nonsense;\n"),
    ]);
    let output = folder.verify(&[]).expect(1).came_to("findings");
    assert_eq!(
        verdicts(&output),
        "parse passed, apply failed, indexes skipped, locks passed, lint passed"
    );
    assert_eq!(reason(&output, "apply"), "1 of 3 migrations applied");
    assert_eq!(reason(&output, "indexes"), "not every migration was applied");
    let errors = errors(&output);
    assert_eq!(errors.len(), 1, "{output}");
    let error = &errors[0];
    assert_eq!(error.rule, "not-applied");
    assert_eq!(error.file, folder.found_in("2_m.sql"));
    assert_eq!((error.line, error.column), (Some(3), Some(1)));
    assert_eq!(error.message, "column \"nix\" of relation \"sales\" does not exist");

    let shown = folder.call(&[]).run().expect(1).stdout;
    assert!(shown.contains("2_m.sql:3:1: error: column \"nix\" of"), "{shown}");
    assert!(shown.contains("\n  3 | ALTER TABLE sales\n    | ^\n"), "{shown}");
}

#[test]
fn the_servers_own_position_is_a_place_of_the_file() {
    let sql = "CREATE VIEW v AS SELECT 1;\nCREATE VIEW w AS SELECT 'ä',\n  nix FROM v;\n";
    let folder = Folder::new(&[("1_m.sql", sql)]);
    let error = errors(&folder.verify(&[]).expect(1)).remove(0);
    assert_eq!((error.line, error.column), (Some(3), Some(3)), "{error:?}");
    assert!(error.message.contains("nix"), "{error:?}");
}

#[test]
fn a_syntax_error_is_found_without_and_by_the_server() {
    let folder =
        Folder::new(&[("1_m.sql", "SELECT 1;\nCREATE TABEL x (a int);\n"), ("2_m.sql", TABLE)]);
    let output = folder.verify(&[]).expect(1);
    assert_eq!(
        verdicts(&output),
        "parse failed, apply failed, indexes skipped, locks passed, lint passed"
    );
    let unjudged = "1 migration not judged, because of the syntax";
    assert!(reason(&output, "lint").ends_with(unjudged), "{output}");
    // The parser and the server say the same, so it is said once.
    let found = errors(&output);
    assert_eq!(found.len(), 1, "{output}");
    assert_eq!((found[0].rule.as_str(), found[0].line), ("syntax", Some(2)), "{output}");
    assert!(found[0].message.contains("syntax error at or near \"TABEL\""), "{output}");
}

#[test]
fn what_may_not_stand_in_a_transaction_is_found() {
    let concurrently = "\nCREATE INDEX CONCURRENTLY sales_status ON sales (status);\n";
    let folder = Folder::new(&[("1_m.sql", TABLE), ("2_m.sql", concurrently)]);
    let error = errors(&folder.verify(&[]).expect(1)).remove(0);
    assert_eq!(error.rule, "in-transaction");
    assert_eq!((error.file, error.line), (folder.found_in("2_m.sql"), Some(2)));
    assert!(
        error.message.contains("cannot run inside a transaction block"),
        "{}",
        error.message
    );
    assert!(error.help.unwrap().contains("a migration of its own"));
}

#[test]
fn a_file_that_is_sent_whole_is_one_transaction_and_still_has_lines() {
    let sql = "CREATE INDEX sales_id ON sales (id);\n\
               CREATE INDEX CONCURRENTLY sales_status ON sales (status);\nSELECT 1;\n";
    let folder = Folder::new(&[("1_m.up.sql", TABLE), ("2_m.up.sql", sql)]);
    let whole = ["--layout", "golang-migrate"];
    let errors = errors(&folder.verify_as(&whole).expect(1));
    let found = errors.iter().map(|error| (error.rule.as_str(), error.line)).collect::<Vec<_>>();
    // The server's words and the linter's are one finding.
    assert_eq!(found, [("concurrent-in-one-message", Some(2))], "{errors:?}");
    assert!(
        errors[0].message.contains("cannot run inside a transaction block"),
        "{errors:?}"
    );
    assert!(errors[0].help.as_ref().unwrap().contains("a migration file of its own"));
    // One statement alone is no transaction block; what psql is given never is one.
    fs::write(folder.path("2_m.up.sql"), sql.lines().nth(1).unwrap()).unwrap();
    folder.verify_as(&whole).expect(0);
    fs::write(folder.path("2_m.up.sql"), sql).unwrap();
    folder.verify_as(&["--layout", "plain"]).expect(0);
}

#[test]
fn the_layout_is_recognised_and_sections_keep_the_files_lines() {
    let sql = "-- migrate:up\nCREATE TABLE a (b int);\nALTER TABLE a\n  ADD c nonsense;\n\
               -- migrate:down\nDROP TABLE a;\n";
    let folder = Folder::new(&[("20260101000000_a.sql", sql)]);
    let output = folder.verify_as(&[]).expect(1);
    assert!(output.stderr.contains("layout: dbmate"), "{output}");
    let error = errors(&output).remove(0);
    assert_eq!((error.line, error.column), (Some(4), Some(9)), "{error:?}");
    // What the linter says of the way back is not asked for.
    assert!(!rules(&output).contains(&"ban-drop-table".to_owned()), "{output}");
}

#[test]
fn what_is_checked_at_commit_is_found_too() {
    let sql = "CREATE TABLE a (id int PRIMARY KEY);
        CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);
        INSERT INTO b VALUES (1);";
    let folder = Folder::new(&[("1_m.sql", sql)]);
    let error = errors(&folder.verify(&[]).expect(1)).remove(0);
    assert!(error.message.contains("violates foreign key"), "{error:?}");
    assert_eq!(error.line, Some(3), "{error:?}");
}

#[test]
fn an_invalid_index_is_found() {
    let sql = "CREATE TABLE p (a int) PARTITION BY LIST (a);
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
        CREATE INDEX p_a ON ONLY p (a);";
    let folder = Folder::new(&[("1_m.sql", sql)]);
    let output = folder.verify(&[]).expect(1);
    assert_eq!(
        verdicts(&output),
        "parse passed, apply passed, indexes failed, locks passed, lint passed"
    );
    let error = errors(&output).remove(0);
    assert_eq!((error.rule.as_str(), error.file), ("invalid-index", folder.found_in("1_m.sql")));
    assert_eq!(error.message, "the index public.p_a on public.p is invalid");
}

#[test]
fn the_linters_rules_hold_unless_a_comment_says_otherwise() {
    let drop = "ALTER TABLE sales DROP COLUMN status;\n";
    let folder = Folder::new(&[("1_m.sql", TABLE), ("2_m.sql", drop)]);
    let output = folder.verify(&[]).expect(0).came_to("done");
    let findings = output.json().findings;
    let found = findings.iter().find(|finding| finding.rule == "ban-drop-column").unwrap();
    assert_eq!((found.severity.as_str(), found.line), ("warning", Some(1)), "{output}");
    assert_eq!((found.file.clone(), found.column), (folder.found_in("2_m.sql"), Some(19)));
    let output = folder.verify(&["--fail-on", "warning"]).expect(1).came_to("findings");
    assert_eq!(
        verdicts(&output),
        "parse passed, apply passed, indexes passed, locks passed, lint failed"
    );

    fs::write(folder.path("2_m.sql"), format!("-- squawk-ignore ban-drop-column\n{drop}")).unwrap();
    assert!(!rules(&folder.verify(&[]).expect(0)).contains(&"ban-drop-column".to_owned()));
}

#[test]
fn what_fails_is_said_by_severity_and_by_rule() {
    let drop = "ALTER TABLE sales DROP COLUMN status;\n";
    let folder = Folder::new(&[("1_m.sql", TABLE), ("2_m.sql", drop)]);
    let lint = |output: &Output| verdicts(output).split(", ").last().unwrap().to_owned();
    let output = folder.verify(&["--fail-on", "error,ban-drop-column"]).expect(1);
    assert_eq!(lint(&output), "lint failed");
    let several = ["--fail-on", "ban-drop-table", "--fail-on", "invalid-index"];
    assert_eq!(lint(&folder.verify(&several).expect(0)), "lint passed");

    let config = folder.path("pgtend.toml");
    fs::write(&config, "[verify]\nfail_on = [\"ban-drop-column\"]\n").unwrap();
    folder.verify(&["--config", &config]).expect(1);
    folder.verify(&["--config", &config, "--fail-on", "error"]).expect(0);

    fs::write(&config, "[verify]\nfail_on = [\"nonsense\"]\n").unwrap();
    for (more, kind) in [(["--fail-on", "nonsense"], "usage"), (["--config", &config], "config")] {
        let error = folder.verify(&more).expect(2).json().error.unwrap();
        assert_eq!(error.kind, kind);
        assert!(
            error.message.contains("\"nonsense\" is not error, warning or a rule"),
            "{}",
            error.message
        );
        assert!(error.hint.unwrap().contains("pgtend rules"));
    }
    // Whatever else is asked for: what cannot be applied fails.
    fs::write(folder.path("2_m.sql"), "SELECT nonsense;\n").unwrap();
    folder.verify(&["--fail-on", "ban-drop-column"]).expect(1);
}

#[test]
fn github_is_given_annotations() {
    let sql = "DO $$ BEGIN\nRAISE EXCEPTION E'50%%: a\\nb'; END $$;\n";
    let folder = Folder::new(&[("1_m,a.sql", sql)]);
    let chosen = folder.call(&["--format", "github"]).run().expect(1);
    let file = folder.path("1_m%2Ca.sql");
    let wanted = format!("::error file={file},line=1,col=1,title=not-applied::50%25: a%0Ab\n");
    assert!(chosen.stdout.contains(&wanted), "{chosen}");
    assert!(chosen.stdout.lines().all(|line| line.starts_with("::")), "{chosen}");
    let by_itself = folder.call(&[]).env("GITHUB_ACTIONS", "true").run().expect(1);
    assert_eq!(by_itself.stdout, chosen.stdout);
    let json = folder.call(&["--format", "json"]).env("GITHUB_ACTIONS", "true").run().expect(1);
    assert_eq!(json.json().command, "verify");
    // No other command does so.
    Pgtend::new(&["plan", "--format", "github", "-"]).run().expect(2);
    let missing = Pgtend::new(&["verify", "missing"]).env("GITHUB_ACTIONS", "true").run();
    assert!(
        missing
            .expect(2)
            .stdout
            .starts_with("::error title=pgtend::cannot read missing")
    );
}

#[test]
fn a_base_is_there_before_the_first_migration() {
    let change = "SET lock_timeout = '1s';\nSET statement_timeout = '5s';\n\
                  ALTER TABLE sales ADD COLUMN note text;\n";
    let folder = Folder::new(&[("1_m.sql", change)]);
    folder.verify(&[]).expect(1);
    let bases = Folder::new(&[
        // As pg_dump frames it; its search_path must not be that of the migrations.
        (
            "base.sql",
            "\\restrict abc\nSELECT pg_catalog.set_config('search_path', '', false);\n\
             CREATE TABLE public.sales (id bigint);\n\\unrestrict abc\n",
        ),
        ("broken.sql", "SELECT 1;\nCREATE TABLE a (b nonsense);\n"),
        ("copy.sql", "CREATE TABLE a (b int);\nCOPY a FROM stdin;\n"),
    ]);
    let output = folder.verify(&["--base", &bases.path("base.sql")]).expect(0);
    assert_eq!(verdicts(&output), ALL_PASSED, "{output}");
    for (base, wanted) in [
        ("broken.sql", "broken.sql:2: type \"nonsense\" does not exist"),
        ("copy.sql", "copy.sql:2: COPY … FROM stdin"),
        ("missing.sql", "cannot read"),
    ] {
        let output = folder.verify(&["--base", &bases.path(base)]).expect(2).came_to("failed");
        assert!(output.json().error.unwrap().message.contains(wanted), "{output}");
    }
}

/// How many databases the role owns.
async fn scratch_databases(db: &Database, role: &str) -> String {
    let count = "SELECT count(*) FROM pg_database WHERE pg_get_userbyid(datdba) =";
    db.value(&format!("{count} '{role}'")).await
}

#[tokio::test]
async fn what_a_killed_run_has_left_on_the_server_is_dropped_and_named_by_the_next() {
    let db = Database::new().await;
    let ci = db.role("ci").await;
    db.sql(&format!("ALTER ROLE {ci} CREATEDB")).await;
    let url = db.url_as(&ci);
    let owned = format!("SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = '{ci}'");
    let folder = Folder::new(&[("1_m.sql", "SELECT pg_sleep(1000);")]);
    let mut running = folder.call(&["--layout", "sqlx", "--echo", "-d", &url]).start();
    running.until_it_says("SELECT pg_sleep(1000);").await;
    let left = db.value(&owned).await;
    assert!(left.starts_with("pgtend_verify_"), "{left}");

    // While that run lives its database is not taken for left over.
    let escape_control = Folder::new(&[("1_m.sql", TABLE)]);
    let output = escape_control.verify(&["-d", &url]).expect(0);
    assert!(!output.stderr.contains(&left), "{output}");
    assert_eq!(db.value(&owned).await, left);

    running.signal("KILL");
    running.wait();
    let sessions = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{ci}'");
    until("the killed run's sessions end", || async { db.value(&sessions).await == "0" }).await;
    // Nobody else's, and nothing without the mark.
    let other = db.role("other").await;
    db.sql(&format!("ALTER DATABASE {left} OWNER TO {other}")).await;
    escape_control.verify(&["-d", &url]).expect(0);
    assert_eq!(
        db.value(&format!("SELECT count(*) FROM pg_database WHERE datname = '{left}'"))
            .await,
        "1"
    );
    db.sql(&format!("ALTER DATABASE {left} OWNER TO {ci}")).await;

    let output = escape_control.verify(&["-d", &url]).expect(0);
    let said = format!("dropped the database {left}, which a killed run of verify had left");
    assert!(output.stderr.contains(&said), "{output}");
    assert_eq!(scratch_databases(&db, &ci).await, "0");
    let output = escape_control.verify(&["-d", &url]).expect(0);
    assert!(!output.stderr.contains("killed run"), "{output}");
}

#[tokio::test]
async fn a_scratch_database_is_dropped_whatever_happens() {
    let db = Database::new().await;
    let ci = db.role("ci").await;
    db.sql(&format!("ALTER ROLE {ci} CREATEDB")).await;
    let url = db.url_as(&ci);
    let folder = Folder::new(&[("1_m.sql", TABLE)]);
    let output = folder.verify(&["-d", &url]).expect(0);
    assert!(output.json().database.unwrap().starts_with("pgtend_verify_"), "{output}");
    assert_eq!(db.value("SELECT to_regclass('sales') IS NULL").await, "t");
    assert_eq!(scratch_databases(&db, &ci).await, "0");

    let config = folder.path("pgtend.toml");
    fs::write(&config, format!("[targets.ci]\nurl = \"{url}\"\n")).unwrap();
    folder.verify(&["--config", &config, "--target", "ci"]).expect(0);

    fs::write(folder.path("2_m.sql"), "SELECT nonsense;").unwrap();
    folder.verify(&["-d", &url]).expect(1);
    assert_eq!(scratch_databases(&db, &ci).await, "0");

    fs::write(folder.path("2_m.sql"), "SELECT pg_terminate_backend(pg_backend_pid());").unwrap();
    folder.verify(&["-d", &url]).expect(1);
    assert_eq!(scratch_databases(&db, &ci).await, "0");

    fs::write(folder.path("2_m.sql"), "SELECT pg_sleep(1000);").unwrap();
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let running = folder.call(&["--format", "json", "-d", &url]).start();
        until("a migration runs", || async {
            let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE \
                            'SELECT pg_sleep(1000)%' AND state = 'active'";
            db.value(sleeping).await != "0"
        })
        .await;
        running.signal(signal);
        assert_eq!(running.wait().expect(code).json().outcome, "cancelled");
        assert_eq!(scratch_databases(&db, &ci).await, "0");
    }

    let role = db.role("poor").await;
    let output = folder.verify(&["-d", &db.url_as(&role)]).expect(3);
    let error = output.json().error.unwrap();
    assert_eq!((error.kind.as_str(), error.sqlstate.as_deref()), ("privilege", Some("42501")));
    assert!(error.hint.unwrap().contains("CREATEDB"), "{output}");
}

#[test]
fn what_cannot_be_begun_is_no_finding() {
    let folder = Folder::new(&[("1_m.sql", TABLE)]);
    let missing = Pgtend::new(&["verify", "missing", "--format", "json"]).run().expect(2);
    assert_eq!(missing.json().error.unwrap().kind, "usage");
    Pgtend::new(&["verify"]).run().expect(2);
    let nothing = tempfile::tempdir().unwrap();
    let output = folder.verify(&["--pg-bin", nothing.path().to_str().unwrap()]).expect(3);
    assert_eq!(output.json().error.unwrap().kind, "sandbox");
}

#[test]
fn what_is_suppressed_is_counted_and_no_finding() {
    let drop = "ALTER TABLE sales DROP COLUMN status;\n";
    let told = "-- pgtend-ignore ban-drop-column: nobody reads it\n";
    let folder = Folder::new(&[("1_m.sql", TABLE), ("2_m.sql", &format!("{told}{drop}"))]);
    let config = folder.path("pgtend.toml");
    let entry = "[[verify.ignore]]\nrule = \"require-lock-timeout\"\npaths = [\"2_*.sql\"]\n\
                 reason = \"the role has one\"\n";
    fs::write(&config, entry).unwrap();
    let output = folder.verify(&["--config", &config]).expect(0);
    let all_passed = format!("{ALL_PASSED}, ignores passed");
    assert_eq!(verdicts(&output), all_passed, "{output}");
    let suppressed = |output: &Output, name: &str| {
        let check = output.json().checks.into_iter().find(|check| check.name == name);
        check.unwrap().suppressed
    };
    assert_eq!((suppressed(&output, "lint"), suppressed(&output, "apply")), (2, 0), "{output}");
    assert!(reason(&output, "lint").ends_with("; 2 suppressed"), "{output}");
    assert_eq!(reason(&output, "ignores"), "2 findings suppressed");
    let told_rules = rules(&output);
    for rule in ["ban-drop-column", "require-lock-timeout", "unused-ignore"] {
        assert!(!told_rules.contains(&rule.to_owned()), "{output}");
    }

    // There is nothing to suppress any more.
    fs::write(folder.path("2_m.sql"), format!("{told}ANALYZE sales;\n")).unwrap();
    let output = folder.verify(&["--config", &config, "--fail-on", "warning"]).expect(1);
    assert!(verdicts(&output).ends_with("ignores failed"), "{output}");
    let findings = output.json().findings.into_iter();
    let unused = findings.filter(|finding| finding.rule == "unused-ignore").collect::<Vec<_>>();
    let places = unused.iter().map(|finding| (finding.file.clone(), finding.line));
    let wanted = [(folder.found_in("2_m.sql"), Some(1)), (None, None)];
    assert_eq!(places.collect::<Vec<_>>(), wanted, "{output}");
    assert!(unused[1].message.contains("[[verify.ignore]] for 2_*.sql"), "{output}");

    // What needs the server is not unused where it did not get that far.
    let entry = entry
        .replace("require-lock-timeout", "invalid-index")
        .replace("paths", "# paths");
    fs::write(&config, entry).unwrap();
    let unused = |output: &Output| rules(output).contains(&"unused-ignore".to_owned());
    fs::write(folder.path("2_m.sql"), "SELECT nonsense;\n").unwrap();
    assert!(!unused(&folder.verify(&["--config", &config]).expect(1)));
    fs::write(folder.path("2_m.sql"), "ANALYZE sales;\n").unwrap();
    assert!(unused(&folder.verify(&["--config", &config]).expect(0)));

    // An invalid index stands in no file.
    let sql = "CREATE TABLE p (a int) PARTITION BY LIST (a);
        CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
        CREATE INDEX p_a ON ONLY p (a);";
    fs::write(folder.path("2_m.sql"), sql).unwrap();
    let output = folder.verify(&["--config", &config]).expect(0);
    assert_eq!(suppressed(&output, "indexes"), 1, "{output}");

    fs::write(&config, "[[verify.ignore]]\nrule = \"invalid-index\"\n").unwrap();
    let error = folder.verify(&["--config", &config]).expect(2).json().error.unwrap();
    assert!(error.message.contains("missing field `reason`"), "{error:?}");
}

#[test]
fn what_the_server_refuses_cannot_be_suppressed() {
    let partitioned = "CREATE TABLE p (a bigint) PARTITION BY LIST (a);\n";
    let index = "-- pgtend-ignore concurrently-on-partitioned: we know\n\
                 CREATE INDEX CONCURRENTLY p_a ON p (a);\n";
    let folder = Folder::new(&[("1.sql", partitioned), ("2.sql", index)]);
    let output = folder.verify_as(&[]).expect(1);
    assert!(rules(&output).contains(&"concurrently-on-partitioned".to_owned()), "{output}");
    let extension = "-- pgtend-ignore missing-extension: not in CI\nCREATE EXTENSION no_such;\n";
    let folder = Folder::new(&[("1.sql", extension)]);
    let output = folder.verify_as(&[]).expect(1);
    assert!(rules(&output).contains(&"missing-extension".to_owned()), "{output}");
    folder
        .verify_as(&["--skip-missing-extensions", "--fail-on", "missing-extension"])
        .expect(0);
}

/// The connection is still there, so the server was not lost.
#[test]
fn what_the_driver_refuses_is_a_finding() {
    let folder = Folder::new(&[("1.sql", "SELECT 1;\nCOPY (SELECT 1)TO STDOUT;\n")]);
    let error = errors(&folder.verify_as(&[]).expect(1)).pop().unwrap();
    assert_eq!((error.rule.as_str(), error.line), ("not-applied", Some(2)), "{error:?}");
}

#[test]
fn a_nul_byte_is_named_at_its_line_before_anything_is_started() {
    let folder = Folder::new(&[("1.sql", "SELECT 1;\nSELECT '\0';\n")]);
    let output = folder.verify_as(&[]).expect(2);
    assert!(output.json().error.unwrap().message.contains("1.sql:2"), "{output}");
}
