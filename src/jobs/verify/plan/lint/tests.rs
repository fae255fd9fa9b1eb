//! The rules of ours: what they find, and what comes close and is right.

use std::time::Duration;

use super::*;
use crate::declared::migrations::Wrapping;
use crate::jobs::verify::plan::observed::Observed;
use crate::jobs::verify::plan::parsed::Parsed;
use crate::pg::server_error::ServerError;

const VERSION: ServerVersion = ServerVersion(180_000);

fn script(at: usize, text: &str, wrapping: Wrapping) -> Script {
    Script::new(format!("{at}.sql"), 1, text.to_owned(), wrapping)
}

fn migrations(texts: &[&str], wrapping: Wrapping) -> Vec<Migration> {
    let numbered = (1..).zip(texts);
    let migration = |(at, text): (usize, &&str)| Migration {
        name: at.to_string(),
        up: script(at, text, wrapping),
        down: None,
    };
    numbered.map(migration).collect()
}

fn all_applied(migrations: &[Migration]) -> Applied {
    Applied {
        migrations: migrations.len(),
        refused: None,
        took: Duration::ZERO,
        observed: Observed::default(),
    }
}

/// The findings of rules of ours in the files `1.sql` and so on: `rule file:line`.
fn found_as(texts: &[&str], wrapping: Wrapping) -> Vec<String> {
    let migrations = migrations(texts, wrapping);
    let applied = all_applied(&migrations);
    shown(check(None, &migrations, &applied, VERSION).findings)
}

fn found(texts: &[&str]) -> Vec<String> {
    found_as(texts, Wrapping::None)
}

fn shown(findings: Vec<Finding>) -> Vec<String> {
    let ours = findings.into_iter().filter(|finding| !Rule::is_squawks(&finding.rule));
    let shown = ours.map(|finding| {
        let place = finding.place.unwrap();
        format!("{} {}:{}", finding.rule, place.file.display(), place.line)
    });
    shown.collect()
}

fn messages(texts: &[&str], wrapping: Wrapping, rule: &Rule) -> Vec<String> {
    let migrations = migrations(texts, wrapping);
    let findings = check(None, &migrations, &all_applied(&migrations), VERSION).findings;
    findings
        .into_iter()
        .filter(|finding| finding.is(rule))
        .map(|one| one.message)
        .collect()
}

fn nothing() -> Vec<String> {
    Vec::new()
}

const BUILD: &str = "CREATE INDEX CONCURRENTLY i ON t (a);";

#[test]
fn a_timeout_in_force_is_found_at_the_concurrent_statement() {
    for set in [
        "SET lock_timeout = '5s';",
        "SET statement_timeout TO 60000;",
        "SET SESSION transaction_timeout = '1min';",
        "SET LOCK_TIMEOUT = '5s';",
        "SELECT set_config('lock_timeout', '5s', false);",
        "SELECT pg_catalog.set_config('lock_timeout', '5s', false);",
        "BEGIN; SET lock_timeout = '5s'; COMMIT;",
        "SET lock_timeout = 0; SET lock_timeout = '5s';",
        "SET lock_timeout = '5s'; BEGIN; SET lock_timeout = 0; ROLLBACK;",
    ] {
        let wanted = ["timeout-before-concurrent 1.sql:2"];
        assert_eq!(found(&[&format!("{set}\n{BUILD}")]), wanted, "{set}");
    }
    for statement in [
        "DROP INDEX CONCURRENTLY i;",
        "REINDEX INDEX CONCURRENTLY i;",
        "REINDEX (CONCURRENTLY) TABLE t;",
        "ALTER TABLE t DETACH PARTITION p CONCURRENTLY;",
    ] {
        let wanted = ["timeout-before-concurrent 2.sql:1"];
        assert_eq!(found(&["SET lock_timeout = '5s';", statement]), wanted, "{statement}");
    }
    let message = messages(
        &["SET lock_timeout = '5s';\nSET statement_timeout = 7;", BUILD],
        Wrapping::None,
        &Rule::TIMEOUT_BEFORE_CONCURRENT,
    );
    let wanted = "lock_timeout is 5s (set at 1.sql:1) and statement_timeout is 7 (set at 1.sql:2); \
                  when that ends CREATE INDEX CONCURRENTLY half-way, it leaves an invalid index";
    assert_eq!(message, [wanted]);
}

#[test]
fn a_timeout_that_is_not_in_force_any_more_is_none() {
    for set in [
        "SET lock_timeout = 0;",
        "SET lock_timeout = '0ms';",
        "SET lock_timeout = '5s'; RESET lock_timeout;",
        "SET lock_timeout = '5s'; SET lock_timeout TO DEFAULT;",
        "SET lock_timeout = '5s'; RESET ALL;",
        "SET lock_timeout = '5s'; DISCARD ALL;",
        "BEGIN; SET LOCAL lock_timeout = '5s'; COMMIT;",
        "BEGIN; SET lock_timeout = '5s'; ROLLBACK;",
        "SELECT set_config('lock_timeout', '5s', true);",
        "SET deadlock_timeout = '5s';",
        "SET app.lock_timeout = '5s';",
        "ALTER DATABASE d SET lock_timeout = '5s';",
    ] {
        assert_eq!(found(&[&format!("{set}\n{BUILD}")]), nothing(), "{set}");
    }
    let timeout = "SET lock_timeout = '5s';\n";
    for statement in [
        "CREATE INDEX i ON t (a);",
        "DROP INDEX i;",
        "REINDEX (CONCURRENTLY false) TABLE t;",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v;",
        "ALTER TABLE t DETACH PARTITION p;",
    ] {
        assert_eq!(found(&[&format!("{timeout}{statement}")]), nothing(), "{statement}");
    }
    // In a transaction the server refuses it anyway.
    assert_eq!(found_as(&[&format!("{timeout}{BUILD}")], Wrapping::Transaction), nothing());
    // A file that cannot be read may have reset it.
    assert_eq!(found(&[timeout, "nonsense;", BUILD]), nothing());
}

#[test]
fn defaults_of_the_database_hold_from_the_next_file_on() {
    for set in [
        "ALTER DATABASE d SET lock_timeout = '5s';",
        "ALTER ROLE ALL SET lock_timeout = '5s';",
        "ALTER USER CURRENT_USER SET lock_timeout TO '5s';",
    ] {
        let wanted = ["timeout-before-concurrent 2.sql:1"];
        assert_eq!(found(&[set, BUILD]), wanted, "{set}");
        assert_eq!(found(&[set, &format!("SET lock_timeout = 0; {BUILD}")]), nothing(), "{set}");
    }
    // Whether that role migrates is not known.
    assert_eq!(found(&["ALTER ROLE app SET lock_timeout = '5s';", BUILD]), nothing());
    let reset = "ALTER DATABASE d RESET lock_timeout;";
    assert_eq!(found(&["ALTER DATABASE d SET lock_timeout = '5s';", reset, BUILD]), nothing());
}

#[test]
fn a_concurrent_statement_in_a_message_with_others_is_found() {
    let with_another = format!("SELECT 1;\n{BUILD}");
    let wanted = ["concurrent-in-one-message 1.sql:2"];
    assert_eq!(found_as(&[&with_another], Wrapping::OneMessage), wanted);
    // Each of two, and COMMIT does not help.
    assert_eq!(found_as(&[&format!("{BUILD}\n{BUILD}")], Wrapping::OneMessage).len(), 2);
    assert_eq!(found_as(&[&format!("COMMIT;\n{BUILD}")], Wrapping::OneMessage), wanted);
    // squawk would say the same once more.
    let migrations = migrations(&[&with_another], Wrapping::OneMessage);
    let all = check(None, &migrations, &all_applied(&migrations), VERSION).findings;
    let squawks = "ban-concurrent-index-creation-in-transaction";
    assert!(all.iter().all(|finding| finding.rule != squawks), "{all:?}");

    assert_eq!(found_as(&[BUILD], Wrapping::OneMessage), nothing());
    assert_eq!(found_as(&[&format!("{BUILD};;\n-- end\n")], Wrapping::OneMessage), nothing());
    assert_eq!(found_as(&[&with_another], Wrapping::None), nothing());
    let refresh = "SELECT 1; REFRESH MATERIALIZED VIEW CONCURRENTLY v;";
    assert_eq!(found_as(&[refresh], Wrapping::OneMessage), nothing());
}

#[test]
fn no_rule_asks_for_what_another_forbids() {
    let asks = |text: &str| {
        let migrations = migrations(&[text], Wrapping::None);
        let all = check(None, &migrations, &all_applied(&migrations), VERSION).findings;
        all.iter().any(|finding| finding.rule == "require-lock-timeout")
    };
    assert!(asks("ALTER TABLE t ADD COLUMN a int;"));
    assert!(!asks(BUILD));
}

#[test]
fn names_that_are_cut_are_those_of_indexes() {
    let long = "ä".repeat(32);
    for statement in [
        format!("CREATE INDEX {long} ON t (a);"),
        format!("ALTER INDEX i RENAME TO {long};"),
        format!("CREATE TABLE t (a int, CONSTRAINT {long} UNIQUE (a));"),
        format!("ALTER TABLE t ADD CONSTRAINT {long} PRIMARY KEY (a);"),
    ] {
        assert_eq!(found(&[&statement]), ["long-index-name 1.sql:1"], "{statement}");
    }
    let create = format!("CREATE INDEX {long} ON t (a);");
    let message = messages(&[&create], Wrapping::None, &Rule::LONG_INDEX_NAME);
    let cut = "ä".repeat(31);
    assert_eq!(message, [format!("the name {long} has 64 bytes; the server cuts it to {cut}")]);

    let fitting = "ä".repeat(31) + "a";
    for statement in [
        format!("CREATE INDEX {fitting} ON t (a);"),
        format!("CREATE INDEX \"{fitting}\" ON t (a);"),
        // squawk's identifier-too-long is enough.
        format!("CREATE TABLE {long} (a int);"),
        format!("CREATE TABLE t ({long} int, CONSTRAINT {long} CHECK ({long} > 0));"),
        format!("-- squawk-ignore identifier-too-long\nCREATE INDEX {long} ON t (a);"),
    ] {
        assert_eq!(found(&[&statement]), nothing(), "{statement}");
    }
}

const TABLE: &str = "CREATE TABLE t (a int); CREATE TABLE u (a int); CREATE INDEX i ON t (a);";

#[test]
fn what_is_dropped_and_created_again_is_found() {
    for (made, again) in [
        (TABLE, "DROP INDEX i;\nCREATE INDEX i ON t (a);"),
        (
            TABLE,
            "DROP INDEX CONCURRENTLY IF EXISTS i;\nCREATE INDEX CONCURRENTLY i ON t (a);",
        ),
        (TABLE, "DROP INDEX public.i;\nCREATE UNIQUE INDEX IF NOT EXISTS i ON t (a);"),
        (TABLE, "DROP TABLE IF EXISTS t;\nCREATE TABLE t (b int);"),
        ("CREATE VIEW v AS SELECT 1;", "DROP VIEW v;\nCREATE VIEW v AS SELECT 2;"),
        (
            "CREATE VIEW v AS SELECT 1;",
            "DROP VIEW v CASCADE;\nCREATE OR REPLACE VIEW v AS SELECT 2;",
        ),
        (
            "",
            "DROP MATERIALIZED VIEW v;\nSELECT 1;\nCREATE MATERIALIZED VIEW v AS SELECT 2;",
        ),
    ] {
        assert_eq!(found(&[made, again]), ["drop-and-create 2.sql:1"], "{again}");
    }
}

#[test]
fn what_is_lost_meanwhile_depends_on_the_transaction() {
    let said = |text: &str, wrapping| messages(&["", text], wrapping, &Rule::DROP_AND_CREATE);
    let index = "DROP INDEX i;\nCREATE UNIQUE INDEX i ON t (a);";
    let wanted = "public.i is dropped and created again in line 2: until it is built queries go \
                  without it, and nothing keeps duplicates out";
    assert_eq!(said(index, Wrapping::None), [wanted]);
    let locked = "also for reading, until the new index is built";
    assert!(said(index, Wrapping::Transaction)[0].ends_with(locked));
    let own = format!("BEGIN;\n{index}\nCOMMIT;");
    assert!(said(&own, Wrapping::None)[0].ends_with(locked));
    let view = "DROP VIEW v;\nCREATE VIEW v AS SELECT 1;";
    assert!(said(view, Wrapping::Transaction)[0].ends_with(": the privileges on it are lost"));
    let granted = format!("{view}\nGRANT SELECT ON u, v TO app;");
    assert_eq!(said(&granted, Wrapping::Transaction), nothing());
    assert!(said(&granted, Wrapping::None)[0].ends_with("every query that reads it fails"));
    let other = format!("{view}\nGRANT SELECT ON w TO app;");
    assert_eq!(said(&other, Wrapping::Transaction).len(), 1);
}

#[test]
fn what_nobody_can_miss_is_not_found() {
    for (made, again) in [
        // Not there before, as far as is known.
        ("", "DROP TABLE IF EXISTS t; CREATE TABLE t (a int);"),
        // Made by the migration itself.
        ("", "CREATE TABLE t (a int); DROP TABLE t; CREATE TABLE t (b int);"),
        (
            "",
            "CREATE TABLE t (a int, b int); CREATE INDEX i ON t (a); ALTER TABLE t DROP COLUMN b;
             DROP INDEX i; CREATE INDEX i ON t (a);",
        ),
        (TABLE, "DROP INDEX i; CREATE INDEX j ON t (a);"),
        (TABLE, "DROP INDEX i; CREATE INDEX i ON s.t (a);"),
        (TABLE, "CREATE INDEX j ON t (a); DROP INDEX i; ALTER INDEX j RENAME TO i;"),
        ("CREATE VIEW v AS SELECT 1;", "CREATE OR REPLACE VIEW v AS SELECT 2;"),
        ("CREATE VIEW v AS SELECT 1;", "DROP VIEW v; CREATE TABLE v (a int);"),
        ("CREATE SEQUENCE s;", "DROP SEQUENCE s; CREATE SEQUENCE s;"),
        ("CREATE TEMP TABLE t (a int);", "DROP TABLE t; CREATE TEMP TABLE t (a int);"),
    ] {
        assert_eq!(found(&[made, again]), nothing(), "{again}");
    }
    assert_eq!(found(&[TABLE, "DROP INDEX i;", "CREATE INDEX i ON t (a);"]), nothing());
}

#[test]
fn a_name_that_is_something_elses_is_found() {
    let cut = "a".repeat(63);
    let long = format!("CREATE INDEX {cut}1 ON t (a); CREATE INDEX IF NOT EXISTS {cut}2 ON t (a);");
    for (made, again) in [
        (TABLE, "CREATE INDEX IF NOT EXISTS i ON u (a);"),
        (TABLE, "CREATE INDEX IF NOT EXISTS u ON t (a);"),
        (TABLE, "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON public.u (a);"),
        (TABLE, "CREATE TABLE IF NOT EXISTS i (a int);"),
        ("CREATE VIEW v AS SELECT 1;", "CREATE TABLE IF NOT EXISTS v (a int);"),
        ("CREATE SEQUENCE s;", "CREATE MATERIALIZED VIEW IF NOT EXISTS s AS SELECT 1;"),
        (
            "CREATE TABLE t (CONSTRAINT k UNIQUE (a), a int);",
            "CREATE INDEX IF NOT EXISTS k ON u (a);",
        ),
        (TABLE, "ALTER TABLE u RENAME TO w; CREATE INDEX IF NOT EXISTS w ON t (a);"),
        (TABLE, "ALTER INDEX i RENAME TO j; CREATE INDEX IF NOT EXISTS j ON u (a);"),
        (TABLE, "ALTER TABLE t SET SCHEMA s; CREATE INDEX IF NOT EXISTS i ON s.x (a);"),
        ("CREATE INDEX i ON t (a);", "CREATE INDEX IF NOT EXISTS \"i\" ON u (a);"),
    ] {
        assert_eq!(found(&[made, again]), ["name-collision 2.sql:1"], "{again}");
    }
    let both = found(&[&long]);
    assert!(both.contains(&"name-collision 1.sql:1".to_owned()), "{both:?}");
    let message = messages(
        &[TABLE, "CREATE INDEX IF NOT EXISTS i ON u (a);"],
        Wrapping::None,
        &Rule::NAME_COLLISION,
    );
    let wanted = "nothing is created: public.i is an index on public.t already (made at 1.sql:1), \
                  and IF NOT EXISTS hides it";
    assert_eq!(message, [wanted]);
}

#[test]
fn a_name_that_may_be_free_is_not_found() {
    for (made, again) in [
        (TABLE, "CREATE INDEX IF NOT EXISTS i ON t (a);"),
        (TABLE, "CREATE INDEX IF NOT EXISTS i ON s.u (a);"),
        (TABLE, "CREATE TABLE IF NOT EXISTS t (a int);"),
        (TABLE, "CREATE INDEX IF NOT EXISTS \"I\" ON u (a);"),
        (TABLE, "DROP INDEX i; CREATE INDEX IF NOT EXISTS i ON u (a);"),
        (TABLE, "DROP TABLE t; CREATE INDEX IF NOT EXISTS i ON u (a);"),
        (TABLE, "DROP TABLE x CASCADE; CREATE INDEX IF NOT EXISTS i ON u (a);"),
        (TABLE, "ALTER TABLE t DROP COLUMN a; CREATE INDEX IF NOT EXISTS i ON u (a);"),
        (TABLE, "ALTER INDEX i RENAME TO j; CREATE INDEX IF NOT EXISTS i ON u (a);"),
        (TABLE, "ALTER TABLE t SET SCHEMA s; CREATE INDEX IF NOT EXISTS i ON u (a);"),
        (
            TABLE,
            "DO $$ BEGIN EXECUTE 'DROP INDEX i'; END $$; CREATE INDEX IF NOT EXISTS i ON u (a);",
        ),
        (TABLE, "SELECT tidy(); CREATE INDEX IF NOT EXISTS i ON u (a);"),
        (TABLE, "ROLLBACK; CREATE INDEX IF NOT EXISTS i ON u (a);"),
        (TABLE, "SET search_path = s; CREATE INDEX IF NOT EXISTS i ON u (a);"),
        (TABLE, "CREATE TEMP TABLE x (a int); CREATE INDEX IF NOT EXISTS i ON x (a);"),
        (
            "CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE q PARTITION OF p DEFAULT;
             CREATE INDEX i ON q (a);",
            "DROP TABLE p; CREATE TABLE IF NOT EXISTS i (a int);",
        ),
        (
            "CREATE TABLE t (a int, CONSTRAINT k UNIQUE (a));",
            "ALTER TABLE t DROP CONSTRAINT k; CREATE INDEX IF NOT EXISTS k ON u (a);",
        ),
        // The server has run it.
        (TABLE, "CREATE INDEX i ON u (a);"),
    ] {
        assert_eq!(found(&[made, again]), nothing(), "{again}");
    }
    let local = "BEGIN; SET LOCAL search_path = s; COMMIT;";
    let again = "CREATE INDEX IF NOT EXISTS i ON u (a);";
    assert_eq!(found(&[TABLE, local, again]), ["name-collision 3.sql:1"]);
    assert_eq!(found(&[TABLE, "nonsense;", again]), nothing());
}

#[test]
fn what_the_server_did_not_come_to_is_said_instead() {
    let migrations = migrations(
        &[TABLE, "DROP TABLE nix;\nCREATE INDEX i ON u (a);", "CREATE VIEW u AS SELECT 1;"],
        Wrapping::None,
    );
    let place = Place {
        file: "2.sql".into(),
        line: 1,
        column: 1,
        text: String::new(),
        from: 1,
    };
    let error = ServerError {
        sqlstate: None,
        message: String::new(),
        detail: None,
        hint: None,
        position: None,
    };
    let refused = Some(Refused { place, statement: String::new(), error });
    let applied = Applied {
        migrations: 1,
        refused,
        took: Duration::ZERO,
        observed: Observed::default(),
    };
    let found = shown(check(None, &migrations, &applied, VERSION).findings);
    assert_eq!(found, ["name-collision 2.sql:2", "name-collision 3.sql:1"]);
}

#[test]
fn the_base_is_there_before_the_first_migration() {
    let base = "SELECT pg_catalog.set_config('search_path', '', false); SET lock_timeout = '5s';
                CREATE TABLE public.t (a int); CREATE INDEX i ON public.t (a);";
    let base = script(0, base, Wrapping::OneMessage);
    let again = "CREATE INDEX IF NOT EXISTS i ON u (a);";
    let migrations = migrations(&[again, BUILD], Wrapping::None);
    let applied = all_applied(&migrations);
    let found = |base| shown(check(base, &migrations, &applied, VERSION).findings);
    // Its settings are gone afterwards.
    assert_eq!(found(Some(&base)), ["name-collision 1.sql:1"]);
    assert_eq!(found(None), nothing());
}

/// Neither what is found nor how long it takes grows with the square of the line.
#[test]
fn of_a_long_line_only_a_part_is_shown() {
    let text = (0..3000)
        .map(|number| format!("CREATE TABLE t{number} (a int);"))
        .collect::<String>();
    let script = script(1, &text, Wrapping::Transaction);
    let parsed = Parsed::new(&script).unwrap();
    let places = parsed.statements.iter().map(|statement| parsed.place_of(statement));
    let places = places.collect::<Vec<_>>();
    assert_eq!(places.len(), 3000);
    assert!(places.iter().all(|place| place.text.len() < 1000));
    let last = places.last().unwrap();
    let shown = last.text.chars().skip(last.before()).collect::<String>();
    assert_eq!(shown, "CREATE TABLE t2999 (a int);");
    assert_eq!(usize::try_from(last.column).unwrap(), text.len() - shown.len() + 1);
}
